// SPDX-License-Identifier: BSL-1.0
/// \file
/// Discovery that is private, or overloaded without the right one, must not be taken for no discovery.
// expect: kfm_det plan: inputs must be `result<vector<SourceRef>> inputs(SourceReader&) const`
// expect: kfm_det plan: gate must be `result<void> gate(const SourceRef&, SourceReader&) const`
#include "kfm_det/plan/builder.hpp"

namespace det = kfm_det;

class Monthly {
#ifdef KFM_DET_GOOD
 public:
#else
 private:
  det::result<void> gate(const det::SourceRef&) const;
#endif
  det::result<void> gate(const det::SourceRef&, det::SourceReader&) const;
  det::result<std::vector<det::SourceRef>> inputs(det::SourceReader&) const;

 public:
  static constexpr det::UpdaterId id{"monthly"};
  static constexpr det::Version version{1, 0, 0};
  using Operations = det::Operations<>;
  static det::result<void> plan(std::span<const det::SourceRef>, det::PlanBuilder<Operations>&);
};
static_assert(det::diagnose_plan<Monthly>());
