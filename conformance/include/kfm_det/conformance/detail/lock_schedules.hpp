// SPDX-License-Identifier: BSL-1.0
/// \file
/// The parts of check_lock in which owners with a program each make their calls in every order, one call at a time: while leases run out, the wall clock is
/// set, and an owner's clock stands still.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_SCHEDULES_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_SCHEDULES_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/lock_parts.hpp"

namespace kfm_det::conformance::detail {

/// What makes fencing tokens worth anything: a sink of the kit's own, which every owner writes to. A tenure begins there with what its owner does first behind
/// his grant; from then on nothing that an earlier one writes may show.
class FencedSink {
 public:
  explicit FencedSink(LockWorld& world) : world_(world) {}

  void granted(std::size_t grant) {
    const FencingToken token = world_.grants()[grant].lease.token;
    world_.play().expect("LOCK-2", token > floor_, [&] { return "a sink refuses the new owner: token " + std::to_string(token.value) + " is not above its floor " + std::to_string(floor_.value); });
  }
  void begins(std::size_t grant) {
    if (!takes(grant)) return;
    floor_ = world_.grants()[grant].lease.token;
    newest_ = std::max(newest_, grant);
  }
  /// He may not know yet that he has lost it.
  void write(std::size_t grant) {
    Play& play = world_.play();
    const LockWorld::Grant& one = world_.grants()[grant];
    const bool taken = takes(grant);
    play.tell(one.lease.owner.text + ": writes with token " + std::to_string(one.lease.token.value) + (taken ? "" : ", and is refused"));
    play.reach(taken ? "a write is taken" : "a stale write is refused");
    play.expect("LOCK-2", !taken || grant >= newest_, "a stale write shows: the sink cannot tell it from the new owner's");
    play.expect("LOCK-2", taken || grant < newest_, "a sink refuses the new owner: an earlier one has a higher token");
    begins(grant);
  }

 private:
  /// SINK-6: an equal token is that of the same owner.
  [[nodiscard]] bool takes(std::size_t grant) const {
    const Lease& lease = world_.grants()[grant].lease;
    return lease.token > floor_ || (lease.token == floor_ && lease.owner == world_.grants()[newest_].lease.owner);
  }
  LockWorld& world_;
  FencingToken floor_;
  std::size_t newest_ = 0;   // of the grants that have begun
};

/// Every order in which owners with a program each can make their calls, and what happens to them in between. Owners enter in their order, and are alike until
/// their programs part; a call that has no lease to speak of is left out. So no schedule is played twice, and one that is the beginning of another is not played.
struct LockSchedules {
  enum class Call : std::uint8_t { acquire, renew, release, write };
  using Program = std::array<Call, 4>;
  static constexpr std::array<Program, 4> programs{{
      {Call::acquire, Call::renew, Call::release, Call::acquire},
      {Call::acquire, Call::write, Call::write, Call::release},
      {Call::acquire, Call::release, Call::release, Call::acquire},
      {Call::acquire, Call::acquire, Call::renew, Call::release},
  }};
  std::uint32_t owners = LockWorld::owners;
  std::uint32_t calls = 4;     ///< of each of them
  std::uint32_t passes = 0;    ///< how often every lease runs out
  bool halves = false;         ///< or 6 s pass: more than half of a lease
  std::uint32_t steps = 0;     ///< how often the wall clock is set
  std::uint32_t freezes = 0;   ///< how often an owner's clock stands still, while 11 s pass

  void operator()(Play& play, AnyLockFixture& fixture) const {
    LockWorld world(fixture, play);
    FencedSink sink(world);
    world.tokens_are_judged = false;   // by the sink
    if (steps != 0) world.instead = "LOCK-7";
    Left left{passes, steps, freezes, LockWorld::owners};
    std::array<Place, LockWorld::owners> at{};
    std::vector<Act> able;
    std::uint32_t known = 0;
    for (;;) {
      add_calls(able, at, world, known, false);
      if (able.empty()) return;
      if (const Events some = events(world, left, known); some.count != 0)
        if (const std::uint32_t which = play.pick(some.count + 1); which != 0) {   // none is the simplest
          happens(some.all[which - 1], world, left);
          add_calls(able, at, world, known, true);
          if (able.empty()) return;
        }
      const Act act = able[play.pick(static_cast<std::uint32_t>(able.size()))];
      known = std::max(known, act.owner + 1);
      for (std::size_t i = 0; i < programs.size(); ++i) at[act.owner][i] = at[act.owner][i] < calls && programs[i][at[act.owner][i]] == act.call ? at[act.owner][i] + 1 : calls;
      call(world, act, sink);
    }
  }

