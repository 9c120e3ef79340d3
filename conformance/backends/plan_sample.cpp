// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/conformance/check_plan.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/updater_sample.hpp"

namespace {
struct PlanOfTheSample {
  using Plan = kfm_det::conformance::SamplePlan;
  static std::vector<kfm_det::conformance::Sources> worlds() { return kfm_det::conformance::sample_worlds(); }
  Plan plan(const kfm_det::conformance::Sources& world) const { return kfm_det::conformance::sample_plan(world); }
};
KFM_DET_CONFORMANCE_PLAN(PlanOfTheSample)
}  // namespace
