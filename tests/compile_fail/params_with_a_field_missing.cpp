// SPDX-License-Identifier: BSL-1.0
/// \file
/// A field that is forgotten in a description would be lost on disk.
// expect: kfm_det: a field of this struct is missing in its KFM_DET_DESCRIBE; it would be lost on disk
#include "kfm_det/plan/builder.hpp"

namespace det = kfm_det;

struct Read {
  struct Params { std::string uri; std::string month; };
  static det::result<det::Output> run(const Params&, det::StepContext&);
};
#ifdef KFM_DET_GOOD
KFM_DET_DESCRIBE(Read::Params, uri, month)
#else
KFM_DET_DESCRIBE(Read::Params, uri)
#endif
void add(det::PlanBuilder<det::Operations<Read>>& plan) { plan.step<Read>("read", {"uri", "2012-01"}); }
