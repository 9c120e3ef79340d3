// SPDX-License-Identifier: BSL-1.0
/// \file
/// Held: what a tenure is made of: a lease, the log under it, and the state that the log tells.
///
/// An internal of the room. Pinned in memory; its end leaves the proof and gives the lease back. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_HELD_HPP
#define KFM_DET_UPDATER_HELD_HPP

#include <optional>
#include <utility>

#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/updater/session.hpp"
#include "kfm_det/wal/replay.hpp"

namespace kfm_det::detail {

template <class LogType, class L, class S, class Env>
struct Held {
  using SessionType = Session<LogType, L, S, Env>;
  Held(L& its_lock, Lease granted) : lock(its_lock), lease(std::move(granted)) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { (void)end(); }

  /// Leaves the proof behind the tail and gives the lease back; both expire by themselves where that fails.
  result<void> end() {
    if (ended) return success();
    ended = true;
    result<void> closed = log ? log->close() : result<void>(success());
    (void)lock.release(session ? session->lease() : lease);
    if (!closed && meaning(closed.error()) == Meaning::tenure_over) return success();   // somebody else goes on; what was answered stays
    return closed;
  }

  L& lock;
  Lease lease;
  wal::Replay replay;
  std::optional<LogType> log;
  std::optional<SessionType> session;
  bool ended = false;
};

}  // namespace kfm_det::detail

#endif
