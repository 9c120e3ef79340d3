// SPDX-License-Identifier: BSL-1.0
/// \file
/// Typed structs as canonical JSON, and strictly back. Write KFM_DET_DESCRIBE(Type, fields...) beside a struct (core/fields.hpp), then
/// `canonical(value)`, `read_canonical<Type>(bytes)`, `to_json(value)`, `from_json<Type>(json)`.
///
/// Law: what read_canonical<T> accepts is exactly what canonical(T) gives. An unknown member, a missing one, another kind, a number that
/// does not fit: each is errc::invalid_json and names the JSON path, as in `steps[3].params.month`.
///
///   described struct          object, members sorted        bool, double               boolean, number
///   std::optional<T>          absent when empty             integers of any width      number; beyond 2^53 - 1 a decimal string
///   std::vector, std::array   array                         std::string, BusinessKey   string
///   std::map<std::string, T>  object                        Digest, StrongDigest       64 hex digits
///   Json                      what it holds                 Uuid, StrongUuid, Version  their text
///   described enum            the enumerator's name         Instant, Duration          RFC 3339, integer nanoseconds
///
/// Any other type: specialise JsonCodec. Thread-safety: pure functions.
#ifndef KFM_DET_CORE_DESCRIBE_HPP
#define KFM_DET_CORE_DESCRIBE_HPP

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/codec.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/fields.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/typed_reader.hpp"
#include "kfm_det/core/typed_writer.hpp"

namespace kfm_det {

/// Appends the canonical form. Errors: invalid_json (text that is not UTF-8, NaN, an enum value without a name), limit_exceeded (depth); then `out` is as it was.
template <class T> [[nodiscard]] result<void> append_canonical(std::string& out, const T& value);
template <class T> [[nodiscard]] result<std::string> canonical(const T& value);
/// Writes one value into a text that is being written.
template <class T> void write(JsonWriter& writer, const T& value);
/// An enum value without a name becomes null.
template <class T> [[nodiscard]] Json to_json(const T& value);
/// Errors: invalid_json, and the path to what is wrong.
template <class T> [[nodiscard]] result<T> from_json(const Json& json);
/// Errors: as parse_canonical and from_json.
template <class T> [[nodiscard]] result<T> read_canonical(BytesView text, const ParseLimits& limits = {});

/// SHA-256 of the canonical array [domain, values...], as a Digest or a StrongDigest. A domain is a tag of ours, such as "kfm_det/v1/effect".
/// Allocates nothing for what fits in a writer's buffer. Errors: as append_canonical; where it is starts with the place in the array, "[2]".
template <class Hash = Digest, class... T> [[nodiscard]] result<Hash> array_digest(std::string_view domain, const T&... values);

template <class T>
void write(JsonWriter& writer, const T& value) { detail::TypedWriter::write(writer, value); }

template <class T>
result<void> append_canonical(std::string& out, const T& value) {
  JsonWriter writer(out);
  detail::TypedWriter::write(writer, value);
  return writer.finish();
}

template <class T>
result<std::string> canonical(const T& value) {
  std::string out;
  KFM_DET_TRY(append_canonical(out, value));
  return out;
}

template <class Hash, class... T>
result<Hash> array_digest(std::string_view domain, const T&... values) {
  std::string spill;  // for what is longer than a writer's buffer
  JsonWriter writer(spill);
  detail::TypedWriter::write_array(writer, domain, values...);
  if (writer.failed()) [[unlikely]] return writer.finish().error();  // the writer's own words
  return Hash{sha256(detail::TypedWriter::written(writer))};
}

template <class T>
Json to_json(const T& value) { return detail::json_of(value); }

template <class T>
result<T> from_json(const Json& json) {
  if constexpr (detail::shape_of<T>() == detail::Shape::codec) {
    return JsonCodec<T>::read(json);
  } else {
    static_assert(std::default_initializable<T>, "kfm_det: from_json needs a default constructor; or specialise JsonCodec");
    T out{};
    detail::TypedReader reader;
    if (!reader.read(out, json, {})) return std::move(reader).error();
    return out;
  }
}

template <class T>
result<T> read_canonical(BytesView text, const ParseLimits& limits) {
  KFM_DET_TRY(const auto json, parse_canonical(text, limits));
  return from_json<T>(json);
}

}  // namespace kfm_det

#endif
