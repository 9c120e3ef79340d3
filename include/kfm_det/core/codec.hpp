// SPDX-License-Identifier: BSL-1.0
/// \file
/// JsonCodec, and which C++ types travel as JSON: what core/typed_writer.hpp and core/typed_reader.hpp both go by.
///
/// Include core/describe.hpp to use it.
#ifndef KFM_DET_CORE_CODEC_HPP
#define KFM_DET_CORE_CODEC_HPP

#include <array>
#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/fields.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/time.hpp"
#include "kfm_det/core/version.hpp"

namespace kfm_det {

/// How a type of the user's travels. Specialise it with
///   `static Json to_json(const T&)` and `static result<T> read(const Json&)`, which must accept exactly what to_json gives;
///   optional, for speed: `static void write(JsonWriter&, const T&)`, which must give the same bytes.
template <class T>
struct JsonCodec;

namespace detail {

template <class T>
concept has_codec = requires(const T& value, const Json& json) {
  { JsonCodec<T>::to_json(value) } -> std::convertible_to<Json>;
  { JsonCodec<T>::read(json) } -> std::same_as<result<T>>;
};

enum class Shape {
  none, codec, boolean, integer, number, string, view, business_key, json, digest, strong_digest, uuid, strong_uuid, version, instant, duration,
  optional, vector, array, map, enumeration, structure,
};

template <class T> inline constexpr Shape template_shape = Shape::none;
template <class Tag> inline constexpr Shape template_shape<StrongDigest<Tag>> = Shape::strong_digest;
template <class Tag> inline constexpr Shape template_shape<StrongUuid<Tag>> = Shape::strong_uuid;
template <class T> inline constexpr Shape template_shape<std::optional<T>> = Shape::optional;
template <class T, class A> inline constexpr Shape template_shape<std::vector<T, A>> = Shape::vector;
template <class T, std::size_t N> inline constexpr Shape template_shape<std::array<T, N>> = Shape::array;
template <class T, class C, class A> inline constexpr Shape template_shape<std::map<std::string, T, C, A>> = Shape::map;

template <class T>
consteval Shape shape_of() {
  if constexpr (has_codec<T>) return Shape::codec;
  else if constexpr (std::is_same_v<T, bool>) return Shape::boolean;
  else if constexpr (Integer<T>) return Shape::integer;
  else if constexpr (std::is_same_v<T, double>) return Shape::number;
  else if constexpr (std::is_same_v<T, std::string>) return Shape::string;
  else if constexpr (std::is_same_v<T, std::string_view>) return Shape::view;  // written, never read
  else if constexpr (template_shape<T> != Shape::none) return template_shape<T>;
  else if constexpr (std::is_same_v<T, BusinessKey>) return Shape::business_key;
  else if constexpr (std::is_same_v<T, Json>) return Shape::json;
  else if constexpr (std::is_same_v<T, Digest>) return Shape::digest;
  else if constexpr (std::is_same_v<T, Uuid>) return Shape::uuid;
  else if constexpr (std::is_same_v<T, Version>) return Shape::version;
  else if constexpr (std::is_same_v<T, Instant>) return Shape::instant;
  else if constexpr (std::is_same_v<T, Duration>) return Shape::duration;
  else if constexpr (DescribedEnum<T>) return Shape::enumeration;
  else if constexpr (Described<T>) return Shape::structure;
  else return Shape::none;
}

template <class T> struct element { using type = void; };
template <class T> struct element<std::optional<T>> { using type = T; };
template <class T, class A> struct element<std::vector<T, A>> { using type = T; };
template <class T, std::size_t N> struct element<std::array<T, N>> { using type = T; };
template <class T, class C, class A> struct element<std::map<std::string, T, C, A>> { using type = T; };

/// Looks through containers, not into structs: those answer for their fields when they are used.
template <class T>
consteval bool serialisable() {
  if constexpr (std::is_void_v<typename element<T>::type>) return shape_of<T>() != Shape::none;
  else return serialisable<typename element<T>::type>();
}

template <class T> inline constexpr bool is_optional = template_shape<T> == Shape::optional;

template <class T>
consteval void require_described() {
  static_assert(shape_of<T>() != Shape::none, "kfm_det: this type is not described; write KFM_DET_DESCRIBE(Type, fields...) beside it");
}

}  // namespace detail

/// What canonical, read_canonical, to_json and from_json take.
template <class T>
concept Serialisable = detail::serialisable<T>();

}  // namespace kfm_det

#endif
