// SPDX-License-Identifier: BSL-1.0
#include <kfm_det/conformance/check_compaction.hpp>
#include <kfm_det/conformance/registry.hpp>

struct WalCompaction {
  using Replay = kfm_det::wal::Replay;
  using Compaction = kfm_det::wal::Compaction;
};
KFM_DET_CONFORMANCE_COMPACTION(WalCompaction)