 private:
  struct Act {
    std::uint32_t owner = 0;
    Call call = Call::acquire;
  };
  enum class Kind : std::uint8_t { runs_out, passes, forth, back, freeze, thaw, thaw_late };
  struct Event {
    Kind kind = Kind::runs_out;
    std::uint32_t owner = 0;
  };
  struct Events {
    std::array<Event, 8> all{};
    std::uint32_t count = 0;
    void add(Kind kind, std::uint32_t owner = 0) { all[count++] = {kind, owner}; }
  };
  struct Left { std::uint32_t passes, steps, freezes, frozen; };
  using Place = std::array<std::uint32_t, programs.size()>;   // in each program that can still be his

  void add_calls(std::vector<Act>& able, std::array<Place, LockWorld::owners>& at, const LockWorld& world, std::uint32_t known, bool behind_an_event) const {
    able.clear();
    for (std::uint32_t owner = 0; owner < owners && owner <= known; ++owner) {
      const bool has_lease = world.newest_of(owner).has_value();
      std::array<bool, 4> seen{};
      for (std::size_t i = 0; i < programs.size(); ++i) {
        std::uint32_t& next = at[owner][i];
        while (next < calls && programs[i][next] != Call::acquire && !has_lease) ++next;
        if (next == calls || std::exchange(seen[static_cast<std::size_t>(programs[i][next])], true)) continue;
        if (programs[i][next] == Call::write && behind_an_event) continue;   // a sink has no clock: what happens before it may as well happen behind it
        able.push_back({owner, programs[i][next]});
      }
    }
  }
  [[nodiscard]] Events events(const LockWorld& world, const Left& left, std::uint32_t known) const {
    Events out;
    if (known == 0) return out;
    if (left.passes != 0 && world.is_in_the_way()) {
      out.add(Kind::runs_out);
      if (halves) out.add(Kind::passes);
    }
    if (left.steps != 0) {
      out.add(Kind::forth);
      out.add(Kind::back);
    }
    if (left.frozen != LockWorld::owners) {
      out.add(Kind::thaw, left.frozen);
      out.add(Kind::thaw_late, left.frozen);
    } else if (left.freezes != 0) {
      for (std::uint32_t owner = 0; owner < known; ++owner) out.add(Kind::freeze, owner);
    }
    return out;
  }
  static void happens(const Event& event, LockWorld& world, Left& left) {
    switch (event.kind) {
      case Kind::runs_out: --left.passes; pass_all(world); break;
      case Kind::passes: --left.passes; world.pass(seconds(6), ""); break;
      case Kind::forth: --left.steps; world.step_wall(seconds(100)); break;
      case Kind::back: --left.steps; world.step_wall(seconds(-100)); break;
      case Kind::freeze:
        --left.freezes;
        left.frozen = event.owner;
        world.freeze(event.owner);
        world.pass(seconds(11), "");
        break;
      case Kind::thaw: case Kind::thaw_late:
        world.thaw(event.owner, event.kind == Kind::thaw);
        left.frozen = LockWorld::owners;
        break;
    }
  }
  static void call(LockWorld& world, const Act& act, FencedSink& sink) {
    const auto mine = world.newest_of(act.owner);
    switch (act.call) {
      case Call::acquire:
        if (const auto grant = world.acquire(act.owner, lock_scope())) sink.granted(*grant);
        break;
      case Call::renew:
        sink.begins(*mine);
        (void)world.renew(act.owner, *mine);
        break;
      case Call::release: world.release(act.owner, *mine); break;
      case Call::write: sink.write(*mine); break;
    }
  }
};

}  // namespace kfm_det::conformance::detail

#endif
