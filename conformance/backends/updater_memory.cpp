// SPDX-License-Identifier: BSL-1.0
// The updater over the three backends that keep everything in memory.
#include "kfm_det/conformance/check_updater.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/updater_sample.hpp"
#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/memory_store.hpp"

namespace {
using namespace kfm_det;

struct UpdaterOverMemory {
  using Plan = conformance::SamplePlan;
  result<MemoryStore> open_store() { return store; }
  result<MemoryLock<ManualClock>> open_lock(const OwnerId& owner, const ManualClock& clock) { return MemoryLock<ManualClock>(board, owner, clock); }
  result<MemorySink> open_sink() { return sink; }
  static std::vector<conformance::Sources> worlds() { return conformance::sample_worlds(); }
  Plan plan(const conformance::Sources& world) const { return conformance::sample_plan(world); }

  MemoryStore store;
  MemorySink sink;
  std::shared_ptr<MemoryLockBoard> board = MemoryLock<ManualClock>::make_board();
};

KFM_DET_CONFORMANCE_UPDATER(UpdaterOverMemory)
}  // namespace
