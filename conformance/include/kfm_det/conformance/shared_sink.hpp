// SPDX-License-Identifier: BSL-1.0
/// \file
/// SharedSink: for fixtures of check_updater whose sink can be opened once at a time. The updater and the kit, which looks beside it, get the same handle.
///
///   kfm_det::result<SharedSink<acme::Sink>> open_sink() { return shared.open([&] { return acme::Sink::open(path); }); }
///   void crash() { shared.forget(); ... }             // where the fixture has one: whoever holds a handle is dead then
///   SharedSinkSlot<acme::Sink> shared;
///
/// The handle is closed when nobody has it any more. Thread-safety: that of the sink.
#ifndef KFM_DET_CONFORMANCE_SHARED_SINK_HPP
#define KFM_DET_CONFORMANCE_SHARED_SINK_HPP

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink.hpp"

namespace kfm_det::conformance {

template <class S>
class SharedSink {
 public:
  static constexpr SinkClaims claims = S::claims;
  explicit SharedSink(std::shared_ptr<S> sink) : sink_(std::move(sink)) {}

  [[nodiscard]] result<Head> begin(const Tenure& tenure, const StreamId& stream) { return sink_->begin(tenure, stream); }
  [[nodiscard]] result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) { return sink_->upsert(tenure, head, batch); }
  [[nodiscard]] result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) { return sink_->withdraw(tenure, head, batch); }
  [[nodiscard]] result<std::optional<Publication>> find(const EffectId& effect) { return sink_->find(effect); }
  [[nodiscard]] result<std::optional<StoredVersion>> find(const IdempotencyKey& key) { return sink_->find(key); }
  [[nodiscard]] result<void> read(const IdempotencyKey& key, BytesVisitor visitor) { return sink_->read(key, visitor); }
  [[nodiscard]] result<std::optional<Publication>> current(const BusinessKey& key) { return sink_->current(key); }
  [[nodiscard]] result<void> history(const BusinessKey& key, PublicationVisitor visitor) { return sink_->history(key, visitor); }
  [[nodiscard]] result<void> keys(KeyVisitor visitor) { return sink_->keys(visitor); }
  [[nodiscard]] result<std::optional<Scope>> scope_of(const BusinessKey& key) { return sink_->scope_of(key); }
  [[nodiscard]] result<Head> witness(const StreamId& stream) { return sink_->witness(stream); }

 private:
  std::shared_ptr<S> sink_;
};

template <class S>
class SharedSinkSlot {
 public:
  /// The handle that is open, or what `open` gives. Errors: those of `open`.
  template <class Open>
  [[nodiscard]] result<SharedSink<S>> open(Open open) {
    auto there = open_.lock();
    if (!there) {
      KFM_DET_TRY(S opened, open());
      there = std::make_shared<S>(std::move(opened));
      open_ = there;
    }
    return SharedSink<S>(std::move(there));
  }
  void forget() { open_.reset(); }

 private:
  std::weak_ptr<S> open_;
};

}  // namespace kfm_det::conformance

#endif
