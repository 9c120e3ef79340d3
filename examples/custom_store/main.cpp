// SPDX-License-Identifier: BSL-1.0
// The store of this folder under the conformance kit: all that its author writes.
#include <kfm_det/conformance/check_store_on_disk.hpp>
#include <kfm_det/conformance/main.hpp>
#include <kfm_det/conformance/registry.hpp>

#include "group_store.hpp"

template <class Fs>
struct GroupStoreOnDisk {
  using Store = example::GroupStore<Fs>;
  kfm_det::result<Store> open(Fs& fs) { return Store::open("/state/log", fs); }
};
KFM_DET_CONFORMANCE_STORE_ON_DISK(GroupStoreOnDisk)

int main(int argc, char** argv) { return kfm_det::conformance::run_main(argc, argv); }
