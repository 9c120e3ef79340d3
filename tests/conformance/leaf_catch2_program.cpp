// SPDX-License-Identifier: BSL-1.0
// The Catch2 leaf as somebody uses it: leaves.py runs it and reads what it says.
#define CATCH_CONFIG_MAIN
#include "kfm_det/conformance/catch2.hpp"
#include "tests/conformance/leaf_fixtures.hpp"

namespace {
KFM_DET_CONFORMANCE_STORE(RightStore)
KFM_DET_CONFORMANCE_STORE(ForgetfulStore)
}  // namespace
