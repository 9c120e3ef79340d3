// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "tests/updater/world.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using Outcome = RunReport::Outcome;

namespace {
const wal::RunState& run_of(const std::vector<wal::RunState>& runs, const std::string& key) {
  for (const auto& run : runs)
    if (run.trigger_key == key) return run;
  FAIL("no run of " << key);
  return runs.front();
}
}  // namespace

TEST_CASE("SETTLE-3 an open run whose error passes is passed over by a newer run and finished later, in its own place") {
  World world;
  world.behaviour->failing.emplace("b", Error(errc::unavailable, "the server is away"));
  CHECK(code(world.trigger("old")) == errc::unavailable);
  world.uris = {"a", "c"};
  const auto newer = ok(world.trigger("new"));
  CHECK(newer.outcome == Outcome::committed);
  REQUIRE(newer.settled.size() == 1);
  CHECK(newer.settled[0].status == wal::RunStatus::open);
  CHECK(newer.settled[0].reason.find("the server is away") != std::string::npos);
  CHECK_FALSE(newer.settled[0].remedy.empty());
  CHECK(newer.sentence().find("passed over: unavailable") != std::string::npos);
  CHECK(world.current("all") == "join|content of a|content of c");
  world.behaviour->failing.clear();
  const auto again = ok(world.trigger("new"));
  CHECK(again.outcome == Outcome::nothing_to_do);
  CHECK(run_of(ok(world.updater().status()), "old").status == wal::RunStatus::committed);
  CHECK(world.current("all") == "join|content of a|content of c");   // current is what was planned last, not what arrived last
  CHECK(world.current("b") == "(retired)");                           // S22: and what the newer run retired stays retired
}

TEST_CASE("SETTLE-4 attempts are counted over processes, a new effect starts the count again, and used up they end the run: quarantined, with what to do") {
  World world;
  world.limits.attempts = 3;
  world.limits.window = 1;
  world.fuse.reset();
  const auto dies = [&] {
    world.fuse.reset();
    world.fuse.dies_at_upsert = true;
    CHECK_THROWS_AS((void)world.trigger("t"), Killed);
    world.fuse.reset();
    world.fuse.dies_at_upsert = false;
    world.clock.advance(seconds(60));
  };
  dies();
  dies();
  dies();
  CHECK(ok(world.updater().status()).at(0).attempts == 2);
  REQUIRE(world.stopped(13));                                       // one more effect comes to its end
  const auto run = ok(world.updater().status()).at(0);
  CHECK(run.attempts <= 3);
  dies();
  for (int i = 0; i < 5 && ok(world.updater().status()).at(0).status == wal::RunStatus::open; ++i) {
    world.fuse.reset();
    world.fuse.dies_at_upsert = true;
    try {
      (void)world.trigger("t");
    } catch (const Killed&) {
    }
    world.fuse.reset();
    world.fuse.dies_at_upsert = false;
    world.clock.advance(seconds(60));
  }
  const auto ended = ok(world.updater().status()).at(0);
  CHECK(ended.status == wal::RunStatus::quarantined);
  CHECK(remedy(ended).find("force") != std::string::npos);
  CHECK(world.current("a") == "(none)");                            // nothing of it stays
  CHECK(code(world.trigger("t")) == errc::quarantined);
  world.sources.put("a", "new");
  CHECK(ok(world.trigger("t")).outcome == Outcome::committed);      // and nobody is blocked
}

TEST_CASE("SETTLE-2 every way to end has its record, its reason in the report and in explain, and its remedy") {
  int abandoned = 0, with_history = 0;
  for (std::uint64_t stop = 0;; ++stop) {
    World world;
    if (!world.stopped(stop)) break;
    world.sources.erase("c");
    world.uris = {"b"};   // and not a, whose history is asked below
    const auto next = ok(world.trigger("next"));
    if (next.settled.empty() || next.settled[0].status == wal::RunStatus::committed) continue;   // no PLAN yet, or every effect was there
    ++abandoned;
    CHECK(next.settled[0].status == wal::RunStatus::abandoned);
    CHECK(next.settled[0].reason.find("no such source") != std::string::npos);
    CHECK(next.sentence().find("is abandoned: not_found: there is no such source") != std::string::npos);
    const auto explained = ok(world.updater().explain(BusinessKey{"a"}));
    REQUIRE(!explained.history.empty());
    CHECK(explained.history[0].status == wal::RunStatus::abandoned);
    CHECK(explained.history[0].reason.find("no such source") != std::string::npos);
    CHECK(explained.history[0].remedy.find("Trigger again") != std::string::npos);
    with_history += explained.history[0].publication.version.has_value();   // it was published, and taken back
    world.sources.put("c", "content of c");
    world.uris = {"a", "b", "c"};
    CHECK(ok(world.trigger("t")).outcome == Outcome::committed);   // an abandoned run holds nothing: the same event runs again
    CHECK(world.current("c") == "content of c");
  }
  CHECK(abandoned > 5);
  CHECK(with_history > 1);
}

TEST_CASE("SETTLE-2 a run that failed is over: mended code gets a run of its own, by force or by another version") {
  World world;
  world.behaviour->failing.emplace("b", Error(errc::operation_failed, "cannot", "b", "Do not."));
  CHECK(code(world.trigger()) == errc::operation_failed);
  world.behaviour->failing.clear();
  const int runs = world.behaviour->runs;
  const auto refused = world.trigger();
  CHECK(code(refused) == errc::failed);
  CHECK(world.behaviour->runs == runs);   // it is not tried again in silence
  CHECK(refused.error().message().find("cannot") != std::string::npos);
  CHECK(refused.error().remedy().find("version") != std::string::npos);
  CHECK(world.current("a") == "(none)");
  CHECK(ok(world.trigger<TestPlan<2>>()).outcome == Outcome::committed);
}
