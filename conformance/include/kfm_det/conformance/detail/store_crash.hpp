// SPDX-License-Identifier: BSL-1.0
/// \file
/// The crash search of check_store_on_disk. Its words: a *point* is a call that changes something; a *fate* decides one undecided thing of the disk; a
/// state is what is left.
///
/// The search plays a workload once and looks at every crash from inside the call: a copy of the disk is cut and judged while the workload waits. What
/// breaks is written as a choice vector and played again on its own, so that it shrinks and comes back. Thread-safety: see check_store_on_disk.hpp.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_CRASH_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_CRASH_HPP

#include <algorithm>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/store_on_disk.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance::detail {

class CrashSearch {
 public:
  struct Found {
    BrokenLaw law;
    ChoiceVector choices;
  };
  CrashSearch(Explorer& explorer, const StoreOnDisk& subject, const Options& options) : explorer_(explorer), subject_(subject), options_(options) {}

  std::uint32_t depth = 2;         // crashes in a row
  std::uint32_t fates_max = 256;    // of one point, one profile
  std::uint32_t second_fates_max = 16;
  bool only_last = true;           // only crashes of the last operation: those before are of a shorter workload

  /// The search: `play` draws the workload.
  void search(Play& play, const Workload& workload) {
    first_explored_ = only_last ? workload.ops.size() : 0;
    const auto line_of = [&workload](std::uint64_t point) {   // as replay() picks it, whatever bound of operations the search has
      ChoiceVector at{workload.disk_kind};
      for (const StoreOp op : workload.ops) at.insert(at.end(), {1, static_cast<std::uint32_t>(op)});
      at.insert(at.end(), {0, static_cast<std::uint32_t>(point)});
      return at;
    };
    const ChoiceVector whole = line_of(no_point);
    const NowPlaying now(explorer_.check(), part(), whole);
    try {
      run(play, workload, [&](const Disk& disk, const StoreOracle& oracle, std::uint64_t point) { look(play, disk, oracle, line_of(point), depth, fates_max); });
    } catch (...) {   // the workload itself, with no crash in it
      note(what_was_broken(), whole);
    }
  }
  /// The replay: workload, point and fates come from the choices; breaks out with the law that breaks.
  void replay(Play& play, const Workload& workload) {
    const std::uint32_t wanted = play.pick(no_point + 1);
    Broken broken;
    bool done = false;
    run(play, workload, [&](const Disk& disk, const StoreOracle& oracle, std::uint64_t point) {
      if (point != wanted || done) return;
      done = true;
      broken = cut_and_judge(play, disk, oracle, point, depth);
    }, &done);
    if (broken) play.broke(broken->law, broken->sentence);
  }

  /// What the search found, to be played again; at most one for each law.
  [[nodiscard]] const std::vector<Found>& found() const { return found_; }

 private:
  static constexpr std::uint32_t no_point = 0xFFFF;   // behind every point of a workload
  [[nodiscard]] std::string_view part() const { return depth == 2 ? "crash-2" : "crash-1"; }
  using AtPoint = std::function<void(const Disk&, const StoreOracle&, std::uint64_t)>;

  void run(Play& play, const Workload& workload, const AtPoint& at_point, const bool* done = nullptr) {
    const Disk disk = fresh_disk(workload.disk_kind);
    StoreWorld world(play, kit_stream(), subject_.on(disk), subject_.claims);
    watch(world, disk);
    std::uint64_t point = 0;
    std::size_t operation = 0;   // 0: the first recovery
    std::function<void()> in_flight;
    std::mutex hooks;
    const struct Unhook {
      const Disk& disk;
      ~Unhook() { disk.on_call({}); }
    } unhook{disk};
    disk.on_call([&](const Call& call) {
      if (call.verb == simulate::Verb::sync_in_flight) {
        if (in_flight) in_flight();
        return;
      }
      const std::scoped_lock guard(hooks);
      if (!simulate::changes(call.verb)) return;
      if (operation >= first_explored_) at_point(disk, world.oracle, point);
      ++point;
    });
    const bool was_silent = play.is_silent();
    bool go_on = world.begin();
    for (const StoreOp op : workload.ops) {
      if (!go_on || (done && *done)) break;
      ++operation;
      go_on = apply(world, op, &in_flight);
    }
    if ((!done || !*done) && operation >= first_explored_) at_point(disk, world.oracle, point++);
    play.be_silent(was_silent);
  }

