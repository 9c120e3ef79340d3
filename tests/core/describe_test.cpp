// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/describe.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "tests/core/random_json.hpp"

namespace det = kfm_det;
using det::Json;

namespace {

enum class Kind { a, b, c };
KFM_DET_DESCRIBE_ENUM(Kind, a, b, c)

struct Inner {
  std::string text;
  std::optional<std::int64_t> number;
  friend bool operator==(const Inner&, const Inner&) = default;
};
KFM_DET_DESCRIBE(Inner, text, number)

/// One field of every kind that travels.
struct Everything {
  bool flag = false;
  std::int8_t i8 = 0;
  std::uint16_t u16 = 0;
  std::int32_t i32 = 0;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  double number = 0;
  std::string text;
  Json json;
  det::Digest digest;
  det::EffectId effect;
  det::Uuid uuid;
  det::RunId run;
  det::Version version;
  det::Instant at;
  det::Duration span;
  det::BusinessKey key;
  Kind kind = Kind::a;
  std::optional<std::string> maybe;
  std::optional<Inner> maybe_inner;
  std::vector<Inner> list;
  std::vector<bool> bits;
  std::array<std::uint8_t, 3> bytes{};
  std::map<std::string, std::vector<double>> map;
  Inner inner;
  friend bool operator==(const Everything&, const Everything&) = default;
};
KFM_DET_DESCRIBE(Everything, flag, i8, u16, i32, i64, u64, number, text, json, digest, effect, uuid, run, version, at, span, key, kind, maybe, maybe_inner, list, bits, bytes, map, inner)

Inner draw_inner() { return {*test::any_text(), *rc::gen::maybe(rc::gen::arbitrary<std::int64_t>()) ? std::optional<std::int64_t>(*rc::gen::arbitrary<std::int64_t>()) : std::nullopt}; }

Everything draw_everything() {
  Everything out;
  out.flag = *rc::gen::arbitrary<bool>();
  out.i8 = *rc::gen::arbitrary<std::int8_t>();
  out.u16 = *rc::gen::arbitrary<std::uint16_t>();
  out.i32 = *rc::gen::arbitrary<std::int32_t>();
  out.i64 = *rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(), rc::gen::element<std::int64_t>(9007199254740991, 9007199254740992, -9007199254740991, -9007199254740992));
  out.u64 = *rc::gen::oneOf(rc::gen::arbitrary<std::uint64_t>(), rc::gen::just(~std::uint64_t{0}));
  out.number = *test::any_number();
  out.text = *test::any_text();
  out.json = test::draw_json(2);
  out.digest = det::sha256(out.text);
  out.effect = det::EffectId{det::sha256(out.digest.view())};
  out.uuid = det::uuid_v8(out.digest);
  out.run = det::RunId{det::uuid_v8(out.effect.digest)};
  out.version = {*rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::uint32_t>()};
  out.at = {*rc::gen::arbitrary<std::int64_t>()};
  out.span = {*rc::gen::arbitrary<std::int64_t>()};
  out.key = *test::any_text();
  out.kind = *rc::gen::element(Kind::a, Kind::b, Kind::c);
  if (*rc::gen::arbitrary<bool>()) out.maybe = *test::any_text();
  if (*rc::gen::arbitrary<bool>()) out.maybe_inner = draw_inner();
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) out.list.push_back(draw_inner());
  out.bits = *rc::gen::arbitrary<std::vector<bool>>();
  out.bytes = *rc::gen::arbitrary<std::array<std::uint8_t, 3>>();
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) out.map[*test::any_text()].push_back(*test::any_number());
  out.inner = draw_inner();
  return out;
}

}  // namespace

TEST_CASE("every kind of field comes back from its canonical bytes", "[core][describe][property]") {
  CHECK(rc::check([] {
    const Everything value = draw_everything();
    const std::string bytes = det::canonical(value).value();
    RC_ASSERT(det::read_canonical<Everything>(bytes).value() == value);
    RC_ASSERT(det::canonical(det::to_json(value)).value() == bytes);
    RC_ASSERT(det::from_json<Everything>(det::to_json(value)).value() == value);
    RC_ASSERT(det::canonical(det::parse_json(bytes).value()).value() == bytes);
  }));
}

TEST_CASE("what read_canonical accepts is exactly what canonical gives", "[core][describe][property]") {
  CHECK(rc::check([] {
    std::string bytes = det::canonical(draw_everything()).value();
    bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::element('0', '1', '9', 'a', '"', '-', '.', 'e', ',', '}', 'Z');
    if (const auto read = det::read_canonical<Everything>(bytes)) RC_ASSERT(det::canonical(read.value()).value() == bytes);
  }));
}

TEST_CASE("bytes that are JSON but not canonical are not read", "[core][describe]") {
  CHECK(det::read_canonical<Inner>(R"({"number":1,"text":"x"})"));
  CHECK(det::read_canonical<Inner>(R"({"text":"x","number":1})").error().where() == "byte 2");
  CHECK(det::read_canonical<Inner>(R"({"number":1.0,"text":"x"})").error().code() == det::errc::invalid_json);
  CHECK(det::from_json<Inner>(det::parse_json(R"({"text":"x","number":1})").value()).value() == Inner{"x", 1});
  CHECK(det::read_canonical<Inner>("{").error().code() == det::errc::invalid_json);
  CHECK(det::read_canonical<std::vector<int>>("[1]", {.depth_max = 0}).error().code() == det::errc::limit_exceeded);
}

TEST_CASE("an array digest is the hash of the canonical array", "[core][describe]") {
  const std::string text = R"(["tag",1,"two",{"number":3,"text":"x"},[true]])";
  CHECK(det::array_digest("tag", 1, std::string("two"), Inner{"x", 3}, std::vector<bool>{true}).value() == det::sha256(text));
  CHECK(det::array_digest("tag").value() == det::sha256(R"(["tag"])"));
  CHECK(det::array_digest<det::EffectId>("tag", det::RunId{}, std::string_view("step")).value().digest ==
        det::sha256(R"(["tag","00000000-0000-0000-0000-000000000000","step"])"));
  for (const std::size_t size : {900U, 1000U, 1010U, 1016U, 1020U, 1024U, 1030U, 3000U}) {
    const std::string value(size, 'x');
    CHECK(det::array_digest("tag", value, value).value() == det::sha256("[\"tag\",\"" + value + "\",\"" + value + "\"]"));
  }
  CHECK(det::array_digest("tag", 1, std::string("\xFF")).error().message() == "invalid_json: a string is not valid UTF-8 ([2]: byte 0 of the string). Carry bytes as hex or base64.");
}
