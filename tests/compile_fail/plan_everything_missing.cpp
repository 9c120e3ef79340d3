// SPDX-License-Identifier: BSL-1.0
/// \file
/// A plan type that has nothing right is told everything, at once.
// expect: kfm_det plan: needs `static constexpr kfm_det::UpdaterId id{
// expect: kfm_det plan: needs `static constexpr kfm_det::Version version{1, 0, 0}`; a change of behaviour needs a new one
// expect: kfm_det plan: needs `using Operations = kfm_det::Operations<...>`
// expect: kfm_det plan: inputs must be `result<vector<SourceRef>> inputs(SourceReader&) const`
// expect: kfm_det plan: gate must be `result<void> gate(const SourceRef&, SourceReader&) const`
// expect: kfm_det plan: missing_keys must be a `kfm_det::MissingKeys`: keep or retire
// expect: kfm_det plan: may_be_empty must be a bool
// expect: kfm_det plan: on_failure must be a `kfm_det::OnFailure`: keep or undo
#include "kfm_det/plan/builder.hpp"

namespace det = kfm_det;

struct Monthly {
#ifdef KFM_DET_GOOD
  static constexpr det::UpdaterId id{"monthly"};
  static constexpr det::Version version{1, 0, 0};
  using Operations = det::Operations<>;
  static det::result<void> plan(std::span<const det::SourceRef>, det::PlanBuilder<Operations>&);
#else
  std::vector<det::SourceRef> inputs() const;
  bool gate(const det::SourceRef&) const;
  static constexpr bool missing_keys = true;
  struct Perhaps {};
  static constexpr Perhaps may_be_empty{};
  static constexpr int on_failure = 1;
#endif
};
static_assert(det::diagnose_plan<Monthly>());
