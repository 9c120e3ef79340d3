// SPDX-License-Identifier: BSL-1.0
/// \file
/// SinkModel: what the contract says that a sink answers and shows, written from contracts/sink.hpp alone. No sink's code is in here.
///
/// It keeps the *set* of what was accepted; every view is computed from that set when it is asked for. Where the contract leaves a sink more than one
/// answer, the verdict lists them all, so that a sink which is odd and right is not called wrong. Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_SINK_MODEL_HPP
#define KFM_DET_CONFORMANCE_DETAIL_SINK_MODEL_HPP

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/core/digest.hpp"

namespace kfm_det::conformance {

class SinkModel {
 public:
  /// An effect of which something was accepted.
  struct Effect {
    RunId run;
    Order order;
    BusinessKey business_key;
    bool published = false, withdrawn = false, withdrawn_first = false, tombstone = false;
    std::optional<IdempotencyKey> version;
  };
  struct Version {
    Digest bytes_hash;
    Bytes bytes;
    Json metadata;
  };
  struct Refusal {
    errc code;
    std::string law;   ///< the law that asks for it
  };
  /// What a request may be answered.
  struct Verdict {
    std::vector<Refusal> refusals;                 ///< not empty: it must be refused, for one of these
    std::vector<errc> allowed_refusals;            ///< it may be refused, for one of these
    std::vector<std::vector<UpsertResult>> results;   ///< accepted: for each upsert, what may be answered
    [[nodiscard]] bool must_be_refused() const noexcept { return !refusals.empty(); }
    [[nodiscard]] bool may_be_refused_with(errc code) const {
      return std::any_of(refusals.begin(), refusals.end(), [&](const Refusal& one) { return one.code == code; }) ||
             std::find(allowed_refusals.begin(), allowed_refusals.end(), code) != allowed_refusals.end();
    }
  };

  std::map<Scope, Tenure> floors;
  std::map<StreamId, Head> witnesses;
  std::map<std::string, Scope> owners;   ///< of each business key
  std::map<EffectId, Effect> effects;
  std::map<IdempotencyKey, Version> versions;

