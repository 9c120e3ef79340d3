// SPDX-License-Identifier: BSL-1.0
/// \file
/// RunLineage and RunTelemetry: a run seen as what was made of what, and as numbers (contract 1, sections 6 and 7). Values that the lineage
/// and telemetry rooms turn into their formats. Pure functions of the log's state.
#ifndef KFM_DET_UPDATER_RUN_VIEWS_HPP
#define KFM_DET_UPDATER_RUN_VIEWS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kfm_det/core/source_ref.hpp"
#include "kfm_det/core/time.hpp"
#include "kfm_det/updater/plan_record.hpp"
#include "kfm_det/wal/run_state.hpp"

namespace kfm_det {

/// A function of PLAN and outputs: no time, no attempt, no LSN.
struct RunLineage {
  struct Made {
    BusinessKey business_key;
    std::string step_id;
    bool tombstone = false;
    std::optional<IdempotencyKey> key;        ///< none until the step has run, and for a tombstone
    std::optional<ContentHash> content;
  };
  RunId run;
  std::string updater_id;
  Version version{0, 0, 0};
  std::string trigger_kind, trigger_key;
  std::vector<SourceRef> used;                ///< the recorded inputs, sorted
  std::vector<Made> generated;                ///< in the order of the plan
};

/// The envelope of contract 1 section 7; energy and objectives are the telemetry room's to add.
struct RunTelemetry {
  RunId run;
  std::string updater_id;
  Version version{0, 0, 0};
  std::string status;                         ///< SUCCESS, FAILED, PARTIAL (open, something published), SKIPPED (undone, abandoned)
  std::optional<std::string> failure_stage;   ///< PLAN, EXECUTE, UPSERT or LINEAGE
  std::int64_t latency_ms = 0;                ///< from PLAN to the end, or until now
  std::uint32_t retries = 0;                  ///< resumptions; each of them replayed the log
  std::uint64_t inputs_count = 0;
  std::uint64_t outputs_count = 0;            ///< planned effects
};

/// Of an unfinished run, whose state still holds its plan. Errors: invalid_json for a PLAN record that is not one.
[[nodiscard]] inline result<RunLineage> lineage_of(const wal::RunState& run) {
  RunLineage out{run.id, run.updater_id, run.version, run.trigger_kind, run.trigger_key, {}, {}};
  KFM_DET_TRY(out.used, detail::recorded_inputs(run.plan));
  for (const auto& effect : run.effects) {
    RunLineage::Made made{effect.business_key, effect.step_id, effect.tombstone, {}, {}};
    if (const auto executed = run.executed.find(effect.step_id); executed != run.executed.end()) {
      made.key = executed->second.key;
      made.content = executed->second.content;
    }
    out.generated.push_back(std::move(made));
  }
  return out;
}

[[nodiscard]] inline RunTelemetry telemetry_of(const wal::RunState& run, Instant now) {
  RunTelemetry out;
  out.run = run.id;
  out.updater_id = run.updater_id;
  out.version = run.version;
  out.retries = run.attempts_ever;
  out.outputs_count = run.planned_effects;
  out.latency_ms = ((is_unfinished(run.status) ? now : run.finished_at).ns - run.planned_at.ns) / 1'000'000;
  switch (run.status) {
    case wal::RunStatus::committed: out.status = "SUCCESS"; break;
    case wal::RunStatus::undone:
    case wal::RunStatus::abandoned: out.status = "SKIPPED"; break;
    case wal::RunStatus::open: out.status = run.failure ? "FAILED" : "PARTIAL"; break;
    default: out.status = "FAILED"; break;
  }
  if (run.failure && !run.failure->stage.empty()) out.failure_stage = run.failure->stage;
  return out;
}

}  // namespace kfm_det

#endif
