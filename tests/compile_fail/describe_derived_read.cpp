// SPDX-License-Identifier: BSL-1.0
// Nor is it read.
// expect: kfm_det: this type is not described; write KFM_DET_DESCRIBE(Type, fields...) beside it
#include "kfm_det/core/describe.hpp"

struct Base { int month = 1; };
KFM_DET_DESCRIBE(Base, month)
struct Derived : Base { int day = 1; };

#ifdef KFM_DET_GOOD
bool read(const kfm_det::Json& json) { return kfm_det::from_json<Base>(json).has_value(); }
#else
bool read(const kfm_det::Json& json) { return kfm_det::from_json<Derived>(json).has_value(); }
#endif
