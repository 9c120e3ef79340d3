// SPDX-License-Identifier: BSL-1.0
/// \file
/// ApprovalPolicy: from which risk tier on a plan goes forward only with somebody's approval. Judged once, before PLAN is logged.
///
/// Laws (contract 3, "tier" and "governance"), each with its usual bug:
///   RISK-1  a plan with a step at or above the tier, and a trigger without approval, logs nothing and publishes nothing. Bug: judged at the first effect.
///   RISK-2  what was judged is what the PLAN record says; it holds for the whole run, whoever takes it up. Bug: a resume without the trigger's approval
///           is refused, and the scope stays half published; or a resume is a way around the policy.
///   RISK-3  every record says who acted, and the tier of its step, or of the whole run. Bug: the DONE of a risky effect says tier 0.
/// An approval is a reference (a ticket, a signature's id) that is recorded, not looked up: whether it is real is the business of whoever keeps approvals
/// (docs/decisions/0006-approvals.md). Plain value; thread-safety: as any value.
#ifndef KFM_DET_UPDATER_APPROVAL_HPP
#define KFM_DET_UPDATER_APPROVAL_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kfm_det/core/json.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/plan/plan.hpp"

namespace kfm_det {

namespace limits {
inline constexpr std::size_t reference_bytes_max = 256;   ///< of an actor, of an approval: they stand in every record
}  // namespace limits

struct ApprovalPolicy {
  std::uint32_t needs_approval_from_tier = 2;   ///< the lowest tier that needs an approval; 0: every run does

  /// Nothing needs an approval. One that a trigger has is recorded all the same.
  [[nodiscard]] static constexpr ApprovalPolicy none() noexcept { return {limits::step_tier_max + 1}; }

  /// errc::approval_missing for a plan that needs an approval and has none; blanks are none.
  [[nodiscard]] result<void> judge(const Plan& plan, std::string_view approval, std::string_view trigger_key) const {
    if (approval.find_first_not_of(" \t\r\n") != std::string_view::npos) return success();
    const Step* riskiest = nullptr;
    for (const Step& step : plan.steps())
      if (step.tier >= needs_approval_from_tier && (!riskiest || step.tier > riskiest->tier)) riskiest = &step;
    if (!riskiest && needs_approval_from_tier != 0) return success();
    const std::string what = riskiest ? "step " + riskiest->id + " is of tier " + std::to_string(riskiest->tier) : std::string("every run of this updater needs an approval");
    return Error(errc::approval_missing, what + ", and the trigger names no approval", "trigger " + std::string(trigger_key),
                 "Have it approved and name the approval in Trigger::approval. Approvals are needed from tier " + std::to_string(needs_approval_from_tier) + " on (Environment::approvals).");
  }
  friend bool operator==(const ApprovalPolicy&, const ApprovalPolicy&) = default;
};

namespace detail {

/// An actor or an approval as it may be recorded. errc::invalid_argument.
[[nodiscard]] inline result<void> check_reference(std::string_view text, std::string_view where) {
  if (text.size() > limits::reference_bytes_max)
    return Error(errc::invalid_argument, "the text has " + std::to_string(text.size()) + " bytes, and may have " + std::to_string(limits::reference_bytes_max), std::string(where), "Give a name or a reference, not the document.");
  if (auto json = canonical(Json(text)); !json) return json.error().as(errc::invalid_argument).at(where);
  return success();
}
/// Somebody has to be named. errc::invalid_argument.
[[nodiscard]] inline result<void> check_actor(std::string_view actor, std::string_view environments) {
  if (actor.empty() && environments.empty()) return Error(errc::invalid_argument, "nobody is named as the one who acts", "actor", "Give an actor, or the Environment one.");
  return check_reference(actor.empty() ? environments : actor, "actor");
}

}  // namespace detail
}  // namespace kfm_det

#endif
