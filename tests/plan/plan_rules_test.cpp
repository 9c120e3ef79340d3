// SPDX-License-Identifier: BSL-1.0
/// \file
/// The rules of a plan: every error with its place, the same whatever the order of steps; and every limit from both sides.
#include "kfm_det/plan/plan_rules.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <limits>
#include <string>
#include <vector>

#include "tests/plan/plans.hpp"

namespace {

namespace det = kfm_det;
using plans::make;
using plans::refusal;
using plans::step;

/// What make() says of these steps, which must be the same for every order of them.
std::string refusal_of(std::vector<det::Step> steps) {
  const std::string said = refusal(make(steps));
  std::reverse(steps.begin(), steps.end());
  CHECK(refusal(make(steps)) == said);
  for (std::size_t turn = 1; turn < steps.size(); ++turn) {
    std::rotate(steps.begin(), steps.begin() + 1, steps.end());
    CHECK(refusal(make(steps)) == said);
  }
  return said;
}

template <class Change>
std::string refusal_of_step(Change change) {
  det::Step each = step("s");
  change(each);
  return refusal_of({step("a"), each, step("z")});
}

std::string id_of(std::size_t i) { return "s" + std::to_string(1000000 + i); }

}  // namespace

TEST_CASE("duplicate steps") {
  CHECK(refusal_of({step("b"), step("a"), step("c"), step("b")}) == "duplicate_step | step b");
  CHECK(refusal_of({step("b"), step("b"), step("a"), step("a")}) == "duplicate_step | step a");
  CHECK(refusal_of({step("a"), step("A")}) == "no error");
}

TEST_CASE("dependencies that are not there are named with who waits for them") {
  CHECK(refusal_of({step("a"), step("b", {"a", "c"})}) == "unknown_dependency | b -> c");
  CHECK(refusal_of({step("b", {"zz", "y"}), step("a", {"x"})}) == "unknown_dependency | a -> x");
  CHECK(refusal_of({step("a", {""})}) == "unknown_dependency | a -> ");
  CHECK(refusal_of({step("a", {"\x01"})}) == "unknown_dependency | a -> \\x01");
  CHECK(make({step("a", {"b"})}).error().message() == "unknown_dependency: a step waits for a step that the plan does not have (a -> b). Add the step, or do not wait for it.");
}

TEST_CASE("one target: two steps of one business key are both named (PLAN-6)") {
  CHECK(refusal_of({step("b", {}, "k"), step("a", {}, "k"), step("c", {}, "l")}) == "duplicate_target | a, b: k");
  CHECK(refusal_of({step("d", {}, "k1"), step("c", {}, "k1"), step("b", {}, "k2"), step("a", {}, "k2")}) == "duplicate_target | c, d: k1");
  CHECK(refusal_of({step("c", {}, "k"), step("b", {}, "k"), step("a", {}, "k")}) == "duplicate_target | a, b: k");
  CHECK(refusal_of({step("a", {}, "k"), step("b", {}, "K"), step("c", {}, "k "), step("d"), step("e")}) == "no error");
}

TEST_CASE("a cycle is named whole, and always the same one") {
  CHECK(refusal_of({step("a", {"a"})}) == "cycle | a -> a");
  CHECK(refusal_of({step("a", {"b"}), step("b", {"a"})}) == "cycle | a -> b -> a");
  CHECK(refusal_of({step("c", {"a"}), step("a", {"b"}), step("b", {"c"})}) == "cycle | a -> b -> c -> a");
  CHECK(refusal_of({step("c", {"b"}), step("a", {"c"}), step("b", {"a"})}) == "cycle | a -> c -> b -> a");
  // steps that only hang on a cycle, before and behind it, are not part of it
  CHECK(refusal_of({step("a", {"m"}), step("m", {"n"}), step("n", {"m", "z"}), step("z")}) == "cycle | m -> n -> m");
  // the lowest step on any cycle, then the shortest, then the first in byte order
  CHECK(refusal_of({step("a", {"b"}), step("b", {"c"}), step("c", {"a"}), step("y", {"z"}), step("z", {"y"})}) == "cycle | a -> b -> c -> a");
  CHECK(refusal_of({step("a", {"b", "d"}), step("b", {"c"}), step("c", {"a"}), step("d", {"a"})}) == "cycle | a -> d -> a");
  CHECK(refusal_of({step("a", {"b", "c"}), step("b", {"d"}), step("c", {"d"}), step("d", {"a"})}) == "cycle | a -> b -> d -> a");
  CHECK(refusal_of({step("a", {"c", "d"}), step("b", {"a"}), step("c", {"e"}), step("d", {"b"}), step("e", {"a"})}) == "cycle | a -> c -> e -> a");
  CHECK(refusal_of({step("a", {"b"}), step("b", {"a", "b"})}) == "cycle | a -> b -> a");
  CHECK(refusal_of({step("b", {"b"}), step("a", {"b"})}) == "cycle | b -> b");
  CHECK(make({step("a", {"a"})}).error().what() == "a step waits for itself");
}

