// SPDX-License-Identifier: BSL-1.0
/// \file
/// The engine of check_lock: which parts are played, in which order, how much of each.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_ENGINE_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_ENGINE_HPP

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kfm_det/conformance/detail/any_lock.hpp"
#include "kfm_det/conformance/detail/lock_ambiguous.hpp"
#include "kfm_det/conformance/detail/lock_faults.hpp"
#include "kfm_det/conformance/detail/lock_habits.hpp"
#include "kfm_det/conformance/detail/lock_inside.hpp"
#include "kfm_det/conformance/detail/lock_parts.hpp"
#include "kfm_det/conformance/detail/lock_schedules.hpp"
#include "kfm_det/conformance/detail/lock_threads.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/report.hpp"
#include "kfm_det/core/checksum.hpp"

namespace kfm_det::conformance::detail {

[[nodiscard]] inline Report run_check_lock(const MakeLockFixture& make, const Options& options) {
  Report report;
  report.check = "check_lock";
  Explorer explorer(report, options);
  const std::shared_ptr<AnyLockFixture> fixture = make();
  const AnyLockFixture::Traits traits = fixture->traits();
  report.claims = {{"many_processes", traits.claims.many_processes}, {"survives_power_loss", traits.claims.survives_power_loss}, {"detects_death", traits.claims.detects_death},
                   {"may_fail_spuriously", traits.may_fail_spuriously}, {"is_slow", traits.is_slow}};
  if (!explorer.alone("waits", "two owners ask for one scope", [&] { return ask_whether_it_waits(make, report); })) return report;

  const auto part = [&](std::string_view name, std::uint64_t exhaustive, std::uint64_t drawn, std::string_view named, const auto& body) {
    const auto trial = [&](Play& play) {
      body(play, *fixture);
      std::uint64_t hash = 0;   // a schedule is what its script says
      for (const std::string& line : play.script()) hash = xxh3(line, hash);
      (void)play.is_new(hash);
    };
    explorer.run(name, {exhaustive, drawn, std::string(named)}, trial);
  };
  const std::uint64_t all = options.states_max != 0 ? options.states_max : ~std::uint64_t{0};
  part("acts", all, 0, "every script of up to 3 acts of 3 owners, time and ends of processes", LockActs{3, false});
  part("edges", all, 0, "times to live, tokens and names at the ends of their ranges", LockEdges{});
  // A backend on a real disk or behind a network would take hours for what memory does in a second. Its fixture says so: a measured time would explore something else on another machine.
  const std::uint64_t most = std::min<std::uint64_t>(all, traits.is_slow ? 500 : std::uint64_t{200} * std::max(options.cases, std::uint32_t{1}));
  const std::uint32_t drawn = traits.is_slow ? std::min<std::uint32_t>(options.cases, 200) : options.cases;
  if (traits.is_slow && !explorer.reproducing()) report.bounds.emplace_back("the fixture says that it is slow: parts that count are cut at 500, those that draw at 200");

  part("pauses", most, drawn, "time passes within a call, at up to two of its points", LockPauses{});
  part("habits", all, 0, "renewals at each second, times of every length, 300 grants, 40 askers, 60 renewals, 300 scopes", LockHabits{});
  if (traits.has_disk) part("faults", most, drawn, "each call of the disk within a verb fails: io_error, no_space, short writes of nothing, one byte, half and all but one; once or from then on", LockFaults{});
  else report.bounds.emplace_back("faults: the fixture has no file_system()");
  part("longer acts", 0, drawn, "scripts of up to 12 acts", LockActs{12, false});
  part("schedules", most, drawn, "all orders of the calls of 3 owners with 4 calls each; each owner has one of 4 programs", LockSchedules{});
  part("short schedules in time", most, drawn, "the same with 2 calls each; every lease runs out, or 6 s pass, at up to two points", LockSchedules{.calls = 2, .passes = 2, .halves = true});
  part("schedules of two in time", most, drawn, "the same of 2 owners with 4 calls each", LockSchedules{.owners = 2, .passes = 2, .halves = true});
  {
    simulate::Scheduler scheduler;
    bool blocked = false;
    const auto inside = [&](std::string_view name, std::uint64_t exhaustive, std::string_view named, const LockInside& body) {
      if (!blocked) part(name, exhaustive, drawn, named, body);
    };
    inside("inside", most, "2 owners call at once, the turn changes twice within the calls", {scheduler, blocked});
    inside("inside in time", most, "the same; at one change time passes, or the one who stops is dead", {scheduler, blocked, 2, true});
    inside("inside two calls", most, "2 owners make two calls each, the turn changes twice within them", {scheduler, blocked, 2, false, LockInside::once, LockInside::all});
    inside("inside two calls in time", most, "the same; at one change time passes, or the one who stops is dead", {scheduler, blocked, 2, true, LockInside::once, LockInside::all});
    inside("three inside", most, "2 or 3 owners call at once, the turn changes twice within the calls", {scheduler, blocked, 2, false, 0, LockInside::once, 3});
    inside("longer inside", 0, "2 or 3 owners make one or two calls at once, the turn changes up to three times within the calls; there time passes, or the one who stops is dead", {scheduler, blocked, 3, true, 0, LockInside::all, 3});
    if (blocked) report.bounds.emplace_back("inside: a call held a mutex while it read the clock or called its medium, and another one waited for it; explored at call boundaries only");
    else if (!traits.has_points) report.bounds.emplace_back("inside: the turn changes at readings of the clock only; the fixture has no on_call()");
  }
  part("lost answers", most, drawn, "every script of up to 4 acts of 2 owners, in which up to 2 answers are lost, requests too, or arrive late", LockAmbiguity{});
  part("more acts", report.passed() ? most : std::min<std::uint64_t>(most, 2000), 0, "every script of up to 5 acts", LockActs{5, false});
  part("schedules in time", most, drawn, "3 owners with 4 calls each; every lease runs out at up to one point", LockSchedules{.passes = 1});
  part("longer schedules", 0, drawn, "3 owners with 4 calls each; every lease runs out, or 6 s pass, at up to four points", LockSchedules{.passes = 4, .halves = true});
  if (report.passed()) {   // what is found from here on has one cause: the others were found before
    part("wall clock", most, drawn / 4, "every script of up to 4 acts, with steps of the wall clock", LockActs{4, true});
    for (const std::uint32_t calls : {2U, 4U}) {   // the shorter scripts first
      const std::string these = calls == 2 ? " in short schedules" : " in schedules", of = "2 owners with " + std::to_string(calls) + " calls each; ";
      part("wall clock" + these, most, drawn, of + "the wall clock is set forth or back at one point, and every lease runs out at one", LockSchedules{.owners = 2, .calls = calls, .passes = 1, .steps = 1});
      part("frozen clock" + these, most, drawn, of + "at one point the clock of one stands still for 11 s, and stays so, or is right or late from another point on", LockSchedules{.owners = 2, .calls = calls, .freezes = 1});
    }
  }
  if (report.passed()) (void)explorer.alone("threads", "two owners, two threads each, call as they like", [&] { ask_with_threads(make, report); return true; });
  if (traits.claims.detects_death && !traits.kills) report.bounds.emplace_back("detects_death is claimed, but the fixture has no kill(): only deadlines were asked");
  if (traits.claims.survives_power_loss && !traits.crashes) report.bounds.emplace_back("survives_power_loss is claimed, but the fixture has no crash(): only closing and connecting again was asked");
  return report;
}

}  // namespace kfm_det::conformance::detail

#endif
