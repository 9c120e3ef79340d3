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
};

struct RunReport {
  enum class Outcome : std::uint8_t {
    committed,        ///< the run's effects are published
    nothing_to_do,    ///< the newest run of this trigger committed these very inputs already
  };
  Outcome outcome = Outcome::committed;
  RunId run;
  std::string updater_id, trigger_key;
  bool resumed = false;            ///< the run was open when the trigger came
  std::uint32_t attempts = 0;      ///< resumptions of the run, over all its life
  std::uint64_t steps_run = 0;     ///< operations that ran now
  std::uint64_t keys = 0;          ///< business keys that the run's plan names
  EffectCounts effects;            ///< answered now
  Verdict verdict = Verdict::clean;
  std::vector<SettledRun> settled;

  /// For a person: one sentence, and one for each settled run.
  [[nodiscard]] std::string sentence() const {
    std::string out = updater_id + ": ";
    if (outcome == Outcome::nothing_to_do) {
      out += "nothing to do: run " + run.text() + " has committed these inputs";
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
    }
    return out;
  }
};

}  // namespace kfm_det

#endif
