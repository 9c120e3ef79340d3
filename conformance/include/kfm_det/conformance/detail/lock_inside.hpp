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

/// Two owners (or three) call at the same time. At a change of turn time may pass, and the one who is stopped may never go on.
struct LockInside {
  enum class Verb : std::uint8_t { acquire, renew, release };
  struct Case {
    std::uint32_t past;   // prepare_lock
    Verb verb;            // of owner a; the others ask for the scope
    bool releases;        // and b, when it is granted, gives it back at once
  };
  static constexpr std::array<Case, 9> cases{{{0, Verb::acquire, false}, {1, Verb::renew, false}, {1, Verb::release, false}, {2, Verb::renew, false}, {3, Verb::acquire, false},
                                              {3, Verb::renew, false}, {3, Verb::release, false}, {4, Verb::acquire, false}, {0, Verb::acquire, true}}};
  struct Gone {};   // unwinds the body of a task whose owner is dead

  simulate::Scheduler& scheduler;
  bool& blocked;   ///< a call had to wait for one that stood: no more of this
  std::uint32_t preemptions = 2;
  bool with_time = false;
  bool with_third = false;

  void operator()(Play& play, AnyLockFixture& fixture) const {
    if (blocked) return;
    const Case& one = cases[play.pick(static_cast<std::uint32_t>(cases.size()))];
    LockWorld world(fixture, play);
    world.connect_all();
    (void)prepare_lock(world, one.past);
    const auto mine = world.newest_of(0);
    std::array<bool, LockWorld::owners> dead{};
    std::uint32_t passes = with_time ? 1 : 0;
    const auto name = [](std::size_t owner) { return std::string(1, static_cast<char>('a' + owner)); };
    const std::vector<std::function<void()>> verbs{[&] {
                                                     if (one.verb == Verb::acquire) (void)world.acquire(0, lock_scope());
                                                     else if (one.verb == Verb::renew) (void)world.renew(0, *mine);
                                                     else world.release(0, *mine);
                                                   },
                                                   [&] {
                                                     const auto grant = world.acquire(1, lock_scope());
                                                     if (grant && one.releases) world.release(1, *grant);
                                                   },
                                                   [&] { (void)world.acquire(2, lock_scope()); }};
    const bool third = with_third && play.flip();
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
