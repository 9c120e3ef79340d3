// SPDX-License-Identifier: BSL-1.0
/// \file
/// Typed values into a JsonWriter, and into a Json: the writing half of core/describe.hpp, which says what goes how.
///
/// Names are sorted and escaped at compile time; values go straight into the writer's buffer.
#ifndef KFM_DET_CORE_TYPED_WRITER_HPP
#define KFM_DET_CORE_TYPED_WRITER_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/core/codec.hpp"
#include "kfm_det/core/fields.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det::detail {

template <class T> void write_value(JsonWriter& writer, const T& value);

template <class T, std::size_t K>
void write_field(JsonWriter& writer, const T& object) {
  using L = Layout<T>;
  using F = typename L::template Field<K>;
  const auto& value = object.*F::pointer;
  if constexpr (is_optional<typename F::type>) {
    if (!value) return;
  }
  constexpr std::size_t size = L::offsets[K + 1] - L::offsets[K];
  writer.template member<size>(L::keys.data() + L::offsets[K]);
  if constexpr (is_optional<typename F::type>) write_value(writer, *value);
  else write_value(writer, value);
  if (writer.failed()) [[unlikely]] writer.locate(L::name(K));
}

template <class T, std::size_t... K>
void write_fields(JsonWriter& writer, const T& object, std::index_sequence<K...>) {
  ((writer.failed() ? void() : write_field<T, K>(writer, object)), ...);
}

template <class Map>
void write_map(JsonWriter& writer, const Map& map) {
  using Entry = typename Map::value_type;
  const auto write_entry = [&](const Entry& entry) {
    if (writer.failed()) return;
    writer.key(entry.first);
    if (!writer.failed()) write_value(writer, entry.second);
    if (writer.failed()) writer.locate(entry.first);
  };
  bool sorted = true;  // std::less orders by bytes, which is nearly always the same
  const Entry* before = nullptr;
  for (const Entry& entry : map) {
    sorted = sorted && (before == nullptr || compare_utf16(before->first, entry.first) < 0);
    before = &entry;
  }
  writer.begin_object();
  if (sorted) {
    for (const Entry& entry : map) write_entry(entry);
  } else {
    std::vector<const Entry*> entries;
    for (const Entry& entry : map) entries.push_back(&entry);
    std::sort(entries.begin(), entries.end(), [](const Entry* a, const Entry* b) { return compare_utf16(a->first, b->first) < 0; });
    for (const Entry* const entry : entries) write_entry(*entry);
  }
  writer.end_object();
}

template <class T>
void write_value(JsonWriter& writer, const T& value) {
  require_described<T>();
  constexpr Shape shape = shape_of<T>();
  if constexpr (shape == Shape::codec) {
    if constexpr (requires { JsonCodec<T>::write(writer, value); }) JsonCodec<T>::write(writer, value);
    else write(writer, Json(JsonCodec<T>::to_json(value)));
  } else if constexpr (shape == Shape::boolean) {
    writer.boolean(value);
  } else if constexpr (shape == Shape::integer) {
    writer.integer(value);
  } else if constexpr (shape == Shape::number) {
    writer.number(value);
  } else if constexpr (shape == Shape::string) {
    writer.string(value);
  } else if constexpr (shape == Shape::business_key) {
    writer.string(value.text);
  } else if constexpr (shape == Shape::json) {
    write(writer, value);
  } else if constexpr (shape == Shape::digest) {
    writer.hex(value.view());
  } else if constexpr (shape == Shape::strong_digest) {
    writer.hex(value.digest.view());
  } else if constexpr (shape == Shape::uuid) {
    char text[uuid_size];
    write_uuid(text, value);
    writer.plain_string({text, uuid_size});
  } else if constexpr (shape == Shape::strong_uuid) {
    write_value(writer, value.uuid);
  } else if constexpr (shape == Shape::version) {
    char text[version_size_max];
    writer.plain_string({text, static_cast<std::size_t>(write_version(text, value) - text)});
  } else if constexpr (shape == Shape::instant) {
    char text[rfc3339_size];
    write_rfc3339(text, value);
    writer.plain_string({text, rfc3339_size});
  } else if constexpr (shape == Shape::duration) {
    writer.integer(value.ns);
  } else if constexpr (shape == Shape::enumeration) {
    const std::string_view name = enum_name(value);
    if (name.empty()) writer.fail(Error(errc::invalid_json, "an enum value without a name", {}, "Add it to KFM_DET_DESCRIBE_ENUM."));
    writer.string(name);
  } else if constexpr (shape == Shape::optional) {
    if (value) write_value(writer, *value);
    else writer.fail(Error(errc::invalid_json, "an empty optional outside of a struct", {}, "Leave it out."));
  } else if constexpr (shape == Shape::map) {
    write_map(writer, value);
  } else if constexpr (shape == Shape::structure) {
    writer.begin_object();
    write_fields(writer, value, typename Layout<T>::Indices{});
    writer.end_object();
  } else if constexpr (shape == Shape::vector || shape == Shape::array) {
    writer.begin_array();
    std::size_t i = 0;
    for (const typename T::value_type& item : value) {
      write_value(writer, item);
      if (writer.failed()) [[unlikely]] { writer.locate("[" + std::to_string(i) + "]"); break; }
      ++i;
    }
    writer.end_array();
  }
}

template <class T> Json json_of(const T& value);

template <class T, std::size_t K>
void add_member(Json& out, const T& object) {
  using F = typename Layout<T>::template Field<K>;
  const auto& value = object.*F::pointer;
  if constexpr (is_optional<typename F::type>) {
    if (value) out.set(std::string(Layout<T>::name(K)), json_of(*value));
  } else {
    out.set(std::string(Layout<T>::name(K)), json_of(value));
  }
}

template <class T, std::size_t... K>
void add_members(Json& out, const T& object, std::index_sequence<K...>) { (add_member<T, K>(out, object), ...); }

template <class T>
Json json_of(const T& value) {
  require_described<T>();
  constexpr Shape shape = shape_of<T>();
  if constexpr (shape == Shape::codec) return JsonCodec<T>::to_json(value);
  else if constexpr (shape == Shape::boolean || shape == Shape::integer || shape == Shape::number || shape == Shape::string || shape == Shape::json) return value;
  else if constexpr (shape == Shape::business_key) return value.text;
  else if constexpr (shape == Shape::digest || shape == Shape::strong_digest) return value.hex();
  else if constexpr (shape == Shape::uuid || shape == Shape::strong_uuid || shape == Shape::version) return value.text();
  else if constexpr (shape == Shape::instant) return value.to_rfc3339();
  else if constexpr (shape == Shape::duration) return value.ns;
  else if constexpr (shape == Shape::enumeration) return enum_name(value).empty() ? Json() : Json(enum_name(value));
  else if constexpr (shape == Shape::optional) return value ? json_of(*value) : Json();
  else if constexpr (shape == Shape::map) {
    Json out = Json::object();
    for (const auto& [key, item] : value) out.set(key, json_of(item));
    return out;
  } else if constexpr (shape == Shape::vector || shape == Shape::array) {
    Json::Array out;
    out.reserve(value.size());
    for (const typename T::value_type& item : value) out.push_back(json_of(item));
    return out;
  } else if constexpr (shape == Shape::structure) {
    Json out = Json::object();
    add_members(out, value, typename Layout<T>::Indices{});
    return out;
  }
}

}  // namespace kfm_det::detail

#endif
