// SPDX-License-Identifier: BSL-1.0
/// \file
/// PlanBuilder and build_plan: what plan types write, what comes of it, and what is said when it cannot be.
#include "kfm_det/plan/builder.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/plan/plans.hpp"

namespace {

namespace det = kfm_det;
using plans::refusal;

enum class Unit { metres, feet };
KFM_DET_DESCRIBE_ENUM(Unit, metres, feet)

struct SummarizeMonth {
  struct Params { det::SourceRef source; std::string month; double scale = 1; };
  static det::result<det::Output> run(const Params&, det::StepContext&) { return det::Output::nothing(); }
};
KFM_DET_DESCRIBE(SummarizeMonth::Params, source, month, scale)

struct Rollup {
  struct Params { std::uint64_t seed = 0; Unit unit = Unit::metres; };
  static det::result<det::Output> run(const Params&, det::StepContext&) { return det::Output::nothing(); }
  static constexpr std::string_view name = "rollup";
};
KFM_DET_DESCRIBE(Rollup::Params, seed, unit)

using Ops = det::Operations<SummarizeMonth, Rollup>;
using Builder = det::PlanBuilder<Ops>;

det::result<det::Plan> finished(Builder& plan) { return plan.finish("test", det::Version{1, 0, 0}); }

det::SourceRef source(const std::string& uri) {
  det::SourceRef ref;
  ref.uri = uri;
  ref.content_hash = det::ContentHash{det::sha256(uri)};
  return ref;
}

}  // namespace

TEST_CASE("steps with everything that can be said of them") {
  Builder plan;
  const auto jan = plan.step<SummarizeMonth>("2012-01", {source("a.csv"), "2012-01", 2}).publishes("seattle/2012-01");
  auto feb = plan.step<SummarizeMonth>("2012-02", {.source = source("b.csv"), .month = "2012-02"});
  feb.publishes("seattle/2012-02").care({"b", "a"}).care({"a"});
  plan.step<Rollup>("year", {.seed = std::numeric_limits<std::uint64_t>::max(), .unit = Unit::feet}).after(jan, feb).irreversible().tier(2).after_id("2012-01");
  CHECK(jan.id() == "2012-01");
  const det::StepRef ref = jan;
  CHECK(ref.id == "2012-01");
  const det::Plan made = finished(plan).value();
  REQUIRE(made.size() == 3);
  const det::Step& january = *made.find("2012-01");
  CHECK(january.operation == "SummarizeMonth");
  CHECK(canonical(january.params).value() == R"({"month":"2012-01","scale":2,"source":)" + canonical(source("a.csv")).value() + "}");
  CHECK(january.publishes == det::BusinessKey("seattle/2012-01"));
  CHECK(january.after.empty());
  CHECK_FALSE(january.irreversible);
  CHECK(january.tier == 0);
  CHECK(made.find("2012-02")->care == std::vector<std::string>{"a", "b"});
  const det::Step& year = *made.find("year");
  CHECK(year.operation == "rollup");
  CHECK(canonical(year.params).value() == R"({"seed":"18446744073709551615","unit":"feet"})");
  CHECK(year.after == std::vector<std::string>{"2012-01", "2012-02"});
  CHECK(year.irreversible);
  CHECK(year.tier == 2);
  CHECK_FALSE(year.publishes.has_value());
}

TEST_CASE("many dependencies at once: of refs, of steps, of nothing") {
  Builder plan;
  std::vector<det::StepRef> refs;
  std::vector<det::StepBuilder> steps;
  for (const char* id : {"a", "b", "c"}) {
    steps.push_back(plan.step<Rollup>(id, {}));
    refs.push_back(steps.back());
  }
  plan.step<Rollup>("x", {}).after(refs);
  plan.step<Rollup>("y", {}).after(steps);
  plan.step<Rollup>("z", {}).after().after(steps[0], refs[2]);
  const det::Plan made = finished(plan).value();
  CHECK(made.find("x")->after == std::vector<std::string>{"a", "b", "c"});
  CHECK(made.find("y")->after == std::vector<std::string>{"a", "b", "c"});
  CHECK(made.find("z")->after == std::vector<std::string>{"a", "c"});
}

