// SPDX-License-Identifier: BSL-1.0
/// \file
/// A signer that has nothing of the contract is told everything that is missing, at once.
// expect: kfm_det signer: needs `result<Bytes> sign(BytesView) const`
// expect: kfm_det signer: needs `result<void> verify(BytesView bytes, BytesView signature) const`; errc::hash_mismatch when it does not fit
// expect: kfm_det signer: needs `std::string key_id() const`
// expect: kfm_det signer: needs `std::string_view algorithm() const`, such as
#include "kfm_det/contracts/signer.hpp"

struct Nothing {
  Nothing(Nothing&&) = delete;
};
#ifdef KFM_DET_GOOD
using Asked = kfm_det::NoSigner;
#else
using Asked = Nothing;
#endif
static_assert(kfm_det::diagnose_signer<Asked>());
