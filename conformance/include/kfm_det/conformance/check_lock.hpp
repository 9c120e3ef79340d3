// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_lock: does a lock keep LOCK-1 to LOCK-7? One fixture, one call:
///
///   struct RedisFixture {
///     using Lock = acme::RedisLock;
///     static constexpr det::LockClaims claims{.many_processes = true};
///     det::result<Lock> connect(const det::OwnerId& owner, const det::ManualClock& clock) { return Lock::open(server, owner, clock); }
///     void wipe() { server.flush(); }
///     acme::TestServer server;
///   };
///   KFM_DET_CONFORMANCE_LOCK(RedisFixture)
///
/// **The clock.** Each owner is given a ManualClock of its own (copies share it; take it by value or by reference). They are the clocks of one machine: the
/// readings of monotonic() agree, unless a part lets one of them sleep. Everything that a backend asks a clock for must come from there; a server that the
/// fixture plays may take the clock of whoever connected last. Each trial has new clocks.
///
/// What a fixture may have beside connect():
///   claims                     static LockClaims; without it those of the Lock
///   wipe()                     forgets all leases, tokens and connections, before each trial; without it each trial has a new fixture
///   crash()                    the machine loses power: whatever is not durable is lost, every owner is dead, clocks start from zero in another epoch; a lock on
///                              the simulated disk may take what is left from the kit: crash(fates), with `disk = disk.after_power_loss(fates)`
///   kill(owner)                the owner's process dies; its Lock object is not used again (nor destroyed before the trial ends)
///   on_call(hook)              has `hook` (a std::function<void()>, empty: none) called before each call of the backend's medium, in the thread that makes it:
///                              with simulate::Disk `disk.on_call([this](const auto&) { if (hook) hook(); })`. There time passes, owners die and turns change.
///                              Readings of the clock are such points without it.
///   file_system()              the simulate::Disk that the lock's files are on: then each call of it fails, too (errors, full disk, short writes; once and for good)
///   may_fail_spuriously        static constexpr bool: try_acquire() may refuse a free scope now and then
///   is_slow                    static constexpr bool: a verb waits for a real disk or a network; what takes memory a second is cut (the report's bounds say how much)
///
/// Thread-safety: one check at a time for each fixture type; verbs of one lock are called by several threads, one at a time, and at the end freely.
#ifndef KFM_DET_CONFORMANCE_CHECK_LOCK_HPP
#define KFM_DET_CONFORMANCE_CHECK_LOCK_HPP

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "kfm_det/conformance/detail/any_lock.hpp"
#include "kfm_det/conformance/detail/lock_engine.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/report.hpp"

namespace kfm_det::conformance {

namespace lock_fixture_clause {
template <class F> concept is_default = std::is_default_constructible_v<F>;
template <class F> concept connects = requires(F& fixture, const OwnerId& owner, ManualClock& clock) { { fixture.connect(owner, clock).value() }; { fixture.connect(owner, clock).error() } -> std::convertible_to<Error>; };
template <class F> using lock_of = typename std::remove_cvref_t<decltype(std::declval<F&>().connect(std::declval<const OwnerId&>(), std::declval<ManualClock&>()))>::value_type;
template <class F> concept connects_a_lock = !connects<F> || LockPolicy<lock_of<F>>;
template <class F> concept claims_well = !requires { F::claims; } || requires { { F::claims } -> std::convertible_to<LockClaims>; };
template <class F> concept wipes_well = !requires { &F::wipe; } || requires(F& fixture) { fixture.wipe(); };
template <class F> concept crashes_well = !requires { &F::crash; } || requires(F& fixture) { fixture.crash(); } || requires(F& fixture, simulate::Fates& fates) { fixture.crash(fates); };
template <class F> concept kills_well = !requires { &F::kill; } || requires(F& fixture, const OwnerId& owner) { fixture.kill(owner); };
template <class F> concept hooks_well = !requires { &F::on_call; } || requires(F& fixture, std::function<void()> hook) { fixture.on_call(hook); };
template <class F> concept has_a_disk = !requires { &F::file_system; } || requires(F& fixture) { { fixture.file_system() } -> std::convertible_to<simulate::Disk>; };
}  // namespace lock_fixture_clause

template <class F>
concept LockFixture = lock_fixture_clause::is_default<F> && lock_fixture_clause::connects<F> && lock_fixture_clause::connects_a_lock<F> && lock_fixture_clause::claims_well<F> &&
                      lock_fixture_clause::wipes_well<F> && lock_fixture_clause::crashes_well<F> && lock_fixture_clause::kills_well<F> && lock_fixture_clause::hooks_well<F> && lock_fixture_clause::has_a_disk<F>;

/// Says in sentences which clauses F misses, all of them at once.
template <class F>
consteval bool diagnose_lock_fixture() {
  using namespace lock_fixture_clause;
  static_assert(is_default<F>, "kfm_det lock fixture: must be default constructible; the kit makes it");
  static_assert(connects<F>, "kfm_det lock fixture: needs `result<Lock> connect(const OwnerId&, const ManualClock&)`; what it gives asks only that clock for the time");
  static_assert(connects_a_lock<F>, "kfm_det lock fixture: what connect() gives is no LockPolicy; diagnose_lock<Lock>() says why");
  static_assert(claims_well<F>, "kfm_det lock fixture: `claims` must be a `static constexpr LockClaims`");
  static_assert(wipes_well<F>, "kfm_det lock fixture: wipe() takes no argument");
  static_assert(crashes_well<F>, "kfm_det lock fixture: crash() takes no argument, or a `simulate::Fates&`");
  static_assert(kills_well<F>, "kfm_det lock fixture: kill() takes a `const OwnerId&`");
  static_assert(hooks_well<F>, "kfm_det lock fixture: on_call() takes a `std::function<void()>`");
  static_assert(has_a_disk<F>, "kfm_det lock fixture: file_system() gives the `simulate::Disk` that the lock's files are on");
  return LockFixture<F>;
}

namespace detail {

template <class L>
class ErasedLock final : public AnyLock {
 public:
  explicit ErasedLock(L lock) : lock_(std::move(lock)) {}
  result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above) override { return lock_.try_acquire(scope, ttl, above); }
  result<Lease> renew(const Lease& lease, Duration ttl) override { return lock_.renew(lease, ttl); }
  result<void> release(const Lease& lease) override { return lock_.release(lease); }

