// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "kfm_det/updater/reproduce.hpp"
#include "kfm_det/updater/reproduce_prefixes.hpp"
#include "kfm_det/wal/bundle_reader.hpp"
#include "tests/updater/world.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {

const StreamId stream = StreamId::of({"test-updater", ""});

TestEnvironment environment(World& world) {
  TestEnvironment env;
  env.source_reader = world.sources;
  env.limits = world.limits;
  env.services.add(world.behaviour);
  return env;
}
wal::RecordedRun recorded(World& world, const RunId& run) { return ok(wal::record_run(world.store, stream, run)); }
template <class P = TestPlan<>>
result<Reproduction> replayed(World& world, const wal::RecordedRun& run) {
  auto env = environment(world);
  return reproduce<P>(run, env);
}
template <class P = TestPlan<>>
result<Reproduction> every_prefix(World& world, const wal::RecordedRun& run) {
  auto env = environment(world);
  return reproduce_prefixes<P>(run, env);
}
/// The same run with one member of a step's EXECUTE record changed, and sealed again: what a run of other code would have left.
wal::RecordedRun with(const wal::RecordedRun& run, const std::string& step, const std::string& member, Json value) {
  std::vector<std::string> lines;
  Digest prev = run.begin.hash;
  Lsn last = run.begin.lsn;
  for (const auto& line : run.lines) {
    auto record = line.record;
    if (record.phase == wal::Phase::EXECUTE && record.step_id == step) record.payload.set(member, value);
    std::string text;
    prev = ok(wal::seal_frame(text, {run.stream, line.incarnation, line.lsn, line.lsn == last + 1 ? prev : line.prev, line.group_index, line.group_count, 0}, record));
    last = line.lsn;
    lines.push_back(text);
  }
  return ok(wal::assemble_run(run.stream, run.run, std::move(lines)));
}

}  // namespace

TEST_CASE("REPRODUCE-1 REPRODUCE-2 a run is reproduced from its log: every step runs, every result is compared, nothing is written") {
  World world;
  const RunId run = ok(world.trigger()).run;
  const auto frames = world.store.frames(stream);
  const std::string exported = world.exported();
  world.uris = {"x"};   // what would be discovered now is not asked
  world.behaviour->runs = 0;
  const auto report = ok(replayed(world, recorded(world, run)));
  CHECK(report.same());
  CHECK(report.run == run);
  CHECK(report.steps == 4);
  CHECK(report.steps_run == 4);
  CHECK(report.steps_compared == 4);
  CHECK(world.behaviour->runs == 4);
  CHECK(report.status == wal::RunStatus::committed);
  CHECK(report.sentence().find("was reproduced: 4 of 4 steps run, 4 compared") != std::string::npos);
  CHECK(world.store.frames(stream) == frames);
  CHECK(world.exported() == exported);
}

TEST_CASE("REPRODUCE-2 an operation that gives other bytes is found at its step, which is the last one that runs") {
  World world;
  world.behaviour->impure = true;
  const RunId run = ok(world.trigger()).run;
  const auto report = ok(replayed(world, recorded(world, run)));
  REQUIRE(report.difference);
  CHECK(report.difference->step == "copy:a");
  CHECK(report.difference->member == "bytes");
  CHECK(report.difference->recorded.find(sha256("content of a1").hex()) == 0);
  CHECK(report.difference->found.find(sha256("content of a5").hex()) == 0);
  CHECK(report.steps_run == 1);
  CHECK(report.error().code() == errc::nondeterministic_step);
  CHECK(report.sentence().find("step copy:a differs in bytes") != std::string::npos);
}

TEST_CASE("REPRODUCE-2 each recorded member of a step is compared, in any step") {
  World world;
  const auto good = recorded(world, ok(world.trigger()).run);
  struct Case { const char* step; const char* member; Json value; std::uint64_t run; };
  const std::string other = sha256("other").hex();
  for (const Case& one : {Case{"copy:a", "bytes", Json(other), 1}, Case{"copy:b", "size", Json(7u), 2}, Case{"copy:c", "content", Json(other), 3}, Case{"join", "key", Json(other), 4}, Case{"join", "content", Json(other), 4}}) {
    const auto report = ok(replayed(world, with(good, one.step, one.member, one.value)));
    REQUIRE(report.difference);
    CHECK(report.difference->step == one.step);
    CHECK(report.difference->member == one.member);
    CHECK(report.steps_run == one.run);
    CHECK(report.difference->recorded.find(one.value.string() ? *one.value.string() : "7") == 0);
    CHECK(report.difference->found.find(report.difference->recorded) == std::string::npos);
  }
  CHECK(ok(replayed(world, with(good, "copy:a", "size", Json(std::uint64_t{std::string("content of a").size()})))).same());   // the helper changes nothing else
}

