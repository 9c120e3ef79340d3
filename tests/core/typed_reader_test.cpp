// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/typed_reader.hpp"

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

struct Params { std::string month; std::optional<int> year; };
KFM_DET_DESCRIBE(Params, month, year)
struct Step { std::string id; Params params; };
KFM_DET_DESCRIBE(Step, id, params)
struct Plan { std::vector<Step> steps; std::map<std::string, int> counts; };
KFM_DET_DESCRIBE(Plan, steps, counts)

enum class Phase { plan, execute };
KFM_DET_DESCRIBE_ENUM(Phase, plan, execute)

Json json(const char* text) { return det::parse_json(text).value(); }

template <class T>
std::string refused(const char* text) {
  const auto read = det::from_json<T>(json(text));
  return read ? "accepted" : read.error().what() + " (" + read.error().where() + ")";
}
template <class T>
bool accepted(const char* text) { return det::from_json<T>(json(text)).has_value(); }

}  // namespace

TEST_CASE("every wrong member is named by its path", "[core][typed_reader]") {
  CHECK(refused<Plan>(R"({"counts":{},"steps":[{"id":"a","params":{"month":"x"}},{"id":"b","params":{"month":7}}]})") == "expected a string, found a number (steps[1].params.month)");
  CHECK(refused<Plan>(R"({"counts":{},"steps":[{"id":"a","params":{}}]})") == "the member is missing (steps[0].params.month)");
  CHECK(refused<Plan>(R"({"counts":{},"steps":[{"id":"a","params":{"month":"x","yaer":1}}]})") == "a member that is not known here (steps[0].params.yaer)");
  CHECK(refused<Plan>(R"({"counts":{},"steps":[{"aa":1,"id":"a","params":{"month":"x"}}]})") == "a member that is not known here (steps[0].aa)");
  CHECK(refused<Plan>(R"({"counts":{},"steps":[{"id":"a","params":{"month":"x"},"z":1}]})") == "a member that is not known here (steps[0].z)");
  CHECK(refused<Plan>(R"({"counts":{},"steps":[{"id":"a","params":[]}]})") == "expected an object, found an array (steps[0].params)");
  CHECK(refused<Plan>(R"({"counts":{},"steps":{}})") == "expected an array, found an object (steps)");
  CHECK(refused<Plan>(R"({"counts":{"x":1.5},"steps":[]})") == "expected a whole number, found a fraction (counts.x)");
  CHECK(refused<Plan>(R"({"steps":[]})") == "the member is missing (counts)");
  CHECK(refused<Plan>("[]") == "expected an object, found an array ()");
  CHECK(det::from_json<Plan>(json("{}")).error().code() == det::errc::invalid_json);
}

TEST_CASE("an optional is absent or has a value, never null", "[core][typed_reader]") {
  CHECK(det::from_json<Params>(json(R"({"month":"x"})")).value().year == std::nullopt);
  CHECK(det::from_json<Params>(json(R"({"month":"x","year":2012})")).value().year == 2012);
  CHECK(refused<Params>(R"({"month":"x","year":null})") == "expected a whole number, found null (year)");
  CHECK_FALSE(accepted<std::vector<std::optional<int>>>("[null]"));
}

TEST_CASE("an integer that does not fit is refused", "[core][typed_reader]") {
  CHECK(det::from_json<std::int8_t>(Json(-128)).value() == -128);
  CHECK(det::from_json<std::uint64_t>(Json("18446744073709551615")).value() == std::numeric_limits<std::uint64_t>::max());
  CHECK(det::from_json<std::int64_t>(Json("-9223372036854775808")).value() == std::numeric_limits<std::int64_t>::min());
  CHECK(det::from_json<std::int64_t>(Json(9007199254740991)).value() == 9007199254740991);
  CHECK(refused<std::int8_t>("128") == "not an integer that fits ()");
  CHECK(refused<std::uint8_t>("-1") == "not an integer that fits ()");
  CHECK(refused<std::uint32_t>("4294967296") == "not an integer that fits ()");
  CHECK(refused<std::int64_t>("9007199254740992") == "not an integer that fits ()");  // as a number it may have been rounded
  CHECK(refused<std::uint64_t>("\"18446744073709551616\"") == "not an integer that fits ()");
  CHECK(refused<std::uint64_t>("\"-9007199254740993\"") == "not an integer that fits ()");
  CHECK(refused<std::int64_t>("\"5\"") == "expected a whole number, found a string ()");  // two texts for one value
  CHECK(refused<std::int64_t>("\"9007199254740991\"") == "expected a whole number, found a string ()");
  CHECK(refused<std::uint64_t>("\"009007199254740993\"") == "not an integer that fits ()");
  CHECK(refused<int>("1.5") == "expected a whole number, found a fraction ()");
  CHECK(refused<int>("true") == "expected a whole number, found a boolean ()");
  CHECK(refused<bool>("1") == "expected a boolean, found a number ()");
  CHECK(refused<double>("\"1\"") == "expected a number, found a string ()");
}

TEST_CASE("values with a text of their own take exactly that text", "[core][typed_reader]") {
  CHECK(accepted<det::Version>("\"1.2.3\""));
  CHECK_FALSE(accepted<det::Version>("\"1.2\""));
  CHECK(accepted<det::Instant>("\"1970-01-01T00:00:00.000000000Z\""));
  CHECK(refused<det::Instant>("\"1970-01-01T00:00:00Z\"") == "an instant that is not written with nine fractional digits and Z ()");
  CHECK(refused<det::Instant>("\"1970-01-01T00:00:00.000000000+00:00\"") == "an instant that is not written with nine fractional digits and Z ()");
  CHECK_FALSE(accepted<det::Digest>("\"00\""));
  CHECK_FALSE(accepted<det::ContentHash>("7"));
  CHECK_FALSE(accepted<det::Uuid>("\"{}\""));
  CHECK_FALSE(accepted<det::RunId>("null"));
  CHECK(accepted<Phase>("\"plan\""));
  CHECK(refused<Phase>("\"PLAN\"") == "a name that the enum does not have ()");
  CHECK(refused<Phase>("0") == "expected a name, found a number ()");
  CHECK(det::from_json<std::map<std::string, det::Version>>(json(R"({"a":"x.0.0"})")).error().message() ==
        "invalid_json: a part of a version is not a number (a: x.0.0). Write three numbers, as in 1.0.0.");
}

TEST_CASE("an array has its number of items", "[core][typed_reader]") {
  CHECK(det::from_json<std::array<int, 2>>(json("[1,2]")).value() == std::array<int, 2>{1, 2});
  CHECK(refused<std::array<int, 2>>("[1]") == "expected 2 items, found 1 ()");
  CHECK(refused<std::array<int, 2>>("[1,2,3]") == "expected 2 items, found 3 ()");
  CHECK(refused<std::array<int, 2>>("[1,\"2\"]") == "expected a whole number, found a string ([1])");
  CHECK(det::from_json<std::vector<bool>>(json("[true,false]")).value() == std::vector<bool>{true, false});
}

TEST_CASE("a map keyed in another order reads all of its members", "[core][typed_reader]") {
  const auto map = det::from_json<std::map<std::string, int>>(json("{\"\xF0\x9F\x98\x80\":1,\"\xEF\xAC\xB3\":2}")).value();
  CHECK(map.size() == 2);
  CHECK(map.at("\xEF\xAC\xB3") == 2);
}
