// SPDX-License-Identifier: BSL-1.0
/// \file
/// Two operations of one name: a recorded step could mean either.
// expect: kfm_det operations: two operations of a plan type have one name; give one of them a `static constexpr std::string_view name`
#include "kfm_det/plan/operation.hpp"

namespace det = kfm_det;

namespace daily {
struct Read {
  struct Params { std::string uri; };
  static det::result<det::Output> run(const Params&, det::StepContext&);
};
KFM_DET_DESCRIBE(Read::Params, uri)
}
namespace monthly {
struct Read {
#ifdef KFM_DET_GOOD
  static constexpr std::string_view name = "ReadMonth";
#endif
  struct Params { std::string uri; };
  static det::result<det::Output> run(const Params&, det::StepContext&);
};
KFM_DET_DESCRIBE(Read::Params, uri)
}
static_assert(det::Operations<daily::Read, monthly::Read>::names.size() == 2);
