// SPDX-License-Identifier: BSL-1.0
/// \file
/// Lock: grants leases with a fencing token that only grows. One lease per scope guards the log that it fences.
///
/// When to use which: MemoryLock inside one process, FileLock<FileSystem> on one machine, a database's lock across machines.
/// Not offered: a lock without tokens (nothing could refuse its late writer), and one that waits (the caller decides how long).
///
/// Laws, each with its usual bug:
///   LOCK-1  at any instant of its clock at most one lease of a scope is unexpired. Bug: renewing what has expired.
///   LOCK-2  every grant has a token above every earlier one of its scope and above `above`, also after power loss. Bug: a counter that restarts.
///   LOCK-3  a lease ends at its deadline whatever its owner does, and at once when its owner's process is dead (claim). Bug: a dead owner blocks for ever.
///   LOCK-4  renew() answers errc::lease_lost once the deadline has passed or somebody else was granted the scope. Bug: two holders after a pause.
///   LOCK-5  release() is idempotent and frees only the owner's own lease. Bug: DEL without an owner check.
///   LOCK-6  try_acquire() never waits; busy is an empty optional, not an error; a free scope is granted. Bug: spurious failure.
///   LOCK-7  a deadline is monotonic, counted from before the request was made. Bug: the wall clock; the time that the answer travelled.
/// Thread-safety: all verbs may be called from any thread.
#ifndef KFM_DET_CONTRACTS_LOCK_HPP
#define KFM_DET_CONTRACTS_LOCK_HPP

#include <concepts>
#include <optional>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/time.hpp"

namespace kfm_det {

struct LockClaims {
  bool many_processes = false;
  bool survives_power_loss = false;  ///< tokens keep growing across power loss
  bool detects_death = false;        ///< a killed process frees its scope at once
};

struct Lease {
  LockScope scope;
  FencingToken token;
  OwnerId owner;
  Duration deadline;  ///< on the lock's monotonic clock
  friend auto operator<=>(const Lease&, const Lease&) = default;
};

namespace lock_clause {
template <class L> concept movable = std::movable<L>;
template <class L> concept has_claims = requires { { L::claims } -> std::convertible_to<LockClaims>; };
template <class L> concept acquires = requires(L& lock, const LockScope& scope, Duration ttl, FencingToken above) { { lock.try_acquire(scope, ttl, above) } -> std::same_as<result<std::optional<Lease>>>; };
template <class L> concept renews = requires(L& lock, const Lease& lease, Duration ttl) { { lock.renew(lease, ttl) } -> std::same_as<result<Lease>>; };
template <class L> concept releases = requires(L& lock, const Lease& lease) { { lock.release(lease) } -> std::same_as<result<void>>; };
}  // namespace lock_clause

template <class L>
concept LockPolicy = lock_clause::movable<L> && lock_clause::has_claims<L> && lock_clause::acquires<L> && lock_clause::renews<L> && lock_clause::releases<L>;

/// Says in sentences which clauses L misses, all of them at once.
template <class L>
consteval bool diagnose_lock() {
  using namespace lock_clause;
  static_assert(movable<L>, "kfm_det lock: must be movable");
  static_assert(has_claims<L>, "kfm_det lock: needs `static constexpr LockClaims claims`");
  static_assert(acquires<L>, "kfm_det lock: needs `result<optional<Lease>> try_acquire(const LockScope&, Duration ttl, FencingToken above)`; the lease carries a fencing token");
  static_assert(renews<L>, "kfm_det lock: needs `result<Lease> renew(const Lease&, Duration ttl)`; errc::lease_lost once it has expired");
  static_assert(releases<L>, "kfm_det lock: needs `result<void> release(const Lease&)`, idempotent, only the owner's");
  return LockPolicy<L>;
}

}  // namespace kfm_det

#endif
