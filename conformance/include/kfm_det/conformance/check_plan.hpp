// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_plan: a plan type and its operations are functions of their inputs, whatever surrounds them.
///
///   KFM_DET_CONFORMANCE_PLAN(MyPlan)       // plan_fixture.hpp says what a fixture is: about five lines
///
/// Laws: PLAN-1, PLAN-2 (with golden()), PLAN-3, PLAN-5 (with worlds()), PLAN-6 (contracts/plan.hpp). The plan is worked out to canonical bytes twice, with its inputs
/// in other orders, in other threads, under other locales, zones, environments, folders, addresses and fill patterns, in fresh processes of the program, and must be
/// the same; in a child with traps on, what it looks at is named. A program that includes conformance/interpose.hpp in one source names more, and plays another
/// clock and other orders of threads. The report's bounds say what was active, and what is found by difference only. Thread-safety: one thread; it forks.
#ifndef KFM_DET_CONFORMANCE_CHECK_PLAN_HPP
#define KFM_DET_CONFORMANCE_CHECK_PLAN_HPP

#include "kfm_det/conformance/detail/plan_engine.hpp"
#include "kfm_det/conformance/plan_fixture.hpp"

namespace kfm_det::conformance {

template <class Fixture>
[[nodiscard]] Report check_plan(const Options& options = {}) {
  if constexpr (diagnose_plan_fixture<Fixture>()) {
    Report report;
    report.check = "check_plan";
    Explorer explorer(report, options);
    auto driver = detail::drive_plan<Fixture>();
    driver.fresh = detail::FreshPlan<Fixture>::number;
    detail::PlanEngine(explorer, report, std::move(driver)).run();
    return report;
  } else {
    return {};   // the sentences above say why
  }
}

}  // namespace kfm_det::conformance

#endif