TEST_CASE("the order of calls does not matter: the same text and hash") {
  const auto build = [](const std::vector<std::size_t>& order) {
    Builder plan;
    std::vector<std::size_t> numbers;
    for (std::size_t i = 0; i < 12; ++i) numbers.push_back(i);
    for (const std::size_t i : plans::shuffled(numbers, order)) {
      const auto each = plan.step<Rollup>(std::to_string(i), {.seed = i});
      std::vector<std::size_t> waits{i / 2, i / 3};
      for (const std::size_t wait : plans::shuffled(waits, order))
        if (wait != i) each.after_id(std::to_string(wait));
      each.publishes("key " + std::to_string(i));
    }
    return finished(plan).value();
  };
  const det::Plan in_order = build({});
  CHECK(rc::check([&](const std::vector<std::size_t>& order) {
    RC_ASSERT(build(order).canonical_text() == in_order.canonical_text());
    RC_ASSERT(build(order).hash() == in_order.hash());
  }));
}

TEST_CASE("params that cannot be written come out of finish, with step and field") {
  Builder plan;
  plan.step<SummarizeMonth>("fine", {source("a"), "m", 1});
  plan.step<SummarizeMonth>("bad", {source("a"), "m", std::numeric_limits<double>::quiet_NaN()});
  CHECK(refusal(finished(plan)) == "invalid_json | step bad: params: scale");
  Builder text;
  text.step<SummarizeMonth>("s", {source("a"), "m\xff", 1});
  CHECK(refusal(finished(text)) == "invalid_json | step s: params: month: byte 1 of the string");
  Builder infinite;
  infinite.step<SummarizeMonth>("s", {source("a"), "m", -std::numeric_limits<double>::infinity()});
  CHECK(refusal(finished(infinite)) == "invalid_json | step s: params: scale");
  Builder nameless;
  nameless.step<Rollup>("s", {.seed = 0, .unit = static_cast<Unit>(7)});
  CHECK(refusal(finished(nameless)) == "invalid_json | step s: params: unit");
}

TEST_CASE("of several errors the lowest step's comes out, whatever the order of calls") {
  const auto said = [](const std::vector<const char*>& order) {
    Builder plan;
    for (const char* id : order) plan.step<SummarizeMonth>(id, {source("a"), std::string(id) + "\xff", 1});
    return refusal(finished(plan));
  };
  CHECK(said({"c", "a", "b"}) == "invalid_json | step a: params: month: byte 1 of the string");
  CHECK(said({"a", "b", "c"}) == said({"c", "b", "a"}));
  const auto twins = [](bool turned) {
    Builder plan;
    for (const bool first : {turned, !turned}) plan.step<SummarizeMonth>("s", {source("a"), first ? "\xff" : "m", first ? 1 : std::numeric_limits<double>::quiet_NaN()});
    return refusal(finished(plan));
  };
  CHECK(twins(true) == twins(false));
}

TEST_CASE("a step publishes one key") {
  Builder same;
  same.step<Rollup>("s", {}).publishes("k").publishes("k");
  CHECK(refusal(finished(same)) == "no error");
  Builder two;
  two.step<Rollup>("s", {}).publishes("k").publishes("l");
  CHECK(refusal(finished(two)) == "invalid_argument | step s: k, l");
}

TEST_CASE("the rules of a plan are those of Plan::make") {
  const auto said = [](auto fill) {
    Builder plan;
    fill(plan);
    return refusal(finished(plan));
  };
  CHECK(said([](Builder& plan) { plan.step<Rollup>("a", {}), plan.step<Rollup>("a", {}); }) == "duplicate_step | step a");
  CHECK(said([](Builder& plan) { plan.step<Rollup>("a", {}).after(det::StepRef{"b"}); }) == "unknown_dependency | a -> b");
  CHECK(said([](Builder& plan) { plan.step<Rollup>("a", {}).publishes("k"), plan.step<Rollup>("b", {}).publishes("k"); }) == "duplicate_target | a, b: k");
  CHECK(said([](Builder& plan) { plan.step<Rollup>("a", {}).tier(4); }) == "invalid_argument | step a: tier 4");
  CHECK(said([](Builder& plan) { plan.step<Rollup>("a", {}).publishes(""); }) == "invalid_argument | step a: publishes");
  CHECK(said([](Builder& plan) {
          const auto a = plan.step<Rollup>("a", {});
          a.after(plan.step<Rollup>("b", {}).after(plan.step<Rollup>("c", {}).after(a)));
        }) == "cycle | a -> b -> c -> a");
  CHECK(said([](Builder& plan) { plan.step<Rollup>("retire:a", {}); }) == "invalid_argument | step retire:a");
}

