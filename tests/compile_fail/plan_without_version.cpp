// SPDX-License-Identifier: BSL-1.0
/// \file
/// A plan type without a version: nobody could tell its old outputs from its new ones.
// expect: kfm_det plan: needs `static constexpr kfm_det::Version version{1, 0, 0}`; a change of behaviour needs a new one
#include "kfm_det/plan/builder.hpp"

namespace det = kfm_det;

struct Monthly {
  static constexpr det::UpdaterId id{"monthly"};
#ifdef KFM_DET_GOOD
  static constexpr det::Version version{1, 0, 0};
#endif
  using Operations = det::Operations<>;
  static det::result<void> plan(std::span<const det::SourceRef>, det::PlanBuilder<Operations>&) { return det::success(); }
};
auto build() { return det::build_plan<Monthly>({}); }
