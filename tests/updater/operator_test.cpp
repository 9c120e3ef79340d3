// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "kfm_det/locks/file_lock.hpp"
#include "kfm_det/sinks/file_sink.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "tests/examples/program.hpp"
#include "tests/updater/world.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using Change = UndoneKey::Change;
using Outcome = RunReport::Outcome;

namespace {

const StreamId stream = StreamId::of({"test-updater", ""});

std::string shown(World& world, const std::optional<Publication>& publication) {
  if (!publication) return "(none)";
  if (publication->tombstone) return "(retired)";
  std::string out;
  REQUIRE(world.sink.read(publication->version->key, [&](BytesView piece) -> result<void> { out += piece; return success(); }));
  return out;
}
/// PREVIEW-2: what a preview says of now and then, as World::currents() says it.
std::map<std::string, std::pair<std::string, std::string>> told(World& world, const UndoPreview& preview) {
  std::map<std::string, std::pair<std::string, std::string>> out;
  for (const auto& one : preview.keys) out[one.business_key.text] = {shown(world, one.now), shown(world, one.then)};
  return out;
}
/// Every byte of log and sink that memory backends hold.
std::string state_of(World& world) {
  std::string out = world.exported();
  for (const auto& frame : world.store.frames(stream)) out += frame + "\n";
  const Head witness = ok(world.sink.witness(stream));
  return out + std::to_string(witness.lsn);
}

}  // namespace

TEST_CASE("PREVIEW-2 an undo does what its preview says, key by key") {
  World world;
  ok(world.trigger("first"));
  const std::string before_all = world.currents();
  world.sources.put("a", "second");
  world.uris = {"a", "c"};
  const RunId second = ok(world.trigger("second")).run;     // b retired
  world.sources.put("c", "third");
  world.uris = {"c"};
  const RunId third = ok(world.trigger("third")).run;       // a retired
  const std::string before = state_of(world);

  const auto of_second = ok(world.operators().preview_undo(second));
  CHECK(of_second.count(Change::replaced) == 4);            // a, c, all, and the tombstone of b: the third gave another one
  CHECK(of_second.sentence().find("4 would change nothing, because newer runs have replaced them") != std::string::npos);
  CHECK(ok(world.operators().preview_undo(third)).count(Change::restored) == 4);
  CHECK_FALSE(of_second.stops_at);
  CHECK(state_of(world) == before);

  for (const RunId& run : {second, third}) {
    const auto preview = ok(world.operators().preview_undo(run));
    const auto keys = told(world, preview);
    for (const auto& [key, both] : keys) CHECK(world.current(key) == both.first);
    const auto report = ok(world.operators().undo(run, "somebody"));
    CHECK(report.outcome == Outcome::undone);
    CHECK(report.status == preview.ends_as);
    CHECK(report.shown == preview.count(Change::restored) + preview.count(Change::emptied));
    for (const auto& [key, both] : keys) CHECK(world.current(key) == both.second);
  }
  CHECK(world.currents() == before_all);
  const auto again = ok(world.operators().preview_undo(third));
  CHECK(again.nothing_to_do);
  CHECK(again.keys.empty());
  CHECK(again.ends_as == wal::RunStatus::undone);
  CHECK(again.sentence().find("undo has nothing to do") != std::string::npos);
  CHECK(code(world.operators().preview_undo(RunId{})) == errc::not_found);
}

TEST_CASE("PREVIEW-2 holds for runs that are open, half taken back, failed, and at every place where they can be") {
  int half = 0, unseen = 0;
  for (std::uint64_t stop = 5; stop < 30; ++stop)
    for (std::uint64_t again = 3; again < 20; again += 2) {
      World world;
      world.limits.window = 1;
      ok(world.trigger("before"));
      world.sources.put("a", "new");
      if (!world.stopped(stop, "half")) break;
      const auto runs = ok(world.operators().status());
      if (runs.size() < 2) break;
      const RunId run = runs.back().id;
      (void)world.killed_at(again, [&] { (void)world.operators().undo(run); });
      const std::string before = state_of(world);
      const auto preview = ok(world.operators().preview_undo(run));
      REQUIRE(state_of(world) == before);
      half += preview.count(Change::withdrawn) != 0 && !preview.nothing_to_do;
      unseen += preview.count(Change::never_seen) != 0;
      const auto keys = told(world, preview);
      const auto report = ok(world.operators().undo(run));
      CHECK(report.status == preview.ends_as);
      for (const auto& [key, both] : keys) CHECK(world.current(key) == both.second);
    }
  CHECK(half > 5);
  CHECK(unseen > 5);
}

