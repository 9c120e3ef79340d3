// SPDX-License-Identifier: BSL-1.0
// The RapidCheck leaf as somebody uses it: leaves.py runs it and reads what it says. Argument: which fixture.
#include <string>

#include "kfm_det/conformance/rapidcheck.hpp"
#include "tests/conformance/leaf_fixtures.hpp"

namespace {
template <class Fixture>
int property() {
  const bool holds = rc::check("the store holds its laws", [] {
    kfm_det::conformance::Options options;
    options.reproduce = kfm_det::conformance::reproducer_of("check_store", "longer-scripts", *kfm_det::conformance::choice_vectors());
    const auto report = kfm_det::conformance::check_store<Fixture>(options);
    if (!report.passed()) RC_LOG() << report.to_text();
    RC_ASSERT(report.passed());
  });
  return holds ? 0 : 1;
}
}  // namespace

int main(int argc, char** argv) { return argc > 1 && std::string(argv[1]) == "RightStore" ? property<RightStore>() : property<ForgetfulStore>(); }
