// SPDX-License-Identifier: BSL-1.0
/// \file
/// The part of check_lock in which calls of the disk fail: who is granted the scope holds it, whatever has failed; who is answered an error holds nothing; and when
/// the disk works again so does the lock.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_FAULTS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_FAULTS_HPP

#include <cstdint>
#include <optional>
#include <string>

#include "kfm_det/conformance/detail/disk_faults.hpp"
#include "kfm_det/conformance/detail/lock_parts.hpp"

namespace kfm_det::conformance::detail {

/// Any call of one verb fails, once or from then on; then its owner goes on, is killed, or the power goes.
struct LockFaults {
  void operator()(Play& play, AnyLockFixture& fixture) const {
    enum class Verb : std::uint8_t { acquire, acquire_again, renew, release };
    const auto verb = static_cast<Verb>(play.pick(4));
    const std::uint32_t owner = verb == Verb::acquire ? 1 : 0;
    LockWorld world(fixture, play);
    world.connect_all();
    (void)prepare_lock(world, play.pick(lock_pasts));
    const auto mine = world.newest_of(0);
    if (!mine && verb != Verb::acquire && verb != Verb::acquire_again) return;

    std::optional<simulate::Disk> disk = fixture.disk();
    std::optional<DiskFault> fault;
    bool persists = false;
    disk->on_fault([&](const simulate::Call& call) -> simulate::Fault {
      if (call.verb == simulate::Verb::sync_in_flight) return {};   // the second half of a sync
      if (fault) return persists ? fault_of(*fault, call) : simulate::Fault{};
      const std::uint32_t how = play.pick(2 * disk_faults_of(call.verb) + 1);
      if (how == 0) return {};
      fault = static_cast<DiskFault>((how - 1) / 2);
      persists = how % 2 == 0;
      play.note(std::string(simulate::name(call.verb)) + " of " + std::string(call.path) + " " + text_of(*fault, persists));
      return fault_of(*fault, call);
    });
    // An error says nothing of what has happened; and what is asked behind the answer is asked of a disk that works.
    world.answers_are_lost = world.error_is_fine = true;
    bool erred = false;
    world.at_answer = [&](std::uint32_t) { disk->on_fault({}); };
    if (verb == Verb::acquire || verb == Verb::acquire_again) (void)world.acquire(owner, lock_scope());
    else if (verb == Verb::renew) erred = !world.renew(0, *mine);
    else world.release(0, *mine);
    world.at_answer = nullptr;
    world.answers_are_lost = world.error_is_fine = false;
    if (fault) play.reach("a call of the disk fails");

    const std::uint32_t behind = play.pick(1 + (world.traits().kills ? 1U : 0U) + (world.traits().crashes ? 1U : 0U) + (world.traits().crash_has_fates ? 1U : 0U));
    if (behind == 1 && world.traits().kills) world.kill(owner);
    else if (behind != 0) world.crash(behind == (world.traits().kills ? 3U : 2U));
    const auto holding = world.believer(lock_scope());
    const std::uint32_t next = holding ? play.pick(3) : 0;   // 2: nobody does anything until it has run out
    if (next == 1) world.pass(world.grants()[*holding].lease.deadline - tick - world.now(), ": almost to the deadline");
    if (next != 2) (void)world.acquire(holding ? (world.grants()[*holding].owner + 1) % LockWorld::owners : 2, lock_scope());
    if (holding && next != 2) {
      world.error_is_fine = erred;   // he may have lost what he could not renew
      (void)world.renew(world.grants()[*holding].owner, *holding);
      world.error_is_fine = false;
    }
    pass_all(world);
    for (const std::uint32_t one : {owner, 2U})
      if (const auto grant = world.acquire(one, lock_scope())) world.release(one, *grant);
  }
};

}  // namespace kfm_det::conformance::detail

#endif
