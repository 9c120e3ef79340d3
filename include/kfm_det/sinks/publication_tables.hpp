// SPDX-License-Identifier: BSL-1.0
/// \file
/// PublicationTables: what a sink knows about its publications, beside the bytes; and PublicationLayer, what one request adds to that.
///
/// For sinks that keep their index in memory (MemorySink, FileSink): the verdicts are those of contracts/sink_rules.hpp. The tables are a set that only
/// grows, so the same layer put in twice is the same as once. Thread-safety: none; the sink has a mutex. Durability: none of their own.
#ifndef KFM_DET_SINKS_PUBLICATION_TABLES_HPP
#define KFM_DET_SINKS_PUBLICATION_TABLES_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kfm_det/contracts/sink_rules.hpp"

namespace kfm_det {

struct PublicationTables {
  using Rank = sink_rules::Rank;
  using Row = sink_rules::Row;
  struct Version {
    StoredVersion about;
    std::string metadata;   ///< canonical
  };
  std::map<Scope, sink_rules::Floor> floors;
  std::map<StreamId, Head> witnesses;
  std::map<std::string, Scope> scopes;            ///< of each business key; std::string compares byte for byte (SINK-10)
  std::map<std::string, std::set<Rank>> ranks;    ///< of each business key
  std::map<EffectId, Row> rows;
  std::map<IdempotencyKey, Version> versions;

  [[nodiscard]] Head witness(const StreamId& stream) const {
    const auto found = witnesses.find(stream);
    if (found != witnesses.end()) return found->second;
    Head none;
    none.stream = stream;
    return none;
  }
  [[nodiscard]] std::optional<Publication> publication(const EffectId& effect) const;
  [[nodiscard]] std::optional<Publication> current(const BusinessKey& key) const;
  [[nodiscard]] std::vector<Publication> history(const BusinessKey& key) const;
  /// Takes in what a request has changed.
  void add(PublicationTables layer);
  void put(const EffectId& effect, Row row) {
    ranks[row.business_key.text].insert({row.order, effect});
    rows[effect] = std::move(row);
  }
};

/// A request works on a layer above the tables. Accepted, the layer goes into them; refused, it is dropped: SINK-11 and SINK-13.
class PublicationLayer {
 public:
  using Row = sink_rules::Row;
  using Rank = sink_rules::Rank;
  using Version = PublicationTables::Version;
  /// Checks the bytes of new content and says how many they are (sink_rules::check_content); keeps them when `is_stored` is false.
  using ContentTaker = function_ref<result<std::uint64_t>(const NewVersion&, bool is_stored)>;

  explicit PublicationLayer(const PublicationTables& below) : below_(below) {}

  result<void> raise_witness(const Head& head) {
    KFM_DET_TRY(const bool higher, sink_rules::raises_witness(below_.witness(head.stream), head));
    if (higher) above_.witnesses[head.stream] = head;
    return success();
  }
  result<UpsertResult> publish(const Tenure& tenure, const Upsert& request, ContentTaker take) {
    KFM_DET_TRY(claim(tenure, request.business_key));
    const Row* seen = row(request.effect);
    if (seen) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }
    if (const auto* fresh = std::get_if<NewVersion>(&request.content)) { KFM_DET_TRY(store(*fresh, take)); }
    const auto key = sink_rules::version_of(request.content);
    if (key && !version(*key)) return sink_rules::unknown_version(*key);

