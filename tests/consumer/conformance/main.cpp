// SPDX-License-Identifier: BSL-1.0
// A project of its own that takes the installed kit: its store under check_store, and the simulated disk alone.
#include <kfm_det/conformance/check_store.hpp>
#include <kfm_det/conformance/main.hpp>
#include <kfm_det/conformance/registry.hpp>
#include <kfm_det/kfm_det.hpp>
#include <kfm_det/simulate/disk.hpp>
#include <kfm_det/stores/memory_store.hpp>

struct Fixture {
  using Store = kfm_det::MemoryStore;
  kfm_det::result<Store> open() { return store; }
  void wipe() { store = Store(); }
  Store store;
};
KFM_DET_CONFORMANCE_STORE(Fixture)

int main() {
  kfm_det::simulate::Disk disk;
  if (!disk.create_exclusive("/a") || disk.files().size() != 1) return 1;
  char program[] = "consumer", cases[] = "--cases", few[] = "5";
  char* words[] = {program, cases, few};
  return kfm_det::conformance::run_main(3, words);
}
