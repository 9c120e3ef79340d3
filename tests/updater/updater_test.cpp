// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "tests/updater/world.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using Outcome = RunReport::Outcome;

namespace {
struct MayBeEmpty : TestPlan<> {
  static constexpr bool may_be_empty = true;
};
}  // namespace

TEST_CASE("a trigger publishes every planned key once, and the same trigger again has nothing to do") {
  World world;
  const auto first = ok(world.trigger());
  CHECK(first.outcome == Outcome::committed);
  CHECK(first.steps_run == 4);
  CHECK(first.effects.created == 4);
  CHECK(world.current("a") == "content of a");
  CHECK(world.current("all") == "join|content of a|content of b|content of c");
  const auto before = world.store.frames(StreamId::of({"test-updater", ""}));
  const auto second = ok(world.trigger());
  CHECK(second.outcome == Outcome::nothing_to_do);
  CHECK(second.run == first.run);
  CHECK(world.store.frames(StreamId::of({"test-updater", ""})) == before);   // answered from inspection: no lease, no byte
  CHECK(world.board->scopes.begin()->second.last.value == 1);
}

TEST_CASE("changed inputs are a new run: what changed gets a new version, what did not keeps its own; going back brings the content back") {
  World world;
  ok(world.trigger());
  const auto a = world.sink.current(BusinessKey{"a"}).value()->version->key, b = world.sink.current(BusinessKey{"b"}).value()->version->key;
  world.sources.put("a", "other");
  const auto second = ok(world.trigger());
  CHECK(second.outcome == Outcome::committed);
  CHECK(world.sink.current(BusinessKey{"b"}).value()->version->key == b);
  CHECK(world.current("a") == "other");
  CHECK(world.current("all") == "join|other|content of b|content of c");
  world.sources.put("a", "content of a");
  const auto third = ok(world.trigger());
  CHECK(third.outcome == Outcome::committed);   // contents A, B, A are three runs
  CHECK(world.sink.current(BusinessKey{"a"}).value()->version->key == a);
  CHECK(std::set<RunId>{second.run, third.run}.size() == 2);
  CHECK(ok(world.trigger()).outcome == Outcome::nothing_to_do);
}

TEST_CASE("a key that leaves the plan is retired, and comes back with it; a plan type may keep it") {
  World world;
  ok(world.trigger());
  world.uris = {"a", "c"};
  CHECK(ok(world.trigger()).effects.retired == 1);
  CHECK(world.current("b") == "(retired)");
  world.uris = {"a", "b", "c"};
  ok(world.trigger());
  CHECK(world.current("b") == "content of b");
  World keeping;
  ok(keeping.trigger<TestPlan<1, MissingKeys::keep>>());
  keeping.uris = {"a"};
  ok(keeping.trigger<TestPlan<1, MissingKeys::keep>>());
  CHECK(keeping.current("b") == "content of b");
}

TEST_CASE("an empty plan retires nothing unless its type says that it may be empty") {
  World world;
  ok(world.trigger());
  world.uris.clear();
  CHECK(ok(world.trigger()).outcome == Outcome::committed);
  CHECK(world.current("b") == "content of b");
  ok(world.trigger<MayBeEmpty>("u"));
  CHECK(world.current("b") == "(retired)");
}

TEST_CASE("a plan that may be empty retires everything, stopped anywhere, and a key that comes back is published again") {
  for (std::uint64_t stop = 0;; ++stop) {
    World world;
    ok(world.trigger());
    world.uris.clear();
    const bool killed = world.stopped<MayBeEmpty>(stop, "empty");
    ok(world.trigger<MayBeEmpty>("empty"));
    for (const char* key : {"a", "b", "c", "all"}) CHECK(world.current(key) == "(retired)");
    world.uris = {"a"};
    ok(world.trigger<MayBeEmpty>("again"));
    CHECK(world.current("a") == "content of a");
    CHECK(world.current("b") == "(retired)");
    if (!killed) break;
  }
}

TEST_CASE("PLAN-4 a gate refuses before anything is logged or published") {
  World world;
  world.sources.put("b", "this is bad");
  const auto refused = world.trigger();
  CHECK(code(refused) == errc::gate_rejected);
  CHECK(refused.error().where() == "b");
  CHECK(world.store.frames(StreamId::of({"test-updater", ""})).empty());
  CHECK(world.exported() == World().exported());
}

