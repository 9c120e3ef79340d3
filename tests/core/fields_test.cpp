// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/fields.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <boost/hana/for_each.hpp>
#include <boost/hana/keys.hpp>
#include <boost/hana/members.hpp>
#include <catch2/catch.hpp>

#include "kfm_det/core/describe.hpp"

namespace det = kfm_det;

namespace {

struct Plain { int b = 1, a = 2; };
KFM_DET_DESCRIBE(Plain, b, a)

struct Empty {};
KFM_DET_DESCRIBE(Empty)

struct Outer { struct Inner { std::string text; }; };
KFM_DET_DESCRIBE(Outer::Inner, text)

struct Renamed { int from = 1, odd = 2, umlaut = 3, smiley = 4, hebrew = 5; };
KFM_DET_DESCRIBE(Renamed, (from, "namespace"), (odd, "a\"\\\n\x01/"), (umlaut, "\xC3\xA4"), (smiley, "\xF0\x9F\x98\x80"), (hebrew, "\xEF\xAC\xB3"))

enum class Color : std::uint8_t { red = 1, green = 2, unnamed = 3 };
KFM_DET_DESCRIBE_ENUM(Color, red, (green, "gr\xC3\xBCn"))

enum Old { first, second };
KFM_DET_DESCRIBE_ENUM(Old, first, second)

struct HasEnum { enum class Kind { x, y }; };
KFM_DET_DESCRIBE_ENUM(HasEnum::Kind, x, y)

template <class T>
class Box {
 public:
  Box() = default;
  explicit Box(T value) : value_(value) {}

 private:
  T value_{};
  KFM_DET_DESCRIBE_FRIEND(Box, (value_, "value"))
};

struct Base { int a = 1; };
KFM_DET_DESCRIBE(Base, a)
struct Derived : Base { int b = 2; };
struct DerivedDescribed : Base { int b = 2; };
KFM_DET_DESCRIBE(DerivedDescribed, a, b)

struct Wide {
  int f00 = 0, f01 = 1, f02 = 2, f03 = 3, f04 = 4, f05 = 5, f06 = 6, f07 = 7, f08 = 8, f09 = 9, f10 = 10, f11 = 11, f12 = 12, f13 = 13, f14 = 14, f15 = 15, f16 = 16, f17 = 17, f18 = 18, f19 = 19,
      f20 = 20, f21 = 21, f22 = 22, f23 = 23, f24 = 24, f25 = 25, f26 = 26, f27 = 27, f28 = 28, f29 = 29, f30 = 30, f31 = 31, f32 = 32, f33 = 33, f34 = 34, f35 = 35, f36 = 36, f37 = 37, f38 = 38, f39 = 39;
};
KFM_DET_DESCRIBE(Wide, f39, f38, f37, f36, f35, f34, f33, f32, f31, f30, f29, f28, f27, f26, f25, f24, f23, f22, f21, f20, f19, f18, f17, f16, f15, f14, f13, f12, f11, f10, f09, f08, f07, f06, f05,
                 f04, f03, f02, f01, f00)

}  // namespace

namespace elsewhere::deep {
struct Here { double x = 0.5; };
KFM_DET_DESCRIBE(Here, x)
}  // namespace elsewhere::deep

struct Global { bool yes = true; };
KFM_DET_DESCRIBE(Global, yes)

TEST_CASE("a description is found wherever the type lives", "[core][fields]") {
  static_assert(det::Described<Plain> && det::Described<Empty> && det::Described<Outer::Inner> && det::Described<elsewhere::deep::Here> && det::Described<Global> && det::Described<Box<int>>);
  static_assert(!det::Described<Outer> && !det::Described<int> && !det::Described<std::string> && !det::Described<Color>);
  static_assert(det::DescribedEnum<Color> && det::DescribedEnum<HasEnum::Kind> && det::DescribedEnum<Old> && !det::DescribedEnum<Plain>);
  struct Local {
    int q = 3;
    KFM_DET_DESCRIBE_MEMBER(Local, q)
  };
  static_assert(det::Described<Local>);
  CHECK(det::canonical(Local{}).value() == R"({"q":3})");
  CHECK(det::canonical(Empty{}).value() == "{}");
  CHECK(det::canonical(elsewhere::deep::Here{}).value() == R"({"x":0.5})");
  CHECK(det::canonical(Global{}).value() == R"({"yes":true})");
  CHECK(det::canonical(Box<int>{7}).value() == R"({"value":7})");
  CHECK(det::canonical(Box<std::string>{"s"}).value() == R"({"value":"s"})");
}

TEST_CASE("a struct that derives from a described one is not described by it", "[core][fields]") {
  static_assert(!det::Described<Derived>);
  static_assert(!det::Serialisable<Derived>);
  CHECK(det::canonical(DerivedDescribed{}).value() == R"({"a":1,"b":2})");
}

TEST_CASE("members come out sorted by UTF-16, whatever the order of the description", "[core][fields]") {
  CHECK(det::canonical(Plain{}).value() == R"({"a":2,"b":1})");
  CHECK(det::canonical(Renamed{}).value() == "{\"a\\\"\\\\\\n\\u0001/\":2,\"namespace\":1,\"\xC3\xA4\":3,\"\xF0\x9F\x98\x80\":4,\"\xEF\xAC\xB3\":5}");
  CHECK(det::read_canonical<Renamed>(det::canonical(Renamed{}).value()));
  CHECK(det::canonical(det::to_json(Renamed{})).value() == det::canonical(Renamed{}).value());
}

TEST_CASE("forty fields are described as well as two", "[core][fields]") {
  static_assert(det::detail::Layout<Wide>::count == 40);
  const std::string text = det::canonical(Wide{}).value();
  CHECK(text.substr(0, 19) == R"({"f00":0,"f01":1,"f)");
  Wide other;
  other.f17 = -1;
  CHECK(det::from_json<Wide>(det::to_json(other)).value().f17 == -1);
}

TEST_CASE("an enumerator has its name, and only its name", "[core][fields]") {
  static_assert(det::enum_name(Color::red) == "red" && det::enum_name(Color::green) == "gr\xC3\xBCn" && det::enum_name(Color::unnamed).empty());
  Color color = Color::red;
  CHECK(det::read_enum("gr\xC3\xBCn", color));
  CHECK(color == Color::green);
  CHECK_FALSE(det::read_enum("green", color));
  CHECK_FALSE(det::read_enum("", color));
  CHECK(color == Color::green);
  CHECK(det::enum_name(second) == "second");
}

TEST_CASE("a described struct is a hana::Struct", "[core][fields]") {
  static_assert(boost::hana::Struct<Plain>::value && !boost::hana::Struct<Derived>::value);
  std::vector<std::string> keys;
  boost::hana::for_each(boost::hana::keys(Plain{}), [&](auto key) { keys.emplace_back(boost::hana::to<const char*>(key)); });
  CHECK(keys == std::vector<std::string>{"b", "a"});
  int sum = 0;
  boost::hana::for_each(boost::hana::members(Plain{}), [&](int value) { sum += value; });
  CHECK(sum == 3);
}
