// SPDX-License-Identifier: BSL-1.0
// The real file system and the simulated disk under the kit.
#include <string>

#include "kfm_det/conformance/check_file_system.hpp"
#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/scratch_folder.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace {

struct PosixFileSystemFixture : kfm_det::conformance::ScratchFolder {
  using FileSystem = kfm_det::PosixFileSystem;
  static constexpr bool on_this_machine = true;
  FileSystem open() { return {}; }
  std::string folder() { return path(); }
};
KFM_DET_CONFORMANCE_FILE_SYSTEM(PosixFileSystemFixture)

template <class Fates>
struct SimulatedDisk {
  using FileSystem = kfm_det::simulate::Disk;
  FileSystem open() { return disk; }
  std::string folder() { return "/state"; }
  void wipe() {
    disk = FileSystem();
    disk.plant("/state/x", "");
    disk.lose("/state/x");
    fates = Fates();
  }
  void crash() { disk = disk.after_power_loss(fates); }
  FileSystem other_process() { return disk.as_process(++processes); }
  void end_other_process() { disk.end_process(processes); }
  FileSystem disk;
  Fates fates;
  std::uint32_t processes = 0;
};
using DiskThatKeepsNothing = SimulatedDisk<kfm_det::conformance::WorstFates>;
using DiskThatKeepsAll = SimulatedDisk<kfm_det::conformance::BestFates>;
using DiskThatKeepsSome = SimulatedDisk<kfm_det::conformance::DrawnFates>;
KFM_DET_CONFORMANCE_FILE_SYSTEM(DiskThatKeepsNothing)
KFM_DET_CONFORMANCE_FILE_SYSTEM(DiskThatKeepsAll)
KFM_DET_CONFORMANCE_FILE_SYSTEM(DiskThatKeepsSome)

}  // namespace
