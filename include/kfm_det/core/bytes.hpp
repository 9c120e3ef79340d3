// SPDX-License-Identifier: BSL-1.0
/// \file
/// Bytes, and their two texts: hex and base64. Both readers accept exactly what the writers give, so a text has one meaning and bytes have one text.
///
/// Thread-safety: pure functions.
#ifndef KFM_DET_CORE_BYTES_HPP
#define KFM_DET_CORE_BYTES_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "kfm_det/core/result.hpp"

namespace kfm_det {

using Bytes = std::string;
using BytesView = std::string_view;

/// Two lower-case digits for each byte.
[[nodiscard]] std::string to_hex(BytesView bytes);

/// Strict: an even number of lower-case digits. Errors: invalid_argument, with the offset.
[[nodiscard]] result<Bytes> from_hex(std::string_view text);

/// RFC 4648 section 4: the standard alphabet, padded.
[[nodiscard]] std::string to_base64(BytesView bytes);

/// Strict: standard alphabet, padding required, no white space, no stray bits in the last digit. Errors: invalid_argument, with the offset.
[[nodiscard]] result<Bytes> from_base64(std::string_view text);

namespace detail {

inline constexpr char hex_digits[] = "0123456789abcdef";

/// Sixteen bytes to 32 digits. Vector extensions of both compilers: lanes are in the order of memory on every machine.
inline void write_hex16(char* out, const char* bytes) noexcept {
  using Vector __attribute__((vector_size(16))) = unsigned char;
  Vector value;
  std::memcpy(&value, bytes, 16);
  const auto digits = [](Vector nibbles) noexcept -> Vector { return nibbles + '0' + (reinterpret_cast<Vector>(nibbles > 9) & static_cast<unsigned char>('a' - '0' - 10)); };
  const Vector high = digits(value >> 4), low = digits(value & 15);
  const Vector front = __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const Vector back = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  std::memcpy(out, &front, 16);
  std::memcpy(out + 16, &back, 16);
}

/// Writes 2 * bytes.size() characters at `out`; gives the end.
inline char* write_hex(char* out, BytesView bytes) noexcept {
  for (; bytes.size() >= 16; bytes.remove_prefix(16), out += 32) write_hex16(out, bytes.data());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *out++ = hex_digits[byte >> 4];
    *out++ = hex_digits[byte & 15];
  }
  return out;
}

struct HexPairs {
  static constexpr std::uint16_t none = 0x100;   ///< of what is no digit
  std::uint16_t high[256] = {}, low[256] = {};
  constexpr HexPairs() noexcept {
    for (unsigned i = 0; i < 256; ++i) high[i] = low[i] = none;
    for (unsigned i = 0; i < 16; ++i) {
      const auto digit = static_cast<unsigned char>(hex_digits[i]);
      high[digit] = static_cast<std::uint16_t>(16 * i);
      low[digit] = static_cast<std::uint16_t>(i);
    }
  }
};
inline constexpr HexPairs hex_pairs;

/// 0 to 15; more for anything but a lower-case digit.
constexpr unsigned hex_value(char c) noexcept { return hex_pairs.low[static_cast<unsigned char>(c)]; }

/// Reads text.size() / 2 bytes to `out`. Gives the offset of the first character that is no digit, or npos. By tables: reading a log reads two digests a line.
constexpr std::size_t read_hex(char* out, std::string_view text) noexcept {
  unsigned seen = 0;
  std::size_t i = 0;
  const auto pair = [&](std::size_t at) {
    const unsigned value = hex_pairs.high[static_cast<unsigned char>(text[at])] | hex_value(text[at + 1]);
    seen |= value;
    *out++ = static_cast<char>(static_cast<unsigned char>(value));
  };
  for (; i + 7 < text.size(); i += 8) pair(i), pair(i + 2), pair(i + 4), pair(i + 6);
  for (; i + 1 < text.size(); i += 2) pair(i);
  if (seen < HexPairs::none) return std::string_view::npos;
  for (i = 0;; ++i)
    if (hex_value(text[i]) > 15) return i;
}

inline std::string at_byte(std::size_t offset) { return std::string("byte ").append(std::to_string(offset)); }

inline constexpr char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr unsigned base64_value(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 26;
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0') + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return 255;
}

}  // namespace detail

inline std::string to_hex(BytesView bytes) {
  std::string out(bytes.size() * 2, '\0');
  detail::write_hex(out.data(), bytes);
  return out;
}

inline result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0)
    return Error(errc::invalid_argument, "hex needs an even number of digits", std::to_string(text.size()) + " characters");
  Bytes out(text.size() / 2, '\0');
  const std::size_t bad = detail::read_hex(out.data(), text);
  if (bad != std::string_view::npos)
    return Error(errc::invalid_argument, "not a lower-case hex digit", detail::at_byte(bad), "Write 0-9 and a-f.");
  return out;
}

inline std::string to_base64(BytesView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += j <= count ? detail::base64_digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

inline result<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0)
    return Error(errc::invalid_argument, "base64 comes in groups of four characters, padded with =", std::to_string(text.size()) + " characters");
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::size_t count = 4;  // digits in this group
    if (i + 4 == text.size() && text[i + 3] == '=') count = text[i + 2] == '=' ? 2 : 3;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const unsigned value = j < count ? detail::base64_value(text[i + j]) : 0;
      if (value > 63) return Error(errc::invalid_argument, "not a base64 digit", detail::at_byte(i + j), "Use the standard alphabet, without white space.");
      group = group << 6 | value;
    }
    if ((count == 2 && (group & 0xffff) != 0) || (count == 3 && (group & 0xff) != 0))
      return Error(errc::invalid_argument, "the last base64 digit carries stray bits", detail::at_byte(i + count - 1));
    for (std::size_t j = 0; j + 1 < count; ++j) out += static_cast<char>(static_cast<unsigned char>(group >> (16 - 8 * j) & 255));
  }
  return out;
}

}  // namespace kfm_det

#endif
