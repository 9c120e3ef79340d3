// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/typed_writer.hpp"

#include <array>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "kfm_det/core/describe.hpp"

namespace det = kfm_det;
using det::Json;

namespace {

enum class Phase { plan, execute, odd };
KFM_DET_DESCRIBE_ENUM(Phase, plan, execute)

struct Optionals { std::optional<int> a, b; int c = 3; std::optional<std::string> d; };
KFM_DET_DESCRIBE(Optionals, a, b, c, d)
struct AllOptional { std::optional<int> a, b; };
KFM_DET_DESCRIBE(AllOptional, a, b)

struct Tree { std::string name; std::vector<Tree> children; };
KFM_DET_DESCRIBE(Tree, name, children)

struct Inner { std::string text; double number = 0; };
KFM_DET_DESCRIBE(Inner, text, number)
struct Outer { std::vector<Inner> steps; std::map<std::string, Inner> named; std::optional<Phase> phase; Json free; };
KFM_DET_DESCRIBE(Outer, steps, named, phase, free)

template <class T>
std::string text(const T& value) {
  const auto out = det::canonical(value);
  return out ? out.value() : out.error().message();
}

}  // namespace

TEST_CASE("an empty optional leaves its member out, wherever it stands", "[core][typed_writer]") {
  CHECK(text(Optionals{{}, {}, 3, {}}) == R"({"c":3})");
  CHECK(text(Optionals{1, {}, 3, {}}) == R"({"a":1,"c":3})");
  CHECK(text(Optionals{{}, 2, 3, "x"}) == R"({"b":2,"c":3,"d":"x"})");
  CHECK(text(Optionals{1, 2, 3, "x"}) == R"({"a":1,"b":2,"c":3,"d":"x"})");
  CHECK(text(AllOptional{}) == "{}");
  CHECK(text(AllOptional{{}, 2}) == R"({"b":2})");
  CHECK(text(AllOptional{1, {}}) == R"({"a":1})");
}

TEST_CASE("every integer goes out exactly", "[core][typed_writer]") {
  CHECK(text(std::numeric_limits<std::int8_t>::min()) == "-128");
  CHECK(text(std::numeric_limits<std::uint8_t>::max()) == "255");
  CHECK(text(std::numeric_limits<std::int32_t>::min()) == "-2147483648");
  CHECK(text(std::int64_t{9007199254740991}) == "9007199254740991");
  CHECK(text(std::int64_t{-9007199254740991}) == "-9007199254740991");
  CHECK(text(std::int64_t{9007199254740992}) == "\"9007199254740992\"");
  CHECK(text(std::numeric_limits<std::int64_t>::min()) == "\"-9223372036854775808\"");
  CHECK(text(std::numeric_limits<std::uint64_t>::max()) == "\"18446744073709551615\"");
  CHECK(text(std::numeric_limits<long long>::max()) == "\"9223372036854775807\"");
}

TEST_CASE("values with a text of their own go out as that text", "[core][typed_writer]") {
  CHECK(text(det::sha256("abc")) == '"' + det::sha256("abc").hex() + '"');
  CHECK(text(det::EffectId{det::sha256("abc")}) == '"' + det::sha256("abc").hex() + '"');
  CHECK(text(det::uuid_v8(det::sha256("abc"))) == "\"ba7816bf-8f01-8fea-8141-40de5dae2223\"");
  CHECK(text(det::RunId{}) == "\"00000000-0000-0000-0000-000000000000\"");
  CHECK(text(det::Version{1, 20, 300}) == "\"1.20.300\"");
  CHECK(text(det::Instant{-1}) == "\"1969-12-31T23:59:59.999999999Z\"");
  CHECK(text(det::milliseconds(1)) == "1000000");
  CHECK(text(det::BusinessKey("a\"b")) == R"("a\"b")");
  CHECK(text(Phase::execute) == "\"execute\"");
  CHECK(text(std::string_view("view")) == "\"view\"");
  CHECK(text(true) == "true");
  CHECK(text(1e21) == "1e+21");
  CHECK(text(Json::object({{"b", 1}, {"a", nullptr}})) == R"({"a":null,"b":1})");
}

TEST_CASE("containers nest", "[core][typed_writer]") {
  CHECK(text(std::vector<std::vector<int>>{{1, 2}, {}, {3}}) == "[[1,2],[],[3]]");
  CHECK(text(std::vector<bool>{true, false}) == "[true,false]");
  CHECK(text(std::array<std::string, 2>{"a", "b"}) == R"(["a","b"])");
  CHECK(text(std::map<std::string, std::vector<int>>{{"b", {1}}, {"a", {}}}) == R"({"a":[],"b":[1]})");
  CHECK(text(Tree{"r", {{"a", {}}, {"b", {{"c", {}}}}}}) == R"({"children":[{"children":[],"name":"a"},{"children":[{"children":[],"name":"c"}],"name":"b"}],"name":"r"})");
}

