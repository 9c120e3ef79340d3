// SPDX-License-Identifier: BSL-1.0
/// \file
/// The part of check_store_on_disk with two owners: one acts between any two calls of the other.
///
/// Thread-safety: see check_store_on_disk.hpp.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_TENURES_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_TENURES_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "kfm_det/conformance/detail/store_on_disk.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance::detail {

/// Another owner acts between any two calls of the first one.
inline void check_tenures(Explorer& explorer, const Options& options, const StoreOnDisk& subject) {
  const auto trial = [&](Play& play) {
    const std::uint32_t who = play.pick(3);         // 0: the earlier owner acts inside the recovery of the later one; a whole tenure inside 1: a sync, 2: a recovery of the earlier one
    const std::uint32_t at = play.pick(40);         // before which call
    const std::uint32_t before = play.pick(3);      // what is in the log
    const std::uint32_t behind = play.pick(3);      // what the later owner does
    const bool power = play.pick(2) == 1;
    const bool rotates = play.pick(2) == 1;
    const Disk disk = fresh_disk(0);
    StoreWorld world(play, kit_stream(), subject.on(disk), subject.claims);
    if (!world.begin()) return;
    if (before > 0) world.append(world.owner, 1, rotates ? 2600 : 0);
    if (before > 1) world.sync(world.owner);
    if (before > 1) world.append(world.owner, 2, 0);
    Broken broken;
    bool done = false;
    std::uint64_t calls = 0;
    const auto inside = [&](const std::function<void()>& act) {
      disk.on_call([&, act](const Call&) {
        if (calls++ != at || done) return;
        done = true;
        try { act(); } catch (...) { broken = what_was_broken(); }
      });
    };
    if (who == 0) {
      // `old` acts while the other recovers; whether it has ended is for the store to know: a sync that answers counts
      world.tell([] { return std::string("another owner opens and recovers; meanwhile the first one acts"); });
      world.old = std::move(world.owner);
      world.owner = StoreOwner{};
      auto stream = subject.on(disk)(kit_stream());
      if (!stream) return;
      world.owner.stream = std::move(stream).value();
      inside([&] {
        world.append(world.old, 1, rotates ? 2600 : 0);
        auto answer = world.old.stream->sync();
        world.note([&] { return std::string("the earlier owner syncs: ") + (answer ? "LSN " + std::to_string(answer.value()) : std::string(kfm_det::name(answer.error().code()))); });
        if (!answer) { world.old.usable = false; return; }
        play.reach("an earlier owner acknowledged inside a recovery");
        if (!world.oracle.acknowledge(Frames(world.old.log.begin(), world.old.log.begin() + static_cast<std::ptrdiff_t>(answer.value()))))
          play.broke("STORE-5", "the earlier owner acknowledges a log that contradicts what was acknowledged");
      });
      const bool was_tolerant = std::exchange(world.may_fail, true);   // a conflict is an answer here
      const bool begun = world.recover(world.owner, {});
      world.may_fail = was_tolerant;
      disk.on_call({});
      if (broken) play.broke(broken->law, broken->sentence);
      if (!done) return;   // fewer calls than that
      if (!begun && !world.begin()) return;
    } else if (who == 2) {
      world.tell([] { return std::string("a recovery; meanwhile another owner opens, recovers and works"); });
      world.owner.stream.reset();
      auto stream = subject.on(disk)(kit_stream());
      if (!stream) return;
      StoreWorld other(play, kit_stream(), subject.on(disk), subject.claims, world.oracle);
      inside([&] {
        if (!other.begin()) return;
        if (behind > 0) other.append(other.owner, 1, 0);
        if (behind > 1) other.sync(other.owner);
      });
      world.may_fail = true;
      world.owner.stream = std::move(stream).value();
      const Frames due = world.oracle.due();
      auto found = world.owner.stream->recover({}, {});
      disk.on_call({});
      if (broken) play.broke(broken->law, broken->sentence);
      if (!done) return;
      world.note([&] { return std::string("the first recovery: ") + (found ? std::string(name(found.value().verdict)) : std::string(kfm_det::name(found.error().code()))); });
      // whichever of the two is the later tenure, one of them at most may write: both sync, and what both acknowledge must agree
      const auto works = [&](StreamSubject& subject_stream, Chain chain, const Frames& log, std::string_view which) {
        const Frames more = make_frames(kit_stream(), chain, 1, 0, std::string(which));
        world.oracle.submit(chain.last, more);
        other.oracle.submit(chain.last, more);
        auto appended = subject_stream.append(chain.last - 1, std::vector<BytesView>{BytesView(more[0])});
        auto synced = appended ? subject_stream.sync() : appended;
        world.note([&] { return std::string(which) + " appends and syncs: " + (synced ? "LSN " + std::to_string(synced.value()) : std::string(kfm_det::name(synced.error().code()))); });
        if (!synced) return;
        Frames content = log;
        content.push_back(more[0]);
        play.expect("STORE-5", other.oracle.acknowledge(content), "two owners that recovered at the same time both acknowledge, and their logs contradict each other");
      };
      if (found && is_usable(found.value().verdict)) {
        auto content = world.read(*world.owner.stream);
        if (!content) return;
        works(*world.owner.stream, Chain{found.value().incarnation, found.value().tail.lsn, found.value().tail.lsn, found.value().tail.hash}, content.value(), "the first owner");
      }
      if (other.owner.stream && other.owner.usable) works(*other.owner.stream, other.owner.chain, other.owner.log, "the other owner");
      world.owner = StoreOwner{};
      other.owner = StoreOwner{};
      world.may_fail = false;
      world.oracle = other.oracle;
      if (!world.begin()) return;
    } else {
      world.tell([] { return std::string("a sync; meanwhile another owner opens, recovers and works"); });
      StoreOwner& first = world.owner;
      const Frames log = first.log;
      StoreWorld other(play, kit_stream(), subject.on(disk), subject.claims, world.oracle);
      inside([&] {
        if (!other.begin()) return;
        if (behind > 0) other.append(other.owner, 1, 0);
        if (behind > 1) other.sync(other.owner);
      });
      auto answer = first.stream->sync();
      disk.on_call({});
      if (broken) play.broke(broken->law, broken->sentence);
      if (!done) return;
      world.note([&] { return std::string("the first owner's sync: ") + (answer ? "LSN " + std::to_string(answer.value()) : std::string(kfm_det::name(answer.error().code()))); });
      if (answer) {
        play.reach("a sync acknowledged although another tenure began meanwhile");
        play.expect("STORE-5", other.oracle.acknowledge(Frames(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(answer.value()))), "a sync acknowledges a log that contradicts what a later tenure recovered");
      }
      world.oracle = other.oracle;
      world.old = std::move(world.owner);
      world.old.ended = true;
      world.owner = std::move(other.owner);
    }
    world.old.ended = true;
    if (behind > 0) world.append(world.owner, 1, 0);
    if (behind > 1) world.sync(world.owner);
    if (world.old.stream) {
      world.append(world.old, 1, 0);
      world.sync(world.old);
    }
    world.owner.stream.reset();
    const Disk left = left_behind(disk, power, subject.claims);
    world.note([&] { return std::string(power ? "the power goes" : "all are killed"); });
    goes_on(play, world, left, subject);
  };
  explorer.run("tenures", {std::min<std::uint64_t>(10'000, std::uint64_t{400} * options.cases), 0, "two owners, before each call of a recovery or a sync"}, trial);
}

}  // namespace kfm_det::conformance::detail

#endif
