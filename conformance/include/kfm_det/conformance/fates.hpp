// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a power loss leaves of what no sync has covered: nothing, all of it, or some part. For fixtures whose crash() decides it.
///
///   void crash() { kfm_det::conformance::WorstFates fates; disk = disk.after_power_loss(fates); }
///
/// Thread-safety: none.
#ifndef KFM_DET_CONFORMANCE_FATES_HPP
#define KFM_DET_CONFORMANCE_FATES_HPP

#include <cstdint>

#include "kfm_det/conformance/choices.hpp"
#include "kfm_det/simulate/disk_image.hpp"

namespace kfm_det::conformance {

/// Nothing survives that need not.
class WorstFates final : public simulate::Fates {
 public:
  std::uint32_t decide(std::uint32_t options) override { return options > 1 ? 1 : 0; }
};
/// Everything survives, as it was written.
class BestFates final : public simulate::Fates {
 public:
  std::uint32_t decide(std::uint32_t) override { return 0; }
};
/// Any part, drawn: another one at each crash, the same for the same seed.
class DrawnFates final : public simulate::Fates {
 public:
  explicit DrawnFates(std::uint64_t seed = 7) : random_(seed) {}
  std::uint32_t decide(std::uint32_t options) override { return random_.below(options); }

 private:
  Random random_;
};

}  // namespace kfm_det::conformance

#endif
