// SPDX-License-Identifier: BSL-1.0
/// \file
/// AnyLock and AnyLockFixture: what check_lock sees of a backend, so that its engine is compiled once for all of them.
///
/// Thread-safety: a lock's verbs as the backend promises; the fixture from one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_ANY_LOCK_HPP
#define KFM_DET_CONFORMANCE_DETAIL_ANY_LOCK_HPP

#include <functional>
#include <memory>
#include <optional>

#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance::detail {

class AnyLock {
 public:
  AnyLock() = default;
  AnyLock(const AnyLock&) = delete;
  AnyLock& operator=(const AnyLock&) = delete;
  virtual ~AnyLock() = default;
  virtual result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above) = 0;
  virtual result<Lease> renew(const Lease& lease, Duration ttl) = 0;
  virtual result<void> release(const Lease& lease) = 0;
};

class AnyLockFixture {
 public:
  struct Traits {
    LockClaims claims;
    bool crashes = false;              ///< has crash()
    bool crash_has_fates = false;      ///< and is told what is left
    bool kills = false;                ///< has kill()
    bool has_points = false;           ///< has on_call()
    bool has_disk = false;             ///< has file_system()
    bool may_fail_spuriously = false;  ///< says so
    bool is_slow = false;              ///< says so
  };
  AnyLockFixture() = default;
  AnyLockFixture(const AnyLockFixture&) = delete;
  AnyLockFixture& operator=(const AnyLockFixture&) = delete;
  virtual ~AnyLockFixture() = default;
  virtual result<std::unique_ptr<AnyLock>> connect(const OwnerId& owner, ManualClock& clock) = 0;
  virtual void wipe() = 0;
  virtual void crash(simulate::Fates& fates) = 0;
  virtual void kill(const OwnerId& owner) = 0;
  virtual void on_call(std::function<void()> hook) = 0;
  virtual std::optional<simulate::Disk> disk() = 0;
  [[nodiscard]] virtual Traits traits() const = 0;
};

}  // namespace kfm_det::conformance::detail

#endif
