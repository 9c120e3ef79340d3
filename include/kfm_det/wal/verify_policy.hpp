// SPDX-License-Identifier: BSL-1.0
/// \file
/// VerifyPolicy: what an operator asks of a log beyond what every log must hold. Plain value; empty asks for nothing more.
#ifndef KFM_DET_WAL_VERIFY_POLICY_HPP
#define KFM_DET_WAL_VERIFY_POLICY_HPP

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kfm_det::wal {

/// What has to be here of what a checkpoint stands for.
enum class History : std::uint8_t {
  archived,   ///< a log may begin at a checkpoint, for what is older may have been dropped; but what is here, in the folder or its archive, has no gap
  whole,      ///< everything, from LSN 1 on: that a log begins at a checkpoint is an error
  dropped,    ///< the store drops what a checkpoint covers (FileStoreOptions::archive is false): its archive holds evidence, with gaps, and is not looked at
};

struct VerifyPolicy {
  bool signed_each_group = false;                             ///< the log was written with Signing::each_group: where a key is valid, every group must end in a signature
  std::optional<std::vector<std::string>> actors{};           ///< who may write; nobody asked: everybody (a ring's key may say it too)
  std::vector<std::string> care_required{};                   ///< beginnings of business keys whose publications must carry CARE labels; "" is every key
  History history = History::archived;
  std::optional<std::uint32_t> approval_from_tier{};          ///< a plan with a step of this tier or above must name an approval (updater/approval.hpp)

  [[nodiscard]] bool allows(std::string_view actor) const { return !actors || std::find(actors->begin(), actors->end(), actor) != actors->end(); }
  [[nodiscard]] bool needs_care(std::string_view business_key) const {
    return std::any_of(care_required.begin(), care_required.end(), [&](const std::string& beginning) { return business_key.starts_with(beginning); });
  }
};

}  // namespace kfm_det::wal

#endif
