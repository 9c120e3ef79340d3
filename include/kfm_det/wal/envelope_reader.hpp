// SPDX-License-Identifier: BSL-1.0
/// \file
/// Envelope, the reading side: what one line is, judged by its own bytes and hash alone.
///
/// Verification hashes the bytes that are there and never re-serialises. A line that does not verify is garbage, whatever it looks
/// like; a line that verifies but has a higher `format` was written by a newer version. Thread-safety: plain functions over values.
#ifndef KFM_DET_WAL_ENVELOPE_READER_HPP
#define KFM_DET_WAL_ENVELOPE_READER_HPP

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/wal/envelope.hpp"

namespace kfm_det::wal {

enum class LineKind : std::uint8_t { garbage, frame, mark, newer_format };

/// A line that was looked at. Views point into the line.
struct Line {
  LineKind kind = LineKind::garbage;
  std::string_view stream;
  Incarnation incarnation = 0;
  Lsn lsn = 0;                   ///< of the frame; of a MARK: what it names
  Digest link;                   ///< of a frame: `prev`; of a MARK: the hash it names
  Digest hash;                   ///< of a frame: its line hash
  std::uint32_t group_index = 0, group_count = 1;
  Lsn durable_upto = 0;
  std::uint64_t ordinal = 0;     ///< of a MARK
  std::string_view record;       ///< of a frame: the canonical record
  SignatureView signature;       ///< of a frame: what stands behind its hash, not verified; empty where nothing does
  std::string_view sealed_hash;  ///< of a frame: the 64 digits of its hash
};

namespace detail {

/// Eats fixed texts and numbers off the front of a view.
class LineCursor {
 public:
  explicit LineCursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}
  template <std::size_t size>
  [[gnu::always_inline]] bool text(const char (&expected)[size]) {   // inlined, its length is a constant, and nothing is called
    if (left() < size - 1 || std::memcmp(at_, expected, size - 1) != 0) return false;
    at_ += size - 1;
    return true;
  }
  [[gnu::always_inline]] bool number(std::uint64_t& into) {
    const bool quoted = text("\"");
    const auto got = std::from_chars(at_, end_, into);
    if (got.ec != std::errc() || (got.ptr - at_ > 1 && *at_ == '0')) return false;
    at_ = got.ptr;
    return !quoted || text("\"");
  }
  [[gnu::always_inline]] bool number(std::uint32_t& into) {
    std::uint64_t wide = 0;
    if (!number(wide) || wide > 0xffffffffu) return false;
    into = static_cast<std::uint32_t>(wide);
    return true;
  }
  [[gnu::always_inline]] bool digest(Digest& into) {
    if (left() < 64) return false;
    if (kfm_det::detail::read_hex(reinterpret_cast<char*>(into.bytes.data()), {at_, 64}) != std::string_view::npos) return false;
    at_ += 64;
    return true;
  }
  [[nodiscard]] std::string_view rest() const { return {at_, left()}; }

 private:
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  const char *at_, *end_;
};

/// Where the last `seal` begins. Nearly always it ends the line, or the four commas of a signature lead to it; else a search backwards.
[[gnu::always_inline]] inline std::size_t find_seal(std::string_view line, std::string_view seal) {
  const std::size_t from_end = seal.size() + 64 + 2;
  if (line.size() < from_end) return std::string_view::npos;
  if (const std::size_t at = line.size() - from_end; line.substr(at, seal.size()) == seal) return at;
  std::size_t comma = line.size();
  for (int i = 0; i < 4 && comma != std::string_view::npos && comma != 0; ++i) comma = line.rfind(',', comma - 1);
  return comma != std::string_view::npos && line.substr(comma, seal.size()) == seal ? comma : line.rfind(seal);
}

/// `{"<name>":X,"<seal>":"<64 hex>"...}` with X verified against the seal. The outer shape of every format, for ever.
struct Sealed { std::string_view inner, behind; };
template <const std::string_view& domain>
[[gnu::always_inline]] inline std::optional<Sealed> open_seal(std::string_view line, std::string_view head, std::string_view seal) {
  if (!line.starts_with(head)) return std::nullopt;
  const std::size_t at = find_seal(line, seal);
  if (at == std::string_view::npos || at < head.size()) return std::nullopt;
  const Sealed sealed{line.substr(head.size(), at - head.size()), line.substr(at)};
  LineCursor cursor(sealed.behind.substr(seal.size()));
  Digest stated;
  if (!cursor.digest(stated) || !cursor.text("\"") || !cursor.rest().ends_with("}")) return std::nullopt;
  if (cursor.rest() != "}" && !cursor.rest().starts_with(",\"sig\":")) return std::nullopt;
  if (domain_digest<domain>(sealed.inner) != stated) return std::nullopt;
  return sealed;
}

/// Where the last member of an object begins, `name` and its text without escapes; npos when it is another one.
inline std::size_t last_member(std::string_view object, std::string_view name) {
  if (!object.ends_with("\"}") || object.size() < name.size() + 2) return std::string_view::npos;
  const std::size_t quote = object.rfind('"', object.size() - 3);
  if (quote == std::string_view::npos || quote + 1 < name.size()) return std::string_view::npos;
  const std::size_t at = quote + 1 - name.size();
  return object.substr(at, name.size()) == name ? at : std::string_view::npos;
}

inline bool is_newer_format(std::string_view inner) {
  const auto json = parse_json(inner);
  if (!json) return false;
  const Json* format = json.value().find("format");
  return format && format->number() && *format->number() > double{format_version};
}

}  // namespace detail

