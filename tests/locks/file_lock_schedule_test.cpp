// SPDX-License-Identifier: BSL-1.0
// Two owners under every interleaving of their file system calls and looks at the clock with up to three changes of turn (a stopped process is a turn that
// changes late), and time passing at any one of them.
#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kfm_det/locks/file_lock.hpp"
#include "tests/files/scratch.hpp"
#include "tests/locks/turns.hpp"
#include "tests/locks/watched.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {

using Lock = FileLock<WatchedFileSystem, WatchedClock>;

/// Two owners for all schedules of a script, and a fresh scope for each: opening a lock costs real syncs, up to the root of the disk.
struct World {
  explicit World(const std::string& root) : a(open(root, "a")), b(open(root, "b")) {}
  ManualClock clock;
  std::shared_ptr<Watch> watch = std::make_shared<Watch>();
  Lock a, b;
  LockScope scope;
  std::optional<Lease> a_lease, b_lease;
  bool a_lost = false, failed = false;

  Lock open(const std::string& root, const std::string& owner) {
    return good(Lock::open(root, {.owner = OwnerId{owner}, .clock = WatchedClock(clock, watch), .file_system = WatchedFileSystem(watch)}));
  }
  void begin(int schedule) {
    scope = {"noaa", std::to_string(schedule)};
    a_lease.reset();
    b_lease.reset();
    a_lost = failed = false;
  }
  void end() {
    if (a_lease) (void)a.release(*a_lease);
    if (b_lease) (void)b.release(*b_lease);
  }
  void acquire(Lock& lock, std::optional<Lease>& lease, FencingToken above = {}) {
    auto answer = lock.try_acquire(scope, seconds(10), above);
    if (!answer) failed = true;
    else lease = answer.value();
  }
  void renew(Lock& lock, std::optional<Lease>& lease) {
    auto answer = lock.renew(*lease, seconds(10));
    if (answer) lease = answer.value();
    else if (answer.error().code() == errc::lease_lost) { lease.reset(); a_lost = true; }
    else failed = true;
  }
  [[nodiscard]] int holders() const {
    int count = 0;
    for (const auto* const lease : {&a_lease, &b_lease}) count += *lease && clock.monotonic() < (*lease)->deadline;
    return count;
  }
};

struct Script {
  std::function<void(World&)> prepare, first, second;
  std::function<void(World&, bool time_passed)> check;
  Duration step = seconds(10);  ///< what passes when time passes
};

/// Runs every schedule with up to `changes` changes of turn; with_time: each of them also with time passing at one of the changes.
int explore(const Script& script, std::size_t changes, bool with_time) {
  const Scratch scratch(true);
  World world(scratch.path());
  int schedules = 0;
  const auto run = [&](const std::vector<std::size_t>& slices, std::optional<std::size_t> time_at) {
    world.begin(schedules++);
    script.prepare(world);
    bool time_passed = false;
    Turns turns(slices, [&](std::size_t change) {
      if (change == time_at) { world.clock.advance(script.step); time_passed = true; }
    });
    *world.watch = [&](std::string_view, const std::string&) -> std::optional<Error> { turns.point(); return std::nullopt; };
    turns.run([&] { script.first(world); }, [&] { script.second(world); });
    *world.watch = nullptr;
    std::string text;
    for (const std::size_t slice : slices) text += std::to_string(slice) + " ";
    INFO("slices " << text << (time_at ? ", time passes at change " + std::to_string(*time_at) : ""));
    REQUIRE_FALSE(world.failed);
    REQUIRE(world.holders() <= 1);
    script.check(world, time_passed);
    world.end();
    return turns.changes;
  };
  std::vector<std::size_t> slices(changes, 0);
  for (;;) {
    const std::size_t reached = run(slices, std::nullopt);
    for (std::size_t i = 0; with_time && i <= reached; ++i) run(slices, i);
    // A slice that its thread did not outlast gives the same schedule when it is longer, whatever follows: count up the one before.
    if (reached == 0) return schedules;
    ++slices[reached - 1];
    for (std::size_t i = reached; i < changes; ++i) slices[i] = 0;
  }
}

