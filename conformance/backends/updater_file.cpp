// SPDX-License-Identifier: BSL-1.0
// The updater over FileStore and FileLock on the simulated disk, and a sink in memory that loses nothing: with every process the power goes, and takes what
// was not synced. (FileSink has one handle at a time, and the kit looks beside the updater.)
#include "kfm_det/conformance/check_updater.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/updater_sample.hpp"
#include "kfm_det/locks/file_lock.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "kfm_det/stores/file_store.hpp"

namespace {
using namespace kfm_det;

/// Nothing that was not synced is left, or all of it, or any part: another one at each crash, the same in each run.
struct DrawnFates final : simulate::Fates {
  std::uint32_t decide(std::uint32_t options) override { return random.below(options); }
  conformance::Random random{7};
};

struct UpdaterOverFiles {
  using Plan = conformance::SamplePlan;
  using Store = FileStore<simulate::Disk>;
  using Lock = FileLock<simulate::Disk, ManualClock>;
  result<Store> open_store() { return Store::open("/wal", {.segment_bytes = 65536, .prewrite_bytes = 8192}, disk.as_process(++processes)); }
  result<Lock> open_lock(const OwnerId& owner, const ManualClock& clock) { return Lock::open("/locks", {owner, clock, disk.as_process(processes)}); }
  result<MemorySink> open_sink() { return sink; }
  MemorySink copy_sink() { return sink.backup(); }
  void put_sink_back(const MemorySink& copy) { sink.restore(copy); }
  static std::vector<conformance::Sources> worlds() { return {{{"a", "one"}, {"b", "two"}}, {{"a", "other"}}}; }
  Plan plan(const conformance::Sources& world) const { return conformance::sample_plan(world); }
  void crash() { disk = disk.after_power_loss(fates); }

  simulate::Disk disk;
  std::uint32_t processes = 0;
  DrawnFates fates;
  MemorySink sink;
};

KFM_DET_CONFORMANCE_UPDATER(UpdaterOverFiles)
}  // namespace
