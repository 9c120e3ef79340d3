// SPDX-License-Identifier: BSL-1.0
/// \file
/// A fixture of check_verify that has nothing right is told everything, at once.
// expect: kfm_det verify fixture: must be default constructible; the kit makes it
// expect: kfm_det verify fixture: needs `VerifyAnswer verify(const VerifyInput& log)`: the verifier's verdict on these bytes
#include "kfm_det/conformance/verify_fixture.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Fixture {
  det::conformance::VerifyAnswer verify(const det::conformance::VerifyInput& log) { return {log.segments.empty(), {}, {}, 0, 0, {}}; }
};
#else
struct Fixture {
  explicit Fixture(int);
  bool verify(const det::conformance::VerifyInput& log);
};
#endif
static_assert(det::conformance::diagnose_verify_fixture<Fixture>());
