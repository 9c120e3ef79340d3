// SPDX-License-Identifier: BSL-1.0
/// \file
/// The letters of canonical JSON: numbers as ECMAScript writes them, and runs of characters that need no escape. For core/json_writer.hpp.
///
/// Thread-safety: pure functions.
#ifndef KFM_DET_CORE_JSON_TEXT_HPP
#define KFM_DET_CORE_JSON_TEXT_HPP

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "kfm_det/core/utf8.hpp"

namespace kfm_det::detail {

[[nodiscard]] constexpr bool is_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

/// Sixteen bytes in one register (the vector extension of both compilers; any machine, lanes in the order of memory).
using SixteenBytes __attribute__((vector_size(16))) = signed char;

/// is_plain of all sixteen. Control characters and what is not ASCII are both below a space, as signed numbers.
[[nodiscard]] inline bool all_plain(SixteenBytes bytes) noexcept {
  const auto odd = (bytes < 0x20) | (bytes == '"') | (bytes == '\\');
  std::uint64_t halves[2];
  std::memcpy(halves, &odd, 16);
  return (halves[0] | halves[1]) == 0;
}

/// Copies as long as bytes are plain. Gives how many surely were: `size` when all are; otherwise fewer, perhaps fewer than could be. Writes no byte beyond `size`.
[[nodiscard]] inline std::size_t copy_plain(char* out, const char* from, std::size_t size) noexcept {
  SixteenBytes bytes;
  std::size_t at = 0;
  if (size >= 16) {
    for (; at + 16 <= size; at += 16) {
      std::memcpy(&bytes, from + at, 16);
      if (!all_plain(bytes)) return at;
      std::memcpy(out + at, &bytes, 16);
    }
    std::memcpy(&bytes, from + size - 16, 16);  // the last ones once more, together with what is left
    if (!all_plain(bytes)) return at;
    std::memcpy(out + size - 16, &bytes, 16);
    return size;
  }
  if (size >= 8) {
    std::uint64_t ends[2];
    std::memcpy(&ends[0], from, 8);
    std::memcpy(&ends[1], from + size - 8, 8);
    std::memcpy(&bytes, ends, 16);
    if (!all_plain(bytes)) return 0;
    std::memcpy(out, &ends[0], 8);
    std::memcpy(out + size - 8, &ends[1], 8);
    return size;
  }
  for (; at < size && is_plain(from[at]); ++at) out[at] = from[at];
  return at;
}

/// End of the run that goes into a string as it is, from `at` on: plain bytes, and well-formed UTF-8 behind ASCII.
[[nodiscard]] inline std::size_t skip_verbatim(std::string_view text, std::size_t at) noexcept {
  while (at < text.size()) {
    for (SixteenBytes bytes; at + 16 <= text.size(); at += 16) {
      std::memcpy(&bytes, text.data() + at, 16);
      if (!all_plain(bytes)) break;
    }
    const std::size_t stop = at + 16;  // look closely at those, then in strides again
    for (; at < text.size() && at < stop; ++at) {
      if (is_plain(text[at])) continue;
      const std::size_t length = static_cast<unsigned char>(text[at]) < 0x80 ? 0 : utf8_length(text, at);
      if (length == 0) return at;
      at += length - 1;
    }
  }
  return at;
}

inline constexpr std::size_t number_size_max = 32;

/// ECMAScript's Number::toString for a finite number; gives the end.
inline char* write_number(char* out, double value) noexcept {
  if (value == 0) { *out = '0'; return out + 1; }  // also -0
  constexpr double whole_max = 9007199254740992.0;
  if (value >= -whole_max && value <= whole_max) {
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<double>(whole) == value) return std::to_chars(out, out + number_size_max, whole).ptr;
  }
  char text[number_size_max];  // [-]d[.ddd]e(+|-)dd[d]
  const char* const end = std::to_chars(text, text + number_size_max, value, std::chars_format::scientific).ptr;
  const char* at = text;
  if (*at == '-') *out++ = *at++;
  char digits[number_size_max];
  int count = 0;
  for (; *at != 'e'; ++at)
    if (*at != '.') digits[count++] = *at;
  const bool negative = at[1] == '-';
  int exponent = 0;
  for (at += 2; at != end; ++at) exponent = exponent * 10 + (*at - '0');
  const int point = (negative ? -exponent : exponent) + 1;  // the decimal point stands behind this many digits
  const auto copy = [&](int from, int to) { for (int i = from; i < to; ++i) *out++ = digits[i]; };
  if (point > 21 || point <= -6) {
    copy(0, 1);
    if (count > 1) { *out++ = '.'; copy(1, count); }
    *out++ = 'e';
    *out++ = point > 0 ? '+' : '-';
    return std::to_chars(out, out + 4, point > 0 ? point - 1 : 1 - point).ptr;
  }
  if (point <= 0) {
    *out++ = '0', *out++ = '.';
    for (int i = point; i < 0; ++i) *out++ = '0';
    copy(0, count);
  } else if (count <= point) {
    copy(0, count);
    for (int i = count; i < point; ++i) *out++ = '0';
  } else {
    copy(0, point);
    *out++ = '.';
    copy(point, count);
  }
  return out;
}

}  // namespace kfm_det::detail

#endif