TEST_CASE("RUN-1 RUN-3 RUN-4 RUN-6 stopped at every call, before and behind it, once and again in the recovery, gives the export of an undisturbed run") {
  std::string want;
  std::uint64_t calls = 0;
  for (const std::uint32_t window : {1u, 2u, 64u}) {
    World undisturbed;
    undisturbed.limits.window = window;
    undisturbed.limits.durability = window == 1 ? Durability::each_step : Durability::each_wave;
    ok(undisturbed.trigger());
    calls = undisturbed.fuse.calls;
    want = undisturbed.exported();
    int without_intent = 0;
    for (std::uint64_t stop = 0; stop < 2 * calls; ++stop)
      for (const bool power : {false, true})
        for (std::uint64_t again = 0; again < 2 * calls; again += 1) {
          World world;
          world.limits = undisturbed.limits;
          REQUIRE(world.stopped(stop));
          if (power) world.store.lose_unsynced();
          const bool twice = world.stopped(again);
          if (power && twice) world.store.lose_unsynced();
          ok(world.trigger());
          without_intent += world.effects_without_intent;
          if (world.exported() != want) FAIL("window " << window << ", stopped at " << stop << " and " << again << (power ? ", power lost" : ", killed"));
          if (!twice) break;
        }
    CHECK(without_intent == 0);
  }
  CHECK(calls > 6);
}

TEST_CASE("a second trigger after a kill settles the open run first: retire and reappear over crashes") {
  const auto story = [](World& world, std::uint64_t stop) {
    ok(world.trigger());
    world.uris = {"a", "c"};
    world.sources.put("a", "changed");
    const bool killed = world.stopped(stop);
    world.uris = {"a", "b", "c", "d"};
    world.sources.put("d", "new");
    ok(world.trigger("other"));
    return killed;
  };
  World undisturbed;
  story(undisturbed, ~std::uint64_t{0});
  for (std::uint64_t stop = 0;; ++stop) {
    World world;
    if (!story(world, stop)) break;
    for (const char* key : {"a", "b", "c", "d", "all"}) CHECK(world.current(key) == undisturbed.current(key));
    const auto runs = ok(world.updater().status());
    for (const auto& run : runs) CHECK((run.status == wal::RunStatus::committed || run.status == wal::RunStatus::abandoned));
  }
}

TEST_CASE("RUN-2 a step that fails publishes nothing; the next trigger settles the run, and the same inputs answer what it came to") {
  World world;
  world.behaviour->failing.emplace("b", Error(errc::operation_failed, "cannot", "b", "Do not."));
  CHECK(code(world.trigger()) == errc::operation_failed);
  CHECK(world.exported() == World().exported());
  const auto status = ok(world.updater().status());
  REQUIRE(status.size() == 1);
  CHECK(status[0].status == wal::RunStatus::open);
  REQUIRE(status[0].failure);
  CHECK(status[0].failure->step_id == "copy:b");
  CHECK(code(world.trigger()) == errc::failed);
  world.behaviour->failing.clear();
  CHECK(code(world.trigger()) == errc::failed);            // nothing has changed that the library could see
  const RunId run = status[0].id;
  CHECK(ok(world.trigger("t", run)).outcome == Outcome::committed);   // a person says so
  CHECK(ok(world.trigger("t", run)).outcome == Outcome::nothing_to_do);   // forcing twice is forcing once
}

TEST_CASE("on_failure = undo takes a failed run back at once") {
  World world;
  world.behaviour->failing.emplace("b", Error(errc::operation_failed, "cannot"));
  using P = TestPlan<1, MissingKeys::keep, OnFailure::undo>;
  CHECK(code(world.trigger<P>()) == errc::operation_failed);
  CHECK(ok(world.updater<P>().status()).at(0).status == wal::RunStatus::failed);
}

TEST_CASE("an operation that throws is an error, and so is one that is not pure") {
  World world;
  world.behaviour->throws = true;
  const auto thrown = world.trigger();
  CHECK(code(thrown) == errc::operation_threw);
  CHECK(thrown.error().message().find("boom") != std::string::npos);
  World impure;
  impure.behaviour->impure = true;
  std::uint64_t calls = 0;
  {
    World measure;
    ok(measure.trigger());
    calls = measure.fuse.calls;
  }
  bool seen = false;
  for (std::uint64_t stop = 0; stop < 2 * calls; ++stop) {
    World world2;
    world2.behaviour->impure = true;
    world2.stopped(stop);
    const auto second = world2.trigger();
    if (!second) {
      CHECK(second.error().code() == errc::failed);
      CHECK(second.error().message().find("nondeterministic_step") != std::string::npos);
      seen = true;
    }
  }
  CHECK(seen);
}

