// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <limits>
#include <string>

#include "kfm_det/locks/lease_record.hpp"
#include "tests/files/scratch.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {
const LeaseRecord record{3, FencingToken{103}, OwnerId{"web1/4242/88421/1"}, "b58ea783-5585-4e2e-8d4d-cc5c9cc7590a", Duration{88'421'000'000}, false, 2};
}  // namespace

TEST_CASE("the format: one line of canonical JSON under its hash, filled up to 1024 bytes") {
  const std::string body =
      R"({"deadline_ns":88421000000,"epoch":"b58ea783-5585-4e2e-8d4d-cc5c9cc7590a","format":"kfm_det/lease/1","ordinal":3,"owner":"web1/4242/88421/1","released":false,"sequence":2,"token":103})";
  std::string slot = R"({"body":)" + body + R"(,"hash":")" + sha256("kfm_det/v1/lease\n" + body).hex() + R"("})";
  slot += std::string(1023 - slot.size(), ' ') + "\n";
  CHECK(good(record.encode()) == slot);
  CHECK(LeaseRecord::decode(slot) == record);
  CHECK(sha256("kfm_det/v1/lease\n" + body).hex() == "d0a7f9533c67fe3fb93123f789f15b366ee3581dc5240a6b8dcf3a54bc727ea0");
}

TEST_CASE("whatever fits comes back") {
  LeaseRecord odd = record;
  odd.ordinal = odd.token.value = odd.sequence = std::numeric_limits<std::uint64_t>::max();
  odd.deadline = Duration{std::numeric_limits<std::int64_t>::min()};
  odd.owner.text = "a \"quoted\" \\ name\n with \x01 and \xC3\xA9";
  odd.epoch = "";
  odd.released = true;
  CHECK(LeaseRecord::decode(good(odd.encode())) == odd);
  odd.owner.text = std::string(100, '\x01');
  CHECK(LeaseRecord::decode(good(odd.encode())) == odd);
  odd.owner.text = std::string(1000, 'x');
  CHECK(bad(odd.encode()) == errc::limit_exceeded);
  odd.owner.text = "\xFF";
  CHECK_FALSE(odd.encode().has_value());
}

TEST_CASE("sequences alternate between the slots") {
  LeaseRecord next = record;
  CHECK(next.offset() == 0);
  ++next.sequence;
  CHECK(next.offset() == 1024);
}

TEST_CASE("no byte of a record can be another one, none can be missing") {
  const std::string slot = good(record.encode());
  const std::size_t end = slot.find_last_not_of(" \n") + 1;
  for (std::size_t i = 0; i < slot.size(); ++i) {
    std::string broken = slot;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    const auto read = LeaseRecord::decode(broken);
    REQUIRE_FALSE(read.has_value());  // also in the filling: a space that is none ends the line elsewhere
    REQUIRE_FALSE(LeaseRecord::decode(BytesView(slot).substr(0, i)).has_value());
  }
  for (std::size_t torn = 0; torn < end; ++torn) REQUIRE_FALSE(LeaseRecord::decode(slot.substr(0, torn) + std::string(slot.size() - torn, '\0')).has_value());
  CHECK_FALSE(LeaseRecord::decode("").has_value());
  CHECK_FALSE(LeaseRecord::decode(std::string(1024, ' ')).has_value());
  CHECK_FALSE(LeaseRecord::decode(std::string(1024, '\0')).has_value());
}

TEST_CASE("a record of a later format is not guessed at") {
  std::string body = R"({"deadline_ns":0,"epoch":"","format":"kfm_det/lease/2","ordinal":3,"owner":"","released":false,"sequence":2,"token":103})";
  const auto slot = [&] {
    std::string text = R"({"body":)" + body + R"(,"hash":")" + sha256("kfm_det/v1/lease\n" + body).hex() + R"("})";
    return text + std::string(1024 - text.size(), ' ');
  };
  CHECK_FALSE(LeaseRecord::decode(slot()).has_value());
  body.replace(body.find("lease/2"), 7, "lease/1");
  CHECK(LeaseRecord::decode(slot()).has_value());
  body.replace(body.find("\"token\""), 7, "\"tokem\"");
  CHECK_FALSE(LeaseRecord::decode(slot()).has_value());
}
