// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "tests/updater/world.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

TEST_CASE("the contract's verbs one by one: begin, execute, upsert, lineage, telemetry") {
  World world;
  auto updater = world.updater();
  CHECK(ok(updater.inputs()).size() == 3);
  CHECK(ok(updater.plan(ok(updater.inputs()))).steps().size() == 4);
  auto begun = updater.begin({.key = "t"});
  REQUIRE(begun);
  auto& run = begun.value();
  CHECK_FALSE(run.is_finished());
  CHECK(run.plan().steps().size() == 4);
  CHECK(run.upsert().error().code() == errc::invalid_argument);   // nothing is published before every step has run
  CHECK(run.execute());
  CHECK(world.exported() == World().exported());
  CHECK(run.telemetry().status == "PARTIAL");
  CHECK(ok(run.upsert()).created == 4);
  const RunLineage lineage = run.lineage();
  CHECK(lineage.used.size() == 3);
  REQUIRE(lineage.generated.size() == 4);
  CHECK(lineage.generated[0].content.has_value());
  const RunTelemetry telemetry = run.telemetry();
  CHECK(telemetry.status == "SUCCESS");
  CHECK(telemetry.outputs_count == 4);
  CHECK(telemetry.inputs_count == 3);
  CHECK(run.close());
  CHECK(ok(updater.run({.key = "t"})).outcome == RunReport::Outcome::nothing_to_do);
}

TEST_CASE("an open run keeps its scope; letting go of it leaves the run for the next trigger") {
  World world;
  auto first = world.updater(), second = world.updater();
  {
    auto begun = first.begin({.key = "t"});
    REQUIRE(begun);
    CHECK(second.run({.key = "t"}).error().code() == errc::busy);
  }
  const auto done = ok(second.run({.key = "t"}));
  CHECK(done.resumed);
  CHECK(done.attempts == 1);
  CHECK(done.effects.created == 4);
}

TEST_CASE("lineage is a function of PLAN and outputs: a resumed run's is that of an undisturbed one") {
  const auto text = [](const RunLineage& lineage) {
    std::string out = lineage.run.text();
    for (const auto& made : lineage.generated) out += "|" + made.business_key.text + made.content.value_or(ContentHash{}).hex();
    return out;
  };
  World world, other;
  other.clock.advance(seconds(1000));
  auto a = world.updater(), b = other.updater();
  auto first = a.begin({.key = "t"}), second = b.begin({.key = "t"});
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(first.value().execute());
  REQUIRE(second.value().execute());
  CHECK(text(first.value().lineage()) == text(second.value().lineage()));
}

TEST_CASE("a failed run's telemetry says where it failed") {
  World world;
  world.behaviour->failing.emplace("b", Error(errc::operation_failed, "cannot"));
  auto updater = world.updater();
  auto begun = updater.begin({.key = "t"});
  REQUIRE(begun);
  CHECK(!begun.value().execute());
  CHECK(begun.value().telemetry().status == "FAILED");
  CHECK(begun.value().telemetry().failure_stage == "EXECUTE");
  CHECK(begun.value().execute().error().code() == errc::invalid_argument);   // over
}

TEST_CASE("resume takes one open run forward, and says what a finished one came to") {
  World world;
  REQUIRE(world.stopped(9));
  auto updater = world.updater();
  const auto runs = ok(updater.status());
  REQUIRE(runs.size() == 1);
  const auto resumed = ok(updater.resume(runs[0].id));
  CHECK(resumed.resumed);
  CHECK(world.current("all") == "join|content of a|content of b|content of c");
  CHECK(ok(updater.resume(runs[0].id)).outcome == RunReport::Outcome::nothing_to_do);
  CHECK(updater.resume(RunId{}).error().code() == errc::not_found);
  world.behaviour->failing.emplace("a", Error(errc::operation_failed, "cannot"));
  world.sources.put("a", "new");
  CHECK(!world.trigger());
  const RunId failed = ok(world.updater().status()).back().id;
  CHECK(world.updater().resume(failed).error().code() == errc::failed);
}

TEST_CASE("a run whose process dies at every attempt is quarantined after the limit and blocks nobody") {
  World world;
  world.limits.attempts = 3;
  world.limits.window = 64;
  world.fuse.dies_at_upsert = true;
  for (int i = 0; i < 4; ++i) {
    REQUIRE(world.stopped(~std::uint64_t{0}));
    for (const auto& run : ok(world.updater().status())) CHECK(run.status == wal::RunStatus::open);
  }
  CHECK(ok(world.updater().status()).at(0).attempts == 3);
  const auto refused = world.trigger();
  REQUIRE(!refused);
  CHECK(refused.error().code() == errc::quarantined);
  CHECK(refused.error().message().find("3 times") != std::string::npos);
  CHECK(world.current("a") == "(none)");
  world.fuse.dies_at_upsert = false;
  world.sources.put("a", "something else");
  CHECK(ok(world.trigger()).outcome == RunReport::Outcome::committed);
}
