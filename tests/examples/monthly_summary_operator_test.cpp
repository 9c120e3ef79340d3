// SPDX-License-Identifier: BSL-1.0
// The real program as an operator uses it: status, undo, force, and an accepted loss after the log or the sink was put back.
#ifdef MONTHLY_SUMMARY_PROGRAM   // not defined where examples are not built
#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

#include "tests/examples/world.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {

/// The run that a report names.
std::string run_in(const std::string& text) {
  const auto at = text.find("run ");
  REQUIRE(at != std::string::npos);
  return text.substr(at + 4, 36);
}
std::map<std::string, std::string> currents(const World& world) {
  std::map<std::string, std::string> out;
  for (const auto& [key, one] : told(world.exported())) out[key] = one.current;
  return out;
}
bool has(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

/// First data, then changed data; a copy of the folder from between the two.
struct Story {
  World world;
  std::string changed = world.write(replaced(some_months(), "2012/01/05,1.3,", "2012/01/05,31.3,"));
  std::string between = world.scratch / "between";
  std::map<std::string, std::string> before;
  std::string run;
  Story() {
    REQUIRE(world.run(world.data).code == 0);
    before = currents(world);
    std::filesystem::copy(world.state, between, std::filesystem::copy_options::recursive);
    const Ran ran = world.run(changed);
    REQUIRE(ran.code == 0);
    run = run_in(ran.err);
    REQUIRE(currents(world) != before);
  }
  void put_back(const std::string& name) const {
    for (const auto& folder : {world.state, between}) {
      for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (!entry.path().filename().string().starts_with(name)) continue;
        if (folder == world.state) std::filesystem::remove_all(entry.path());
        else std::filesystem::copy(entry.path(), world.state + "/" + entry.path().filename().string(), std::filesystem::copy_options::recursive);
      }
    }
  }
};

}  // namespace

TEST_CASE("undo RUN is the state before; its inputs are held until somebody forces past it; status and explain say so") {
  const Story story;
  const World& world = story.world;
  const Ran undone = world.ask({"undo", story.run, "--actor", "somebody"});
  CHECK(undone.code == 0);
  CHECK(has(undone.err, "undone run " + story.run));
  CHECK(currents(world) == story.before);
  world.verify();
  CHECK(has(world.ask({"undo", story.run}).err, "nothing to do"));
  const Ran held = world.run(story.changed);
  CHECK(held.code == 7);
  CHECK(held.err.starts_with("error: undone: "));
  CHECK(currents(world) == story.before);
  const Ran status = world.ask({"status"});
  CHECK(status.code == 0);
  CHECK(has(status.out, story.run + " is undone"));
  CHECK(has(status.out, "what to do  Its inputs are held"));
  CHECK(has(world.ask({"status", "--all"}).out, " is committed"));
  CHECK(world.run(story.changed, {"--force", story.run}).code == 0);
  CHECK(currents(world) != story.before);
  CHECK(has(world.run(story.changed, {"--force", story.run}).err, "nothing to do"));   // forcing twice is forcing once
}

TEST_CASE("undo killed at every event goes on where it was, by itself or by the next run") {
  for (const bool by_run : {false, true})
    for (int event = 1;; ++event) {
      const Story story;
      const World& world = story.world;
      const Ran ran = world.ask({"undo", story.run, "--kill-after-events", std::to_string(event)});
      if (ran.code == 0) { REQUIRE(event > 2); break; }
      REQUIRE(ran.code == killed);
      if (by_run) CHECK((world.run(story.changed).code == 0 || currents(world) == story.before));   // not begun: nothing to do; begun: held
      CHECK(world.ask({"undo", story.run}).code == 0);
      CHECK(currents(world) == story.before);
      world.verify();
    }
}

TEST_CASE("wrong words to undo and force get a sentence") {
  const Story story;
  for (const Ran& ran : {story.world.ask({"undo", "nobody"}), story.world.ask({"undo"}), story.world.run(story.changed, {"--force", "7"})}) {
    CHECK(ran.code == 2);
    CHECK(ran.err.starts_with("error: "));
  }
  const std::string none = "00000000-0000-8000-8000-000000000000";
  CHECK(has(story.world.ask({"undo", none}).err, "there is no such run"));
  CHECK(has(story.world.run(story.changed, {"--force", none}).err, "not one of this trigger"));
  World empty;
  CHECK(empty.ask({"undo", story.run}).code != 0);
  CHECK_FALSE(std::filesystem::exists(empty.state));
}

TEST_CASE("the log put back alone is refused; an accepted loss lists what has lost its run, and goes on") {
  const Story story;
  const World& world = story.world;
  const auto now = currents(world);
  story.put_back("wal");
  for (const auto& ran : {world.run(story.changed), world.ask({"status"}), world.ask({"explain", "seattle/2012-01"}), world.ask({"undo", story.run})}) {
    CHECK(ran.code == 6);
    CHECK(ran.err.starts_with("error: regressed: "));
    CHECK(has(ran.err, "accept the loss"));
  }
  CHECK(currents(world) == now);
  const Ran accepted = world.ask({"accept-loss"});
  CHECK(accepted.code == 0);
  CHECK(has(accepted.out, "(Regressed): the log goes on in incarnation 2"));
  CHECK(has(accepted.out, story.run + " is lost; the sink still has of it:\n  seattle/2012\n"));
  CHECK(currents(world) == now);
  CHECK(has(world.ask({"status"}).out, story.run + " is lost"));
  CHECK(has(world.ask({"explain", "seattle/2012-01"}).out, "(lost)"));
  world.verify();
  CHECK(has(world.ask({"accept-loss"}).out, "nothing to accept"));
  CHECK(world.ask({"undo", story.run}).code == 0);
  CHECK(currents(world) == story.before);
  CHECK(world.run(story.changed).code == 0);
  CHECK(currents(world) == now);
  world.verify();
}

TEST_CASE("the sink put back alone is refused; an accepted loss publishes again, and keeps away what was undone") {
  for (const bool undo_first : {false, true}) {
    const Story story;
    const World& world = story.world;
    const auto now = currents(world);
    std::string first_run;
    if (undo_first) {   // the run that the older sink still shows
      const std::string all = world.ask({"status", "--all"}).out;
      const auto at = all.find(" is committed");
      REQUIRE(at != std::string::npos);
      first_run = all.substr(at - 36, 36);
      REQUIRE(world.ask({"undo", first_run}).code == 0);
    }
    story.put_back("summaries.db");
    const Ran refused = world.run(story.changed);
    CHECK(refused.code == 6);
    CHECK(refused.err.starts_with("error: sink_regressed: "));
    CHECK(currents(world) == story.before);
    const Ran accepted = world.ask({"accept-loss"});
    CHECK(accepted.code == 0);
    CHECK(has(accepted.out, "(SinkRegressed): the log goes on in incarnation 2"));
    CHECK(has(accepted.out, story.run + " is committed, but this sink lacks publications of it"));
    if (undo_first) {
      CHECK(has(accepted.out, "1 run that had been taken back was withdrawn again"));
      for (const auto& [key, current] : currents(world)) CHECK(current == "?");
    }
    CHECK(world.run(story.changed).code == 0);
    CHECK(currents(world) == now);
    world.verify();
  }
}
#endif
