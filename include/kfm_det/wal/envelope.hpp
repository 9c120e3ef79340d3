// SPDX-License-Identifier: BSL-1.0
/// \file
/// Envelope, the writing side: one line of the log, and the MARK line that stands outside the chain.
///
///   frame  {"body":{"durable_upto":U,"format":1,"group":{"count":C,"index":I},"incarnation":K,"lsn":N,"prev":"<64 hex>","record":{...},"stream":"..."},"hash":"<64 hex>"}
///          the last frame of a group may end in ...,"hash":"<64 hex>","sig":{"alg":"ed25519","key":"<key id>","value":"<128 hex>"}} (wal/signature.hpp)
///   MARK   {"mark":{"format":1,"hash":"<64 hex>","incarnation":K,"lsn":N,"ordinal":O,"stream":"..."},"sum":"<64 hex>"}
///
/// `hash` = SHA-256("kfm_det/v1/frame\n" + body bytes); `sum` = SHA-256("kfm_det/v1/mark\n" + mark bytes). The hash of a whole line, which
/// the next frame's `prev` and every Head carry, is SHA-256("kfm_det/v1/line\n" + the bytes behind the body): they hold `hash` (so all of
/// the body) and the signature, if there is one; 74 bytes instead of the line again. The outer shape and these three rules never
/// change; what changes is `format`. Thread-safety: plain functions over values.
#ifndef KFM_DET_WAL_ENVELOPE_HPP
#define KFM_DET_WAL_ENVELOPE_HPP

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "kfm_det/contracts/signer.hpp"
#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/wal/record.hpp"
#include "kfm_det/wal/signature.hpp"

namespace kfm_det::wal {

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::string_view frame_domain = "kfm_det/v1/frame";
inline constexpr std::string_view line_domain = "kfm_det/v1/line";
inline constexpr std::string_view mark_domain = "kfm_det/v1/mark";

/// What the log knows about a frame before it is sealed.
struct Envelope {
  StreamId stream;
  Incarnation incarnation = 1;
  Lsn lsn = 0;
  Digest prev;                    ///< line hash of the frame before; zero before the first
  std::uint32_t group_index = 0;  ///< place in its atomic group
  std::uint32_t group_count = 1;
  Lsn durable_upto = 0;           ///< highest LSN known durable when the frame was written
};

/// A line that names what an earlier, acknowledged sync made durable. Outside the chain: it has no LSN of its own.
struct Mark {
  StreamId stream;
  Incarnation incarnation = 1;
  std::uint64_t ordinal = 0;  ///< of the segment it stands in
  Lsn lsn = 0;
  Digest hash;                ///< line hash of the frame at `lsn`
};

namespace detail {
/// A part of a line whose length has a bound. Written by a pointer: a string would look at every call whether it must grow.
class LinePart {
 public:
  template <std::size_t N>
  LinePart& text(const char (&literal)[N]) {
    std::memcpy(at_, literal, N - 1);
    at_ += N - 1;
    return *this;
  }
  /// 64-bit integers beyond 2^53-1 travel as strings (DESIGN 5).
  LinePart& number(std::uint64_t value) {
    const bool quoted = value > 9007199254740991u;
    if (quoted) *at_++ = '"';
    at_ = std::to_chars(at_, at_ + 20, value).ptr;
    if (quoted) *at_++ = '"';
    return *this;
  }
  LinePart& hex(const Digest& digest) {
    at_ = kfm_det::detail::write_hex(at_, digest.view());
    return *this;
  }
  [[nodiscard]] BytesView view() const { return {bytes_, static_cast<std::size_t>(at_ - bytes_)}; }