 private:
  L lock_;
};

template <class F>
class ErasedLockFixture final : public AnyLockFixture {
 public:
  using Lock = lock_fixture_clause::lock_of<F>;
  ErasedLockFixture() { fixture_.emplace(); }
  result<std::unique_ptr<AnyLock>> connect(const OwnerId& owner, ManualClock& clock) override {
    auto lock = fixture_->connect(owner, clock);
    if (!lock) return lock.error();
    return std::unique_ptr<AnyLock>(std::make_unique<ErasedLock<Lock>>(std::move(lock).value()));
  }
  void wipe() override {
    if constexpr (requires { fixture_->wipe(); }) fixture_->wipe();
    else fixture_.emplace();
  }
  void crash(simulate::Fates& fates) override {
    if constexpr (requires { fixture_->crash(fates); }) fixture_->crash(fates);
    else if constexpr (requires { fixture_->crash(); }) fixture_->crash();
  }
  void kill(const OwnerId& owner) override {
    if constexpr (requires { fixture_->kill(owner); }) fixture_->kill(owner);
  }
  void on_call(std::function<void()> hook) override {
    if constexpr (requires { fixture_->on_call(hook); }) fixture_->on_call(std::move(hook));
  }
  std::optional<simulate::Disk> disk() override {
    if constexpr (requires { fixture_->file_system(); }) return fixture_->file_system();
    else return std::nullopt;
  }
  [[nodiscard]] Traits traits() const override {
    Traits out;
    if constexpr (requires { F::claims; }) out.claims = F::claims;
    else out.claims = Lock::claims;
    out.crash_has_fates = requires(F& fixture, simulate::Fates& fates) { fixture.crash(fates); };
    out.crashes = out.crash_has_fates || requires(F& fixture) { fixture.crash(); };
    out.kills = requires(F& fixture, const OwnerId& owner) { fixture.kill(owner); };
    out.has_points = requires(F& fixture, std::function<void()> hook) { fixture.on_call(hook); };
    out.has_disk = requires(F& fixture) { fixture.file_system(); };
    if constexpr (requires { F::may_fail_spuriously; }) out.may_fail_spuriously = F::may_fail_spuriously;
    if constexpr (requires { F::is_slow; }) out.is_slow = F::is_slow;
    return out;
  }

 private:
  std::optional<F> fixture_;
};

}  // namespace detail

/// Plays the fixture's lock against every part of the check. A reproducer line in `options` plays only what it names.
template <class Fixture>
[[nodiscard]] Report check_lock(const Options& options = {}) {
  static_assert(diagnose_lock_fixture<Fixture>());
  const auto make = []() -> std::shared_ptr<detail::AnyLockFixture> { return std::make_shared<detail::ErasedLockFixture<Fixture>>(); };
  return detail::run_check_lock(make, options);
}

}  // namespace kfm_det::conformance

#endif
