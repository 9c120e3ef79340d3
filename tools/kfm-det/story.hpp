// SPDX-License-Identifier: BSL-1.0
/// \file
/// Story: everything that a log says about one run, in order: its records, its effects with their keys, and what it came to.
///
/// Plain values, and the functions that read them from an OpenedLog. Memory: in proportion to the run's own records.
#ifndef KFM_DET_TOOLS_KFM_DET_STORY_HPP
#define KFM_DET_TOOLS_KFM_DET_STORY_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <kfm_det/wal/checkpoint_state.hpp>
#include <kfm_det/wal/replay.hpp>

#include "exit_codes.hpp"
#include "opened_log.hpp"

namespace kfm_det::tool {

/// A run as the checkpoint that the log begins with says it.
struct FoldedRun {
  wal::RunState run;
  wal::RunBackground background;
};

/// All runs of a log, folded, with what the fold itself does not keep.
struct Runs {
  wal::ScopeState state;
  std::map<RunId, std::string> actors;
  std::map<RunId, FoldedRun> folded;   ///< whose records, all or the first, are below the checkpoint
  wal::GroupEnds ends;                 ///< of the groups below it
  std::optional<Error> stopped;    ///< why the fold ended before the log did; what stands before it is here
};
[[nodiscard]] Runs read_runs(OpenedLog& log);

/// The run that RUN names: an id, the beginning of one (4 characters or more), or `latest`.
/// Errors: not_found, invalid_argument (more than one, or no way to write an id).
[[nodiscard]] result<const wal::RunState*> find_run(const Runs& runs, const std::string& text);

/// Opens the log, finds the run and acts on it. `needs_whole`: a log with a bad verdict is refused before anything is looked for; else only where the run is
/// not in front of the damage. Errors: those of opening, reading and finding, and what `act` answers.
template <class Act>
[[nodiscard]] result<int> with_run(Screen& screen, const std::string& given, const std::string& text, bool needs_whole, Act act) {
  KFM_DET_TRY(auto log, OpenedLog::open(screen, given));
  const auto refused = [&] { return log.outcome(screen); };
  if (needs_whole)
    if (const int code = refused(); code != exit_code::done) return code;
  const Runs runs = read_runs(log);
  const auto found = find_run(runs, text);
  if (found) return act(log, runs, *found.value());
  if (!needs_whole)
    if (const int code = refused(); code != exit_code::done) return code;   // the verdict says why it is not there
  return runs.stopped ? *runs.stopped : found.error();
}

/// One record of the run.
struct StoryEntry {
  Lsn lsn = 0;
  Incarnation incarnation = 0;
  Instant at;
  std::uint64_t token = 0;
  wal::Phase phase = wal::Phase::CONTROL;
  wal::Status status = wal::Status::DONE;
  std::string operation, step, actor;
  std::string result;              ///< of a published effect: created, moved ...
  std::string outcome;             ///< of UNDO and SETTLED
  std::uint64_t size = 0;          ///< of a step that ran: bytes
  std::optional<wal::Failure> failure;
};

/// A planned effect, and the records about it.
struct StoryEffect {
  wal::EffectState state;
  std::string version, result;     ///< idempotency key of what it publishes; what the sink answered
  Lsn intent = 0, done = 0;        ///< 0: none
};

struct Story {
  wal::RunState run;
  std::string actor;
  Json plan;                       ///< payload of its PLAN record; without the steps for a folded run, null for one that only an accepted loss lists
  bool is_folded = false;          ///< its records, all or the first, are below the checkpoint
  std::vector<StoryEntry> entries;
  std::vector<StoryEffect> effects;
  std::map<std::string, std::uint64_t> executed;   ///< step id -> bytes
  std::optional<std::string> failed_step;
  std::map<Incarnation, Instant> losses;           ///< accepted while it lived, or later
};
/// Errors: those of reading; a log that ends early gives what was read.
[[nodiscard]] result<Story> read_story(OpenedLog& log, const Runs& runs, const wal::RunState& run);

[[nodiscard]] constexpr std::string_view name(wal::EffectState::Progress progress) noexcept {
  using Progress = wal::EffectState::Progress;
  switch (progress) {
    case Progress::planned: return "planned";
    case Progress::unknown: return "unknown";
    case Progress::done: return "published";
    case Progress::withdrawing: return "withdrawing";
    case Progress::withdrawn: return "withdrawn";
  }
  return "unknown";
}
[[nodiscard]] Tone tone_of(wal::RunStatus status);
/// "undone", or "being taken back, to end undone".
[[nodiscard]] std::string status_of(const wal::RunState& run);

}  // namespace kfm_det::tool

#endif
