// SPDX-License-Identifier: BSL-1.0
/// \file
/// Json: a JSON value in memory, its members always sorted and unique, so that equal values have equal canonical bytes.
///
/// Thread-safety: as a std container: many readers, or one writer.
/// Integers beyond 2^53 - 1 become decimal strings when they go in (DESIGN 5): no reader may round an id or a count of nanoseconds.
/// Text: core/json_writer.hpp, core/json_parser.hpp. Typed structs: core/describe.hpp.
#ifndef KFM_DET_CORE_JSON_HPP
#define KFM_DET_CORE_JSON_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kfm_det/core/assert.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det {

namespace detail {
class JsonParser;
/// The integers that are numbers: not bool, not the character types.
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                  !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;
/// Whether an integer may stand in JSON as a number.
template <Integer T>
[[nodiscard]] constexpr bool is_safe_integer(T value) noexcept {
  if constexpr (sizeof(T) < sizeof(std::int64_t)) return true;
  else if constexpr (std::is_signed_v<T>) return value <= limits::json_integer_max && value >= -limits::json_integer_max;
  else return value <= static_cast<T>(limits::json_integer_max);
}
}  // namespace detail

class Json {
 public:
  enum class Kind { null, boolean, number, string, array, object };
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;  ///< sorted by the UTF-16 code units of the key, unique

  Json() noexcept;
  Json(std::nullptr_t) noexcept;
  template <std::same_as<bool> T> Json(T value) noexcept;  // a template, so that no pointer turns into a bool
  template <std::floating_point T> Json(T value) noexcept;
  template <detail::Integer T> Json(T value);
  Json(std::string value) noexcept;
  Json(std::string_view value);
  Json(const char* value);
  Json(Array items) noexcept;

  [[nodiscard]] static Json object();
  /// A key that is given twice keeps its last value.
  [[nodiscard]] static Json object(std::initializer_list<std::pair<std::string_view, Json>> members);
  [[nodiscard]] static Json array();
  [[nodiscard]] static Json array(std::initializer_list<Json> items);

  [[nodiscard]] Kind kind() const noexcept;
  [[nodiscard]] bool is_null() const noexcept { return kind() == Kind::null; }
  [[nodiscard]] bool is_boolean() const noexcept { return kind() == Kind::boolean; }
  [[nodiscard]] bool is_number() const noexcept { return kind() == Kind::number; }
  [[nodiscard]] bool is_string() const noexcept { return kind() == Kind::string; }
  [[nodiscard]] bool is_array() const noexcept { return kind() == Kind::array; }
  [[nodiscard]] bool is_object() const noexcept { return kind() == Kind::object; }

  /// Null when the value is of another kind.
  [[nodiscard]] const bool* boolean() const noexcept;
  [[nodiscard]] const double* number() const noexcept;
  [[nodiscard]] const std::string* string() const noexcept;
  /// Null when there is no such member, or the value is not an object.
  [[nodiscard]] const Json* find(std::string_view key) const noexcept;
  /// Empty when the value is not an array, not an object.
  [[nodiscard]] const Array& items() const noexcept;
  [[nodiscard]] const Object& members() const noexcept;

  /// Sets or replaces a member; null becomes an object first. Any other kind is a bug of the caller. Gives the object back.
  Json& set(std::string key, Json value);
  /// Appends an item; null becomes an array first. Any other kind is a bug of the caller.
  void push(Json value);

  friend bool operator==(const Json& a, const Json& b);

 private:
  friend class detail::JsonParser;
  /// A union by hand: std::variant's tables of special members were a tenth of what a small program compiles (docs/decisions/0003-compile-time.md).
  struct Value {
    Value() noexcept : boolean(false) {}
    Value(const Value& other);
    Value(Value&& other) noexcept;
    Value& operator=(Value other) noexcept;
    ~Value() { destroy(); }
    bool& emplace(bool value) noexcept { destroy(); kind = Kind::boolean; return *std::construct_at(&boolean, value); }
    double& emplace(double value) noexcept { destroy(); kind = Kind::number; return *std::construct_at(&number, value); }
    std::string& emplace(std::string value) noexcept;
    Array& emplace(Array value) noexcept;
    Object& emplace(Object value) noexcept;
    void take(Value& other) noexcept;   // this is null
    void destroy() noexcept;            // is null then
    Kind kind = Kind::null;
    union {
      bool boolean;
      double number;
      std::string string;
      Array array;
      Object object;
    };
  };
  Value value_;
};

