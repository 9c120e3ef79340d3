// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/conformance/check_verify.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/wal/verify.hpp"

namespace {
struct WalVerifier {
  kfm_det::conformance::VerifyAnswer verify(const kfm_det::conformance::VerifyInput& log) { return kfm_det::conformance::answer_of<kfm_det::wal::Verifier, kfm_det::wal::VerifyOptions>(log); }
};
KFM_DET_CONFORMANCE_VERIFY(WalVerifier)
}  // namespace
