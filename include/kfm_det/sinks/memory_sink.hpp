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
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink_rules.hpp"
#include "kfm_det/files/posix_file_system.hpp"

namespace kfm_det {

class MemorySink {
 public:
  static constexpr SinkClaims claims{.atomic_batch = true, .many_processes = false, .survives_power_loss = false};

  [[nodiscard]] result<Head> begin(const Tenure& tenure, const StreamId& stream) {
    const std::scoped_lock guard(state_->mutex);
    KFM_DET_TRY(raise_floor(tenure));
    return witness_of(state_->tables, stream);
  }
  [[nodiscard]] result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
    const std::scoped_lock guard(state_->mutex);
    KFM_DET_TRY(raise_floor(tenure));
    Layer layer(state_->tables);
    KFM_DET_TRY(layer.raise_witness(head));
    std::vector<UpsertResult> results;
    for (const Upsert& one : batch) {
      KFM_DET_TRY(const UpsertResult result, layer.publish(tenure, one));
      results.push_back(result);
    }
    layer.accept();
    return results;
  }
  [[nodiscard]] result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) {
    const std::scoped_lock guard(state_->mutex);
    KFM_DET_TRY(raise_floor(tenure));
    Layer layer(state_->tables);
    KFM_DET_TRY(layer.raise_witness(head));
    for (const Withdrawal& one : batch) { KFM_DET_TRY(layer.withdraw(tenure, one)); }
    layer.accept();
    return success();
  }

  [[nodiscard]] result<std::optional<Publication>> find(const EffectId& effect) {
    const std::scoped_lock guard(state_->mutex);
    return publication(effect);
  }
  [[nodiscard]] result<std::optional<StoredVersion>> find(const IdempotencyKey& key) {
    const std::scoped_lock guard(state_->mutex);
    const auto found = state_->tables.versions.find(key);
    return found == state_->tables.versions.end() ? std::nullopt : std::optional(found->second->about);
  }
  [[nodiscard]] result<void> read(const IdempotencyKey& key, BytesVisitor visitor) {
    std::shared_ptr<const Version> version;
    {
      const std::scoped_lock guard(state_->mutex);
      const auto found = state_->tables.versions.find(key);
      if (found == state_->tables.versions.end()) return sink_rules::unknown_version(key);
      version = found->second;
    }
    if (sha256(version->bytes) != version->about.bytes_hash) return sink_rules::damaged(key);
    for (std::size_t at = 0; at < version->bytes.size(); at += sink_rules::piece_bytes) { KFM_DET_TRY(visitor(BytesView(version->bytes).substr(at, sink_rules::piece_bytes))); }
    return success();
  }
  [[nodiscard]] result<std::optional<Publication>> current(const BusinessKey& key) {
    const std::scoped_lock guard(state_->mutex);
    const auto rank = Layer(state_->tables).current(key.text);
    return rank ? publication(rank->effect) : std::nullopt;
  }
  [[nodiscard]] result<void> history(const BusinessKey& key, PublicationVisitor visitor) {
    std::vector<Publication> all;   // a copy, so that the visitor may call back
    {
      const std::scoped_lock guard(state_->mutex);
      if (const auto ranks = state_->tables.ranks.find(key.text); ranks != state_->tables.ranks.end())
        for (const Rank& rank : ranks->second) all.push_back(*publication(rank.effect));
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
    return witness_of(state_->tables, stream);
  }

  /// What is here now, as a sink of its own.
  [[nodiscard]] MemorySink backup() const {
    const std::scoped_lock guard(state_->mutex);
    MemorySink out;
    out.state_->tables = state_->tables;
    return out;
  }
  /// Puts the sink back as a backup of it would be, for this and every copy.
  void restore(const MemorySink& backup) {
    if (state_ == backup.state_) return;
    const std::scoped_lock guard(state_->mutex, backup.state_->mutex);
    state_->tables = backup.state_->tables;
  }
  /// For tests that damage what is stored.
  void replace_bytes(const IdempotencyKey& key, Bytes bytes) {
    const std::scoped_lock guard(state_->mutex);
    if (const auto found = state_->tables.versions.find(key); found != state_->tables.versions.end())
      found->second = std::make_shared<const Version>(Version{found->second->about, {}, std::move(bytes)});
  }

 private:
  using Rank = sink_rules::Rank;
  using Row = sink_rules::Row;
  struct Version {
    StoredVersion about;
    std::string metadata;   // canonical
    Bytes bytes;
  };
  struct Tables {
    std::map<Scope, sink_rules::Floor> floors;
    std::map<StreamId, Head> witnesses;
    std::map<std::string, Scope> scopes;               // of each business key; std::string compares byte for byte (SINK-10)
    std::map<std::string, std::set<Rank>> ranks;       // of each business key
    std::map<EffectId, Row> rows;
    std::map<IdempotencyKey, std::shared_ptr<const Version>> versions;
  };
  struct State {
    std::mutex mutex;
    Tables tables;
  };

  static Head witness_of(const Tables& tables, const StreamId& stream) {
    const auto found = tables.witnesses.find(stream);
    if (found != tables.witnesses.end()) return found->second;
    Head none;
    none.stream = stream;
    return none;
  }

  /// A request works on a layer above the tables. Accepted, the layer goes into them; refused, it is dropped: SINK-11 and SINK-13.
  class Layer {
   public:
    explicit Layer(Tables& below) : below_(below) {}

    result<void> raise_witness(const Head& head) {
      KFM_DET_TRY(const bool higher, sink_rules::raises_witness(witness_of(below_, head.stream), head));
      if (higher) above_.witnesses[head.stream] = head;
      return success();
    }
    result<UpsertResult> publish(const Tenure& tenure, const Upsert& request) {
      KFM_DET_TRY(claim(tenure, request.business_key));
      const Row* seen = row(request.effect);
      if (seen) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }
      if (const auto* fresh = std::get_if<NewVersion>(&request.content)) { KFM_DET_TRY(store(*fresh)); }
      const auto key = sink_rules::version_of(request.content);
      if (key && !version(*key)) return sink_rules::unknown_version(*key);

      if (seen && seen->published) return seen->withdrawn ? UpsertResult::withdrawn : UpsertResult::unchanged;
      const bool withdrawn = seen && seen->withdrawn;
      const auto before = current(request.business_key.text);
      put(request.effect, Row{request.run, request.order, request.business_key, true, withdrawn, key});
      return withdrawn ? UpsertResult::withdrawn : sink_rules::outcome(before, {request.order, request.effect});
    }
    result<void> withdraw(const Tenure& tenure, const Withdrawal& request) {
      KFM_DET_TRY(claim(tenure, request.business_key));
      const Row* seen = row(request.effect);
      if (seen) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }
      Row taken_back = seen ? *seen : Row{request.run, request.order, request.business_key, false, false, std::nullopt};   // SINK-4: also what never came
      taken_back.withdrawn = true;
      put(request.effect, std::move(taken_back));
      return success();
    }
    /// The publication of highest rank that is not withdrawn.
    std::optional<Rank> current(const std::string& key) const {
      std::optional<Rank> best;
      const Tables* const both[] = {&below_, &above_};
      for (const Tables* tables : both) {
        const auto ranks = tables->ranks.find(key);
        if (ranks == tables->ranks.end()) continue;
        for (auto rank = ranks->second.rbegin(); rank != ranks->second.rend() && (!best || *best < *rank); ++rank)
          if (!row(rank->effect)->withdrawn) best = *rank;
      }
      return best;
    }
    void accept() {
      for (auto& [stream, head] : above_.witnesses) below_.witnesses[stream] = std::move(head);
      for (auto& [key, ranks] : above_.ranks) below_.ranks[key].merge(ranks);
      for (auto& [effect, row] : above_.rows) below_.rows[effect] = std::move(row);
      below_.scopes.merge(above_.scopes);
      below_.versions.merge(above_.versions);
    }

   private:
    /// SINK-9: the first scope that uses a key has it.
    result<void> claim(const Tenure& tenure, const BusinessKey& key) {
      const auto owner = below_.scopes.find(key.text);
      if (owner != below_.scopes.end()) return sink_rules::same_scope(owner->second, tenure, key);
      above_.scopes.emplace(key.text, tenure.scope);
      return success();
    }
    result<void> store(const NewVersion& fresh) {
      KFM_DET_TRY(auto metadata, sink_rules::metadata_text(fresh));
      Bytes bytes;
      PosixFileSystem fs;
      KFM_DET_TRY(const auto size, sink_rules::check_content(fs, fresh, [&](BytesView piece) -> result<void> { bytes += piece; return success(); }));
      if (const Version* there = version(fresh.key)) return sink_rules::same_version(fresh, there->about.bytes_hash, metadata, there->metadata);
      above_.versions[fresh.key] = std::make_shared<const Version>(Version{{fresh.key, fresh.bytes_hash, size, fresh.metadata}, std::move(metadata), std::move(bytes)});
      return success();
    }
    const Row* row(const EffectId& effect) const {
      if (const auto found = above_.rows.find(effect); found != above_.rows.end()) return &found->second;
      const auto found = below_.rows.find(effect);
      return found == below_.rows.end() ? nullptr : &found->second;
    }
    const Version* version(const IdempotencyKey& key) const {
      if (const auto found = above_.versions.find(key); found != above_.versions.end()) return found->second.get();
      const auto found = below_.versions.find(key);
      return found == below_.versions.end() ? nullptr : found->second.get();
    }
    void put(const EffectId& effect, Row row) {
      above_.ranks[row.business_key.text].insert({row.order, effect});
      above_.rows[effect] = std::move(row);
    }

    Tables& below_;
    Tables above_;
  };

  /// SINK-6. A floor stays raised even when the request that raised it is refused.
  result<void> raise_floor(const Tenure& tenure) {
    sink_rules::Floor& floor = state_->tables.floors[tenure.scope];
    KFM_DET_TRY(const bool higher, sink_rules::raises_floor(floor, tenure));
    if (higher) floor = {tenure.token, tenure.owner};
    return success();
  }
  std::optional<Publication> publication(const EffectId& effect) {
    const auto found = state_->tables.rows.find(effect);
    if (found == state_->tables.rows.end()) return std::nullopt;
    const Row& row = found->second;
    const auto current = Layer(state_->tables).current(row.business_key.text);
    Publication out{effect, row.run, row.order, row.business_key, PublicationState::superseded, row.published && !row.version, std::nullopt};
    if (row.withdrawn) out.state = PublicationState::withdrawn;
    else if (current->effect == effect) out.state = PublicationState::current;
    if (row.version) out.version = state_->tables.versions.at(*row.version)->about;
    return out;
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};
static_assert(SinkPolicy<MemorySink>);

}  // namespace kfm_det

#endif