struct Json::Member {
  std::string key;
  Json value;
  friend bool operator==(const Member& a, const Member& b) { return a.key == b.key && a.value == b.value; }
};

// Typed readers of one member. Errors: invalid_json, and where it is the key: add the outer path with Error::at.
[[nodiscard]] result<std::string> get_string(const Json& object, std::string_view key);
[[nodiscard]] result<bool> get_bool(const Json& object, std::string_view key);
[[nodiscard]] result<double> get_number(const Json& object, std::string_view key);
/// A whole number, or (as they travel beyond 2^53 - 1) a decimal string.
[[nodiscard]] result<std::uint64_t> get_u64(const Json& object, std::string_view key);
[[nodiscard]] result<std::int64_t> get_i64(const Json& object, std::string_view key);
/// Points into `object`.
[[nodiscard]] result<const Json*> get_object(const Json& object, std::string_view key);
[[nodiscard]] result<const Json*> get_array(const Json& object, std::string_view key);

[[nodiscard]] constexpr std::string_view name(Json::Kind kind) noexcept {
  constexpr std::string_view names[] = {"null", "a boolean", "a number", "a string", "an array", "an object"};
  return names[static_cast<std::size_t>(kind)];
}

namespace detail {

/// A decimal integer as to_chars writes it; false for anything else (spaces, plus, leading zeros, "-0", out of range).
template <Integer T>
[[nodiscard]] constexpr bool read_decimal(std::string_view text, T& out) noexcept {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || (text[0] == '0' && (text.size() > 1 || negative)) || (negative && !std::is_signed_v<T>)) return false;
  T value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const int digit = c - '0';
    if (__builtin_mul_overflow(value, 10, &value)) return false;
    if (negative ? __builtin_sub_overflow(value, digit, &value) : __builtin_add_overflow(value, digit, &value)) return false;
  }
  out = value;
  return true;
}

enum class IntegerFault { none, kind, fraction, range };

/// Reads an integer from a number, or from a decimal string; `strict` takes strings only for what cannot be a number.
template <Integer T>
[[nodiscard]] IntegerFault read_integer(const Json& json, T& out, bool strict) noexcept {
  if (const double* const number = json.number()) {
    if (!(*number >= -static_cast<double>(limits::json_integer_max) && *number <= static_cast<double>(limits::json_integer_max))) return IntegerFault::range;
    const auto whole = static_cast<std::int64_t>(*number);
    if (static_cast<double>(whole) != *number) return IntegerFault::fraction;
    if (!std::in_range<T>(whole)) return IntegerFault::range;
    out = static_cast<T>(whole);
    return IntegerFault::none;
  }
  const std::string* const text = json.string();
  if (text == nullptr) return IntegerFault::kind;
  if (!read_decimal(*text, out)) return IntegerFault::range;
  return strict && is_safe_integer(out) ? IntegerFault::kind : IntegerFault::none;
}

[[nodiscard]] inline Error missing_member(const Json& object, std::string_view key) {
  if (!object.is_object()) return Error(errc::invalid_json, "expected an object, found " + std::string(name(object.kind())), std::string(key));
  return Error(errc::invalid_json, "the member is missing", std::string(key));
}

[[nodiscard]] inline Error wrong_kind(std::string_view expected, const Json& found, std::string where) {
  return Error(errc::invalid_json, "expected " + std::string(expected) + ", found " + std::string(name(found.kind())), std::move(where));
}

