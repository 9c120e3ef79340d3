// SPDX-License-Identifier: BSL-1.0
/// \file
/// RunRisk: what the records of one run say about risk: tier, labels, approval (law RISK-3, updater/approval.hpp). Read from its PLAN record alone, or
/// from what a checkpoint keeps of it, so that whoever takes the run up, forward or back, with code or without, says the same.
///
/// An internal of the room. Plain value.
#ifndef KFM_DET_UPDATER_RUN_RISK_HPP
#define KFM_DET_UPDATER_RUN_RISK_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "kfm_det/core/json.hpp"
#include "kfm_det/plan/step.hpp"
#include "kfm_det/wal/record.hpp"

namespace kfm_det::detail {

class RunRisk {
 public:
  RunRisk() = default;
  /// Of a PLAN record's payload, or a checkpoint's. What is not there says nothing: a record is never refused for its risk.
  explicit RunRisk(const Json& payload) {
    if (const Json* trigger = payload.find("trigger"))
      if (auto approval = get_string(*trigger, "approval")) approval_ = std::move(approval).value();
    if (const Json* folded = payload.find("risk"))   // a checkpoint keeps this of a plan (wal/compact.hpp)
      for (const auto& [id, step] : folded->members()) add(id, step);
    const Json* plan = payload.find("plan");
    const Json* steps = plan ? plan->find("steps") : nullptr;
    if (!steps) return;
    for (const Json& step : steps->items())
      if (auto id = get_string(step, "id")) add(id.value(), step);
  }

  /// The record of a step gets its tier and labels, any other the highest tier of the run; the approval stands where something is published.
  void mark(wal::WalRecord& record) const {
    Json governance = Json::object();
    const bool publishes = record.phase == wal::Phase::PLAN || record.phase == wal::Phase::COMMIT || (record.phase == wal::Phase::UPSERT && record.operation == wal::operation::upsert);
    if (publishes && !approval_.empty()) governance.set("approval", Json(approval_));
    record.tier = tier_;
    if (!record.step_id.empty()) {
      const auto step = steps_.find(record.step_id);   // one that is not here: tier 0, no labels; so are tombstones
      record.tier = step == steps_.end() ? 0 : step->second.tier;
      if (step != steps_.end() && !step->second.care.is_null()) governance.set("care", step->second.care);
    }
    if (!governance.members().empty()) record.governance = std::move(governance);
  }

 private:
  struct OfStep { std::uint32_t tier = 0; Json care; };
  void add(const std::string& id, const Json& step) {
    OfStep one;
    if (auto tier = get_u64(step, "tier")) one.tier = static_cast<std::uint32_t>(std::min<std::uint64_t>(tier.value(), limits::step_tier_max));   // a payload is read before anybody checks its plan
    if (const Json* care = step.find("care"); care && !care->items().empty()) one.care = *care;
    tier_ = std::max(tier_, one.tier);
    if (one.tier != 0 || !one.care.is_null()) steps_.emplace(id, std::move(one));
  }
  std::uint32_t tier_ = 0;
  std::string approval_;
  std::map<std::string, OfStep, std::less<>> steps_;   ///< those that have something to say
};

}  // namespace kfm_det::detail

#endif
