// SPDX-License-Identifier: BSL-1.0
/// \file
/// KFM_DET_DESCRIBE: says which fields a struct has, so that core/describe.hpp can write and read it as canonical JSON. The one seam of Boost.Hana.
///
///   KFM_DET_DESCRIBE(Type, field, ...)          behind the struct, in its namespace (an anonymous one too); a nested type is written Outer::Inner
///   KFM_DET_DESCRIBE_FRIEND(Type, field, ...)   inside the class: for class templates and private fields
///   KFM_DET_DESCRIBE_MEMBER(Type, field, ...)   inside a class that is local to a function
///   KFM_DET_DESCRIBE_ENUM(Enum, value, ...)     behind an enum, in its namespace
/// A field is `name`, or `(name, "json name")` where JSON wants a name that C++ cannot give.
/// Every field of an aggregate must be named: one that is forgotten would be lost on disk. A struct that derives from a described one is not described.
/// A described struct is a hana::Struct as well: hana::keys, hana::for_each, hana::accessors work on it.
#ifndef KFM_DET_CORE_FIELDS_HPP
#define KFM_DET_CORE_FIELDS_HPP

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/hana/accessors.hpp>
#include <boost/hana/at.hpp>
#include <boost/hana/basic_tuple.hpp>
#include <boost/hana/pair.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/unpack.hpp>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/utf8.hpp"

namespace kfm_det {

/// The type whose description is asked for. Exactly: no description is inherited.
template <class T>
struct DescribeTag {};

namespace detail {

template <auto Member> struct Field;
template <class Owner, class Value, Value Owner::*Member>
struct Field<Member> {
  using type = Value;
  static constexpr Value Owner::*pointer = Member;
  std::string_view name;
};

template <class E>
struct Enumerator {
  std::string_view name;
  E value;
};

template <class... Fields>
[[nodiscard]] constexpr auto list_fields(Fields... fields) { return boost::hana::basic_tuple<Fields...>(fields...); }
template <class E, std::size_t N>
[[nodiscard]] constexpr auto list_values(const Enumerator<E> (&values)[N]) { return std::to_array(values); }

void kfm_det_describe();  // so that descriptions are found by their argument, and nothing else is
template <class T> concept described_beside = requires { kfm_det_describe(DescribeTag<T>{}); };
template <class T> concept described_inside = requires { T::kfm_det_describe(DescribeTag<T>{}); };
template <class T>
[[nodiscard]] consteval auto description() {
  if constexpr (described_beside<T>) return kfm_det_describe(DescribeTag<T>{});
  else return T::kfm_det_describe(DescribeTag<T>{});
}
}  // namespace detail

/// A struct with KFM_DET_DESCRIBE.
template <class T>
concept Described = std::is_class_v<T> && (detail::described_beside<T> || detail::described_inside<T>);
/// An enum with KFM_DET_DESCRIBE_ENUM.
template <class T>
concept DescribedEnum = std::is_enum_v<T> && detail::described_beside<T>;

/// The enumerator's name; empty for a value that has none.
template <DescribedEnum E>
[[nodiscard]] constexpr std::string_view enum_name(E value) noexcept;
/// False when no enumerator has that name; then `out` is as it was.
template <DescribedEnum E>
[[nodiscard]] constexpr bool read_enum(std::string_view name, E& out) noexcept;

namespace detail {

template <DescribedEnum E>
inline constexpr auto values_of = description<E>();

/// Stands for a field of any type while fields are counted.
struct AnyField {
  template <class T> operator T() const;
};
template <std::size_t> using any_field = AnyField;
template <class T, std::size_t... I>
consteval bool initialised_by(std::index_sequence<I...>) { return requires { T{any_field<I>{}...}; }; }

/// Everything about the JSON of T that is known at compile time.
template <Described T>
struct Layout {
  static constexpr auto fields = description<T>();
  static constexpr auto names = boost::hana::unpack(fields, [](const auto&... field) { return std::array<std::string_view, sizeof...(field)>{field.name...}; });
  static constexpr std::size_t count = names.size();
  using Indices = std::make_index_sequence<count>;

