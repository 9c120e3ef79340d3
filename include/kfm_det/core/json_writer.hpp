// SPDX-License-Identifier: BSL-1.0
/// \file
/// Canonical JSON (RFC 8785): the bytes that everything is hashed over.
///
/// `canonical(value)` for a Json in memory; JsonWriter for those who write as they go, and core/describe.hpp for typed structs.
/// Strings must be valid UTF-8 and are not normalised; NaN and infinities are errors; integers beyond 2^53 - 1 become decimal strings.
/// Thread-safety: a writer belongs to one thread. On an error the text that it was given to append to is as it was.
#ifndef KFM_DET_CORE_JSON_WRITER_HPP
#define KFM_DET_CORE_JSON_WRITER_HPP

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det {

/// Appends to a std::string. The first error sticks and finish() tells it; after it, calls do nothing that can be seen.
///
/// The caller gives the members of an object in the order of compare_utf16, each once: the writer does not sort, and does not look.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out, std::size_t depth_max = limits::json_depth_max) noexcept : out_(out), start_(out.size()), depth_max_(depth_max) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void null() { separate(); literal("null"); }
  void boolean(bool value) { separate(); value ? literal("true") : literal("false"); }
  void number(double value);
  template <detail::Integer T> void integer(T value);
  void string(std::string_view value) { separate(); quote(value); }
  /// ASCII that needs no escape, such as hex or a UUID.
  void plain_string(std::string_view value);
  /// Canonical JSON of one value, taken as it is.
  void raw(std::string_view canonical_value) { separate(); append(canonical_value); }

  void begin_object() { open('{'); }
  void key(std::string_view name) { separate(); quote(name); put(':'); comma_ = false; }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  /// Records an error, unless there is one already.
  void fail(Error error) { if (!error_) error_.emplace(std::move(error)); }
  [[nodiscard]] bool failed() const noexcept { return error_.has_value(); }
  /// Says from inside out where an error is: a member name, or "[3]".
  void locate(std::string_view step);
  /// Must be called at the end. Errors: invalid_json (a string that is not UTF-8, a number that JSON cannot write), limit_exceeded (depth).
  [[nodiscard]] result<void> finish();

  /// Bytes as a string of hex digits.
  void hex(BytesView bytes);
  /// For core/describe.hpp: a comma, a quoted name and a colon, of N bytes that are known at compile time; the comma is left out where none belongs.
  template <std::size_t N>
  void member(const char* comma_and_key) {
    static_assert(N <= chunk_size, "kfm_det: a JSON name of a described field is too long");
    char* const out = room(N);
    if (comma_) {
      std::memcpy(out, comma_and_key, N);
      at_ += N;
    } else {
      std::memcpy(out, comma_and_key + 1, N - 1);
      at_ += N - 1;
    }
    comma_ = false;
  }

 private:
  static constexpr std::size_t chunk_size = 1024;

  void separate() { if (comma_) put(','); comma_ = true; }
  void open(char bracket) { separate(); put(bracket); comma_ = false; if (++depth_ > depth_max_) too_deep(); }
  void close(char bracket) { put(bracket); comma_ = true; --depth_; }
  void put(char c) { *room(1) = c; ++at_; }
  template <std::size_t N> void literal(const char (&text)[N]) { std::memcpy(room(N - 1), text, N - 1); at_ += N - 1; }
  /// Where the next `count` bytes may be written; count is at most chunk_size.
  [[nodiscard]] char* room(std::size_t count) {
    if (static_cast<std::size_t>(chunk_ + chunk_size - at_) < count) flush();
    return at_;
  }
  void flush() { out_.append(chunk_, static_cast<std::size_t>(at_ - chunk_)); at_ = chunk_; }
  void append(std::string_view text);
  void quote(std::string_view text);
  void quote_rest(std::string_view text, std::size_t at);
  void too_deep();

  // Bytes gather here and go to the text in one append: a string grows by checked calls, this by a pointer.
  char chunk_[chunk_size];
  char* at_ = chunk_;
  std::string& out_;
  std::size_t start_;
  std::size_t depth_max_;
  std::size_t depth_ = 0;
  bool comma_ = false;
  std::optional<Error> error_;
  std::string path_;
};

void write(JsonWriter& writer, const Json& value);
/// Appends the canonical form. Errors: invalid_json, limit_exceeded (deeper than depth_max); then `out` is as it was.
[[nodiscard]] result<void> append_canonical(std::string& out, const Json& value, std::size_t depth_max = limits::json_depth_max);
[[nodiscard]] result<std::string> canonical(const Json& value, std::size_t depth_max = limits::json_depth_max);

namespace detail {

/// Of eight bytes at once: whether each is ASCII, at least a space, and neither quote nor backslash.
[[nodiscard]] inline bool all_plain(std::uint64_t word) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101U, highs = 0x8080808080808080U;
  const std::uint64_t quotes = word ^ (ones * '"'), slashes = word ^ (ones * '\\');
  return (((word - ones * 0x20) | (quotes - ones) | (slashes - ones) | word) & highs) == 0;  // a borrow can only raise a false alarm behind a true one
}
[[nodiscard]] constexpr bool is_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
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

}  // namespace detail

