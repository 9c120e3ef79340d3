// SPDX-License-Identifier: BSL-1.0
/// \file
/// Wire: what lies between a caller and a backend that is somewhere else, and loses things. An operation may be executed and yet be reported as
/// errc::timed_out; it may never arrive; it may arrive when its caller has long gone on. Whoever gets a timeout must find out what has happened.
///
/// A wire knows nothing of contracts: `wire.call<Lsn>([stream, lsn, group] { return stream->append(lsn, views_of(group)); })` carries any of their verbs. Take
/// what the operation needs by value: it may run later. AmbiguousLock is a Lock at the end of a wire.
/// Thread-safety: one thread.
#ifndef KFM_DET_SIMULATE_AMBIGUOUS_HPP
#define KFM_DET_SIMULATE_AMBIGUOUS_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kfm_det/contracts/lock.hpp"

namespace kfm_det::simulate {

class Wire {
 public:
  enum class Loss : std::uint8_t { none, answer, request, late };   ///< late: the caller is told of a timeout, and the request arrives with deliver()
  static constexpr std::uint32_t losses = 4;

  /// Asked at each call.
  explicit Wire(std::function<Loss()> decide) : decide_(std::move(decide)) {}

  template <class T, class Operation>
  [[nodiscard]] result<T> call(Operation operation) {
    switch (decide_ ? decide_() : Loss::none) {
      case Loss::none: return operation();
      case Loss::answer: (void)operation(); break;
      case Loss::request: break;
      case Loss::late: late_.push_back([operation = std::move(operation)]() mutable { (void)operation(); }); break;
    }
    return Error(errc::timed_out, "the answer did not come in time", "simulated wire", "Find out whether it happened.");
  }
  /// What is under way arrives, the oldest first. How many.
  std::size_t deliver() {
    const auto arrived = std::exchange(late_, {});
    for (const auto& operation : arrived) operation();
    return arrived.size();
  }
  [[nodiscard]] std::size_t under_way() const noexcept { return late_.size(); }

 private:
  std::function<Loss()> decide_;
  std::vector<std::function<void()>> late_;
};

/// L's verbs over a wire. The lock lives as long as anything is under way to it.
template <class L>
class AmbiguousLock {
 public:
  AmbiguousLock(std::shared_ptr<L> lock, std::shared_ptr<Wire> wire) : lock_(std::move(lock)), wire_(std::move(wire)) {}
  [[nodiscard]] result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {}) {
    return wire_->call<std::optional<Lease>>([lock = lock_, scope, ttl, above] { return lock->try_acquire(scope, ttl, above); });
  }
  [[nodiscard]] result<Lease> renew(const Lease& lease, Duration ttl) {
    return wire_->call<Lease>([lock = lock_, lease, ttl] { return lock->renew(lease, ttl); });
  }
  [[nodiscard]] result<void> release(const Lease& lease) {
    return wire_->call<void>([lock = lock_, lease] { return lock->release(lease); });
  }

 private:
  std::shared_ptr<L> lock_;
  std::shared_ptr<Wire> wire_;
};

}  // namespace kfm_det::simulate

#endif
