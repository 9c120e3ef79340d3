// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/json_parser.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "tests/core/random_json.hpp"

namespace det = kfm_det;
using det::Json;

namespace {
struct Refused {
  std::string text;
  std::size_t byte;
  const char* what;
};
}  // namespace

TEST_CASE("every kind of value is read", "[core][json_parser]") {
  CHECK(det::parse_json(" \t\r\n null ").value() == Json());
  CHECK(det::parse_json("[true,false]").value() == Json::array({true, false}));
  CHECK(det::parse_json("{}").value() == Json::object());
  CHECK(det::parse_json("[[],{},[{}]]").value() == Json::array({Json::array(), Json::object(), Json::array({Json::object()})}));
  CHECK(det::parse_json(R"({ "b" : 1 , "a" : [ 2 , 3 ] })").value() == Json::object({{"a", Json::array({2, 3})}, {"b", 1}}));
  CHECK(det::parse_json(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\uD83D\uDE00")").value() == Json("\"\\/\b\f\n\r\tA\xC3\xA9\xF0\x9F\x98\x80"));
  CHECK(det::parse_json("\"\\u0000\"").value() == Json(std::string(1, '\0')));
  CHECK(det::parse_json("\"\x7f\xC2\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"").value() == Json("\x7f\xC2\x80\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"));
}

TEST_CASE("numbers are read to the nearest double", "[core][json_parser]") {
  const auto number = [](const char* text) { return *det::parse_json(text).value().number(); };
  CHECK(number("0") == 0);
  CHECK(number("-0") == 0);
  CHECK(number("-12") == -12);
  CHECK(number("123456789012345") == 123456789012345.0);
  CHECK(number("9007199254740993") == 9007199254740992.0);  // ties to even
  CHECK(number("1e3") == 1000);
  CHECK(number("1E+3") == 1000);
  CHECK(number("12.5e-1") == 1.25);
  CHECK(number("0.1") == 0.1);
  CHECK(number("1.7976931348623157e308") == 1.7976931348623157e308);
  CHECK(number("1.7976931348623158e308") == 1.7976931348623157e308);
  CHECK(number("5e-324") == 5e-324);
  CHECK(number("2.5e-324") == 5e-324);
  CHECK(number("2.4703282292062327e-324") == 0);  // below half of the smallest
  CHECK(number("1e-400") == 0);
  CHECK(number("-1e-400") == 0);
  CHECK(number("1e-99999999999999999999") == 0);
  CHECK(number("0e99999999999999999999") == 0);
  CHECK(number("0.0000000001e310") == 1e300);
  CHECK(number(("0." + std::string(400, '0') + "1").c_str()) == 0);
  CHECK(number(("1" + std::string(400, '0') + "e-400").c_str()) == 1);
}

TEST_CASE("what two readers could read differently is refused at its byte", "[core][json_parser]") {
  const std::vector<Refused> all = {
      // nothing, or not enough
      {"", 0, "the text ends where a value should be"},
      {"  ", 2, "the text ends where a value should be"},
      {"[", 1, "the text ends where a value should be"},
      {"[1", 2, "the text ends inside a value"},
      {"[1,", 3, "the text ends where a value should be"},
      {"{", 1, "the text ends inside a value"},
      {"{\"a\"", 4, "the text ends inside a value"},
      {"{\"a\":", 5, "the text ends where a value should be"},
      {"{\"a\":1", 6, "the text ends inside a value"},
      {"{\"a\":1,", 7, "the text ends inside a value"},
      {"\"abc", 4, "the text ends inside a string"},
      {"\"abcdefghijk", 12, "the text ends inside a string"},
      // too much, or not JSON
      {"1 2", 2, "something stands behind the value"},
      {"{}]", 2, "something stands behind the value"},
      {"nullx", 4, "something stands behind the value"},
      {std::string("1\0", 2), 1, "something stands behind the value"},
      {"[1,]", 3, "expected a value"},
      {"[,1]", 1, "expected a value"},
      {"[1 2]", 3, "expected , or ]"},
      {"[1}", 2, "expected , or ]"},
      {"{\"a\":1]", 6, "expected , or }"},
      {"{\"a\":1,}", 7, "expected a member name in quotes"},
      {"{,}", 1, "expected a member name in quotes"},
      {"{a:1}", 1, "expected a member name in quotes"},
      {"{'a':1}", 1, "expected a member name in quotes"},
      {"{\"a\" 1}", 5, "expected : behind a member name"},
      {"{1:1}", 1, "expected a member name in quotes"},
      {"// x\n1", 0, "expected a value"},
      {"True", 0, "expected a value"},
      {"nul", 0, "expected a value"},
      {"\v1", 0, "expected a value"},
      {"\xC2\xA0" "1", 0, "expected a value"},  // a no-break space is no white space of JSON's
      {"\xEF\xBB\xBF{}", 0, "a byte order mark"},
      // duplicate names
      {R"({"a":1,"a":2})", 7, "a member name stands twice"},
      {R"({"a":1,"\u0061":2})", 7, "a member name stands twice"},
      {R"({"b":1,"a":2,"b":3})", 13, "a member name stands twice"},
      {R"({"c":0,"b":1,"a":2,"b":3,"c":4})", 19, "a member name stands twice"},
      {R"([{"x":{"b":1,"a":2,"\u0062":3}}])", 19, "a member name stands twice"},
      {R"({"\ud83d\ude00":1,"a":0,"😀":2})", 24, "a member name stands twice"},
      {R"({"":1,"":2})", 6, "a member name stands twice"},
      // numbers
      {"NaN", 0, "expected a value"},
      {"Infinity", 0, "expected a value"},
      {"-Infinity", 1, "expected a digit"},
      {"-", 1, "expected a digit"},
      {"+1", 0, "expected a value"},
      {".5", 0, "expected a value"},
      {"01", 0, "a number with a leading zero"},
      {"-01", 1, "a number with a leading zero"},
      {"00", 0, "a number with a leading zero"},
      {"1.", 2, "expected a digit behind the point"},
      {"1.e3", 2, "expected a digit behind the point"},
      {"1e", 2, "expected a digit in the exponent"},
      {"1e+", 3, "expected a digit in the exponent"},
      {"0x10", 1, "something stands behind the value"},
      {"1_000", 1, "something stands behind the value"},
      {"[1e400]", 1, "a number too large for a double"},
      {"-1e309", 0, "a number too large for a double"},
      {"1.7976931348623159e308", 0, "a number too large for a double"},
      {"1e99999999999999999999", 0, "a number too large for a double"},
      {"1" + std::string(400, '0'), 0, "a number too large for a double"},
      // strings
      {"\"a\nb\"", 2, "a control character in a string"},
      {"\"\t\"", 1, "a control character in a string"},
      {std::string("\"\0\"", 3), 1, "a control character in a string"},
      {"\"abcdefgh\x1f\"", 9, "a control character in a string"},
      {R"("\x41")", 1, "an escape that JSON does not have"},
      {R"("\'")", 1, "an escape that JSON does not have"},
      {"\"\\", 1, "an escape that JSON does not have"},
      {R"("\u12")", 5, "expected four hex digits behind \\u"},
      {R"("\u12g4")", 5, "expected four hex digits behind \\u"},
      {R"("\ud800")", 1, "a high surrogate without a low one"},
      {R"("\ud83dx")", 1, "a high surrogate without a low one"},
      {R"("\ud83d\n")", 1, "a high surrogate without a low one"},
      {R"("\ud83d\u0041")", 1, "a high surrogate without a low one"},
      {R"("\ud83d\ud83d\ude00")", 1, "a high surrogate without a low one"},
      {R"("ab\ude00")", 3, "a low surrogate without a high one"},
      {R"({"\ud800":1})", 2, "a high surrogate without a low one"},
      {"\"\xED\xA0\xBD\xED\xB8\x80\"", 1, "a string is not valid UTF-8"},  // CESU-8
      {"\"\xED\xA0\x80\"", 1, "a string is not valid UTF-8"},
      {"\"\xC0\xAF\"", 1, "a string is not valid UTF-8"},
      {"\"abcdefgh\xFF\"", 9, "a string is not valid UTF-8"},
      {"\"\xF4\x90\x80\x80\"", 1, "a string is not valid UTF-8"},
      {"\"\xE2\x82\"", 1, "a string is not valid UTF-8"},
  };
  for (const auto& [text, byte, what] : all) {
    INFO(text);
    const auto read = det::parse_json(text);
    REQUIRE(!read);
    CHECK(read.error().code() == det::errc::invalid_json);
    CHECK(read.error().what() == what);
    CHECK(read.error().where() == "byte " + std::to_string(byte));
  }
}

TEST_CASE("the limits hold exactly", "[core][json_parser]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(det::parse_json(nested(64)));
  const auto deep = det::parse_json(nested(65));
  CHECK(deep.error().code() == det::errc::limit_exceeded);
  CHECK(deep.error().where() == "byte 64");
  CHECK(det::parse_json(nested(1024), {.depth_max = 1024}));
  CHECK(det::parse_json(nested(2), {.depth_max = 1025}).error().code() == det::errc::invalid_argument);
  CHECK(det::parse_json("1", {.depth_max = 0}));
  CHECK_FALSE(det::parse_json("[]", {.depth_max = 0}));
  CHECK(det::parse_json("[1,2]", {.bytes_max = 5}));
  const auto large = det::parse_json("[1,2]", {.bytes_max = 4});
  CHECK(large.error().code() == det::errc::limit_exceeded);
  CHECK(large.error().where() == "byte 4");
}

TEST_CASE("hostile text costs neither stack nor quadratic time", "[core][json_parser]") {
  CHECK_FALSE(det::parse_json(std::string(10'000'000, '[')));
  CHECK_FALSE(det::parse_json(std::string(10'000'000, '['), {.depth_max = 1024}));
  std::string backwards = "{";  // a sorted insert for each name would take minutes
  for (int i = 300'000; i > 0; --i) backwards += "\"" + std::to_string(1'000'000 + i) + "\":0,";
  backwards.back() = '}';
  const auto read = det::parse_json(backwards);
  REQUIRE(read);
  CHECK(read.value().members().size() == 300'000);
  CHECK(read.value().members().front().key == "1000001");
}

TEST_CASE("members in any order end up sorted", "[core][json_parser]") {
  const Json read = det::parse_json(R"({"\ufb33":1,"c":2,"a":3,"\ud83d\ude00":4,"b":5})").value();
  CHECK(det::canonical(read).value() == "{\"a\":3,\"b\":5,\"c\":2,\"\xF0\x9F\x98\x80\":4,\"\xEF\xAC\xB3\":1}");
}

TEST_CASE("parse_canonical takes canonical bytes only, and shows the first that differs", "[core][json_parser]") {
  CHECK(det::parse_canonical(R"({"a":[1,"é"],"b":1e+21})"));
  const auto byte = [](const char* text) { return det::parse_canonical(text).error().where(); };
  CHECK(byte(R"({"b":1,"a":2})") == "byte 2");
  CHECK(byte("[1, 2]") == "byte 3");
  CHECK(byte("[1.0]") == "byte 2");
  CHECK(byte("[1e2]") == "byte 2");
  CHECK(byte("[-0]") == "byte 1");
  CHECK(byte("1e21") == "byte 2");
  CHECK(byte("[1]\n") == "byte 3");
  CHECK(byte(R"("\u0041")") == "byte 1");
  CHECK(byte(R"("\/")") == "byte 1");
  CHECK(byte(R"("\u001F")") == "byte 6");
  CHECK(det::parse_canonical("[1,").error().where() == "byte 3");
  CHECK(det::parse_canonical(std::string(100, '[') + std::string(100, ']'), {.depth_max = 100}));
}

TEST_CASE("any bytes are a value or an error with its byte", "[core][json_parser][property]") {
  CHECK(rc::check([](const std::string& noise) {
    const auto read = det::parse_json(noise);
    if (!read) RC_ASSERT(read.error().where().substr(0, 5) == "byte ");
  }));
  CHECK(rc::check("one byte changed", [](const Json& value) {
    std::string text = det::canonical(value).value();
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    text[at] = *rc::gen::arbitrary<char>();
    const auto read = det::parse_json(text);
    if (read) {
      RC_ASSERT(det::parse_json(det::canonical(read.value()).value()).value() == read.value());
      RC_ASSERT((det::canonical(read.value()).value() == text) == det::parse_canonical(text).has_value());
    }
  }));
}
