// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <set>
#include <string>

#include "kfm_det/conformance/explore.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;

TEST_CASE("a choice vector as text") {
  CHECK(to_text({}) == "-");
  CHECK(to_text({0, 0}) == "-");
  CHECK(to_text({0, 2, 0, 11, 0}) == "0.2.0.11");
  CHECK(choices_of("-") == ChoiceVector{});
  CHECK(choices_of("0.2.0.11") == ChoiceVector{0, 2, 0, 11});
  for (const char* bad : {"", ".", "1.", ".1", "1..2", "a", "1,2", "99999999999"}) CHECK_FALSE(choices_of(bad));
}

TEST_CASE("numbers are drawn the same everywhere") {
  Random random(1);
  CHECK(random.next() == 0x910A2DEC89025CC1u);
  CHECK(random.below(10U) == 0xBEEB8DA1658EEC67u % 10);
}

TEST_CASE("the explorer counts through every vector of a tree once") {
  Report report;
  report.check = "check_x";
  std::set<std::string> seen;
  std::size_t trials = 0;
  Explorer explorer(report, {});
  explorer.run("tree", {1000, 10, "all"}, [&](Play& play) {
    ++trials;
    ChoiceVector all{play.pick(3)};
    if (all[0] != 1) all.push_back(play.pick(2));
    if (all[0] == 2) all.push_back(play.pick(4));
    std::string text;
    for (const auto one : all) text += std::to_string(one) + " ";
    CHECK(seen.insert(text).second);
  });
  CHECK(trials == 2 + 1 + 8);
  CHECK(report.passed());
  CHECK(report.bounds == std::vector<std::string>{"tree: all 11 (all)"});
}

TEST_CASE("a search that ended early does not say that all was played") {
  Options options;
  options.states_max = 5;
  Report report;
  report.check = "check_x";
  Explorer explorer(report, options);
  const auto trial = [&](Play& play) {
    if (explorer.search_is_over()) return;   // as a search does that asks in the midst of a workload
    (void)play.is_new_crash(play.pick(10), 1);
  };
  explorer.search_until(options.states_max);
  explorer.run("whole", {100, 0, "of 10", true}, [&](Play& play) { trial(play); });
  explorer.run("none", {100, 0, "of 10", true}, [&](Play& play) { trial(play); });
  explorer.run("drawn", {0, 7, "", true}, [&](Play& play) { trial(play); });
  explorer.search_until(9);
  explorer.run("more", {100, 0, "of 10", true}, [&](Play& play) { trial(play); });
  explorer.search_until(100);
  explorer.run("rest", {100, 0, "of 10", true}, [&](Play& play) { trial(play); });
  explorer.search_until(12);   // reached within the last trial
  explorer.run("last", {100, 0, "of 2", true}, [&](Play& play) { (void)play.is_new_crash(100 + play.pick(2), 1); });
  const std::string ended = "ended by the number of crash states (Options::states_max)";
  CHECK(report.bounds == std::vector<std::string>{"whole: the first 5 (of 10); 5 crash states; " + ended + ", the last one perhaps in part: the rest was left out", "none: none (of 10); 0 crash states; " + ended + ": the rest was left out",
                                                  "drawn: none; 0 crash states; " + ended + ": the rest was left out", "more: the first 9 (of 10); 4 crash states; " + ended + ", the last one perhaps in part: the rest was left out",
                                                  "rest: all 10 (of 10); 1 crash states", "last: the first 2 (of 2); 2 crash states; " + ended + ", the last one perhaps in part"});
  CHECK(report.crash_states == 12);
}

TEST_CASE("a crash state counts once, and is judged again where more crashes are to come") {
  Report report;
  std::unordered_set<std::uint64_t> states;
  Choices choices;
  Play play(choices, report, states);
  CHECK(play.is_new_crash(1000, 2));
  CHECK_FALSE(play.is_new_crash(1000, 2));
  CHECK_FALSE(play.is_new_crash(1000, 1));
  CHECK(play.is_new_crash(1000, 3));
  CHECK_FALSE(play.is_new_crash(1000, 2));
  CHECK(play.is_new_crash(2000, 1));
  CHECK(play.is_new_crash(2000, 2));
  CHECK(report.crash_states == 2);
  CHECK(report.states == 2);
}

TEST_CASE("what a search has found is a violation, also when its line plays without it") {
  for (const bool comes_back : {true, false}) {
    Report report;
    report.check = "check_x";
    Explorer explorer(report, {});
    explorer.found("part", {"STORE-3", "it is gone"}, {1, 2}, [&](Play& play) { play.expect("STORE-3", !comes_back || play.pick(3) == 0, "it is gone"); });
    REQUIRE(report.violations.size() == 1);
    CHECK(report.violations[0].sentence == (comes_back ? "it is gone" : "it is gone (its line alone does not bring it back)"));
    CHECK(report.violations[0].reproducer == (comes_back ? "kfm_det/1 check_x part=part choices=1" : "kfm_det/1 check_x part=part choices=1.2"));
  }
}

TEST_CASE("what breaks is shrunk, told and brought back by its line") {
  const auto trial = [](Play& play) {
    std::uint32_t sum = 0;
    while (play.flip()) {
      const std::uint32_t n = play.pick(100);
      play.tell("add " + std::to_string(n));
      sum += n;
      play.expect("STORE-3", sum < 50, [&] { return "the sum is " + std::to_string(sum); });
    }
  };
  Options options;
  options.cases = 5000;
  Report report;
  report.check = "check_x";
  Explorer(report, options).run("sums", {0, options.cases, ""}, trial);
  REQUIRE(report.violations.size() == 1);
  const Violation& found = report.violations[0];
  CHECK(found.law == "STORE-3");
  CHECK(found.sentence == "the sum is 50");
  CHECK(found.script == "add 50");
  CHECK(found.operations == 1);
  CHECK(found.reproducer == "kfm_det/1 check_x part=sums choices=1.50");
  CHECK(found.usual_cause == "ack before fsync; fsync retried after a failure");

  Report again;
  again.check = "check_x";
  options.reproduce = found.reproducer;
  Explorer(again, options).run("sums", {0, options.cases, ""}, trial);
  REQUIRE(again.violations.size() == 1);
  CHECK(again.violations[0].script == found.script);
  CHECK(again.violations[0].reproducer == found.reproducer);
  CHECK(again.cases == 1);
}

TEST_CASE("a line that reproduces nothing says so") {
  for (const std::string line : {"x", "kfm_det/1 check_y part=sums choices=1", "kfm_det/2 check_x part=sums choices=1", "kfm_det/1 check_x part=sums choices=1.", "kfm_det/1 check_x part=sums choices=1 more"}) {
    Report report;
    report.check = "check_x";
    Options options;
    options.reproduce = line;
    bool played = false;
    Explorer(report, options).run("sums", {1, 1, ""}, [&](Play&) { played = true; });
    CHECK_FALSE(played);
    REQUIRE(report.violations.size() == 1);
    CHECK(report.violations[0].law == "reproduce");
  }
}
