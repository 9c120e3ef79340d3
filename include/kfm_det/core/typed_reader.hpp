// SPDX-License-Identifier: BSL-1.0
/// \file
/// Typed values out of a Json, strictly: the reading half of core/describe.hpp, which says what comes how.
///
/// Inside, a failure is a false and one Error, so that a described struct costs no result<T> per field to compile.
#ifndef KFM_DET_CORE_TYPED_READER_HPP
#define KFM_DET_CORE_TYPED_READER_HPP

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/core/codec.hpp"
#include "kfm_det/core/fields.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det::detail {

/// Where in a value: a list from inside out, so that it costs nothing until an error asks for its text.
struct JsonPath {
  const JsonPath* outer = nullptr;
  std::string_view name{};
  std::size_t index = 0;
  bool is_index = false;

  [[nodiscard]] JsonPath member(std::string_view key) const noexcept { return {this, key, 0, false}; }
  [[nodiscard]] JsonPath item(std::size_t at) const noexcept { return {this, {}, at, true}; }
  [[nodiscard]] std::string text() const {
    if (outer == nullptr) return {};
    std::string out = outer->text();
    if (is_index) return out + '[' + std::to_string(index) + ']';
    if (!out.empty()) out += '.';
    return out.append(name);
  }
};

class TypedReader {
 public:
  template <class T> bool read(T& out, const Json& json, const JsonPath& path);
  [[nodiscard]] Error error() && { return std::move(*error_); }

 private:
  bool fail(std::string what, const JsonPath& path) {
    error_.emplace(errc::invalid_json, std::move(what), path.text());
    return false;
  }
  bool expected(std::string_view what, const Json& found, const JsonPath& path) {
    error_.emplace(wrong_kind(what, found, path.text()));
    return false;
  }
  template <class T> bool read_integer(T& out, const Json& json, const JsonPath& path);
  template <class T> bool read_text(T& out, const Json& json, const JsonPath& path, result<T> (*parse)(std::string_view), std::string_view what);
  template <class T> bool read_items(T& out, const Json& json, const JsonPath& path);
  template <class T> bool read_map(T& out, const Json& json, const JsonPath& path);
  template <class T, std::size_t K> bool read_field(T& out, const Json::Object& members, std::size_t& at, const JsonPath& path);
  template <class T, std::size_t... K> bool read_fields(T& out, const Json& json, const JsonPath& path, std::index_sequence<K...>);

  std::optional<Error> error_;
};

template <class T>
bool TypedReader::read_integer(T& out, const Json& json, const JsonPath& path) {
  switch (detail::read_integer(json, out, true)) {
    case IntegerFault::none: return true;
    case IntegerFault::kind: return expected("a whole number", json, path);
    case IntegerFault::fraction: return fail("expected a whole number, found a fraction", path);
    case IntegerFault::range: break;
  }
  return fail("not an integer that fits", path);
}

/// For types with a text of their own. Whatever parse() tolerates, the text must be the one that is written.
template <class T>
bool TypedReader::read_text(T& out, const Json& json, const JsonPath& path, result<T> (*parse)(std::string_view), std::string_view what) {
  if (!json.is_string()) return expected(what, json, path);
  result<T> read = parse(*json.string());
  if (!read) {
    error_.emplace(read.error().as(errc::invalid_json).at(path.text()));
    return false;
  }
  out = read.value();
  return true;
}

template <class T>
bool TypedReader::read_items(T& out, const Json& json, const JsonPath& path) {
  if (!json.is_array()) return expected("an array", json, path);
  const Json::Array& items = json.items();
  if constexpr (shape_of<T>() == Shape::array) {
    if (items.size() != out.size())
      return fail("expected " + std::to_string(out.size()) + " items, found " + std::to_string(items.size()), path);
    for (std::size_t i = 0; i < items.size(); ++i)
      if (!read(out[i], items[i], path.item(i))) return false;
  } else {
    out.clear();
    out.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      typename T::value_type item{};
      if (!read(item, items[i], path.item(i))) return false;
      out.push_back(std::move(item));
    }
  }
  return true;
}

template <class T>
bool TypedReader::read_map(T& out, const Json& json, const JsonPath& path) {
  if (!json.is_object()) return expected("an object", json, path);
  out.clear();
  for (const auto& [key, value] : json.members()) {
    typename T::mapped_type item{};
    if (!read(item, value, path.member(key))) return false;
    out.emplace(key, std::move(item));
  }
  return true;
}

