// SPDX-License-Identifier: BSL-1.0
/// \file
/// A fixture of check_updater that has nothing is told everything, at once.
// expect: kfm_det updater fixture: must be default constructible; the kit makes one for each case
// expect: kfm_det updater fixture: needs `using Plan = ...`, the plan type
// expect: kfm_det updater fixture: needs `kfm_det::result<Store> open_store()`; each call opens the same storage
// expect: kfm_det updater fixture: needs `kfm_det::result<Lock> open_lock(const kfm_det::OwnerId&, const kfm_det::ManualClock&)`; each call is another owner on the same board
// expect: kfm_det updater fixture: needs `kfm_det::result<Sink> open_sink()`; each call opens the same storage
// expect: kfm_det updater fixture: needs `static std::vector<kfm_det::conformance::Sources> worlds()`: what the sources hold, at least two contents
#include "kfm_det/conformance/updater_fixture.hpp"
#include "kfm_det/conformance/updater_sample.hpp"
#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/memory_store.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Fixture {
  using Plan = det::conformance::SamplePlan;
  static std::vector<det::conformance::Sources> worlds() { return det::conformance::sample_worlds(); }
  Plan plan(const det::conformance::Sources& world) const { return det::conformance::sample_plan(world); }
  det::result<det::MemoryStore> open_store();
  det::result<det::MemoryLock<det::ManualClock>> open_lock(const det::OwnerId&, const det::ManualClock&);
  det::result<det::MemorySink> open_sink();
};
#else
struct Fixture {
  explicit Fixture(int);
};
#endif
static_assert(det::conformance::diagnose_updater_fixture<Fixture>());
