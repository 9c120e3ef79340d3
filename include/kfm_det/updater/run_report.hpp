// SPDX-License-Identifier: BSL-1.0
/// \file
/// RunReport: what a trigger came to, and what else was settled on the way. Plain value.
#ifndef KFM_DET_UPDATER_RUN_REPORT_HPP
#define KFM_DET_UPDATER_RUN_REPORT_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/core/error.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/wal/run_state.hpp"

namespace kfm_det {

/// How many effects had which answer.
struct EffectCounts {
  std::uint64_t created = 0, moved = 0, unchanged = 0, superseded = 0;
  std::uint64_t retired = 0;   ///< tombstones among them
  [[nodiscard]] std::uint64_t total() const { return created + moved + unchanged + superseded; }
  void add(UpsertResult answer, bool tombstone) {
    switch (answer) {
      case UpsertResult::created: ++created; break;
      case UpsertResult::moved: ++moved; break;
      case UpsertResult::unchanged: ++unchanged; break;
      case UpsertResult::superseded: ++superseded; break;
      case UpsertResult::withdrawn: return;
    }
    if (tombstone) ++retired;
  }
};

/// An open run of an earlier trigger that this one settled, or passed over.
struct SettledRun {
  RunId run;
  std::string trigger_key;
  wal::RunStatus status = wal::RunStatus::open;   ///< open: passed over, tried again at the next trigger
  std::string reason;                             ///< a sentence, where it did not commit
  std::string remedy;                             ///< what a person can do, where it did not commit
};

struct RunReport {
  enum class Outcome : std::uint8_t {
    committed,        ///< the run's effects are published
    nothing_to_do,    ///< the newest run of this trigger committed these very inputs already; of undo(): the run is taken back already
    undone,           ///< of undo(): every planned effect is withdrawn
  };
  Outcome outcome = Outcome::committed;
  RunId run;
  std::string updater_id, trigger_key;
  bool resumed = false;            ///< the run was open when the trigger came
  std::uint32_t attempts = 0;      ///< resumptions of the run, over all its life
  wal::RunStatus status = wal::RunStatus::committed;   ///< of the run, as the log says now
  std::uint64_t steps_run = 0;     ///< operations that ran now
  std::uint64_t keys = 0;          ///< business keys that the run's plan names
  EffectCounts effects;            ///< answered now
  std::uint64_t withdrawn = 0;     ///< of undo(): planned effects
  std::uint64_t shown = 0;         ///< of undo(): those among them that were current; the others changed nothing that anybody sees
  Verdict verdict = Verdict::clean;
  std::vector<SettledRun> settled;

  /// For a person: one sentence, and one for each settled run.
  [[nodiscard]] std::string sentence() const {
    std::string out = updater_id + ": ";
    if (outcome == Outcome::nothing_to_do) {
      out += "nothing to do: run " + run.text() + (wal::is_taken_back(status) ? " is " + std::string(wal::name(status)) + " already, and nothing of it is published" : " has committed these inputs");
    } else if (outcome == Outcome::undone) {
      out += std::string(wal::name(status)) + " run " + run.text() + ": " + std::to_string(withdrawn) + " effects withdrawn, " + std::to_string(shown) + " of them were current";
      if (shown < withdrawn) out += "; " + std::to_string(withdrawn - shown) + " changed nothing visible, because newer runs had replaced them or they were never published";
    } else {
      out += std::string(resumed ? "resumed and committed run " : "committed run ") + run.text() + ": " + std::to_string(steps_run) + " steps run, " + std::to_string(effects.total()) + " effects (" +
             std::to_string(effects.created) + " created, " + std::to_string(effects.moved) + " moved, " + std::to_string(effects.unchanged) + " unchanged, " + std::to_string(effects.superseded) + " superseded";
      if (effects.retired != 0) out += "; " + std::to_string(effects.retired) + " keys retired";
      out += ')';
    }
    if (verdict == Verdict::torn_tail) out += "; the log's unproven tail was cut and kept as evidence";
    out += '.';
    for (const auto& other : settled) {
      out += " Run " + other.run.text() + " of an earlier trigger (" + other.trigger_key + ") is " + std::string(other.status == wal::RunStatus::open ? "passed over" : wal::name(other.status));
      if (!other.reason.empty()) out += ": " + other.reason;
      if (out.back() != '.') out += '.';
      if (!other.remedy.empty()) out += " " + other.remedy;
    }
    return out;
  }
};

/// What a person can do about a run in this state, as a sentence; empty where there is nothing to do.
[[nodiscard]] inline std::string remedy(const wal::RunState& run) {
  using wal::RunStatus;
  switch (run.status) {
    case RunStatus::committed: return {};
    case RunStatus::open:
      return run.failure ? "The next trigger takes it back; change the inputs or the version, or force past it, to have its inputs published." : "The next trigger takes it up again, by itself; or undo it.";
    case RunStatus::undoing: return "The next trigger goes on taking it back, by itself; or undo it now.";
    case RunStatus::undone:
      if (run.is_lost) return {};
      return "Its inputs are held: change the inputs or the version, or force past the newest run of the trigger.";
    case RunStatus::abandoned: return "Trigger again: the inputs that are there now get their run.";
    case RunStatus::failed: return "Mend the operation or the inputs; then change the version or the inputs, or force past this run.";
    case RunStatus::quarantined: return "Find out what stops it (memory, a crash in the operation); then force past this run, or change the inputs or the version.";
    case RunStatus::parked: return "What it published behind an irreversible step stays: decide by hand what becomes of it; then force past this run, or change the inputs or the version.";
    case RunStatus::lost: return "Keep it by doing nothing: it stays until a run replaces or retires its keys; or undo it.";
  }
  return {};
}

namespace detail {

inline void fill(RunReport& report, const wal::RunState& run) {
  report.run = run.id;
  report.status = run.status;
  report.updater_id = run.updater_id;
  report.trigger_key = run.trigger_key;
  report.attempts = run.attempts_ever;
}
[[nodiscard]] inline RunReport report_of(const wal::RunState& run) {
  RunReport report;
  fill(report, run);
  return report;
}
[[nodiscard]] inline Error no_such_run(const RunId& id) { return {errc::not_found, "there is no such run", id.text(), "List the runs with status()."}; }
/// What a run that did not commit answers.
[[nodiscard]] inline Error ended(const wal::RunState& run) {
  errc code = errc::failed;
  switch (run.status) {
    case wal::RunStatus::undone: code = errc::undone; break;
    case wal::RunStatus::abandoned: code = errc::abandoned; break;
    case wal::RunStatus::quarantined: code = errc::quarantined; break;
    case wal::RunStatus::parked: code = errc::parked; break;
    default: break;
  }
  return {code, "the run of this trigger is " + std::string(wal::name(run.status)) + (run.failure && !run.failure->sentence.empty() ? ": " + run.failure->sentence : ""), "run " + run.id.text(),
          remedy(run)};
}

}  // namespace detail

}  // namespace kfm_det

#endif