TEST_CASE("a map is written in the order of UTF-16 whatever its own order is", "[core][typed_writer]") {
  const std::string expected = "{\"a\":1,\"\xF0\x9F\x98\x80\":2,\"\xEF\xAC\xB3\":3}";
  CHECK(text(std::map<std::string, int>{{"a", 1}, {"\xF0\x9F\x98\x80", 2}, {"\xEF\xAC\xB3", 3}}) == expected);
  CHECK(text(std::map<std::string, int, det::Utf16Less>{{"a", 1}, {"\xF0\x9F\x98\x80", 2}, {"\xEF\xAC\xB3", 3}}) == expected);
  CHECK(text(std::map<std::string, int, std::greater<>>{{"a", 1}, {"\xF0\x9F\x98\x80", 2}, {"\xEF\xAC\xB3", 3}}) == expected);
}

TEST_CASE("an error says where it is", "[core][typed_writer]") {
  Outer outer{{{"fine", 1}, {"\xFF", 2}}, {}, {}, {}};
  CHECK(text(outer) == "invalid_json: a string is not valid UTF-8 (steps[1].text: byte 0 of the string). Carry bytes as hex or base64.");
  outer = {{}, {{"k", {"", std::numeric_limits<double>::quiet_NaN()}}}, {}, {}};
  CHECK(text(outer) == "invalid_json: JSON cannot write NaN or infinity (named.k.number). Leave the member out, or write what is meant as a string.");
  outer = {{}, {}, Phase::odd, {}};
  CHECK(text(outer) == "invalid_json: an enum value without a name (phase). Add it to KFM_DET_DESCRIBE_ENUM.");
  outer = {{}, {}, {}, Json::object({{"x", Json::array({1, "\xC0"})}})};
  CHECK(text(outer) == "invalid_json: a string is not valid UTF-8 (free.x[1]: byte 0 of the string). Carry bytes as hex or base64.");
  outer = {{}, {{"\xFF", {}}}, {}, {}};
  CHECK_FALSE(det::canonical(outer));
  CHECK_FALSE(det::canonical(std::vector<std::optional<int>>{1, {}}));
}

TEST_CASE("depth is counted through typed values and Json alike", "[core][typed_writer]") {
  Tree deep{"x", {}};
  for (int i = 0; i < 31; ++i) deep = Tree{"x", {deep}};  // each level is an object and an array
  CHECK(det::canonical(deep));
  CHECK(det::canonical(Tree{"x", {deep}}).error().code() == det::errc::limit_exceeded);
  Json nested = Json::array();
  for (int i = 0; i < 62; ++i) nested = Json::array({nested});
  CHECK(det::canonical(Outer{{}, {}, {}, nested}));
  CHECK_FALSE(det::canonical(Outer{{}, {}, {}, Json::array({nested})}));
}

TEST_CASE("long values cross the writer's buffer without a scratch", "[core][typed_writer]") {
  std::vector<Inner> all;
  for (std::size_t i = 0; i < 300; ++i) all.push_back({std::string(i * 7 % 1100, i % 3 == 0 ? 'x' : '"'), static_cast<double>(i) / 8});
  const std::string out = det::canonical(all).value();
  CHECK(det::canonical(det::to_json(all)).value() == out);
  CHECK(det::canonical(det::parse_canonical(out).value()).value() == out);
}

TEST_CASE("what is appended goes behind what is there, or leaves it", "[core][typed_writer]") {
  std::string out = "[";
  CHECK(det::append_canonical(out, Optionals{}));
  CHECK(out == "[{\"c\":3}");
  CHECK_FALSE(det::append_canonical(out, std::vector<std::string>{std::string(5000, 'x'), "\xFF"}));
  CHECK(out == "[{\"c\":3}");
}

TEST_CASE("typed values go into a text that is being written", "[core][typed_writer]") {
  std::string out;
  det::JsonWriter writer(out);
  writer.begin_array();
  det::write(writer, Optionals{});
  det::write(writer, 7);
  det::write(writer, Json("x"));
  writer.end_array();
  REQUIRE(writer.finish());
  CHECK(out == R"([{"c":3},7,"x"])");
}

TEST_CASE("a Json of a value is what its text reads as", "[core][typed_writer]") {
  const Outer outer{{{"a", 1.5}}, {{"k", {"v", -0.0}}}, Phase::plan, Json::array({1})};
  CHECK(det::to_json(outer) == det::parse_json(text(outer)).value());
  CHECK(det::to_json(Phase::odd).is_null());
  CHECK(det::to_json(std::numeric_limits<std::uint64_t>::max()) == Json("18446744073709551615"));
  CHECK(det::to_json(std::optional<int>{}).is_null());
}
