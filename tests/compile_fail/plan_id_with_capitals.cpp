// SPDX-License-Identifier: BSL-1.0
/// \file
/// An updater id stands in stream names, metrics and reports: lower case, and without blanks.
// expect: kfm_det plan: id must be constexpr, 1 to 128 of a-z, 0-9, '.', '_' and '-', a letter or digit first
#include "kfm_det/plan/builder.hpp"

namespace det = kfm_det;

struct Monthly {
#ifdef KFM_DET_GOOD
  static constexpr det::UpdaterId id{"noaa-monthly"};
#else
  static constexpr det::UpdaterId id{"NOAA monthly"};
#endif
  static constexpr det::Version version{1, 0, 0};
  using Operations = det::Operations<>;
  static det::result<void> plan(std::span<const det::SourceRef>, det::PlanBuilder<Operations>&);
};
static_assert(det::diagnose_plan<Monthly>());
