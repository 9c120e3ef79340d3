// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "tests/updater/world.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using Outcome = RunReport::Outcome;

TEST_CASE("a run, then its undo, is the state before; nothing puts back what a person took away") {
  World world;
  ok(world.trigger("first"));
  const std::string before = world.currents();
  world.sources.put("a", "second");
  world.uris = {"a", "c"};
  const RunId run = ok(world.trigger("second")).run;
  CHECK(world.current("b") == "(retired)");
  const auto report = ok(world.updater().undo(run, "", "somebody"));
  CHECK(report.outcome == Outcome::undone);
  CHECK(report.status == wal::RunStatus::undone);
  CHECK(report.withdrawn == 4);   // a, c, all, and the tombstone of b
  CHECK(report.shown == 4);
  CHECK(report.sentence().find("4 effects withdrawn, 4 of them were current") != std::string::npos);
  CHECK(world.currents() == before);

  CHECK(ok(world.updater().undo(run)).outcome == Outcome::nothing_to_do);
  for (const char* key : {"second", "other"}) {   // R26: every trigger with these inputs and this version
    const auto held = world.trigger(key);
    CHECK(code(held) == errc::undone);
    CHECK(held.error().remedy().find("force") != std::string::npos);
    CHECK(world.currents() == before);
  }
  CHECK(code(world.updater().resume(run)) == errc::undone);
  CHECK(ok(world.trigger("second", run)).outcome == Outcome::committed);   // a person says so
  CHECK(world.current("a") == "second");
}

TEST_CASE("R23 an undo that is stopped at every call, before and behind it, goes on and never forward") {
  World undisturbed;
  (void)undisturbed.undoes_second(Fuse::never, false);
  for (const std::uint32_t window : {1u, 2u, 64u})
    for (std::uint64_t stop = 0;; ++stop) {
      bool killed = false;
      for (const bool power : {false, true})
        for (const bool by_trigger : {false, true}) {
          World world;
          world.limits.window = window;
          const auto [was_killed, run] = world.undoes_second(stop, false);
          killed = was_killed;
          if (power && killed) world.store.lose_unsynced();
          if (by_trigger) {   // the next trigger goes on with it, where it had begun
            const auto next = world.trigger("second");
            if (!next) CHECK(next.error().code() == errc::undone);
          }
          const auto again = ok(world.updater().undo(run));
          CHECK((again.outcome == Outcome::undone || again.outcome == Outcome::nothing_to_do));
          CHECK(world.currents() == undisturbed.currents());
          CHECK(world.exported() == undisturbed.exported());
          CHECK(world.effects_without_intent == 0);
        }
      if (!killed) break;
    }
}

TEST_CASE("R23 an open run that was on its way back when its process died never goes forward again") {
  int on_its_way = 0;
  for (std::uint64_t half_way = 5; half_way < 19; ++half_way)
    for (std::uint64_t stop = 3;; ++stop) {
      World world;
      REQUIRE(world.stopped(half_way));
      const auto open = ok(world.updater().status());
      if (open.empty()) break;
      if (!world.killed_at(stop, [&] { (void)world.updater().undo(open[0].id); })) break;
      const bool going_back = ok(world.updater().status()).at(0).status == wal::RunStatus::undoing;
      const auto next = world.trigger();   // code and inputs are all there
      if (!going_back) continue;
      ++on_its_way;
      CHECK(code(next) == errc::undone);
      const auto after = ok(world.updater().status()).at(0);
      CHECK(after.status == wal::RunStatus::undone);
      CHECK(after.attempts_ever == open[0].attempts_ever);   // nothing was tried
      CHECK(world.currents() == std::make_unique<World>()->currents());
    }
  CHECK(on_its_way > 20);
}

TEST_CASE("an operator who undoes a run that is being abandoned finishes that, and it stays abandoned") {
  int abandoned = 0;
  for (std::uint64_t stop = 5; stop < 16; ++stop) {
    World world;
    REQUIRE(world.stopped(stop));
    world.sources.erase("c");
    world.uris = {"b"};
    for (std::uint64_t again = 5; again < 12; ++again) {
      if (!world.stopped(again, "next")) break;
      const auto runs = ok(world.updater().status());
      if (runs.empty() || runs[0].status != wal::RunStatus::undoing) continue;
      const auto report = ok(world.updater().undo(runs[0].id));
      CHECK(report.status == wal::RunStatus::abandoned);
      CHECK(ok(world.updater().status()).at(0).status == wal::RunStatus::abandoned);
      ++abandoned;
      break;
    }
  }
  CHECK(abandoned > 2);
}

