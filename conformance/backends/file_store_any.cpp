// SPDX-License-Identifier: BSL-1.0
// FileStore as a store like any other: over the real file system, and under the log on a disk that loses power.
#include <filesystem>
#include <string>

#include "kfm_det/conformance/check_log.hpp"
#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/scratch_path.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/file_store.hpp"

struct FileStoreOfThisMachine {
  using Store = kfm_det::FileStore<>;
  FileStoreOfThisMachine() = default;
  FileStoreOfThisMachine(const FileStoreOfThisMachine&) = delete;
  FileStoreOfThisMachine& operator=(const FileStoreOfThisMachine&) = delete;
  ~FileStoreOfThisMachine() { wipe(); }
  kfm_det::result<Store> open() { return Store::open(folder, {.segment_bytes = 65536, .prewrite_bytes = 8192}); }
  void wipe() { std::filesystem::remove_all(folder); }
  std::string folder = kfm_det::conformance::scratch_path();
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
