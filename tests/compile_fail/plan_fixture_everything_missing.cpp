// SPDX-License-Identifier: BSL-1.0
/// \file
/// A fixture of check_plan that has nothing right is told everything, at once.
// expect: kfm_det plan fixture: must be default constructible; the kit makes it
// expect: kfm_det plan fixture: needs `using Plan = ...`, the plan type
// expect: kfm_det plan fixture: needs `static std::vector<kfm_det::conformance::Sources> worlds()`, or `static std::vector<kfm_det::SourceRef> inputs()`, or input_sets()
// expect: kfm_det plan fixture: golden must be `static std::vector<kfm_det::conformance::GoldenPlan> golden()`
#include "kfm_det/conformance/plan_fixture.hpp"
#include "kfm_det/conformance/updater_sample.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Fixture {
  using Plan = det::conformance::SamplePlan;
  static std::vector<det::conformance::Sources> worlds() { return det::conformance::sample_worlds(); }
  Plan plan(const det::conformance::Sources& world) const { return det::conformance::sample_plan(world); }
  static std::vector<det::conformance::GoldenPlan> golden() { return {}; }
};
#else
struct Fixture {
  explicit Fixture(int);
  static int golden();
};
#endif
static_assert(det::conformance::diagnose_plan_fixture<Fixture>());
