// SPDX-License-Identifier: BSL-1.0
// A field that is not in the description would be lost on disk.
// expect: kfm_det: a field of this struct is missing in its KFM_DET_DESCRIBE; it would be lost on disk
#include <map>
#include <string>

#include "kfm_det/core/describe.hpp"

struct Params { std::string month; std::map<std::string, int> counts; int year = 0; };
#ifdef KFM_DET_GOOD
KFM_DET_DESCRIBE(Params, month, counts, year)
#else
KFM_DET_DESCRIBE(Params, month, counts)
#endif

bool write() { return kfm_det::canonical(Params{}).has_value(); }
