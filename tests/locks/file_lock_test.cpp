// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

#include "kfm_det/locks/file_lock.hpp"
#include "tests/files/scratch.hpp"
#include "tests/locks/watched.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {

const LockScope scope{"noaa", "2012"}, other_scope{"noaa", "2013"};
using Lock = FileLock<PosixFileSystem, ManualClock>;
using WatchedLock = FileLock<WatchedFileSystem, WatchedClock>;

Lock open(const std::string& root, const std::string& owner, const ManualClock& clock) { return good(Lock::open(root, {.owner = OwnerId{owner}, .clock = clock})); }

struct TwoOwners {
  Scratch scratch{true};
  ManualClock clock;
  std::string root = scratch / "locks";
  std::string folder = root + "/noaa@2012";
  Lock a = open(root, "a", clock), b = open(root, "b", clock);
  [[nodiscard]] std::vector<std::string> files() const { return good(PosixFileSystem{}.list(folder)); }
  [[nodiscard]] std::string lease_file(std::uint64_t ordinal) const { return folder + "/lease-" + name_number(ordinal); }
};

/// One owner whose every call can be watched, and one who is never disturbed.
struct Watched : TwoOwners {
  std::shared_ptr<Watch> watch = std::make_shared<Watch>();
  WatchedLock w = good(WatchedLock::open(root, {.owner = OwnerId{"w"}, .clock = WatchedClock(clock, watch), .file_system = WatchedFileSystem(watch)}));
  /// Lets `what` happen once, before the n-th call from now.
  template <class What>
  void before(int call, What what) {
    *watch = [call, what, count = 0](std::string_view, const std::string&) mutable -> std::optional<Error> {
      if (++count == call) what();
      return std::nullopt;
    };
  }
  int calls_of(const std::function<void()>& body) {
    int calls = 0;
    *watch = [&](std::string_view, const std::string&) -> std::optional<Error> { ++calls; return std::nullopt; };
    body();
    *watch = nullptr;
    return calls;
  }
};

}  // namespace

TEST_CASE("the front door: a folder is all it needs") {
  const Scratch scratch;
  auto lock = good(FileLock<>::open(scratch / "state/locks/"));
  const auto lease = good(lock.try_acquire(scope, seconds(30)));
  REQUIRE(lease);
  CHECK(lease->scope == scope);
  CHECK(lease->owner == lock.owner());
  CHECK(lease->token == FencingToken{1});
  CHECK(good(lock.renew(*lease, seconds(30))).deadline >= lease->deadline);
  good(lock.release(*lease));
  CHECK(FileLock<>::claims.many_processes);
  CHECK(FileLock<>::claims.survives_power_loss);
  CHECK(FileLock<>::claims.detects_death);
}

TEST_CASE("LOCK-1 one owner at a time, per scope, and nobody twice") {
  TwoOwners two;
  REQUIRE(good(two.a.try_acquire(scope, seconds(10))));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  CHECK_FALSE(good(two.a.try_acquire(scope, seconds(10))));
  CHECK(good(two.b.try_acquire(other_scope, seconds(10))));
}

TEST_CASE("LOCK-2 tokens grow, also above a sink's") {
  TwoOwners two;
  const auto take = [&](Lock& lock, FencingToken above = {}) {
    const auto lease = good(lock.try_acquire(scope, seconds(10), above));
    REQUIRE(lease);
    good(lock.release(*lease));
    return lease->token.value;
  };
  CHECK(take(two.a) == 1);
  CHECK(take(two.b) == 2);
  std::uint64_t last = take(two.a, FencingToken{100});
  CHECK(last > 100);
  for (const std::uint64_t above : {0U, 50U, 100U, 101U, 500U, 499U, 501U, 0U}) {
    const std::uint64_t next = take(two.b, FencingToken{above});
    CHECK(next > last);
    CHECK(next > above);
    last = next;
  }
  Lock again = open(two.root, "c", two.clock);  // another process, later
  CHECK(take(again) > last);
  CHECK(bad(two.a.try_acquire(scope, seconds(10), FencingToken{std::numeric_limits<std::uint64_t>::max()})) == errc::limit_exceeded);
  CHECK(good(two.a.try_acquire(other_scope, seconds(10)))->token == FencingToken{1});
}

