// SPDX-License-Identifier: BSL-1.0
// What check_lock says of locks that are right and of locks that are not. Every kind of broken lock has its mutant: conformance/mutants/locks.py.
#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "kfm_det/conformance/check_lock.hpp"
#include "kfm_det/conformance/owners_on_disk.hpp"
#include "kfm_det/locks/file_lock.hpp"
#include "kfm_det/locks/memory_lock.hpp"
#include "kfm_det/simulate/disk.hpp"
#include "tests/conformance/brought_back.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;

namespace {

Options quick() {
  Options options;
  options.states_max = 600;
  options.cases = 60;
  return options;
}

struct MemoryFixture {
  using Lock = MemoryLock<ManualClock>;
  result<Lock> connect(const OwnerId& owner, const ManualClock& clock) { return Lock(board, owner, clock); }
  std::shared_ptr<MemoryLockBoard> board = Lock::make_board();   // without wipe(): each trial has a new fixture
};

struct DiskFixture : OwnersOnDisk {
  using Lock = FileLock<simulate::Disk, ManualClock>;
  result<Lock> connect(const OwnerId& owner, ManualClock& clock) { return Lock::open("locks", {.owner = owner, .clock = clock, .file_system = process_of(owner)}); }
};

/// MemoryLock, but release() asks nobody whose lease it is.
struct FreesAll {
  using Inner = MemoryLock<ManualClock>;
  static constexpr LockClaims claims{};
  Inner inner;
  std::shared_ptr<MemoryLockBoard> board;
  result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {}) { return inner.try_acquire(scope, ttl, above); }
  result<Lease> renew(const Lease& lease, Duration ttl) { return inner.renew(lease, ttl); }
  result<void> release(const Lease& lease) {
    board->scopes[lease.scope].lease.reset();
    return success();
  }
};
struct FreesAllFixture {
  result<FreesAll> connect(const OwnerId& owner, ManualClock clock) { return FreesAll{FreesAll::Inner(board, owner, std::move(clock)), board}; }
  void wipe() { board = FreesAll::Inner::make_board(); }
  std::shared_ptr<MemoryLockBoard> board;
};

/// Waits for the holder, on the clock.
struct Waits : FreesAll {
  ManualClock clock;
  result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {}) {
    const Duration end = clock.monotonic() + ttl;
    for (;;) {
      auto answer = inner.try_acquire(scope, ttl, above);
      if (!answer || answer.value() || clock.monotonic() >= end) return answer;
    }
  }
};
struct WaitsFixture {
  result<Waits> connect(const OwnerId& owner, ManualClock clock) { return Waits{{FreesAll::Inner(board, owner, clock), board}, clock}; }
  void wipe() { board = FreesAll::Inner::make_board(); }
  std::shared_ptr<MemoryLockBoard> board;
};

/// Throws where the lease is not the last one of its scope: in a thread of the scheduler, too.
struct ThrowingLock : MemoryLock<ManualClock> {
  explicit ThrowingLock(MemoryLock<ManualClock> lock) : MemoryLock<ManualClock>(std::move(lock)) {}
  [[nodiscard]] result<Lease> renew(const Lease& lease, Duration ttl) {
    auto out = MemoryLock<ManualClock>::renew(lease, ttl);
    if (!out) throw std::logic_error("renew: not the owner");
    return out;
  }
};
struct ClientOfALock {
  result<ThrowingLock> connect(const OwnerId& owner, const ManualClock& clock) { return ThrowingLock(MemoryLock<ManualClock>(board, owner, clock)); }
  void wipe() { board = ThrowingLock::make_board(); }
  std::shared_ptr<MemoryLockBoard> board;
};
/// Tokens that fall.
struct Falls {
  static constexpr LockClaims claims{};
  MemoryLock<ManualClock> inner;
  static Lease turned(Lease lease) {
    lease.token.value = 1000 - lease.token.value;
    return lease;
  }
  result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken = {}) {
    KFM_DET_TRY(auto lease, inner.try_acquire(scope, ttl));
    return lease ? std::optional(turned(*lease)) : std::nullopt;
  }
  result<Lease> renew(const Lease& lease, Duration ttl) {
    KFM_DET_TRY(auto renewed, inner.renew(turned(lease), ttl));
    return turned(renewed);
  }
  result<void> release(const Lease& lease) { return inner.release(turned(lease)); }
};
struct FallsFixture {
  result<Falls> connect(const OwnerId& owner, ManualClock clock) { return Falls{MemoryLock<ManualClock>(board, owner, std::move(clock))}; }
  std::shared_ptr<MemoryLockBoard> board = MemoryLock<ManualClock>::make_board();
};
struct SlowFixture : MemoryFixture {
  static constexpr bool is_slow = true;
};

}  // namespace

