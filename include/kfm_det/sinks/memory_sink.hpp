// SPDX-License-Identifier: BSL-1.0
/// \file
/// MemorySink: keeps publications in memory. The tutorial of the Sink contract, and the sink of tests and dry runs.
///
/// Durability: none; a process that ends takes it along. Copies share their tables, so a test keeps looking at a sink that it moved
/// into an updater, and can "restart" over it. Thread-safety: all verbs may be called from any thread, also by visitors.
#ifndef KFM_DET_SINKS_MEMORY_SINK_HPP
#define KFM_DET_SINKS_MEMORY_SINK_HPP

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink_rules.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/sinks/publication_tables.hpp"

namespace kfm_det {

class MemorySink {
 public:
  static constexpr SinkClaims claims{.atomic_batch = true, .many_processes = false, .survives_power_loss = false};

  [[nodiscard]] result<Head> begin(const Tenure& tenure, const StreamId& stream) {
    const std::scoped_lock guard(state_->mutex);
    KFM_DET_TRY(raise_floor(tenure));
    return state_->tables.witness(stream);
  }
  [[nodiscard]] result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    const std::scoped_lock guard(state_->mutex);
    KFM_DET_TRY(raise_floor(tenure));
    PublicationLayer layer(state_->tables);
    KFM_DET_TRY(layer.raise_witness(head));
    Contents contents;
    PosixFileSystem fs;
    const auto take = [&](const NewVersion& fresh, bool is_stored) -> result<std::uint64_t> {
      Bytes bytes;
      KFM_DET_TRY(const auto size, sink_rules::check_content(fs, fresh, [&](BytesView piece) -> result<void> { bytes += piece; return success(); }));
      if (!is_stored) contents[fresh.key] = std::make_shared<const Bytes>(std::move(bytes));
      return size;
    };
    std::vector<UpsertResult> results;
    for (const Upsert& one : batch) {
      KFM_DET_TRY(const UpsertResult result, layer.publish(tenure, one, take));
      results.push_back(result);
    }
    state_->tables.add(std::move(layer.changes()));
    state_->contents.merge(contents);
    return results;
  }
  [[nodiscard]] result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) {
    const std::scoped_lock guard(state_->mutex);
    KFM_DET_TRY(raise_floor(tenure));
    PublicationLayer layer(state_->tables);
    KFM_DET_TRY(layer.raise_witness(head));
    for (const Withdrawal& one : batch) { KFM_DET_TRY(layer.withdraw(tenure, one)); }
    state_->tables.add(std::move(layer.changes()));
    return success();
  }

  [[nodiscard]] result<std::optional<Publication>> find(const EffectId& effect) {
    const std::scoped_lock guard(state_->mutex);
    return state_->tables.publication(effect);
  }
  [[nodiscard]] result<std::optional<StoredVersion>> find(const IdempotencyKey& key) {
    const std::scoped_lock guard(state_->mutex);
    const auto found = state_->tables.versions.find(key);
    return found == state_->tables.versions.end() ? std::nullopt : std::optional(found->second.about);
  }
  [[nodiscard]] result<void> read(const IdempotencyKey& key, BytesVisitor visitor) {
    std::shared_ptr<const Bytes> bytes;
    Digest bytes_hash;
    {
      const std::scoped_lock guard(state_->mutex);
      const auto found = state_->tables.versions.find(key);
      if (found == state_->tables.versions.end()) return sink_rules::unknown_version(key);
      bytes = state_->contents.at(key);
      bytes_hash = found->second.about.bytes_hash;
    }
    if (sha256(*bytes) != bytes_hash) return sink_rules::damaged(key);
    for (std::size_t at = 0; at < bytes->size(); at += sink_rules::piece_bytes) { KFM_DET_TRY(visitor(BytesView(*bytes).substr(at, sink_rules::piece_bytes))); }
    return success();
  }
  [[nodiscard]] result<std::optional<Publication>> current(const BusinessKey& key) {
    const std::scoped_lock guard(state_->mutex);
    return state_->tables.current(key);
  }
  [[nodiscard]] result<void> history(const BusinessKey& key, PublicationVisitor visitor) {
    std::vector<Publication> all;   // a copy, so that the visitor may call back
    {
      const std::scoped_lock guard(state_->mutex);
      all = state_->tables.history(key);
    }
    for (const Publication& one : all) { KFM_DET_TRY(visitor(one)); }
    return success();
  }
  [[nodiscard]] result<void> keys(KeyVisitor visitor) {
    std::vector<BusinessKey> all;
    {
      const std::scoped_lock guard(state_->mutex);
      for (const auto& [key, scope] : state_->tables.scopes) all.push_back({key});
    }
    for (const BusinessKey& key : all) { KFM_DET_TRY(visitor(key)); }
    return success();
  }
  [[nodiscard]] result<std::optional<Scope>> scope_of(const BusinessKey& key) {
    const std::scoped_lock guard(state_->mutex);
    const auto found = state_->tables.scopes.find(key.text);
    return found == state_->tables.scopes.end() ? std::optional<Scope>() : std::optional<Scope>(found->second);
  }
  [[nodiscard]] result<Head> witness(const StreamId& stream) {
    const std::scoped_lock guard(state_->mutex);
    return state_->tables.witness(stream);
  }

  /// What is here now, as a sink of its own.
  [[nodiscard]] MemorySink backup() const {
    const std::scoped_lock guard(state_->mutex);
    MemorySink out;
    out.state_->tables = state_->tables;
    out.state_->contents = state_->contents;
    return out;
  }
  /// Puts the sink back as a backup of it would be, for this and every copy.
  void restore(const MemorySink& backup) {
    if (state_ == backup.state_) return;
    const std::scoped_lock guard(state_->mutex, backup.state_->mutex);
    state_->tables = backup.state_->tables;
    state_->contents = backup.state_->contents;
  }
  /// For tests that damage what is stored.
  void replace_bytes(const IdempotencyKey& key, Bytes bytes) {
    const std::scoped_lock guard(state_->mutex);
    if (const auto found = state_->contents.find(key); found != state_->contents.end()) found->second = std::make_shared<const Bytes>(std::move(bytes));
  }

 private:
  using Contents = std::map<IdempotencyKey, std::shared_ptr<const Bytes>>;
  struct State {
    std::mutex mutex;
    PublicationTables tables;
    Contents contents;
  };

  /// SINK-6. A floor stays raised even when the request that raised it is refused.
  result<void> raise_floor(const Tenure& tenure) {
    sink_rules::Floor& floor = state_->tables.floors[tenure.scope];
    KFM_DET_TRY(const bool higher, sink_rules::raises_floor(floor, tenure));
    if (higher) floor = {tenure.token, tenure.owner};
    return success();
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};
static_assert(SinkPolicy<MemorySink>);

}  // namespace kfm_det

#endif