TEST_CASE("LOCK-2 a busy scope is not skipped for a token above") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10), FencingToken{1000})));
  CHECK(good(two.a.renew(lease, seconds(10))).token == FencingToken{1});
}

TEST_CASE("LOCK-2 a torn, rotten or empty lease file never gives its token again") {
  for (const std::string& content : {std::string("garbage"), std::string(), std::string(2048, '\0'), std::string(5000, 'x')}) {
    TwoOwners two;
    auto lease = *good(two.a.try_acquire(scope, seconds(10), FencingToken{100}));
    good(two.a.release(lease));
    lease = *good(two.a.try_acquire(scope, seconds(10)));
    good(two.a.release(lease));
    std::ofstream(two.lease_file(2), std::ios::trunc) << content;
    const auto next = good(two.b.try_acquire(scope, seconds(10)));
    REQUIRE(next);
    CHECK(next->token > lease.token);
  }
}

TEST_CASE("LOCK-2 a floor that was lost is made up for by what the last grant says") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10), FencingToken{100}));
  good(two.a.release(lease));
  good(PosixFileSystem{}.remove(two.folder + "/floor-" + name_number(100)));
  CHECK(good(two.b.try_acquire(scope, seconds(10)))->token > lease.token);
}

TEST_CASE("LOCK-2 a grant is returned when file, name and folder are synced, in that order") {
  Watched two;
  std::vector<std::string> calls;
  *two.watch = [&](std::string_view call, const std::string& path) -> std::optional<Error> {
    if (call != "clock" && call != "read") calls.push_back(std::string(call) + " " + path.substr(two.root.size()));
    return std::nullopt;
  };
  REQUIRE(good(two.w.try_acquire(scope, seconds(10), FencingToken{7})));
  const auto place = [&](const std::string& call) {
    const auto found = std::find_if(calls.begin(), calls.end(), [&](const std::string& text) { return text.starts_with(call); });
    INFO(call);
    REQUIRE(found != calls.end());
    return found - calls.begin();
  };
  const auto made = place("make_directory /noaa@2012"), named = place("sync_directory "), created = place("create_exclusive /noaa@2012/claim-"), locked = place("lock /noaa@2012/claim-"),
             written = place("write /noaa@2012/claim-"), synced = place("sync /noaa@2012/claim-"), floor = place("create_exclusive /noaa@2012/floor-"),
             renamed = place("rename_no_replace /noaa@2012/lease-00000000000000000001"), durable = place("sync_directory /noaa@2012");
  CHECK(made < named);
  CHECK(named < created);
  CHECK(floor < renamed);
  CHECK(created < locked);
  CHECK(locked < written);
  CHECK(written < synced);
  CHECK(synced < renamed);
  CHECK(renamed < durable);
}

TEST_CASE("LOCK-3 a lease ends at its deadline, whatever its owner does") {
  TwoOwners two;
  const auto lease = good(two.a.try_acquire(scope, seconds(10)));
  two.clock.advance(seconds(10) - nanoseconds(1));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  two.clock.advance(nanoseconds(1));
  const auto next = good(two.b.try_acquire(scope, seconds(10)));
  REQUIRE(next);
  CHECK(next->token > lease->token);
  CHECK(bad(two.a.renew(*lease, seconds(10))) == errc::lease_lost);
}

TEST_CASE("LOCK-3 the end of a FileLock frees its leases at once") {
  TwoOwners two;
  { Lock c = open(two.root, "c", two.clock); REQUIRE(good(c.try_acquire(scope, seconds(10)))); }
  CHECK(good(two.b.try_acquire(scope, seconds(10))));
}

TEST_CASE("LOCK-4 renew moves the deadline for everybody") {
  TwoOwners two;
  auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  for (int i = 1; i <= 5; ++i) {
    two.clock.advance(seconds(9));
    lease = good(two.a.renew(lease, seconds(10)));
    CHECK(lease.deadline == seconds(9 * i + 10));
    CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  }
  lease = good(two.a.renew(lease, seconds(1)));  // a shorter time is a shorter time
  two.clock.advance(seconds(1));
  CHECK(good(two.b.try_acquire(scope, seconds(10))));
  CHECK(bad(two.a.renew(lease, seconds(10))) == errc::lease_lost);
}