TEST_CASE("of a very long cycle both ends are named") {
  const auto cycle_of = [](std::size_t size) {
    std::vector<det::Step> steps;
    for (std::size_t i = 0; i < size; ++i) steps.push_back(step(id_of(i), {id_of((i + 1) % size)}));
    return make(steps).error();
  };
  const std::string longest = cycle_of(det::limits::cycle_steps_shown_max).where();
  CHECK(longest.find("more") == std::string::npos);
  CHECK(longest.starts_with("s1000000 -> s1000001 -> "));
  CHECK(longest.ends_with(" -> s1000255 -> s1000000"));
  const det::Error longer = cycle_of(100'000);
  CHECK(longer.code() == det::errc::cycle);
  CHECK(longer.where().find("s1000127 -> (99744 more) -> s1099872 -> ") != std::string::npos);
  CHECK(longer.where().starts_with("s1000000 -> s1000001 -> "));
  CHECK(longer.where().ends_with(" -> s1099999 -> s1000000"));
}

TEST_CASE("step ids") {
  const auto said_of = [](std::string id) { return refusal_of({step(std::move(id))}); };
  CHECK(said_of("") == "invalid_argument | step ");
  CHECK(said_of("a\nb") == "invalid_argument | step a\\x0ab");
  CHECK(said_of("\x7f") == "invalid_argument | step \\x7f");
  CHECK(said_of(std::string("a\0b", 3)) == "invalid_argument | step a\\x00b");
  CHECK(said_of("h\xc3\xa9") == "invalid_argument | step h\xc3\xa9");
  CHECK(said_of("h\xc3") == "invalid_argument | step h\\xc3");
  CHECK(said_of(" ") == "no error");
  CHECK(said_of("~!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}") == "no error");
  CHECK(said_of(std::string(256, 'x')) == "no error");
  CHECK(said_of(std::string(257, 'x')) == "invalid_argument | step " + std::string(120, 'x') + "...");
  CHECK(said_of("retire:k") == "invalid_argument | step retire:k");
  CHECK(said_of("retire:") == "invalid_argument | step retire:");
  CHECK(said_of("retire") == "no error");
  CHECK(said_of("Retire:k") == "no error");
  CHECK(refusal_of({step("b\n"), step("a\n"), step("c"), step("c")}) == "invalid_argument | step a\\x0a");
}

TEST_CASE("the fields of a step") {
  CHECK(refusal_of_step([](det::Step& s) { s.operation = ""; }) == "invalid_argument | step s: ");
  CHECK(refusal_of_step([](det::Step& s) { s.operation = "a\tb"; }) == "invalid_argument | step s: a\\x09b");
  CHECK(refusal_of_step([](det::Step& s) { s.operation = std::string(257, 'x'); }).starts_with("invalid_argument | step s: x"));
  CHECK(refusal_of_step([](det::Step& s) { s.publishes = ""; }) == "invalid_argument | step s: publishes");
  CHECK(refusal_of_step([](det::Step& s) { s.publishes = "a\nb"; }) == "invalid_argument | step s: publishes: byte 1");
  CHECK(refusal_of_step([](det::Step& s) { s.publishes = "a\xff"; }) == "invalid_argument | step s: publishes: byte 1");
  CHECK(refusal_of_step([](det::Step& s) { s.publishes = std::string(1024, 'k'); }) == "no error");
  CHECK(refusal_of_step([](det::Step& s) { s.publishes = std::string(1025, 'k'); }) == "limit_exceeded | step s: publishes: 1025 bytes");
  CHECK(refusal_of_step([](det::Step& s) { s.tier = 3; }) == "no error");
  CHECK(refusal_of_step([](det::Step& s) { s.tier = 4; }) == "invalid_argument | step s: tier 4");
  CHECK(refusal_of_step([](det::Step& s) { s.care = {"CARE-Level 2", "mātauranga"}; }) == "no error");
  CHECK(refusal_of_step([](det::Step& s) { s.care = {""}; }) == "invalid_argument | step s: label ");
  CHECK(refusal_of_step([](det::Step& s) { s.care = {"ok", "a\nb"}; }) == "invalid_argument | step s: label a\\x0ab");
  CHECK(refusal_of_step([](det::Step& s) { s.care = {"\xff"}; }) == "invalid_argument | step s: label \\xff");
  CHECK(refusal_of_step([](det::Step& s) { s.care = {std::string(256, 'x')}; }) == "no error");
  CHECK(refusal_of_step([](det::Step& s) { s.care = {std::string(257, 'x')}; }).starts_with("invalid_argument | step s: label x"));
  const auto labels = [](std::size_t count) {
    return [count](det::Step& s) {
      for (std::size_t i = 0; i < count; ++i) s.care.push_back("label " + std::to_string(i));
    };
  };
  CHECK(refusal_of_step(labels(det::limits::step_labels_max)) == "no error");
  CHECK(refusal_of_step(labels(det::limits::step_labels_max + 1)) == "limit_exceeded | step s");
}

TEST_CASE("params that cannot be written name the step, not its place") {
  const auto with = [](det::Json json) { return [json](det::Step& s) { s.params = det::Json::object({{"in", det::Json::object({{"x", json}})}}); }; };
  CHECK(refusal_of_step(with(std::numeric_limits<double>::quiet_NaN())) == "invalid_json | step s: params.in.x");
  CHECK(refusal_of_step(with("\xff")) == "invalid_json | step s: params.in.x: byte 0 of the string");
  CHECK(refusal_of_step(with(nullptr)) == "no error");
}

TEST_CASE("updater ids") {
  const auto said_of = [](std::string id) { return refusal(det::Plan::make(std::move(id), det::Version{1, 0, 0}, {})); };
  CHECK(said_of("noaa-monthly_2.x") == "no error");
  CHECK(said_of("") == "invalid_argument | ");
  CHECK(said_of("NOAA") == "invalid_argument | NOAA");
  CHECK(said_of("a b") == "invalid_argument | a b");
  CHECK(said_of("-a") == "invalid_argument | -a");
  CHECK(said_of(std::string(128, 'a')) == "no error");
  CHECK(said_of(std::string(129, 'a')).starts_with("invalid_argument | a"));
}

TEST_CASE("a plan of too many steps, or of too much text, is refused by name") {
  CHECK(refusal(make(std::vector<det::Step>(det::limits::plan_steps_max + 1))) == "limit_exceeded | 1000001 steps");
  det::Step large = step("large");
  large.params = std::string(det::limits::json_bytes_max, 'x');
  CHECK(refusal(make({large})) == "limit_exceeded | test");
}

TEST_CASE("of several breaches the same one comes out, whatever the order") {
  std::vector<det::Step> steps{step("d", {"e"}), step("e", {"d"}), step("a", {}, "k"), step("b", {}, "k"), step("c", {"missing"}), step("f"), step("g")};
  steps[5].tier = 9;
  steps[6].operation = "";
  CHECK(refusal_of(steps) == "invalid_argument | step f: tier 9");
  steps[5].tier = 0;
  CHECK(refusal_of(steps) == "invalid_argument | step g: ");
  steps[6].operation = "Op";
  CHECK(refusal_of(steps) == "unknown_dependency | c -> missing");
  steps[4].after.clear();
  CHECK(refusal_of(steps) == "duplicate_target | a, b: k");
  steps[3].publishes = "l";
  CHECK(refusal_of(steps) == "cycle | d -> e -> d");
  steps[1].after.clear();
  CHECK(refusal_of(steps) == "no error");
}

TEST_CASE("text in errors: control characters and what is not UTF-8 are spelled out, and nothing is longer than a line") {
  CHECK(det::detail::shown("plain ~") == "plain ~");
  CHECK(det::detail::shown("é☃\U0001F600") == "é☃\U0001F600");
  CHECK(det::detail::shown("\xc2\x80\xc2\x9f\xc2\xa0") == "\\xc2\\x80\\xc2\\x9f\xc2\xa0");
  CHECK(det::detail::shown("\x1b[31m\xff\xc0\xaf") == "\\x1b[31m\\xff\\xc0\\xaf");
  CHECK(det::detail::shown(std::string(120, 'x')) == std::string(120, 'x'));
  CHECK(det::detail::shown(std::string(119, 'x') + "é") == std::string(119, 'x') + "...");
}
