// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the payloads of PLAN, LOSS and EXECUTE records say about a run (docs/formats/wal.md).
///
/// Thread-safety: pure functions.
#ifndef KFM_DET_WAL_RUN_PAYLOAD_HPP
#define KFM_DET_WAL_RUN_PAYLOAD_HPP

#include <string>
#include <utility>
#include <vector>

#include "kfm_det/core/json.hpp"
#include "kfm_det/wal/run_state.hpp"

namespace kfm_det::wal {

/// The effects that a record lists, in its order. Errors: invalid_json.
[[nodiscard]] inline result<std::vector<EffectState>> read_effects(const Json& payload) {
  const Json* effects = payload.find("effects");
  if (!effects) return Error(errc::invalid_json, "a record without effects");
  std::vector<EffectState> out;
  for (const Json& item : effects->items()) {
    EffectState effect;
    KFM_DET_TRY(effect.step_id, get_string(item, "step"));
    KFM_DET_TRY(effect.business_key.text, get_string(item, "business_key"));
    KFM_DET_TRY(const std::string hex, get_string(item, "effect"));
    KFM_DET_TRY(effect.effect, EffectId::from_hex(hex));
    effect.tombstone = item.find("tombstone") != nullptr;
    effect.irreversible = item.find("irreversible") != nullptr;
    if (item.find("withdrawn")) effect.progress = EffectState::Progress::withdrawn;
    out.push_back(std::move(effect));
  }
  return out;
}

/// What a PLAN payload says of its run. Errors: invalid_json.
[[nodiscard]] inline result<void> read_plan(RunState& run, const Json& payload) {
  const Json* trigger = payload.find("trigger");
  if (!trigger) return Error(errc::invalid_json, "a PLAN record without trigger");
  KFM_DET_TRY(run.trigger_key, get_string(*trigger, "key"));
  KFM_DET_TRY(run.trigger_kind, get_string(*trigger, "kind"));
  KFM_DET_TRY(const std::string plan_hash, get_string(payload, "plan_hash"));
  KFM_DET_TRY(run.plan_hash, PlanHash::from_hex(plan_hash));
  if (payload.find("predecessor")) {
    KFM_DET_TRY(const std::string text, get_string(payload, "predecessor"));
    KFM_DET_TRY(run.predecessor, RunId::parse(text));
  }
  KFM_DET_TRY(run.effects, read_effects(payload));
  return success();
}

/// What a PLAN payload says of its steps' risk, by step: `{care?,tier?}` of those that have labels, or a tier above 0. A checkpoint keeps it as `risk`, and not the plan.
[[nodiscard]] inline Json risk_of_steps(const Json& payload) {
  if (const Json* folded = payload.find("risk")) return *folded;
  Json out = Json::object();
  const Json* plan = payload.find("plan");
  const Json* steps = plan ? plan->find("steps") : nullptr;
  if (!steps) return out;
  for (const Json& step : steps->items()) {
    Json one = Json::object();
    if (auto tier = get_u64(step, "tier"); tier && tier.value() != 0) one.set("tier", Json(tier.value()));
    if (const Json* care = step.find("care"); care && !care->items().empty()) one.set("care", *care);
    if (auto id = get_string(step, "id"); id && !one.members().empty()) out.set(id.value(), std::move(one));
  }
  return out;
}

/// What an EXECUTE payload says of its step. Errors: invalid_json.
[[nodiscard]] inline result<ExecutedStep> read_executed(const Json& payload) {
  ExecutedStep step;
  KFM_DET_TRY(const std::string bytes, get_string(payload, "bytes"));
  KFM_DET_TRY(step.bytes_hash, Digest::from_hex(bytes));
  KFM_DET_TRY(step.size, get_u64(payload, "size"));
  KFM_DET_TRY(const std::string content, get_string(payload, "content"));
  KFM_DET_TRY(step.content, ContentHash::from_hex(content));
  if (payload.find("key")) {
    KFM_DET_TRY(const std::string key, get_string(payload, "key"));
    KFM_DET_TRY(step.key, IdempotencyKey::from_hex(key));
  }
  return step;
}

}  // namespace kfm_det::wal

#endif
