// SPDX-License-Identifier: BSL-1.0
/// \file
/// The part of check_lock about habits: what is asked many times, for times of every length, of many scopes at once.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_HABITS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_HABITS_HPP

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kfm_det/conformance/detail/lock_parts.hpp"

namespace kfm_det::conformance::detail {

struct LockHabits {
  void operator()(Play& play, AnyLockFixture& fixture) const {
    const std::uint32_t which = play.pick(7);
    LockWorld world(fixture, play);
    switch (which) {
      case 0: renewed_at(play, world); break;
      case 1: times(play, world); break;
      case 2: grants(play, world); break;
      case 3: asks(play, world); break;
      case 4: holds(play, world); break;
      case 5: scopes(play, world, false); break;
      default: scopes(play, world, true); break;
    }
  }

 private:
  static LockScope scope(int number) { return {"updater", "p" + std::to_string(number)}; }

  /// LOCK-1. A renewal holds from when it was asked, whenever that is: the next one is refused until its deadline.
  static void renewed_at(Play& play, LockWorld& world) {
    const std::uint32_t after = 1 + play.pick(9);
    const auto mine = world.acquire(0, lock_scope());
    if (!mine) return;
    world.pass(seconds(after), "");
    if (!world.renew(0, *mine)) return;
    almost_over(world, *mine);
    (void)world.acquire(1, lock_scope());
    pass_all(world);
    (void)world.acquire(1, lock_scope());
  }
  /// LOCK-1, LOCK-3. Times to live that whole seconds, 32 bits of milliseconds or of seconds do not hold.
  static void times(Play& play, LockWorld& world) {
    static constexpr std::array<Duration, 8> all{milliseconds(1500), milliseconds(250), milliseconds(999), seconds(61), seconds(86'400), seconds(2'147'484), seconds(4'294'968), seconds(2'147'483'648)};
    const Duration ttl = all[play.pick(static_cast<std::uint32_t>(all.size()))];
    const bool renews = play.flip();
    world.error_is_fine = ttl < seconds(1) || ttl > seconds(86'400);   // some systems cannot count that, and may say so
    const auto mine = world.acquire(0, lock_scope(), renews ? LockWorld::lease_ttl : ttl);
    if (!mine) return;
    if (renews && !world.renew(0, *mine, ttl)) return;
    world.error_is_fine = false;
    almost_over(world, *mine);
    (void)world.acquire(1, lock_scope());
    pass_all(world);
    (void)world.acquire(1, lock_scope());
  }
  /// LOCK-2. More grants than a digit, or a byte, counts.
  static void grants(Play& play, LockWorld& world) {
    constexpr std::array<int, 2> counts{12, 300};
    const int count = counts[play.pick(2)];
    play.tell("a and b are granted the scope " + std::to_string(count) + " times in turn, and release it");
    play.be_silent(true);
    for (int i = 0; i < count; ++i)
      if (const auto mine = world.acquire(static_cast<std::uint32_t>(i) % 2, lock_scope())) world.release(static_cast<std::uint32_t>(i) % 2, *mine);
    play.be_silent(false);
  }
  /// LOCK-1. However often it is asked for.
  static void asks(Play& play, LockWorld& world) {
    if (!world.acquire(0, lock_scope())) return;
    play.tell("b asks for the scope 40 times");
    play.be_silent(true);
    for (int i = 0; i < 40; ++i) (void)world.acquire(1, lock_scope());
    play.be_silent(false);
  }
  /// LOCK-4. As long as it is renewed in time.
  static void holds(Play& play, LockWorld& world) {
    const auto mine = world.acquire(0, lock_scope());
    if (!mine) return;
    play.tell("60 times 6 s pass, and a renews");
    play.be_silent(true);
    bool holds = true;
    for (int i = 0; i < 60 && holds; ++i) {
      world.pass(seconds(6), "");
      holds = world.renew(0, *mine);
      if (i % 10 == 0) (void)world.acquire(1, lock_scope());
    }
    play.be_silent(false);
    world.release(0, *mine);
    (void)world.acquire(1, lock_scope());
  }
  /// LOCK-2, LOCK-6. Scopes enough to fill a table, a stripe or a cache: all of them held at once, or one behind the other; then again.
  static void scopes(Play& play, LockWorld& world, bool at_once) {
    constexpr int count = 300;
    play.tell("300 scopes are granted, " + std::string(at_once ? "all at once, and released" : "one behind the other") + "; and again");
    play.be_silent(true);
    for (int round = 0; round < 2; ++round) {
      std::vector<std::size_t> held;
      for (int i = 0; i < count; ++i) {
        const auto mine = world.acquire(0, scope(i));
        if (!mine) continue;
        if (at_once) held.push_back(*mine);
        else world.release(0, *mine);
      }
      for (const std::size_t one : held) world.release(0, one);
    }
    play.be_silent(false);
  }
  static void almost_over(LockWorld& world, std::size_t grant) {
    const Duration left = world.grants()[grant].lease.deadline - tick - world.now();
    if (left > Duration{0}) world.pass(left, ": almost to the deadline");
  }
};

}  // namespace kfm_det::conformance::detail

#endif
