// SPDX-License-Identifier: BSL-1.0
/// \file
/// A lock whose lease is a bool: nothing could refuse its late writer.
// expect: kfm_det lock: needs `result<optional<Lease>> try_acquire(const LockScope&, Duration ttl, FencingToken above)`; the lease carries a fencing token
#include "kfm_det/contracts/lock.hpp"

namespace det = kfm_det;

struct Lock {
  static constexpr det::LockClaims claims{};
#ifdef KFM_DET_GOOD
  det::result<std::optional<det::Lease>> try_acquire(const det::LockScope&, det::Duration, det::FencingToken above = {});
#else
  det::result<bool> try_acquire(const det::LockScope&, det::Duration);
#endif
  det::result<det::Lease> renew(const det::Lease&, det::Duration);
  det::result<void> release(const det::Lease&);
};
static_assert(det::diagnose_lock<Lock>());
