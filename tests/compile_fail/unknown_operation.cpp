// SPDX-License-Identifier: BSL-1.0
/// \file
/// A step of an operation that the plan type does not list: a resumed run could not find it.
// expect: kfm_det plan: this operation is not in Operations<...> of the plan type
#include "kfm_det/plan/builder.hpp"

namespace det = kfm_det;

struct Read {
  struct Params { std::string uri; };
  static det::result<det::Output> run(const Params&, det::StepContext&);
};
KFM_DET_DESCRIBE(Read::Params, uri)
struct Write {
  struct Params { std::string uri; };
  static det::result<det::Output> run(const Params&, det::StepContext&);
};
KFM_DET_DESCRIBE(Write::Params, uri)

#ifdef KFM_DET_GOOD
using Listed = det::Operations<Read, Write>;
#else
using Listed = det::Operations<Read>;
#endif
void add(det::PlanBuilder<Listed>& plan) { plan.step<Write>("write", {"uri"}); }