TEST_CASE("undo of what a newer run replaced changes nothing visible, and says so; in any order it ends the same") {
  World world;
  const RunId first = ok(world.trigger("t")).run;
  world.sources.put("a", "second");
  const RunId second = ok(world.trigger("t")).run;
  const std::string newest = world.currents();
  const auto report = ok(world.updater().undo(first));
  CHECK(report.shown == 0);
  CHECK(report.sentence().find("4 changed nothing visible, because newer runs had replaced them") != std::string::npos);
  CHECK(world.currents() == newest);
  ok(world.updater().undo(second));
  CHECK(world.current("a") == "(none)");
  World other;
  const RunId first_too = ok(other.trigger("t")).run;
  other.sources.put("a", "second");
  const RunId second_too = ok(other.trigger("t")).run;
  CHECK(second_too == second);
  ok(other.updater().undo(second_too));
  CHECK(other.current("a") == "content of a");
  ok(other.updater().undo(first_too));
  CHECK(other.exported() == world.exported());
}

TEST_CASE("an irreversible step stops the undo: parked, reported, passed over, with what to do") {
  World world;
  const RunId run = ok(world.trigger<Irreversible>()).run;
  const auto refused = world.updater<Irreversible>().undo(run);
  CHECK(code(refused) == errc::parked);
  CHECK(refused.error().remedy().find("irreversible") != std::string::npos);
  CHECK(world.current("all") == "(none)");            // planned behind it: withdrawn
  CHECK(world.current("c") == "(none)");
  CHECK(world.current("b") == "content of b");        // stays
  CHECK(world.current("a") == "content of a");        // planned before it: untouched
  auto runs = ok(world.updater<Irreversible>().status());
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].status == wal::RunStatus::parked);
  CHECK_FALSE(remedy(runs[0]).empty());
  CHECK(code(world.trigger<Irreversible>()) == errc::parked);      // the same trigger answers what its run came to
  CHECK(code(world.updater<Irreversible>().undo(run)) == errc::parked);   // tried again, with the same end
  world.sources.put("a", "new");
  CHECK(ok(world.trigger<Irreversible>()).outcome == Outcome::committed);   // it blocks nobody
  CHECK(world.current("a") == "new");
  const auto explained = ok(world.updater<Irreversible>().explain(BusinessKey{"b"}));
  CHECK(explained.history.front().status == wal::RunStatus::parked);
  CHECK_FALSE(explained.history.front().remedy.empty());
}

TEST_CASE("undo takes any run back: open, failed, of code and inputs that are gone; and knows none that does not exist") {
  World open;
  REQUIRE(open.stopped(13));
  const RunId id = ok(open.updater().status()).at(0).id;
  open.sources.erase("a");
  CHECK(ok(open.updater<TestPlan<2>>().undo(id)).outcome == Outcome::undone);
  CHECK(open.current("b") == "(none)");
  for (const char* key : {"a", "b", "c", "all"}) {   // S20: also those that the sink had never seen
    int withdrawn = 0;
    CHECK(open.sink.history(BusinessKey{key}, [&](const Publication& one) -> result<void> { withdrawn += one.state == PublicationState::withdrawn; return success(); }));
    CHECK(withdrawn == 1);
  }

  World failed;
  failed.behaviour->failing.emplace("b", Error(errc::operation_failed, "cannot"));
  CHECK(code(failed.trigger()) == errc::operation_failed);
  const auto run = ok(failed.updater().status()).at(0);
  CHECK(remedy(run).find("next trigger takes it back") != std::string::npos);
  CHECK(ok(failed.updater().undo(run.id)).status == wal::RunStatus::undone);

  World nobody;
  CHECK(code(nobody.updater().undo(run.id)) == errc::not_found);
  CHECK(nobody.store.frames(StreamId::of({"test-updater", ""})).empty());
}

TEST_CASE("a force names a run of its own trigger, or it is a mistake") {
  World world;
  const RunId one = ok(world.trigger("one")).run;
  CHECK(code(world.trigger("two", one)) == errc::invalid_argument);
  CHECK(code(world.trigger("one", RunId{})) == errc::invalid_argument);
  CHECK(ok(world.trigger("one", one)).outcome == Outcome::committed);
}

TEST_CASE("explain tells of a run that plans a key and is not finished") {
  World world;
  world.behaviour->failing.emplace("b", Error(errc::unavailable, "the server is away"));
  CHECK(code(world.trigger()) == errc::unavailable);
  const auto explained = ok(world.updater().explain(BusinessKey{"a"}));
  CHECK(explained.history.empty());
  REQUIRE(explained.pending.size() == 1);
  CHECK(explained.pending[0].status == wal::RunStatus::open);
  CHECK(explained.pending[0].remedy.find("undo") != std::string::npos);
}

TEST_CASE("a plan that travels in parts can be undone, and its undo resumed") {
  World world;
  world.limits.line_bytes_max = 6000;
  world.uris.clear();
  for (int i = 0; i < 60; ++i) {
    world.uris.push_back("source-" + std::to_string(i));
    world.sources.put(world.uris.back(), std::to_string(i));
  }
  const RunId run = ok(world.trigger()).run;
  world.fuse.reset();
  world.fuse.stop_at = 20;
  CHECK_THROWS_AS((void)world.updater().undo(run), Killed);
  world.clock.advance(seconds(60));
  world.fuse.reset();
  CHECK(ok(world.updater().undo(run)).withdrawn == 61);
  for (const auto& uri : world.uris) CHECK(world.current(uri) == "(none)");
}
