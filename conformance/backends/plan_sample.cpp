// SPDX-License-Identifier: BSL-1.0
#include <vector>

#include "kfm_det/conformance/check_plan.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/updater_sample.hpp"

namespace {
struct PlanOfTheSample {
  using Plan = kfm_det::conformance::SamplePlan;
  static std::vector<kfm_det::conformance::Sources> worlds() { return kfm_det::conformance::sample_worlds(); }
  /// What g++ 12 gave over libstdc++ 12 on x86-64, world by world. Another plan of the same version is a changed sample, or a build whose plans differ.
  static std::vector<kfm_det::conformance::GoldenPlan> golden() {
    return {{"1.0.0", "abbb82b50a94c12695813d7557ec3e89471f0ad5ae99a9443db38df94f549d90", "340f9b27ca0e11b23b72f6264f8221192f785d92e4f7954e2ddba282c788813f"},
            {"1.0.0", "748b28f0e39861ab49929cd08d23529a913c390f0c7159f7e3fcdac192c6da2e", "e2d23c398eccb89d02f722f4fc37b222180225555e8522f3340399d8988cdc21"},
            {"1.0.0", "ff69f476654e44f1a923bf214165da9059f37a95fe104cf234c23e4cd7f054dd", "ee2896ecd5ff54d6f0e7e5a76384e5db2a78cedde8dfa493a9c3341b9677790c"},
            {"1.0.0", "3f00f02e52a3057be51b3ad625f709ba579b82350835dcf7b4fe1a3b35c16693", "622c2bef0ac0894153d205f8742234053e7d07a98775e2933cf4e70590b89be9"}};
  }
  Plan plan(const kfm_det::conformance::Sources& world) const { return kfm_det::conformance::sample_plan(world); }
};
KFM_DET_CONFORMANCE_PLAN(PlanOfTheSample)
}  // namespace
