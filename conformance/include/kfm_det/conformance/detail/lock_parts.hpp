// SPDX-License-Identifier: BSL-1.0
/// \file
/// The parts of check_lock in which one call runs at a time. Each is a trial: a function of its choices (conformance/explore.hpp).
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_PARTS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_PARTS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/lock_world.hpp"

namespace kfm_det::conformance::detail {

inline const LockScope& lock_scope() {
  static const LockScope scope{"updater", "partition"};
  return scope;
}
inline const LockScope& other_lock_scope() {
  static const LockScope scope{"updater", "other"};
  return scope;
}
inline constexpr Duration tick = milliseconds(1);   // systems that count milliseconds are judged beside a deadline, never on it

inline void pass_all(LockWorld& world) { world.pass(world.all_free_at() - world.now() + tick, ": every lease has run out"); }
/// What must be true behind anything: a holder holds, and a dead one does not for ever.
inline void ask_afterwards(LockWorld& world) {
  const auto holding = world.believer(lock_scope());
  if (holding) (void)world.acquire((world.grants()[*holding].owner + 1) % LockWorld::owners, lock_scope());
  if (holding) world.release(world.grants()[*holding].owner, *holding);
  else pass_all(world);
  (void)world.acquire(2, lock_scope());
}

/// Any acts, in any order: what three owners may do, time, ends of processes and, where the fixture can, power loss. Owners enter in their order: they are alike.
struct LockActs {
  std::uint32_t length = 4;
  bool wall = false;   ///< the wall clock is set, too: nothing may depend on it

  void operator()(Play& play, AnyLockFixture& fixture) const {
    LockWorld world(fixture, play);
    if (wall) world.instead = "LOCK-7";
    std::uint32_t known = 0;   // owners that have acted
    bool lost_power = false;
    std::vector<std::function<void()>> acts;
    for (std::uint32_t step = 0; step < length; ++step) {
      acts.clear();
      const bool any = !world.grants().empty();
      for (std::uint32_t owner = 0; owner < LockWorld::owners && owner <= known; ++owner) {
        acts.emplace_back([&world, &known, owner] { known = std::max(known, owner + 1); (void)world.acquire(owner, lock_scope()); });
        for (std::size_t older = 0; older < 2; ++older)
          if (const auto grant = world.newest_of(owner, older)) {
            acts.emplace_back([&world, owner, grant] { (void)world.renew(owner, *grant); });
            acts.emplace_back([&world, owner, grant] { world.release(owner, *grant); });
          }
      }
      if (any) {
        const Duration deadline = world.grants().back().lease.deadline, gone = world.all_free_at() + tick;
        acts.emplace_back([&world] { world.pass(seconds(6), ""); });
        acts.emplace_back([&world, gone] { world.pass(gone - world.now(), ": every lease has run out"); });
        if (deadline - tick > world.now()) acts.emplace_back([&world, deadline] { world.pass(deadline - tick - world.now(), ": almost to the deadline"); });
        if (wall) {
          acts.emplace_back([&world] { world.step_wall(seconds(100)); });
          acts.emplace_back([&world] { world.step_wall(seconds(-100)); });
        }
      }
      if (!wall) other_acts(world, acts, known, lost_power);
      const std::uint32_t act = play.pick(static_cast<std::uint32_t>(acts.size()) + 1);
      if (act == 0) return;
      acts[act - 1]();
    }
  }

