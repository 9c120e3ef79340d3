// SPDX-License-Identifier: BSL-1.0
// A store that is broken on purpose, under the kit's plain main: reproduced.py builds it with several compilers and compares what they say.
#include <utility>

#include "kfm_det/conformance/check_store_on_disk.hpp"
#include "kfm_det/conformance/main.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/stores/file_store.hpp"

/// A file system whose sync does nothing.
template <class Fs>
struct Lazy : Fs {
  explicit Lazy(Fs fs) : Fs(std::move(fs)) {}
  kfm_det::result<void> sync(typename Fs::File&) { return kfm_det::success(); }
};
template <class Fs>
struct Unsynced {
  using Store = kfm_det::FileStore<Lazy<Fs>>;
  kfm_det::result<Store> open(Fs& fs) { return Store::open("/wal", {4096, 4096}, Lazy<Fs>(fs)); }
};
KFM_DET_CONFORMANCE_STORE_ON_DISK(Unsynced)

int main(int argc, char** argv) { return kfm_det::conformance::run_main(argc, argv); }