TEST_CASE("an error that passes leaves the run open, and the next trigger goes on with it") {
  World world;
  world.behaviour->failing.emplace("b", Error(errc::unavailable, "the server is away"));
  CHECK(code(world.trigger()) == errc::unavailable);
  CHECK(code(world.trigger()) == errc::unavailable);
  world.behaviour->failing.clear();
  const auto done = ok(world.trigger());
  CHECK(done.outcome == Outcome::committed);
  CHECK(done.resumed);
  CHECK(ok(world.updater().status()).size() == 1);
}

TEST_CASE("inputs that changed under an open run: it is abandoned, nothing of it stays, and the new inputs get their run") {
  for (std::uint64_t stop = 0;; ++stop) {
    World world;
    if (!world.stopped(stop)) break;
    world.sources.put("a", "changed meanwhile");
    const auto done = ok(world.trigger());
    CHECK(done.outcome == Outcome::committed);
    CHECK(world.current("a") == "changed meanwhile");
    CHECK(world.current("all") == "join|changed meanwhile|content of b|content of c");
  }
}

TEST_CASE("R25 a run whose effects are all there is committed although its inputs and its code are gone") {
  World measure;
  ok(measure.trigger());
  int committed = 0, abandoned = 0;
  for (std::uint64_t stop = 0; stop < 2 * measure.fuse.calls; ++stop) {
    World world;
    REQUIRE(world.stopped(stop));
    bool all_there = true;
    const auto before = ok(world.updater().status());
    for (const auto& run : before)
      for (const auto& effect : run.effects) all_there = all_there && world.sink.find(effect.effect).value().has_value();
    world.sources.put("x", "x");
    world.uris = {"x"};
    ok(world.trigger<TestPlan<2>>("other"));
    if (!before.empty() && all_there) CHECK(ok(world.updater().status()).at(0).status == wal::RunStatus::committed);
    for (const auto& run : ok(world.updater().status())) {
      committed += run.trigger_key == "t" && run.status == wal::RunStatus::committed;
      abandoned += run.trigger_key == "t" && run.status == wal::RunStatus::abandoned;
      CHECK((run.status == wal::RunStatus::committed || run.status == wal::RunStatus::abandoned));
    }
    CHECK(world.current("x") == "x");
  }
  CHECK(committed >= 2);
  CHECK(abandoned >= 4);
}

TEST_CASE("nobody else works on the scope: busy says so and names the holder") {
  World world;
  MemoryLock<ManualClock> other(world.board, OwnerId{"somebody"}, world.clock);
  const auto lease = ok(other.try_acquire({"test-updater", ""}, seconds(30), {}));
  REQUIRE(lease);
  const auto refused = world.trigger();
  CHECK(code(refused) == errc::busy);
  CHECK(refused.error().message().find("somebody") != std::string::npos);
  world.clock.advance(seconds(31));
  CHECK(ok(world.trigger()).outcome == Outcome::committed);
}

TEST_CASE("a lock that lost its counter is asked for a token above the sink's") {
  World world;
  ok(world.trigger());
  for (int i = 0; i < 5; ++i) {
    world.sources.put("a", std::to_string(i));
    ok(world.trigger());
  }
  world.board = MemoryLock<ManualClock>::make_board();
  world.sources.put("a", "after the lock forgot");
  CHECK(ok(world.trigger()).outcome == Outcome::committed);
  CHECK(world.current("a") == "after the lock forgot");
}

TEST_CASE("the log or the sink put back alone is refused and nothing is merged") {
  World world;
  ok(world.trigger());
  const auto id = StreamId::of({"test-updater", ""});
  const auto frames = world.store.frames(id);
  const MemorySink older = world.sink.backup();
  world.sources.put("a", "second");
  ok(world.trigger());
  const auto newer = world.store.frames(id);
  world.sources.put("a", "third");
  world.store.restore(id, frames);
  CHECK(code(world.trigger()) == errc::regressed);
  world.store.restore(id, newer);
  CHECK(ok(world.trigger()).outcome == Outcome::committed);
  world.sink = older;
  CHECK(code(world.trigger()) == errc::sink_regressed);   // "nothing to do" would be a lie
  CHECK(code(world.updater().explain(BusinessKey{"a"})) == errc::sink_regressed);
  world.sources.put("a", "fourth");
  CHECK(code(world.trigger()) == errc::sink_regressed);
}

