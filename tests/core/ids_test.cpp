// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/ids.hpp"

#include <concepts>
#include <string>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace det = kfm_det;

namespace {
struct Plan { static constexpr det::UpdaterId id{"noaa-monthly-summary"}; };
}  // namespace

TEST_CASE("UUIDv5 gives the vectors of RFC 9562 and of other tools", "[core][ids]") {
  CHECK(det::uuid_v5(det::uuid_namespace_dns, "www.example.com").text() == "2ed6657d-e927-568b-95e1-2665a8aea6a2");  // RFC 9562 A.4
  CHECK(det::uuid_v5(det::uuid_namespace_dns, "python.org").text() == "886313e1-3b8a-5372-9b90-0c9aee199e5d");       // Python's documentation
  CHECK(det::uuid_namespace_url.text() == "6ba7b811-9dad-11d1-80b4-00c04fd430c8");
}

TEST_CASE("UUIDv8 is the front of a digest with version and variant", "[core][ids]") {
  CHECK(det::uuid_v8(det::sha256("abc")).text() == "ba7816bf-8f01-8fea-8141-40de5dae2223");
  CHECK(det::uuid_v8(det::Digest{}).text() == "00000000-0000-8000-8000-000000000000");
  det::Digest ones;
  ones.bytes.fill(0xff);
  CHECK(det::uuid_v8(ones).text() == "ffffffff-ffff-8fff-bfff-ffffffffffff");
}

TEST_CASE("a UUID reads its canonical text and nothing else", "[core][ids]") {
  CHECK(rc::check([](std::array<unsigned char, 16> bytes) { RC_ASSERT(det::Uuid::parse(det::Uuid{bytes}.text()).value() == det::Uuid{bytes}); }));
  CHECK(det::Uuid{}.is_nil());
  const auto where = [](const char* text) { return det::Uuid::parse(text).error().where(); };
  CHECK(where("2ED6657d-e927-568b-95e1-2665a8aea6a2") == "byte 1");
  CHECK(where("2ed6657de927568b95e12665a8aea6a2") == "byte 32");
  CHECK(where("{2ed6657d-e927-568b-95e1-2665a8aea6a}") == "byte 36");
  CHECK(where("2ed6657d_e927-568b-95e1-2665a8aea6a2") == "byte 8");
  CHECK(where("2ed6657d-e927-568b-95e1-2665a8aea6ag") == "byte 35");
  CHECK(where("2ed6657d-e927-568b-95e1-2665a8aea6a2 ") == "byte 36");
}

TEST_CASE("ids of different things do not mix", "[core][ids]") {
  static_assert(!std::convertible_to<det::RunId, det::EntryId> && !std::equality_comparable_with<det::RunId, det::EntryId>);
  const det::RunId run{det::uuid_v8(det::sha256("abc"))};
  CHECK(det::RunId::parse(run.text()).value() == run);
  CHECK(det::RunId::parse("x").error().code() == det::errc::invalid_argument);
  CHECK(det::RunId{}.is_nil());
  CHECK(det::RunId{} < run);
}

TEST_CASE("an updater id is a constant that is checked at compile time", "[core][ids]") {
  static_assert(Plan::id.valid() && Plan::id.text == "noaa-monthly-summary");
  static_assert(det::UpdaterId{"a"}.valid() && det::UpdaterId{"0.a_b-c"}.valid());
  static_assert(!det::UpdaterId{""}.valid() && !det::UpdaterId{"-a"}.valid() && !det::UpdaterId{".a"}.valid() && !det::UpdaterId{"A"}.valid() && !det::UpdaterId{"a b"}.valid() &&
                !det::UpdaterId{"a/b"}.valid() && !det::UpdaterId{"\xC3\xA4"}.valid());
  CHECK(det::UpdaterId{std::string(128, 'a')}.valid());
  CHECK_FALSE(det::UpdaterId{std::string(129, 'a')}.valid());
  static_assert(!std::convertible_to<const char*, det::UpdaterId>);
}

TEST_CASE("a business key is kept byte for byte", "[core][ids]") {
  const det::BusinessKey composed = "\xC3\xA5", decomposed = "a\xCC\x8A";
  CHECK(composed != decomposed);
  CHECK(det::BusinessKey(" a ").text == " a ");
  CHECK(det::BusinessKey(std::string_view("x")) == det::BusinessKey(std::string("x")));
  CHECK(det::valid_business_key(composed));
  CHECK(det::valid_business_key(decomposed));
}

TEST_CASE("a business key that nobody could use is refused", "[core][ids]") {
  const auto refused = [](det::BusinessKey key) { return det::valid_business_key(key).error(); };
  CHECK(refused("").code() == det::errc::invalid_argument);
  CHECK(refused(std::string(1025, 'a')).code() == det::errc::limit_exceeded);
  CHECK(det::valid_business_key(std::string(1024, 'a')));
  CHECK(refused("ab\xFF").where() == "byte 2");
  CHECK(refused("a\xED\xA0\x80").where() == "byte 1");
  CHECK(refused("a\nb").where() == "byte 1");
  CHECK(refused("a\x7f").where() == "byte 1");
  CHECK(refused("a\xC2\x85").where() == "byte 1");  // U+0085, a control character of two bytes
  CHECK(refused(std::string("a\0b", 3)).where() == "byte 1");
  CHECK(det::valid_business_key("a\xC2\xA0"));  // a no-break space is none
}
