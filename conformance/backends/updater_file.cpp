// SPDX-License-Identifier: BSL-1.0
// The updater over files alone: FileStore, FileLock and FileSink on simulated disks. With every process the power goes, and takes what was not synced.
#include "kfm_det/conformance/check_updater.hpp"
#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/shared_sink.hpp"
#include "kfm_det/conformance/updater_sample.hpp"
#include "kfm_det/locks/file_lock.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/sinks/file_sink.hpp"
#include "kfm_det/stores/file_store.hpp"

namespace {
using namespace kfm_det;

class UpdaterOverFiles {
 public:
  using Plan = conformance::SamplePlan;
  using Store = FileStore<simulate::Disk>;
  using Lock = FileLock<simulate::Disk, ManualClock>;
  using Sink = FileSink<simulate::Disk>;
  result<Store> open_store() { return Store::open("/wal", {.segment_bytes = 65536, .prewrite_bytes = 8192}, disk.as_process(++processes)); }
  result<Lock> open_lock(const OwnerId& owner, const ManualClock& clock) { return Lock::open("/locks", {owner, clock, disk.as_process(processes)}); }
  result<conformance::SharedSink<Sink>> open_sink() {
    return sink.open([&] { return Sink::open("/sink", {}, published.as_process(++processes)); });
  }
  simulate::Disk copy_sink() { return copied(published); }
  void put_sink_back(const simulate::Disk& copy) {
    sink.forget();
    published = copied(copy);
  }
  static std::vector<conformance::Sources> worlds() { return {{{"a", "one"}, {"b", "two"}}, {{"a", "other"}}}; }
  Plan plan(const conformance::Sources& world) const { return conformance::sample_plan(world); }
  void crash() {
    sink.forget();
    disk = disk.after_power_loss(fates);
    published = published.after_power_loss(fates);
  }

 private:
  static simulate::Disk copied(const simulate::Disk& from) {
    conformance::BestFates all;
    return from.after_power_loss(all);
  }
  simulate::Disk disk, published;   // the sink's own, so that an older copy of it can be put back
  std::uint32_t processes = 0;
  conformance::DrawnFates fates;
  conformance::SharedSinkSlot<Sink> sink;
};

KFM_DET_CONFORMANCE_UPDATER(UpdaterOverFiles)
}  // namespace
