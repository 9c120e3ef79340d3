// SPDX-License-Identifier: BSL-1.0
/// \file
/// Plan: canonical text, hash, reading back. PLAN-1 as far as a Plan can keep it: the order of steps, dependencies and labels does not matter.
#include "kfm_det/plan/plan.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "tests/plan/plans.hpp"

namespace {

namespace det = kfm_det;
using plans::refusal;
using plans::make;
using plans::step;

// Text and hash are from Python: json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False), hashlib.sha256(b"kfm_det/v1/plan\n" + text).
constexpr const char* golden_text =
    R"({"steps":[{"after":[],"care":[],"id":"2012-01","irreversible":false,"operation":"SummarizeMonth","params":{"month":"2012-01","scale":1.5},)"
    R"("publishes":"seattle/2012-01","tier":0},{"after":[],"care":["CARE-Level 2","Restricted / By Request"],"id":"2012-02","irreversible":false,)"
    R"("operation":"SummarizeMonth","params":{"month":"2012-02","scale":-2},"publishes":"séattle/☃","tier":3},{"after":["2012-01","2012-02"],"care":[],)"
    R"("id":"year ~ end","irreversible":true,"operation":"Rollup","params":{},"tier":1}],"updater":"noaa-monthly","version":"1.20.3"})";
constexpr const char* golden_hash = "6d085eb4d892466df439ce53ece13e444e4473a5820cc3b8a99e7c206905c71e";

std::vector<det::Step> golden_steps() {
  det::Step jan = step("2012-01", {}, "seattle/2012-01");
  jan.operation = "SummarizeMonth";
  jan.params = det::Json::object({{"month", "2012-01"}, {"scale", 1.5}});
  det::Step feb = step("2012-02", {}, "séattle/☃");
  feb.operation = "SummarizeMonth";
  feb.params = det::Json::object({{"scale", -2}, {"month", "2012-02"}});
  feb.tier = 3;
  feb.care = {"Restricted / By Request", "CARE-Level 2"};
  det::Step year = step("year ~ end", {"2012-02", "2012-01"});
  year.operation = "Rollup";
  year.irreversible = true;
  year.tier = 1;
  return {year, feb, jan};
}

det::Plan golden() { return det::Plan::make("noaa-monthly", det::Version{1, 20, 3}, golden_steps()).value(); }

/// The golden text with one piece replaced.
std::string edited(const std::string& from, const std::string& to) {
  std::string text = golden_text;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a plan has one canonical text and one hash, as another program computes them") {
  const det::Plan plan = golden();
  CHECK(plan.canonical_text() == golden_text);
  CHECK(plan.hash().hex() == golden_hash);
  CHECK(canonical(plan.to_json()).value() == golden_text);
}

TEST_CASE("an empty plan is a plan") {
  const det::Plan plan = det::Plan::make("x", det::Version{1, 0, 0}, {}).value();
  CHECK(plan.empty());
  CHECK(plan.size() == 0);
  CHECK(plan.canonical_text() == R"({"steps":[],"updater":"x","version":"1.0.0"})");
  CHECK(plan.waves().empty());
  CHECK(plan.find("") == nullptr);
  CHECK(det::Plan::parse(plan.canonical_text()).value() == plan);
}

TEST_CASE("steps are kept in byte order of their ids and found by them") {
  const det::Plan plan = make({step("b"), step("a b"), step("B"), step("a"), step("a~"), step("10"), step("9")}).value();
  std::vector<std::string> ids;
  for (const det::Step& each : plan.steps()) {
    ids.push_back(each.id);
    CHECK(plan.find(each.id) == &each);
  }
  CHECK(ids == std::vector<std::string>{"10", "9", "B", "a", "a b", "a~", "b"});
  CHECK(plan.find("c") == nullptr);
  CHECK(plan.find("") == nullptr);
  CHECK(plan.find("a ") == nullptr);
  CHECK(plan.size() == 7);
  CHECK_FALSE(plan.empty());
  CHECK(plan.updater_id() == "test");
  CHECK(plan.version() == det::Version{1, 0, 0});
}

TEST_CASE("whatever the order of steps, dependencies and labels: the same text and hash") {
  CHECK(rc::check([](const std::vector<std::size_t>& steps, const std::vector<std::size_t>& inside) {
    auto all = plans::shuffled(golden_steps(), steps);
    for (det::Step& each : all) {
      each.after = plans::shuffled(each.after, inside);
      each.care = plans::shuffled(each.care, inside);
      if (!each.after.empty()) each.after.push_back(each.after.front());
      if (!each.care.empty()) each.care.push_back(each.care.back());
    }
    const auto plan = det::Plan::make("noaa-monthly", det::Version{1, 20, 3}, all);
    RC_ASSERT(plan.has_value());
    RC_ASSERT(plan.value().canonical_text() == golden_text);
    RC_ASSERT(plan.value().hash().hex() == golden_hash);
  }));
}

TEST_CASE("whatever a plan says is in its hash") {
  const auto hash_with = [](auto change) {
    auto all = golden_steps();
    change(all[1]);  // 2012-02
    return det::Plan::make("noaa-monthly", det::Version{1, 20, 3}, all).value().hash().hex();
  };
  CHECK(hash_with([](det::Step&) {}) == golden_hash);
  CHECK(hash_with([](det::Step& s) { s.operation = "SummarizeMonths"; }) != golden_hash);
  CHECK(hash_with([](det::Step& s) { s.params = det::Json::object({{"scale", -2}, {"month", "2012-03"}}); }) != golden_hash);
  CHECK(hash_with([](det::Step& s) { s.after = {"2012-01"}; }) != golden_hash);
  CHECK(hash_with([](det::Step& s) { s.publishes = "other"; }) != golden_hash);
  CHECK(hash_with([](det::Step& s) { s.publishes.reset(); }) != golden_hash);
  CHECK(hash_with([](det::Step& s) { s.irreversible = true; }) != golden_hash);
  CHECK(hash_with([](det::Step& s) { s.tier = 2; }) != golden_hash);
  CHECK(hash_with([](det::Step& s) { s.care.pop_back(); }) != golden_hash);
  CHECK(det::Plan::make("noaa-monthly", det::Version{1, 20, 4}, golden_steps()).value().hash().hex() != golden_hash);
  CHECK(det::Plan::make("noaa-monthl", det::Version{1, 20, 3}, golden_steps()).value().hash().hex() != golden_hash);
}

TEST_CASE("a plan is read back from its text, and from the JSON of a larger record") {
  const det::Plan plan = golden();
  const auto parsed = det::Plan::parse(golden_text);
  REQUIRE(parsed);
  CHECK(parsed.value() == plan);
  CHECK(parsed.value().hash() == plan.hash());
  CHECK(parsed.value().waves() == plan.waves());
  CHECK(parsed.value().steps() == plan.steps());
  CHECK(det::Plan::from_json(plan.to_json()).value() == plan);
}

TEST_CASE("any plan survives its text") {
  CHECK(rc::check([](const std::vector<std::vector<std::size_t>>& waits, const std::vector<std::string>& texts) {
    std::vector<det::Step> all;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      det::Step each = step("s" + std::to_string(i));
      for (const std::size_t wait : waits[i])
        if (i != 0) each.after.push_back("s" + std::to_string(wait % i));
      det::Json params = det::Json::object();
      for (const std::string& text : texts) params.set(det::to_hex(text), det::to_hex(text));
      each.params = params;
      each.tier = static_cast<std::uint32_t>(i % 4);
      each.irreversible = i % 3 == 0;
      if (i % 2 == 0) each.publishes = "key " + std::to_string(i);
      all.push_back(std::move(each));
    }
    const auto plan = make(all);
    RC_ASSERT(plan.has_value());
    const auto read = det::Plan::parse(plan.value().canonical_text());
    RC_ASSERT(read.has_value());
    RC_ASSERT(read.value() == plan.value());
    RC_ASSERT(read.value().steps() == plan.value().steps());
    RC_ASSERT(det::first_difference(plan.value(), read.value()).empty());
  }));
}

