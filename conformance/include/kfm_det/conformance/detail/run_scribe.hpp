// SPDX-License-Identifier: BSL-1.0
/// \file
/// RunScribe: the records of runs as an updater writes them (docs/formats/wal.md): every identity follows from what is said, and each entry repeats its plan.
///
/// A run is named by a text, which is its trigger's key; a step gives the same content in every run. Plain value; thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_RUN_SCRIBE_HPP
#define KFM_DET_CONFORMANCE_DETAIL_RUN_SCRIBE_HPP

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/idempotency_key.hpp"
#include "kfm_det/core/source_ref.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/run_identity.hpp"
#include "kfm_det/wal/run_risk.hpp"

namespace kfm_det::conformance::detail {

struct RunScribe {
  StreamId stream;
  std::string updater;
  std::string actor = "ci";
  std::uint64_t token = 1;
  Incarnation incarnation = 1;                ///< of the log, when a run is planned
  std::map<std::string, RunId> ids{};         ///< of the runs that were named

  [[nodiscard]] static Version version() { return {1, 0, 0}; }
  [[nodiscard]] static std::vector<SourceRef> inputs() { return {{"memory:source", ContentHash{sha256("source")}, {}}}; }
  [[nodiscard]] static std::string business_key(const std::string& step) { return "key/" + step; }
  [[nodiscard]] static ContentHash content(const std::string& step) { return content_hash({sha256("content " + step)}).value(); }
  [[nodiscard]] std::string key(const std::string& step) const { return idempotency_key(updater, version(), BusinessKey{business_key(step)}, content(step)).value().hex(); }
  [[nodiscard]] const RunId& id(const std::string& run) {
    const auto [known, is_new] = ids.try_emplace(run);
    if (is_new) known->second = wal::run_id({stream, incarnation, updater, version(), run, input_hash(inputs()).value(), std::nullopt}).value();
    return known->second;
  }
  [[nodiscard]] std::string effect(const std::string& run, const std::string& step) { return wal::effect_id(id(run), step).hex(); }

