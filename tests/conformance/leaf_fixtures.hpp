// SPDX-License-Identifier: BSL-1.0
/// \file
/// For the programs of the leaves: a store that is right, and one that forgets everything when the power goes.
#ifndef KFM_DET_TESTS_CONFORMANCE_LEAF_FIXTURES_HPP
#define KFM_DET_TESTS_CONFORMANCE_LEAF_FIXTURES_HPP

#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/stores/memory_store.hpp"

struct RightStore {
  using Store = kfm_det::MemoryStore;
  kfm_det::result<Store> open() { return store; }
  void wipe() { store = Store(); }
  void crash() { store.lose_unsynced(); }
  Store store;
};
struct ForgetfulStore : RightStore {
  static constexpr kfm_det::StoreClaims claims{.survives_power_loss = true, .trims = true};
  void crash() { store = Store(); }
};

#endif