TEST_CASE("a preview says where an undo stops, and it stops there") {
  World world;
  const RunId run = ok(world.trigger<Irreversible>()).run;
  const std::string before = state_of(world);
  const auto preview = ok(world.operators().preview_undo(run));
  CHECK(preview.stops_at == std::string("copy:b"));
  CHECK(preview.ends_as == wal::RunStatus::parked);
  CHECK(preview.count(Change::kept) == 2);        // a and b
  CHECK(preview.count(Change::emptied) == 2);
  CHECK(preview.sentence().find("stop at the irreversible step copy:b: 2 effects stay, and the run ends parked") != std::string::npos);
  CHECK(state_of(world) == before);
  const auto keys = told(world, preview);
  CHECK(code(world.operators().undo(run)) == errc::parked);
  for (const auto& [key, both] : keys) CHECK(world.current(key) == both.second);
  CHECK(ok(world.operators().status()).at(0).status == wal::RunStatus::parked);
  CHECK(ok(world.operators().preview_undo(run)).stops_at == std::string("copy:b"));   // parked may be tried again, and comes to the same
}

TEST_CASE("RUN-15 an operator's undo that is stopped at every call goes on, by an operator or by the next trigger, and ends the same") {
  World undisturbed;
  (void)undisturbed.undoes_second(Fuse::never, true);
  for (std::uint64_t stop = 0;; ++stop) {
    bool killed = false;
    for (const bool by_trigger : {false, true})
      for (const bool power : {false, true}) {
        World world;
        const auto [was_killed, run] = world.undoes_second(stop, true);
        killed = was_killed;
        if (power && killed) world.store.lose_unsynced();
        if (by_trigger) (void)world.trigger("second");
        ok(world.operators().undo(run));
        CHECK(world.exported() == undisturbed.exported());
        CHECK(world.effects_without_intent == 0);
      }
    if (!killed) break;
  }
}

TEST_CASE("RUN-20 a run, then its undo, is the state before, in any order with other runs") {
  std::uint64_t random = 2026;
  const auto below = [&](std::uint64_t bound) { random = random * 6364136223846793005ull + 1442695040888963407ull; return (random >> 33) % bound; };
  const std::vector<std::string> keys{"a", "b", "c", "d", "all"};
  int undone_under_newer = 0;
  for (int round = 0; round < 60; ++round) {
    World world;
    struct Made { RunId run; std::map<std::string, std::string> gives; bool undone = false; };
    std::vector<Made> made;
    std::set<std::string> ever;
    int contents = 0;
    // What shows: of the runs that were not taken back, the newest that gives the key. A key that nobody gives any more, or that left the plan, shows nothing.
    const auto expected = [&] {
      std::map<std::string, std::string> out;
      for (const auto& key : keys) out[key] = "";
      for (const auto& one : made)
        if (!one.undone)
          for (const auto& [key, content] : one.gives) out[key] = content;
      return out;
    };
    const auto found = [&] {
      std::map<std::string, std::string> out;
      for (const auto& key : keys) {
        const std::string now = world.current(key);
        out[key] = now == "(none)" || now == "(retired)" ? "" : now;
      }
      return out;
    };
    for (int step = 0; step < 7; ++step) {
      if (made.empty() || below(3) != 0) {
        world.uris.clear();
        for (const auto& key : keys)
          if (key != "all" && below(2) != 0) world.uris.push_back(key);
        if (world.uris.empty()) world.uris.push_back("a");
        Made one;
        std::string all = "join";
        for (const auto& key : world.uris) {
          world.sources.put(key, "content " + std::to_string(++contents));
          one.gives[key] = "content " + std::to_string(contents);
          all += "|" + one.gives[key];
        }
        one.gives["all"] = all;
        for (const auto& key : ever)
          if (!one.gives.contains(key)) one.gives[key] = "";   // retired
        for (const auto& [key, content] : one.gives) ever.insert(key);
        one.run = ok(world.trigger("trigger " + std::to_string(below(2)))).run;
        made.push_back(one);
      } else {
        const std::size_t which = below(made.size());
        Made& one = made[which];
        const auto preview = ok(world.operators().preview_undo(one.run));
        const auto report = ok(world.operators().undo(one.run));
        REQUIRE((report.outcome == Outcome::nothing_to_do) == one.undone);
        REQUIRE(preview.nothing_to_do == one.undone);
        undone_under_newer += !one.undone && which + 1 != made.size();
        one.undone = true;
        for (const auto& [key, both] : told(world, preview)) REQUIRE(world.current(key) == both.second);
      }
      REQUIRE(found() == expected());
    }
    for (auto& one : made) {   // and all of them, in another order
      const std::size_t other = below(made.size());
      ok(world.operators().undo(made[other].run));
      made[other].undone = true;
      ok(world.operators().undo(one.run));
      one.undone = true;
      REQUIRE(found() == expected());
    }
  }
  CHECK(undone_under_newer > 20);
}

