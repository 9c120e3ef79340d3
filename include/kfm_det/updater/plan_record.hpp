// SPDX-License-Identifier: BSL-1.0
/// \file
/// The PLAN record: a run's identity, and everything that is needed to take it forward or back (docs/formats/wal.md).
///
/// It is complete: a run can be committed or withdrawn from its record alone, without the code that planned it. Pure functions.
#ifndef KFM_DET_UPDATER_PLAN_RECORD_HPP
#define KFM_DET_UPDATER_PLAN_RECORD_HPP

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/core/utf8.hpp"
#include "kfm_det/plan/plan.hpp"
#include "kfm_det/plan/retire.hpp"
#include "kfm_det/updater/trigger.hpp"
#include "kfm_det/wal/recorded_run.hpp"
#include "kfm_det/wal/run_identity.hpp"
#include "kfm_det/wal/run_state.hpp"

namespace kfm_det::detail {

using wal::effect_id;
using wal::run_id;

/// The payload. `retired`: keys that left the plan and get a tombstone.
[[nodiscard]] inline Json plan_payload(const RunId& id, const Trigger& trigger, std::span<const SourceRef> inputs, const Plan& plan, std::span<const BusinessKey> retired, const std::optional<RunId>& predecessor) {
  Json effects = Json::array(), left = Json::array(), refs = Json::array();
  const auto effect = [&](const std::string& key, const std::string& step) {
    return Json::object({{"business_key", Json(key)}, {"effect", Json(effect_id(id, step).hex())}, {"step", Json(step)}});
  };
  for (const auto& wave : plan.waves())
    for (const std::size_t index : wave) {
      const Step& step = plan.steps()[index];
      if (!step.publishes) continue;
      Json one = effect(step.publishes->text, step.id);
      if (step.irreversible) one.set("irreversible", Json(true));
      effects.push(std::move(one));
    }
  for (const BusinessKey& key : retired) {
    Json one = effect(key.text, "retire:" + key.text);
    one.set("tombstone", Json(true));
    effects.push(std::move(one));
    left.push(Json(key.text));
  }
  for (const auto& ref : inputs) refs.push(to_json(ref));
  Json asked = Json::object({{"key", Json(trigger.key)}, {"kind", to_json(trigger.kind)}, {"partition", Json(trigger.partition)}});
  if (!trigger.approval.empty()) asked.set("approval", Json(trigger.approval));
  if (trigger.force) asked.set("force", Json(trigger.force->text()));
  Json payload = Json::object({{"effects", std::move(effects)}, {"inputs", std::move(refs)}, {"plan", plan.to_json()}, {"plan_hash", Json(plan.hash().hex())}, {"retired", std::move(left)}, {"trigger", std::move(asked)}});
  if (predecessor) payload.set("predecessor", Json(predecessor->text()));
  return payload;
}

using wal::recorded_inputs;

/// Where the plan that was recorded differs from this one, in words.
[[nodiscard]] inline std::string difference_from_recorded(const Json& payload, const Plan& now) {
  const Json* text = payload.find("plan");
  if (!text) return "its hash differs (the log was compacted: its steps stand in the archive alone)";
  if (auto before = Plan::from_json(*text)) return first_difference(before.value(), now);
  return "the recorded plan cannot be read";
}

}  // namespace kfm_det::detail

#endif
