// SPDX-License-Identifier: BSL-1.0
/// \file
/// Clock: where time comes from. Time is an input of the library, never looked up behind the caller's back.
///
/// Laws, each with its usual bug:
///   CLOCK-1  monotonic() never goes back within one epoch(), also while the machine sleeps.
///            Bug: CLOCK_MONOTONIC stops in suspend, and a holder believes that its lease is still good.
///   CLOCK-2  now() is UTC; it may step. Nothing but `ts` fields may depend on it.
///            Bug: a lease that expires by the wall clock.
///   CLOCK-3  epoch() names the origin of monotonic(): two readings can be compared only under one epoch.
///            Bug: deadlines of before a reboot read as far in the future.
/// Thread-safety: all three may be called from any thread.
#ifndef KFM_DET_CONTRACTS_CLOCK_HPP
#define KFM_DET_CONTRACTS_CLOCK_HPP

#include <concepts>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "kfm_det/core/assert.hpp"
#include "kfm_det/core/time.hpp"

namespace kfm_det {

namespace clock_clause {
template <class C> concept copyable = std::copy_constructible<C>;
template <class C> concept tells_now = requires(const C& clock) { { clock.now() } -> std::same_as<Instant>; };
template <class C> concept tells_monotonic = requires(const C& clock) { { clock.monotonic() } -> std::same_as<Duration>; };
template <class C> concept names_epoch = requires(const C& clock) { { clock.epoch() } -> std::convertible_to<std::string>; };
}  // namespace clock_clause

template <class C>
concept Clock = clock_clause::copyable<C> && clock_clause::tells_now<C> && clock_clause::tells_monotonic<C> && clock_clause::names_epoch<C>;

/// Says in sentences which clauses C misses, all of them at once.
template <class C>
consteval bool diagnose_clock() {
  static_assert(clock_clause::copyable<C>, "kfm_det clock: copies share the clock, so it must be copy constructible");
  static_assert(clock_clause::tells_now<C>, "kfm_det clock: needs `kfm_det::Instant now() const`, the UTC instant");
  static_assert(clock_clause::tells_monotonic<C>, "kfm_det clock: needs `kfm_det::Duration monotonic() const`, which never goes back, also in suspend");
  static_assert(clock_clause::names_epoch<C>, "kfm_det clock: needs `std::string epoch() const`, which names the origin of monotonic() (a boot id)");
  return Clock<C>;
}

/// The smallest legal clock: stands still until it is told to move. Copies share the time.
/// With it two runs over equal inputs are byte-identical, logs included.
class ManualClock {
 public:
  explicit ManualClock(Instant now = Instant{0}, std::string epoch = "manual") : state_(std::make_shared<State>(now, std::move(epoch))) {}

  [[nodiscard]] Instant now() const { const std::scoped_lock guard(state_->mutex); return state_->now; }
  [[nodiscard]] Duration monotonic() const { tell(); const std::scoped_lock guard(state_->mutex); return state_->monotonic; }
  [[nodiscard]] std::string epoch() const { const std::scoped_lock guard(state_->mutex); return state_->epoch; }

  /// Who watches: called before each reading of monotonic(), in the thread that reads, without a lock held; null: nobody. There a test lets time pass, or
  /// something else happen, in the midst of a call. Set it while nobody reads.
  void on_reading(void (*hook)(void*), void* context) const { const std::scoped_lock guard(state_->mutex); state_->hook = hook; state_->context = context; }

  /// Time passes for both clocks. It does not go back (CLOCK-1): for that there is step_wall.
  void advance(Duration by) const { KFM_DET_ASSERT(by.ns >= 0); const std::scoped_lock guard(state_->mutex); state_->now = state_->now + by; state_->monotonic = state_->monotonic + by; }
  /// The wall clock is set; monotonic time stays.
  void step_wall(Instant to) const { const std::scoped_lock guard(state_->mutex); state_->now = to; }
  /// The machine boots: another epoch (CLOCK-3), monotonic time from zero.
  void reboot(std::string epoch) const { const std::scoped_lock guard(state_->mutex); KFM_DET_ASSERT(epoch != state_->epoch); state_->epoch = std::move(epoch); state_->monotonic = Duration{0}; }

 private:
  struct State {
    State(Instant at, std::string origin) : now(at), epoch(std::move(origin)) {}
    std::mutex mutex;
    Instant now;
    Duration monotonic{0};
    std::string epoch;
    void (*hook)(void*) = nullptr;
    void* context = nullptr;
  };
  void tell() const {
    void (*hook)(void*) = nullptr;
    void* context = nullptr;
    {
      const std::scoped_lock guard(state_->mutex);
      hook = state_->hook;
      context = state_->context;
    }
    if (hook) hook(context);
  }
  std::shared_ptr<State> state_;
};
static_assert(Clock<ManualClock>);

}  // namespace kfm_det

#endif