TEST_CASE("LOCK-4 an expired lease is not renewed, though nobody took it; and it is free at once") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  two.clock.advance(seconds(10));
  CHECK(bad(two.a.renew(lease, seconds(10))) == errc::lease_lost);
  CHECK(bad(two.a.renew(lease, seconds(10))) == errc::lease_lost);
  CHECK(good(two.b.try_acquire(scope, seconds(10))));
}

TEST_CASE("LOCK-4 who knows that he is too late writes no new deadline, which would keep others waiting") {
  Watched two;
  const auto lease = *good(two.w.try_acquire(scope, seconds(10)));
  two.clock.advance(seconds(10));
  std::vector<std::string> calls;
  *two.watch = [&](std::string_view call, const std::string&) -> std::optional<Error> {
    if (call != "clock") calls.emplace_back(call);
    return std::nullopt;
  };
  CHECK(bad(two.w.renew(lease, seconds(10))) == errc::lease_lost);
  CHECK(calls.empty());
}

TEST_CASE("LOCK-4 time that passes during a renewal counts, wherever it passes") {
  int calls = 0;
  {
    Watched two;
    const auto lease = *good(two.w.try_acquire(scope, seconds(10)));
    calls = two.calls_of([&] { (void)good(two.w.renew(lease, seconds(10))); });
  }
  REQUIRE(calls >= 6);
  for (int i = 1; i <= calls; ++i) {
    Watched two;
    const auto lease = *good(two.w.try_acquire(scope, seconds(10)));
    two.before(i, [&] { two.clock.advance(seconds(10)); });
    const auto renewed = two.w.renew(lease, seconds(10));
    CHECK(bad(renewed) == errc::lease_lost);
    CHECK(good(two.b.try_acquire(scope, seconds(10))));  // and no later deadline of the loser stands in the way
  }
}

TEST_CASE("LOCK-4 LOCK-1 an owner who was stopped anywhere in renew, while somebody else took over, has lost") {
  int calls = 0;
  {
    Watched two;
    const auto lease = *good(two.w.try_acquire(scope, seconds(10)));
    calls = two.calls_of([&] { (void)good(two.w.renew(lease, seconds(10))); });
  }
  for (int i = 1; i <= calls; ++i) {
    Watched two;
    const auto lease = *good(two.w.try_acquire(scope, seconds(10)));
    std::optional<Lease> next;
    two.before(i, [&] {
      two.clock.advance(seconds(10));
      next = good(two.b.try_acquire(scope, seconds(10)));
    });
    const auto renewed = two.w.renew(lease, seconds(10));
    CHECK(bad(renewed) == errc::lease_lost);
    if (next) CHECK(good(two.b.renew(*next, seconds(10))).token == next->token);
    else CHECK(good(two.b.try_acquire(scope, seconds(10))));
  }
}

TEST_CASE("LOCK-4 a lease file that is removed or replaced costs the lease") {
  const PosixFileSystem fs;
  for (const int how : {0, 1, 2, 3}) {
    TwoOwners two;
    const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
    good(fs.remove(two.lease_file(1)));
    if (how == 1) REQUIRE(good(two.b.try_acquire(scope, seconds(10)))->token == lease.token);  // what a removed folder does: hence the sink's floor
    if (how == 2) REQUIRE(::rmdir(two.folder.c_str()) == 0);
    if (how == 3) (void)good(fs.create_exclusive(two.lease_file(1)));
    CHECK(bad(two.a.renew(lease, seconds(10))) == errc::lease_lost);
    good(two.a.release(lease));
    if (how == 1) CHECK_FALSE(good(two.a.try_acquire(scope, seconds(10))));
    else CHECK(good(two.a.try_acquire(scope, seconds(10))));
  }
}

