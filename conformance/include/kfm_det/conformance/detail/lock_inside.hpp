// SPDX-License-Identifier: BSL-1.0
/// \file
/// The parts of check_lock in which calls overlap: turns change at points within them (simulate/schedule.hpp).
///
/// Thread-safety: one thread; the tasks are the scheduler's.
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_INSIDE_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_INSIDE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/lock_parts.hpp"
#include "kfm_det/simulate/schedule.hpp"

namespace kfm_det::conformance::detail {

/// Two owners (or three) call at the same time, once or twice each. At a change of turn time may pass, and the one who is stopped may never go on.
struct LockInside {
  enum class Verb : std::uint8_t { nothing, acquire, renew, release };
  using Calls = std::array<Verb, 2>;
  struct Case {
    std::uint32_t past;   // prepare_lock
    Calls a, b;           // a third owner asks for the scope
  };
  static constexpr std::uint32_t once = 9, all = 17;
  static constexpr std::array<Case, all> cases{{
      // one call each, but for one who gives back at once what he is granted
      {0, {Verb::acquire}, {Verb::acquire}}, {1, {Verb::renew}, {Verb::acquire}}, {1, {Verb::release}, {Verb::acquire}}, {2, {Verb::renew}, {Verb::acquire}}, {3, {Verb::acquire}, {Verb::acquire}},
      {3, {Verb::renew}, {Verb::acquire}}, {3, {Verb::release}, {Verb::acquire}}, {4, {Verb::acquire}, {Verb::acquire}}, {0, {Verb::acquire}, {Verb::acquire, Verb::release}},
      // two
      {0, {Verb::acquire, Verb::renew}, {Verb::acquire, Verb::acquire}}, {0, {Verb::acquire, Verb::release}, {Verb::acquire, Verb::release}}, {1, {Verb::release, Verb::acquire}, {Verb::acquire, Verb::release}},
      {1, {Verb::release, Verb::acquire}, {Verb::acquire, Verb::renew}}, {2, {Verb::renew, Verb::release}, {Verb::acquire, Verb::acquire}}, {3, {Verb::renew, Verb::acquire}, {Verb::acquire, Verb::release}},
      {3, {Verb::release, Verb::acquire}, {Verb::acquire, Verb::renew}}, {3, {Verb::acquire, Verb::release}, {Verb::acquire, Verb::renew}}}};
  struct Gone {};   // unwinds the body of a task whose owner is dead

  simulate::Scheduler& scheduler;
  bool& blocked;   ///< a call had to wait for one that stood: no more of this
  std::uint32_t preemptions = 2;
  bool with_time = false;
  std::uint32_t first = 0, last = once;   ///< of the cases
  std::uint32_t owners = 2;               ///< at most

  void operator()(Play& play, AnyLockFixture& fixture) const {
    if (blocked) return;
    const Case& one = cases[first + play.pick(last - first)];
    LockWorld world(fixture, play);
    world.connect_all();
    (void)prepare_lock(world, one.past);
    std::array<bool, LockWorld::owners> dead{};
    std::uint32_t passes = with_time ? 1 : 0;
    const auto name = [](std::size_t owner) { return std::string(1, static_cast<char>('a' + owner)); };
    const auto calls = [&](std::uint32_t owner, const Calls& both) {
      for (const Verb verb : both) {
        const auto mine = world.newest_of(owner);
        if (verb == Verb::acquire) (void)world.acquire(owner, lock_scope());
        else if (verb == Verb::renew && mine) (void)world.renew(owner, *mine);
        else if (verb == Verb::release && mine) world.release(owner, *mine);
      }
    };
    const std::vector<std::function<void()>> verbs{[&] { calls(0, one.a); }, [&] { calls(1, one.b); }, [&] { (void)world.acquire(2, lock_scope()); }};
    const bool third = owners == LockWorld::owners && play.flip();
    {
      const Finish finish{scheduler};
      world.at_point = [&] { scheduler.point(); };
      world.at_answer = [&](std::uint32_t owner) {
        scheduler.take_turn();
        if (dead[owner] && scheduler.in_task()) throw Gone{};   // (behind the run another process of this owner may ask)
      };
      scheduler.run({verbs.begin(), verbs.begin() + (third ? 3 : 2)},
                    {[&](std::uint32_t below) { return play.pick(below); },
                     [&](std::size_t from, std::size_t to, bool has_ended) {
                       const std::uint32_t how = passes != 0 ? play.pick(has_ended ? 3 : 4) : 0;
                       if (has_ended && how == 0) return;
                       play.reach(has_ended ? "an owner goes on when another has ended" : "an owner is stopped within a call");
                       std::string line = name(from) + (has_ended ? " is done, " : " is stopped within it, ") + name(to) + " goes on";
                       if (how == 1 || how == 2) {
                         --passes;
                         world.clocks().advance(seconds(how == 1 ? 6 : 12));
                         line += ", " + std::string(how == 1 ? "6" : "12") + " s later";
                       }
                       if (how == 3) {
                         --passes;
                         dead[from] = true;
                         world.bury(static_cast<std::uint32_t>(from));
                         scheduler.abandon(from);
                         line += "; " + name(from) + " is dead";
                       }
                       play.note(line);
                     },
                     preemptions});
      world.at_point = nullptr;
      blocked = blocked || scheduler.was_blocked();
      ask_afterwards(world);
    }
  }

 private:
  struct Finish {
    simulate::Scheduler& scheduler;
    ~Finish() { scheduler.finish(); }
  };
};

}  // namespace kfm_det::conformance::detail

#endif