TEST_CASE("REPRODUCE-3 inputs that changed or went away are said as such, and no step is blamed") {
  World world;
  const auto run = recorded(world, ok(world.trigger()).run);
  world.sources.put("b", "other content");
  const auto changed = replayed(world, run);
  CHECK(code(changed) == errc::input_changed);
  CHECK(changed.error().where().find("b") != std::string::npos);
  CHECK(code(every_prefix(world, run)) == errc::input_changed);
  world.sources.erase("b");
  CHECK(code(replayed(world, run)) == errc::not_found);
}

namespace {
/// The same version, another plan.
struct OtherPlan : TestPlan<> {
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    for (const auto& ref : inputs) plan.step<Copy>("copy:" + ref.uri, {ref}).publishes(BusinessKey{ref.uri});
    return success();
  }
};
struct OtherUpdater : TestPlan<> {
  static constexpr UpdaterId id{"other-updater"};
};
}  // namespace

TEST_CASE("REPRODUCE-1 another plan, another version, another updater") {
  World world;
  const auto run = recorded(world, ok(world.trigger()).run);
  world.behaviour->runs = 0;
  const auto report = ok(replayed<OtherPlan>(world, run));
  REQUIRE(report.difference);
  CHECK(report.difference->member == "plan");
  CHECK(report.difference->found.find("step join is gone") != std::string::npos);
  CHECK(report.error().code() == errc::nondeterministic_plan);
  CHECK(code(replayed<TestPlan<2>>(world, run)) == errc::unsupported_version);
  CHECK(code(replayed<OtherUpdater>(world, run)) == errc::foreign);
  CHECK(world.behaviour->runs == 0);
}

TEST_CASE("REPRODUCE-6 a run that failed is reproduced when it fails in the same step with the same code") {
  World world;
  world.behaviour->failing.emplace("b", Error(errc::operation_failed, "cannot"));
  CHECK(code(world.trigger()) == errc::operation_failed);
  const RunId run = ok(world.operators().status()).at(0).id;
  const auto log = recorded(world, run);
  const auto report = ok(replayed(world, log));
  CHECK(report.same());
  CHECK(report.failed_as_recorded);
  CHECK(report.steps_run == 2);
  CHECK(report.sentence().find("then it failed as recorded") != std::string::npos);
  CHECK(code(every_prefix(world, log)) == errc::invalid_argument);

  world.behaviour->failing.clear();
  const auto mended = ok(replayed(world, log));
  REQUIRE(mended.difference);
  CHECK(mended.difference->step == "copy:b");
  CHECK(mended.difference->member == "failure");
  CHECK(mended.difference->recorded.find("operation_failed: cannot") == 0);
  world.behaviour->throws = true;
  const auto other = ok(replayed(world, log));
  REQUIRE(other.difference);   // a recorded the result of a, and now it throws
  CHECK(other.difference->step == "copy:a");
  CHECK(other.difference->found.find("operation_threw: ") == 0);

  int settled = 0;   // and runs that failed when a later trigger took them up: their records name no step
  for (std::uint64_t stop = 5; stop < 20; ++stop) {
    World later;
    REQUIRE(later.stopped(stop));
    later.behaviour->failing.emplace("b", Error(errc::operation_failed, "cannot"));
    (void)later.trigger("next");
    const auto runs = ok(later.operators().status());
    if (runs.at(0).status != wal::RunStatus::failed) continue;
    const auto its = recorded(later, runs[0].id);
    const auto again = ok(replayed(later, its));
    CHECK(again.failed_as_recorded != its.executed.contains("copy:b"));   // with a result of b in the log, the failure is what differs
    CHECK(again.same() == again.failed_as_recorded);
    settled += again.failed_as_recorded;
  }
  CHECK(settled > 0);
}

TEST_CASE("a step that passes trouble on, and a stop, are errors and no difference") {
  World world;
  const auto run = recorded(world, ok(world.trigger()).run);
  world.behaviour->failing.emplace("b", Error(errc::unavailable, "the server is away"));
  CHECK(code(replayed(world, run)) == errc::unavailable);
  world.behaviour->failing.clear();
  auto env = environment(world);
  int asked = 0;
  env.cancelled = [&] { return ++asked > 2; };
  CHECK(code(reproduce<TestPlan<>>(run, env)) == errc::cancelled);
}

