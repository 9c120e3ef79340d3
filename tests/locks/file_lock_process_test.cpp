// SPDX-License-Identifier: BSL-1.0
// Real processes: killed, stopped, forked, replaced by exec, many at once. Nothing here depends on how fast they are.
#include <catch2/catch.hpp>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "kfm_det/locks/file_lock.hpp"
#include "tests/files/scratch.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

namespace {

const LockScope scope{"noaa", "2012"};
using Manual = FileLock<PosixFileSystem, ManualClock>;

/// A child's own; null when something is wrong.
template <class Lock>
std::optional<Lease> take(Lock& lock, Duration ttl) {
  auto lease = lock.try_acquire(scope, ttl);
  return lease ? lease.value() : std::nullopt;
}

}  // namespace

TEST_CASE("LOCK-3 a killed process frees its scope at once, and its name was known") {
  const Scratch scratch;
  const Pipe ready;
  Child child([&] {
    auto lock = FileLock<>::open(scratch.path());
    if (!lock || !take(lock.value(), seconds(3600))) return 1;
    ready.write('r');
    for (;;) ::pause();
  });
  REQUIRE(ready.read() == 'r');
  auto lock = good(FileLock<>::open(scratch.path()));
  CHECK_FALSE(good(lock.try_acquire(scope, seconds(30))));
  const std::string sentence = good(lock.holder(scope))->sentence();
  INFO(sentence);
  CHECK(sentence.find("/" + std::to_string(child.pid()) + "/") != std::string::npos);
  CHECK(sentence.find("holds it for another 3") != std::string::npos);
  CHECK(child.kill() == 1000 + SIGKILL);
  CHECK_FALSE(good(lock.holder(scope)));
  const auto lease = good(lock.try_acquire(scope, seconds(30)));
  REQUIRE(lease);
  CHECK(lease->token == FencingToken{2});
}

TEST_CASE("LOCK-3 LOCK-4 a stopped process loses its scope at the deadline, and finds out when it goes on") {
  const Scratch scratch;
  const ManualClock clock;
  const Pipe ready, go;
  Child child([&] {  // its clock stands still: it has no way to know but the files
    auto lock = Manual::open(scratch.path(), {.owner = OwnerId{"child"}, .clock = clock});
    const auto lease = take(lock.value(), seconds(10));
    if (!lease) return 1;
    ready.write('r');
    if (go.read() != 'g') return 2;
    const auto renewed = lock.value().renew(*lease, seconds(10));
    if (renewed || renewed.error().code() != errc::lease_lost) return 3;
    if (!lock.value().release(*lease)) return 4;
    return take(lock.value(), seconds(10)) ? 5 : 0;
  });
  REQUIRE(ready.read() == 'r');
  child.stop();
  auto lock = good(Manual::open(scratch.path(), {.owner = OwnerId{"parent"}, .clock = clock}));
  clock.advance(seconds(10) - nanoseconds(1));
  CHECK_FALSE(good(lock.try_acquire(scope, seconds(10))));
  clock.advance(nanoseconds(1));
  const auto lease = good(lock.try_acquire(scope, seconds(10)));
  REQUIRE(lease);
  child.go_on();
  go.write('g');
  CHECK(child.wait() == 0);
  CHECK(good(lock.renew(*lease, seconds(10))).token == lease->token);
}

TEST_CASE("a process that is stopped while it acquires blocks nobody") {
  // Killed or stopped between its claim and its lease's name, it leaves a locked claim behind: that is in nobody's way.
  const Scratch scratch;
  const ManualClock clock;
  auto lock = good(Manual::open(scratch.path(), {.owner = OwnerId{"parent"}, .clock = clock}));
  good(lock.release(*good(lock.try_acquire(scope, seconds(10)))));
  const Pipe ready;
  Child child([&] {
    const PosixFileSystem fs;
    auto claim = fs.create_exclusive(scratch / "noaa@2012/claim-stopped-1");
    if (!claim || !fs.lock(claim.value())) return 1;
    ready.write('r');
    for (;;) ::pause();
  });
  REQUIRE(ready.read() == 'r');
  child.stop();
  good(lock.release(*good(lock.try_acquire(scope, seconds(10)))));
  CHECK(good(PosixFileSystem{}.exists(scratch / "noaa@2012/claim-stopped-1")));
  (void)child.kill();
  good(lock.release(*good(lock.try_acquire(scope, seconds(10)))));
  CHECK_FALSE(good(PosixFileSystem{}.exists(scratch / "noaa@2012/claim-stopped-1")));
}

TEST_CASE("L20 a second descriptor that closes does not lose the lease") {
  const Scratch scratch;
  const ManualClock clock;
  auto lock = good(Manual::open(scratch.path(), {.owner = OwnerId{"a"}, .clock = clock}));
  const auto lease = *good(lock.try_acquire(scope, seconds(10)));
  { std::ifstream reader(scratch / "noaa@2012/lease-00000000000000000001"); std::string text; REQUIRE(std::getline(reader, text)); }
  for (int i = 0; i < 3; ++i) (void)good(lock.holder(scope));
  Child child([&] {
    auto other = Manual::open(scratch.path(), {.owner = OwnerId{"b"}, .clock = clock});
    return take(other.value(), seconds(10)) ? 1 : 0;
  });
  CHECK(child.wait() == 0);
  CHECK(good(lock.renew(lease, seconds(10))).token == lease.token);
}