 private:
  static void other_acts(LockWorld& world, std::vector<std::function<void()>>& acts, std::uint32_t& known, bool& lost_power) {
    acts.emplace_back([&world, &known] { known = std::max(known, 1u); (void)world.acquire(0, other_lock_scope()); });
    std::uint64_t highest = 0;
    for (const auto& grant : world.grants()) highest = std::max(highest, grant.lease.token.value);
    for (const std::uint64_t above : {highest + 5, std::uint64_t{1}})
      acts.emplace_back([&world, &known, above] { known = std::max(known, 1u); (void)world.acquire(0, lock_scope(), LockWorld::lease_ttl, FencingToken{above}); });
    for (std::uint32_t owner = 0; owner < known; ++owner) {
      const auto mine = world.newest_of(owner);
      if (const auto other = world.newest_of((owner + 1) % LockWorld::owners)) {
        acts.emplace_back([&world, owner, other] { world.release(owner, *other); });
        acts.emplace_back([&world, owner, other] { (void)world.renew(owner, *other); });
      }
      if (!mine) continue;
      acts.emplace_back([&world, owner] { world.reconnect(owner); });
      if (world.traits().kills) acts.emplace_back([&world, owner] { world.kill(owner); });
    }
    if (known == 0 || lost_power) return;
    if (world.traits().crashes) acts.emplace_back([&world, &lost_power] { lost_power = true; world.crash(false); });
    if (world.traits().crash_has_fates) acts.emplace_back([&world, &lost_power] { lost_power = true; world.crash(true); });
  }
};

/// Who has the scope before something happens to it.
inline constexpr std::uint32_t lock_pasts = 6;
inline std::string_view prepare_lock(LockWorld& world, std::uint32_t past) {
  switch (past) {
    case 1: (void)world.acquire(0, lock_scope()); return "held";
    case 2: (void)world.acquire(0, lock_scope()); world.pass(seconds(6), ""); return "held for a while";
    case 3: (void)world.acquire(0, lock_scope()); pass_all(world); return "run out";
    case 4:
      for (int i = 0; i < 3; ++i)
        if (const auto grant = world.acquire(0, lock_scope())) world.release(0, *grant);
      return "released, three times";
    case 5:
      if (const auto grant = world.acquire(0, lock_scope())) {
        world.pass(seconds(6), "");
        (void)world.renew(0, *grant);
      }
      return "renewed";
    default: return "never held";
  }
}

/// Time passes within a call: at any reading of a clock and, with on_call(), at any call of the medium, up to twice.
struct LockPauses {
  void operator()(Play& play, AnyLockFixture& fixture) const {
    LockWorld world(fixture, play);
    world.connect_all();
    const std::uint32_t verb = play.pick(4);
    (void)prepare_lock(world, play.pick(lock_pasts));
    std::uint32_t left = 2;
    world.at_point = [&] {
      if (left == 0) return;
      const std::uint32_t how = play.pick(3);
      if (how == 0) return;
      --left;
      const Duration by = seconds(how == 1 ? 6 : 12);
      play.note("in the midst of it " + std::to_string(by.ns / 1'000'000'000) + " s pass");
      world.clocks().advance(by);
    };
    const auto mine = world.newest_of(0);
    if (verb == 0) (void)world.acquire(1, lock_scope());
    else if (verb == 1) (void)world.acquire(0, lock_scope());
    else if (verb == 2 && mine) (void)world.renew(0, *mine);
    else if (verb == 3 && mine) world.release(0, *mine);
    world.at_point = nullptr;
    ask_afterwards(world);
  }
};

/// The ends of every range: times to live, tokens, names.
struct LockEdges {
  static constexpr std::uint32_t cases = 8;
  void operator()(Play& play, AnyLockFixture& fixture) const {
    const std::uint32_t which = play.pick(cases);
    LockWorld world(fixture, play);
    switch (which) {
      case 0: scopes_apart(play, world); break;
      case 1: no_time(world, Duration{0}); break;
      case 2: no_time(world, seconds(-5)); break;
      case 3: long_time(world); break;
      case 4: renewed_for_nothing(world, play.flip() ? seconds(-5) : Duration{0}); break;
      case 5: high_tokens(play, world); break;
      case 6: (void)renewed_shorter(world, play.flip()); break;
      default: many_scopes(world); break;
    }
  }

 private:
  static void scopes_apart(Play& play, LockWorld& world) {
    static const std::vector<std::pair<LockScope, LockScope>> pairs = [] {
      const std::string decomposed = "e\xCC\x81", composed = "\xC3\xA9";
      const std::string_view with_null("p\0q", 3);
      const std::string longer(300, 'x');
      return std::vector<std::pair<LockScope, LockScope>>{
          {{"u", "p"}, {"u", "q"}}, {{"u", "p"}, {"v", "p"}}, {{"u", "p"}, {"u", "P"}}, {{"u", "p"}, {"u", "p "}}, {{"u", "p"}, {"u", ""}}, {{"up", ""}, {"u", "p"}},
          {{"a", "b/c"}, {"a/b", "c"}}, {{"a", "b:c"}, {"a:b", "c"}}, {{"a", "b@c"}, {"a@b", "c"}}, {{"a", "b-c"}, {"a-b", "c"}}, {{"a", "b_c"}, {"a_b", "c"}}, {{"a", "b.c"}, {"a.b", "c"}},
          {{"a", "b|c"}, {"a|b", "c"}}, {{"a", "bc"}, {"ab", "c"}}, {{"u", "1"}, {"u", "01"}}, {{"u", "1"}, {"u", "1.0"}}, {{"u", "a%2Fb"}, {"u", "a/b"}}, {{"u", "a\\b"}, {"u", "a/b"}},
          {{"u", "."}, {"u", ".."}}, {{"u", composed}, {"u", decomposed}}, {{"u", std::string(with_null)}, {"u", "p"}}, {{"u", longer + "1"}, {"u", longer + "2"}}};
    }();
    const auto& [first, second] = pairs[play.pick(static_cast<std::uint32_t>(pairs.size()))];
    const bool turned = play.flip();
    world.error_is_fine = first.partition.find('\0') != std::string::npos || first.partition.size() > 255;   // some systems cannot hold such names
    const auto a = world.acquire(0, turned ? second : first);
    const auto b = world.acquire(1, turned ? first : second);
    if (a && b) world.release(0, *a);   // and frees nothing but its own
    if (a && b) (void)world.acquire(2, turned ? first : second);
  }
  static void no_time(LockWorld& world, Duration ttl) {
    (void)world.acquire(0, lock_scope(), ttl);
    world.pass(tick, "");
    (void)world.acquire(1, lock_scope());
  }
  static void long_time(LockWorld& world) {
    world.error_is_fine = true;
    const auto a = world.acquire(0, lock_scope(), Duration{std::numeric_limits<std::int64_t>::max()});
    world.error_is_fine = false;
    (void)world.acquire(1, lock_scope());
    if (!a) return;
    world.release(0, *a);
    (void)world.acquire(2, lock_scope());
  }
  static void renewed_for_nothing(LockWorld& world, Duration ttl) {
    const auto a = world.acquire(0, lock_scope());
    if (!a) return;
    (void)world.renew(0, *a, ttl);
    world.pass(LockWorld::lease_ttl + tick, "");
    (void)world.acquire(1, lock_scope());
  }
  static bool renewed_shorter(LockWorld& world, bool in_the_end) {
    const auto a = world.acquire(0, lock_scope());
    if (!a) return false;
    (void)world.renew(0, *a, seconds(2));
    world.pass(seconds(3), "");
    (void)world.acquire(1, lock_scope());
    if (in_the_end) pass_all(world);
    return world.acquire(1, lock_scope()).has_value();
  }
  static void high_tokens(Play& play, LockWorld& world) {
    // Counters of databases have 63 bits. The end of the range itself is not asked: nobody gets there by granting.
    static constexpr std::array<std::uint64_t, 6> above{1, 1000, (std::uint64_t{1} << 31) - 1, (std::uint64_t{1} << 32) - 1, std::uint64_t{1} << 53, std::uint64_t{1} << 61};
    const FencingToken asked{above[play.pick(static_cast<std::uint32_t>(above.size()))]};
    const auto a = world.acquire(0, lock_scope(), LockWorld::lease_ttl, asked);
    if (a) world.release(0, *a);
    (void)world.acquire(1, lock_scope());
  }
  static void many_scopes(LockWorld& world) {
    std::vector<std::size_t> held;
    const auto scope = [](int i) { return LockScope{"updater", std::to_string(i)}; };
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 20; ++i)
        if (const auto grant = world.acquire(static_cast<std::uint32_t>(i) % 2, scope(i))) held.push_back(*grant);
      for (std::size_t i = 0; i < held.size(); ++i) world.release(world.grants()[held[i]].owner, held[i]);
      held.clear();
    }
  }
};

}  // namespace kfm_det::conformance::detail

#endif
