// SPDX-License-Identifier: BSL-1.0
/// \file
/// first_difference: the sentence of errc::nondeterministic_plan names the first step and field, in the order of the canonical text.
#include "kfm_det/plan/json_difference.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "tests/plan/plans.hpp"

namespace {

namespace det = kfm_det;
using det::first_difference;
using det::Json;
using plans::make;
using plans::step;

std::vector<det::Step> three() {
  det::Step b = step("b", {"a"}, "k");
  b.params = Json::object({{"month", "01"}, {"list", Json::array({1, 2, Json::object({{"x", nullptr}})})}, {"scale", 1.5}});
  return {step("a"), b, step("c")};
}

template <class Change>
std::string difference(Change change) {
  auto changed = three();
  change(changed);
  const det::Plan before = make(three()).value(), now = make(changed).value();
  CHECK(first_difference(before, before).empty());
  CHECK(first_difference(now, before).empty() == first_difference(before, now).empty());
  return first_difference(before, now);
}
std::string in_params(std::string key, Json value) {
  return difference([&](std::vector<det::Step>& s) { s[1].params.set(key, value); });
}

}  // namespace

TEST_CASE("equal plans have no difference") { CHECK(difference([](auto&) {}).empty()); }

TEST_CASE("updater, version, then steps by id") {
  const det::Plan plan = make(three()).value();
  CHECK(first_difference(plan, det::Plan::make("other", det::Version{2, 0, 0}, {}).value()) == "updater was test and is now other");
  CHECK(first_difference(plan, det::Plan::make("test", det::Version{2, 0, 0}, {}).value()) == "version was 1.0.0 and is now 2.0.0");
  CHECK(difference([](auto& s) { s.push_back(step("d")); }) == "step d is new");
  CHECK(difference([](auto& s) { s.push_back(step("a0")); }) == "step a0 is new");
  CHECK(difference([](auto& s) { s.pop_back(); }) == "step c is gone");
  CHECK(difference([](auto& s) { s[2].id = "0"; }) == "step 0 is new");
  CHECK(difference([](auto& s) { s[0].tier = 1, s.pop_back(); }) == "step a: tier was 0 and is now 1");
  CHECK(first_difference(plan, make({}).value()) == "step a is gone");
  CHECK(first_difference(make({}).value(), plan) == "step a is new");
}

TEST_CASE("every field of a step") {
  CHECK(difference([](auto& s) { s[1].operation = "Op2"; }) == R"(step b: operation was "Op" and is now "Op2")");
  CHECK(difference([](auto& s) { s[1].after.clear(); }) == R"(step b: after[0] was "a" and is now absent)");
  CHECK(difference([](auto& s) { s[1].after.push_back("c"); }) == R"(step b: after[1] was absent and is now "c")");
  CHECK(difference([](auto& s) { s[1].publishes = "l"; }) == R"(step b: publishes was "k" and is now "l")");
  CHECK(difference([](auto& s) { s[1].publishes.reset(); }) == R"(step b: publishes was "k" and is now absent)");
  CHECK(difference([](auto& s) { s[0].publishes = "l"; }) == R"(step a: publishes was absent and is now "l")");
  CHECK(difference([](auto& s) { s[1].irreversible = true; }) == "step b: irreversible was false and is now true");
  CHECK(difference([](auto& s) { s[1].tier = 3; }) == "step b: tier was 0 and is now 3");
  CHECK(difference([](auto& s) { s[1].care = {"x"}; }) == R"(step b: care[0] was absent and is now "x")");
  CHECK(difference([](auto& s) { s[1].tier = 3, s[1].operation = "Op2"; }) == R"(step b: operation was "Op" and is now "Op2")");
}

TEST_CASE("params are named by their path") {
  CHECK(in_params("month", "02") == R"(step b: params.month was "01" and is now "02")");
  CHECK(in_params("month", 1) == R"(step b: params.month was "01" and is now 1)");
  CHECK(in_params("scale", 1.25) == "step b: params.scale was 1.5 and is now 1.25");
  CHECK(in_params("a", true) == "step b: params.a was absent and is now true");
  CHECK(in_params("z", Json::array()) == "step b: params.z was absent and is now []");
  CHECK(in_params("list", Json::array({1, 2, Json::object({{"x", 1}})})) == "step b: params.list[2].x was null and is now 1");
  CHECK(in_params("list", Json::array({1, 2})) == R"(step b: params.list[2] was {"x":null} and is now absent)");
  CHECK(in_params("list", Json::array({1, 3})) == "step b: params.list[1] was 2 and is now 3");
  CHECK(in_params("list", Json::object()) == R"(step b: params.list was [1,2,{"x":null}] and is now {})");
  CHECK(difference([](auto& s) { s[1].params = Json::object({{"month", "01"}, {"scale", 1.5}}); }) == R"(step b: params.list was [1,2,{"x":null}] and is now absent)");
}

TEST_CASE("of long values the part around the difference is shown, cut between characters") {
  const auto with = [](const std::string& text) {
    det::Step one = step("a");
    one.params = Json::object({{"t", text}});
    return make({one}).value();
  };
  const std::string common(500, 'x'), rest(500, 'y');
  CHECK(first_difference(with(common + "1" + rest), with(common + "2" + rest)) ==
        "step a: params.t was ..." + std::string(40, 'x') + "1" + std::string(79, 'y') + "... and is now ..." + std::string(40, 'x') + "2" + std::string(79, 'y') + "...");
  CHECK(first_difference(with(""), with(std::string(200, 'z'))) == "step a: params.t was \"\" and is now \"" + std::string(119, 'z') + "...");
  CHECK(rc::check([](const std::vector<std::uint32_t>& points, std::size_t at) {
    std::string text;
    for (const std::uint32_t point : points) det::append_utf8(text, point % 0xd800);
    RC_ASSERT(det::utf8_fault(det::detail::excerpt(text, text.empty() ? 0 : at % text.size())) == std::string::npos);
    std::string longer;
    for (int i = 0; i < 50; ++i) longer += "é☃" + text;
    RC_ASSERT(det::utf8_fault(det::detail::excerpt(longer, at % longer.size())) == std::string::npos);
    RC_ASSERT(det::detail::excerpt(longer, at % longer.size()).size() <= 130);
  }));
}

TEST_CASE("a difference is found exactly when the hashes differ") {
  CHECK(rc::check([](const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
    const auto plan_of = [](const std::vector<std::uint8_t>& numbers) {
      std::vector<det::Step> steps;
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        steps.push_back(step("s" + std::to_string(i)));
        steps.back().tier = numbers[i] % 2;
      }
      return make(steps).value();
    };
    const det::Plan before = plan_of(a), now = plan_of(b);
    RC_ASSERT(first_difference(before, now).empty() == (before.hash() == now.hash()));
  }));
}