TEST_CASE("a builder that is finished is empty") {
  Builder plan;
  plan.step<Rollup>("a", {});
  CHECK(finished(plan).value().size() == 1);
  CHECK(finished(plan).value().empty());
}

namespace {

/// One step for each input, in the order in which they come, and one for all.
struct Monthly {
  static constexpr det::UpdaterId id{"noaa-monthly"};
  static constexpr det::Version version{2, 1, 0};
  using Operations = Ops;
  static det::result<void> plan(std::span<const det::SourceRef> inputs, det::PlanBuilder<Operations>& plan) {
    std::vector<det::StepRef> months;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].uri == "throw") throw std::runtime_error("no month in the name");
      if (inputs[i].uri == "throw a number") throw 7;
      if (inputs[i].uri == "out of memory") throw std::bad_alloc();
      if (inputs[i].uri == "refuse") return det::Error(det::errc::gate_rejected, "a month without days", inputs[i].uri);
      months.push_back(plan.step<SummarizeMonth>("month " + std::to_string(i), {inputs[i], inputs[i].uri, 1}).publishes(inputs[i].uri));
    }
    plan.step<Rollup>("all", {}).after(months).publishes("all");
    return det::success();
  }
};
static_assert(det::PlanPolicy<Monthly>);

/// As the same type looks when it is written for any builder.
struct Generic {
  static constexpr det::UpdaterId id{"generic"};
  static constexpr det::Version version{1, 0, 0};
  using Operations = Ops;
  template <class AnyBuilder>
  static det::result<void> plan(std::span<const det::SourceRef>, AnyBuilder& plan) {
    plan.template step<Rollup>("one", {});
    return det::success();
  }
};
static_assert(det::PlanPolicy<Generic>);

det::result<det::Plan> planned(const std::vector<std::string>& uris) {
  std::vector<det::SourceRef> inputs;
  for (const auto& uri : uris) inputs.push_back(source(uri));
  return det::build_plan<Monthly>(inputs);
}

}  // namespace

TEST_CASE("build_plan: the order and the number of inputs do not matter (PLAN-1)") {
  const det::Plan plan = planned({"jan", "feb", "mar"}).value();
  CHECK(plan.updater_id() == "noaa-monthly");
  CHECK(plan.version() == det::Version{2, 1, 0});
  CHECK(plan.size() == 4);
  CHECK(rc::check([&](const std::vector<std::size_t>& choices) {
    std::vector<std::string> uris{"jan", "feb", "mar"};
    for (const std::size_t choice : choices) uris.push_back(uris[choice % 3]);
    const auto other = planned(plans::shuffled(uris, choices));
    RC_ASSERT(other.has_value());
    RC_ASSERT(other.value().canonical_text() == plan.canonical_text());
    RC_ASSERT(other.value().hash() == plan.hash());
  }));
  CHECK(planned({"jan", "feb"}).value().hash() != plan.hash());
  CHECK(planned({}).value().size() == 1);
  CHECK(det::build_plan<Generic>({}).value().size() == 1);
}

TEST_CASE("build_plan: what plan() answers and what it throws") {
  CHECK(planned({"refuse", "jan"}).error().message() == "gate_rejected: a month without days (refuse).");
  CHECK(planned({"throw"}).error().message() == "operation_threw: it threw: no month in the name (plan()). Catch it and return an Error that says what to do.");
  CHECK(planned({"throw"}).error().retry() == det::Retry::permanent);
  CHECK(planned({"throw a number"}).error().what() == "it threw: something that is not a std::exception");
  CHECK(planned({"out of memory"}).error().code() == det::errc::operation_threw);
  CHECK(planned({"out of memory"}).error().retry() == det::Retry::temporary);
  CHECK(refusal(planned({"jan", "all"})) == "duplicate_target | all, month " + std::string(source("all") < source("jan") ? "0" : "1") + ": all");
}
