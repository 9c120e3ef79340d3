// SPDX-License-Identifier: BSL-1.0
// FileLock under the kit: on the simulated disk, where processes die, power goes, and turns change at each call of the disk; and on the real file system.
#include "kfm_det/locks/file_lock.hpp"

#include "kfm_det/conformance/check_lock.hpp"
#include "kfm_det/conformance/owners_on_disk.hpp"
#include "kfm_det/conformance/scratch_folder.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace det = kfm_det;

namespace {

struct FileLockFixture : det::conformance::OwnersOnDisk {
  using Lock = det::FileLock<det::simulate::Disk, det::ManualClock>;
  det::result<Lock> connect(const det::OwnerId& owner, const det::ManualClock& clock) { return Lock::open("locks", {.owner = owner, .clock = clock, .file_system = process_of(owner)}); }
};
KFM_DET_CONFORMANCE_LOCK(FileLockFixture)

struct FileLockOfThisMachine : det::conformance::ScratchFolder {
  using Lock = det::FileLock<det::PosixFileSystem, det::ManualClock>;
  static constexpr bool is_slow = true;
  det::result<Lock> connect(const det::OwnerId& owner, const det::ManualClock& clock) { return Lock::open(path() + "/locks", {.owner = owner, .clock = clock}); }
};
KFM_DET_CONFORMANCE_LOCK(FileLockOfThisMachine)

}  // namespace
