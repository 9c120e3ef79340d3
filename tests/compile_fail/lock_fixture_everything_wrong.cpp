// SPDX-License-Identifier: BSL-1.0
/// \file
/// A fixture of check_lock in which all is wrong is told everything, at once.
// expect: kfm_det lock fixture: must be default constructible; the kit makes it
// expect: kfm_det lock fixture: what connect() gives is no LockPolicy; diagnose_lock<Lock>() says why
// expect: kfm_det lock fixture: `claims` must be a `static constexpr LockClaims`
// expect: kfm_det lock fixture: wipe() takes no argument
// expect: kfm_det lock fixture: crash() takes no argument, or a `simulate::Fates&`
// expect: kfm_det lock fixture: kill() takes a `const OwnerId&`
// expect: kfm_det lock fixture: on_call() takes a `std::function<void()>`
// expect: kfm_det lock fixture: file_system() gives the `simulate::Disk` that the lock's files are on
#include "kfm_det/conformance/check_lock.hpp"
#include "kfm_det/locks/memory_lock.hpp"

namespace det = kfm_det;

#ifdef KFM_DET_GOOD
struct Fixture {
  using Lock = det::MemoryLock<det::ManualClock>;
  static constexpr det::LockClaims claims{};
  det::result<Lock> connect(const det::OwnerId& owner, const det::ManualClock& clock);
  void wipe();
  void crash();
  void kill(const det::OwnerId& owner);
  void on_call(std::function<void()> hook);
  det::simulate::Disk file_system();
};
#else
struct Fixture {
  explicit Fixture(int);
  static constexpr int claims = 1;
  det::result<int> connect(const det::OwnerId& owner, const det::ManualClock& clock);
  void wipe(int);
  void crash(int);
  void kill(int, int);
  void on_call(int, int);
  int file_system();
};
#endif
static_assert(det::conformance::diagnose_lock_fixture<Fixture>());
