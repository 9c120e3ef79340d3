// SPDX-License-Identifier: BSL-1.0
#include "conformance/backends/updater_over_memory.hpp"
#include "kfm_det/conformance/check_updater.hpp"
#include "kfm_det/conformance/registry.hpp"

using kfm_det::conformance::UpdaterOverMemory;
KFM_DET_CONFORMANCE_UPDATER(UpdaterOverMemory)
using kfm_det::conformance::GatedUpdaterOverMemory;
KFM_DET_CONFORMANCE_UPDATER(GatedUpdaterOverMemory)
