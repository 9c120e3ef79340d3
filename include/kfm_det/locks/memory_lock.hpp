// SPDX-License-Identifier: BSL-1.0
/// \file
/// MemoryLock: the Lock of one process, and the contract in its shortest form.
///
/// Everything stands on a board that the locks of all owners share. A board forgets with its process: no claim is made, and tokens start again at 1, so
/// it goes with stores and sinks that forget too (a sink that remembers refuses the low tokens, unless try_acquire is told `above`).
/// Thread-safety: any verb, any thread. All locks of a board must be given the same clock.
#ifndef KFM_DET_LOCKS_MEMORY_LOCK_HPP
#define KFM_DET_LOCKS_MEMORY_LOCK_HPP

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "kfm_det/files/system_clock.hpp"
#include "kfm_det/locks/holder.hpp"

namespace kfm_det {

/// What the locks of one process share.
struct MemoryLockBoard {
  struct Entry {
    FencingToken last;           ///< the highest that was ever granted
    std::optional<Lease> lease;  ///< the last one; over when it is gone, or its deadline has passed
  };
  std::mutex mutex;
  std::map<LockScope, Entry> scopes;
};

template <class C = SystemClock>
class MemoryLock {
  static_assert(diagnose_clock<C>());

 public:
  using Board = MemoryLockBoard;
  static constexpr LockClaims claims{};
  [[nodiscard]] static std::shared_ptr<Board> make_board() { return std::make_shared<Board>(); }

  /// A board of its own: nobody else can ask.
  MemoryLock() : MemoryLock(make_board(), OwnerId{"memory"}) {}
  explicit MemoryLock(std::shared_ptr<Board> board, OwnerId owner, C clock = C{}) : board_(std::move(board)), owner_(std::move(owner)), clock_(std::move(clock)) {}

  /// Errors: invalid_argument for a ttl that is not positive, limit_exceeded when no token is left above `above`.
  [[nodiscard]] result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {}) {
    if (ttl <= Duration{0}) return no_time();
    const Duration deadline = clock_.monotonic() + ttl;  // LOCK-7: from before the request
    const std::scoped_lock guard(board_->mutex);
    Board::Entry& entry = board_->scopes[scope];
    if (entry.lease && clock_.monotonic() < entry.lease->deadline) return std::optional<Lease>{};
    const FencingToken floor = std::max(entry.last, above);  // LOCK-2
    if (floor.value == ~std::uint64_t{0}) return Error(errc::limit_exceeded, "there is no fencing token above " + std::to_string(floor.value), scope.updater_id, "Check `above`.");
    entry.last = FencingToken{floor.value + 1};
    entry.lease = Lease{scope, entry.last, owner_, deadline};
    return entry.lease;
  }

  /// Errors: lease_lost; invalid_argument as above.
  [[nodiscard]] result<Lease> renew(const Lease& lease, Duration ttl) {
    if (ttl <= Duration{0}) return no_time();
    const Duration deadline = clock_.monotonic() + ttl;
    const std::scoped_lock guard(board_->mutex);
    Board::Entry& entry = board_->scopes[lease.scope];
    if (!is_mine(entry, lease) || clock_.monotonic() >= entry.lease->deadline)  // LOCK-4
      return Error(errc::lease_lost, "the lease has run out, or is somebody else's now", lease.owner.text, "Stop; take a new lease and recover.");
    entry.lease->deadline = deadline;
    return *entry.lease;
  }

  [[nodiscard]] result<void> release(const Lease& lease) {
    const std::scoped_lock guard(board_->mutex);
    Board::Entry& entry = board_->scopes[lease.scope];
    if (is_mine(entry, lease)) entry.lease.reset();  // LOCK-5
    return success();
  }

  /// Who has the scope now; nothing when it is free.
  [[nodiscard]] result<std::optional<Holder>> holder(const LockScope& scope) const {
    const std::scoped_lock guard(board_->mutex);
    const auto found = board_->scopes.find(scope);
    if (found == board_->scopes.end() || !found->second.lease) return std::optional<Holder>{};
    const Lease& lease = *found->second.lease;
    const Duration remaining = lease.deadline - clock_.monotonic();
    if (remaining <= Duration{0}) return std::optional<Holder>{};
    return std::optional<Holder>(Holder{lease.owner, lease.token, remaining});
  }

  [[nodiscard]] const OwnerId& owner() const noexcept { return owner_; }

 private:
  bool is_mine(const Board::Entry& entry, const Lease& lease) const {
    return entry.lease && entry.lease->token == lease.token && entry.lease->owner == owner_ && lease.owner == owner_;
  }
  static Error no_time() { return {errc::invalid_argument, "a lease needs a time to live above zero", "ttl", "Ask for some seconds."}; }

  std::shared_ptr<Board> board_;
  OwnerId owner_;
  C clock_;
};
static_assert(diagnose_lock<MemoryLock<>>());
static_assert(diagnose_lock<MemoryLock<ManualClock>>());

}  // namespace kfm_det

#endif