TEST_CASE("a text that is nearly a plan is refused, with the place") {
  CHECK(refusal(det::Plan::parse("")) == "invalid_json | byte 0");
  CHECK(refusal(det::Plan::parse(std::string(golden_text) + "]")).starts_with("invalid_json | byte "));
  CHECK(refusal(det::Plan::parse(std::string(golden_text) + " ")) == "invalid_json | noaa-monthly");
  CHECK(refusal(det::Plan::parse(edited("1.5", "1.50"))) == "invalid_json | noaa-monthly");
  CHECK(refusal(det::Plan::parse(edited("\"tier\":0", "\"tier\":0.0"))) == "invalid_json | noaa-monthly");
  CHECK(refusal(det::Plan::parse(edited("\"after\":[],", ""))) == "invalid_json | steps[0].after");
  CHECK(refusal(det::Plan::parse(edited("\"tier\":0}", "\"tier\":0,\"zeal\":1}"))) == "invalid_json | steps[0].zeal");
  CHECK(refusal(det::Plan::parse(edited(",\"version\":\"1.20.3\"", ",\"version\":\"1.20.3\",\"when\":1}"))).starts_with("invalid_json"));
  CHECK(refusal(det::Plan::parse(edited("\"tier\":0", "\"tier\":\"0\""))) == "invalid_json | steps[0].tier");
  CHECK(refusal(det::Plan::parse(edited("\"tier\":0", "\"tier\":-1"))) == "invalid_json | steps[0].tier");
  CHECK(refusal(det::Plan::parse(edited("\"tier\":0", "\"tier\":4"))) == "invalid_argument | step 2012-01: tier 4");
  CHECK(refusal(det::Plan::parse(edited("1.20.3", "1.20"))) == "invalid_json | version: 1.20");
  CHECK(refusal(det::Plan::parse(edited("noaa-monthly", "NOAA"))) == "invalid_argument | NOAA");
  CHECK(refusal(det::Plan::parse(edited(R"("after":[],"care":[],"id":"2012-01")", R"("after":["year ~ end"],"care":[],"id":"2012-01")"))) ==
        "cycle | 2012-01 -> year ~ end -> 2012-01");
  CHECK(refusal(det::Plan::parse(edited(R"(["2012-01","2012-02"])", R"(["2012-01","2012-03"])"))) == "unknown_dependency | year ~ end -> 2012-03");
  CHECK(refusal(det::Plan::parse(edited("séattle/☃", "seattle/2012-01"))) == "duplicate_target | 2012-01, 2012-02: seattle/2012-01");
  CHECK(refusal(det::Plan::parse(edited(R"("id":"2012-02")", R"("id":"2012-01")"))) == "duplicate_step | step 2012-01");
  CHECK(refusal(det::Plan::parse(edited(R"("id":"2012-02")", R"("id":"retire:x")"))) == "invalid_argument | step retire:x");
}

TEST_CASE("a text whose order is not the canonical one is refused: it would have another hash") {
  const auto refused = [](const std::string& from, const std::string& to) {
    const auto parsed = det::Plan::parse(edited(from, to));
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message() == "invalid_json: this is not the canonical text of the plan (noaa-monthly). Read the plan as it was written.");
    CHECK_FALSE(det::Plan::from_json(det::parse_json(edited(from, to)).value()));
  };
  refused(R"(["2012-01","2012-02"])", R"(["2012-02","2012-01"])");
  refused(R"(["2012-01","2012-02"])", R"(["2012-01","2012-02","2012-02"])");
  refused(R"(["CARE-Level 2","Restricted / By Request"])", R"(["Restricted / By Request","CARE-Level 2"])");
  refused(R"("id":"year ~ end")", R"("id":"0")");  // belongs in front
}
