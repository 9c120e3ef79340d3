// SPDX-License-Identifier: BSL-1.0
/// \file
/// VerifyPolicy: what an operator asks of a log beyond what every log must hold. Plain value; empty asks for nothing more.
#ifndef KFM_DET_WAL_VERIFY_POLICY_HPP
#define KFM_DET_WAL_VERIFY_POLICY_HPP

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kfm_det::wal {

struct VerifyPolicy {
  bool signed_each_group = false;                             ///< the log was written with Signing::each_group: where a key is valid, every group must end in a signature
  std::optional<std::vector<std::string>> actors{};           ///< who may write; nobody asked: everybody (a ring's key may say it too)
  std::vector<std::string> care_required{};                   ///< beginnings of business keys whose publications must carry CARE labels; "" is every key

  [[nodiscard]] bool allows(std::string_view actor) const { return !actors || std::find(actors->begin(), actors->end(), actor) != actors->end(); }
  [[nodiscard]] bool needs_care(std::string_view business_key) const {
    return std::any_of(care_required.begin(), care_required.end(), [&](const std::string& beginning) { return business_key.starts_with(beginning); });
  }
};

}  // namespace kfm_det::wal

#endif
