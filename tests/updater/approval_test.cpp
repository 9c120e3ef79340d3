// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "kfm_det/updater/report.hpp"
#include "tests/updater/world.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using Outcome = RunReport::Outcome;

namespace {
/// The roll-up is of tier `Tier`; b is of tier 1 and labelled.
template <std::uint32_t Tier>
struct Risky : TestPlan<> {
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    std::vector<StepRef> parts;
    Join::Params join{"join", {}};
    for (const auto& ref : inputs) {
      auto step = plan.step<Copy>("copy:" + ref.uri, {ref}).publishes(BusinessKey{ref.uri});
      if (ref.uri == "b") step.tier(1).care({"CARE-Level 2", "Restricted / By Request"});
      parts.push_back(step);
      join.parts.push_back("copy:" + ref.uri);
    }
    plan.step<Join>("join", join).after(parts).publishes(BusinessKey{"all"}).tier(Tier);
    return success();
  }
};

std::vector<wal::WalRecord> records(World& world) {
  std::vector<wal::WalRecord> out;
  ok(wal::inspect_log(world.store, world.sink, StreamId::of({"test-updater", ""}), [&](const wal::Line&, const wal::WalRecord& record) -> result<void> {
    out.push_back(record);
    return success();
  }));
  return out;
}
Trigger approved(const std::string& approval, const std::string& key = "t") {
  Trigger trigger;
  trigger.key = key;
  trigger.approval = approval;
  return trigger;
}
template <class P>
result<RunReport> run(World& world, const Trigger& trigger, ApprovalPolicy policy = {}) {
  auto updater = world.updater<P>();
  updater.environment().approvals = policy;
  return updater.run(trigger);
}
std::string text(const std::optional<Json>& governance) { return governance ? canonical(*governance).value() : "-"; }
/// "PLAN plan DONE [step] tier governance" of each record.
std::vector<std::string> told(const std::vector<wal::WalRecord>& all) {
  std::vector<std::string> out;
  for (const auto& one : all)
    out.push_back(*to_json(one.phase).string() + " " + one.operation + " " + *to_json(one.status).string() + " [" + one.step_id + "] " + std::to_string(one.tier) + " " + text(one.governance));
  return out;
}
}  // namespace

TEST_CASE("RISK-1 a plan of tier 2 without an approval: its own error, nothing is logged, nothing published") {
  for (const std::string approval : {"", "  \t"}) {
    World world;
    const auto refused = run<Risky<2>>(world, approved(approval));
    CHECK(code(refused) == errc::approval_missing);
    CHECK(refused.error().message() ==
          "approval_missing: step join is of tier 2, and the trigger names no approval (trigger t). Have it approved and name the approval in Trigger::approval. "
          "Approvals are needed from tier 2 on (Environment::approvals).");
    CHECK(refused.error().retry() == Retry::permanent);
    CHECK(exit_code(refused.error().code()) == 3);
    CHECK(records(world).empty());
    CHECK(world.current("a") == "(none)");
    CHECK(world.behaviour->runs == 0);
    CHECK(ok(world.updater<Risky<2>>().status()).empty());
    CHECK(ok(run<Risky<2>>(world, approved("CHG-7"))).outcome == Outcome::committed);   // approved meanwhile: the same trigger goes
    CHECK(ok(run<Risky<2>>(world, approved(""))).outcome == Outcome::nothing_to_do);     // and what is done needs no approval
  }
}

