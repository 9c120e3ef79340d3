// SPDX-License-Identifier: BSL-1.0
// A struct without a description is not written.
// expect: kfm_det: this type is not described; write KFM_DET_DESCRIBE(Type, fields...) beside it
#include "kfm_det/core/describe.hpp"

struct Params { int month = 1; };
#ifdef KFM_DET_GOOD
KFM_DET_DESCRIBE(Params, month)
#endif

bool write() { return kfm_det::canonical(Params{}).has_value(); }
