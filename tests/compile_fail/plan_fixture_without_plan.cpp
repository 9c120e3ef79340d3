// SPDX-License-Identifier: BSL-1.0
/// \file
/// A plan type that wants arguments, and a fixture that does not make it; for check_plan and check_updater.
// expect: kfm_det plan fixture: the plan type is not default constructible: needs `Plan plan(const kfm_det::conformance::Sources& world) const`
// expect: kfm_det updater fixture: the plan type is not default constructible: needs `Plan plan(const kfm_det::conformance::Sources& world) const`
#include "kfm_det/conformance/plan_fixture.hpp"
#include "kfm_det/conformance/updater_fixture.hpp"
#include "kfm_det/conformance/updater_sample.hpp"
#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/memory_store.hpp"

namespace det = kfm_det;

struct Wants : det::conformance::SamplePlan {
  explicit Wants(int);
};
struct Fixture {
  using Plan = Wants;
  static std::vector<det::conformance::Sources> worlds() { return det::conformance::sample_worlds(); }
#ifdef KFM_DET_GOOD
  Plan plan(const det::conformance::Sources& world) const;
#endif
  det::result<det::MemoryStore> open_store();
  det::result<det::MemoryLock<det::ManualClock>> open_lock(const det::OwnerId&, const det::ManualClock&);
  det::result<det::MemorySink> open_sink();
};
static_assert(det::conformance::diagnose_plan_fixture<Fixture>());
static_assert(det::conformance::diagnose_updater_fixture<Fixture>());
