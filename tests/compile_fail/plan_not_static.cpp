// SPDX-License-Identifier: BSL-1.0
/// \file
/// A plan() that is a member could look at what the program was asked: static, it cannot.
// expect: kfm_det plan: needs `static result<void> plan(span<const SourceRef>, PlanBuilder<Operations>&)`; static, so that it is pure by shape
#include "kfm_det/plan/builder.hpp"

namespace det = kfm_det;

struct Monthly {
  static constexpr det::UpdaterId id{"monthly"};
  static constexpr det::Version version{1, 0, 0};
  using Operations = det::Operations<>;
#ifdef KFM_DET_GOOD
  static
#endif
  det::result<void> plan(std::span<const det::SourceRef>, det::PlanBuilder<Operations>&) { return det::success(); }
};
static_assert(det::diagnose_plan<Monthly>());
