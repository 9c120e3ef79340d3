// SPDX-License-Identifier: BSL-1.0
// FileStore as a store like any other: over the real file system, and under the log on a disk that loses power.
#include "kfm_det/conformance/check_log.hpp"
#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/scratch_folder.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/file_store.hpp"

struct FileStoreOfThisMachine : kfm_det::conformance::ScratchFolder {
  using Store = kfm_det::FileStore<>;
  kfm_det::result<Store> open() { return Store::open(path() + "/wal", {.segment_bytes = 65536, .prewrite_bytes = 8192}); }
};
KFM_DET_CONFORMANCE_STORE(FileStoreOfThisMachine)

struct FileStoreUnderTheLog {
  using Store = kfm_det::FileStore<kfm_det::simulate::Disk>;
  kfm_det::result<Store> open() { return Store::open("/wal", {.segment_bytes = 65536, .prewrite_bytes = 8192}, disk); }
  void wipe() { disk = kfm_det::simulate::Disk(); }
  void crash() { kfm_det::conformance::WorstFates fates; disk = disk.after_power_loss(fates); }
  kfm_det::simulate::Disk disk;
};
KFM_DET_CONFORMANCE_LOG(FileStoreUnderTheLog)
