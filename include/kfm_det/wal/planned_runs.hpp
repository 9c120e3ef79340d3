// SPDX-License-Identifier: BSL-1.0
/// \file
/// PlannedRuns: replay that shows each run with what it planned, wherever the log tells it: at the run's PLAN record, or in the checkpoint that the log begins with.
///
/// For readers who need the effects or inputs of runs that have ended: replay itself forgets them. Thread-safety: one object, one thread.
#ifndef KFM_DET_WAL_PLANNED_RUNS_HPP
#define KFM_DET_WAL_PLANNED_RUNS_HPP

#include <string>
#include <utility>

#include "kfm_det/core/function_ref.hpp"
#include "kfm_det/wal/replay.hpp"

namespace kfm_det::wal {

/// Gets a run as it was planned, its payload in `plan` (without the plan's steps where a checkpoint tells it), and who asked for it.
using PlannedVisitor = function_ref<result<void>(const RunState& run, const std::string& actor)>;

class PlannedRuns {
 public:
  /// The next record. Errors: as Replay, and what the visitor answers.
  [[nodiscard]] result<void> see(const Line& line, const WalRecord& record, PlannedVisitor visitor) {
    const bool begins = !std::exchange(begun_, true);
    KFM_DET_TRY(replay_.apply(line, record));
    if (record.phase == Phase::PLAN) return visitor(replay_.state().runs.back(), record.actor);
    if (record.phase != Phase::CONTROL || record.operation != operation::checkpoint) return success();
    if (line.group_index == 0) tells_ = begins;
    if (!tells_) return success();
    return text_.see(line.group_index, record.payload, [&](const Json& item) { return tell(item, visitor); });
  }
  [[nodiscard]] ScopeState& state() { return replay_.state(); }

  /// One item of a checkpoint: if it is a run that was planned, the visitor gets it.
  [[nodiscard]] static result<void> tell(const Json& item, PlannedVisitor visitor) {
    const Json* json = item.find("run");
    if (!json || !json->find("payload")) return success();
    RunBackground background;
    KFM_DET_TRY(RunState run, read_run(*json, &background));
    run.effects.clear();
    KFM_DET_TRY(Replay::recall(run, std::move(background.payload)));
    return visitor(run, background.actor);
  }

 private:
  Replay replay_;
  CheckpointText text_;
  bool begun_ = false, tells_ = false;
};

}  // namespace kfm_det::wal

#endif
