// SPDX-License-Identifier: BSL-1.0
/// \file
/// A fixture that looks at a clock of its own: time could not be played with.
// expect: kfm_det lock fixture: needs `result<Lock> connect(const OwnerId&, const ManualClock&)`; what it gives asks only that clock for the time
#include "kfm_det/conformance/check_lock.hpp"
#include "kfm_det/locks/memory_lock.hpp"

namespace det = kfm_det;

struct Fixture {
  using Lock = det::MemoryLock<det::ManualClock>;
#ifdef KFM_DET_GOOD
  det::result<Lock> connect(const det::OwnerId& owner, const det::ManualClock& clock);
#else
  det::result<Lock> connect(const det::OwnerId& owner);
#endif
};
static_assert(det::conformance::diagnose_lock_fixture<Fixture>());
