// SPDX-License-Identifier: BSL-1.0
// A view of text that is read would dangle.
// expect: kfm_det: a std::string_view can be written but not read: it would dangle; make the field a std::string
#include <string>
#include <string_view>

#include "kfm_det/core/describe.hpp"

#ifdef KFM_DET_GOOD
struct Params { std::string month; };
#else
struct Params { std::string_view month; };
#endif
KFM_DET_DESCRIBE(Params, month)

bool read(const kfm_det::Json& json) { return kfm_det::from_json<Params>(json).has_value(); }
