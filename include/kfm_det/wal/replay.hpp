// SPDX-License-Identifier: BSL-1.0
/// \file
/// Replay: folds the records of a stream into the state of its runs. The one reader of what the updater writes.
///
/// Law REPLAY-1: the state is a function of the records alone; replaying a longer prefix never contradicts a shorter one's finished runs.
/// Law REPLAY-2: replay from a checkpoint gives what replay of the whole log gives, field by field, also behind further records. Bug: a run that the covered range lost.
/// Errors: errc::unsupported_version for a control entry that this version does not know, errc::corrupt_committed for a record that
/// cannot stand where it does (a step of a run without PLAN). Thread-safety: one Replay, one thread.
#ifndef KFM_DET_WAL_REPLAY_HPP
#define KFM_DET_WAL_REPLAY_HPP

#include <algorithm>
#include <string>
#include <utility>

#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/wal/checkpoint_state.hpp"
#include "kfm_det/wal/envelope_reader.hpp"
#include "kfm_det/wal/run_payload.hpp"
#include "kfm_det/wal/run_state.hpp"

namespace kfm_det::wal {

class Replay {
 public:
  /// The next record. Duplicates cannot come: LSNs are unique and in order.
  [[nodiscard]] result<void> apply(const Line& line, const WalRecord& record) {
    const bool begins = !std::exchange(begun_, true);
    state_.highest_token = std::max(state_.highest_token, record.token);
    if (record.phase == Phase::CONTROL && record.operation == operation::plan_part) return part(line, record);
    if (record.phase == Phase::CONTROL && record.operation == operation::loss) return loss(line, record);
    if (record.phase == Phase::CONTROL && record.operation == operation::checkpoint) return checkpoint(line, record, begins);
    if (record.phase == Phase::PLAN) return plan(line, record);
    RunState* run = find(record.wal_id);
    if (!run) return Error(errc::corrupt_committed, "a record of a run that has no PLAN record", place(line, record), "Verify the log.");
    run->next_seq = std::max(run->next_seq, record.seq + 1);
    switch (record.phase) {
      case Phase::EXECUTE: return execute(line, *run, record);
      case Phase::UPSERT: return upsert(line, *run, record);
      case Phase::LINEAGE: run->lineage_done = run->lineage_done || record.status == Status::DONE; return success();
      case Phase::COMMIT: finish(*run, RunStatus::committed, record.ts); return success();
      case Phase::CONTROL: return control(line, *run, record);
      case Phase::PLAN: break;
    }
    return success();
  }

  [[nodiscard]] const ScopeState& state() const { return state_; }
  [[nodiscard]] ScopeState& state() { return state_; }

  /// Gives a run that was finished its plan and effects again, from its PLAN record's payload. Errors: invalid_json for one that is not.
  [[nodiscard]] static result<void> recall(RunState& run, Json payload) {
    RunState planned;
    KFM_DET_TRY(read_plan(planned, payload));
    run.plan = std::move(payload);
    run.effects = std::move(planned.effects);
    run.has_effects = true;
    for (const auto& [step, progress] : run.recorded)
      for (auto& effect : run.effects)
        if (effect.step_id == step) effect.progress = progress;
    run.recorded.clear();
    return success();
  }

 private:
  static std::string place(const Line& line, const WalRecord& record) {
    return "lsn " + std::to_string(line.lsn) + ", run " + record.wal_id.text() + (record.step_id.empty() ? "" : ", step " + record.step_id);
  }
  static Error unknown(const Line& line, const WalRecord& record) {
    return {errc::unsupported_version, "the entry " + record.operation + " is not known to this version", place(line, record), "Read this log with the version that wrote it, or a newer one."};
  }
  RunState* find(const RunId& id) {
    for (auto run = state_.runs.rbegin(); run != state_.runs.rend(); ++run)
      if (run->id == id) return &*run;
    return nullptr;
  }

  result<void> part(const Line& line, const WalRecord& record) {
    auto text = get_string(record.payload, "text");
    if (!text) return text.error().as(errc::corrupt_committed).at(place(line, record));
    if (line.group_index == 0) parts_.clear();
    parts_ += text.value();
    return success();
  }

