// SPDX-License-Identifier: BSL-1.0
/// \file
/// Wire: what lies between a caller and a backend that is somewhere else, and loses things. An operation may be executed and yet be reported as
/// errc::timed_out; it may never arrive; it may arrive when its caller has long gone on. Whoever gets a timeout must find out what has happened.
///
/// A wire knows nothing of contracts: `wire.call<Lsn>([stream, lsn, group] { return stream->append(lsn, views_of(group)); })` carries any of their verbs. Take
/// what the operation needs by value: it may run later. AmbiguousLock, AmbiguousStore with its streams, and AmbiguousSink are a Lock, a Store and a Sink at the
/// end of a wire. Reads change nothing, so that they never arrive late, and a visitor may have seen something before it is known that the answer is lost.
/// Thread-safety: one thread.
#ifndef KFM_DET_SIMULATE_AMBIGUOUS_HPP
#define KFM_DET_SIMULATE_AMBIGUOUS_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"

namespace kfm_det::simulate {

class Wire {
 public:
  enum class Loss : std::uint8_t { none, answer, request, late };   ///< late: the caller is told of a timeout, and the request arrives with deliver()
  static constexpr std::uint32_t losses = 4;

  /// Asked at each call.
  explicit Wire(std::function<Loss()> decide) : decide_(std::move(decide)) {}

  template <class T, class Operation>
  [[nodiscard]] result<T> call(Operation operation) {
    switch (decide_ ? decide_() : Loss::none) {
      case Loss::none: return operation();
      case Loss::answer: (void)operation(); break;
      case Loss::request: break;
      case Loss::late: late_.push_back([operation = std::move(operation)]() mutable { (void)operation(); }); break;
    }
    return timeout();
  }
  /// The same for what changes nothing: a request that would arrive late never does.
  template <class T, class Operation>
  [[nodiscard]] result<T> look(Operation operation) {
    const Loss loss = decide_ ? decide_() : Loss::none;
    if (loss == Loss::none) return operation();
    if (loss == Loss::answer) (void)operation();
    return timeout();
  }
  /// What is under way arrives, the oldest first. How many.
  std::size_t deliver() {
    const auto arrived = std::exchange(late_, {});
    for (const auto& operation : arrived) operation();
    return arrived.size();
  }
  [[nodiscard]] std::size_t under_way() const noexcept { return late_.size(); }

 private:
  static Error timeout() { return {errc::timed_out, "the answer did not come in time", "simulated wire", "Find out whether it happened."}; }

  std::function<Loss()> decide_;
  std::vector<std::function<void()>> late_;
};

/// L's verbs over a wire. The lock lives as long as anything is under way to it.
template <class L>
class AmbiguousLock {
 public:
  AmbiguousLock(std::shared_ptr<L> lock, std::shared_ptr<Wire> wire) : lock_(std::move(lock)), wire_(std::move(wire)) {}
  [[nodiscard]] result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {}) {
    return wire_->call<std::optional<Lease>>([lock = lock_, scope, ttl, above] { return lock->try_acquire(scope, ttl, above); });
  }
  [[nodiscard]] result<Lease> renew(const Lease& lease, Duration ttl) {
    return wire_->call<Lease>([lock = lock_, lease, ttl] { return lock->renew(lease, ttl); });
  }
  [[nodiscard]] result<void> release(const Lease& lease) {
    return wire_->call<void>([lock = lock_, lease] { return lock->release(lease); });
  }

 private:
  std::shared_ptr<L> lock_;
  std::shared_ptr<Wire> wire_;
};

/// A stream's verbs over a wire. tail() is what the near end knows, and asks nobody.
template <class Stream>
class AmbiguousStream {
 public:
  AmbiguousStream(std::shared_ptr<Stream> stream, std::shared_ptr<Wire> wire) : stream_(std::move(stream)), wire_(std::move(wire)) {}
  [[nodiscard]] result<Recovery> recover(std::span<const Head> witnesses, RecoverOptions options) {
    return wire_->call<Recovery>([stream = stream_, heads = std::vector<Head>(witnesses.begin(), witnesses.end()), options] { return stream->recover(heads, options); });
  }
  [[nodiscard]] result<Recovery> inspect(std::span<const Head> witnesses) {
    return wire_->look<Recovery>([&] { return stream_->inspect(witnesses); });
  }
  [[nodiscard]] result<Lsn> append(Lsn expected_last, std::span<const BytesView> group) {
    return wire_->call<Lsn>([stream = stream_, expected_last, frames = std::vector<Bytes>(group.begin(), group.end())] {
      return stream->append(expected_last, std::vector<BytesView>(frames.begin(), frames.end()));
    });
  }
  [[nodiscard]] result<Lsn> sync() {
    return wire_->call<Lsn>([stream = stream_] { return stream->sync(); });
  }
  [[nodiscard]] result<Lsn> scan(Lsn from, FrameVisitor visitor) {
    return wire_->look<Lsn>([&] { return stream_->scan(from, visitor); });
  }
  [[nodiscard]] Tail tail() const { return stream_->tail(); }
  [[nodiscard]] result<void> prove() {
    return wire_->call<void>([stream = stream_] { return stream->prove(); });
  }
  [[nodiscard]] result<void> close() {
    return wire_->call<void>([stream = stream_] { return stream->close(); });
  }
  [[nodiscard]] result<void> drop_before(Lsn lsn) {
    return wire_->call<void>([stream = stream_, lsn] { return stream->drop_before(lsn); });
  }

