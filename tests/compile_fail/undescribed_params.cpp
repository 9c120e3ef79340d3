// SPDX-License-Identifier: BSL-1.0
/// \file
/// Params that are not described cannot be stored in the plan.
// expect: kfm_det operation: Params must be described: write KFM_DET_DESCRIBE(Operation::Params, fields...) behind the operation
#include "kfm_det/plan/builder.hpp"

namespace det = kfm_det;

struct Read {
  struct Params { std::string uri; };
  static det::result<det::Output> run(const Params&, det::StepContext&);
};
#ifdef KFM_DET_GOOD
KFM_DET_DESCRIBE(Read::Params, uri)
#endif
void add(det::PlanBuilder<det::Operations<Read>>& plan) { plan.step<Read>("read", {"uri"}); }
