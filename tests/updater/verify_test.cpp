// SPDX-License-Identifier: BSL-1.0
// What a real updater writes, stopped anywhere, undone, retired, lost and accepted, has nothing that verify objects to.
#include <catch2/catch.hpp>

#include "kfm_det/wal/signer_ed25519.hpp"
#include "kfm_det/wal/verify.hpp"
#include "tests/updater/world.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {
const StreamId& scope_stream() { static const StreamId id = StreamId::of({"test-updater", ""}); return id; }
wal::VerifyReport verify(const World& world, wal::VerifyOptions options = {}) {
  wal::Verifier verifier(scope_stream(), std::move(options));
  verifier.begin_segment({1, 1}, wal::Judge::no_limit, "memory");
  for (const auto& frame : world.store.frames(scope_stream())) verifier.feed(frame + "\n");
  verifier.end_segment();
  return verifier.finish();
}
}  // namespace

TEST_CASE("verify objects to nothing in the log of an updater that was stopped at every call, and then went on and was undone") {
  for (std::uint64_t stop = 0;; ++stop) {
    World world;
    ok(world.trigger("first"));
    world.sources.put("a", "second");
    world.uris = {"a", "c", "d"};
    world.sources.put("d", "content of d");
    const bool stopped = world.stopped(stop, "second");
    auto report = verify(world);
    INFO("stopped at " << stop << "\n" << report.text());
    REQUIRE(report.findings.empty());
    const RunId run = ok(world.trigger("second")).run;
    ok(world.updater<>().undo(run));
    ok(world.updater<>().undo(world.store.frames(scope_stream()).empty() ? run : ok(world.updater<>().status())[0].id));
    report = verify(world);
    INFO(report.text());
    REQUIRE(report.findings.empty());
    CHECK(report.runs_planned == 2);
    CHECK(report.runs_ended == 2);
    CHECK(report.runs_open == 0);
    if (!stopped) break;
  }
}

TEST_CASE("verify objects to nothing behind failures, quarantine and an accepted loss") {
  World world;
  ok(world.trigger("first"));
  const auto older = world.store.frames(scope_stream());
  world.sources.put("b", "new");
  ok(world.trigger("second"));
  world.behaviour->failing.emplace("c", Error(errc::operation_failed, "no"));
  world.sources.put("c", "newer");
  CHECK(!world.trigger("third"));
  CHECK(!world.trigger("third"));
  auto report = verify(world);
  INFO(report.text());
  CHECK(report.findings.empty());
  world.behaviour->failing.clear();
  world.store.restore(scope_stream(), older);
  CHECK(!world.trigger("first"));
  ok(world.updater<>().accept_loss());
  for (const auto& run : ok(world.updater<>().status()))
    if (run.status == wal::RunStatus::lost) ok(world.updater<>().undo(run.id));
  ok(world.trigger("first"));
  report = verify(world);
  INFO(report.text());
  CHECK(report.findings.empty());
}

TEST_CASE("verify reads a plan that travels in parts") {
  World world;
  world.limits.line_bytes_max = 4000;
  world.uris.clear();
  for (int i = 10; i < 50; ++i) {
    world.uris.push_back("source/" + std::to_string(i));
    world.sources.put(world.uris.back(), "content");
  }
  const RunId run = ok(world.trigger("large")).run;
  ok(world.updater<>().undo(run));
  const auto frames = world.store.frames(scope_stream());
  CHECK(frames[0].find("PLAN_PART") != std::string::npos);
  const auto report = verify(world);
  INFO(report.text());
  CHECK(report.findings.empty());
  CHECK(report.runs_planned == 1);
  CHECK(report.runs_ended == 1);
}

TEST_CASE("an updater whose environment has a signer writes a log that is sealed to its end") {
  const auto signer = wal::Ed25519Signer::from_seed(std::string(32, 'a')).value();
  using SignedEnvironment = Environment<ManualClock, MemorySourceReader, wal::Ed25519Signer>;
  World world;
  SignedEnvironment env{.clock = world.clock, .source_reader = world.sources, .signer = signer};
  env.services.add(world.behaviour);
  Updater<TestPlan<>, MemoryStore, MemoryLock<ManualClock>, MemorySink, SignedEnvironment> updater(TestPlan<>{world.uris}, world.store, MemoryLock<ManualClock>(world.board, OwnerId{"o"}, world.clock), world.sink, env);
  Trigger trigger;
  trigger.key = "t";
  ok(updater.run(trigger));
  wal::VerifyOptions options;
  options.ring.emplace();
  REQUIRE(options.ring->add({signer.key_id(), signer.public_key()}));
  options.policy.signed_each_group = true;
  options.witnesses = {ok(world.sink.begin(Tenure{Scope{"test-updater", ""}, FencingToken{1000}, OwnerId{"auditor"}}, scope_stream()))};
  const auto report = verify(world, options);
  INFO(report.text());
  CHECK(report.findings.empty());
  CHECK(report.sealed_upto == report.tail.lsn);
  CHECK(report.witnessed_upto == options.witnesses[0].lsn);
  CHECK(report.witnessed_upto != 0);
}
