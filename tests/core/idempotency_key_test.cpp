// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/idempotency_key.hpp"

#include <string>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "kfm_det/core/json_parser.hpp"
#include "tests/core/vectors.hpp"

namespace det = kfm_det;
using det::Json;

namespace {
const Json& vectors() {
  static const Json all = det::parse_json(test::vector_file("identity/vectors.json")).value();
  return all;
}
std::string text(const Json& object, const char* key) { return det::get_string(object, key).value(); }
}  // namespace

TEST_CASE("the identity hashes are those of the published vectors", "[core][idempotency_key]") {
  REQUIRE(vectors().find("content_hash")->items().size() == 5);
  for (const Json& each : vectors().find("content_hash")->items()) {
    const det::ContentDescription content{det::Digest::from_hex(text(each, "bytes_hash")).value(), *each.find("metadata"), det::get_bool(each, "tombstone").value()};
    CHECK(det::content_hash(content).value().hex() == text(each, "expected"));
  }
  REQUIRE(vectors().find("idempotency_key")->items().size() == 5);
  for (const Json& each : vectors().find("idempotency_key")->items()) {
    const auto key = det::idempotency_key(text(each, "updater_id"), det::Version::parse(text(each, "version")).value(), text(each, "business_key"), det::ContentHash::from_hex(text(each, "content_hash")).value());
    CHECK(key.value().hex() == text(each, "expected"));
  }
  REQUIRE(vectors().find("runner_key")->items().size() == 4);
  for (const Json& each : vectors().find("runner_key")->items())
    CHECK(det::runner_key(text(each, "source_url"), text(each, "etag"), text(each, "window"), text(each, "pipeline_version")).value() == text(each, "expected"));
  REQUIRE(vectors().find("uuid_v8")->items().size() == 3);
  for (const Json& each : vectors().find("uuid_v8")->items())
    CHECK(det::uuid_v8(det::Digest::from_hex(text(each, "digest")).value()).text() == text(each, "expected"));
}

TEST_CASE("golden values, once computed with Python and never to change", "[core][idempotency_key]") {
  const det::Digest abc = det::sha256("abc");
  const auto content = det::content_hash({abc, Json::object(), false}).value();
  CHECK(content.hex() == "d6b4654fc936128cdad8f99d238658c8ba5baa392457a3825878ed37ae0590ff");
  CHECK(det::content_hash({abc, Json::object({{"rows", 31}, {"labels", Json::array({"public"})}}), false}).value().hex() == "86ee6a0bb2a7524eea78c112956a4cf59c3d9e65be135a888649e33de236e18f");
  CHECK(det::content_hash({abc, Json::object(), true}).value().hex() == "a4ca79e152d20b70cfefd53fc0999679d6ab05a0209696370f91a110d6be1ec9");
  CHECK(det::idempotency_key("noaa-monthly-summary", {1, 0, 0}, "seattle/2012-01", content).value().hex() == "7a64d262b0e7ca771470203d868a42ef39e03d0846092b58658b403bf23c9e5e");
  CHECK(det::idempotency_key("noaa-monthly-summary", {1, 0, 0}, "s\xC3\xA9" "attle/\"2012\"\xF0\x9F\x98\x80", content).value().hex() == "1dd3449bb9e746256ebf1b037af830a1b715002859ef8993d4c9bb33baec9d9d");
}

TEST_CASE("metadata must be an object that can be written", "[core][idempotency_key]") {
  CHECK(det::content_hash({{}, Json(), false}).error().code() == det::errc::invalid_argument);
  CHECK(det::content_hash({{}, Json::array(), false}).error().code() == det::errc::invalid_argument);
  CHECK(det::content_hash({{}, Json::object({{"a", "\xFF"}}), false}).error().where() == "[2].a: byte 0 of the string");
  CHECK(det::content_hash({}).value() == det::content_hash({{}, Json::object(), false}).value());
}

TEST_CASE("a part that is not UTF-8 has no key", "[core][idempotency_key]") {
  CHECK(det::idempotency_key("\xFF", {1, 0, 0}, "k", {}).error().where() == "[1]: byte 0 of the string");
  CHECK(det::idempotency_key("u", {1, 0, 0}, "k\xC0", {}).error().where() == "[3]: byte 1 of the string");
}

TEST_CASE("no part of an idempotency key can run into its neighbour", "[core][idempotency_key]") {
  const auto key = [](const char* updater, const char* business) { return det::idempotency_key(updater, {1, 0, 0}, business, {}).value(); };
  CHECK(key("a", "b") != key("ab", ""));
  CHECK(key("a\",\"b", "c") != key("a", "b\",\"c"));
  CHECK(det::idempotency_key("a", {1, 0, 0}, "b", {}).value() != det::idempotency_key("a", {1, 0, 1}, "b", {}).value());
}

TEST_CASE("two runner keys are equal only when their fields are", "[core][idempotency_key][property]") {
  CHECK(det::runner_key("", "e", "w", "1").error().code() == det::errc::invalid_argument);
  CHECK(det::runner_key("s", "e", "w", "").error().code() == det::errc::invalid_argument);
  CHECK(det::runner_key("s", "", "", "1").value() == "s|||1");
  CHECK(det::runner_key("a|b", "c", "", "1").value() != det::runner_key("a", "b|c", "", "1").value());
  const auto field = rc::gen::container<std::string>(rc::gen::element('|', '%', '7', 'C', '2', '5', 'a'));
  CHECK(rc::check([&] {
    const std::string a[4] = {"s" + *field, *field, *field, "1" + *field}, b[4] = {"s" + *field, *field, *field, "1" + *field};
    const bool same = std::equal(a, a + 4, b);
    RC_ASSERT((det::runner_key(a[0], a[1], a[2], a[3]).value() == det::runner_key(b[0], b[1], b[2], b[3]).value()) == same);
  }));
}