TEST_CASE("an open run is reproduced as far as its log goes; one that was undone, too") {
  int open = 0;
  for (std::uint64_t stop = 5; stop < 30; ++stop) {
    World world;
    if (!world.stopped(stop)) break;
    const auto runs = ok(world.operators().status());
    if (runs.empty()) continue;
    const auto report = ok(replayed(world, recorded(world, runs[0].id)));
    CHECK(report.same());
    CHECK(report.steps_run == 4);
    open += report.status == wal::RunStatus::open && report.steps_compared == 4;
  }
  CHECK(open > 0);
  World world;
  const RunId run = ok(world.trigger()).run;
  ok(world.operators().undo(run));
  const auto report = ok(replayed(world, recorded(world, run)));
  CHECK(report.status == wal::RunStatus::undone);
  CHECK(report.steps_compared == 4);
}

TEST_CASE("REPRODUCE-5 the updater, started with every prefix of a run, ends in the same export") {
  for (const std::uint32_t window : {1u, 2u, 64u}) {
    World world;
    world.limits.window = window;
    world.limits.durability = window == 1 ? Durability::each_step : Durability::each_wave;
    const RunId run = ok(world.trigger()).run;
    const auto report = ok(every_prefix(world, recorded(world, run)));
    CHECK(report.same());
    CHECK(report.groups > 2);
    CHECK(report.prefixes > report.groups);   // some of them with effects that are UNKNOWN, both ways
    CHECK(report.sentence().find("ended in the same export") != std::string::npos);

    world.sources.put("a", "second");   // a run with a predecessor and a retired key, and with another one settled in its midst
    world.uris = {"a", "c"};
    REQUIRE(world.stopped(15));
    world.sources.put("c", "third");
    ok(world.trigger("u"));
    for (const auto& each : ok(world.operators().status()))
      if (each.status == wal::RunStatus::committed && each.trigger_key == "u") CHECK(ok(every_prefix(world, recorded(world, each.id))).same());
  }
  World undone;
  const RunId run = ok(undone.trigger()).run;
  ok(undone.operators().undo(run));
  CHECK(ok(every_prefix(undone, recorded(undone, run))).same());   // up to its COMMIT
}

TEST_CASE("REPRODUCE-5 a run that was killed again and again has prefixes that nobody planned, and each ends the same") {
  int resumed = 0;
  for (std::uint64_t stop = 6; stop < 26; ++stop) {
    World world;
    world.limits.window = 1;
    if (!world.stopped(stop)) break;
    for (std::uint64_t again = 10; again < 14; ++again) (void)world.stopped(again);
    const RunId run = ok(world.trigger()).run;
    const auto log = recorded(world, run);
    resumed += log.state.attempts_ever > 1;
    const auto report = ok(every_prefix(world, log));
    if (report.difference) FAIL(report.sentence());
  }
  CHECK(resumed > 3);
}

TEST_CASE("REPRODUCE-5 an operation that is not the same twice is found by the prefixes' own replays") {
  struct Twice {   // the same for as long as nobody looks: from the sixth call on, other bytes
    static void trick(World& world) { world.behaviour->impure = false; }
  };
  World world;
  Twice::trick(world);
  const auto log = recorded(world, ok(world.trigger()).run);
  auto env = environment(world);
  env.observer = [&](const Event& event) { if (event.kind == Event::Kind::step_done && event.step == "join") world.behaviour->impure = true; };
  const auto report = ok(reproduce_prefixes<TestPlan<>>(log, env));
  REQUIRE(report.difference);
  CHECK(report.difference->member == "export");
  CHECK(report.difference->found.find("another one, started with 0 of ") == 0);   // no record contradicts it there: the export alone tells
}

TEST_CASE("a bundle replays elsewhere as its log does") {
  World world;
  ok(world.trigger("other"));
  world.sources.put("a", "second");
  const RunId run = ok(world.trigger()).run;
  const std::string text = ok(wal::write_bundle(recorded(world, run)));
  World elsewhere;
  elsewhere.sources = world.sources;
  const auto read = ok(wal::read_bundle(text));
  CHECK(ok(replayed(elsewhere, read)).steps_compared == 4);
  CHECK(ok(every_prefix(elsewhere, read)).same());
  elsewhere.sources.put("a", "not this");
  CHECK(code(replayed(elsewhere, read)) == errc::input_changed);
}

TEST_CASE("a run that the log does not have") {
  World world;
  ok(world.trigger());
  CHECK(code(wal::record_run(world.store, stream, RunId{})) == errc::not_found);
  auto frames = world.store.frames(stream);
  frames[1][30] ^= 1;
  world.store.restore(stream, frames);
  CHECK(code(wal::record_run(world.store, stream, RunId{})) == errc::corrupt_committed);
}
