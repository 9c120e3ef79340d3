// SPDX-License-Identifier: BSL-1.0
// The leaves: a store under Catch2 by one macro and one include, and the kit's scripts as RapidCheck generators.
#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <string>

#include "kfm_det/conformance/catch2.hpp"
#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/rapidcheck.hpp"
#include "kfm_det/stores/memory_store.hpp"

namespace {
struct MemoryStoreUnderCatch {
  using Store = kfm_det::MemoryStore;
  kfm_det::result<Store> open() { return store; }
  void wipe() { store = Store(); }
  void crash() { store.lose_unsynced(); }
  Store store;
};
KFM_DET_CONFORMANCE_STORE(MemoryStoreUnderCatch)
}  // namespace

TEST_CASE("scripts of the kit as generators of RapidCheck") {
  CHECK(rc::check("the memory store holds its laws", [] {
    kfm_det::conformance::Options options;
    options.reproduce = kfm_det::conformance::reproducer_of("check_store", "longer-scripts", *kfm_det::conformance::choice_vectors());
    const auto report = kfm_det::conformance::check_store<MemoryStoreUnderCatch>(options);
    RC_ASSERT(report.passed());
    RC_ASSERT(report.cases == 1U);
  }));
}
