// SPDX-License-Identifier: BSL-1.0
// The real file system and the simulated disk under the kit.
#include <filesystem>
#include <string>

#include <unistd.h>

#include "kfm_det/conformance/check_file_system.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace {

struct PosixFileSystemFixture {
  using FileSystem = kfm_det::PosixFileSystem;
  static constexpr bool on_this_machine = true;
  ~PosixFileSystemFixture() { std::filesystem::remove_all(path); }
  FileSystem open() { return {}; }
  std::string folder() { return path; }
  void wipe() {
    std::filesystem::create_directories(path);
    for (const auto& entry : std::filesystem::directory_iterator(path)) std::filesystem::remove_all(entry.path());
  }
  std::string path = (std::filesystem::exists("/dev/shm") ? "/dev/shm/" : "/tmp/") + std::string("kfm_det-conformance-fs-") + std::to_string(::getpid());
};
KFM_DET_CONFORMANCE_FILE_SYSTEM(PosixFileSystemFixture)

/// Of what no sync has covered: nothing is left, all of it, or any part.
template <std::uint32_t kind>
struct SimulatedDisk {
  using FileSystem = kfm_det::simulate::Disk;
  struct Fates final : kfm_det::simulate::Fates {
    std::uint32_t decide(std::uint32_t options) override { return kind == 0 ? (options > 1 ? 1 : 0) : kind == 1 ? 0 : random.below(options); }
    kfm_det::conformance::Random random{7};
  };
  FileSystem open() { return disk; }
  std::string folder() { return "/state"; }
  void wipe() {
    disk = FileSystem();
    disk.plant("/state/x", "");
    disk.lose("/state/x");
    fates = {};
  }
  void crash() { disk = disk.after_power_loss(fates); }
  FileSystem other_process() { return disk.as_process(++processes); }
  void end_other_process() { disk.end_process(processes); }
  FileSystem disk;
  Fates fates;
  std::uint32_t processes = 0;
};
using DiskThatKeepsNothing = SimulatedDisk<0>;
using DiskThatKeepsAll = SimulatedDisk<1>;
using DiskThatKeepsSome = SimulatedDisk<2>;
KFM_DET_CONFORMANCE_FILE_SYSTEM(DiskThatKeepsNothing)
KFM_DET_CONFORMANCE_FILE_SYSTEM(DiskThatKeepsAll)
KFM_DET_CONFORMANCE_FILE_SYSTEM(DiskThatKeepsSome)

}  // namespace