  /// SINK-6, and what is raised by it even when the request is refused for another reason.
  void judge_tenure(const Tenure& tenure, Verdict& verdict) {
    const auto floor = floors.find(tenure.scope);
    if (tenure.token.value == 0) { verdict.refusals.push_back({errc::invalid_argument, "SINK-6"}); verdict.allowed_refusals.push_back(errc::stale_token); return; }
    if (floor != floors.end() && (tenure.token < floor->second.token || (tenure.token == floor->second.token && tenure.owner != floor->second.owner))) {
      verdict.refusals.push_back({errc::stale_token, "SINK-6"});
      return;
    }
    if (floor == floors.end() || tenure.token > floor->second.token) floors[tenure.scope] = tenure;
  }
  [[nodiscard]] Verdict begin(const Tenure& tenure) {
    Verdict out;
    judge_tenure(tenure, out);
    return out;
  }
  /// `staged`: the bytes that stand in the staged file of a request, by its path. Judges, and applies what must be accepted.
  [[nodiscard]] Verdict upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch, const std::map<std::string, Bytes>& staged = {}) {
    Verdict out;
    judge_tenure(tenure, out);
    SinkModel next = *this;
    next.judge_head(head, out);
    for (const Upsert& one : batch) next.publish(tenure, one, staged, out);
    if (!out.must_be_refused()) accepted_ = std::make_unique<SinkModel>(std::move(next));
    return out;
  }
  [[nodiscard]] Verdict withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) {
    Verdict out;
    judge_tenure(tenure, out);
    SinkModel next = *this;
    next.judge_head(head, out);
    for (const Withdrawal& one : batch) next.take_back(tenure, one, out);
    if (!out.must_be_refused()) accepted_ = std::make_unique<SinkModel>(std::move(next));
    return out;
  }
  /// The request that was judged last was accepted.
  void accept() {
    if (!accepted_) return;
    SinkModel next = std::move(*accepted_);
    *this = std::move(next);
  }

  SinkModel() = default;
  SinkModel(const SinkModel& other) : floors(other.floors), witnesses(other.witnesses), owners(other.owners), effects(other.effects), versions(other.versions) {}
  SinkModel(SinkModel&&) = default;
  SinkModel& operator=(SinkModel&&) = default;
  SinkModel& operator=(const SinkModel& other) {
    SinkModel copy(other);
    return *this = std::move(copy);
  }
  ~SinkModel() = default;

  // --- the views -----------------------------------------------------------------------------------------------------------------------------------

  [[nodiscard]] Head witness(const StreamId& stream) const {
    const auto found = witnesses.find(stream);
    if (found != witnesses.end()) return found->second;
    Head none;
    none.stream = stream;
    return none;
  }
  /// SINK-1.
  [[nodiscard]] std::optional<EffectId> current(const std::string& key) const {
    std::optional<EffectId> best;
    for (const auto& [id, one] : effects)
      if (one.business_key.text == key && one.published && !one.withdrawn && (!best || std::pair(effects.at(*best).order, *best) < std::pair(one.order, id))) best = id;
    return best;
  }
  [[nodiscard]] Publication publication(const EffectId& id) const {
    const Effect& one = effects.at(id);
    Publication out{id, one.run, one.order, one.business_key, PublicationState::superseded, one.tombstone, std::nullopt};
    if (one.withdrawn) out.state = PublicationState::withdrawn;
    else if (current(one.business_key.text) == id) out.state = PublicationState::current;
    if (one.version) {
      const Version& version = versions.at(*one.version);
      out.version = StoredVersion{*one.version, version.bytes_hash, version.bytes.size(), version.metadata};
    }
    return out;
  }
  /// By order, then by effect.
  [[nodiscard]] std::vector<EffectId> history(const std::string& key) const {
    std::vector<EffectId> out;
    for (const auto& [id, one] : effects)
      if (one.business_key.text == key) out.push_back(id);
    std::sort(out.begin(), out.end(), [&](const EffectId& a, const EffectId& b) { return std::pair(effects.at(a).order, a) < std::pair(effects.at(b).order, b); });
    return out;
  }

 private:
  void judge_head(const Head& head, Verdict& out) {
    const Head kept = witness(head.stream);
    const Order at{kept.incarnation, kept.lsn}, given{head.incarnation, head.lsn};
    if (given == at && head.hash != kept.hash) out.refusals.push_back({errc::forked, "SINK-7"});
    if (given > at) witnesses[head.stream] = head;
  }
  void judge_key(const Tenure& tenure, const BusinessKey& key, Verdict& out) {
    const auto [owner, is_new] = owners.try_emplace(key.text, tenure.scope);
    if (!is_new && owner->second != tenure.scope) out.refusals.push_back({errc::wrong_scope, "SINK-9"});
    // A key that no plan can have may be refused; kept, it is kept byte for byte.
    if (auto valid = valid_business_key(key); !valid) out.allowed_refusals.insert(out.allowed_refusals.end(), {errc::invalid_argument, errc::limit_exceeded});
  }
  void judge_numbers(const Order& order, Verdict& out) {
    constexpr std::uint64_t all_must_hold = ~std::uint64_t{0} >> 1;
    if (order.incarnation > all_must_hold || order.lsn > all_must_hold) out.allowed_refusals.push_back(errc::limit_exceeded);
  }
  template <class Request>
  bool judge_effect(const Effect& seen, const Request& request, Verdict& out) {
    if (seen.order == request.order && seen.business_key == request.business_key) return true;
    out.refusals.push_back({errc::hash_mismatch, "SINK-3"});
    return false;
  }
  void publish(const Tenure& tenure, const Upsert& request, const std::map<std::string, Bytes>& staged, Verdict& out) {
    judge_key(tenure, request.business_key, out);
    judge_numbers(request.order, out);
    const auto seen = effects.find(request.effect);
    if (seen != effects.end() && !judge_effect(seen->second, request, out)) { out.results.emplace_back(); return; }
    std::optional<IdempotencyKey> key;
    if (const auto* fresh = std::get_if<NewVersion>(&request.content)) {
      key = fresh->key;
      judge_content(*fresh, staged, out);
    } else if (const auto* stored = std::get_if<StoredKey>(&request.content)) {
      key = stored->key;
      if (!versions.contains(*key)) out.refusals.push_back({errc::not_found, "SINK-14"});
    }
    if (seen != effects.end() && seen->second.published) {
      if (seen->second.version != key) out.refusals.push_back({errc::hash_mismatch, "SINK-3"});
      out.results.push_back({seen->second.withdrawn ? UpsertResult::withdrawn : UpsertResult::unchanged});
      return;
    }
    const auto before = current(request.business_key.text);
    const bool was_used = !history(request.business_key.text).empty();
    Effect& mine = effects[request.effect];
    mine.run = request.run;
    mine.order = request.order;
    mine.business_key = request.business_key;
    mine.published = true;
    mine.tombstone = !key;
    mine.version = key;
    if (mine.withdrawn) out.results.push_back({UpsertResult::withdrawn});
    else if (current(request.business_key.text) != request.effect) out.results.push_back({UpsertResult::superseded});
    else if (before) out.results.push_back({UpsertResult::moved});
    else if (was_used) out.results.push_back({UpsertResult::created, UpsertResult::moved});   // something was there, and was taken back
    else out.results.push_back({UpsertResult::created});
  }
  void judge_content(const NewVersion& fresh, const std::map<std::string, Bytes>& staged, Verdict& out) {
    Bytes bytes;
    std::uint64_t stated = 0;
    if (const Bytes* here = std::get_if<Bytes>(&fresh.bytes)) {
      bytes = *here;
      stated = bytes.size();
    } else {
      const StagedFile& file = std::get<StagedFile>(fresh.bytes);
      const auto found = staged.find(file.path);
      stated = file.size;
      if (found != staged.end()) bytes = found->second;
    }
    const bool honest = bytes.size() == stated && sha256(bytes) == fresh.bytes_hash;
    const auto stored = versions.find(fresh.key);
    if (stored != versions.end()) {
      if (stored->second.bytes_hash != fresh.bytes_hash || !(stored->second.metadata == fresh.metadata)) out.refusals.push_back({errc::hash_mismatch, "SINK-8"});
      else if (!honest) out.allowed_refusals.push_back(errc::hash_mismatch);   // whoever has the right bytes need not look at the ones that come
      return;
    }
    if (!honest) out.refusals.push_back({errc::hash_mismatch, "SINK-8"});
    versions[fresh.key] = Version{fresh.bytes_hash, std::move(bytes), fresh.metadata};
  }
  void take_back(const Tenure& tenure, const Withdrawal& request, Verdict& out) {
    judge_key(tenure, request.business_key, out);
    judge_numbers(request.order, out);
    const auto seen = effects.find(request.effect);
    if (seen != effects.end()) {
      if (judge_effect(seen->second, request, out)) seen->second.withdrawn = true;
      return;
    }
    Effect& mine = effects[request.effect];
    mine.run = request.run;
    mine.order = request.order;
    mine.business_key = request.business_key;
    mine.withdrawn = mine.withdrawn_first = true;
  }

  std::unique_ptr<SinkModel> accepted_;
};

}  // namespace kfm_det::conformance

#endif