  /// Fields in the order of their names: order[k] is the place in the description of the k-th member.
  static constexpr auto order = [] {
    std::array<std::size_t, count> out{};
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t at = i;
      for (; at > 0 && compare_utf16(names[out[at - 1]], names[i]) > 0; --at) out[at] = out[at - 1];
      out[at] = i;
    }
    return out;
  }();

  [[nodiscard]] static constexpr std::string_view name(std::size_t k) noexcept { return names[order[k]]; }
  template <std::size_t K> using Field = std::remove_cvref_t<decltype(boost::hana::at_c<order[K]>(fields))>;

  static constexpr bool unique = [] {
    for (std::size_t k = 1; k < count; ++k)
      if (name(k - 1) == name(k)) return false;
    return true;
  }();
  static constexpr bool names_valid = [] {
    for (const std::string_view each : names)
      if (utf8_fault(each) != std::string_view::npos) return false;
    return true;
  }();
  static_assert(unique, "kfm_det: two fields of a description have the same JSON name");
  static_assert(names_valid, "kfm_det: a JSON name in a description is not valid UTF-8");
  static_assert(!std::is_aggregate_v<T> || !initialised_by<T>(std::make_index_sequence<count + 1>{}),
                "kfm_det: a field of this struct is missing in its KFM_DET_DESCRIBE; it would be lost on disk");

  /// Calls put(char) for ,"name": of the k-th member.
  template <class Put>
  static constexpr void spell(std::size_t k, Put put) {
    put(','), put('"');
    for (const char c : name(k)) {
      const auto byte = static_cast<unsigned char>(c);
      constexpr std::string_view shorts = "\"\\\b\t\n\f\r", letters = "\"\\btnfr";
      if (const std::size_t at = shorts.find(c); at != std::string_view::npos) {
        put('\\'), put(letters[at]);
      } else if (byte < 0x20) {
        put('\\'), put('u'), put('0'), put('0'), put(hex_digits[byte >> 4]), put(hex_digits[byte & 15]);
      } else {
        put(c);
      }
    }
    put('"'), put(':');
  }
  static constexpr auto offsets = [] {  // of the keys in `keys`; one more for the end
    std::array<std::size_t, count + 1> out{};
    for (std::size_t k = 0; k < count; ++k) {
      out[k + 1] = out[k];
      spell(k, [&](char) { ++out[k + 1]; });
    }
    return out;
  }();
  static constexpr auto keys = [] {
    std::array<char, offsets[count] + 1> out{};
    std::size_t at = 0;
    for (std::size_t k = 0; k < count; ++k) spell(k, [&](char c) { out[at++] = c; });
    return out;
  }();
};

/// Reads a field of a hana::Struct.
template <class F>
struct HanaAccessor {
  template <class S>
  constexpr decltype(auto) operator()(S&& object) const { return (static_cast<S&&>(object).*F::pointer); }
};

}  // namespace detail

template <DescribedEnum E>
constexpr std::string_view enum_name(E value) noexcept {
  for (const auto& each : detail::values_of<E>)
    if (each.value == value) return each.name;
  return {};
}

template <DescribedEnum E>
constexpr bool read_enum(std::string_view name, E& out) noexcept {
  for (const auto& each : detail::values_of<E>) {
    if (each.name != name) continue;
    out = each.value;
    return true;
  }
  return false;
}

}  // namespace kfm_det

/// A described struct is a hana::Struct; its keys are hana::string in the order of the description.
template <class S>
struct boost::hana::accessors_impl<S, boost::hana::when<kfm_det::Described<S>>> {
  static constexpr auto apply() { return all(typename kfm_det::detail::Layout<S>::Indices{}); }

 private:
  using Layout = kfm_det::detail::Layout<S>;
  template <std::size_t I, std::size_t... C>
  static constexpr auto key(std::index_sequence<C...>) { return boost::hana::string_c<Layout::names[I][C]...>; }
  template <std::size_t... I>
  static constexpr auto all(std::index_sequence<I...>) {
    return boost::hana::make_tuple(boost::hana::make_pair(key<I>(std::make_index_sequence<Layout::names[I].size()>{}),
                                                          kfm_det::detail::HanaAccessor<std::remove_cvref_t<decltype(boost::hana::at_c<I>(Layout::fields))>>{})...);
  }
};