TEST_CASE("check_lock passes MemoryLock, and says that it looked at whole calls only") {
  const Report report = check_lock<MemoryFixture>(quick());
  INFO(report.to_text());
  CHECK(report.passed());
  CHECK(report.laws.size() == 8);
  CHECK(report.states > 1000);
  bool said = false;
  for (const std::string& bound : report.bounds) said = said || bound.find("at call boundaries only") != std::string::npos;
  CHECK(said);
  for (const char* one : {"granted", "busy", "lost", "granted, behind an owner who did not release", "a write is taken", "a stale write is refused", "the wall clock is set", "a clock stands still"}) {
    INFO(one);
    CHECK(report.reached.contains(one));
  }
  const Report again = check_lock<MemoryFixture>(quick());
  CHECK(again.to_json() == report.to_json());
}

TEST_CASE("check_lock passes FileLock on a simulated disk") {
  Options options = quick();
  options.states_max = 200;
  options.cases = 30;
  const Report report = check_lock<DiskFixture>(options);
  INFO(report.to_text());
  CHECK(report.passed());
  CHECK(report.laws.size() == 8);
  for (const char* one : {"a call of the disk fails", "try_acquire() answers an error", "an owner is stopped within a call", "an owner dies", "the power goes"}) {
    INFO(one);
    CHECK(report.reached.contains(one));
  }
}

TEST_CASE("a stale write is seen where it shows") {
  Options options;
  options.reproduce = "kfm_det/1 check_lock part=short-schedules-in-time choices=0.1.3.0.5.0.1";
  const Report report = check_lock<FallsFixture>(options);
  REQUIRE(report.violations.size() == 1);
  INFO(report.to_text());
  CHECK(report.violations[0].law == "LOCK-2");
  CHECK(report.violations[0].sentence.starts_with("a stale write shows"));
}

TEST_CASE("what is played of a slow lock is cut by what its fixture says, not by a clock") {
  const Report report = check_lock<SlowFixture>(quick());
  CHECK(report.passed());
  bool said = false, cut = false;
  for (const std::string& bound : report.bounds) {
    said = said || bound.starts_with("the fixture says that it is slow");
    cut = cut || bound.starts_with("schedules: the first 500 and 60 drawn");
  }
  CHECK(said);
  CHECK(cut);
}

TEST_CASE("a lock that is broken is rejected by its law, with a short script that its line brings back") {
  const Report report = check_lock<FreesAllFixture>(quick());
  REQUIRE(!report.violations.empty());
  const Violation& found = report.violations[0];
  CHECK(found.law == "LOCK-5");
  CHECK(found.operations <= 4);
  CHECK(found.usual_cause == "DEL without an owner check");
  testing::brought_back(check_lock<FreesAllFixture>, found, quick());
}

TEST_CASE("a lock that waits is told so, and does not hang the check") {
  const Report report = check_lock<WaitsFixture>(quick());
  REQUIRE(report.violations.size() == 1);
  CHECK(report.violations[0].law == "LOCK-6");
}

TEST_CASE("VERB-1 an exception out of a lock is told, and its line brings it back") { testing::threw(check_lock<ClientOfALock>, "renew: not the owner", quick()); }