TEST_CASE("PREVIEW-1 looking changes no byte of files, and makes no lock") {
  const kfm_det::tests::Scratch scratch(true);
  const auto parts = [&] { return std::tuple(ok(FileStore<>::open(scratch / "wal")), ok(FileLock<>::open(scratch / "locks")), ok(FileSink<>::open(scratch / "sink"))); };
  RunId run;
  {
    TestEnvironment env;
    for (const char* uri : {"a", "b"}) env.source_reader.put(uri, "content");
    env.services.add(std::make_shared<Behaviour>());
    auto [store, lock, sink] = parts();
    Updater<TestPlan<>, FileStore<>, FileLock<>, FileSink<>, TestEnvironment> updater(TestPlan<>{{"a", "b"}}, std::move(store), std::move(lock), std::move(sink), env);
    Trigger trigger;
    trigger.key = "t";
    run = ok(updater.run(trigger)).run;
  }
  std::filesystem::remove_all(scratch / "locks");
  auto [store, lock, sink] = parts();
  Operator<FileStore<>, FileLock<>, FileSink<>> person(Scope{"test-updater", ""}, std::move(store), std::move(lock), std::move(sink));
  const auto before = kfm_det::tests::everything_in(scratch.path());
  CHECK(ok(person.preview_undo(run)).count(Change::emptied) == 3);
  CHECK(ok(person.preview_loss()).sentence().find("nothing to accept") == 0);
  CHECK(ok(person.status()).size() == 1);
  CHECK(ok(person.explain(BusinessKey{"a"})).history.size() == 1);
  CHECK(kfm_det::tests::everything_in(scratch.path()) == before);
  CHECK(ok(person.undo(run)).outcome == Outcome::undone);
  CHECK_FALSE(kfm_det::tests::everything_in(scratch.path()) == before);
}

TEST_CASE("PREVIEW-1 looking needs no lease: somebody may be at work") {
  World world;
  const RunId run = ok(world.trigger("t")).run;
  world.sources.put("a", "other");
  auto updater = world.updater();
  Trigger trigger;
  trigger.key = "another";
  auto open = ok(updater.begin(trigger));
  CHECK(code(world.operators().undo(run)) == errc::busy);
  CHECK(ok(world.operators().preview_undo(run)).count(Change::emptied) == 4);
  CHECK(ok(world.operators().preview_loss()).recovery.verdict == Verdict::clean);
  CHECK(open.execute());
  ok(open.upsert());
  CHECK(open.close());
  CHECK(ok(world.operators().preview_undo(run)).count(Change::replaced) == 4);
  CHECK(ok(world.operators().undo(run)).outcome == Outcome::undone);
}

