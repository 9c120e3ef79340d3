// SPDX-License-Identifier: BSL-1.0
#include <utility>

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

/// A store that keeps all: what its claims exclude it must say.
struct StoreWithoutTrims {
  struct Stream : kfm_det::MemoryStore::Stream {
    explicit Stream(kfm_det::MemoryStore::Stream stream) : kfm_det::MemoryStore::Stream(std::move(stream)) {}
    [[nodiscard]] kfm_det::result<void> drop_before(kfm_det::Lsn) { return kfm_det::Error(kfm_det::errc::unsupported, "this store keeps all", "", "Claim trims, and drop."); }
  };
  static constexpr kfm_det::StoreClaims claims{.detects_corruption = true};
  kfm_det::result<Stream> open_stream(const kfm_det::StreamId& id) {
    KFM_DET_TRY(auto stream, kept.open_stream(id));
    return Stream(std::move(stream));
  }
  kfm_det::MemoryStore kept;
};
struct StoreWithoutTrimsFixture {
  using Store = StoreWithoutTrims;
  kfm_det::result<Store> open() { return store; }
  void wipe() { store = Store(); }
  Store store;
};
KFM_DET_CONFORMANCE_STORE(StoreWithoutTrimsFixture)
