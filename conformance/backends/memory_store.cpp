// SPDX-License-Identifier: BSL-1.0
#include <kfm_det/conformance/check_log.hpp>
#include <kfm_det/conformance/check_store.hpp>
#include <kfm_det/conformance/registry.hpp>
#include <kfm_det/stores/memory_store.hpp>

struct MemoryStoreFixture {
  using Store = kfm_det::MemoryStore;
  kfm_det::result<Store> open() { return store; }
  void wipe() { store = Store(); }
  void crash() { store.lose_unsynced(); }
  Store store;
};
KFM_DET_CONFORMANCE_STORE(MemoryStoreFixture)
KFM_DET_CONFORMANCE_LOG(MemoryStoreFixture)