TEST_CASE("RISK-1 the threshold is the policy's: tier, every run, none") {
  const auto outcome = [](auto plan, std::uint32_t from, const std::string& approval) {
    World world;
    const auto ran = run<decltype(plan)>(world, approved(approval), ApprovalPolicy{from});
    return ran ? std::string("goes") : std::string(name(ran.error().code()));
  };
  CHECK(outcome(Risky<1>{}, 2, "") == "goes");
  CHECK(outcome(Risky<2>{}, 2, "") == "approval_missing");
  CHECK(outcome(Risky<3>{}, 2, "") == "approval_missing");
  CHECK(outcome(Risky<3>{}, 2, "CHG-7") == "goes");
  CHECK(outcome(Risky<2>{}, 3, "") == "goes");
  CHECK(outcome(Risky<3>{}, 3, "") == "approval_missing");
  CHECK(outcome(Risky<0>{}, 1, "") == "approval_missing");   // b is of tier 1
  CHECK(outcome(TestPlan<>{}, 1, "") == "goes");
  CHECK(outcome(TestPlan<>{}, 0, "") == "approval_missing");
  CHECK(outcome(Risky<3>{}, ApprovalPolicy::none().needs_approval_from_tier, "") == "goes");
  World empty;
  empty.uris.clear();
  CHECK(code(run<TestPlan<>>(empty, approved(""), ApprovalPolicy{0})) == errc::approval_missing);
  CHECK(ok(run<TestPlan<>>(empty, approved("CHG-7"), ApprovalPolicy{0})).outcome == Outcome::committed);
}

TEST_CASE("RISK-3 every record says who acted and how risky it is; the approval stands where something is published") {
  World world;
  Trigger trigger = approved("CHG-7");
  trigger.actor = "ann";
  const RunId id = ok(run<Risky<3>>(world, trigger)).run;
  const std::string approval = R"({"approval":"CHG-7"})", labels = R"({"care":["CARE-Level 2","Restricted / By Request"]})", both = R"({"approval":"CHG-7","care":["CARE-Level 2","Restricted / By Request"]})";
  CHECK(told(records(world)) == std::vector<std::string>{
                                    "PLAN plan DONE [] 3 " + approval,
                                    "EXECUTE Copy DONE [copy:a] 0 -", "EXECUTE Copy DONE [copy:b] 1 " + labels, "EXECUTE Copy DONE [copy:c] 0 -", "EXECUTE Join DONE [join] 3 -",
                                    "UPSERT upsert IN_PROGRESS [copy:a] 0 " + approval, "UPSERT upsert IN_PROGRESS [copy:b] 1 " + both,
                                    "UPSERT upsert DONE [copy:a] 0 " + approval, "UPSERT upsert DONE [copy:b] 1 " + both,
                                    "UPSERT upsert IN_PROGRESS [copy:c] 0 " + approval, "UPSERT upsert IN_PROGRESS [join] 3 " + approval,
                                    "UPSERT upsert DONE [copy:c] 0 " + approval, "UPSERT upsert DONE [join] 3 " + approval, "COMMIT commit DONE [] 3 " + approval});
  for (const auto& record : records(world)) CHECK(record.actor == "ann");

  // An undo needs no approval, and the run's does not stand for it; who does it is recorded. The labels stay with the data.
  const std::size_t before = records(world).size();
  ok(world.updater<Risky<3>>().undo(id, "", "bob"));
  auto back = records(world);
  back.erase(back.begin(), back.begin() + static_cast<std::ptrdiff_t>(before));
  CHECK(told(back) == std::vector<std::string>{"CONTROL UNDO IN_PROGRESS [] 3 -", "UPSERT withdraw IN_PROGRESS [join] 3 -", "UPSERT withdraw IN_PROGRESS [copy:c] 0 -", "UPSERT withdraw DONE [join] 3 -",
                                               "UPSERT withdraw DONE [copy:c] 0 -", "UPSERT withdraw IN_PROGRESS [copy:b] 1 " + labels, "UPSERT withdraw IN_PROGRESS [copy:a] 0 -",
                                               "UPSERT withdraw DONE [copy:b] 1 " + labels, "UPSERT withdraw DONE [copy:a] 0 -", "CONTROL SETTLED DONE [] 3 -"});
  for (const auto& record : back) CHECK(record.actor == "bob");
}

