// SPDX-License-Identifier: BSL-1.0
/// \file
/// Keys that left: what earlier runs of a scope planned and this plan does not, and which of them get a tombstone (DESIGN 7).
///
/// Thread-safety: pure functions.
#ifndef KFM_DET_PLAN_RETIRE_HPP
#define KFM_DET_PLAN_RETIRE_HPP

#include <algorithm>
#include <vector>

#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/plan/plan.hpp"

namespace kfm_det {

/// What a plan publishes, in byte order.
[[nodiscard]] inline std::vector<BusinessKey> keys_of(const Plan& plan) {
  std::vector<BusinessKey> keys;
  for (const Step& step : plan.steps())
    if (step.publishes) keys.push_back(*step.publishes);
  std::sort(keys.begin(), keys.end());
  return keys;
}

/// Those of `planned_before` (any range of keys or texts) that the plan does not publish: in byte order, each once.
template <class Keys>
[[nodiscard]] std::vector<BusinessKey> keys_that_left(const Keys& planned_before, const Plan& plan) {
  const std::vector<BusinessKey> kept = keys_of(plan);
  std::vector<BusinessKey> left;
  for (const auto& key : planned_before)
    if (BusinessKey each(key); !std::binary_search(kept.begin(), kept.end(), each)) left.push_back(std::move(each));
  std::sort(left.begin(), left.end());
  left.erase(std::unique(left.begin(), left.end()), left.end());
  return left;
}

/// The keys that left and are to get a tombstone, as the plan type declares. A plan that publishes nothing retires nothing unless the type
/// says `may_be_empty`: an empty plan is more often an empty folder than an intention.
template <class P, class Keys>
[[nodiscard]] std::vector<BusinessKey> keys_to_retire(const Keys& planned_before, const Plan& plan) {
  if (missing_keys_of<P> == MissingKeys::keep) return {};
  if (!may_be_empty_of<P> && keys_of(plan).empty()) return {};
  return keys_that_left(planned_before, plan);
}

}  // namespace kfm_det

#endif
