// SPDX-License-Identifier: BSL-1.0
#include <filesystem>
#include <string>

#include "kfm_det/conformance/check_sink.hpp"
#include "kfm_det/conformance/check_sink_on_disk.hpp"
#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/sinks/file_sink.hpp"

struct FileSinkFixture {   // on a simulated disk: the real one would take its time for every sync
  using Sink = kfm_det::FileSink<kfm_det::simulate::Disk>;
  static constexpr kfm_det::SinkClaims claims = Sink::claims;
  kfm_det::result<Sink> open() { return Sink::open("/sink", {}, disk); }
  void wipe() { disk = kfm_det::simulate::Disk(); }
  void crash() { kfm_det::conformance::WorstFates fates; disk = disk.after_power_loss(fates); }
  void damage(const kfm_det::IdempotencyKey&) {
    for (const auto& [path, bytes] : disk.files())
      if (path.starts_with("/sink/versions/")) disk.damage(path, [](kfm_det::Bytes& all) { all[all.size() / 2] ^= 1; });
  }
  kfm_det::result<std::string> stage(kfm_det::BytesView bytes) {
    std::string path = "/staged/" + std::to_string(++staged);
    disk.plant(path, kfm_det::Bytes(bytes));
    return path;
  }
  kfm_det::simulate::Disk disk;
  int staged = 0;
};
KFM_DET_CONFORMANCE_SINK(FileSinkFixture)

template <class Fs>
struct FileSinkOnDisk {
  using Sink = kfm_det::FileSink<Fs>;
  static constexpr kfm_det::SinkClaims claims = Sink::claims;
  kfm_det::result<Sink> open(Fs& fs) { return Sink::open("/sink", {}, fs); }
};
KFM_DET_CONFORMANCE_SINK_ON_DISK(FileSinkOnDisk)
