// SPDX-License-Identifier: BSL-1.0
/// \file
/// A lock that has nothing of the contract is told everything that is missing, at once.
// expect: kfm_det lock: must be movable
// expect: kfm_det lock: needs `static constexpr LockClaims claims`
// expect: kfm_det lock: needs `result<optional<Lease>> try_acquire(const LockScope&, Duration ttl, FencingToken above)`; the lease carries a fencing token
// expect: kfm_det lock: needs `result<Lease> renew(const Lease&, Duration ttl)`; errc::lease_lost once it has expired
// expect: kfm_det lock: needs `result<void> release(const Lease&)`, idempotent, only the owner's
#include "kfm_det/contracts/lock.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Lock {
  static constexpr det::LockClaims claims{};
  det::result<std::optional<det::Lease>> try_acquire(const det::LockScope&, det::Duration, det::FencingToken above = {});
  det::result<det::Lease> renew(const det::Lease&, det::Duration);
  det::result<void> release(const det::Lease&);
};
#else
struct Lock {
  Lock(Lock&&) = delete;
};
#endif
static_assert(det::diagnose_lock<Lock>());