TEST_CASE("RISK-2 what PLAN recorded holds for the whole run, stopped at every call and taken up by a trigger without approval") {
  World undisturbed;
  ok(run<Risky<3>>(undisturbed, approved("CHG-7")));
  int resumed = 0;
  for (std::uint64_t stop = 0;; ++stop) {
    World world;
    if (!world.killed_at(stop, [&] { (void)run<Risky<3>>(world, approved("CHG-7")); })) break;
    const bool planned = !records(world).empty();
    const auto next = run<Risky<3>>(world, approved(""));
    if (!planned) {
      CHECK(code(next) == errc::approval_missing);
      continue;
    }
    ++resumed;
    CHECK(next);
    CHECK(world.exported() == undisturbed.exported());
    for (const auto& record : records(world))
      if (record.operation == wal::operation::upsert) CHECK(text(record.governance).find(R"("approval":"CHG-7")") != std::string::npos);
  }
  CHECK(resumed > 10);

  // ... and under a policy that asks for more than the run's trigger had: it was judged when it was planned.
  World world;
  REQUIRE(world.stopped<Risky<1>>(14));
  REQUIRE(ok(world.updater<Risky<1>>().status()).size() == 1);
  CHECK(ok(run<Risky<1>>(world, approved(""), ApprovalPolicy{0})).outcome == Outcome::committed);
}

TEST_CASE("RISK-3 settling takes back with the tier and the labels of the plan, though its code and inputs are gone") {
  int seen = 0;
  for (std::uint64_t stop = 8; stop < 14; ++stop) {
    World world;
    (void)world.killed_at(stop, [&] { (void)run<Risky<3>>(world, approved("CHG-7")); });
    world.sources.erase("c");
    world.uris = {"a"};
    ok(world.trigger("next"));
    for (const auto& record : records(world))
      if (record.operation == wal::operation::withdraw && record.step_id == "copy:b") {
        ++seen;
        CHECK(record.tier == 1);
        CHECK(text(record.governance) == R"({"care":["CARE-Level 2","Restricted / By Request"]})");
      }
  }
  CHECK(seen > 3);
}

TEST_CASE("RISK-3 a run that was folded into a checkpoint, or into one more, is taken back with the tier and the labels of its plan") {
  std::vector<std::string> whole;
  for (int compactions = 0; compactions < 3; ++compactions) {
    World world;
    const RunId id = ok(run<Risky<3>>(world, approved("CHG-7"))).run;
    for (int i = 0; i < compactions; ++i) {
      CHECK(ok(world.updater<Risky<3>>().compact()).written);
      world.sources.put("a", "content " + std::to_string(i));
      ok(run<Risky<3>>(world, approved("CHG-8", "again " + std::to_string(i))));
    }
    ok(world.updater<Risky<3>>().undo(id, "", "bob"));
    std::vector<std::string> back;
    for (const std::string& one : told(records(world)))
      if (one.starts_with("UPSERT withdraw")) back.push_back(one);
    INFO(compactions);
    REQUIRE(back.size() >= 8);
    if (compactions == 0) whole = back;
    CHECK(back == whole);
    CHECK(std::count_if(back.begin(), back.end(), [](const std::string& one) { return one.ends_with(R"([copy:b] 1 {"care":["CARE-Level 2","Restricted / By Request"]})"); }) == 2);
  }
}

TEST_CASE("RISK-3 somebody is named, always, in a text that can be recorded") {
  World world;
  const auto nobody = [&](auto call) {
    auto updater = world.updater();
    updater.environment().actor.clear();
    return call(updater);
  };
  CHECK(code(nobody([](auto& u) { return u.run(approved("")); })) == errc::invalid_argument);
  CHECK(code(nobody([](auto& u) { return u.undo(RunId{}); })) == errc::invalid_argument);
  CHECK(code(nobody([](auto& u) { return u.accept_loss(); })) == errc::invalid_argument);
  CHECK(code(world.updater().undo(RunId{}, "", "\xff")) == errc::invalid_argument);
  CHECK(code(world.updater().undo(RunId{}, "", "bob")) == errc::not_found);
  CHECK(code(world.updater().run(approved(std::string(257, 'x')))) == errc::invalid_argument);
  CHECK(code(world.updater().run(approved("\xff"))) == errc::invalid_argument);
  CHECK(records(world).empty());
  CHECK(ok(world.updater().run(approved(std::string(256, 'x')))).outcome == Outcome::committed);
  CHECK(records(world).at(0).actor == "system");
  CHECK(code(world.updater().run(approved("", std::string()))) == errc::invalid_argument);
}
