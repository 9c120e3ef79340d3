// SPDX-License-Identifier: BSL-1.0
/// \file
/// Envelope, the writing side: one line of the log, and the MARK line that stands outside the chain.
///
///   frame  {"body":{"durable_upto":U,"format":1,"group":{"count":C,"index":I},"incarnation":K,"lsn":N,"prev":"<64 hex>","record":{...},"stream":"..."},"hash":"<64 hex>"}
///   MARK   {"mark":{"format":1,"hash":"<64 hex>","incarnation":K,"lsn":N,"ordinal":O,"stream":"..."},"sum":"<64 hex>"}
///
/// `hash` = SHA-256("kfm_det/v1/frame\n" + body bytes); `sum` = SHA-256("kfm_det/v1/mark\n" + mark bytes). The hash of a whole line, which
/// the next frame's `prev` and every Head carry, is SHA-256("kfm_det/v1/line\n" + the bytes behind the body): they hold `hash` (so all of
/// the body) and the signature, if there is one; 74 bytes instead of the line again. The outer shape and these three rules never
/// change; what changes is `format`. Thread-safety: plain functions over values.
#ifndef KFM_DET_WAL_ENVELOPE_HPP
#define KFM_DET_WAL_ENVELOPE_HPP

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/wal/record.hpp"

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
/// 64-bit integers beyond 2^53-1 travel as strings (DESIGN 5).
inline void append_u64(std::string& out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const bool quoted = value > 9007199254740991u;
  if (quoted) out += '"';
  out.append(digits, end);
  if (quoted) out += '"';
}
inline void append_hex(std::string& out, const Digest& digest) {
  static constexpr char hex[] = "0123456789abcdef";
  char text[64];
  for (std::size_t i = 0; i < 32; ++i) {
    text[2 * i] = hex[digest.bytes[i] >> 4];
    text[2 * i + 1] = hex[digest.bytes[i] & 15];
  }
  out.append(text, sizeof text);
}
}  // namespace detail

/// Appends one sealed line, without newline, to `out`; answers the line hash. On an error (a record that is not
/// canonical JSON) `out` is as before.
[[nodiscard]] inline result<Digest> seal_frame(std::string& out, const Envelope& envelope, const WalRecord& record) {
  const std::size_t start = out.size();
  out += "{\"body\":";
  const std::size_t body = out.size();
  out += "{\"durable_upto\":";
  detail::append_u64(out, envelope.durable_upto);
  out += ",\"format\":1,\"group\":{\"count\":";
  detail::append_u64(out, envelope.group_count);
  out += ",\"index\":";
  detail::append_u64(out, envelope.group_index);
  out += "},\"incarnation\":";
  detail::append_u64(out, envelope.incarnation);
  out += ",\"lsn\":";
  detail::append_u64(out, envelope.lsn);
  out += ",\"prev\":\"";
  detail::append_hex(out, envelope.prev);
  out += "\",\"record\":";
  if (auto written = append_canonical(out, record); !written) {
    Error error = written.error().at("wal record " + record.step_id);
    out.resize(start);
    return error;
  }
  out += ",\"stream\":\"";
  out += envelope.stream.text;  // path-safe by construction: nothing to escape
  out += "\"}";
  const std::size_t tail = out.size();
  const Digest hash = domain_digest(frame_domain, BytesView(out).substr(body, tail - body));
  out += ",\"hash\":\"";
  detail::append_hex(out, hash);
  out += "\"}";
  return domain_digest(line_domain, BytesView(out).substr(tail));
}

/// Appends one MARK line, without newline.
inline void seal_mark(std::string& out, const Mark& mark) {
  out += "{\"mark\":";
  const std::size_t body = out.size();
  out += "{\"format\":1,\"hash\":\"";
  detail::append_hex(out, mark.hash);
  out += "\",\"incarnation\":";
  detail::append_u64(out, mark.incarnation);
  out += ",\"lsn\":";
  detail::append_u64(out, mark.lsn);
  out += ",\"ordinal\":";
  detail::append_u64(out, mark.ordinal);
  out += ",\"stream\":\"";
  out += mark.stream.text;
  out += "\"}";
  const Digest sum = domain_digest(mark_domain, BytesView(out).substr(body));
  out += ",\"sum\":\"";
  detail::append_hex(out, sum);
  out += "\"}";
}

}  // namespace kfm_det::wal

#endif