  /// The checkpoint that the log begins with is the state; one that stands behind other records says what they gave.
  result<void> checkpoint(const Line& line, const WalRecord& record, bool begins) {
    if (line.group_index == 0) loads_ = begins;
    if (!loads_) return success();
    auto read = checkpoint_.see(line.group_index, record.payload, [&](const Json& item) { return wal::read_item(item, state_); });
    if (!read) return read.error().as(errc::corrupt_committed).at(place(line, record));
    if (line.group_index + 1 == line.group_count && !checkpoint_.is_whole()) return Error(errc::corrupt_committed, "a checkpoint that ends in the middle", place(line, record), "Verify the log.");
    return success();
  }

  result<void> plan(const Line& line, const WalRecord& record) {
    Json payload = record.payload;
    if (payload.find("parts")) {   // a plan larger than a line: its text stands in the PLAN_PART entries of the same group
      auto whole = parse_json(parts_);
      parts_.clear();
      if (!whole) return whole.error().as(errc::corrupt_committed).at(place(line, record));
      payload = std::move(whole).value();
    }
    if (find(record.wal_id)) return Error(errc::corrupt_committed, "a second PLAN record of one run", place(line, record), "Verify the log.");
    RunState run;
    run.id = record.wal_id;
    run.order = {line.incarnation, line.lsn};
    run.plan_group = line.lsn - line.group_index;
    run.updater_id = record.updater_id;
    run.version = record.updater_version;
    run.input_hash = record.input_hash;
    run.next_seq = record.seq + 1;
    run.planned_at = record.ts;
    auto filled = read_plan(run, payload);
    if (!filled) return filled.error().as(errc::corrupt_committed).at(place(line, record));
    for (const auto& effect : run.effects) state_.planned_keys.insert(effect.business_key.text);
    run.planned_effects = run.effects.size();
    run.plan = std::move(payload);
    state_.newest[run.trigger_key] = state_.runs.size();
    state_.runs.push_back(std::move(run));
    return success();
  }

  /// Records come in the order of the effects, so the search goes on where the last one ended: linear over a whole run.
  EffectState* find_effect(RunState& run, std::string_view step_id) {
    const std::size_t count = run.effects.size();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = (effect_cursor_ + i) % count;
      if (run.effects[at].step_id == step_id) { effect_cursor_ = at + 1; return &run.effects[at]; }
    }
    return nullptr;
  }

  result<void> execute(const Line& line, RunState& run, const WalRecord& record) {
    if (record.status == Status::FAILED) return fail(line, run, record);
    if (record.status != Status::DONE || !is_unfinished(run.status)) return success();
    auto step = read_executed(record.payload);
    if (!step) return step.error().as(errc::corrupt_committed).at(place(line, record));
    run.executed[record.step_id] = step.value();
    return success();
  }

  result<void> upsert(const Line& line, RunState& run, const WalRecord& record) {
    if (record.status == Status::FAILED) return fail(line, run, record);
    if (!is_unfinished(run.status)) return success();
    using Progress = EffectState::Progress;
    const bool back = record.operation == operation::withdraw, done = record.status == Status::DONE;
    const Progress progress = back ? (done ? Progress::withdrawn : Progress::withdrawing) : (done ? Progress::done : Progress::unknown);
    if (done) run.attempts = 0;
    if (!run.has_effects) {
      run.recorded.emplace_back(record.step_id, progress);
      return success();
    }
    EffectState* effect = find_effect(run, record.step_id);
    if (!effect) return Error(errc::corrupt_committed, "an effect that the run's PLAN record does not name", place(line, record), "Verify the log.");
    effect->progress = progress;
    return success();
  }