TEST_CASE("PLAN-1 the same inputs and version with another plan is nondeterministic_plan and names the first difference") {
  static int calls;
  calls = 0;
  struct Fickle : TestPlan<> {
    static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
      plan.step<Copy>("copy:a" + std::string(calls++ == 0 ? "" : "2"), {inputs[0]}).publishes(BusinessKey{inputs[0].uri});
      return success();
    }
  };
  World world;
  ok(world.trigger<Fickle>("one"));
  const auto refused = world.trigger<Fickle>("two");
  CHECK(code(refused) == errc::nondeterministic_plan);
  CHECK(refused.error().message().find("copy:a") != std::string::npos);
}

TEST_CASE("explain names run, version, inputs and what was replaced") {
  World world;
  const auto first = ok(world.trigger("one"));
  world.sources.put("a", "other");
  const auto second = ok(world.trigger("two"));
  const auto explained = ok(world.updater().explain(BusinessKey{"a"}));
  REQUIRE(explained.current);
  CHECK(explained.current->publication.run == second.run);
  CHECK(explained.current->run_known);
  CHECK(explained.current->version == Version{1, 0, 0});
  CHECK(explained.current->trigger_key == "two");
  CHECK(explained.current->step_id == "copy:a");
  CHECK(explained.current->inputs.size() == 3);
  CHECK(explained.current->inputs[0].content_hash.digest == sha256("other"));
  CHECK(explained.current->status == wal::RunStatus::committed);
  REQUIRE(explained.history.size() == 2);
  CHECK(explained.history[0].publication.run == first.run);
  CHECK(explained.history[0].publication.state == PublicationState::superseded);
  CHECK(code(world.updater().explain(BusinessKey{"nobody"})) == errc::not_found);
}

TEST_CASE("a plan larger than a line travels in parts, and is resumed from them") {
  World world;
  world.limits.line_bytes_max = 6000;
  world.uris.clear();
  for (int i = 0; i < 60; ++i) {
    world.uris.push_back("source-" + std::to_string(i));
    world.sources.put(world.uris.back(), std::to_string(i) + " \xC3\xBC \"quoted\" \\ ");
  }
  World undisturbed = world;
  undisturbed.store = MemoryStore();
  undisturbed.sink = MemorySink();
  ok(undisturbed.trigger());
  for (std::uint64_t stop = 4; stop < 40; stop += 5) {
    World copy = world;
    copy.store = MemoryStore();
    copy.sink = MemorySink();
    REQUIRE(copy.stopped(stop));
    CHECK(ok(copy.trigger()).outcome == Outcome::committed);
    CHECK(copy.exported() == undisturbed.exported());
  }
}

TEST_CASE("outputs beyond the memory of the spool are staged, published from their files, and leave none behind") {
  World world;
  world.limits.spool_bytes_max = 10;
  ok(world.trigger());
  CHECK(world.current("all") == "join|content of a|content of b|content of c");
  PosixFileSystem fs;
  for (const auto& name : fs.list("/tmp").value()) CHECK_FALSE(name.starts_with("kfm_det-spool-" + std::to_string(::getpid()) + "-"));
}

TEST_CASE("bad triggers get a sentence") {
  World world;
  for (const std::string& key : {std::string(), std::string("\xFF"), std::string(5000, 'k')}) {
    const auto refused = world.trigger(key);
    CHECK(code(refused) == errc::invalid_argument);
    CHECK(!refused.error().message().empty());
  }
}

TEST_CASE("an observer that throws changes nothing") {
  World world;
  auto updater = world.updater();
  int events = 0;
  updater.environment().observer = [&](const Event&) { ++events; throw std::runtime_error("no"); };
  CHECK(ok(updater.run({.key = "t"})).outcome == Outcome::committed);
  CHECK(events > 5);
}

TEST_CASE("a graceful stop keeps the run open and does not count as an attempt") {
  World world;
  auto updater = world.updater();
  int left = 2;
  updater.environment().cancelled = [&] { return left-- <= 0; };
  CHECK(code(updater.run({.key = "t"})) == errc::cancelled);
  for (int i = 0; i < 30; ++i) {
    left = 0;
    CHECK(code(updater.run({.key = "t"})) == errc::cancelled);
  }
  CHECK(ok(updater.status()).at(0).attempts == 0);
  updater.environment().cancelled = {};
  CHECK(ok(updater.run({.key = "t"})).resumed);
}