#define KFM_DET_DESCRIBE(...) [[maybe_unused]] constexpr KFM_DET_DETAIL_DESCRIBE(__VA_ARGS__, )
#define KFM_DET_DESCRIBE_FRIEND(...) friend constexpr KFM_DET_DETAIL_DESCRIBE(__VA_ARGS__, )
#define KFM_DET_DESCRIBE_MEMBER(...) static constexpr KFM_DET_DETAIL_DESCRIBE(__VA_ARGS__, )
#define KFM_DET_DESCRIBE_ENUM(Enum, ...)                                                          \
  [[maybe_unused]] constexpr auto kfm_det_describe(::kfm_det::DescribeTag<Enum>) {                \
    return ::kfm_det::detail::list_values<Enum>({KFM_DET_DETAIL_EACH(KFM_DET_DETAIL_VALUE, Enum, __VA_ARGS__, )}); \
  }

// A list of any length (__VA_OPT__ with rescans: up to 340 items).
#define KFM_DET_DETAIL_DESCRIBE(Type, ...)                                     \
  auto kfm_det_describe(::kfm_det::DescribeTag<Type>) {                        \
    return ::kfm_det::detail::list_fields(KFM_DET_DETAIL_EACH(KFM_DET_DETAIL_FIELD, Type, __VA_ARGS__)); \
  }
#define KFM_DET_DETAIL_FIELD(Type, item) \
  ::kfm_det::detail::Field<&Type::KFM_DET_DETAIL_CPP(item)> { KFM_DET_DETAIL_JSON(item) }
#define KFM_DET_DETAIL_VALUE(Enum, item) \
  { KFM_DET_DETAIL_JSON(item), Enum::KFM_DET_DETAIL_CPP(item) }
#define KFM_DET_DETAIL_EACH(macro, context, ...) __VA_OPT__(KFM_DET_DETAIL_RESCAN4(KFM_DET_DETAIL_STEP(macro, context, __VA_ARGS__)))
#define KFM_DET_DETAIL_STEP(macro, context, item, ...) \
  macro(context, item) __VA_OPT__(, KFM_DET_DETAIL_AGAIN KFM_DET_DETAIL_PARENS(macro, context, __VA_ARGS__))
#define KFM_DET_DETAIL_AGAIN() KFM_DET_DETAIL_STEP
#define KFM_DET_DETAIL_PARENS ()
#define KFM_DET_DETAIL_RESCAN4(...) KFM_DET_DETAIL_RESCAN3(KFM_DET_DETAIL_RESCAN3(KFM_DET_DETAIL_RESCAN3(KFM_DET_DETAIL_RESCAN3(__VA_ARGS__))))
#define KFM_DET_DETAIL_RESCAN3(...) KFM_DET_DETAIL_RESCAN2(KFM_DET_DETAIL_RESCAN2(KFM_DET_DETAIL_RESCAN2(KFM_DET_DETAIL_RESCAN2(__VA_ARGS__))))
#define KFM_DET_DETAIL_RESCAN2(...) KFM_DET_DETAIL_RESCAN1(KFM_DET_DETAIL_RESCAN1(KFM_DET_DETAIL_RESCAN1(KFM_DET_DETAIL_RESCAN1(__VA_ARGS__))))
#define KFM_DET_DETAIL_RESCAN1(...) __VA_ARGS__
// An item is `name` or `(name, "json name")`: whether it starts with a parenthesis shows in the number of arguments.
#define KFM_DET_DETAIL_CPP(item) KFM_DET_DETAIL_THIRD(KFM_DET_DETAIL_PROBE item, KFM_DET_DETAIL_PAIR_FIRST item, item, )
#define KFM_DET_DETAIL_JSON(item) KFM_DET_DETAIL_THIRD(KFM_DET_DETAIL_PROBE item, KFM_DET_DETAIL_PAIR_SECOND item, #item, )
#define KFM_DET_DETAIL_PROBE(...) ~, ~
#define KFM_DET_DETAIL_PAIR_FIRST(name, json) name
#define KFM_DET_DETAIL_PAIR_SECOND(name, json) json
#define KFM_DET_DETAIL_THIRD(...) KFM_DET_DETAIL_THIRD_(__VA_ARGS__)
#define KFM_DET_DETAIL_THIRD_(a, b, c, ...) c

#endif
