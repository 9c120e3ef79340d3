// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a log says about the runs of its scope: the values that replay folds records into. Plain values.
///
/// Memory: open runs keep their plan and their steps; finished runs keep what identity, undo and explain need to find them again.
#ifndef KFM_DET_WAL_RUN_STATE_HPP
#define KFM_DET_WAL_RUN_STATE_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/time.hpp"
#include "kfm_det/core/version.hpp"

namespace kfm_det::wal {

/// Where a run is in its life. On the way forward a run is open; the others but `undoing` are final.
enum class RunStatus : std::uint8_t {
  open,
  committed,
  undoing,      ///< its UNDO is recorded, its end is not
  undone,       ///< by an operator
  abandoned,    ///< inputs or code were gone
  failed,       ///< an error of the operation itself
  quarantined,  ///< attempts used up
  parked,       ///< cannot be undone (an irreversible step); reported and passed over
  lost,         ///< its records are gone; an accepted LOSS lists what the sink still has of it
};
[[nodiscard]] constexpr std::string_view name(RunStatus status) noexcept {
  switch (status) {
    case RunStatus::open: return "open";
    case RunStatus::committed: return "committed";
    case RunStatus::undoing: return "undoing";
    case RunStatus::undone: return "undone";
    case RunStatus::abandoned: return "abandoned";
    case RunStatus::failed: return "failed";
    case RunStatus::quarantined: return "quarantined";
    case RunStatus::parked: return "parked";
    case RunStatus::lost: return "lost";
  }
  return "unknown";
}
[[nodiscard]] constexpr bool is_unfinished(RunStatus status) noexcept { return status == RunStatus::open || status == RunStatus::undoing; }
/// Ended with all its effects withdrawn: nothing of it can be current.
[[nodiscard]] constexpr bool is_taken_back(RunStatus status) noexcept {
  return status == RunStatus::undone || status == RunStatus::abandoned || status == RunStatus::failed || status == RunStatus::quarantined;
}

/// How a run ended, as UNDO and SETTLED name it; none for any other word.
[[nodiscard]] constexpr std::optional<RunStatus> parse_outcome(std::string_view text) noexcept {
  for (const RunStatus status : {RunStatus::undone, RunStatus::abandoned, RunStatus::failed, RunStatus::quarantined, RunStatus::parked, RunStatus::committed, RunStatus::lost})
    if (name(status) == text) return status;
  return std::nullopt;
}

/// One planned effect and how far it got.
struct EffectState {
  enum class Progress : std::uint8_t { planned, unknown /* intent, no DONE */, done, withdrawing, withdrawn };
  std::string step_id;
  EffectId effect;
  BusinessKey business_key;
  bool tombstone = false;
  bool irreversible = false;
  Progress progress = Progress::planned;
  friend bool operator==(const EffectState&, const EffectState&) = default;
};

/// What a step gave when it ran.
struct ExecutedStep {
  Digest bytes_hash;
  std::uint64_t size = 0;
  ContentHash content;
  std::optional<IdempotencyKey> key;   ///< of steps that publish
  friend bool operator==(const ExecutedStep&, const ExecutedStep&) = default;
};

/// Why a run went wrong, as its FAILED or UNDO record says.
struct Failure {
  std::string stage;    ///< phase
  std::string step_id;
  std::string code;     ///< name of the errc
  std::string sentence;
  friend bool operator==(const Failure&, const Failure&) = default;
};

struct RunState {
  RunId id;
  Order order;                         ///< of its PLAN record
  Lsn plan_group = 0;                  ///< first LSN of the group that its PLAN record ends
  std::string updater_id;
  Version version{0, 0, 0};
  InputHash input_hash;
  PlanHash plan_hash;
  std::string trigger_key, trigger_kind;
  std::optional<RunId> predecessor;
  RunStatus status = RunStatus::open;
  RunStatus ends_as = RunStatus::undone;   ///< what an undoing run will be
  std::uint64_t next_seq = 1;
  std::uint32_t attempts = 0;          ///< since its last new DONE; graceful stops do not count
  std::uint32_t attempts_ever = 0;
  std::uint64_t planned_effects = 0;
  Instant planned_at{0}, finished_at{0};
  std::optional<Failure> failure;

  // of unfinished and lost runs only
  Json plan;                           ///< the PLAN record's payload, whole
  std::vector<EffectState> effects;    ///< in the order in which they are planned
  std::map<std::string, ExecutedStep> executed;
  bool lineage_done = false;
  bool is_lost = false;                ///< listed by an accepted loss: it has no PLAN record, and its effects are those that the sink has
  bool has_effects = true;             ///< false once it is finished: who takes it back reads its PLAN record again (Replay::recall)
  std::vector<std::pair<std::string, EffectState::Progress>> recorded;   ///< how far the way back got while `effects` were not here, by step
  friend bool operator==(const RunState&, const RunState&) = default;
};

/// All runs of a scope.
struct ScopeState {
  std::vector<RunState> runs;                        ///< by PLAN record
  std::map<std::string, std::size_t> newest;         ///< trigger key -> index of its run with the newest PLAN record
  std::set<std::string> planned_keys;                ///< every business key that any run planned
  std::uint64_t highest_token = 0;

  [[nodiscard]] const RunState* find(const RunId& id) const {
    for (auto run = runs.rbegin(); run != runs.rend(); ++run)
      if (run->id == id) return &*run;
    return nullptr;
  }
  [[nodiscard]] const RunState* newest_of(const std::string& trigger_key) const {
    const auto found = newest.find(trigger_key);
    return found == newest.end() ? nullptr : &runs[found->second];
  }
  /// The newest run with this version and these inputs, under any trigger key.
  [[nodiscard]] const RunState* newest_like(const Version& version, const InputHash& inputs) const {
    for (auto run = runs.rbegin(); run != runs.rend(); ++run)
      if (run->version == version && run->input_hash == inputs) return &*run;
    return nullptr;
  }
  [[nodiscard]] bool has_unfinished() const {
    for (const auto& run : runs)
      if (is_unfinished(run.status)) return true;
    return false;
  }
  friend bool operator==(const ScopeState&, const ScopeState&) = default;
};

}  // namespace kfm_det::wal

#endif
