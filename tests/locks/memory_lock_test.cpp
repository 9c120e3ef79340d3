// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

#include "kfm_det/locks/memory_lock.hpp"
#include "tests/files/scratch.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {

const LockScope scope{"noaa", "2012"}, other_scope{"noaa", "2013"};

struct TwoOwners {
  ManualClock clock;
  std::shared_ptr<MemoryLockBoard> board = MemoryLock<>::make_board();
  MemoryLock<ManualClock> a{board, OwnerId{"a"}, clock};
  MemoryLock<ManualClock> b{board, OwnerId{"b"}, clock};
};

}  // namespace

TEST_CASE("a MemoryLock without arguments is good for a test of one owner") {
  MemoryLock lock;
  const auto lease = good(lock.try_acquire(scope, seconds(10)));
  REQUIRE(lease);
  CHECK(lease->token == FencingToken{1});
  CHECK(lease->owner == lock.owner());
  good(lock.release(*lease));
}

TEST_CASE("MemoryLock: LOCK-1 one owner at a time, per scope, and nobody twice") {
  TwoOwners two;
  REQUIRE(good(two.a.try_acquire(scope, seconds(10))));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  CHECK_FALSE(good(two.a.try_acquire(scope, seconds(10))));
  CHECK(good(two.b.try_acquire(other_scope, seconds(10))));
}

TEST_CASE("MemoryLock: LOCK-2 tokens grow, also above a sink's") {
  TwoOwners two;
  auto lease = good(two.a.try_acquire(scope, seconds(10)));
  CHECK(lease->token == FencingToken{1});
  good(two.a.release(*lease));
  lease = good(two.b.try_acquire(scope, seconds(10), FencingToken{41}));
  CHECK(lease->token == FencingToken{42});
  good(two.b.release(*lease));
  lease = good(two.a.try_acquire(scope, seconds(10), FencingToken{7}));
  CHECK(lease->token == FencingToken{43});
  CHECK(bad(two.a.try_acquire(other_scope, seconds(10), FencingToken{std::numeric_limits<std::uint64_t>::max()})) == errc::limit_exceeded);
  CHECK(good(two.a.try_acquire(other_scope, seconds(10)))->token == FencingToken{1});
}

TEST_CASE("MemoryLock: LOCK-3 a lease ends at its deadline") {
  TwoOwners two;
  const auto lease = good(two.a.try_acquire(scope, seconds(10)));
  two.clock.advance(seconds(10) - nanoseconds(1));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  two.clock.advance(nanoseconds(1));
  CHECK(good(two.b.try_acquire(scope, seconds(10))));
}

TEST_CASE("MemoryLock: LOCK-4 renew moves the deadline, and finds out that it is too late") {
  TwoOwners two;
  auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  two.clock.advance(seconds(9));
  lease = good(two.a.renew(lease, seconds(10)));
  CHECK(lease.deadline == seconds(19));
  CHECK(lease.token == FencingToken{1});
  two.clock.advance(seconds(9));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  CHECK(bad(two.b.renew(lease, seconds(10))) == errc::lease_lost);  // not his
  two.clock.advance(seconds(1));
  CHECK(bad(two.a.renew(lease, seconds(10))) == errc::lease_lost);
  const auto next = *good(two.b.try_acquire(scope, seconds(10)));
  CHECK(bad(two.a.renew(lease, seconds(10))) == errc::lease_lost);
  CHECK(good(two.b.renew(next, seconds(5))).deadline == seconds(24));
}

TEST_CASE("MemoryLock: LOCK-5 release is idempotent and frees only the owner's own lease") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  good(two.b.release(lease));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  good(two.a.release(lease));
  good(two.a.release(lease));
  const auto next = *good(two.a.try_acquire(scope, seconds(10)));
  good(two.a.release(lease));  // the earlier one: not what is held now
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  good(two.a.release(next));
  CHECK(good(two.b.try_acquire(scope, seconds(10))));
}

TEST_CASE("MemoryLock: LOCK-7 the wall clock decides nothing") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  two.clock.step_wall(Instant{} + seconds(1'000'000));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  CHECK(good(two.a.renew(lease, seconds(10))).deadline == seconds(10));
}

TEST_CASE("MemoryLock: a lease needs a time to live, and a very long one does not overflow") {
  TwoOwners two;
  CHECK(bad(two.a.try_acquire(scope, Duration{0})) == errc::invalid_argument);
  two.clock.advance(seconds(10));
  const auto lease = *good(two.a.try_acquire(scope, Duration{std::numeric_limits<std::int64_t>::max()}));
  CHECK(lease.deadline == Duration{std::numeric_limits<std::int64_t>::max()});
  CHECK(bad(two.a.renew(lease, Duration{-1})) == errc::invalid_argument);
}

TEST_CASE("MemoryLock: holder says who and for how long") {
  TwoOwners two;
  CHECK_FALSE(good(two.b.holder(scope)));
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  two.clock.advance(milliseconds(2'950));
  CHECK(good(two.b.holder(scope))->sentence() == "a holds it for another 7.050 s, with token 1");
  two.clock.advance(seconds(8));
  CHECK_FALSE(good(two.b.holder(scope)));
}

TEST_CASE("MemoryLock: LOCK-1 LOCK-2 many threads: one holder at a time, tokens in the order of the grants") {
  const ManualClock clock;
  const auto board = MemoryLock<>::make_board();
  std::atomic<int> holders{0}, wrong{0}, grants{0};
  std::uint64_t last = 0;  // written by the holder only
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      MemoryLock lock(board, OwnerId{std::to_string(i)}, clock);
      while (grants < 2000) {
        auto lease = lock.try_acquire(scope, seconds(10)).value();
        if (!lease) { std::this_thread::yield(); continue; }
        if (++holders != 1 || lease->token.value <= last) ++wrong;
        last = lease->token.value;
        if (!lock.renew(*lease, seconds(20))) ++wrong;
        --holders;
        ++grants;
        if (!lock.release(*lease)) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(last == static_cast<std::uint64_t>(grants.load()));
}
