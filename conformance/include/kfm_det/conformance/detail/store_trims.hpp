// SPDX-License-Identifier: BSL-1.0
/// \file
/// The part of check_store_on_disk where an owner trims and somebody else reads, one inside of the other between any two calls; and where an owner sleeps in
/// a trim while a later one works and trims too.
///
/// Thread-safety: see check_store_on_disk.hpp.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_TRIMS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_TRIMS_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "kfm_det/conformance/detail/store_on_disk.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance::detail {

inline void check_trims(Explorer& explorer, const Options& options, const StoreOnDisk& subject) {
  const auto trial = [&](Play& play) {
    const std::uint32_t who = play.pick(3);      // 0: a reader inside of a trim, 1: a trim inside of a reading, 2: a later tenure inside of a trim
    const std::uint32_t at = play.pick(48);      // before which call
    const std::uint32_t before = play.pick(3);   // a log of one segment, of some, of some that was trimmed before
    const bool power = play.pick(2) == 1;
    const Disk disk = fresh_disk(0);
    StoreWorld world(play, kit_stream(), subject.on(disk), subject.claims);
    if (!world.begin()) return;
    world.append(world.owner, 1, 0);
    if (before > 0) world.append(world.owner, 1, 2600);
    if (before > 0) world.append(world.owner, 1, 2600);
    if (before > 1) world.trim();
    if (before > 1) world.append(world.owner, 1, 2600);
    world.sync(world.owner);
    Broken broken;
    bool done = false;
    std::uint64_t calls = 0;
    const auto inside = [&](const std::function<void()>& act) {
      disk.on_call([&, act](const Call& call) {
        if (call.verb == simulate::Verb::sync_in_flight || done || calls++ != at) return;
        done = true;
        try { act(); } catch (...) { broken = what_was_broken(); }
      });
    };
    const Frames log = world.owner.log;
    const auto read = [&](StreamSubject& reader) {
      auto found = reader.inspect({});
      play.expect("STORE-19", found.has_value(), [&] { return "inspect() beside a trim answers " + found.error().message(); });
      play.expect("STORE-19", is_usable(found.value().verdict), [&] { return "inspect() beside a trim answers " + std::string(name(found.value().verdict)) + (found.value().evidence.empty() ? "" : " (" + found.value().evidence[0].sentence + ")"); });
      world.read_beside(reader, log, [](std::size_t) {});
    };
    const Lsn first = world.checkpoint(world.owner);
    world.sync(world.owner);
    if (first == 0) return;
    world.oracle.ask_base(first);
    const auto drop = [&] {
      auto answer = world.owner.stream->drop_before(first);
      play.expect("STORE-20", answer.has_value(), [&] { return "drop_before() answers " + answer.error().message(); });
    };
    auto reader = subject.on(disk)(kit_stream());
    if (!reader) return;
    if (who == 0) {
      world.tell([] { return std::string("the owner trims; meanwhile somebody else inspects and scans"); });
      inside([&] { read(*reader.value()); });
      drop();
    } else if (who == 1) {
      world.tell([] { return std::string("somebody inspects and scans; meanwhile the owner trims"); });
      inside([&] { drop(); });
      read(*reader.value());
    } else {
      world.tell([] { return std::string("the owner trims and is held up; meanwhile another one opens, recovers, works and trims"); });
      StoreWorld other(play, kit_stream(), subject.on(disk), subject.claims, world.oracle);
      inside([&] {
        if (!other.begin()) return;
        other.append(other.owner, 1, 0);
        other.trim();
      });
      auto answer = world.owner.stream->drop_before(first);
      disk.on_call({});
      world.note([&] { return "the first owner's trim answers " + (answer ? std::string("success") : std::string(kfm_det::name(answer.error().code()))); });
      if (done && !broken) {
        world.oracle = other.oracle;
        world.owner = std::move(other.owner);
      }
    }
    disk.on_call({});
    if (broken) play.broke(broken->law, broken->sentence);
    if (!done) return;   // fewer calls than that
    world.scan();
    world.append(world.owner, 1, 0);
    world.sync(world.owner);
    world.owner.stream.reset();
    const Disk left = left_behind(disk, power, subject.claims);
    world.note([&] { return std::string(power ? "the power goes" : "all are killed"); });
    goes_on(play, world, left, subject, true);
  };
  explorer.run("trims", {std::min<std::uint64_t>(2'000, std::uint64_t{100} * options.cases), 0, "a reader or a later owner, before each call of a trim, and the other way round"}, trial);
}

}  // namespace kfm_det::conformance::detail

#endif
