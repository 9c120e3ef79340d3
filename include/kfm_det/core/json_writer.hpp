// SPDX-License-Identifier: BSL-1.0
/// \file
/// Canonical JSON (RFC 8785): the bytes that everything is hashed over.
///
/// `canonical(value)` for a Json in memory; JsonWriter for those who write as they go, and core/describe.hpp for typed structs.
/// Strings must be valid UTF-8 and are not normalised; NaN and infinities are errors; integers beyond 2^53 - 1 become decimal strings.
/// Thread-safety: a writer belongs to one thread. On an error the text that it was given to append to is as it was.
#ifndef KFM_DET_CORE_JSON_WRITER_HPP
#define KFM_DET_CORE_JSON_WRITER_HPP

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_text.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det {

namespace detail {
struct TypedWriter;
}

/// Appends to a std::string. The first error sticks and finish() tells it; after it, calls do nothing that can be seen.
///
/// The caller gives the members of an object in the order of compare_utf16, each once: the writer does not sort, and does not look.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out, std::size_t depth_max = limits::json_depth_max) noexcept : out_(out), start_(out.size()), depth_max_(depth_max) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void null() { at_ = put_text(separate(), "null"); }
  void boolean(bool value) { at_ = put_text(separate(), value ? std::string_view("true") : "false"); }
  void number(double value) { at_ = put_number(separate(), value); }
  template <detail::Integer T> void integer(T value) { at_ = put_integer(separate(), value); }
  void string(std::string_view value) { at_ = put_string(separate(), value); }
  /// ASCII that needs no escape, such as a UUID.
  void plain_string(std::string_view value) { at_ = put_plain(separate(), value); }
  /// Bytes as a string of hex digits.
  void hex(BytesView bytes) { at_ = put_hex(separate(), bytes); }
  /// Canonical JSON of one value, taken as it is.
  void raw(std::string_view canonical_value) { at_ = put_text(separate(), canonical_value); }

  void begin_object() { at_ = open(separate(), '{'), comma_ = false; }
  void key(std::string_view name) { at_ = put(put_string(separate(), name), ':'), comma_ = false; }
  void end_object() { at_ = close(at_, '}'), comma_ = true; }
  void begin_array() { at_ = open(separate(), '['), comma_ = false; }
  void end_array() { at_ = close(at_, ']'), comma_ = true; }

  /// Records an error, unless there is one already.
  [[gnu::noinline]] void fail(Error error) { if (!failure_) failure_ = std::make_unique<Failure>(Failure{std::move(error), {}}); }
  [[nodiscard]] bool failed() const noexcept { return failure_ != nullptr; }
  /// After an error, says from inside out where it is: a member name, or a place in an array.
  void locate(std::string_view step);
  void locate(std::size_t index);
  /// Must be called at the end. Errors: invalid_json (a string that is not UTF-8, a number that JSON cannot write), limit_exceeded (depth).
  [[nodiscard]] result<void> finish();

 private:
  friend struct detail::TypedWriter;
  static constexpr std::size_t chunk_size = 1024;
  struct Failure { Error error; std::string path; };

  // The cursor travels as an argument and comes back as a result, so that it stays in a register from one value to the next:
  // kept in the object, every byte written might change it, and the compiler would load it again each time.
  [[nodiscard]] char* separate() {
    char* const at = comma_ ? put(at_, ',') : at_;
    comma_ = true;
    return at;
  }
  /// Where the next `count` bytes may be written; count is at most chunk_size.
  [[nodiscard]] char* room(char* at, std::size_t count) {
    return static_cast<std::size_t>(chunk_ + chunk_size - at) < count ? flush(at) : at;
  }
  [[nodiscard, gnu::noinline]] char* flush(char* at) {
    out_.append(chunk_, static_cast<std::size_t>(at - chunk_));
    return chunk_;
  }
  [[nodiscard]] char* put(char* at, char c) {
    at = room(at, 1);
    *at = c;
    return at + 1;
  }
  [[nodiscard]] char* put_text(char* at, std::string_view text);
  [[nodiscard]] char* put_plain(char* at, std::string_view text) { return put(put_text(put(at, '"'), text), '"'); }
  [[nodiscard]] char* put_string(char* at, std::string_view text);
  [[nodiscard]] char* put_string_behind(char* at, std::string_view text);
  [[nodiscard]] char* put_escaped(char* at, std::string_view text, std::size_t from);
  [[nodiscard]] char* put_number(char* at, double value);
  template <detail::Integer T> [[nodiscard]] char* put_integer(char* at, T value);
  [[nodiscard]] char* put_hex(char* at, BytesView bytes);
  [[nodiscard]] char* put_json(char* at, const Json& value);
  [[nodiscard]] char* open(char* at, char bracket) {
    if (++depth_ > depth_max_) too_deep();
    return put(at, bracket);
  }
  [[nodiscard]] char* close(char* at, char bracket) {
    --depth_;
    return put(at, bracket);
  }
  void too_deep();
  [[nodiscard]] Error failed_with();
  friend void write(JsonWriter& writer, const Json& value);

  // Bytes gather here and go to the text in one append: a string grows by checked calls, this by a pointer.
  char chunk_[chunk_size];
  char* at_ = chunk_;
  std::string& out_;
  std::size_t start_;
  std::size_t depth_max_;
  std::size_t depth_ = 0;
  bool comma_ = false;
  std::unique_ptr<Failure> failure_;
};

/// Writes one value into a text that is being written.
void write(JsonWriter& writer, const Json& value);
/// Appends the canonical form. Errors: invalid_json, limit_exceeded (deeper than depth_max); then `out` is as it was.
[[nodiscard]] result<void> append_canonical(std::string& out, const Json& value, std::size_t depth_max = limits::json_depth_max);
[[nodiscard]] result<std::string> canonical(const Json& value, std::size_t depth_max = limits::json_depth_max);

