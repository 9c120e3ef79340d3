// SPDX-License-Identifier: BSL-1.0
/// \file
/// RunRisk: what the records of one run say about risk: tier, labels, approval (law RISK-3, updater/approval.hpp). Read from its PLAN record alone, or
/// from what a checkpoint keeps of it, so that whoever takes the run up, forward or back, with code or without, says the same; and whoever verifies it.
///
/// Plain value.
#ifndef KFM_DET_WAL_RUN_RISK_HPP
#define KFM_DET_WAL_RUN_RISK_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "kfm_det/core/json.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/wal/record.hpp"
#include "kfm_det/wal/run_payload.hpp"

namespace kfm_det::wal {

class RunRisk {
 public:
  RunRisk() = default;
  /// Of a PLAN record's payload, or a checkpoint's. What is not there says nothing: a record is never refused for its risk.
  explicit RunRisk(const Json& payload) {
    if (const Json* trigger = payload.find("trigger"))
      if (auto approval = get_string(*trigger, "approval")) approval_ = std::move(approval).value();
    const Json risk = risk_of_steps(payload);
    for (const auto& [id, said] : risk.members()) {
      OfStep step;
      if (auto tier = get_u64(said, "tier")) step.tier = static_cast<std::uint32_t>(std::min<std::uint64_t>(tier.value(), limits::step_tier_max));   // a payload is read before anybody checks its plan
      if (const Json* care = said.find("care")) step.care = *care;
      tier_ = std::max(tier_, step.tier);
      steps_.emplace(id, std::move(step));
    }
  }

  /// The record of a step gets its tier and labels, any other the highest tier of the run; the approval stands where something is published.
  void mark(WalRecord& record) const {
    Json governance = Json::object();
    const bool publishes = record.phase == Phase::PLAN || record.phase == Phase::COMMIT || (record.phase == Phase::UPSERT && record.operation == operation::upsert);
    if (publishes && !approval_.empty()) governance.set("approval", Json(approval_));
    record.tier = tier_;
    if (!record.step_id.empty()) {
      const auto step = steps_.find(record.step_id);   // one that is not here: tier 0, no labels; so are tombstones
      record.tier = step == steps_.end() ? 0 : step->second.tier;
      if (step != steps_.end() && !step->second.care.is_null()) governance.set("care", step->second.care);
    }
    if (!governance.members().empty()) record.governance = std::move(governance);
  }

  /// The highest tier of its steps.
  [[nodiscard]] std::uint32_t tier() const { return tier_; }
  [[nodiscard]] const std::string& approval() const { return approval_; }

 private:
  struct OfStep { std::uint32_t tier = 0; Json care; };
  std::uint32_t tier_ = 0;
  std::string approval_;
  std::map<std::string, OfStep, std::less<>> steps_;   ///< those that have something to say
};

}  // namespace kfm_det::wal

#endif
