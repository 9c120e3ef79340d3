// SPDX-License-Identifier: BSL-1.0
/// \file
/// The sample plan over the three backends that keep everything in memory: the shortest fixture of check_updater, and the one to derive from.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_BACKENDS_UPDATER_OVER_MEMORY_HPP
#define KFM_DET_CONFORMANCE_BACKENDS_UPDATER_OVER_MEMORY_HPP

#include <memory>
#include <vector>

#include "kfm_det/conformance/updater_sample.hpp"
#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/memory_store.hpp"

namespace kfm_det::conformance {

struct UpdaterOverMemory {
  using Plan = SamplePlan;
  result<MemoryStore> open_store() { return store; }
  result<MemoryLock<ManualClock>> open_lock(const OwnerId& owner, const ManualClock& clock) { return MemoryLock<ManualClock>(board, owner, clock); }
  result<MemorySink> open_sink() { return sink; }
  MemorySink copy_sink() { return sink.backup(); }
  void put_sink_back(const MemorySink& copy) { sink.restore(copy); }
  static std::vector<Sources> worlds() { return sample_worlds(); }
  Plan plan(const Sources& world) const { return sample_plan(world); }

  MemoryStore store;
  MemorySink sink;
  std::shared_ptr<MemoryLockBoard> board = MemoryLock<ManualClock>::make_board();
};

/// A gate that refuses one of its worlds: half of it would do.
struct GatedUpdaterOverMemory : UpdaterOverMemory {
  using Plan = GatedSamplePlan;
  static std::vector<Sources> worlds() { return {{{"a", "one"}}, {{"a", "two"}}, {{"a", "three"}, {"b", "four\nbad"}}}; }
  Plan plan(const Sources& world) const { return {sample_plan(world)}; }
};

}  // namespace kfm_det::conformance

#endif