    if (seen && seen->published) return seen->withdrawn ? UpsertResult::withdrawn : UpsertResult::unchanged;
    const bool withdrawn = seen && seen->withdrawn;
    const auto before = current(request.business_key.text);
    above_.put(request.effect, Row{request.run, request.order, request.business_key, true, withdrawn, key});
    return withdrawn ? UpsertResult::withdrawn : sink_rules::outcome(before, {request.order, request.effect});
  }
  result<void> withdraw(const Tenure& tenure, const Withdrawal& request) {
    KFM_DET_TRY(claim(tenure, request.business_key));
    const Row* seen = row(request.effect);
    if (seen) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }
    Row taken_back = seen ? *seen : Row{request.run, request.order, request.business_key, false, false, std::nullopt};   // SINK-4: also what never came
    if (taken_back.withdrawn) return success();
    taken_back.withdrawn = true;
    above_.put(request.effect, std::move(taken_back));
    return success();
  }
  /// The publication of highest rank that is not withdrawn.
  [[nodiscard]] std::optional<Rank> current(const std::string& key) const {
    std::optional<Rank> best;
    const PublicationTables* const both[] = {&below_, &above_};
    for (const PublicationTables* tables : both) {
      const auto ranks = tables->ranks.find(key);
      if (ranks == tables->ranks.end()) continue;
      for (auto rank = ranks->second.rbegin(); rank != ranks->second.rend() && (!best || *best < *rank); ++rank)
        if (!row(rank->effect)->withdrawn) best = *rank;
    }
    return best;
  }
  [[nodiscard]] PublicationTables& changes() noexcept { return above_; }

 private:
  /// SINK-9: the first scope that uses a key has it.
  result<void> claim(const Tenure& tenure, const BusinessKey& key) {
    const auto owner = below_.scopes.find(key.text);
    if (owner != below_.scopes.end()) return sink_rules::same_scope(owner->second, tenure, key);
    above_.scopes.emplace(key.text, tenure.scope);
    return success();
  }
  result<void> store(const NewVersion& fresh, ContentTaker take) {
    KFM_DET_TRY(auto metadata, sink_rules::metadata_text(fresh));
    const Version* there = version(fresh.key);
    if (there) { KFM_DET_TRY(sink_rules::same_version(fresh, there->about.bytes_hash, metadata, there->metadata)); }
    KFM_DET_TRY(const auto size, take(fresh, there != nullptr));
    if (!there) above_.versions[fresh.key] = Version{{fresh.key, fresh.bytes_hash, size, fresh.metadata}, std::move(metadata)};
    return success();
  }
  [[nodiscard]] const Row* row(const EffectId& effect) const {
    if (const auto found = above_.rows.find(effect); found != above_.rows.end()) return &found->second;
    const auto found = below_.rows.find(effect);
    return found == below_.rows.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const Version* version(const IdempotencyKey& key) const {
    if (const auto found = above_.versions.find(key); found != above_.versions.end()) return &found->second;
    const auto found = below_.versions.find(key);
    return found == below_.versions.end() ? nullptr : &found->second;
  }

  const PublicationTables& below_;
  PublicationTables above_;
};

inline void PublicationTables::add(PublicationTables layer) {
  for (auto& [scope, floor] : layer.floors) floors[scope] = std::move(floor);
  for (auto& [stream, head] : layer.witnesses) witnesses[stream] = std::move(head);
  for (auto& [key, of_key] : layer.ranks) ranks[key].merge(of_key);
  for (auto& [effect, row] : layer.rows) rows[effect] = std::move(row);
  scopes.merge(layer.scopes);
  versions.merge(layer.versions);
}

inline std::optional<Publication> PublicationTables::publication(const EffectId& effect) const {
  const auto found = rows.find(effect);
  if (found == rows.end()) return std::nullopt;
  const Row& row = found->second;
  const auto current = PublicationLayer(*this).current(row.business_key.text);
  Publication out{effect, row.run, row.order, row.business_key, PublicationState::superseded, row.published && !row.version, std::nullopt};
  if (row.withdrawn) out.state = PublicationState::withdrawn;
  else if (current && current->effect == effect) out.state = PublicationState::current;
  if (row.version) out.version = versions.at(*row.version).about;
  return out;
}
inline std::optional<Publication> PublicationTables::current(const BusinessKey& key) const {
  const auto rank = PublicationLayer(*this).current(key.text);
  return rank ? publication(rank->effect) : std::nullopt;
}
inline std::vector<Publication> PublicationTables::history(const BusinessKey& key) const {
  std::vector<Publication> out;
  if (const auto of_key = ranks.find(key.text); of_key != ranks.end())
    for (const Rank& rank : of_key->second)
      if (auto one = publication(rank.effect)) out.push_back(*std::move(one));
  return out;
}

}  // namespace kfm_det

#endif