TEST_CASE("L21 a forked child must not act for its parent, and takes nothing from it when it ends") {
  const Scratch scratch;
  const ManualClock clock;
  auto lock = good(Manual::open(scratch.path(), {.owner = OwnerId{"a"}, .clock = clock}));
  const auto lease = *good(lock.try_acquire(scope, seconds(10)));
  Child child([&] {
    if (auto answer = lock.renew(lease, seconds(10)); answer || answer.error().code() != errc::unsupported) return 1;
    if (auto answer = lock.release(lease); answer || answer.error().code() != errc::unsupported) return 2;
    if (auto answer = lock.try_acquire({"other", ""}, seconds(10)); answer || answer.error().code() != errc::unsupported) return 3;
    { const Manual gone = std::move(lock); }
    auto own = Manual::open(scratch.path(), {.owner = OwnerId{"child"}, .clock = clock});
    return take(own.value(), seconds(10)) ? 4 : 0;
  });
  CHECK(child.wait() == 0);
  auto other = good(Manual::open(scratch.path(), {.owner = OwnerId{"b"}, .clock = clock}));
  CHECK_FALSE(good(other.try_acquire(scope, seconds(10))));
  CHECK(good(lock.renew(lease, seconds(10))).token == lease.token);
}

TEST_CASE("L21 a forked child that outlives its parent keeps nothing of the scope, released or not") {
  for (const bool released : {false, true}) {
    const Scratch scratch;
    const ManualClock clock;
    const Pipe forked, go;
    Child child([&] {
      auto lock = Manual::open(scratch.path(), {.owner = OwnerId{"a"}, .clock = clock});
      const auto lease = take(lock.value(), seconds(10));
      if (!lease) return 1;
      const ::pid_t heir = ::fork();
      if (heir == 0) {
        forked.write('f');
        ::_exit(go.read() == 'g' ? 0 : 1);
      }
      if (released && !lock.value().release(*lease)) return 2;
      return 0;  // the heir lives on, with the open file
    });
    CHECK(child.wait() == 0);
    REQUIRE(forked.read() == 'f');  // fork has returned in the heir: until then it may hold what it was born with
    auto lock = good(Manual::open(scratch.path(), {.owner = OwnerId{"b"}, .clock = clock}));
    CHECK(good(lock.try_acquire(scope, seconds(10))));   // at once: the owner is dead, and the heir let go of its files when it was forked
    go.write('g');
  }
}

TEST_CASE("L21 a program that an owner starts does not keep the scope") {
  const Scratch scratch;
  const ManualClock clock;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);  // for cat, which reads until nobody can write any more
  const Pipe ready;
  Child child([&] {
    auto lock = Manual::open(scratch.path(), {.owner = OwnerId{"a"}, .clock = clock});
    if (!take(lock.value(), seconds(10))) return 1;
    const ::pid_t started = ::fork();
    if (started == 0) {
      ::dup2(ends[0], 0);
      ::close(ends[1]);
      ::execl("/bin/sh", "sh", "-c", "echo r >&\"$0\"; exec cat", std::to_string(ready.writing_end()).c_str(), nullptr);
      ::_exit(1);
    }
    for (;;) ::pause();
  });
  ::close(ends[0]);
  REQUIRE(ready.read() == 'r');  // it runs
  auto lock = good(Manual::open(scratch.path(), {.owner = OwnerId{"b"}, .clock = clock}));
  CHECK_FALSE(good(lock.try_acquire(scope, seconds(10))));
  (void)child.kill();
  CHECK(good(lock.try_acquire(scope, seconds(10))));
  ::close(ends[1]);
}

TEST_CASE("LOCK-1 LOCK-2 LOCK-3 LOCK-6 many processes, some of them killed anywhere: one holder at a time, tokens in the order of the grants") {
  const Scratch scratch(true);
  constexpr int workers = 4, kills = 40;
  { std::ofstream(scratch / "inside"); }
  const Pipe progress;
  // A holder locks "inside" in its own way; whoever finds it locked is one of two. Each token is noted before the scope is left.
  const auto work = [&] {
    auto lock = FileLock<>::open(scratch / "locks");
    if (!lock) return 1;
    const int notes = ::open((scratch / "tokens").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (;;) {
      auto lease = lock.value().try_acquire(scope, seconds(3600));
      if (!lease) return 2;
      if (!lease.value()) { ::usleep(100); continue; }
      const int inside = ::open((scratch / "inside").c_str(), O_RDWR | O_CLOEXEC);
      if (::flock(inside, LOCK_EX | LOCK_NB) != 0) return 3;
      const std::string line = std::to_string(lease.value()->token.value) + "\n";
      if (::write(notes, line.data(), line.size()) != static_cast<ssize_t>(line.size())) return 4;
      auto renewed = lock.value().renew(*lease.value(), seconds(3600));
      if (!renewed) return 5;
      progress.write('.');
      ::close(inside);
      if (!lock.value().release(renewed.value())) return 6;
    }
  };
  std::vector<Child> children;
  for (int i = 0; i < workers; ++i) children.emplace_back(work);
  for (int i = 0; i < kills; ++i) {
    for (int grants = 0; grants <= i % 4; ++grants) REQUIRE(progress.read() == '.');  // whoever is killed, the others go on
    Child& victim = children[static_cast<std::size_t>(i) % children.size()];
    CHECK(victim.kill() == 1000 + SIGKILL);  // any other end is a code from above
    victim = Child(work);
  }
  for (Child& child : children) CHECK(child.kill() == 1000 + SIGKILL);
  std::ifstream notes(scratch / "tokens");
  std::uint64_t last = 0, token = 0, count = 0;
  for (; notes >> token; last = token, ++count) REQUIRE(token > last);
  CHECK(count >= kills);
  auto lock = good(FileLock<>::open(scratch / "locks"));
  CHECK(good(lock.try_acquire(scope, seconds(30)))->token.value > last);
}
