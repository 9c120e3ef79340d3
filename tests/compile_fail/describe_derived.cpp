// SPDX-License-Identifier: BSL-1.0
// A struct that derives from a described one must not pass as its base: its own fields would be lost.
// expect: kfm_det: this type is not described; write KFM_DET_DESCRIBE(Type, fields...) beside it
#include "kfm_det/core/describe.hpp"

struct Base { int month = 1; };
KFM_DET_DESCRIBE(Base, month)
struct Derived : Base { int day = 1; };
#ifdef KFM_DET_GOOD
KFM_DET_DESCRIBE(Derived, month, day)
#endif

bool write() { return kfm_det::canonical(Derived{}).has_value(); }