inline void JsonWriter::number(double value) {
  separate();
  if (!(value - value == 0)) return fail(Error(errc::invalid_json, "JSON cannot write NaN or infinity", {}, "Leave the member out, or write what is meant as a string."));
  at_ = detail::write_number(room(detail::number_size_max), value);
}

template <detail::Integer T>
void JsonWriter::integer(T value) {
  separate();
  char* out = room(detail::number_size_max);
  if (detail::is_safe_integer(value)) {
    at_ = std::to_chars(out, out + detail::number_size_max, value).ptr;
  } else {
    *out++ = '"';
    out = std::to_chars(out, out + detail::number_size_max - 2, value).ptr;
    *out++ = '"';
    at_ = out;
  }
}

inline void JsonWriter::plain_string(std::string_view value) {
  separate();
  put('"');
  append(value);
  put('"');
}

inline void JsonWriter::hex(BytesView bytes) {
  if (bytes.size() > 256) return plain_string(to_hex(bytes));
  separate();
  char* out = room(2 * bytes.size() + 2);
  *out++ = '"';
  out = detail::write_hex(out, bytes);
  *out++ = '"';
  at_ = out;
}

inline void JsonWriter::append(std::string_view text) {
  if (text.size() <= static_cast<std::size_t>(chunk_ + chunk_size - at_)) {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return;
  }
  flush();
  out_.append(text);
}

inline void JsonWriter::quote(std::string_view text) {
  if (text.size() + 2 > chunk_size) {
    put('"');
    return quote_rest(text, 0);
  }
  char* out = room(text.size() + 2);
  const char* const data = text.data();
  std::size_t at = 0;
  *out++ = '"';
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + at, 8);
    if (!detail::all_plain(word)) break;
    std::memcpy(out + at, &word, 8);
  }
  for (; at < text.size() && detail::is_plain(data[at]); ++at) out[at] = data[at];
  at_ = out + at;
  if (at == text.size()) *at_++ = '"';
  else quote_rest(text, at);
}

inline void JsonWriter::quote_rest(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    std::size_t end = at;  // of a run that goes as it is
    while (end < text.size()) {
      const std::size_t length = detail::is_plain(text[end]) ? 1 : static_cast<unsigned char>(text[end]) < 0x7f ? 0 : utf8_length(text, end);
      if (length == 0) break;
      end += length;
    }
    append(text.substr(at, end - at));
    if (end == text.size()) break;
    const char c = text[end];
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x7f) return fail(Error(errc::invalid_json, "a string is not valid UTF-8", detail::at_byte(end) + " of the string", "Carry bytes as hex or base64."));
    char* out = room(6);
    *out++ = '\\';
    switch (c) {
      case '"': case '\\': *out++ = c; break;
      case '\b': *out++ = 'b'; break;
      case '\t': *out++ = 't'; break;
      case '\n': *out++ = 'n'; break;
      case '\f': *out++ = 'f'; break;
      case '\r': *out++ = 'r'; break;
      default:
        *out++ = 'u', *out++ = '0', *out++ = '0';
        *out++ = detail::hex_digits[byte >> 4];
        *out++ = detail::hex_digits[byte & 15];
    }
    at_ = out;
    at = end + 1;
  }
  put('"');
}

inline void JsonWriter::locate(std::string_view step) {
  std::string path(step);
  if (!path_.empty() && path_[0] != '[') path += '.';
  path_ = path + path_;
}

inline void JsonWriter::too_deep() {
  fail(Error(errc::limit_exceeded, "JSON is nested deeper than " + std::to_string(depth_max_) + " levels", {}, "Flatten it."));
}

inline result<void> JsonWriter::finish() {
  flush();
  if (!error_) return success();
  out_.resize(start_);
  return path_.empty() ? *error_ : error_->at(path_);
}

inline void write(JsonWriter& writer, const Json& value) {
  switch (value.kind()) {
    case Json::Kind::null: return writer.null();
    case Json::Kind::boolean: return writer.boolean(*value.boolean());
    case Json::Kind::number: return writer.number(*value.number());
    case Json::Kind::string: return writer.string(*value.string());
    case Json::Kind::array: {
      writer.begin_array();
      const Json::Array& items = value.items();
      for (std::size_t i = 0; i < items.size() && !writer.failed(); ++i) {
        write(writer, items[i]);
        if (writer.failed()) writer.locate("[" + std::to_string(i) + "]");
      }
      return writer.end_array();
    }
    case Json::Kind::object:
      writer.begin_object();
      for (const auto& [key, member] : value.members()) {
        if (writer.failed()) break;
        writer.key(key);
        if (!writer.failed()) write(writer, member);
        if (writer.failed()) writer.locate(key);
      }
      return writer.end_object();
  }
}

inline result<void> append_canonical(std::string& out, const Json& value, std::size_t depth_max) {
  JsonWriter writer(out, depth_max);
  write(writer, value);
  return writer.finish();
}

inline result<std::string> canonical(const Json& value, std::size_t depth_max) {
  std::string out;
  KFM_DET_TRY(append_canonical(out, value, depth_max));
  return out;
}

}  // namespace kfm_det

#endif
