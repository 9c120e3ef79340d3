// SPDX-License-Identifier: BSL-1.0
/// \file
/// The state of a scope as a checkpoint says it, item by item: what Replay loads, and what wal/compact.hpp writes (docs/formats/wal.md, "Checkpoints").
///
/// Law: read(write(state)) is the state, field by field. Unfinished runs stand there whole, with their PLAN payload; finished ones with what undo and explain need
/// of it: all but the plan's steps. Thread-safety: pure functions.
#ifndef KFM_DET_WAL_CHECKPOINT_STATE_HPP
#define KFM_DET_WAL_CHECKPOINT_STATE_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/core/json.hpp"
#include "kfm_det/wal/checkpoint.hpp"
#include "kfm_det/wal/run_payload.hpp"
#include "kfm_det/wal/run_state.hpp"

namespace kfm_det::wal {

/// What the log says of a run and its state does not keep.
struct RunBackground {
  std::string actor;                       ///< of the PLAN record
  Json payload;                            ///< the PLAN record's, without the plan's steps; null for a lost run
  std::map<std::string, Json> published;   ///< by step: the stored version, content hash, what was current before, reversal, and the sink's answer, as the records say
};

namespace detail {

[[nodiscard]] constexpr std::string_view name(EffectState::Progress progress) noexcept {
  constexpr std::string_view names[] = {"planned", "unknown", "done", "withdrawing", "withdrawn"};
  return names[static_cast<std::size_t>(progress)];
}
[[nodiscard]] inline result<EffectState::Progress> read_progress(std::string_view text) {
  using Progress = EffectState::Progress;
  for (const Progress one : {Progress::planned, Progress::unknown, Progress::done, Progress::withdrawing, Progress::withdrawn})
    if (name(one) == text) return one;
  return Error(errc::invalid_json, "an effect with the progress " + std::string(text));
}
[[nodiscard]] inline result<RunStatus> read_status(const Json& json, std::string_view member) {
  KFM_DET_TRY(const std::string text, get_string(json, member));
  for (int i = 0; i <= static_cast<int>(RunStatus::lost); ++i)
    if (wal::name(static_cast<RunStatus>(i)) == text) return static_cast<RunStatus>(i);
  return Error(errc::invalid_json, "a run with the status " + text);
}
[[nodiscard]] inline result<Instant> read_instant(const Json& json, std::string_view member) {
  KFM_DET_TRY(const std::string text, get_string(json, member));
  return Instant::parse(text);
}
[[nodiscard]] inline result<std::uint32_t> read_u32(const Json& json, std::string_view member) {
  KFM_DET_TRY(const std::uint64_t value, get_u64(json, member));
  if (value > 0xffffffffu) return Error(errc::invalid_json, "a number that is too large", std::string(member));
  return static_cast<std::uint32_t>(value);
}

[[nodiscard]] inline Json effects_json(const std::vector<EffectState>& effects) {
  Json out = Json::array();
  for (const EffectState& effect : effects) {
    Json one = Json::object({{"business_key", Json(effect.business_key.text)}, {"effect", Json(effect.effect.hex())}, {"progress", Json(name(effect.progress))}, {"step", Json(effect.step_id)}});
    if (effect.irreversible) one.set("irreversible", Json(true));
    if (effect.tombstone) one.set("tombstone", Json(true));
    out.push(std::move(one));
  }
  return out;
}
[[nodiscard]] inline Json executed_json(const std::map<std::string, ExecutedStep>& executed) {
  Json out = Json::object();
  for (const auto& [step, one] : executed) {
    Json json = Json::object({{"bytes", Json(one.bytes_hash.hex())}, {"content", Json(one.content.hex())}, {"size", Json(one.size)}});
    if (one.key) json.set("key", Json(one.key->hex()));
    out.set(step, std::move(json));
  }
  return out;
}

}  // namespace detail

/// A run, as an item says it.
[[nodiscard]] inline Json run_json(const RunState& run, const RunBackground& background) {
  Json out = Json::object({{"attempts", Json(run.attempts)}, {"attempts_ever", Json(run.attempts_ever)}, {"finished_at", Json(run.finished_at.to_rfc3339())}, {"id", Json(run.id.text())},
                           {"input_hash", Json(run.input_hash.hex())}, {"next_seq", Json(run.next_seq)}, {"order", Json::object({{"incarnation", Json(run.order.incarnation)}, {"lsn", Json(run.order.lsn)}})},
                           {"plan_group", Json(run.plan_group)}, {"planned_at", Json(run.planned_at.to_rfc3339())}, {"planned_effects", Json(run.planned_effects)}, {"status", Json(name(run.status))},
                           {"updater_id", Json(run.updater_id)}, {"version", Json(run.version.text())}});
  if (!background.actor.empty()) out.set("actor", Json(background.actor));
  if (!run.plan.is_null() || !background.payload.is_null()) out.set("payload", run.plan.is_null() ? background.payload : run.plan);
  if (!run.plan.is_null()) out.set("whole", Json(true));   // the payload, with the plan's steps
  if (run.ends_as != RunStatus::undone) out.set("ends_as", Json(name(run.ends_as)));
  if (run.failure) out.set("failure", Json::object({{"code", Json(run.failure->code)}, {"sentence", Json(run.failure->sentence)}, {"stage", Json(run.failure->stage)}, {"step", Json(run.failure->step_id)}}));
  if (run.has_effects) out.set("effects", detail::effects_json(run.effects));
  if (!run.executed.empty()) out.set("executed", detail::executed_json(run.executed));
  if (run.lineage_done) out.set("lineage_done", Json(true));
  if (run.is_lost) out.set("lost", Json(true));
  if (!run.recorded.empty()) {
    Json recorded = Json::array();
    for (const auto& [step, progress] : run.recorded) recorded.push(Json::object({{"progress", Json(detail::name(progress))}, {"step", Json(step)}}));
    out.set("recorded", std::move(recorded));
  }
  if (!background.published.empty()) {
    Json published = Json::object();
    for (const auto& [step, what] : background.published) published.set(step, what);
    out.set("published", std::move(published));
  }
  return out;
}

/// The other way. `background` may be null. Errors: invalid_json.
[[nodiscard]] inline result<RunState> read_run(const Json& json, RunBackground* background = nullptr) {
  RunState run;
  if (const Json* payload = json.find("payload")) {
    KFM_DET_TRY(read_plan(run, *payload));   // trigger, plan hash, predecessor
    run.effects.clear();
    if (json.find("whole")) run.plan = *payload;
    if (background) background->payload = *payload;
  }
  KFM_DET_TRY(const std::string id, get_string(json, "id"));
  KFM_DET_TRY(run.id, RunId::parse(id));
  KFM_DET_TRY(const Json* const order, get_object(json, "order"));
  KFM_DET_TRY(run.order.incarnation, get_u64(*order, "incarnation"));
  KFM_DET_TRY(run.order.lsn, get_u64(*order, "lsn"));
  KFM_DET_TRY(run.plan_group, get_u64(json, "plan_group"));
  KFM_DET_TRY(run.updater_id, get_string(json, "updater_id"));
  KFM_DET_TRY(const std::string version, get_string(json, "version"));
  KFM_DET_TRY(run.version, Version::parse(version));
  KFM_DET_TRY(const std::string inputs, get_string(json, "input_hash"));
  KFM_DET_TRY(run.input_hash, InputHash::from_hex(inputs));
  KFM_DET_TRY(run.status, detail::read_status(json, "status"));
  if (json.find("ends_as")) { KFM_DET_TRY(run.ends_as, detail::read_status(json, "ends_as")); }
  KFM_DET_TRY(run.next_seq, get_u64(json, "next_seq"));
  KFM_DET_TRY(run.attempts, detail::read_u32(json, "attempts"));
  KFM_DET_TRY(run.attempts_ever, detail::read_u32(json, "attempts_ever"));
  KFM_DET_TRY(run.planned_effects, get_u64(json, "planned_effects"));
  KFM_DET_TRY(run.planned_at, detail::read_instant(json, "planned_at"));
  KFM_DET_TRY(run.finished_at, detail::read_instant(json, "finished_at"));
  if (const Json* failure = json.find("failure")) {
    run.failure.emplace();
    KFM_DET_TRY(run.failure->stage, get_string(*failure, "stage"));
    KFM_DET_TRY(run.failure->step_id, get_string(*failure, "step"));
    KFM_DET_TRY(run.failure->code, get_string(*failure, "code"));
    KFM_DET_TRY(run.failure->sentence, get_string(*failure, "sentence"));
  }
  run.has_effects = json.find("effects") != nullptr;
  if (run.has_effects) {
    KFM_DET_TRY(run.effects, read_effects(json));
    const auto& items = json.find("effects")->items();
    for (std::size_t i = 0; i < items.size(); ++i) {
      KFM_DET_TRY(const std::string progress, get_string(items[i], "progress"));
      KFM_DET_TRY(run.effects[i].progress, detail::read_progress(progress));
    }
  }
  if (const Json* executed = json.find("executed"))
    for (const auto& member : executed->members()) { KFM_DET_TRY(run.executed[member.key], read_executed(member.value)); }
  run.lineage_done = json.find("lineage_done") != nullptr;
  run.is_lost = json.find("lost") != nullptr;
  if (const Json* recorded = json.find("recorded"))
    for (const Json& item : recorded->items()) {
      KFM_DET_TRY(const std::string step, get_string(item, "step"));
      KFM_DET_TRY(const std::string text, get_string(item, "progress"));
      KFM_DET_TRY(const auto progress, detail::read_progress(text));
      run.recorded.emplace_back(step, progress);
    }
  if (background) {
    if (const Json* actor = json.find("actor"); actor && actor->string()) background->actor = *actor->string();
    if (const Json* published = json.find("published"))
      for (const auto& member : published->members()) background->published[member.key] = member.value;
  }
  return run;
}

/// Folds one item of a checkpoint into the state. What it does not know of is for others (`ends`). Errors: invalid_json.
[[nodiscard]] inline result<void> read_item(const Json& item, ScopeState& state) {
  if (item.find("token")) {
    KFM_DET_TRY(const std::uint64_t token, get_u64(item, "token"));
    state.highest_token = std::max(state.highest_token, token);
  }
  if (const Json* keys = item.find("keys"))
    for (const Json& key : keys->items()) {
      if (!key.string()) return Error(errc::invalid_json, "a planned key that is no text");
      state.planned_keys.insert(*key.string());
    }
  if (const Json* json = item.find("run")) {
    KFM_DET_TRY(RunState run, read_run(*json));
    if (!run.is_lost) state.newest[run.trigger_key] = state.runs.size();
    state.runs.push_back(std::move(run));
  }
  return success();
}

/// The state as items, in the order in which they are read. `backgrounds`: of every run that has one.
[[nodiscard]] inline std::vector<Json> state_items(const ScopeState& state, const std::map<RunId, RunBackground>& backgrounds) {
  constexpr std::size_t keys_max = 1024;   // of an item
  std::vector<Json> out;
  out.push_back(Json::object({{"token", Json(state.highest_token)}}));
  for (const RunState& run : state.runs) {
    const auto known = backgrounds.find(run.id);
    out.push_back(Json::object({{"run", run_json(run, known == backgrounds.end() ? RunBackground{} : known->second)}}));
  }
  Json keys = Json::array();
  const auto flush = [&] { if (!keys.items().empty()) out.push_back(Json::object({{"keys", std::exchange(keys, Json::array())}})); };
  for (const std::string& key : state.planned_keys) {
    keys.push(Json(key));
    if (keys.items().size() == keys_max) flush();
  }
  flush();
  return out;
}

}  // namespace kfm_det::wal

#endif
