// SPDX-License-Identifier: BSL-1.0
// Two plan types under the kit's plain main: one that is right, and one that writes down the bytes of a struct, padding and all. valgrind.py runs both.
#include <string>

#include "kfm_det/conformance/check_plan.hpp"
#include "kfm_det/conformance/main.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/updater_sample.hpp"

namespace {
using namespace kfm_det;

struct Right {
  using Plan = conformance::SamplePlan;
  static std::vector<conformance::Sources> worlds() { return conformance::sample_worlds(); }
  Plan plan(const conformance::Sources& world) const { return conformance::sample_plan(world); }
};

struct Padded { char kind; long number; };
__attribute__((noinline)) void set_members(Padded& one) { one.kind = 'k', one.number = 7; }
struct PlanWithPadding {
  static constexpr UpdaterId id{"padding"};
  static constexpr Version version{1, 0, 0};
  using Operations = kfm_det::Operations<conformance::SampleCheck>;
  static result<void> plan(std::span<const SourceRef>, PlanBuilder<Operations>& plan) {
    Padded one;
    set_members(one);
    plan.step<conformance::SampleCheck>("check", {to_hex(BytesView(reinterpret_cast<const char*>(&one), sizeof one))});
    return success();
  }
};
struct WithPadding {
  using Plan = PlanWithPadding;
  static std::vector<SourceRef> inputs() { return {SourceRef{"a", ContentHash{sha256("one")}, {}}}; }
};
KFM_DET_CONFORMANCE_PLAN(Right)
KFM_DET_CONFORMANCE_PLAN(WithPadding)
}  // namespace

int main(int argc, char** argv) { return conformance::run_main(argc, argv); }