template <class T>
[[nodiscard]] result<T> get_integer(const Json& object, std::string_view key) {
  const Json* const found = object.find(key);
  if (found == nullptr) return missing_member(object, key);
  T out{};
  switch (read_integer(*found, out, false)) {
    case IntegerFault::none: return out;
    case IntegerFault::kind: return wrong_kind("a whole number", *found, std::string(key));
    case IntegerFault::fraction: return Error(errc::invalid_json, "expected a whole number, found a fraction", std::string(key));
    case IntegerFault::range: break;
  }
  return Error(errc::invalid_json, "not an integer that fits; beyond 2^53 - 1 write a decimal string", std::string(key));
}

}  // namespace detail

inline Json::Json() noexcept = default;
inline Json::Json(std::nullptr_t) noexcept {}
inline std::string& Json::Value::emplace(std::string value) noexcept {
  destroy();
  kind = Kind::string;
  return *std::construct_at(&string, std::move(value));
}
inline Json::Array& Json::Value::emplace(Array value) noexcept {
  destroy();
  kind = Kind::array;
  return *std::construct_at(&array, std::move(value));
}
inline Json::Object& Json::Value::emplace(Object value) noexcept {
  destroy();
  kind = Kind::object;
  return *std::construct_at(&object, std::move(value));
}
inline void Json::Value::destroy() noexcept {
  switch (std::exchange(kind, Kind::null)) {
    case Kind::string: std::destroy_at(&string); break;
    case Kind::array: std::destroy_at(&array); break;
    case Kind::object: std::destroy_at(&object); break;
    case Kind::null:
    case Kind::boolean:
    case Kind::number: break;
  }
}
inline void Json::Value::take(Value& other) noexcept {
  switch (other.kind) {
    case Kind::null: break;
    case Kind::boolean: emplace(other.boolean); break;
    case Kind::number: emplace(other.number); break;
    case Kind::string: emplace(std::move(other.string)); break;
    case Kind::array: emplace(std::move(other.array)); break;
    case Kind::object: emplace(std::move(other.object)); break;
  }
}
inline Json::Value::Value(const Value& other) : boolean(false) {
  switch (other.kind) {
    case Kind::null: break;
    case Kind::boolean: emplace(other.boolean); break;
    case Kind::number: emplace(other.number); break;
    case Kind::string: emplace(std::string(other.string)); break;
    case Kind::array: emplace(Array(other.array)); break;
    case Kind::object: emplace(Object(other.object)); break;
  }
}
inline Json::Value::Value(Value&& other) noexcept : boolean(false) { take(other); }
inline Json::Value& Json::Value::operator=(Value other) noexcept {
  destroy();
  take(other);
  return *this;
}

template <std::same_as<bool> T> Json::Json(T value) noexcept { value_.emplace(value); }
template <std::floating_point T> Json::Json(T value) noexcept { value_.emplace(static_cast<double>(value)); }
template <detail::Integer T> Json::Json(T value) {
  if (detail::is_safe_integer(value)) value_.emplace(static_cast<double>(value));
  else value_.emplace(std::to_string(value));
}
inline Json::Json(std::string value) noexcept { value_.emplace(std::move(value)); }
inline Json::Json(std::string_view value) { value_.emplace(std::string(value)); }
inline Json::Json(const char* value) { value_.emplace(std::string(value)); }
inline Json::Json(Array items) noexcept { value_.emplace(std::move(items)); }

inline Json Json::object() {
  Json out;
  out.value_.emplace(Object());
  return out;
}
inline Json Json::object(std::initializer_list<std::pair<std::string_view, Json>> members) {
  Json out = object();
  for (const auto& [key, value] : members) out.set(std::string(key), value);
  return out;
}
inline Json Json::array() { return Json(Array{}); }
inline Json Json::array(std::initializer_list<Json> items) { return Json(Array(items)); }

inline Json::Kind Json::kind() const noexcept { return value_.kind; }
inline const bool* Json::boolean() const noexcept { return is_boolean() ? &value_.boolean : nullptr; }
inline const double* Json::number() const noexcept { return is_number() ? &value_.number : nullptr; }
inline const std::string* Json::string() const noexcept { return is_string() ? &value_.string : nullptr; }

