// SPDX-License-Identifier: BSL-1.0
// FileLock under the kit: on the simulated disk, where processes die, power goes, and turns change at each call of the disk; and on the real file system.
#include "kfm_det/locks/file_lock.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include <unistd.h>

#include "kfm_det/conformance/check_lock.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace det = kfm_det;

namespace {

struct FileLockFixture {
  using Lock = det::FileLock<det::simulate::Disk, det::ManualClock>;
  det::result<Lock> connect(const det::OwnerId& owner, const det::ManualClock& clock) {
    return Lock::open("locks", {.owner = owner, .clock = clock, .file_system = disk.as_process(processes[owner.text] = ++started)});
  }
  void wipe() { use(det::simulate::Disk()); }
  void kill(const det::OwnerId& owner) { disk.end_process(processes[owner.text]); }
  void crash(det::simulate::Fates& fates) { use(disk.after_power_loss(fates)); }
  void on_call(std::function<void()> what) { hook = std::move(what); }
  det::simulate::Disk file_system() { return disk; }

  void use(const det::simulate::Disk& other) {
    disk = other;
    disk.on_call([this](const det::simulate::Call&) { if (hook) hook(); });
  }
  det::simulate::Disk disk;
  std::map<std::string, std::uint32_t> processes;
  std::uint32_t started = 0;
  std::function<void()> hook;
};
KFM_DET_CONFORMANCE_LOCK(FileLockFixture)

struct FileLockOfThisMachine {
  using Lock = det::FileLock<det::PosixFileSystem, det::ManualClock>;
  static constexpr bool is_slow = true;
  FileLockOfThisMachine() = default;
  FileLockOfThisMachine(const FileLockOfThisMachine&) = delete;
  FileLockOfThisMachine& operator=(const FileLockOfThisMachine&) = delete;
  ~FileLockOfThisMachine() { wipe(); }
  det::result<Lock> connect(const det::OwnerId& owner, const det::ManualClock& clock) { return Lock::open(folder, {.owner = owner, .clock = clock}); }
  void wipe() { std::filesystem::remove_all(folder); }
  std::string folder = std::string(std::filesystem::exists("/dev/shm") ? "/dev/shm" : ".") + "/kfm_det-conformance-" + std::to_string(::getpid()) + "-" + std::to_string(reinterpret_cast<std::uintptr_t>(this));
};
KFM_DET_CONFORMANCE_LOCK(FileLockOfThisMachine)

}  // namespace
