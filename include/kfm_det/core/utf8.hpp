// SPDX-License-Identifier: BSL-1.0
/// \file
/// UTF-8: validation with the offset of the first fault, the order that RFC 8785 sorts member names by, what does not merely print, and pieces of a text.
///
/// Valid means RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Nothing is ever normalised.
/// Thread-safety: pure functions.
#ifndef KFM_DET_CORE_UTF8_HPP
#define KFM_DET_CORE_UTF8_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kfm_det {

/// Compares two UTF-8 texts by their UTF-16 code units: negative, zero, positive.
///
/// That differs from byte order in one place: what lies beyond U+FFFF (surrogate pairs in UTF-16) comes before U+E000..U+FFFF.
/// On bytes that are not UTF-8 it is still a total order.
[[nodiscard]] constexpr int compare_utf16(std::string_view a, std::string_view b) noexcept {
  const std::size_t common = a.size() < b.size() ? a.size() : b.size();
  for (std::size_t i = 0; i < common; ++i) {
    if (a[i] == b[i]) continue;
    const auto rank = [](char c) constexpr noexcept -> int {
      const int byte = static_cast<unsigned char>(c);
      if (byte < 0xee) return byte;
      return byte < 0xf0 ? byte + 0x10 : byte - 2;  // a permutation: EE and EF (U+E000..U+FFFF) go behind F0..FF
    };
    return rank(a[i]) - rank(b[i]);
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

/// Order for std::map and sorts.
struct Utf16Less {
  using is_transparent = void;
  [[nodiscard]] constexpr bool operator()(std::string_view a, std::string_view b) const noexcept { return compare_utf16(a, b) < 0; }
};

/// Bytes of the well-formed code point that starts at text[at] (1 to 4); 0 when there is none.
[[nodiscard]] constexpr std::size_t utf8_length(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) constexpr noexcept -> unsigned { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const auto tail = [&](std::size_t i) constexpr noexcept { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0), second = byte(1);
  if (at >= text.size()) return 0;
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;  // a stray continuation byte, or overlong
  if (first < 0xe0) return tail(1) ? 2 : 0;
  if (first < 0xf0) {
    if (first == 0xe0 && second < 0xa0) return 0;  // overlong
    if (first == 0xed && second > 0x9f) return 0;  // surrogates
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first > 0xf4) return 0;
  if (first == 0xf0 && second < 0x90) return 0;  // overlong
  if (first == 0xf4 && second > 0x8f) return 0;  // above U+10FFFF
  return tail(1) && tail(2) && tail(3) ? 4 : 0;
}

/// Offset of the first byte that is not part of well-formed UTF-8; npos when all is well.
[[nodiscard]] constexpr std::size_t utf8_fault(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

/// The code point of the `length` (1 to 4) well-formed bytes at text[at].
[[nodiscard]] constexpr std::uint32_t code_point_at(std::string_view text, std::size_t at, std::size_t length) noexcept {
  const auto byte = [&](std::size_t i) constexpr noexcept { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])); };
  if (length == 1) return byte(0);
  std::uint32_t out = byte(0) & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) out = out << 6 | (byte(i) & 0x3fU);
  return out;
}

/// What does something else than print: controls (C0, DEL, C1), what turns the direction of text, separators, what is invisible, private use.
[[nodiscard]] constexpr bool is_control(std::uint32_t c) noexcept {
  struct Range { std::uint32_t first, last; };
  constexpr Range ranges[] = {{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x61c, 0x61c}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
                              {0x3164, 0x3164}, {0xe000, 0xf8ff}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0x10ffff}};
  for (const Range& range : ranges)
    if (c >= range.first && c <= range.last) return true;
  return false;
}

/// Appends a code point, which must be a Unicode scalar value.
inline void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) return put(0xc0 | code_point >> 6), put(0x80 | (code_point & 63));
  if (code_point < 0x10000) return put(0xe0 | code_point >> 12), put(0x80 | (code_point >> 6 & 63)), put(0x80 | (code_point & 63));
  put(0xf0 | code_point >> 18);
  put(0x80 | (code_point >> 12 & 63));
  put(0x80 | (code_point >> 6 & 63));
  put(0x80 | (code_point & 63));
}

namespace detail {
/// Pieces of a text of at most `bytes_max`, cut between characters: what is larger than a line of the log travels in several entries.
[[nodiscard]] inline std::vector<std::string_view> pieces(std::string_view text, std::size_t bytes_max) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    std::size_t end = text.size() < bytes_max ? text.size() : bytes_max;
    while (end < text.size() && end > 1 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}
/// How long a piece may be in a line of at most `line_bytes_max`: inside of a string every byte may need two, and the record stands around it.
[[nodiscard]] constexpr std::size_t piece_bytes_max(std::size_t line_bytes_max) noexcept {
  const std::size_t half = line_bytes_max / 2;
  return half > 8192 ? half - 4096 : 1024;
}
}  // namespace detail

}  // namespace kfm_det

#endif
