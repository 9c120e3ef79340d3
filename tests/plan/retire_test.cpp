// SPDX-License-Identifier: BSL-1.0
/// \file
/// Which keys left a plan, and which of them are retired.
#include "kfm_det/plan/retire.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <set>
#include <string>
#include <vector>

#include "tests/plan/plans.hpp"

namespace {

namespace det = kfm_det;
using plans::make;
using plans::step;
using Keys = std::vector<det::BusinessKey>;

struct Keeps {};
struct Retires { static constexpr det::MissingKeys missing_keys = det::MissingKeys::retire; };
struct RetiresAll : Retires { static constexpr bool may_be_empty = true; };
struct KeepsAll { static constexpr bool may_be_empty = true; };

const Keys before{"a", "b", "c"};

}  // namespace

TEST_CASE("keys that left are those planned before and not now, in byte order") {
  const det::Plan plan = make({step("1", {}, "b"), step("2", {}, "d"), step("3")}).value();
  CHECK(det::keys_of(plan) == Keys{"b", "d"});
  CHECK(det::keys_that_left(before, plan) == Keys{"a", "c"});
  CHECK(det::keys_that_left(Keys{}, plan).empty());
  CHECK(det::keys_that_left(Keys{"b"}, plan).empty());
  CHECK(det::keys_that_left(Keys{"B", "b "}, plan) == Keys{"B", "b "});
  CHECK(det::keys_that_left(std::vector<std::string>{"z", "a", "z", "b"}, plan) == Keys{"a", "z"});
  CHECK(det::keys_that_left(std::set<std::string>{"x", "d"}, plan) == Keys{"x"});
}

TEST_CASE("a plan type keeps or retires them; an empty plan retires nothing unless it may be empty") {
  const det::Plan some = make({step("1", {}, "b")}).value(), none = make({}).value(), checks_only = make({step("check")}).value();
  CHECK(det::keys_to_retire<Retires>(before, some) == Keys{"a", "c"});
  CHECK(det::keys_to_retire<RetiresAll>(before, some) == Keys{"a", "c"});
  CHECK(det::keys_to_retire<Keeps>(before, some).empty());
  CHECK(det::keys_to_retire<KeepsAll>(before, none).empty());
  CHECK(det::keys_to_retire<Retires>(before, none).empty());
  CHECK(det::keys_to_retire<Retires>(before, checks_only).empty());
  CHECK(det::keys_to_retire<RetiresAll>(before, none) == before);
  CHECK(det::keys_to_retire<RetiresAll>(before, checks_only) == before);
}

TEST_CASE("what left and what is published never meet, and together they are everything") {
  CHECK(rc::check([](const std::set<std::uint8_t>& old_keys, const std::set<std::uint8_t>& new_keys) {
    Keys planned;
    std::vector<det::Step> steps;
    for (const auto key : old_keys) planned.push_back("k" + std::to_string(key));
    for (const auto key : new_keys) steps.push_back(step("s" + std::to_string(key), {}, "k" + std::to_string(key)));
    const det::Plan plan = make(steps).value();
    std::set<det::BusinessKey> expected(planned.begin(), planned.end());
    for (const auto& key : det::keys_of(plan)) expected.erase(key);
    RC_ASSERT(det::keys_that_left(planned, plan) == Keys(expected.begin(), expected.end()));
  }));
}