TEST_CASE("PREVIEW-3 what a preview says would be lost is what an accepted loss finds") {
  struct Case { const char* name; Verdict verdict; };
  for (const Case& one : {Case{"older log", Verdict::regressed}, Case{"damaged", Verdict::corrupt_committed}, Case{"older sink", Verdict::sink_regressed}}) {
    INFO(one.name);
    World world;
    ok(world.trigger("first"));
    const auto older = world.store.frames(stream);
    const RunId first = ok(world.operators().status()).at(0).id;
    world.sources.put("a", "second");
    const RunId second = ok(world.trigger("second")).run;
    if (one.verdict == Verdict::sink_regressed) {
      world.sink = MemorySink();
    } else if (one.verdict == Verdict::regressed) {
      world.store.restore(stream, older);
    } else {
      auto frames = world.store.frames(stream);
      frames[older.size() + 2][40] ^= 1;
      world.store.restore(stream, frames);
    }
    const std::string before = state_of(world);
    const auto preview = ok(world.operators().preview_loss());
    CHECK(state_of(world) == before);
    CHECK(preview.recovery.verdict == one.verdict);
    CHECK(preview.is_loss());
    CHECK_FALSE(preview.loss.accepted);
    CHECK(preview.sentence().find("Nothing was changed.") != std::string::npos);
    if (one.verdict == Verdict::regressed) {
      CHECK(preview.lost_from == older.size() + 1);
      CHECK(preview.lost_upto > preview.lost_from);
      REQUIRE(preview.loss.lost.size() == 1);
      CHECK(preview.loss.lost[0].id == second);
      CHECK(preview.loss.lost[0].effects.size() == 4);   // what the sink still has
    } else if (one.verdict == Verdict::corrupt_committed) {
      CHECK(preview.lost_from > older.size());
      CHECK(preview.lost_from <= older.size() + 3);   // its group, whole
      CHECK(preview.recovery.evidence.at(0).length != 0);
      CHECK(preview.cut_short == std::vector<RunId>{second});   // its plan is there, its end is not
    } else {
      CHECK(preview.lost_from == 0);
      CHECK(preview.loss.unpublished == std::vector<RunId>{first, second});
    }
    const auto report = ok(world.operators().accept_loss("somebody"));
    CHECK(report.accepted);
    CHECK(report.verdict == preview.recovery.verdict);
    CHECK(report.incarnation == preview.loss.incarnation);
    CHECK(report.taken_back == preview.loss.taken_back);
    CHECK(report.unpublished == preview.loss.unpublished);
    CHECK(report.lost.size() == preview.loss.lost.size());
    for (std::size_t i = 0; i < report.lost.size() && i < preview.loss.lost.size(); ++i) {
      CHECK(report.lost[i].id == preview.loss.lost[i].id);
      CHECK(report.lost[i].effects.size() == preview.loss.lost[i].effects.size());
    }
    CHECK_FALSE(ok(world.operators().accept_loss()).accepted);
    CHECK(ok(world.trigger("second")).status == wal::RunStatus::committed);
  }
}

TEST_CASE("what is no loss cannot be accepted, and the preview says so") {
  World world;
  ok(world.trigger());
  CHECK(ok(world.operators().preview_loss()).sentence() == "nothing to accept: log and sink are a pair (Clean).");
  auto frames = world.store.frames(stream);
  const std::string other = "other-updater@";
  for (auto& frame : frames) {   // another stream's log
    frame.replace(frame.find("\"stream\":\"test-updater@\""), 24, "\"stream\":\"" + other + "\"");
    const auto hash = frame.rfind(",\"hash\":");
    frame = frame.substr(0, hash) + ",\"hash\":\"" + domain_digest(wal::frame_domain, BytesView(frame).substr(8, hash - 8)).hex() + "\"}";
  }
  world.store.restore(stream, frames);
  const auto preview = ok(world.operators().preview_loss());
  CHECK(preview.recovery.verdict == Verdict::foreign);
  CHECK_FALSE(preview.is_loss());
  CHECK(preview.sentence().find("put it right") != std::string::npos);
  CHECK(code(world.operators().accept_loss()) == errc::foreign);
  CHECK(code(world.operators().preview_undo(RunId{})) == errc::foreign);
}