 private:
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<Wire> wire_;
};

/// A Store whose streams are at the end of a wire.
template <class S>
class AmbiguousStore {
 public:
  static constexpr StoreClaims claims = S::claims;
  using Stream = AmbiguousStream<typename S::Stream>;
  AmbiguousStore(S store, std::shared_ptr<Wire> wire) : store_(std::make_shared<S>(std::move(store))), wire_(std::move(wire)) {}
  [[nodiscard]] result<Stream> open_stream(const StreamId& id) {
    KFM_DET_TRY(auto stream, store_->open_stream(id));
    // the store outlives its streams, and what is under way to them
    const auto both = std::make_shared<std::pair<std::shared_ptr<S>, typename S::Stream>>(store_, std::move(stream));
    return Stream(std::shared_ptr<typename S::Stream>(both, &both->second), wire_);
  }

 private:
  std::shared_ptr<S> store_;
  std::shared_ptr<Wire> wire_;
};

/// S's verbs over a wire.
template <class S>
class AmbiguousSink {
 public:
  static constexpr SinkClaims claims = S::claims;
  AmbiguousSink(std::shared_ptr<S> sink, std::shared_ptr<Wire> wire) : sink_(std::move(sink)), wire_(std::move(wire)) {}
  [[nodiscard]] result<Head> begin(const Tenure& tenure, const StreamId& stream) {
    return wire_->call<Head>([sink = sink_, tenure, stream] { return sink->begin(tenure, stream); });
  }
  [[nodiscard]] result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    return wire_->call<std::vector<UpsertResult>>([sink = sink_, tenure, head, all = std::vector<Upsert>(batch.begin(), batch.end())] { return sink->upsert(tenure, head, all); });
  }
  [[nodiscard]] result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) {
    return wire_->call<void>([sink = sink_, tenure, head, all = std::vector<Withdrawal>(batch.begin(), batch.end())] { return sink->withdraw(tenure, head, all); });
  }
  [[nodiscard]] result<std::optional<Publication>> find(const EffectId& effect) {
    return wire_->look<std::optional<Publication>>([&] { return sink_->find(effect); });
  }
  [[nodiscard]] result<std::optional<StoredVersion>> find(const IdempotencyKey& key) {
    return wire_->look<std::optional<StoredVersion>>([&] { return sink_->find(key); });
  }
  [[nodiscard]] result<void> read(const IdempotencyKey& key, BytesVisitor visitor) {
    return wire_->look<void>([&] { return sink_->read(key, visitor); });
  }
  [[nodiscard]] result<std::optional<Publication>> current(const BusinessKey& key) {
    return wire_->look<std::optional<Publication>>([&] { return sink_->current(key); });
  }
  [[nodiscard]] result<void> history(const BusinessKey& key, PublicationVisitor visitor) {
    return wire_->look<void>([&] { return sink_->history(key, visitor); });
  }
  [[nodiscard]] result<void> keys(KeyVisitor visitor) {
    return wire_->look<void>([&] { return sink_->keys(visitor); });
  }
  [[nodiscard]] result<Head> witness(const StreamId& stream) {
    return wire_->look<Head>([&] { return sink_->witness(stream); });
  }
  [[nodiscard]] result<std::optional<Scope>> scope_of(const BusinessKey& key)
    requires requires(S& sink) { { sink.scope_of(key) } -> std::same_as<result<std::optional<Scope>>>; }
  {
    return wire_->look<std::optional<Scope>>([&] { return sink_->scope_of(key); });
  }

 private:
  std::shared_ptr<S> sink_;
  std::shared_ptr<Wire> wire_;
};

}  // namespace kfm_det::simulate

#endif
