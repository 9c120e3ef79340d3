// SPDX-License-Identifier: BSL-1.0
/// \file
/// Typed values into a JsonWriter, and into a Json: the writing half of core/describe.hpp, which says what goes how.
///
/// Names are sorted and escaped at compile time; values go straight into the writer's buffer.
#ifndef KFM_DET_CORE_TYPED_WRITER_HPP
#define KFM_DET_CORE_TYPED_WRITER_HPP

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/core/codec.hpp"
#include "kfm_det/core/fields.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/sorted_order.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det::detail {

/// Static functions, so that JsonWriter has one friend. Each takes the writer's cursor and gives it back.
struct TypedWriter {
  template <class T>
  static void write(JsonWriter& writer, const T& value) {
    writer.at_ = value_at(writer, writer.separate(), value);
  }

  /// An array of values of different types.
  template <class... T>
  static void write_array(JsonWriter& writer, const T&... values) {
    char* at = writer.open(writer.separate(), '[');
    [[maybe_unused]] std::size_t index = 0;
    ((at = item_at(writer, at, values, index++)), ...);
    writer.at_ = writer.close(at, ']');
  }

  /// All that was written so far, and nothing that was there before; where it is short, without a copy.
  [[nodiscard]] static std::string_view written(JsonWriter& writer) {
    if (writer.out_.size() == writer.start_) return {writer.chunk_, static_cast<std::size_t>(writer.at_ - writer.chunk_)};
    writer.at_ = writer.flush(writer.at_);
    return std::string_view(writer.out_).substr(writer.start_);
  }

 private:
  /// The first member that is always written: behind it a comma is sure.
  template <class T, std::size_t... K>
  static consteval std::size_t first_sure(std::index_sequence<K...>) {
    std::size_t first = 0;
    (void)((is_optional<typename Layout<T>::template Field<K>::type> && ++first != 0) && ...);
    return first;
  }

  template <class T, std::size_t K, std::size_t Sure>
  [[nodiscard]] static char* field_at(JsonWriter& writer, char* at, const T& object, bool& first) {
    using L = Layout<T>;
    using F = typename L::template Field<K>;
    const auto& value = object.*F::pointer;
    if constexpr (is_optional<typename F::type>) {
      if (!value) return at;
    }
    constexpr const char* key = L::keys.data() + L::offsets[K];  // ,"name":
    constexpr std::size_t size = L::offsets[K + 1] - L::offsets[K];
    static_assert(size <= JsonWriter::chunk_size, "kfm_det: a JSON name of a described field is too long");
    at = writer.room(at, size);
    if constexpr (K > Sure) {
      std::memcpy(at, key, size);
      at += size;
    } else {
      if (!first) *at++ = ',';
      first = false;
      std::memcpy(at, key + 1, size - 1);
      at += size - 1;
    }
    if constexpr (is_optional<typename F::type>) at = value_at(writer, at, *value);
    else at = value_at(writer, at, value);
    if (writer.failed()) [[unlikely]] writer.locate(L::name(K));
    return at;
  }

  template <class T, std::size_t... K>
  [[nodiscard]] static char* fields_at(JsonWriter& writer, char* at, const T& object, std::index_sequence<K...>) {
    [[maybe_unused]] bool first = true;
    [[maybe_unused]] constexpr std::size_t sure = first_sure<T>(std::index_sequence<K...>{});
    ((at = writer.failed() ? at : field_at<T, K, sure>(writer, at, object, first)), ...);
    return at;
  }

  template <class Map>
  [[nodiscard]] static char* map_at(JsonWriter& writer, char* at, const Map& map) {
    using Entry = typename Map::value_type;
    bool comma = false, sorted = true;  // std::less orders by bytes, which is nearly always the same
    const auto write_entry = [&](const Entry& entry) {
      if (writer.failed()) return;
      if (std::exchange(comma, true)) at = writer.put(at, ',');
      at = writer.put(writer.put_string(at, entry.first), ':');
      if (!writer.failed()) at = value_at(writer, at, entry.second);
      if (writer.failed()) writer.locate(entry.first);
    };
    const Entry* before = nullptr;
    for (const Entry& entry : map) {
      sorted = sorted && (before == nullptr || compare_utf16(before->first, entry.first) < 0);
      before = &entry;
    }
    at = writer.open(at, '{');
    if (sorted) {
      for (const Entry& entry : map) write_entry(entry);
    } else {
      std::vector<const Entry*> entries;
      for (const Entry& entry : map) entries.push_back(&entry);
      for (const std::size_t i : sorted_order(entries.size(), [&](std::size_t a, std::size_t b) { return compare_utf16(entries[a]->first, entries[b]->first) < 0; })) write_entry(*entries[i]);
    }
    return writer.close(at, '}');
  }

