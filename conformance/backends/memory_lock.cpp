// SPDX-License-Identifier: BSL-1.0
// MemoryLock under the kit: what a backend author writes.
#include "kfm_det/locks/memory_lock.hpp"

#include "kfm_det/conformance/check_lock.hpp"

namespace det = kfm_det;

namespace {

struct MemoryLockFixture {
  using Lock = det::MemoryLock<det::ManualClock>;
  det::result<Lock> connect(const det::OwnerId& owner, const det::ManualClock& clock) { return Lock(board, owner, clock); }
  void wipe() { board = Lock::make_board(); }
  std::shared_ptr<det::MemoryLockBoard> board;
};
KFM_DET_CONFORMANCE_LOCK(MemoryLockFixture)

}  // namespace