  /// `run` is empty: about the whole scope.
  [[nodiscard]] wal::WalRecord record(const std::string& run, std::uint64_t seq, wal::Phase phase, std::string_view operation, const std::string& step, wal::Status status) {
    wal::WalRecord out;
    if (!run.empty()) out.wal_id = id(run), out.input_hash = input_hash(inputs()).value();
    out.seq = seq;
    out.phase = phase;
    out.operation = operation;
    out.step_id = step;
    out.status = status;
    out.updater_id = updater;
    out.updater_version = version();
    out.actor = actor;
    out.token = token;
    if (!step.empty()) out.governance = Json::object({{"care", labels()}});
    return out;
  }
  [[nodiscard]] wal::WalRecord plan(const std::string& run, const std::vector<std::string>& steps) {
    Json effects = Json::array(), planned = Json::array(), refs = Json::array();
    for (const std::string& step : steps) {
      effects.push(Json::object({{"business_key", Json(business_key(step))}, {"effect", Json(effect(run, step))}, {"step", Json(step)}}));
      planned.push(Json::object({{"after", Json::array()}, {"care", labels()}, {"id", Json(step)}, {"irreversible", Json(false)}, {"operation", Json("count")}, {"params", Json::object()}, {"publishes", Json(business_key(step))},
                                 {"tier", Json(0)}}));
    }
    for (const SourceRef& ref : inputs()) refs.push(to_json(ref));
    Json whole = Json::object({{"steps", std::move(planned)}, {"updater", Json(updater)}, {"version", Json(version().text())}});
    const std::string hash = plan_hash(canonical(whole).value()).hex();
    auto out = record(run, 1, wal::Phase::PLAN, wal::operation::plan, "", wal::Status::DONE);
    out.payload = Json::object({{"effects", std::move(effects)}, {"inputs", std::move(refs)}, {"plan", std::move(whole)}, {"plan_hash", Json(hash)}, {"retired", Json::array()},
                                {"trigger", Json::object({{"key", Json(run)}, {"kind", Json("manual")}, {"partition", Json("")}})}});
    return out;
  }
  [[nodiscard]] wal::WalRecord executed(const std::string& run, std::uint64_t seq, const std::string& step) {
    auto out = record(run, seq, wal::Phase::EXECUTE, "count", step, wal::Status::DONE);
    out.payload = Json::object({{"bytes", Json(sha256("content " + step).hex())}, {"content", Json(content(step).hex())}, {"key", Json(key(step))}, {"size", Json(8 + static_cast<std::uint64_t>(step.size()))}});
    return out;
  }
  [[nodiscard]] wal::WalRecord intent(const std::string& run, std::uint64_t seq, const std::string& step) {
    auto out = record(run, seq, wal::Phase::UPSERT, wal::operation::upsert, step, wal::Status::IN_PROGRESS);
    out.payload = Json::object({{"business_key", Json(business_key(step))}, {"effect", Json(effect(run, step))}, {"key", Json(key(step))}});
    out.pre_state_hash = Digest{};
    out.post_state_expected = content(step).digest;
    out.reversal = Json::object({{"effect", Json(effect(run, step))}, {"operation", Json(wal::operation::withdraw)}});
    return out;
  }
  [[nodiscard]] wal::WalRecord done(const std::string& run, std::uint64_t seq, const std::string& step, const Head& head) {
    auto out = record(run, seq, wal::Phase::UPSERT, wal::operation::upsert, step, wal::Status::DONE);
    out.payload = Json::object({{"effect", Json(effect(run, step))}, {"head", wal::head_json(head)}, {"result", Json("created")}});
    return out;
  }
  [[nodiscard]] wal::WalRecord commit(const std::string& run, std::uint64_t seq, std::size_t effects) {
    auto out = record(run, seq, wal::Phase::COMMIT, wal::operation::commit, "", wal::Status::DONE);
    out.payload = Json::object({{"effects", Json(static_cast<std::uint64_t>(effects))}});
    return out;
  }
  [[nodiscard]] wal::WalRecord undo(const std::string& run, std::uint64_t seq) {
    auto out = record(run, seq, wal::Phase::CONTROL, wal::operation::undo, "", wal::Status::IN_PROGRESS);
    out.payload = Json::object({{"outcome", Json("undone")}});
    return out;
  }
  [[nodiscard]] wal::WalRecord withdrawal(const std::string& run, std::uint64_t seq, const std::string& step) {
    auto out = record(run, seq, wal::Phase::UPSERT, wal::operation::withdraw, step, wal::Status::IN_PROGRESS);
    out.payload = Json::object({{"business_key", Json(business_key(step))}, {"effect", Json(effect(run, step))}});
    return out;
  }
  [[nodiscard]] wal::WalRecord withdrawn(const std::string& run, std::uint64_t seq, const std::string& step, const Head& head) {
    auto out = record(run, seq, wal::Phase::UPSERT, wal::operation::withdraw, step, wal::Status::DONE);
    out.payload = Json::object({{"effect", Json(effect(run, step))}, {"head", wal::head_json(head)}});
    return out;
  }
  [[nodiscard]] wal::WalRecord settled(const std::string& run, std::uint64_t seq) {
    auto out = record(run, seq, wal::Phase::CONTROL, wal::operation::settled, "", wal::Status::DONE);
    out.payload = Json::object({{"outcome", Json("undone")}});
    return out;
  }

  /// One whole run: PLAN with what ran, intents, DONEs with COMMIT: 2 + 3 * steps.size() entries in three groups. Answers the durable head behind it.
  template <class Log>
  [[nodiscard]] result<Head> write(Log& log, const std::string& run, const std::vector<std::string>& steps) {
    std::uint64_t seq = 1;
    std::vector<wal::WalRecord> group{plan(run, steps)};
    for (const std::string& step : steps) group.push_back(executed(run, ++seq, step));
    KFM_DET_TRY(log.append(group));
    group.clear();
    for (const std::string& step : steps) group.push_back(intent(run, ++seq, step));
    KFM_DET_TRY(const Head head, log.commit(group));
    group.clear();
    for (const std::string& step : steps) group.push_back(done(run, ++seq, step, head));
    group.push_back(commit(run, ++seq, steps.size()));
    return log.commit(group);
  }

 private:
  [[nodiscard]] static Json labels() { return Json::array({Json("authority-to-control")}); }
};

}  // namespace kfm_det::conformance::detail

#endif
