// SPDX-License-Identifier: BSL-1.0
/// \file
/// Signature: what stands behind the hash of a signed line, and which bytes were signed.
///
///   ,"sig":{"alg":"ed25519","key":"<key id>","value":"<128 hex>"}
///
/// Signed is `signature_domain` LF and the canonical object of algorithm, the frame's hash, incarnation, key id, LSN and stream: so a signature cannot be
/// moved to another place or log, nor be read under another key or algorithm. The frame's hash covers `prev`, and so everything before it. The line hash
/// covers the signature: taking one away breaks the next `prev`. Thread-safety: plain functions over values.
#ifndef KFM_DET_WAL_SIGNATURE_HPP
#define KFM_DET_WAL_SIGNATURE_HPP

#include <cstdint>
#include <string>
#include <string_view>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/bytes.hpp"

namespace kfm_det::wal {

inline constexpr std::string_view signature_domain = "kfm_det/v1/signature";
inline constexpr std::size_t algorithm_bytes_max = 32, key_id_bytes_max = 64, signature_bytes_max = 256;

/// Which lines of a log that has a signer are signed: always the last one of a group, because the chain covers what is before it.
enum class Signing : std::uint8_t {
  none,
  each_group,  ///< every group has a seal of its own
  each_sync,   ///< the groups that commit() makes durable; what append() wrote before is covered by the next of them, and has no seal until then
};

/// The signature of a line, as it stands there: nothing is verified. Views point into the line.
struct SignatureView {
  std::string_view algorithm, key;
  std::string_view value;   ///< hex, two digits for each byte
  explicit operator bool() const noexcept { return !algorithm.empty(); }
};

[[nodiscard]] constexpr bool is_algorithm_name(std::string_view text) noexcept {
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  return !text.empty() && text.size() <= algorithm_bytes_max;
}
[[nodiscard]] constexpr bool is_key_id(std::string_view text) noexcept {
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-')) return false;
  return !text.empty() && text.size() <= key_id_bytes_max;
}

/// What a signature is of. Replaces `out`, whose buffer is used again.
inline void signed_bytes(std::string& out, std::string_view algorithm, std::string_view key, BytesView frame_hash_hex, Incarnation incarnation, Lsn lsn, std::string_view stream) {
  const auto number = [&out](std::uint64_t value) {   // beyond 2^53-1 a string (DESIGN 5)
    const bool quoted = value > 9007199254740991u;
    if (quoted) out += '"';
    out += std::to_string(value);
    if (quoted) out += '"';
  };
  out.assign(signature_domain);
  out += "\n{\"alg\":\"";
  out += algorithm;   // none of these texts holds anything to escape
  out += "\",\"hash\":\"";
  out += frame_hash_hex;
  out += "\",\"incarnation\":";
  number(incarnation);
  out += ",\"key\":\"";
  out += key;
  out += "\",\"lsn\":";
  number(lsn);
  out += ",\"stream\":\"";
  out += stream;
  out += "\"}";
}

/// The text behind the hash's closing quote, `,"sig":{...}}`, whole; false for anything that is not exactly that.
[[nodiscard]] inline bool read_signature(std::string_view text, SignatureView& into) {
  const auto part = [&text](std::string_view name, std::string_view& value) {
    if (!text.starts_with(name)) return false;
    text.remove_prefix(name.size());
    const std::size_t end = text.find('"');
    if (end == std::string_view::npos) return false;
    value = text.substr(0, end);
    text.remove_prefix(end + 1);
    return true;
  };
  SignatureView out;
  if (!part(",\"sig\":{\"alg\":\"", out.algorithm) || !part(",\"key\":\"", out.key) || !part(",\"value\":\"", out.value) || text != "}}") return false;
  if (!is_algorithm_name(out.algorithm) || !is_key_id(out.key) || out.value.size() % 2 != 0 || out.value.size() > 2 * signature_bytes_max) return false;
  for (const char c : out.value)
    if (kfm_det::detail::hex_value(c) > 15) return false;
  into = out;
  return true;
}

}  // namespace kfm_det::wal

#endif
