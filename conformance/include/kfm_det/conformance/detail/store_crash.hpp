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
#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
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

  std::uint32_t depth = 2;               // crashes in a row
  std::uint32_t fates_max = 256;         // of one point, one profile
  std::uint32_t second_fates_max = 16;   // of a crash behind a crash
  std::uint32_t points_in = 1;           // looks at one point in so many
  bool only_last = true;                 // only crashes of the last operation: those before are of a shorter workload

  /// The search: `play` draws the workload.
  void search(Play& play, const Workload& workload) {
    constexpr std::array<std::string_view, 3> kinds{"workloads cut on a plain disk", "workloads cut on a disk with short writes", "workloads cut on a disk with large rewrite units"};
    play.reach(kinds[workload.disk_kind]);
    first_explored_ = only_last ? workload.ops.size() : 0;
    const auto line_of = [prefix = choices_of(workload)](std::uint64_t point) {
      ChoiceVector at = prefix;
      at.push_back(static_cast<std::uint32_t>(point));
      return at;
    };
    const ChoiceVector whole = line_of(no_point);
    const NowPlaying now(explorer_.check(), part_of(depth), whole);
    try {
      run(play, workload, [&](const Disk& disk, const StoreOracle& oracle, std::uint64_t point) {
        if (is_looked_at(disk, point)) look(play, disk, oracle, line_of(point), depth, fates_max);
      });
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

  /// The part that plays what was found.
  [[nodiscard]] static constexpr std::string_view part_of(std::uint32_t depth) {
    constexpr std::array<std::string_view, 3> names{"crash-1", "crash-2", "crash-3"};
    return names[depth - 1];
  }
  /// What the search found, to be played again; at most one for each law.
  [[nodiscard]] const std::vector<Found>& found() const { return found_; }

 private:
  static constexpr std::uint32_t no_point = 0xFFFF;   // behind every point of a workload
  using AtPoint = std::function<void(const Disk&, const StoreOracle&, std::uint64_t)>;

  /// Which points of a sample are looked at: the same ones each time.
  [[nodiscard]] bool is_looked_at(const Disk& disk, std::uint64_t point) const { return points_in == 1 || Random(options_.seed ^ disk.hash() ^ point).below(points_in) == 0; }

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
        // another crash behind each plain state, and behind one in four of the others
        const auto all_are = [&](std::uint32_t wanted) { return std::all_of(choices.made().begin(), choices.made().end(), [&](std::uint32_t value) { return value == wanted; }); };
        const std::uint32_t crashes = profile < 2 || all_are(0) || all_are(1) || left.hash() % 4 == 0 ? deep : 1;
        const std::uint64_t parts[2] = {left.hash(), known};
        if (!play.is_new_crash(xxh3(BytesView(reinterpret_cast<const char*>(parts), sizeof parts)), crashes)) return choices;
        constexpr std::array<std::string_view, 3> in_a_row{"crash states behind one crash", "crash states behind two crashes", "crash states behind three crashes"};
        play.reach(in_a_row[std::min<std::size_t>(depth - deep, 2)]);
        ChoiceVector here = at;
        here.push_back(static_cast<std::uint32_t>(profile));
        here.insert(here.end(), choices.made().begin(), choices.made().end());
        if (auto broken = judge(play, left, oracle, here, crashes)) note(*std::move(broken), std::move(here));
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
    const NowPlaying playing(explorer_.check(), part_of(depth), searching ? here : play.choices().made());
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
            if (!is_looked_at(disk, now)) return;
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
/// Options::states_max is of both, and at least a half of it of the second; there an eighth is kept for drawn workloads, because those of four are more than
/// anybody waits for.
inline void search_crashes(Explorer& explorer, const Options& options, const StoreOnDisk& subject, bool small) {
  const auto replay = [&](std::uint32_t depth) {
    return [&, depth](Play& play) {
      CrashSearch search(explorer, subject, options);
      search.depth = depth;
      search.replay(play, pick_workload(play, 0, 64, 3));
    };
  };
  using PickWorkload = function_ref<Workload(Play&)>;
  const auto part = [&](std::string_view name, Bounds bounds, const CrashSearch& as, PickWorkload pick) {
    std::optional<CrashSearch::Found> broken;
    bounds.is_search = true;
    explorer.run(name, bounds, [&](Play& play) {
      CrashSearch search = as;
      const Workload workload = pick(play);
      play.be_silent(true);
      search.search(play, workload);
      play.be_silent(false);
      if (search.found().empty()) return;
      broken = search.found().front();
      explorer.end_part();
    });
    if (broken) explorer.found(CrashSearch::part_of(as.depth), broken->law, broken->choices, replay(as.depth));
    return !broken;
  };
  const std::string each = " of 11 kinds of operations, one disk; ";
  CrashSearch twice(explorer, subject, options);
  if (small) {
    for (const std::uint32_t depth : {1u, 2u, 3u}) explorer.run(CrashSearch::part_of(depth), {}, replay(depth));   // reproducers
    if (explorer.reproducing()) return;
    explorer.bound("crash states: in each of 4 profiles at most 256 fates of a crash, counted through or (a tree that is larger) drawn, and 16 of a second one, which follows what a kill or an ordered loss left, newest, oldest, and one in 4 of the rest");
    explorer.search_until(explorer.crash_states() + options.states_max);
    (void)part("workloads of up to 2", {133, 0, "of 133: up to 2" + each + "two crashes in a row", false}, twice, [](Play& play) { return pick_workload(play, 0, 2, 1); });
    return;
  }
  if (explorer.reproducing()) return;
  const std::uint64_t drawn = options.states_max / 8, end = std::max(options.states_max, explorer.crash_states() + options.states_max / 2);
  explorer.search_until(end - drawn);
  if (!part("workloads of up to 3", {1464, 0, "of 1464: up to 3" + each + "two crashes in a row", false}, twice, [](Play& play) { return pick_workload(play, 0, 3, 1); })) return;
  CrashSearch thrice(explorer, subject, options);
  thrice.depth = 3, thrice.fates_max = 12, thrice.second_fates_max = 2, thrice.points_in = 16, thrice.only_last = false;
  explorer.search_until(explorer.crash_states() + drawn);
  if (!part("longer workloads", {0, options.cases, "5 to 12 operations; short writes and rewrite units of 4096 bytes too; up to three crashes in a row, at one point in 16, 12 fates of the first and 2 of each other, drawn", false}, thrice, [](Play& play) { return draw_workload(play, 5, 12, 3); })) return;
  explorer.search_until(end);
  CrashSearch once(explorer, subject, options);
  once.depth = 1;
  (void)part("workloads of 4", {14'641, 0, "of 14641: 4" + each + "one crash", false}, once, [](Play& play) { return pick_workload(play, 4, 4, 1); });
}

}  // namespace kfm_det::conformance::detail

#endif
