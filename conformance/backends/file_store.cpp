// SPDX-License-Identifier: BSL-1.0
#include <kfm_det/conformance/check_store_on_disk.hpp>
#include <kfm_det/conformance/registry.hpp>
#include <kfm_det/stores/file_store.hpp>

template <class Fs>
struct FileStoreOnDisk {
  using Store = kfm_det::FileStore<Fs>;
  kfm_det::result<Store> open(Fs& fs) { return Store::open("/state/wal", {.segment_bytes = 4096, .prewrite_bytes = 4096}, fs); }
};
KFM_DET_CONFORMANCE_STORE_ON_DISK(FileStoreOnDisk)

template <class Fs>
struct FileStoreOfThreeSegments {   // 64 KiB, for every bit and every length
  using Store = kfm_det::FileStore<Fs>;
  kfm_det::result<Store> open(Fs& fs) { return Store::open("/state/wal", {.segment_bytes = 24576, .prewrite_bytes = 4096}, fs); }
};
KFM_DET_CONFORMANCE_STORE_MEDIA(FileStoreOfThreeSegments)