  /// All crashes of one point.
  void look(Play& play, const Disk& disk, const StoreOracle& oracle, const ChoiceVector& at, std::uint32_t deep, std::uint32_t limit) {
    const std::uint64_t known = oracle.hash();
    for (std::size_t profile = 0; profile < profiles.size(); ++profile) {
      const auto one = [&](ChoiceVector given, Random* random) -> Choices {
        Choices choices(std::move(given), random);
        ChoiceFates fates(choices);
        const Disk left = disk.after_power_loss(profiles[profile], fates);
        const std::uint64_t parts[3] = {left.hash(), known, deep};
        if (!play.is_new(xxh3(BytesView(reinterpret_cast<const char*>(parts), sizeof parts)))) return choices;
        ChoiceVector here = at;
        here.push_back(static_cast<std::uint32_t>(profile));
        here.insert(here.end(), choices.made().begin(), choices.made().end());
        // a second crash behind each plain state, and behind one in four of the others
        const auto all_are = [&](std::uint32_t wanted) { return std::all_of(choices.made().begin(), choices.made().end(), [&](std::uint32_t value) { return value == wanted; }); };
        if (auto broken = judge(play, left, oracle, here, profile < 2 || all_are(0) || all_are(1) || left.hash() % 4 == 0 ? deep : 1)) note(*broken, std::move(here));
        return choices;
      };
      if (explorer_.search_is_over()) return;
      const auto product = [&](const Choices& choices) {
        std::uint64_t out = 1;
        for (const std::uint32_t below : choices.belows()) out = std::min<std::uint64_t>(out * below, limit + 1);
        return out;
      };
      const Choices newest = one({}, nullptr);                      // everything survives
      const Choices oldest = one(ChoiceVector(256, 1), nullptr);    // nothing does that need not
      std::uint32_t left = limit;
      if (product(newest) <= limit && product(oldest) <= limit) {   // a small tree; what is decided first decides what there is to decide
        auto next = newest.next();
        for (; next && left > 0 && !explorer_.search_is_over(); --left) next = one(*std::move(next), nullptr).next();
        if (!next) continue;
      }
      play.reach("points whose fates were drawn");
      left = limit;
      for (const Choices& base : {newest, oldest})
        for (std::size_t i = 0; i < base.made().size() && left > limit / 3; ++i)
          for (std::uint32_t value = 0; value < base.belows()[i] && left > limit / 3; ++value) {
            if (value == base.made()[i]) continue;
            ChoiceVector given = base.made();
            given[i] = value;
            one(std::move(given), nullptr);
            --left;
          }
      Random random(options_.seed ^ known ^ disk.hash());
      for (; left > 0 && !explorer_.search_is_over(); --left) {
        Random own(random.next());
        one({}, &own);
      }
    }
  }

  Broken cut_and_judge(Play& play, const Disk& disk, const StoreOracle& oracle, std::uint64_t point, std::uint32_t deep) {
    const std::uint32_t profile = play.pick(static_cast<std::uint32_t>(profiles.size()));
    ChoiceFates fates(play.choices());
    const Disk left = disk.after_power_loss(profiles[profile], fates);
    play.note("the power goes before change " + std::to_string(point) + " (profile " + std::string(simulate::name(profiles[profile])) + ")");
    for (const auto& [path, bytes] : left.files()) play.note("left: " + path + ", " + std::to_string(bytes.size()) + " bytes");
    std::uint32_t second = 0;
    if (deep > 1) second = play.pick(1u << 16);
    return judge(play, left, oracle, {}, deep, second);
  }