/// What `line` (without its newline) is. Costs one SHA-256 over it; never fails, never allocates for a good line.
[[nodiscard]] inline Line read_line(std::string_view line) {
  Line out;
  if (const auto sealed = detail::open_seal<frame_domain>(line, "{\"body\":", ",\"hash\":\"")) {
    detail::LineCursor at(sealed->inner);
    const std::size_t stream = detail::last_member(sealed->inner, ",\"stream\":\"");
    const bool good = at.text("{\"durable_upto\":") && at.number(out.durable_upto) && at.text(",\"format\":1,\"group\":{\"count\":") && at.number(out.group_count) &&
                      at.text(",\"index\":") && at.number(out.group_index) && at.text("},\"incarnation\":") && at.number(out.incarnation) && at.text(",\"lsn\":") &&
                      at.number(out.lsn) && at.text(",\"prev\":\"") && at.digest(out.link) && at.text("\",\"record\":") && stream != std::string_view::npos &&
                      sealed->inner.ends_with("\"}") && at.rest().size() >= sealed->inner.size() - stream && out.group_index < out.group_count && out.lsn != 0;
    if (!good) {
      out.kind = detail::is_newer_format(sealed->inner) ? LineKind::newer_format : LineKind::garbage;
      return out;
    }
    out.record = at.rest().substr(0, at.rest().size() - (sealed->inner.size() - stream));
    out.stream = sealed->inner.substr(stream + 11, sealed->inner.size() - stream - 13);
    out.sealed_hash = sealed->behind.substr(9, 64);
    if (const auto behind = sealed->behind.substr(74); behind != "}" && !read_signature(behind, out.signature)) return out;
    out.hash = domain_digest<line_domain>(sealed->behind);
    out.kind = LineKind::frame;
    return out;
  }
  if (const auto sealed = detail::open_seal<mark_domain>(line, "{\"mark\":", ",\"sum\":\"")) {
    detail::LineCursor at(sealed->inner);
    const bool good = at.text("{\"format\":1,\"hash\":\"") && at.digest(out.link) && at.text("\",\"incarnation\":") && at.number(out.incarnation) && at.text(",\"lsn\":") &&
                      at.number(out.lsn) && at.text(",\"ordinal\":") && at.number(out.ordinal) && at.text(",\"stream\":\"") && at.rest().ends_with("\"}");
    if (!good) {
      out.kind = detail::is_newer_format(sealed->inner) ? LineKind::newer_format : LineKind::garbage;
      return out;
    }
    out.stream = at.rest().substr(0, at.rest().size() - 2);
    out.kind = LineKind::mark;
  }
  return out;
}

/// The record of a frame that read_line accepted. errc::unsupported_version for a phase, status or member that this version does not know:
/// unknown content is never skipped in silence.
[[nodiscard]] inline result<WalRecord> read_record(const Line& line) {
  auto record = read_canonical<WalRecord>(line.record);
  if (!record)
    return Error(errc::unsupported_version, "a record that this version cannot read: " + record.error().what(),
                 "lsn " + std::to_string(line.lsn) + (record.error().where().empty() ? "" : ", " + record.error().where()),
                 "Read this log with the version that wrote it, or a newer one.");
  return record;
}

}  // namespace kfm_det::wal

#endif
