// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_updater: proves of a plan type over its backends, or of another updater, that every run can be killed anywhere and started again.
///
///   KFM_DET_CONFORMANCE_UPDATER(MyUpdater)       // updater_fixture.hpp says what a fixture is: about fifteen lines
///
/// Laws: RUN-1 to RUN-16 and RUN-21 (updater/forward.hpp and updater/updater.hpp), PLAN-1 and PLAN-5 of what the worlds need, PLAN-4 where a gate refuses one. Contents A, B, A, undos and redelivered
/// triggers are played undisturbed and judged by a model of the contract; then killed at every call, again in the recovery, paused at every call while
/// another owner takes over, and with every call failing; the sink's export must be that of the undisturbed run, byte for byte.
/// The same histories with the log compacted in between (stores that trim): by an owner who is undisturbed, killed, failed or overtaken, and while a run is open.
/// Thread-safety: one thread; the time of the updaters is a ManualClock.
#ifndef KFM_DET_CONFORMANCE_CHECK_UPDATER_HPP
#define KFM_DET_CONFORMANCE_CHECK_UPDATER_HPP

#include "kfm_det/conformance/detail/updater_engine.hpp"
#include "kfm_det/conformance/updater_fixture.hpp"

namespace kfm_det::conformance {

template <class Fixture>
[[nodiscard]] Report check_updater(const Options& options = {}) {
  if constexpr (diagnose_updater_fixture<Fixture>()) {
    Report report;
    report.check = "check_updater";
    Explorer explorer(report, options);
    detail::UpdaterEngine(explorer, report, detail::drive_updater<Fixture>()).run();
    return report;
  } else {
    return {};   // the sentences above say why
  }
}

}  // namespace kfm_det::conformance

#endif