  /// Recover, judge, go on, cut again, recover again. `here`: search; else `second` is the point of the second crash + 1.
  Broken judge(Play& play, const Disk& disk, const StoreOracle& oracle, const ChoiceVector& here, std::uint32_t deep, std::uint32_t second = 0) {
    const bool searching = play.is_silent();
    const NowPlaying playing(explorer_.check(), part(), searching ? here : play.choices().made());
    Broken inner;
    try {
      StoreWorld world(play, kit_stream(), subject_.on(disk), subject_.claims, oracle);
      const std::uint64_t hash = disk.hash();
      watch(world, disk);
      if (hash % 8 == 0) world.inspect();   // first, now and then
      std::uint64_t point = 0;
      if (deep > 1)
        disk.on_call([&](const Call& call) {
          if (!simulate::changes(call.verb) || call.verb == simulate::Verb::sync_in_flight) return;
          const std::uint64_t now = point++;
          if (searching) {
            ChoiceVector at = here;
            at.push_back(static_cast<std::uint32_t>(now + 1));
            look(play, disk, world.oracle, at, deep - 1, second_fates_max);
          } else if (now + 1 == second && !inner) {
            inner = cut_and_judge(play, disk, world.oracle, now, deep - 1);
          }
        });
      const Head witness = oracle.witness(kit_stream());
      const bool witnessed = (hash >> 8) % 2 == 0;
      const bool begun = world.begin(witnessed ? std::span<const Head>(&witness, 1) : std::span<const Head>());
      disk.on_call({});
      if (inner) return inner;
      if (!begun) return std::nullopt;
      const Frames content = world.owner.log;
      const std::uint64_t after_first = disk.bytes_used();
      world.owner.stream.reset();
      if (!world.begin()) return std::nullopt;
      play.expect("STORE-7", world.owner.log == content, "a second recovery gives another log than the first");
      const std::uint64_t after_second = disk.bytes_used();
      if (after_second > after_first) {   // the first one may have had something to copy; from then on nothing grows
        world.owner.stream.reset();
        if (!world.begin()) return std::nullopt;
        play.expect("STORE-7", disk.bytes_used() <= after_second, "each recovery makes the log larger although nothing is appended");
      }
      world.append(world.owner, 1, 0);
      world.sync(world.owner);
      WorstFates worst;
      const Disk again = disk.after_power_loss(Profile::standard, worst);
      StoreWorld last(play, kit_stream(), subject_.on(again), subject_.claims, world.oracle);
      watch(last, again);
      last.note([] { return std::string("the power goes again; nothing survives that need not"); });
      (void)last.begin();
    } catch (...) {
      disk.on_call({});
      return what_was_broken();
    }
    return std::nullopt;
  }

  void note(const BrokenLaw& law, ChoiceVector here) {
    if (std::any_of(found_.begin(), found_.end(), [&](const Found& one) { return one.law.law == law.law; })) return;
    found_.push_back({law, std::move(here)});
  }

  Explorer& explorer_;
  const StoreOnDisk& subject_;
  const Options& options_;
  std::size_t first_explored_ = 0;
  std::vector<Found> found_;
};

/// `small`: the shortest workloads, which are quick; else the longer ones behind them. Reproducers are played by the first.
inline void search_crashes(Explorer& explorer, const Options& options, const StoreOnDisk& subject, bool small) {
  const auto replay = [&](std::uint32_t depth) {
    return [&, depth](Play& play) {
      CrashSearch search(explorer, subject, options);
      search.depth = depth;
      search.replay(play, pick_workload(play, 64, 3));
    };
  };
  explorer.begin_search();
  const auto part = [&](std::string_view name, const Bounds& bounds, std::uint32_t ops_max, std::uint32_t kinds, std::uint32_t depth, bool is_drawn) {
    std::optional<CrashSearch::Found> broken;
    std::uint64_t left_out = 0;
    Report* report = nullptr;
    explorer.run(name, bounds, [&](Play& play) {
      report = &play.report();
      if (broken) return;
      if (explorer.search_is_over()) { ++left_out; return; }
      CrashSearch search(explorer, subject, options);
      search.depth = depth;
      if (is_drawn) search.fates_max = 12, search.second_fates_max = 2, search.only_last = false;
      const Workload workload = pick_workload(play, ops_max, kinds);
      play.be_silent(true);
      search.search(play, workload);
      play.be_silent(false);
      if (!search.found().empty()) broken = search.found().front();
    });
    if (left_out != 0 && !broken) report->bounds.push_back(std::string(name) + ": the last " + std::to_string(left_out) + " of these were left out, there were states enough (Options::states_max)");
    if (broken) explorer.found(depth == 2 ? "crash-2" : "crash-1", broken->law, broken->choices, replay(depth));
    return !broken;
  };
  if (small) {
    explorer.run("crash-1", {}, replay(1));   // reproducers
    explorer.run("crash-2", {}, replay(2));
    if (!explorer.reproducing()) (void)part("workloads of up to 2", {20'000, 0, "11 kinds of operations, one disk; two crashes in a row"}, 2, 1, 2, false);
    return;
  }
  if (explorer.reproducing()) return;
  if (!part("workloads of up to 3", {20'000, 0, "11 kinds of operations, one disk; two crashes in a row"}, 3, 1, 2, false)) return;
  if (!part("workloads of up to 4", {40'000, 0, "11 kinds of operations, one disk; one crash"}, 4, 1, 1, false)) return;
  (void)part("longer workloads", {0, options.cases, "up to 12 operations; short writes and rewrite units of 4096 bytes too; two crashes in a row"}, 12, 3, 2, true);
}

}  // namespace kfm_det::conformance::detail

#endif
