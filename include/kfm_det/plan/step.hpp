// SPDX-License-Identifier: BSL-1.0
/// \file
/// Step: one node of a plan: which operation, with which parameters, after which steps, publishing what.
///
/// Thread-safety: plain values. plan/plan.hpp says what makes a step valid; plan/builder.hpp makes steps from typed operations.
#ifndef KFM_DET_PLAN_STEP_HPP
#define KFM_DET_PLAN_STEP_HPP

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/limits.hpp"

namespace kfm_det {

namespace limits {
inline constexpr std::size_t plan_steps_max = 1'000'000;
inline constexpr std::size_t plan_dependencies_max = 16'000'000;  ///< over all steps
inline constexpr std::size_t step_text_bytes_max = 256;           ///< a step's id, its operation's name, a label
inline constexpr std::size_t step_labels_max = 64;
inline constexpr std::size_t cycle_steps_shown_max = 256;         ///< of a longer cycle, both ends are named
}  // namespace limits

struct Step {
  std::string id;                        ///< unique in its plan; names the step in the log, and with the run id its effect
  std::string operation;                 ///< operation_name<Op>
  Json params;                           ///< what Op::Params travels as
  std::vector<std::string> after;        ///< ids of the steps that it waits for: sorted, unique
  std::optional<BusinessKey> publishes;  ///< none: an intermediate, or a check
  bool irreversible = false;             ///< undo stops here
  std::uint32_t tier = 0;                ///< 0 to 3: how much approval its publication needs
  std::vector<std::string> care;         ///< labels: sorted, unique

  friend bool operator==(const Step&, const Step&) = default;
};
KFM_DET_DESCRIBE(Step, id, operation, params, after, publishes, irreversible, tier, care)

/// Names a step of the plan that is being built.
struct StepRef {
  std::string id;
  friend auto operator<=>(const StepRef&, const StepRef&) = default;
};

}  // namespace kfm_det

#endif
