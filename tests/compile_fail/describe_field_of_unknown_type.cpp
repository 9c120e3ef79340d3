// SPDX-License-Identifier: BSL-1.0
// A field whose type does not travel is named by the same sentence.
// expect: kfm_det: this type is not described; write KFM_DET_DESCRIBE(Type, fields...) beside it
#include <vector>

#include "kfm_det/core/describe.hpp"

struct Inner { int x = 0; };
#ifdef KFM_DET_GOOD
KFM_DET_DESCRIBE(Inner, x)
#endif
struct Params { std::vector<Inner> inner; };
KFM_DET_DESCRIBE(Params, inner)

bool write() { return kfm_det::canonical(Params{}).has_value(); }
