// SPDX-License-Identifier: BSL-1.0
/// \file
/// Short ways to say a step and a plan, and to look at an error, for the tests of this room.
#ifndef KFM_DET_TESTS_PLAN_PLANS_HPP
#define KFM_DET_TESTS_PLAN_PLANS_HPP

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/plan/plan.hpp"

namespace plans {

namespace det = kfm_det;

inline det::Step step(std::string id, std::vector<std::string> after = {}, std::optional<det::BusinessKey> publishes = std::nullopt) {
  det::Step out;
  out.id = std::move(id);
  out.operation = "Op";
  out.params = det::Json::object();
  out.after = std::move(after);
  out.publishes = std::move(publishes);
  return out;
}

inline det::result<det::Plan> make(std::vector<det::Step> steps) { return det::Plan::make("test", det::Version{1, 0, 0}, std::move(steps)); }

/// "code | where" of what must be an error.
template <class T>
std::string refusal(const det::result<T>& result) {
  if (result) return "no error";
  return std::string(name(result.error().code())) + " | " + result.error().where();
}

/// A permutation that is drawn from `choices`: the same on every machine.
template <class T>
std::vector<T> shuffled(std::vector<T> items, const std::vector<std::size_t>& choices) {
  for (std::size_t i = 0; i + 1 < items.size() && i < choices.size(); ++i) std::swap(items[i], items[i + choices[i] % (items.size() - i)]);
  return items;
}

}  // namespace plans

#endif
