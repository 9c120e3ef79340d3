// SPDX-License-Identifier: BSL-1.0
/// \file
/// Trigger: what asked for a run. Its key names one event, or, for a poll, what is polled; never who asked. Plain value.
#ifndef KFM_DET_UPDATER_TRIGGER_HPP
#define KFM_DET_UPDATER_TRIGGER_HPP

#include <optional>
#include <string>

#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/ids.hpp"

namespace kfm_det {

enum class TriggerKind : std::uint8_t { schedule, webhook, manual, anomaly };
KFM_DET_DESCRIBE_ENUM(TriggerKind, schedule, webhook, manual, anomaly)

struct Trigger {
  TriggerKind kind = TriggerKind::manual;
  std::string key{};              ///< the event; the same key with the same inputs and version is the same run
  std::string partition{};        ///< part of the scope: one log stream and one lease each
  std::string actor{};            ///< developer, CI or agent; empty: the Environment's
  std::string approval{};         ///< reference of an approval: recorded with the run, and wanted for a risky one (ApprovalPolicy)
  std::optional<RunId> force{};   ///< the run that this one goes past; forcing twice is forcing once
};

}  // namespace kfm_det

#endif
