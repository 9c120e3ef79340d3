// SPDX-License-Identifier: BSL-1.0
/// \file
/// The two parts of check_lock that look at real time and real threads. What they find is no function of choices, so they come last or alone, judge only
/// what no slow machine can cause, and give up a thread that never comes back (with all that it uses) instead of waiting for it.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_THREADS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_THREADS_HPP

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/any_lock.hpp"
#include "kfm_det/conformance/detail/errand.hpp"
#include "kfm_det/conformance/detail/lock_parts.hpp"
#include "kfm_det/conformance/report.hpp"

namespace kfm_det::conformance::detail {

using MakeLockFixture = std::function<std::shared_ptr<AnyLockFixture>()>;

inline void lock_violation(Report& report, std::string_view part, std::string_view law, std::string sentence, std::string script, std::uint64_t operations) {
  ++report.laws[std::string(law)];
  if (report.find(law)) return;
  report.violations.push_back({std::string(law), std::move(sentence), std::move(script), std::string(reproducer_version) + " check_lock part=" + std::string(part) + " choices=-",
                               std::string(usual_cause(law)), operations});
}

/// Does busy wait? False: it did not come back, and no other part can be played.
inline bool ask_whether_it_waits(const MakeLockFixture& make, Report& report) {
  constexpr auto patience = std::chrono::seconds(5), grace = std::chrono::seconds(1);
  struct World {
    std::shared_ptr<AnyLockFixture> fixture;
    simulate::SkewedClocks clocks{2};
    std::unique_ptr<AnyLock> a, b;
    std::optional<Lease> lease;
    SteadyTime free_time = SteadyTime::max(), busy_time = SteadyTime::max();
  };
  const auto world = std::make_shared<World>();
  world->fixture = make();
  world->fixture->wipe();
  auto a = world->fixture->connect(OwnerId{"a"}, world->clocks.of(0));
  auto b = world->fixture->connect(OwnerId{"b"}, world->clocks.of(1));
  if (!a || !b) return true;   // other parts say what is wrong
  world->a = std::move(a).value();
  world->b = std::move(b).value();
  for (int i = 0; i < 3; ++i) {
    const SteadyTime start = steady_now();
    const auto answer = world->b->try_acquire(other_lock_scope(), seconds(10), {});
    world->free_time = std::min(world->free_time, steady_now() - start);
    if (answer && answer.value()) (void)world->b->release(*answer.value());
  }
  if (auto answer = world->a->try_acquire(lock_scope(), seconds(1000), {}); answer && answer.value()) world->lease = *answer.value();
  ++report.laws["LOCK-6"];
  if (!world->lease) return true;
  const std::string script = "a: try_acquire(updater/partition, 1000 s)\n  a: granted\nb: try_acquire(updater/partition, 10 s)";
  const Errand asking([world] {
    for (int i = 0; i < 3; ++i) {
      const SteadyTime start = steady_now();
      (void)world->b->try_acquire(lock_scope(), seconds(10), {});
      world->busy_time = std::min(world->busy_time, steady_now() - start);
    }
  });
  if (!asking.done_within(patience)) {
    lock_violation(report, "waits", "LOCK-6", "try_acquire() of a scope that is held does not come back: it waits, " + std::to_string(patience.count()) + " s so far", script, 2);
    for (int i = 0; i < 4; ++i) {   // perhaps it comes back when its time is over
      world->clocks.advance(seconds(2000));
      if (asking.done_within(grace)) break;
    }
    return false;   // every other part would stand still in its first busy call
  }
  // Three times each, the fastest of them: so much slower can no machine make one of the two alone.
  if (world->busy_time > std::chrono::milliseconds(30) + 20 * world->free_time) {
    lock_violation(report, "waits", "LOCK-6", "try_acquire() of a scope that is held takes more than twenty times as long as one that is granted, and more than 30 ms: it waits", script, 2);
    return false;
  }
  return true;
}

/// Threads ask, renew and release as they like: two handles, two threads on each. Nobody's clock moves.
inline void ask_with_threads(const MakeLockFixture& make, Report& report) {
  struct World {
    std::shared_ptr<AnyLockFixture> fixture;
    simulate::SkewedClocks clocks{2};
    std::unique_ptr<AnyLock> locks[2];
    std::atomic<int> holders{0}, grants{0}, running{4};
    std::atomic<std::uint64_t> last{0};
    std::atomic<bool> two{false}, old{false}, lost{false};
    SteadyTime end{};
  };
  const auto world = std::make_shared<World>();
  world->fixture = make();
  world->fixture->wipe();
  for (std::uint32_t i = 0; i < 2; ++i) {
    auto lock = world->fixture->connect(OwnerId{std::string(1, static_cast<char>('a' + i))}, world->clocks.of(i));
    if (!lock) return;
    world->locks[i] = std::move(lock).value();
  }
  world->end = steady_now() + std::chrono::milliseconds(300);
  std::vector<Errand> errands;
  for (int i = 0; i < 4; ++i)
    errands.emplace_back([world, i] {
      AnyLock& lock = *world->locks[i % 2];
      while (world->grants < 2000 && steady_now() < world->end) {
        const auto answer = lock.try_acquire(lock_scope(), seconds(1000), {});
        if (!answer || !answer.value()) { std::this_thread::yield(); continue; }
        const Lease lease = *answer.value();
        if (++world->holders != 1) world->two = true;
        if (world->last.exchange(lease.token.value) >= lease.token.value) world->old = true;
        std::this_thread::yield();
        if (!lock.renew(lease, seconds(1000))) world->lost = true;
        --world->holders;
        ++world->grants;
        (void)lock.release(lease);
      }
      --world->running;
    });
  const std::string script = "two owners, two threads each: try_acquire, renew, release, again and again";
  for (const Errand& errand : errands)
    if (!errand.done_within(std::chrono::seconds(20))) lock_violation(report, "threads", "LOCK-6", "a verb does not come back when several threads call", script, 1);
  if (world->running != 0) return;
  ++report.laws["LOCK-1"];
  ++report.laws["LOCK-2"];
  if (world->two) lock_violation(report, "threads", "LOCK-1", "two threads hold the scope at the same time", script, 1);
  else if (world->old) lock_violation(report, "threads", "LOCK-2", "a token is not above the one before", script, 1);
  else if (world->lost) lock_violation(report, "threads", "LOCK-4", "renew() fails for the one who holds the scope", script, 1);
  report.bounds.emplace_back("threads: 4 threads call freely for a while (what they find, no line brings back)");
}

}  // namespace kfm_det::conformance::detail

#endif
