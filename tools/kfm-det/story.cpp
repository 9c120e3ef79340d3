// SPDX-License-Identifier: BSL-1.0
#include "story.hpp"

#include <utility>

#include "record_text.hpp"

namespace kfm_det::tool {

namespace {

[[nodiscard]] StoryEntry entry_of(const wal::Line& line, const wal::WalRecord& record) {
  StoryEntry entry;
  entry.lsn = line.lsn;
  entry.incarnation = line.incarnation;
  entry.at = record.ts;
  entry.token = record.token;
  entry.phase = record.phase;
  entry.status = record.status;
  entry.operation = record.operation;
  entry.step = record.step_id;
  entry.actor = record.actor;
  entry.result = text_in(record.payload, "result");
  entry.outcome = text_in(record.payload, "outcome");
  if (const auto size = get_u64(record.payload, "size")) entry.size = size.value();
  if (const Json* const failure = record.payload.find("failure")) entry.failure = wal::Failure{text_in(*failure, "stage"), text_in(*failure, "step"), text_in(*failure, "code"), text_in(*failure, "sentence")};
  return entry;
}

void see_effect(Story& story, const wal::WalRecord& record, const StoryEntry& entry) {
  using Progress = wal::EffectState::Progress;
  for (auto& effect : story.effects) {
    if (effect.state.step_id != entry.step) continue;
    const bool back = record.operation == wal::operation::withdraw, done = entry.status == wal::Status::DONE;
    if (entry.status == wal::Status::FAILED) return;
    effect.state.progress = back ? (done ? Progress::withdrawn : Progress::withdrawing) : (done ? Progress::done : Progress::unknown);
    if (!back && !done) { effect.intent = entry.lsn; effect.version = text_in(record.payload, "key"); }
    if (!back && done) { effect.done = entry.lsn; effect.result = entry.result; }
    return;
  }
}

/// What the checkpoint says of the run's effects.
result<void> take_folded(Story& story, const FoldedRun& folded) {
  using Progress = wal::EffectState::Progress;
  story.is_folded = true;
  story.plan = folded.background.payload;
  for (const auto& [step, executed] : folded.run.executed) story.executed[step] = executed.size;
  if (folded.run.is_lost || story.plan.is_null()) return success();
  wal::RunState planned;
  KFM_DET_TRY(wal::read_plan(planned, story.plan));
  for (std::size_t i = 0; i < planned.effects.size(); ++i) {
    StoryEffect effect{planned.effects[i], "", "", 0, 0};
    const auto said = folded.background.published.find(effect.state.step_id);
    if (said != folded.background.published.end()) {
      effect.version = text_in(said->second, "key");
      effect.result = text_in(said->second, "result");
    }
    if (folded.run.has_effects && i < folded.run.effects.size()) effect.state.progress = folded.run.effects[i].progress;
    else if (folded.run.status == wal::RunStatus::committed) effect.state.progress = Progress::done;
    else if (wal::is_taken_back(folded.run.status)) effect.state.progress = Progress::withdrawn;
    else effect.state.progress = said == folded.background.published.end() ? Progress::planned : Progress::unknown;
    story.effects.push_back(std::move(effect));
  }
  return success();
}

}  // namespace

Runs read_runs(OpenedLog& log) {
  Runs out;
  wal::Replay replay;
  wal::CheckpointText checkpoint;
  const auto fold = [&](const Json& item) -> result<void> {
    if (const Json* ends = item.find("ends")) return out.ends.read(*ends);
    const Json* const json = item.find("run");
    if (json == nullptr) return success();
    FoldedRun folded;
    KFM_DET_TRY(folded.run, wal::read_run(*json, &folded.background));
    out.actors[folded.run.id] = folded.background.actor;
    out.folded.insert_or_assign(folded.run.id, std::move(folded));
    return success();
  };
  const auto read = log.read(1, [&](const wal::Line& line, const wal::WalRecord& record) -> result<void> {
    if (record.phase == wal::Phase::PLAN) out.actors[record.wal_id] = record.actor;
    KFM_DET_TRY(replay.apply(line, record));
    const bool is_base = log.is_compacted() && line.lsn - line.group_index == log.first();
    return is_base && record.operation == wal::operation::checkpoint ? checkpoint.see(line.group_index, record.payload, fold) : result<void>(success());
  });
  if (!read) out.stopped = read.error();
  out.state = std::move(replay.state());
  return out;
}

result<const wal::RunState*> find_run(const Runs& runs, const std::string& text) {
  const auto& all = runs.state.runs;
  if (text == "latest") {
    if (all.empty()) return Error(errc::not_found, "the log has no run", text, "Trigger one first");
    return &all.back();
  }
  if (text.size() < 4 || text.size() > 36 || text.find_first_not_of("0123456789abcdef-") != std::string::npos)
    return Error(errc::invalid_argument, "this is no run", text, "Give a run's id, its first 4 characters or more, or `latest`; `kfm-det wal show LOG` lists them");
  const wal::RunState* found = nullptr;
  for (const auto& run : all) {
    if (!run.id.text().starts_with(text)) continue;
    if (found != nullptr) return Error(errc::invalid_argument, "more than one run begins like this", text, "Give more of the id");
    found = &run;
  }
  if (found == nullptr) return Error(errc::not_found, "the log has no such run", text, "`kfm-det wal show LOG` lists the runs");
  return found;
}

result<Story> read_story(OpenedLog& log, const Runs& runs, const wal::RunState& run) {
  Story story;
  story.run = run;
  if (const auto actor = runs.actors.find(run.id); actor != runs.actors.end()) story.actor = actor->second;
  for (const auto& effect : run.is_lost ? run.effects : std::vector<wal::EffectState>()) story.effects.push_back({effect, "", "", 0, 0});
  if (const auto folded = runs.folded.find(run.id); folded != runs.folded.end()) {
    if (auto taken = take_folded(story, folded->second); !taken) return taken.error().as(errc::corrupt_committed).at("run " + run.id.text());
  }
  wal::Replay planned;   // of PLAN records alone: parts are put together there
  const auto read = log.read(1, [&](const wal::Line& line, const wal::WalRecord& record) -> result<void> {
    if (record.phase == wal::Phase::CONTROL && record.operation == wal::operation::loss) {
      story.losses.emplace(line.incarnation, record.ts);
      return success();
    }
    const bool part = record.phase == wal::Phase::CONTROL && record.operation == wal::operation::plan_part;
    if (record.wal_id != run.id) return success();
    StoryEntry entry = entry_of(line, record);
    if (part || record.phase == wal::Phase::PLAN) {
      KFM_DET_TRY(planned.apply(line, record));
      if (part) return success();
      wal::RunState& now = planned.state().runs.back();
      for (auto& effect : now.effects) story.effects.push_back({std::move(effect), "", "", 0, 0});
      story.plan = std::move(now.plan);
    }
    if (record.phase == wal::Phase::EXECUTE && record.status == wal::Status::DONE) story.executed[record.step_id] = entry.size;
    if (record.status == wal::Status::FAILED) story.failed_step = entry.failure && !entry.failure->step_id.empty() ? entry.failure->step_id : record.step_id;
    if (record.phase == wal::Phase::UPSERT) see_effect(story, record, entry);
    story.entries.push_back(std::move(entry));
    return success();
  });
  if (!read && !runs.stopped) return read.error();
  return story;
}

Tone tone_of(wal::RunStatus status) {
  using wal::RunStatus;
  switch (status) {
    case RunStatus::committed: return Tone::good;
    case RunStatus::open:
    case RunStatus::undoing: return Tone::warning;
    case RunStatus::undone:
    case RunStatus::abandoned: return Tone::plain;
    case RunStatus::failed:
    case RunStatus::quarantined:
    case RunStatus::parked:
    case RunStatus::lost: return Tone::bad;
  }
  return Tone::plain;
}

std::string status_of(const wal::RunState& run) {
  return run.status == wal::RunStatus::undoing ? "being taken back, to end " + std::string(wal::name(run.ends_as)) : std::string(wal::name(run.status));
}

}  // namespace kfm_det::tool
