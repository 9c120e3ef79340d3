// SPDX-License-Identifier: BSL-1.0
// The GoogleTest leaf as somebody uses it: leaves.py runs it and reads what it says.
#include "kfm_det/conformance/gtest.hpp"
#include "tests/conformance/leaf_fixtures.hpp"

namespace {
KFM_DET_CONFORMANCE_STORE(RightStore)
KFM_DET_CONFORMANCE_STORE(ForgetfulStore)
}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  kfm_det::conformance::register_with_gtest();
  return RUN_ALL_TESTS();
}