const auto nothing = [](World&) {};

}  // namespace

TEST_CASE("LOCK-1 LOCK-6 two who ask for a free scope: exactly one is granted it, in every interleaving") {
  for (const std::uint64_t above : {0U, 100U}) {
    const int schedules = explore({nothing, [](World& world) { world.acquire(world.a, world.a_lease); }, [=](World& world) { world.acquire(world.b, world.b_lease, FencingToken{above}); },
                                   [&](World& world, bool) {
                                     REQUIRE(world.holders() == 1);
                                     if (world.b_lease) REQUIRE(world.b_lease->token.value > above);
                                   }}, 3, false);
    CHECK(schedules > 1000);
  }
}

TEST_CASE("LOCK-1 LOCK-2 two who ask for a scope with a past, while time passes: never both, never an old token") {
  const Script script{[](World& world) {
                        for (int i = 0; i < 3; ++i) {
                          world.acquire(world.a, world.a_lease);
                          REQUIRE(world.a.release(*world.a_lease).has_value());
                        }
                        world.a_lease.reset();
                      },
                      [](World& world) { world.acquire(world.a, world.a_lease); }, [](World& world) { world.acquire(world.b, world.b_lease, FencingToken{100}); },
                      [](World& world, bool time_passed) {
                        if (!time_passed) REQUIRE(world.holders() == 1);
                        for (const auto* const lease : {&world.a_lease, &world.b_lease}) if (*lease) REQUIRE((*lease)->token.value > 3);
                        if (world.a_lease && world.b_lease) REQUIRE(world.a_lease->token != world.b_lease->token);
                      }};
  CHECK(explore(script, 2, true) > 500);
  CHECK(explore(script, 3, false) > 1000);
}

TEST_CASE("LOCK-1 LOCK-4 an owner renews while another one asks and time passes: one of them has it") {
  // 10 is the deadline: 6, and 5 more in the midst of it. A renewal in time lasts until 16.
  const Script script{[](World& world) { world.acquire(world.a, world.a_lease); world.clock.advance(seconds(6)); }, [](World& world) { world.renew(world.a, world.a_lease); },
                      [](World& world) { world.acquire(world.b, world.b_lease); },
                      [](World& world, bool time_passed) {
                        if (!time_passed) {
                          REQUIRE_FALSE(world.a_lost);  // nobody was granted it, so it is not lost
                          REQUIRE_FALSE(world.b_lease);
                        }
                        if (world.a_lease && world.clock.monotonic() < world.a_lease->deadline) world.renew(world.a, world.a_lease);
                        REQUIRE(world.holders() <= 1);
                        if (world.b_lease && world.clock.monotonic() < world.b_lease->deadline) {
                          world.renew(world.b, world.b_lease);
                          REQUIRE(world.b_lease);
                        }
                      }, seconds(5)};
  CHECK(explore(script, 3, true) > 500);
  Script turned = script;
  std::swap(turned.first, turned.second);
  CHECK(explore(turned, 3, true) > 500);
}

TEST_CASE("LOCK-1 LOCK-5 an owner releases while another one asks") {
  const Script script{[](World& world) { world.acquire(world.a, world.a_lease); },
                      [](World& world) { world.failed = !world.a.release(*world.a_lease); world.a_lease.reset(); },
                      [](World& world) { world.acquire(world.b, world.b_lease); },
                      [](World& world, bool) {
                        if (!world.b_lease) world.acquire(world.b, world.b_lease);
                        REQUIRE(world.b_lease);
                      }};
  Script turned = script;
  std::swap(turned.first, turned.second);
  CHECK(explore(script, 3, true) + explore(turned, 3, true) > 50);
}