/// Members of the value and fields of the type are both sorted: one walk, `at` is the next member.
template <class T, std::size_t K>
bool TypedReader::read_field(T& out, const Json::Object& members, std::size_t& at, const JsonPath& path) {
  using F = typename Layout<T>::template Field<K>;
  const std::string_view name = Layout<T>::name(K);
  const int order = at == members.size() ? 1 : compare_utf16(members[at].key, name);
  if (order < 0) return fail("a member that is not known here", path.member(members[at].key));
  auto& field = out.*F::pointer;
  if (order > 0) {
    if constexpr (is_optional<typename F::type>) {
      field.reset();
      return true;
    } else {
      return fail("the member is missing", path.member(name));
    }
  }
  const Json& value = members[at++].value;
  if constexpr (is_optional<typename F::type>) return read(field.emplace(), value, path.member(name));
  else return read(field, value, path.member(name));
}

template <class T, std::size_t... K>
bool TypedReader::read_fields(T& out, const Json& json, const JsonPath& path, std::index_sequence<K...>) {
  if (!json.is_object()) return expected("an object", json, path);
  const Json::Object& members = json.members();
  std::size_t at = 0;
  if (!(read_field<T, K>(out, members, at, path) && ...)) return false;
  return at == members.size() || fail("a member that is not known here", path.member(members[at].key));
}

template <class T>
bool TypedReader::read(T& out, const Json& json, const JsonPath& path) {
  require_described<T>();
  constexpr Shape shape = shape_of<T>();
  static_assert(shape != Shape::view, "kfm_det: a std::string_view can be written but not read: it would dangle; make the field a std::string");
  if constexpr (shape == Shape::codec) {
    result<T> read = JsonCodec<T>::read(json);
    if (!read) {
      error_.emplace(path.outer == nullptr ? read.error() : read.error().at(path.text()));
      return false;
    }
    out = std::move(read).value();
    return true;
  } else if constexpr (shape == Shape::boolean) {
    if (!json.is_boolean()) return expected("a boolean", json, path);
    out = *json.boolean();
    return true;
  } else if constexpr (shape == Shape::integer) {
    return read_integer(out, json, path);
  } else if constexpr (shape == Shape::number) {
    if (!json.is_number()) return expected("a number", json, path);
    out = *json.number();
    return true;
  } else if constexpr (shape == Shape::string) {
    if (!json.is_string()) return expected("a string", json, path);
    out = *json.string();
    return true;
  } else if constexpr (shape == Shape::business_key) {
    return read(out.text, json, path);
  } else if constexpr (shape == Shape::json) {
    out = json;
    return true;
  } else if constexpr (shape == Shape::digest) {
    return read_text<T>(out, json, path, &Digest::from_hex, "64 hex digits");
  } else if constexpr (shape == Shape::strong_digest) {
    return read(out.digest, json, path);
  } else if constexpr (shape == Shape::uuid) {
    return read_text<T>(out, json, path, &Uuid::parse, "a UUID");
  } else if constexpr (shape == Shape::strong_uuid) {
    return read(out.uuid, json, path);
  } else if constexpr (shape == Shape::version) {
    return read_text<T>(out, json, path, &Version::parse, "a version");
  } else if constexpr (shape == Shape::instant) {
    if (!read_text<T>(out, json, path, &Instant::parse, "an RFC 3339 instant")) return false;
    return out.to_rfc3339() == *json.string() || fail("an instant that is not written with nine fractional digits and Z", path);
  } else if constexpr (shape == Shape::duration) {
    return read(out.ns, json, path);
  } else if constexpr (shape == Shape::enumeration) {
    if (!json.is_string()) return expected("a name", json, path);
    return read_enum(*json.string(), out) || fail("a name that the enum does not have", path);
  } else if constexpr (shape == Shape::optional) {
    return fail("an optional outside of a struct", path);
  } else if constexpr (shape == Shape::map) {
    return read_map(out, json, path);
  } else if constexpr (shape == Shape::vector || shape == Shape::array) {
    return read_items(out, json, path);
  } else if constexpr (shape == Shape::structure) {
    return read_fields(out, json, path, typename Layout<T>::Indices{});
  } else {
    return false;
  }
}

}  // namespace kfm_det::detail

#endif
