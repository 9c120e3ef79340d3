// SPDX-License-Identifier: BSL-1.0
/// \file
/// A strict JSON parser (RFC 8259 under RFC 7493): what two readers could read differently is an error, with its byte offset.
///
/// Refused: duplicate member names (also when escapes hide them), lone surrogates (escaped or raw), invalid UTF-8, a byte order mark,
/// NaN and Infinity, numbers that overflow, leading zeros, control characters in strings, trailing bytes, and whatever exceeds a limit.
/// A number too small for a double reads as zero, and more digits than a double holds are rounded: both as in ECMAScript.
/// Thread-safety: pure functions. Memory: a value takes 40 bytes and its container may double, so hostile text
/// may cost 60 times its size while it is read: lower bytes_max where text comes from strangers.
#ifndef KFM_DET_CORE_JSON_PARSER_HPP
#define KFM_DET_CORE_JSON_PARSER_HPP

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_text.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/sorted_order.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det {

struct ParseLimits {
  std::size_t depth_max = limits::json_depth_max;  ///< at most limits::json_depth_ceiling
  std::size_t bytes_max = limits::json_bytes_max;
};

/// Errors: invalid_json and limit_exceeded, both with "byte N"; invalid_argument for a depth above the ceiling.
[[nodiscard]] result<Json> parse_json(BytesView text, const ParseLimits& limits = {});

/// As parse_json, and the text must be exactly what the writer gives for its value (RFC 8785). The error names the first byte that differs.
[[nodiscard]] result<Json> parse_canonical(BytesView text, const ParseLimits& limits = {});

namespace detail {

/// Of digits[.digits][e[+-]digits] that no double can hold: whether it is too small rather than too large.
[[nodiscard]] inline bool underflows(std::string_view number) noexcept {
  std::int64_t exponent = 0, point = 0;  // value = 0.d... * 10^(point + exponent), d the first digit that is not zero
  bool seen = false, behind_point = false, negative = false;
  std::size_t at = 0;
  for (; at < number.size() && number[at] != 'e' && number[at] != 'E'; ++at) {
    if (number[at] == '.') { behind_point = true; continue; }
    seen = seen || number[at] != '0';
    if (seen && !behind_point) ++point;
    if (!seen && behind_point) --point;
  }
  if (!seen) return true;
  for (++at; at < number.size(); ++at) {
    if (number[at] == '-') negative = true;
    else if (number[at] != '+' && exponent < (std::int64_t{1} << 40)) exponent = exponent * 10 + (number[at] - '0');
  }
  return point + (negative ? -exponent : exponent) < 0;
}

/// One pass, an explicit stack: the depth of the input never becomes depth of calls.
class JsonParser {
 public:
  JsonParser(BytesView text, const ParseLimits& limits) noexcept : text_(text), limits_(limits) {}
  [[nodiscard]] result<Json> parse();

 private:
  struct Frame {
    bool is_object = false;
    Json::Array items{};
    Json::Object members{};
    std::string key{};                   ///< of the member whose value is being read
    std::size_t ascending = 0;           ///< how many members came in order before the first that did not
    std::vector<std::size_t> offsets{};  ///< of the keys behind those
  };

  bool fail(std::string what, std::size_t at, std::string remedy = {}) {
    error_.emplace(errc::invalid_json, std::move(what), at_byte(at), std::move(remedy));
    return false;
  }
  [[nodiscard]] bool end() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] char peek() const noexcept { return end() ? '\0' : text_[at_]; }
  void skip_space() noexcept { while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') ++at_; }
  bool value(Json& out);
  bool open();
  bool key();
  void add(Json item);
  bool close(Json& out);
  bool sort(Frame& frame);
  bool scalar(Json& out);
  bool word(std::string_view expected, Json value, Json& out);
  bool number(Json& out);
  bool string(std::string& out);
  bool escape(std::string& out);
  bool code_unit(std::uint32_t& out);

  BytesView text_;
  ParseLimits limits_;
  std::size_t at_ = 0;
  std::vector<Frame> stack_;
  std::optional<Error> error_;
};

inline result<Json> JsonParser::parse() {
  if (limits_.depth_max > limits::json_depth_ceiling)
    return Error(errc::invalid_argument, "a JSON depth limit above " + std::to_string(limits::json_depth_ceiling), {}, "Values are destroyed by recursion: ask for less.");
  if (text_.size() > limits_.bytes_max)
    return Error(errc::limit_exceeded, "JSON text is longer than " + std::to_string(limits_.bytes_max) + " bytes", at_byte(limits_.bytes_max));
  if (text_.substr(0, 3) == "\xEF\xBB\xBF") fail("a byte order mark", 0, "Write UTF-8 without it.");
  Json out;
  if (error_ || !value(out)) return *error_;
  skip_space();
  if (!end()) fail("something stands behind the value", at_);
  if (error_) return *error_;
  return out;
}

inline bool JsonParser::value(Json& out) {
  for (;;) {
    skip_space();
    if (peek() == '{' || peek() == '[') {
      if (!open()) return false;
      skip_space();
      if (peek() != (stack_.back().is_object ? '}' : ']')) {
        if (stack_.back().is_object && !key()) return false;
        continue;
      }
    } else {
      if (!scalar(out)) return false;
      if (stack_.empty()) return true;
      add(std::move(out));
    }
    for (;;) {  // the innermost frame got an item or is empty; closing it gives an item to the next one
      skip_space();
      const bool is_object = stack_.back().is_object;
      if (peek() == ',') {
        ++at_;
        skip_space();
        if (is_object && !key()) return false;
        break;
      }
      if (peek() != (is_object ? '}' : ']')) return fail(end() ? "the text ends inside a value" : is_object ? "expected , or }" : "expected , or ]", at_);
      ++at_;
      if (!close(out)) return false;
      if (stack_.empty()) return true;
      add(std::move(out));
    }
  }
}

inline bool JsonParser::open() {
  if (stack_.size() == limits_.depth_max) {
    error_.emplace(errc::limit_exceeded, "JSON is nested deeper than " + std::to_string(limits_.depth_max) + " levels", at_byte(at_));
    return false;
  }
  stack_.push_back(Frame{text_[at_] == '{'});
  ++at_;
  return true;
}

inline bool JsonParser::key() {
  Frame& frame = stack_.back();
  const std::size_t start = at_;
  if (peek() != '"') return fail(end() ? "the text ends inside a value" : "expected a member name in quotes", at_);
  frame.key.clear();
  if (!string(frame.key)) return false;
  const int order = frame.members.empty() ? -1 : compare_utf16(frame.members.back().key, frame.key);
  if (order == 0) return fail("a member name stands twice", start, "Keep one of them.");
  if (order > 0 && frame.offsets.empty()) frame.ascending = frame.members.size();
  if (order > 0 || !frame.offsets.empty()) frame.offsets.push_back(start);
  skip_space();
  if (peek() != ':') return fail(end() ? "the text ends inside a value" : "expected : behind a member name", at_);
  ++at_;
  return true;
}

inline void JsonParser::add(Json item) {
  Frame& frame = stack_.back();
  if (frame.is_object) frame.members.push_back(Json::Member{std::move(frame.key), std::move(item)});
  else frame.items.push_back(std::move(item));
}

inline bool JsonParser::close(Json& out) {
  Frame& frame = stack_.back();
  if (frame.is_object) {
    if (!frame.offsets.empty() && !sort(frame)) return false;
    out.value_.emplace(std::move(frame.members));
  } else {
    out.value_.emplace(std::move(frame.items));
  }
  stack_.pop_back();
  return true;
}

/// Members that did not come in order; only now can two equal names lie apart.
inline bool JsonParser::sort(Frame& frame) {
  const std::vector<std::size_t> order = sorted_order(frame.members.size(), [&](std::size_t a, std::size_t b) { return compare_utf16(frame.members[a].key, frame.members[b].key) < 0; });
  std::size_t twice = std::string_view::npos;
  for (std::size_t i = 1; i < order.size(); ++i)
    if (frame.members[order[i - 1]].key == frame.members[order[i]].key) {
      const std::size_t offset = frame.offsets[order[i] - frame.ascending];  // equal names stay in order, so this is the later one
      if (offset < twice) twice = offset;
    }
  if (twice != std::string_view::npos) return fail("a member name stands twice", twice, "Keep one of them.");
  Json::Object sorted;
  sorted.reserve(order.size());
  for (const std::size_t i : order) sorted.push_back(std::move(frame.members[i]));
  frame.members = std::move(sorted);
  return true;
}

inline bool JsonParser::scalar(Json& out) {
  switch (peek()) {
    case '"': return string(out.value_.emplace(std::string()));
    case 't': return word("true", true, out);
    case 'f': return word("false", false, out);
    case 'n': return word("null", nullptr, out);
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9': return number(out);
    default: return fail(end() ? "the text ends where a value should be" : "expected a value", at_);
  }
}

inline bool JsonParser::word(std::string_view expected, Json value, Json& out) {
  if (text_.substr(at_, expected.size()) != expected) return fail("expected a value", at_);
  at_ += expected.size();
  out = std::move(value);
  return true;
}

inline bool JsonParser::number(Json& out) {
  const std::size_t start = at_;
  const auto digits = [&] { const std::size_t from = at_; while (peek() >= '0' && peek() <= '9') ++at_; return at_ - from; };
  const bool negative = peek() == '-';
  if (negative) ++at_;
  const std::size_t first = at_;
  const std::size_t whole = digits();
  if (whole == 0) return fail("expected a digit", at_, "JSON has no NaN and no Infinity.");
  if (whole > 1 && text_[first] == '0') return fail("a number with a leading zero", first);
  bool integral = true;
  if (peek() == '.') {
    integral = false;
    ++at_;
    if (digits() == 0) return fail("expected a digit behind the point", at_);
  }
  if (peek() == 'e' || peek() == 'E') {
    integral = false;
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (digits() == 0) return fail("expected a digit in the exponent", at_);
  }
  double read = 0;
  if (integral && whole <= 15) {
    std::int64_t exact = 0;
    for (std::size_t i = first; i < at_; ++i) exact = exact * 10 + (text_[i] - '0');
    read = static_cast<double>(exact);
    if (negative) read = -read;
  } else {
    const auto [behind, error] = std::from_chars(text_.data() + start, text_.data() + at_, read);
    if (error == std::errc::result_out_of_range || !(read - read == 0)) {
      if (!underflows(text_.substr(first, at_ - first))) return fail("a number too large for a double", start, "Write it as a string.");
      read = 0;
    } else if (error != std::errc{}) {
      return fail("not a number", start);
    }
  }
  out.value_.emplace(read);
  return true;
}

inline bool JsonParser::string(std::string& out) {
  ++at_;  // the quote
  for (;;) {
    const std::size_t stop = skip_verbatim(text_, at_);
    out.append(text_.substr(at_, stop - at_));
    at_ = stop;
    if (end()) return fail("the text ends inside a string", at_);
    if (text_[at_] == '"') { ++at_; return true; }
    if (static_cast<unsigned char>(text_[at_]) >= 0x80) return fail("a string is not valid UTF-8", at_, "Carry bytes as hex or base64.");
    if (text_[at_] != '\\') return fail("a control character in a string", at_, "Escape it.");
    if (!escape(out)) return false;
  }
}

inline bool JsonParser::escape(std::string& out) {
  const std::size_t start = at_++;
  const char c = peek();
  ++at_;
  switch (c) {
    case '"': case '\\': case '/': out += c; return true;
    case 'b': out += '\b'; return true;
    case 'f': out += '\f'; return true;
    case 'n': out += '\n'; return true;
    case 'r': out += '\r'; return true;
    case 't': out += '\t'; return true;
    case 'u': break;
    default: return fail("an escape that JSON does not have", start);
  }
  std::uint32_t unit = 0;
  if (!code_unit(unit)) return false;
  if (unit >= 0xdc00 && unit <= 0xdfff) return fail("a low surrogate without a high one", start);
  if (unit >= 0xd800 && unit <= 0xdbff) {
    if (text_.substr(at_, 2) != "\\u") return fail("a high surrogate without a low one", start);
    at_ += 2;
    std::uint32_t low = 0;
    if (!code_unit(low)) return false;
    if (low < 0xdc00 || low > 0xdfff) return fail("a high surrogate without a low one", start);
    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(out, unit);
  return true;
}

inline bool JsonParser::code_unit(std::uint32_t& out) {
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = peek();
    const unsigned value = hex_value(c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c);
    if (value > 15) return fail("expected four hex digits behind \\u", at_);
    out = out << 4 | value;
  }
  return true;
}

}  // namespace detail

inline result<Json> parse_json(BytesView text, const ParseLimits& limits) { return detail::JsonParser(text, limits).parse(); }

inline result<Json> parse_canonical(BytesView text, const ParseLimits& limits) {
  KFM_DET_TRY(auto value, parse_json(text, limits));
  KFM_DET_TRY(const auto expected, canonical(value, limits.depth_max));
  if (expected == text) return value;
  std::size_t at = 0;
  while (at < text.size() && at < expected.size() && text[at] == expected[at]) ++at;
  return Error(errc::invalid_json, "JSON that is not in canonical form (RFC 8785)", detail::at_byte(at), "Write it with kfm_det::canonical.");
}

}  // namespace kfm_det

#endif