inline const Json::Array& Json::items() const noexcept {
  static const Array none;
  const Array* const items = is_array() ? &value_.array : nullptr;
  return items == nullptr ? none : *items;
}
inline const Json::Object& Json::members() const noexcept {
  static const Object none;
  const Object* const members = is_object() ? &value_.object : nullptr;
  return members == nullptr ? none : *members;
}

namespace detail {
/// Place of the first member whose key is not below `key`.
[[nodiscard]] inline std::size_t lower_bound(const Json::Object& members, std::string_view key) noexcept {
  std::size_t low = 0, high = members.size();
  if (high != 0 && compare_utf16(members[high - 1].key, key) < 0) return high;  // building in order is common
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (compare_utf16(members[middle].key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
}  // namespace detail

inline const Json* Json::find(std::string_view key) const noexcept {
  const Object& all = members();
  const std::size_t at = detail::lower_bound(all, key);
  return at < all.size() && all[at].key == key ? &all[at].value : nullptr;
}

inline Json& Json::set(std::string key, Json value) {
  if (is_null()) value_.emplace(Object());
  Object* const all = is_object() ? &value_.object : nullptr;
  KFM_DET_ASSERT(all != nullptr);
  const std::size_t at = detail::lower_bound(*all, key);
  if (at < all->size() && (*all)[at].key == key) (*all)[at].value = std::move(value);
  else all->insert(all->begin() + static_cast<std::ptrdiff_t>(at), Member{std::move(key), std::move(value)});
  return *this;
}

inline void Json::push(Json value) {
  if (is_null()) value_.emplace(Array());
  Array* const all = is_array() ? &value_.array : nullptr;
  KFM_DET_ASSERT(all != nullptr);
  all->push_back(std::move(value));
}

inline bool operator==(const Json& a, const Json& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Json::Kind::null: return true;
    case Json::Kind::boolean: return a.value_.boolean == b.value_.boolean;
    case Json::Kind::number: return a.value_.number == b.value_.number;
    case Json::Kind::string: return a.value_.string == b.value_.string;
    case Json::Kind::array: return a.value_.array == b.value_.array;
    case Json::Kind::object: return a.value_.object == b.value_.object;
  }
  return false;
}

inline result<std::string> get_string(const Json& object, std::string_view key) {
  const Json* const found = object.find(key);
  if (found == nullptr) return detail::missing_member(object, key);
  if (!found->is_string()) return detail::wrong_kind("a string", *found, std::string(key));
  return *found->string();
}
inline result<bool> get_bool(const Json& object, std::string_view key) {
  const Json* const found = object.find(key);
  if (found == nullptr) return detail::missing_member(object, key);
  if (!found->is_boolean()) return detail::wrong_kind("a boolean", *found, std::string(key));
  return *found->boolean();
}
inline result<double> get_number(const Json& object, std::string_view key) {
  const Json* const found = object.find(key);
  if (found == nullptr) return detail::missing_member(object, key);
  if (!found->is_number()) return detail::wrong_kind("a number", *found, std::string(key));
  return *found->number();
}
inline result<std::uint64_t> get_u64(const Json& object, std::string_view key) { return detail::get_integer<std::uint64_t>(object, key); }
inline result<std::int64_t> get_i64(const Json& object, std::string_view key) { return detail::get_integer<std::int64_t>(object, key); }
inline result<const Json*> get_object(const Json& object, std::string_view key) {
  const Json* const found = object.find(key);
  if (found == nullptr) return detail::missing_member(object, key);
  if (!found->is_object()) return detail::wrong_kind("an object", *found, std::string(key));
  return found;
}
inline result<const Json*> get_array(const Json& object, std::string_view key) {
  const Json* const found = object.find(key);
  if (found == nullptr) return detail::missing_member(object, key);
  if (!found->is_array()) return detail::wrong_kind("an array", *found, std::string(key));
  return found;
}

}  // namespace kfm_det

#endif
