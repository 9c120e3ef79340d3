// SPDX-License-Identifier: BSL-1.0
/// \file
/// A clock that has nothing of the contract is told everything that is missing, at once.
// expect: kfm_det clock: copies share the clock, so it must be copy constructible
// expect: kfm_det clock: needs `kfm_det::Instant now() const`, the UTC instant
// expect: kfm_det clock: needs `kfm_det::Duration monotonic() const`, which never goes back, also in suspend
// expect: kfm_det clock: needs `std::string epoch() const`, which names the origin of monotonic() (a boot id)
#include "kfm_det/contracts/clock.hpp"

struct Nothing {
  Nothing(Nothing&&) = delete;
};
#ifdef KFM_DET_GOOD
using Asked = kfm_det::ManualClock;
#else
using Asked = Nothing;
#endif
static_assert(kfm_det::diagnose_clock<Asked>());
