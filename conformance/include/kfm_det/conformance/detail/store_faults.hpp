// SPDX-License-Identifier: BSL-1.0
/// \file
/// The parts of check_store_on_disk that fail calls, and that put strange files beside the store's own.
///
/// Thread-safety: see check_store_on_disk.hpp.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_FAULTS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_FAULTS_HPP

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "kfm_det/conformance/detail/disk_faults.hpp"
#include "kfm_det/conformance/detail/store_on_disk.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance::detail {

/// Every k-th call fails, once or from then on; then the power goes.
inline void check_faults(Explorer& explorer, const Options& options, const StoreOnDisk& subject) {
  const auto trial = [&](std::uint32_t ops_max) {
    return [&, ops_max](Play& play) {
      const std::uint32_t before = play.pick(5);   // what is there when it begins to fail
      const Workload workload = pick_workload(play, 0, ops_max, 1);
      const auto prepare = [&](StoreWorld& world) {
        if (!world.begin()) return false;
        if (before == 1) { world.append(world.owner, 1, 0); world.sync(world.owner); }
        if (before == 2) { world.append(world.owner, 1, 0); world.sync(world.owner); world.append(world.owner, 3, 0); }
        if (before == 3) { world.append(world.owner, 1, 2600); world.append(world.owner, 1, 0); world.sync(world.owner); }
        if (before == 4) { world.append(world.owner, 1, 0); world.sync(world.owner); world.owner.stream.reset(); }
        return true;
      };
      const auto run = [&](StoreWorld& world) {
        bool go_on = before != 4 || world.begin();
        for (const StoreOp op : workload.ops) {
          if (!go_on) break;
          go_on = apply(world, op);
        }
      };
      std::uint64_t first = 0, calls = 0;
      {
        Rehearsal dry;
        const Disk disk = fresh_disk(0);
        StoreWorld world(dry.play(), kit_stream(), subject.on(disk), subject.claims);
        if (!prepare(world)) return;
        first = disk.calls();
        run(world);
        calls = disk.calls() - first;
      }
      if (calls == 0) return;
      const std::uint64_t k = first + play.pick(static_cast<std::uint32_t>(calls));
      constexpr std::array<DiskFault, 8> faults{DiskFault::io_error, DiskFault::half_and_io_error, DiskFault::half_and_no_space, DiskFault::half, DiskFault::all_and_io_error, DiskFault::one_byte, DiskFault::nothing, DiskFault::all_but_one};
      const std::uint32_t kind = play.pick(static_cast<std::uint32_t>(faults.size()));
      const bool persists = play.pick(2) == 1;
      const bool power = play.pick(2) == 1;
      const Disk disk = fresh_disk(0);
      StoreWorld world(play, kit_stream(), subject.on(disk), subject.claims);
      if (!prepare(world)) return;
      world.may_fail = true;
      bool hit = false;
      disk.on_fault([&](const Call& call) -> Fault {
        if (call.number < k || (!persists && call.number > k) || call.verb == simulate::Verb::sync_in_flight) return {};
        if (!hit) play.note(std::string(simulate::name(call.verb)) + " of " + std::string(call.path) + " fails" + (persists ? ", and every call behind it" : ""));
        hit = true;
        if (persists && (faults[kind] == DiskFault::all_and_io_error || faults[kind] == DiskFault::one_byte)) return {};   // such a disk brings nothing to an end
        return fault_of(faults[kind], call);
      });
      run(world);
      if (world.owner.sick) {   // sticky, whatever is asked
        play.reach("a failed sync");
        world.append(world.owner, 1, 0);
        world.sync(world.owner);
        world.prove(world.owner);
      } else if (world.owner.usable && !persists) {   // it goes on, and what it says counts
        play.reach("a failed call that the store got over");
        world.append(world.owner, 1, 0);
        world.sync(world.owner);
      }
      disk.on_fault({});
      const Disk left = left_behind(disk, power, subject.claims);
      play.note(power ? "the power goes; nothing survives that need not" : "the process is killed");
      if (!power) world.oracle.refuse_failed();
      goes_on(play, world, left, subject);
    };
  };
  explorer.run("faults", {std::min<std::uint64_t>(60'000, std::uint64_t{540} * options.cases), 0, "up to 1 operation behind each of 5 beginnings, every call, 8 faults, once and from then on, kill and power loss"}, trial(1));
  explorer.run("faults in longer scripts", {0, std::uint64_t{4} * options.cases, "up to 5 operations"}, trial(5));
}

/// What is not the store's: it changes nothing, and stays. What a log costs to open grows with the log.
inline void check_surroundings(Explorer& explorer, const StoreOnDisk& subject) {
  explorer.run("strays", {100, 0, "files that are not the store's, beside each of its own"}, [&](Play& play) {
    static const char* const names[] = {".DS_Store", "tmp-", "lost+found.txt", "core", "00000000000000000009.claim~", "README", "segment.bak", "\xC3\xA4"};
    const std::uint32_t which = play.pick(static_cast<std::uint32_t>(std::size(names)) + 3);
    const bool is_control = which == 0;
    Disk disk = fresh_disk(0);
    StoreWorld world(play, kit_stream(), subject.on(disk), subject.claims);
    if (!world.begin()) return;
    world.append(world.owner, 1, 0);
    world.sync(world.owner);
    world.owner.stream.reset();
    std::set<std::string> folders;
    std::string largest;
    std::size_t bytes = 0;
    for (const auto& [path, content] : disk.files()) {
      folders.insert(simulate::detail::parent_of(path));
      if (content.size() >= bytes) { bytes = content.size(); largest = path; }
    }
    std::map<std::string, Bytes> planted;
    for (const std::string& folder : folders) {
      if (is_control) break;   // it must work without them, before a law can be broken by them
      const std::string lead = folder == "/" ? "/" : folder + "/";
      if (which <= std::size(names)) planted[lead + names[which - 1]] = "not yours\n";
      else if (which == std::size(names) + 1) planted[largest + ".copy"] = disk.files().at(largest);
      else planted[lead + "empty"] = "";
    }
    for (const auto& [path, content] : planted) { disk.plant(path, content); play.tell("somebody puts the file " + path + " there"); }
    for (int round = 0; round < 2; ++round) {
      try {
        if (!world.begin()) return;
      } catch (const BrokenLaw& law) {
        if (is_control) throw;
        play.broke("STORE-14", "with files beside its own that are not the store's: " + law.sentence);
      }
      world.append(world.owner, 1, 0);
      world.sync(world.owner);
      world.close();
    }
    const auto after = disk.files();
    for (const auto& [path, content] : planted) {
      const auto found = after.find(path);
      play.expect("STORE-14", found != after.end() && found->second == content, [&, &lost = path] { return lost + ", which is not the store's, is gone or changed"; });
    }
  });
  explorer.run("costs", {1, 0, "calls and bytes read by a recovery and a scan of 60 and of 240 groups"}, [&](Play& play) {
    std::uint64_t cost[2] = {0, 0};
    play.tell("append 60 groups, and 240; recover and scan");
    play.be_silent(true);
    for (const std::size_t i : {0U, 1U}) {
      const Disk disk = fresh_disk(0);
      StoreWorld world(play, kit_stream(), subject.on(disk), subject.claims);
      if (!world.begin()) return;
      for (std::size_t n = 0; n < (i == 0 ? 60U : 240U); ++n) { world.append(world.owner, 1, 0); if (n % 8 == 0) world.sync(world.owner); }
      world.close();
      auto stream = subject.on(disk)(kit_stream());
      if (!stream) return;
      disk.on_call([&](const Call& call) { cost[i] += 1 + (call.verb == simulate::Verb::read ? call.length / 512 : 0); });
      if (!stream.value()->recover({}, {})) return;
      (void)stream.value()->scan(1, [](const Frame&) -> result<void> { return success(); });
      disk.on_call({});
    }
    play.be_silent(false);
    play.expect("STORE-16", cost[1] <= 6 * cost[0] + 200, [&] { return "a log four times as long costs " + std::to_string(cost[1]) + " calls and sectors to open and read, and not about four times " + std::to_string(cost[0]); });
  });
}

}  // namespace kfm_det::conformance::detail

#endif
