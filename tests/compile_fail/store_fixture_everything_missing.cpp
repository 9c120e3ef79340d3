// SPDX-License-Identifier: BSL-1.0
/// \file
/// A fixture of a store that has nothing is told everything that is missing, at once; for check_store and for check_store_on_disk.
// expect: kfm_det store fixture: must be default constructible; the kit makes it
// expect: kfm_det store fixture: needs `using Store = ...`, the type under test
// expect: kfm_det store fixture: needs `static constexpr kfm_det::StoreClaims claims{...}`, or a Store that has them
// expect: kfm_det store fixture: needs `kfm_det::result<Store> open()`; each call opens the same storage
// expect: kfm_det store fixture: needs `void wipe()`: the storage is empty behind it
// expect: kfm_det store fixture: needs `using Store = ...`, the type under test on this file system
// expect: kfm_det store fixture: needs `kfm_det::result<Store> open(Fs& file_system)`
#include "kfm_det/conformance/store_fixture.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/memory_store.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Fixture {
  using Store = det::MemoryStore;
  det::result<Store> open() { return Store(); }
  void wipe() {}
};
template <class Fs>
struct OnDisk {
  using Store = det::FileStore<Fs>;
  det::result<Store> open(Fs& fs) { return Store::open("/wal", {}, fs); }
};
#else
struct Fixture {
  explicit Fixture(int);
};
template <class Fs>
struct OnDisk {
  explicit OnDisk(int);
};
#endif
static_assert(det::conformance::diagnose_store_fixture<Fixture>());
static_assert(det::conformance::diagnose_store_fixture_on_disk<OnDisk<det::simulate::Disk>, det::simulate::Disk>());
