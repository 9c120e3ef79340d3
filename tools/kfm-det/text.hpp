// SPDX-License-Identifier: BSL-1.0
/// \file
/// Texts for a person: what strangers wrote, made harmless, and amounts in words.
///
/// A record's text is a stranger's: it may hold what moves a cursor, renames a window or turns a line around. printable() lets through what only prints,
/// and writes everything else out. Thread-safety: pure functions.
#ifndef KFM_DET_TOOLS_KFM_DET_TEXT_HPP
#define KFM_DET_TOOLS_KFM_DET_TEXT_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <kfm_det/core/time.hpp>
#include <kfm_det/core/utf8.hpp>

namespace kfm_det::tool {

/// Columns of a character that prints: 0 for marks that sit on the one before, 2 for wide ones. Near enough for columns that line up.
[[nodiscard]] constexpr std::size_t columns_of(std::uint32_t c) noexcept {
  struct Range { std::uint32_t first, last; };
  constexpr Range marks[] = {{0x300, 0x36f}, {0x483, 0x489}, {0x591, 0x5bd}, {0x610, 0x61a}, {0x64b, 0x65f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f}};
  constexpr Range wide[] = {{0x1100, 0x115e}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
  for (const Range& range : marks)
    if (c >= range.first && c <= range.last) return 0;
  for (const Range& range : wide)
    if (c >= range.first && c <= range.last) return 2;
  return 1;
}

/// Columns of a text that printable() gave.
[[nodiscard]] std::size_t width_of(std::string_view printable_text);
/// The text with everything that does not merely print written out: \n, \t, \u{1b}, and \xNN for bytes that are no UTF-8. A backslash is doubled, so the text can be read back.
[[nodiscard]] std::string printable(std::string_view text);
/// The same for a text whose writer has written such things out already: its backslashes stay as they are.
[[nodiscard]] std::string printable_still(std::string_view text);
/// The front of a printable text in at most `columns` columns; what was longer ends in "..".
[[nodiscard]] std::string cut(std::string_view printable_text, std::size_t columns);
/// Canonical JSON, for a terminal: the same value, with what would not merely print written as \uXXXX.
[[nodiscard]] std::string json_for_terminal(std::string_view json);

/// "1 record", "2 records".
[[nodiscard]] std::string count_of(std::uint64_t count, std::string_view noun);
/// "850 us", "12.3 ms", "4.20 s", "3 min 5 s", "2 h 7 min", "3 d 4 h".
[[nodiscard]] std::string text_of(Duration duration);
/// "512 B", "1.4 KiB".
[[nodiscard]] std::string bytes_of(std::uint64_t bytes);
/// "2026-11-24T16:09:36Z".
[[nodiscard]] inline std::string second_of(Instant at) { return at.to_rfc3339().substr(0, 19) + "Z"; }
/// "16:09:36.123".
[[nodiscard]] inline std::string time_of_day(Instant at) { return at.to_rfc3339().substr(11, 12); }
[[nodiscard]] inline std::string day_of(Instant at) { return at.to_rfc3339().substr(0, 10); }

// --- how ----------------------------------------------------------------------------------------------------------------

inline std::size_t width_of(std::string_view text) {
  std::size_t out = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    out += length == 0 ? 1 : columns_of(code_point_at(text, at, length));
    at += length == 0 ? 1 : length;
  }
  return out;
}

namespace detail {
inline std::string printable(std::string_view text, std::string_view backslash) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(text[at++]);
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
      continue;
    }
    const std::uint32_t c = code_point_at(text, at, length);
    if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (c == '\\') out += backslash;
    else if (!is_control(c)) out += text.substr(at, length);
    else {
      std::string hex;
      for (std::uint32_t rest = c; rest != 0 || hex.size() < 2; rest >>= 4) hex.insert(hex.begin(), digits[rest & 15]);
      out += "\\u{" + hex + "}";
    }
    at += length;
  }
  return out;
}
}  // namespace detail

inline std::string printable(std::string_view text) { return detail::printable(text, "\\\\"); }
inline std::string printable_still(std::string_view text) { return detail::printable(text, "\\"); }

inline std::string cut(std::string_view text, std::size_t columns) {
  if (width_of(text) <= columns) return std::string(text);
  const std::size_t room = columns < 2 ? 0 : columns - 2;
  std::string out;
  for (std::size_t at = 0, used = 0; at < text.size();) {
    const std::size_t found = utf8_length(text, at), length = found == 0 ? 1 : found;
    used += found == 0 ? 1 : columns_of(code_point_at(text, at, length));
    if (used > room) break;
    out += text.substr(at, length);
    at += length;
  }
  return out + std::string(columns < 2 ? columns : 2, '.');
}

inline std::string json_for_terminal(std::string_view json) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  const auto unit = [&](std::uint32_t value) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[value >> shift & 15];
  };
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t found = utf8_length(json, at), length = found == 0 ? 1 : found;
    const std::uint32_t c = found == 0 ? 0xfffd : code_point_at(json, at, length);
    if (c == '\n' || (found != 0 && !is_control(c))) out += json.substr(at, length);
    else if (c < 0x10000) unit(c);
    else { unit(0xd800 + ((c - 0x10000) >> 10)); unit(0xdc00 + ((c - 0x10000) & 0x3ff)); }
    at += length;
  }
  return out;
}

inline std::string count_of(std::uint64_t count, std::string_view noun) { return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s"); }

namespace detail {
/// `value` / 10^`places`, cut.
[[nodiscard]] inline std::string fixed(std::uint64_t value, std::uint64_t unit, unsigned places) {
  std::string out = std::to_string(value / unit);
  if (places != 0) out += '.';
  for (std::uint64_t rest = value % unit; places != 0; --places) {
    rest *= 10;
    out += static_cast<char>('0' + static_cast<int>(rest / unit));
    rest %= unit;
  }
  return out;
}
}  // namespace detail

inline std::string text_of(Duration duration) {
  const bool negative = duration.ns < 0;
  const std::uint64_t ns = negative ? std::uint64_t{0} - static_cast<std::uint64_t>(duration.ns) : static_cast<std::uint64_t>(duration.ns);
  const std::uint64_t s = ns / 1'000'000'000;
  std::string out;
  if (ns == 0) return "0 s";
  if (ns < 1'000'000) out = std::to_string(ns / 1000) + " us";
  else if (ns < 1'000'000'000) out = detail::fixed(ns, 1'000'000, ns < 100'000'000 ? 1 : 0) + " ms";
  else if (s < 60) out = detail::fixed(ns, 1'000'000'000, s < 10 ? 2 : 1) + " s";
  else if (s < 3600) out = std::to_string(s / 60) + " min " + std::to_string(s % 60) + " s";
  else if (s < 86'400) out = std::to_string(s / 3600) + " h " + std::to_string(s % 3600 / 60) + " min";
  else out = std::to_string(s / 86'400) + " d " + std::to_string(s % 86'400 / 3600) + " h";
  return negative ? "-" + out : out;
}

inline std::string bytes_of(std::uint64_t bytes) {
  constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t at = 0;
  std::uint64_t unit = 1;
  for (; at + 1 < std::size(units) && bytes / unit >= 1024; ++at) unit *= 1024;
  return detail::fixed(bytes, unit, at == 0 ? 0 : 1) + " " + std::string(units[at]);
}

}  // namespace kfm_det::tool

#endif
