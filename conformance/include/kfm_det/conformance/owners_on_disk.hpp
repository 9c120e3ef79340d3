// SPDX-License-Identifier: BSL-1.0
/// \file
/// OwnersOnDisk: what a check_lock fixture of a lock on files derives from. Each owner is a process of its own on a simulated disk; processes die, power goes,
/// turns change at each call of the disk, and each call of it fails once and for good.
///
///   struct AcmeLockFixture : kfm_det::conformance::OwnersOnDisk {
///     using Lock = acme::FileLock<kfm_det::simulate::Disk>;   // your lock, over anything that is a FileSystem
///     kfm_det::result<Lock> connect(const kfm_det::OwnerId& owner, const kfm_det::ManualClock& clock) { return Lock::open("locks", owner, clock, process_of(owner)); }
///   };
///
/// Thread-safety: as simulate::Disk.
#ifndef KFM_DET_CONFORMANCE_OWNERS_ON_DISK_HPP
#define KFM_DET_CONFORMANCE_OWNERS_ON_DISK_HPP

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance {

class OwnersOnDisk {
 public:
  OwnersOnDisk() = default;
  OwnersOnDisk(const OwnersOnDisk&) = delete;
  OwnersOnDisk& operator=(const OwnersOnDisk&) = delete;

  void wipe() { use(simulate::Disk()); }
  void kill(const OwnerId& owner) { disk_.end_process(processes_[owner.text]); }
  void crash(simulate::Fates& fates) { use(disk_.after_power_loss(fates)); }
  void on_call(std::function<void()> what) { hook_ = std::move(what); }
  [[nodiscard]] simulate::Disk file_system() const { return disk_; }

 protected:
  ~OwnersOnDisk() = default;
  /// The disk as a new process sees it, which is this owner's from now on.
  [[nodiscard]] simulate::Disk process_of(const OwnerId& owner) { return disk_.as_process(processes_[owner.text] = ++started_); }

 private:
  void use(const simulate::Disk& other) {
    disk_ = other;
    disk_.on_call([this](const simulate::Call&) { if (hook_) hook_(); });
  }

  simulate::Disk disk_;
  std::map<std::string, std::uint32_t> processes_;
  std::uint32_t started_ = 0;
  std::function<void()> hook_;
};

}  // namespace kfm_det::conformance

#endif