TEST_CASE("LOCK-5 release is idempotent and frees only the owner's own lease") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  good(two.b.release(lease));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  Lease forged = lease;
  forged.owner = two.b.owner();
  good(two.b.release(forged));
  good(two.a.release(forged));
  CHECK(bad(two.b.renew(forged, seconds(10))) == errc::lease_lost);
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  good(two.a.release(lease));
  good(two.a.release(lease));
  CHECK(bad(two.a.renew(lease, seconds(10))) == errc::lease_lost);
  const auto next = *good(two.a.try_acquire(scope, seconds(10)));
  good(two.a.release(lease));  // the earlier one: not what is held now
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  good(two.a.release(next));
  CHECK(good(two.b.try_acquire(scope, seconds(10))));
}

TEST_CASE("LOCK-5 who was overtaken frees nothing") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  two.clock.advance(seconds(10));
  const auto next = *good(two.b.try_acquire(scope, seconds(10)));
  good(two.a.release(lease));
  CHECK_FALSE(good(two.a.try_acquire(scope, seconds(10))));
  CHECK(good(two.b.renew(next, seconds(10))).token == next.token);
}

TEST_CASE("LOCK-6 a lease that ran out and was never renewed is no obstacle to its own owner") {
  TwoOwners two;
  std::uint64_t last = 0;
  const auto open_files = [] { return good(PosixFileSystem{}.list("/proc/self/fd")).size(); };
  const std::size_t before = open_files();
  for (int i = 0; i < 5; ++i) {
    const auto lease = good(two.a.try_acquire(scope, seconds(10)));
    REQUIRE(lease);
    CHECK(open_files() == before + 1);  // the last one's
    CHECK(lease->token.value > last);
    last = lease->token.value;
    two.clock.advance(seconds(10));
  }
  good(two.a.release({scope, FencingToken{last}, two.a.owner(), {}}));
}

TEST_CASE("LOCK-6 a claim that a tidy owner swept away before it was locked is made again") {
  for (const std::string& call : {std::string("lock"), std::string("write"), std::string("sync"), std::string("rename_no_replace")}) {
    Watched two;
    bool swept = false;
    *two.watch = [&](std::string_view name, const std::string&) -> std::optional<Error> {
      if (name == call && !swept) {
        for (const std::string& file : two.files())
          if (file.starts_with("claim-")) { good(PosixFileSystem{}.remove(two.folder + "/" + file)); swept = true; }
      }
      return std::nullopt;
    };
    CHECK(good(two.w.try_acquire(scope, seconds(10))));
    CHECK(swept);
  }
}

TEST_CASE("LOCK-7 a deadline counts from before the request, whenever time passes in it") {
  int calls = 100;
  for (int i = 2; i <= calls; ++i) {
    Watched two;
    calls = two.calls_of([&] { good(two.w.release(*good(two.w.try_acquire(scope, seconds(10))))); });
    const Duration start = two.clock.monotonic();
    two.before(i, [&] { two.clock.advance(seconds(3)); });
    CHECK(good(two.w.try_acquire(scope, seconds(10)))->deadline == start + seconds(10));
  }
  calls = 100;
  for (int i = 2; i <= calls; ++i) {
    Watched two;
    const auto lease = *good(two.w.try_acquire(scope, seconds(10)));
    calls = two.calls_of([&] { (void)good(two.w.renew(lease, seconds(10))); });
    two.before(i, [&] { two.clock.advance(seconds(3)); });
    CHECK(good(two.w.renew(lease, seconds(20))).deadline == seconds(20));
  }
}