  /// An accepted loss: runs that only the sink knows, and runs that the sink knows to be taken back.
  result<void> loss(const Line& line, const WalRecord& record) {
    const Json none = Json::array();
    const auto list = [&](std::string_view name) -> const Json::Array& { const Json* found = record.payload.find(name); return found ? found->items() : none.items(); };
    const auto damaged = [&](const Error& error) { return error.as(errc::corrupt_committed).at(place(line, record)); };
    for (RunState& run : state_.runs)
      if (is_unfinished(run.status)) ask_again(run);
    for (const Json& item : list("lost")) {
      auto read = read_lost(item);
      if (!read) return damaged(read.error());
      RunState& run = read.value();
      run.planned_at = run.finished_at = record.ts;
      run.updater_id = record.updater_id;
      for (const auto& effect : run.effects) state_.planned_keys.insert(effect.business_key.text);
      if (RunState* known = find(run.id)) {   // its effects came in several parts, or an earlier loss listed it
        for (auto& effect : run.effects)
          if (!find_by_effect(*known, effect.effect)) known->effects.push_back(std::move(effect));
        known->planned_effects = known->effects.size();
        if (run.status == RunStatus::lost && is_taken_back(known->status)) known->status = RunStatus::lost;
        continue;
      }
      state_.runs.push_back(std::move(run));
    }
    for (const Json& item : list("undone")) {
      auto id = item.string() ? RunId::parse(*item.string()) : result<RunId>(Error(errc::invalid_json, "a run id that is no text"));
      if (!id) return damaged(id.error());
      if (RunState* run = find(id.value())) finish(*run, RunStatus::undone, record.ts);
    }
    return success();
  }
  /// The sink may be an older one: what it had answered of an open run is asked again (RUN-4), and what it had withdrawn is withdrawn again.
  static void ask_again(RunState& run) {
    using Progress = EffectState::Progress;
    const auto before = [](Progress progress) { return progress == Progress::done ? Progress::unknown : progress == Progress::withdrawn ? Progress::withdrawing : progress; };
    for (EffectState& effect : run.effects) effect.progress = before(effect.progress);
    for (auto& [step, progress] : run.recorded) progress = before(progress);
  }
  static result<RunState> read_lost(const Json& item) {
    RunState run;
    KFM_DET_TRY(const std::string id, get_string(item, "run"));
    KFM_DET_TRY(run.id, RunId::parse(id));
    KFM_DET_TRY(run.order.incarnation, get_u64(item, "incarnation"));
    KFM_DET_TRY(run.order.lsn, get_u64(item, "lsn"));
    KFM_DET_TRY(run.effects, read_effects(item));
    run.planned_effects = run.effects.size();
    run.is_lost = true;
    run.status = RunStatus::undone;
    for (const auto& effect : run.effects)
      if (effect.progress != EffectState::Progress::withdrawn) run.status = RunStatus::lost;
    return run;
  }
  static const EffectState* find_by_effect(const RunState& run, const EffectId& id) {
    for (const auto& effect : run.effects)
      if (effect.effect == id) return &effect;
    return nullptr;
  }

  result<void> control(const Line& line, RunState& run, const WalRecord& record) {
    if (record.operation == operation::attempt) {
      if (record.status == Status::IN_PROGRESS) { ++run.attempts; ++run.attempts_ever; }
      else if (run.attempts != 0) --run.attempts;   // a graceful stop
      return success();
    }
    if (record.operation == operation::undo || record.operation == operation::settled) {
      auto outcome = get_string(record.payload, "outcome");
      if (!outcome) return outcome.error().as(errc::corrupt_committed).at(place(line, record));
      const auto status = parse_outcome(outcome.value());
      if (!status) return unknown(line, record);
      if (const Json* failure = record.payload.find("failure")) read_failure(run, *failure);
      if (record.operation == operation::undo) { run.status = RunStatus::undoing; run.ends_as = *status; run.recorded.clear(); }
      else finish(run, *status, record.ts);
      return success();
    }
    return unknown(line, record);
  }

  result<void> fail(const Line&, RunState& run, const WalRecord& record) {
    if (const Json* failure = record.payload.find("failure")) read_failure(run, *failure);
    else run.failure = Failure{"", record.step_id, "", ""};
    return success();
  }
  static void read_failure(RunState& run, const Json& json) {
    const auto text = [&](std::string_view key) { const Json* found = json.find(key); return found && found->string() ? *found->string() : std::string(); };
    run.failure = Failure{text("stage"), text("step"), text("code"), text("sentence")};
  }
  static void finish(RunState& run, RunStatus status, Instant at) {
    run.status = status;
    run.finished_at = at;
    if (run.is_lost) return;   // what is known of it stands in the LOSS record alone
    run.plan = Json();
    run.effects.clear();
    run.effects.shrink_to_fit();
    run.executed.clear();
    run.recorded.clear();
    run.has_effects = false;
  }

  ScopeState state_;
  std::string parts_;
  CheckpointText checkpoint_;
  bool begun_ = false, loads_ = false;
  std::size_t effect_cursor_ = 0;
};

}  // namespace kfm_det::wal

#endif
