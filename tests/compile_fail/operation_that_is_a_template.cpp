// SPDX-License-Identifier: BSL-1.0
/// \file
/// Compilers spell a template's arguments differently, so it is asked for a name.
// expect: kfm_det operation: its type has no plain name (it is a template, unnamed, or not ASCII): give it a `static constexpr std::string_view name`
#include "kfm_det/plan/operation.hpp"

namespace det = kfm_det;

template <class T>
struct Read {
#ifdef KFM_DET_GOOD
  static constexpr std::string_view name = "read-text";
#endif
  struct Params { T uri; };
  KFM_DET_DESCRIBE_FRIEND(Params, uri)
  static det::result<det::Output> run(const Params&, det::StepContext&);
};
static_assert(det::Operations<Read<std::string>>::names.size() == 1);
