// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/json.hpp"

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include "kfm_det/core/json_writer.hpp"

namespace det = kfm_det;
using det::Json;

TEST_CASE("a value knows its kind", "[core][json]") {
  CHECK(Json().is_null());
  CHECK(Json(nullptr).is_null());
  CHECK(*Json(true).boolean());
  CHECK(*Json(1.5).number() == 1.5);
  CHECK(*Json(7).number() == 7.0);
  CHECK(*Json(std::uint8_t{200}).number() == 200.0);
  CHECK(*Json("text").string() == "text");
  CHECK(*Json(std::string_view("view")).string() == "view");
  CHECK(Json::array().is_array());
  CHECK(Json::object().is_object());
  CHECK(Json(Json::Array{1, "a"}).items().size() == 2);
  CHECK(Json(1.5f).is_number());
}

TEST_CASE("a value of another kind answers null or empty", "[core][json]") {
  const Json number = 1;
  CHECK(number.string() == nullptr);
  CHECK(number.boolean() == nullptr);
  CHECK(number.find("a") == nullptr);
  CHECK(number.items().empty());
  CHECK(number.members().empty());
  CHECK(Json("1").number() == nullptr);
}

TEST_CASE("nothing turns into a boolean or a number by accident", "[core][json]") {
  static_assert(!std::convertible_to<int*, Json>);
  static_assert(!std::convertible_to<char, Json>);
  static_assert(std::convertible_to<const char*, Json> && std::convertible_to<std::string, Json> && std::convertible_to<unsigned long long, Json>);
  const char* text = "x";
  CHECK(Json(text).is_string());
}

TEST_CASE("integers beyond 2^53 - 1 become decimal strings", "[core][json]") {
  CHECK(*Json(std::int64_t{9007199254740991}).number() == 9007199254740991.0);
  CHECK(*Json(std::int64_t{-9007199254740991}).number() == -9007199254740991.0);
  CHECK(*Json(std::int64_t{9007199254740992}).string() == "9007199254740992");
  CHECK(*Json(std::int64_t{-9007199254740992}).string() == "-9007199254740992");
  CHECK(*Json(std::numeric_limits<std::int64_t>::min()).string() == "-9223372036854775808");
  CHECK(*Json(std::numeric_limits<std::uint64_t>::max()).string() == "18446744073709551615");
}

TEST_CASE("members stay sorted by UTF-16 and unique", "[core][json]") {
  Json object;  // null becomes an object
  object.set("\xEF\xAC\xB3", 1).set("b", 2).set("\xF0\x9F\x98\x80", 3).set("a", 4).set("b", 5);
  REQUIRE(object.members().size() == 4);
  CHECK(object.members()[0].key == "a");
  CHECK(object.members()[1].key == "b");
  CHECK(object.members()[2].key == "\xF0\x9F\x98\x80");
  CHECK(object.members()[3].key == "\xEF\xAC\xB3");
  CHECK(*object.find("b")->number() == 5);
  CHECK(object.find("c") == nullptr);
  CHECK(object.find("") == nullptr);
  CHECK(Json::object({{"x", 1}, {"a", "s"}, {"x", 2}}) == Json::object({{"a", "s"}, {"x", 2}}));
}

TEST_CASE("arrays grow, and values compare deeply", "[core][json]") {
  Json array;
  array.push(1);
  array.push(Json::object({{"a", Json::array({true, nullptr})}}));
  CHECK(array == Json::array({1, Json::object({{"a", Json::array({true, nullptr})}})}));
  CHECK_FALSE(array == Json::array({1}));
  CHECK_FALSE(Json("1") == Json(1));
  Json copy = array;
  copy.push(2);
  CHECK(copy.items().size() == 3);
  CHECK(array.items().size() == 2);
}

TEST_CASE("typed readers give the value or say what is wrong with which member", "[core][json]") {
  const Json object = Json::object({{"s", "x"}, {"b", true}, {"n", 1.5}, {"i", -3}, {"big", std::numeric_limits<std::uint64_t>::max()}, {"o", Json::object()}, {"a", Json::array()}});
  CHECK(det::get_string(object, "s").value() == "x");
  CHECK(det::get_bool(object, "b").value());
  CHECK(det::get_number(object, "n").value() == 1.5);
  CHECK(det::get_i64(object, "i").value() == -3);
  CHECK(det::get_u64(object, "big").value() == std::numeric_limits<std::uint64_t>::max());
  CHECK(det::get_object(object, "o").value()->is_object());
  CHECK(det::get_array(object, "a").value()->is_array());

  CHECK(det::get_string(object, "none").error().message() == "invalid_json: the member is missing (none).");
  CHECK(det::get_string(object, "i").error().message() == "invalid_json: expected a string, found a number (i).");
  CHECK(det::get_bool(object, "s").error().what() == "expected a boolean, found a string");
  CHECK(det::get_number(object, "s").error().what() == "expected a number, found a string");
  CHECK(det::get_object(object, "a").error().what() == "expected an object, found an array");
  CHECK(det::get_array(object, "o").error().what() == "expected an array, found an object");
  CHECK(det::get_string(Json(1), "s").error().what() == "expected an object, found a number");
  CHECK(det::get_u64(object, "o").error().what() == "expected a whole number, found an object");
}

TEST_CASE("an integer is a whole number in range, or a decimal string", "[core][json]") {
  const auto u64 = [](Json value) { return det::get_u64(Json::object({{"v", std::move(value)}}), "v"); };
  const auto i64 = [](Json value) { return det::get_i64(Json::object({{"v", std::move(value)}}), "v"); };
  CHECK(u64(0).value() == 0);
  CHECK(u64("12").value() == 12);
  CHECK(i64("-9223372036854775808").value() == std::numeric_limits<std::int64_t>::min());
  CHECK(i64("9223372036854775807").value() == std::numeric_limits<std::int64_t>::max());
  CHECK(u64(1.5).error().what() == "expected a whole number, found a fraction");
  for (const Json& wrong : {Json(-1), Json(1e300), Json(9007199254740992.0), Json("-1"), Json("18446744073709551616"), Json(""), Json("01"), Json("+1"), Json(" 1"), Json("1 "), Json("0x1"), Json("1e3"), Json("1.0")})
    CHECK_FALSE(u64(wrong));
  for (const Json& wrong : {Json("9223372036854775808"), Json("-9223372036854775809"), Json("-0"), Json("-"), Json("--1"), Json(-9007199254740992.0)})
    CHECK_FALSE(i64(wrong));
}