  template <class List>
  [[nodiscard]] static char* list_at(JsonWriter& writer, char* at, const List& list) {
    at = writer.open(at, '[');
    std::size_t index = 0;
    for (const typename List::value_type& item : list) at = item_at(writer, at, item, index++);
    return writer.close(at, ']');
  }

  template <class T>
  [[nodiscard]] static char* item_at(JsonWriter& writer, char* at, const T& item, std::size_t index) {
    if (writer.failed()) [[unlikely]] return at;
    if (index != 0) at = writer.put(at, ',');
    at = value_at(writer, at, item);
    if (writer.failed()) [[unlikely]] writer.locate(index);
    return at;
  }

  template <class T>
  [[nodiscard]] static char* codec_at(JsonWriter& writer, char* at, const T& value) {
    if constexpr (requires { JsonCodec<T>::write(writer, value); }) {
      writer.at_ = at;
      writer.comma_ = false;
      JsonCodec<T>::write(writer, value);
      return writer.at_;
    } else {
      return writer.put_json(at, JsonCodec<T>::to_json(value));
    }
  }

  template <class T>
  [[nodiscard]] static char* value_at(JsonWriter& writer, char* at, const T& value) {
    require_described<T>();
    constexpr Shape shape = shape_of<T>();
    if constexpr (shape == Shape::codec) {
      return codec_at(writer, at, value);
    } else if constexpr (shape == Shape::boolean) {
      return writer.put_text(at, value ? std::string_view("true") : "false");
    } else if constexpr (shape == Shape::integer) {
      return writer.put_integer(at, value);
    } else if constexpr (shape == Shape::number) {
      return writer.put_number(at, value);
    } else if constexpr (shape == Shape::string || shape == Shape::view) {
      return writer.put_string(at, value);
    } else if constexpr (shape == Shape::business_key) {
      return writer.put_string(at, value.text);
    } else if constexpr (shape == Shape::json) {
      return writer.put_json(at, value);
    } else if constexpr (shape == Shape::digest) {
      return writer.put_hex(at, value.view());
    } else if constexpr (shape == Shape::strong_digest) {
      return writer.put_hex(at, value.digest.view());
    } else if constexpr (shape == Shape::uuid) {
      at = writer.room(at, uuid_size + 2);
      *at++ = '"';
      at = write_uuid(at, value);
      *at++ = '"';
      return at;
    } else if constexpr (shape == Shape::strong_uuid) {
      return value_at(writer, at, value.uuid);
    } else if constexpr (shape == Shape::version) {
      at = writer.room(at, version_size_max + 2);
      *at++ = '"';
      at = write_version(at, value);
      *at++ = '"';
      return at;
    } else if constexpr (shape == Shape::instant) {
      at = writer.room(at, rfc3339_size + 2);
      *at++ = '"';
      at = write_rfc3339(at, value);
      *at++ = '"';
      return at;
    } else if constexpr (shape == Shape::duration) {
      return writer.put_integer(at, value.ns);
    } else if constexpr (shape == Shape::enumeration) {
      const std::string_view name = enum_name(value);
      if (name.empty()) [[unlikely]] writer.fail(Error(errc::invalid_json, "an enum value without a name", {}, "Add it to KFM_DET_DESCRIBE_ENUM."));
      return writer.put_string(at, name);
    } else if constexpr (shape == Shape::optional) {
      if (value) return value_at(writer, at, *value);
      writer.fail(Error(errc::invalid_json, "an empty optional outside of a struct", {}, "Leave it out."));
      return at;
    } else if constexpr (shape == Shape::map) {
      return map_at(writer, at, value);
    } else if constexpr (shape == Shape::structure) {
      return writer.close(fields_at(writer, writer.open(at, '{'), value, typename Layout<T>::Indices{}), '}');
    } else if constexpr (shape == Shape::vector || shape == Shape::array) {
      return list_at(writer, at, value);
    } else {
      return at;
    }
  }
};

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
  else if constexpr (shape == Shape::boolean || shape == Shape::integer || shape == Shape::number || shape == Shape::string || shape == Shape::view || shape == Shape::json) return value;
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
  } else {
    return Json();
  }
}

}  // namespace kfm_det::detail

#endif
