// SPDX-License-Identifier: BSL-1.0
/// \file
/// Explain: which run, version and inputs made what is current of a business key, when, and what it replaced.
///
/// Looks only: no lease, and no byte of log or sink changes. Thread-safety: plain functions over the caller's backends.
#ifndef KFM_DET_UPDATER_EXPLAIN_HPP
#define KFM_DET_UPDATER_EXPLAIN_HPP

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/core/source_ref.hpp"
#include "kfm_det/updater/run_report.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/planned_runs.hpp"

namespace kfm_det {

/// One publication of a key, and the run that made it.
struct ExplainedPublication {
  Publication publication;
  bool run_known = false;              ///< false: neither the log nor an accepted loss knows this run
  std::string updater_id;
  Version version{0, 0, 0};            ///< of the updater
  std::string trigger_kind, trigger_key, actor;
  Instant planned_at{0}, finished_at{0};
  wal::RunStatus status = wal::RunStatus::open;
  std::string step_id;
  std::vector<SourceRef> inputs;
  std::string reason;                  ///< a sentence, where the run did not commit and its records say why
  std::string remedy;                  ///< what a person can do about the run, where there is something
};

/// A run that plans the key and is not finished.
struct PendingRun {
  RunId run;
  std::string trigger_key;
  wal::RunStatus status = wal::RunStatus::open;
  std::string reason, remedy;
};

struct Explanation {
  BusinessKey business_key;
  std::optional<ExplainedPublication> current;   ///< none: never published, withdrawn or retired
  std::vector<ExplainedPublication> history;     ///< by order, oldest first; `current` among them
  std::vector<PendingRun> pending;               ///< by PLAN record
  Verdict verdict = Verdict::clean;
};

/// Errors: not_found (no open run plans the key and the sink never saw it), the verdicts of recovery.
template <class St, class Si>
[[nodiscard]] result<Explanation> explain_key(St& store, Si& sink, const StreamId& id, const BusinessKey& key) {
  Explanation out;
  out.business_key = key;
  KFM_DET_TRY(sink.history(key, [&](const Publication& publication) -> result<void> {
    out.history.push_back({});
    out.history.back().publication = publication;
    return success();
  }));
  wal::PlannedRuns replay;
  const auto planned = [&](const wal::RunState& run, const std::string& actor) -> result<void> {
    for (auto& one : out.history) {
      if (one.publication.run != run.id) continue;
      one.run_known = true;
      one.updater_id = run.updater_id;
      one.version = run.version;
      one.trigger_kind = run.trigger_kind;
      one.trigger_key = run.trigger_key;
      one.actor = actor;
      one.planned_at = run.planned_at;
      for (const auto& effect : run.effects)
        if (effect.effect == one.publication.effect) one.step_id = effect.step_id;
      if (const Json* inputs = run.plan.find("inputs"))
        for (const Json& item : inputs->items()) {
          KFM_DET_TRY(auto ref, from_json<SourceRef>(item));
          one.inputs.push_back(std::move(ref));
        }
    }
    return success();
  };
  KFM_DET_TRY(const Recovery recovery, wal::inspect_log(store, sink, id, [&](const wal::Line& line, const wal::WalRecord& record) { return replay.see(line, record, planned); }));
  out.verdict = recovery.verdict;
  for (auto& one : out.history) {
    if (const wal::RunState* run = replay.state().find(one.publication.run)) {
      one.run_known = true;
      one.status = run->status;
      if (run->is_lost) one.updater_id = run->updater_id;
      if (run->is_lost) one.reason = "its records are gone: a loss of the log was accepted " + run->planned_at.to_rfc3339();
      else if (run->failure && run->status != wal::RunStatus::committed) one.reason = run->failure->sentence;
      one.remedy = remedy(*run);
      one.finished_at = run->finished_at;
    }
    if (one.publication.state == PublicationState::current && !one.publication.tombstone) out.current = one;
  }
  for (const auto& run : replay.state().runs) {
    if (!wal::is_unfinished(run.status)) continue;
    for (const auto& effect : run.effects)
      if (effect.business_key == key) out.pending.push_back({run.id, run.trigger_key, run.status, run.failure ? run.failure->sentence : "", remedy(run)});
  }
  if (out.history.empty() && out.pending.empty()) return Error(errc::not_found, "no run has published this key", key.text, "List the keys; they are compared byte for byte.");
  return out;
}

}  // namespace kfm_det

#endif