TEST_CASE("LOCK-7 the wall clock decides nothing") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  two.clock.step_wall(Instant{} + seconds(1'000'000'000));
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  CHECK(good(two.a.renew(lease, seconds(10))).deadline == seconds(10));
}

TEST_CASE("a stale claimant, who slept through tenures anywhere in try_acquire, is never granted beside the holder") {
  int calls = 0;
  {
    Watched two;
    calls = two.calls_of([&] { (void)good(two.w.try_acquire(scope, seconds(10))); });
  }
  REQUIRE(calls >= 12);
  for (const std::uint64_t above : {0U, 1000U})
    for (int tenures = 1; tenures <= 4; ++tenures)
      for (int i = 1; i <= calls; ++i) {
        Watched two;
        const auto first = *good(two.a.try_acquire(scope, seconds(10)));
        good(two.a.release(first));
        std::optional<Lease> holder;
        std::set<FencingToken> tokens{first.token};
        two.before(i, [&] {
          for (int tenure = 1; tenure <= tenures; ++tenure) {
            const auto lease = good(two.b.try_acquire(scope, seconds(10), FencingToken{tenure == 2 ? above : 0}));
            if (!lease) break;  // the watched one was faster
            REQUIRE(tokens.insert(lease->token).second);
            REQUIRE(lease->token == *tokens.rbegin());
            if (tenure == tenures) holder = lease;
            else good(two.b.release(*lease));
          }
        });
        const auto lease = good(two.w.try_acquire(scope, seconds(10)));
        INFO("call " << i << ", tenures " << tenures);
        REQUIRE(lease.has_value() != holder.has_value());
        if (lease) { REQUIRE(tokens.insert(lease->token).second); REQUIRE(lease->token == *tokens.rbegin()); }
        if (holder) REQUIRE(good(two.b.renew(*holder, seconds(10))).token == holder->token);
        if (lease) { *two.watch = nullptr; REQUIRE(good(two.w.renew(*lease, seconds(10))).token == lease->token); }
      }
}

TEST_CASE("another epoch: the kernel lock alone decides") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  ManualClock booted(Instant{0}, "another boot");
  booted.advance(seconds(1'000'000));
  {
    Lock c = open(two.root, "c", booted);
    CHECK_FALSE(good(c.try_acquire(scope, seconds(10))));  // alive, and its deadline cannot be compared
    CHECK(good(c.holder(scope))->sentence() == "a holds it until its process ends, with token 1");
    { const Lock gone = std::move(two.a); }
    CHECK_FALSE(good(c.holder(scope)));
    const auto next = good(c.try_acquire(scope, seconds(10)));
    REQUIRE(next);
    CHECK(next->token > lease.token);
  }
}

TEST_CASE("a reboot under an owner's feet costs his lease, though its deadline reads as far in the future") {
  TwoOwners two;
  two.clock.advance(seconds(1'000'000));
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  two.clock.reboot("another boot");
  CHECK(bad(two.a.renew(lease, seconds(10))) == errc::lease_lost);
  CHECK(good(two.b.try_acquire(scope, seconds(10))));
}

