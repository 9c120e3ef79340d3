// SPDX-License-Identifier: BSL-1.0
/// \file
/// Backends whose process can be stopped, paused or told to die at any call: for tests that cut a run's life anywhere.
#ifndef KFM_DET_TESTS_UPDATER_FUSED_HPP
#define KFM_DET_TESTS_UPDATER_FUSED_HPP

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"

namespace kfm_det::testing {

/// The "process" is gone.
struct Killed {};

/// Counts the calls of one process. Each has two ends: 2n is before call n, 2n + 1 behind it. Once dead, nothing reaches a backend any more, not even from
/// destructors: what a killed process leaves is what it had done.
struct Fuse {
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  std::uint64_t calls = 0;
  std::uint64_t stop_at = never;
  std::uint64_t pause_at = never;
  std::function<void()> while_paused;   // another owner's life
  bool dead = false;
  bool dies_at_upsert = false;          // an effect that always kills its process

  template <class Call>
  auto through(Call&& call) -> decltype(call()) {
    const std::uint64_t mine = 2 * calls++;
    reach(mine);
    auto answer = call();
    reach(mine + 1);
    return answer;
  }
  /// Of destructors: they must not throw, and a dead process does nothing.
  template <class Call>
  result<void> at_end(Call&& call) {
    if (dead) return Error(errc::io_error, "the process is dead");
    return call();
  }
  void reset() {
    calls = 0;
    stop_at = pause_at = never;
    dead = false;
  }

 private:
  void reach(std::uint64_t place) {
    if (place == pause_at) while_paused();
    if (dead || place == stop_at) {
      dead = true;
      throw Killed{};
    }
  }
};

/// One process, which is killed at `stop_at` and paused at `pause_at`. Answers whether it lived to its end; if not, its lease has run out when this returns.
/// `calls`: how many it made.
template <class Act>
bool lives(Fuse& fuse, ManualClock& clock, std::uint64_t& calls, const Act& act, std::uint64_t stop_at, std::uint64_t pause_at = Fuse::never) {
  fuse.reset();
  fuse.stop_at = stop_at;
  fuse.pause_at = pause_at;
  bool alive = true;
  try {
    act();
  } catch (const Killed&) {
    alive = false;
    clock.advance(seconds(60));
  }
  calls = fuse.calls;
  fuse.reset();
  return alive;
}

template <class St>
struct FusedStore {
  static constexpr StoreClaims claims = St::claims;
  struct Stream {
    typename St::Stream inner;
    Fuse* fuse;
    result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) { return fuse->through([&] { return inner.recover(witnesses, options); }); }
    result<Recovery> inspect(std::span<const Head> witnesses) { return inner.inspect(witnesses); }
    result<Lsn> append(Lsn last, std::span<const BytesView> group) { return fuse->through([&] { return inner.append(last, group); }); }
    result<Lsn> sync() { return fuse->through([&] { return inner.sync(); }); }
    result<Lsn> scan(Lsn from, FrameVisitor visitor) { return inner.scan(from, visitor); }
    Tail tail() const { return inner.tail(); }
    result<void> prove() { return fuse->at_end([&] { return inner.prove(); }); }
    result<void> close() { return fuse->at_end([&] { return inner.close(); }); }
    result<void> drop_before(Lsn lsn) { return fuse->through([&] { return inner.drop_before(lsn); }); }
  };
  result<Stream> open_stream(const StreamId& id) {
    KFM_DET_TRY(auto stream, inner.open_stream(id));
    return Stream{std::move(stream), fuse};
  }
  St inner;
  Fuse* fuse;
};

template <class Si>
struct FusedSink {
  static constexpr SinkClaims claims = Si::claims;
  result<Head> begin(const Tenure& tenure, const StreamId& stream) { return fuse->through([&] { return inner.begin(tenure, stream); }); }
  result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    if (before_effect)
      for (const auto& one : batch) before_effect(head, one.effect, "upsert");
    if (fuse->dies_at_upsert) fuse->dead = true;
    return fuse->through([&] { return inner.upsert(tenure, head, batch); });
  }
  result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) {
    if (before_effect)
      for (const auto& one : batch) before_effect(head, one.effect, "withdraw");
    return fuse->through([&] { return inner.withdraw(tenure, head, batch); });
  }
  result<std::optional<Publication>> find(const EffectId& effect) { return inner.find(effect); }
  result<std::optional<StoredVersion>> find(const IdempotencyKey& key) { return inner.find(key); }
  result<void> read(const IdempotencyKey& key, BytesVisitor visitor) { return inner.read(key, visitor); }
  result<std::optional<Publication>> current(const BusinessKey& key) { return inner.current(key); }
  result<void> history(const BusinessKey& key, PublicationVisitor visitor) { return inner.history(key, visitor); }
  result<void> keys(KeyVisitor visitor) { return inner.keys(visitor); }
  result<std::optional<Scope>> scope_of(const BusinessKey& key) { return inner.scope_of(key); }
  result<Head> witness(const StreamId& stream) { return inner.witness(stream); }
  Si inner;
  Fuse* fuse;
  std::function<void(const Head&, const EffectId&, const std::string& operation)> before_effect{};   // looks at every effect on its way
};

template <class L>
struct FusedLock {
  static constexpr LockClaims claims = L::claims;
  result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {}) { return fuse->through([&] { return inner.try_acquire(scope, ttl, above); }); }
  result<Lease> renew(const Lease& lease, Duration ttl) { return fuse->through([&] { return inner.renew(lease, ttl); }); }
  result<void> release(const Lease& lease) { return fuse->at_end([&] { return inner.release(lease); }); }
  auto holder(const LockScope& scope) { return inner.holder(scope); }
  L inner;
  Fuse* fuse;
};

}  // namespace kfm_det::testing

#endif