 private:
  char bytes_[320];   // the longest has five numbers of 22 characters, a digest and 104 of literals
  char* at_ = bytes_;
};

/// Appends `{"body":{...}`; answers where the body begins.
template <class Record>
[[nodiscard]] result<std::size_t> append_body(std::string& out, const Envelope& envelope, const Record& record) {
  const std::size_t start = out.size();
  detail::LinePart head;
  head.text("{\"body\":{\"durable_upto\":").number(envelope.durable_upto).text(",\"format\":1,\"group\":{\"count\":").number(envelope.group_count);
  head.text(",\"index\":").number(envelope.group_index).text("},\"incarnation\":").number(envelope.incarnation).text(",\"lsn\":").number(envelope.lsn);
  head.text(",\"prev\":\"").hex(envelope.prev).text("\",\"record\":");
  out += head.view();
  if (auto written = append_canonical(out, record); !written) {
    std::string where = "wal record";
    if constexpr (requires { record.step_id; }) where += " " + record.step_id;
    Error error = written.error().at(where);
    out.resize(start);
    return error;
  }
  out += ",\"stream\":\"";
  out += envelope.stream.text;  // path-safe by construction: nothing to escape
  out += "\"}";
  return start + std::string_view("{\"body\":").size();
}
}  // namespace detail

/// Appends one sealed line, without newline, to `out`; answers the line hash. On an error (a record that is not
/// canonical JSON) `out` is as before. The record is a WalRecord; whoever tests a Store may seal any Json object.
template <class Record = WalRecord>
[[nodiscard]] result<Digest> seal_frame(std::string& out, const Envelope& envelope, const Record& record) {
  KFM_DET_TRY(const std::size_t body, detail::append_body(out, envelope, record));
  detail::LinePart tail;
  tail.text(",\"hash\":\"").hex(domain_digest(frame_domain, BytesView(out).substr(body))).text("\"}");
  out += tail.view();
  return domain_digest(line_domain, tail.view());
}

/// As seal_frame, with a signature behind the hash. Errors: also the signer's; then too `out` is as before.
template <class Record, Signer S>
[[nodiscard]] result<Digest> seal_signed_frame(std::string& out, const Envelope& envelope, const Record& record, const S& signer) {
  const std::size_t start = out.size();
  KFM_DET_TRY(const std::size_t body, detail::append_body(out, envelope, record));
  const std::size_t behind = out.size();
  const std::string hash = domain_digest(frame_domain, BytesView(out).substr(body)).hex(), key = signer.key_id(), algorithm{signer.algorithm()};
  std::string what;
  signed_bytes(what, algorithm, key, hash, envelope.incarnation, envelope.lsn, envelope.stream.text);
  const bool can_stand = is_algorithm_name(algorithm) && is_key_id(key);
  const result<Bytes> value = can_stand ? signer.sign(what) : Error(errc::invalid_argument, "a key id or an algorithm that cannot stand in a line", key + ", " + algorithm, "Use 1 to 64 of A-Z a-z 0-9 . _ -");
  if (!value || value.value().size() > signature_bytes_max) {
    out.resize(start);
    return value ? Error(errc::limit_exceeded, "a signature of " + std::to_string(value.value().size()) + " bytes", "key " + key, "A line takes at most 256.") : value.error().at("signing LSN " + std::to_string(envelope.lsn));
  }
  out += ",\"hash\":\"" + hash + "\",\"sig\":{\"alg\":\"" + algorithm + "\",\"key\":\"" + key + "\",\"value\":\"" + to_hex(value.value()) + "\"}}";
  return domain_digest(line_domain, BytesView(out).substr(behind));
}

/// What makes an entry's id: the line before it, its run, and its place in that.
[[nodiscard]] inline EntryId entry_id(const Digest& prev, const RunId& run, std::uint64_t seq) {
  char place[8];
  for (int i = 0; i < 8; ++i) place[i] = static_cast<char>(seq >> (56 - 8 * i));
  const auto& uuid = run.uuid.bytes;
  return EntryId{uuid_v8(sha256({"kfm_det/v1/entry\n", prev.view(), BytesView(reinterpret_cast<const char*>(uuid.data()), uuid.size()), BytesView(place, sizeof place)}))};
}

/// Appends one MARK line, without newline.
inline void seal_mark(std::string& out, const Mark& mark) {
  out += "{\"mark\":";
  const std::size_t body = out.size();
  detail::LinePart head;
  head.text("{\"format\":1,\"hash\":\"").hex(mark.hash).text("\",\"incarnation\":").number(mark.incarnation).text(",\"lsn\":").number(mark.lsn);
  head.text(",\"ordinal\":").number(mark.ordinal).text(",\"stream\":\"");
  out += head.view();
  out += mark.stream.text;
  out += "\"}";
  detail::LinePart tail;
  tail.text(",\"sum\":\"").hex(domain_digest(mark_domain, BytesView(out).substr(body))).text("\"}");
  out += tail.view();
}

}  // namespace kfm_det::wal

#endif