inline char* JsonWriter::put_text(char* at, std::string_view text) {
  if (text.size() > static_cast<std::size_t>(chunk_ + chunk_size - at)) {
    at = flush(at);
    if (text.size() > chunk_size) {
      out_.append(text);
      return at;
    }
  }
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

/// Calls nothing but as its last word, so that it needs no frame: most of a record is strings.
inline char* JsonWriter::put_string(char* at, std::string_view text) {
  if (text.size() + 2 > static_cast<std::size_t>(chunk_ + chunk_size - at)) [[unlikely]] return put_string_behind(at, text);
  *at++ = '"';
  const std::size_t plain = detail::copy_plain(at, text.data(), text.size());
  at += plain;
  if (plain != text.size()) [[unlikely]] return put_escaped(at, text, plain);
  *at++ = '"';
  return at;
}

/// A string for which the chunk has no room.
[[gnu::noinline]] inline char* JsonWriter::put_string_behind(char* at, std::string_view text) {
  return text.size() + 2 > chunk_size ? put_escaped(put(at, '"'), text, 0) : put_string(flush(at), text);
}

/// The rest of a string from `from` on, and the quote at its end.
[[gnu::noinline]] inline char* JsonWriter::put_escaped(char* at, std::string_view text, std::size_t from) {
  while (from < text.size()) {
    const std::size_t end = detail::skip_verbatim(text, from);
    at = put_text(at, text.substr(from, end - from));
    if (end == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[end]);
    if (byte >= 0x80) {
      fail(Error(errc::invalid_json, "a string is not valid UTF-8", detail::at_byte(end) + " of the string", "Carry bytes as hex or base64."));
      return at;
    }
    at = room(at, 6);
    *at++ = '\\';
    switch (byte) {
      case '"': case '\\': *at++ = text[end]; break;
      case '\b': *at++ = 'b'; break;
      case '\t': *at++ = 't'; break;
      case '\n': *at++ = 'n'; break;
      case '\f': *at++ = 'f'; break;
      case '\r': *at++ = 'r'; break;
      default:
        *at++ = 'u', *at++ = '0', *at++ = '0';
        *at++ = detail::hex_digits[byte >> 4];
        *at++ = detail::hex_digits[byte & 15];
    }
    from = end + 1;
  }
  return put(at, '"');
}

inline char* JsonWriter::put_number(char* at, double value) {
  if (!(value - value == 0)) {
    fail(Error(errc::invalid_json, "JSON cannot write NaN or infinity", {}, "Leave the member out, or write what is meant as a string."));
    return at;
  }
  return detail::write_number(room(at, detail::number_size_max), value);
}

template <detail::Integer T>
char* JsonWriter::put_integer(char* at, T value) {
  at = room(at, detail::number_size_max);
  if (detail::is_safe_integer(value)) return std::to_chars(at, at + detail::number_size_max, value).ptr;
  *at++ = '"';
  at = std::to_chars(at, at + detail::number_size_max - 2, value).ptr;
  *at++ = '"';
  return at;
}

inline char* JsonWriter::put_hex(char* at, BytesView bytes) {
  if (bytes.size() > chunk_size / 4) return put_plain(at, to_hex(bytes));
  at = room(at, 2 * bytes.size() + 2);
  *at++ = '"';
  at = detail::write_hex(at, bytes);
  *at++ = '"';
  return at;
}

inline char* JsonWriter::put_json(char* at, const Json& value) {
  switch (value.kind()) {
    case Json::Kind::null: return put_text(at, "null");
    case Json::Kind::boolean: return put_text(at, *value.boolean() ? std::string_view("true") : "false");
    case Json::Kind::number: return put_number(at, *value.number());
    case Json::Kind::string: return put_string(at, *value.string());
    case Json::Kind::array: {
      at = open(at, '[');
      const Json::Array& items = value.items();
      for (std::size_t i = 0; i < items.size() && !failed(); ++i) {
        if (i != 0) at = put(at, ',');
        at = put_json(at, items[i]);
        if (failed()) locate(i);
      }
      return close(at, ']');
    }
    case Json::Kind::object: {
      at = open(at, '{');
      bool comma = false;
      for (const auto& [key, member] : value.members()) {
        if (failed()) break;
        if (std::exchange(comma, true)) at = put(at, ',');
        at = put(put_string(at, key), ':');
        if (!failed()) at = put_json(at, member);
        if (failed()) locate(key);
      }
      return close(at, '}');
    }
  }
  return at;
}

[[gnu::noinline]] inline void JsonWriter::locate(std::string_view step) {
  if (!failure_) return;
  std::string& path = failure_->path;
  path.insert(0, path.empty() || path[0] == '[' ? std::string(step) : std::string(step) + '.');
}

[[gnu::noinline]] inline void JsonWriter::locate(std::size_t index) {
  std::string step = std::to_string(index);
  step.insert(step.begin(), '[');
  locate(step += ']');
}

[[gnu::noinline]] inline void JsonWriter::too_deep() {
  fail(Error(errc::limit_exceeded, "JSON is nested deeper than " + std::to_string(depth_max_) + " levels", {}, "Flatten it."));
}

[[gnu::noinline]] inline Error JsonWriter::failed_with() {
  out_.resize(start_);
  return failure_->path.empty() ? failure_->error : failure_->error.at(failure_->path);
}

inline result<void> JsonWriter::finish() {
  at_ = flush(at_);
  return failure_ ? result<void>(failed_with()) : result<void>(success());
}

inline void write(JsonWriter& writer, const Json& value) { writer.at_ = writer.put_json(writer.separate(), value); }

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
