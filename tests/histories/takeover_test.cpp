// SPDX-License-Identifier: BSL-1.0
/// \file
/// Several owners of one scope: one is paused at any of its calls, its lease runs out, another one (and a third) does the work, the first wakes up.
#include <catch2/catch.hpp>

#include <filesystem>

#include "kfm_det/sinks/export.hpp"
#include "tests/histories/script.hpp"
#include "tests/sanitizers.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {

/// What somebody else answers who has taken the scope over.
bool is_taken_over(errc code) { return code == errc::conflict || code == errc::lease_lost || code == errc::stale_token; }

struct Counts {
  int paused = 0, refused = 0, finished = 0;
  void add(const Counts& more) {
    paused += more.paused;
    refused += more.refused;
    finished += more.finished;
  }
  [[nodiscard]] std::string text() const {
    return std::to_string(paused) + " pauses: " + std::to_string(refused) + " were refused when they woke up, " + std::to_string(finished) + " had finished or begin anew";
  }
};

template <class Backends>
std::string exported(ScriptWorld<Backends>& world) {
  auto sink = world.backends.sink();
  return export_canonical(sink).value();
}

/// Command `first` is paused at `place` while the commands behind it come to their end with another owner, who may himself be paused at `place_of_second`
/// while a third one works. `lose_lock`: the lock forgets everything while the first one sleeps.
template <class Backends>
bool story(ScriptWorld<Backends>& world, const Script& script, int first, std::uint64_t place, std::uint64_t place_of_second, bool lose_lock, Counts& counts) {
  for (int c = 0; c < first; ++c) world.until_answered(script, c);
  bool paused = false;
  std::optional<ScriptWorld<Backends>> second, third;
  world.fuse.while_paused = [&] {
    paused = true;
    second.emplace(world);
    second->fuse.while_paused = {};
    world.clock.advance(seconds(60));
    if (lose_lock) second->backends.forget_lock();
    if (place_of_second != Fuse::never) {
      second->fuse.while_paused = [&] {
        third.emplace(*second);
        third->fuse.while_paused = {};
        world.clock.advance(seconds(60));
        third->until_answered(script, first);
      };
      (void)second->attempt(script, first, Fuse::never, place_of_second);
    }
    for (int c = first; c < static_cast<int>(script.size()); ++c) second->until_answered(script, c);
  };
  const bool alive = world.attempt(script, first, Fuse::never, place);
  REQUIRE(alive);
  if (!paused) return false;
  ++counts.paused;
  if (world.answer) {
    INFO(world.answer->message());
    const bool anew = place <= 2 && world.answer->code() == errc::undone;   // a lease of its own, behind all the others
    CHECK((anew || is_taken_over(world.answer->code())));
    CHECK_FALSE(world.answer->remedy().empty());
    ++counts.refused;
  } else {
    ++counts.finished;   // paused before its lease, or behind everything that matters
  }
  second->settle();
  return true;
}

template <class Backends>
Counts take_over(const Script& script, int first, bool lose_lock, std::uint64_t step, std::uint64_t step_of_second) {
  Outcome want;
  std::string want_export;
  {
    ScriptWorld<Backends> world;
    for (int c = 0; c < static_cast<int>(script.size()); ++c) world.until_answered(script, c);
    want = world.outcome();
    want_export = exported(world);
  }
  Counts counts;
  for (std::uint64_t place = 0;; place += step) {
    ScriptWorld<Backends> world;
    if (!story(world, script, first, place, Fuse::never, lose_lock, counts)) break;
    INFO(text_of(script) << ", command " << first << " paused at " << place);
    if (place <= 2 && !world.answer) continue;   // a lease of its own, behind all the others: an event that comes late
    CHECK(world.visible() == want.visible);
    CHECK(exported(world) == want_export);
    if (step_of_second == 0) continue;
    for (std::uint64_t of_second = place % step_of_second; of_second < 40; of_second += step_of_second) {
      ScriptWorld<Backends> again;
      REQUIRE(story(again, script, first, place, of_second, lose_lock, counts));
      INFO("and the second one at " << of_second);
      if (place <= 2 && !again.answer) continue;
      CHECK(exported(again) == want_export);
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("an owner paused at any call wakes up behind another one and harms nothing, over memory") {
  Counts all;
  for (const bool lose_lock : {false, true})
    for (const char* script : {"t:k:B", "t:k:A t:k:B", "t:k:B undo:0", "t:k:A t:k:B t:j:C", "t:k:B t:j:A undo:0"})
      for (int first = 0; first < static_cast<int>(parse_script(script).size()); ++first)
        all.add(take_over<MemoryBackends>(parse_script(script), first, lose_lock, 1, is_sanitized ? 13 : 3));
  WARN(all.text());
  CHECK(all.refused > 300);
}

TEST_CASE("an owner paused at any call wakes up behind another one and harms nothing, over FileStore, FileLock and SqliteSink") {
  Counts all;
  for (const bool lose_lock : {false, true})
    for (const char* script : {"t:k:B", "t:k:A t:k:B t:j:C", "t:k:B undo:0"}) {
      const Script parsed = parse_script(script);
      all.add(take_over<FileBackends>(parsed, static_cast<int>(parsed.size()) / 2, lose_lock, 1, 13));
    }
  WARN(all.text());
  CHECK(all.refused > 50);
}

TEST_CASE("an owner whose lease ran out before it opened the log does not end the one who is at work") {
  const Script script = parse_script("t:k:B");
  for (std::uint64_t place = 1; place < 4; ++place) {   // behind the lease; before and behind the sink's begin
    ScriptWorld<MemoryBackends> sleeper;
    ScriptWorld<MemoryBackends> worker(sleeper);
    auto updater = worker.updater<1>("B");
    Trigger trigger;
    trigger.key = "k";
    trigger.actor = "0";
    std::optional<decltype(updater)::Open> open;
    sleeper.fuse.while_paused = [&] {
      sleeper.clock.advance(seconds(60));
      auto begun = updater.begin(trigger);
      if (!begun) FAIL(begun.error().message());
      open.emplace(std::move(begun).value());
    };
    REQUIRE(sleeper.attempt(script, 0, Fuse::never, place));
    INFO("paused at " << place);
    REQUIRE(open);
    REQUIRE(sleeper.answer);
    CHECK((is_taken_over(sleeper.answer->code()) || sleeper.answer->code() == errc::busy));
    if (auto done = open->execute(); !done) FAIL(done.error().message());
    if (auto done = open->upsert(); !done) FAIL(done.error().message());
    CHECK(worker.visible() == published_by("B"));
  }
}
