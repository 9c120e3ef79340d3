// SPDX-License-Identifier: BSL-1.0
// Two members of one name are no object.
// expect: kfm_det: two fields of a description have the same JSON name
#include "kfm_det/core/describe.hpp"

struct Params { int a = 0, b = 0; };
#ifdef KFM_DET_GOOD
KFM_DET_DESCRIBE(Params, a, b)
#else
KFM_DET_DESCRIBE(Params, a, (b, "a"))
#endif

bool write() { return kfm_det::canonical(Params{}).has_value(); }