TEST_CASE("holder says who and for how long, and nothing of who is gone") {
  TwoOwners two;
  CHECK_FALSE(good(two.b.holder(scope)));
  const auto lease = *good(two.a.try_acquire(scope, seconds(10), FencingToken{41}));
  two.clock.advance(milliseconds(2'950));
  CHECK(good(two.b.holder(scope))->sentence() == "a holds it for another 7.050 s, with token 42");
  std::ofstream(two.lease_file(1), std::ios::in) << std::string(2048, 'x');
  CHECK(good(two.b.holder(scope))->sentence() == "an owner whose record cannot be read holds it until its process ends, with token 42");
  good(two.a.release(lease));
  CHECK_FALSE(good(two.b.holder(scope)));
}

TEST_CASE("the folder stays small, and what killed owners left goes") {
  TwoOwners two;
  REQUIRE(good(two.a.try_acquire(other_scope, seconds(10))));
  good(PosixFileSystem{}.make_directory(two.folder));
  for (int i = 0; i < 10; ++i) (void)good(PosixFileSystem{}.create_exclusive(two.folder + "/claim-dead-" + std::to_string(i)));
  for (int i = 0; i < 50; ++i) good(two.a.release(*good(two.a.try_acquire(scope, seconds(10), FencingToken{i % 10 == 0 ? static_cast<std::uint64_t>(i * 100) : 0}))));
  const auto files = two.files();
  CHECK(files.size() == 3);  // two leases, one floor
  CHECK(std::count_if(files.begin(), files.end(), [](const std::string& name) { return name.starts_with("lease-"); }) == 2);
  CHECK(files.back() == "lease-" + name_number(50));
}

TEST_CASE("an owner of one's own naming gets past the claims that his killed predecessor left") {
  TwoOwners two;
  std::string claim;
  {
    Watched watched;
    *watched.watch = [&](std::string_view call, const std::string& path) -> std::optional<Error> {
      if (call == "create_exclusive") claim = path.substr(path.rfind('/') + 1);
      return std::nullopt;
    };
    auto twin = good(WatchedLock::open(watched.root, {.owner = OwnerId{"a"}, .clock = WatchedClock(watched.clock, watched.watch), .file_system = WatchedFileSystem(watched.watch)}));
    (void)good(twin.try_acquire(scope, seconds(10)));
  }
  REQUIRE(claim.starts_with("claim-"));
  good(PosixFileSystem{}.make_directory(two.folder));
  (void)good(PosixFileSystem{}.create_exclusive(two.folder + "/" + claim));
  CHECK(good(two.a.try_acquire(scope, seconds(10))));
}

TEST_CASE("every failure of the disk is an error or harmless, and blocks nobody afterwards") {
  for (const errc code : {errc::io_error, errc::no_space, errc::permission_denied, errc::unavailable}) {
    int calls = 0;
    {
      Watched two;
      calls = two.calls_of([&] {
        const auto lease = *good(two.w.try_acquire(scope, seconds(10), FencingToken{7}));
        good(two.w.release(good(two.w.renew(lease, seconds(10)))));
      });
    }
    int errors = 0;
    for (int i = 1; i <= calls; ++i) {
      Watched two;
      *two.watch = [&, count = 0](std::string_view call, const std::string& path) mutable -> std::optional<Error> {
        if (++count == i && call != "clock") return Error(code, "injected", path, "none");
        return std::nullopt;
      };
      std::uint64_t token = 7;
      INFO("call " << i << " of " << calls);
      {
        const auto lease = two.w.try_acquire(scope, seconds(10), FencingToken{7});
        if (!lease) {
          ++errors;
          REQUIRE(lease.error().code() == code);
        } else {
          REQUIRE(lease.value());  // an error is not "busy"
          token = lease.value()->token.value;
          const auto renewed = two.w.renew(*lease.value(), seconds(10));
          if (!renewed) {
            ++errors;
            REQUIRE(renewed.error().code() == code);
            REQUIRE_FALSE(good(two.b.try_acquire(scope, seconds(10))));           // the lease is as it was
            REQUIRE(good(two.w.renew(*lease.value(), seconds(10))).token.value == token);  // and can be renewed
          }
          if (const auto released = two.w.release(*lease.value()); !released) ++errors;
        }
      }
      const auto next = good(two.b.try_acquire(scope, seconds(10)));
      REQUIRE(next);
      REQUIRE(next->token.value > token - (token == 7 ? 7 : 0));
      for (const std::string& file : two.files()) REQUIRE_FALSE(file.starts_with("claim-"));
    }
    CHECK(errors > calls / 3);
  }
}

TEST_CASE("a full disk is an error with a remedy, not busy") {
  Watched two;
  *two.watch = [&](std::string_view call, const std::string& path) -> std::optional<Error> {
    if (call == "write") return posix_error(ENOSPC, "pwrite", path);
    return std::nullopt;
  };
  const auto answer = two.w.try_acquire(scope, seconds(10));
  CHECK(bad(answer) == errc::no_space);
  CHECK(answer.error().message().find("Free space") != std::string::npos);
  CHECK(two.files().empty());
}

TEST_CASE("a folder that may not be written is an error with a remedy, not busy") {
  TwoOwners two;
  good(two.a.release(*good(two.a.try_acquire(scope, seconds(10)))));
  REQUIRE(::chmod(two.scratch.path().c_str(), 0755) == 0);
  REQUIRE(::chmod(two.folder.c_str(), 0555) == 0);
  Child child([&] {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return 2;
    auto lock = Lock::open(two.root, {.owner = OwnerId{"nobody"}, .clock = two.clock});
    if (!lock) return 3;
    const auto answer = lock.value().try_acquire(scope, seconds(10));
    if (answer || answer.error().code() != errc::permission_denied || answer.error().remedy().empty()) return 4;
    const auto elsewhere = Lock::open("/proc/kfm", {.owner = OwnerId{"nobody"}, .clock = two.clock});
    return elsewhere ? 5 : 0;
  });
  CHECK(child.wait() == 0);
}

TEST_CASE("a file system without kernel locks is said to be one") {
  Watched two;
  *two.watch = [&](std::string_view call, const std::string& path) -> std::optional<Error> {
    if (call == "lock") return posix_error(EOPNOTSUPP, "fcntl(F_OFD_SETLK)", path);
    return std::nullopt;
  };
  CHECK(bad(two.w.try_acquire(scope, seconds(10))) == errc::unsupported);
}

TEST_CASE("what cannot be meant is refused") {
  TwoOwners two;
  CHECK(bad(two.a.try_acquire(scope, Duration{0})) == errc::invalid_argument);
  const auto lease = *good(two.a.try_acquire(scope, Duration{std::numeric_limits<std::int64_t>::max()}));
  CHECK(lease.deadline == Duration{std::numeric_limits<std::int64_t>::max()});
  CHECK(bad(two.a.renew(lease, Duration{-1})) == errc::invalid_argument);
  CHECK(bad(Lock::open("", {})) == errc::invalid_argument);
  CHECK(bad(Lock::open(two.root, {.owner = OwnerId{std::string(1000, 'x')}})) == errc::limit_exceeded);
  CHECK_FALSE(Lock::open(two.root, {.owner = OwnerId{"\xFF"}}).has_value());
  std::ofstream(two.scratch / "file") << "x";
  CHECK(bad(Lock::open(two.scratch / "file", {})) == errc::conflict);
}

TEST_CASE("scopes with odd names have folders of their own") {
  TwoOwners two;
  const std::vector<LockScope> odd{{"a", "b/c"}, {"a/b", "c"}, {"", ""}, {"..", ""}, {std::string(300, 'x'), "1"}, {std::string(300, 'x'), "2"}};
  for (const LockScope& each : odd) CHECK(good(two.a.try_acquire(each, seconds(10))));
  for (const LockScope& each : odd) CHECK_FALSE(good(two.b.try_acquire(each, seconds(10))));
}

TEST_CASE("a FileLock may be moved with its leases") {
  TwoOwners two;
  const auto lease = *good(two.a.try_acquire(scope, seconds(10)));
  Lock moved = std::move(two.a);
  CHECK(good(moved.renew(lease, seconds(10))).token == lease.token);
  CHECK_FALSE(good(two.b.try_acquire(scope, seconds(10))));
  good(moved.release(lease));
  CHECK(good(two.b.try_acquire(scope, seconds(10))));
}

TEST_CASE("LOCK-1 LOCK-2 LOCK-6 many threads, one lock each or one for all: one holder at a time, tokens in the order of the grants") {
  for (const bool shared : {false, true}) {
    const Scratch scratch(true);
    const ManualClock clock;
    constexpr int threads_count = 4, grants_wanted = 200;
    Lock common = open(scratch / "locks", "common", clock);
    std::vector<Lock> locks;
    for (int i = 0; i < threads_count; ++i) locks.push_back(open(scratch / "locks", std::to_string(i), clock));
    std::atomic<int> holders{0}, wrong{0}, grants{0};
    std::atomic<std::uint64_t> last{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < threads_count; ++i)
      threads.emplace_back([&, i] {
        Lock& lock = shared ? common : locks[static_cast<std::size_t>(i)];
        while (grants < grants_wanted) {
          auto lease = lock.try_acquire(scope, seconds(10), FencingToken{grants % 50 == 49 ? last + 10 : 0});
          if (!lease) { ++wrong; break; }
          if (!lease.value()) { std::this_thread::yield(); continue; }
          if (++holders != 1 || lease.value()->token.value <= last) ++wrong;
          last = lease.value()->token.value;
          auto renewed = lock.renew(*lease.value(), seconds(20));
          if (!renewed || renewed.value().token.value != last) ++wrong;
          --holders;
          ++grants;
          if (!lock.release(*lease.value())) ++wrong;
        }
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(grants >= grants_wanted);
    CHECK(good(common.try_acquire(scope, seconds(10))));  // all of them let go
  }
}
