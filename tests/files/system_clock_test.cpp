// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <fstream>
#include <string>

#include <time.h>

#include "kfm_det/files/system_clock.hpp"

using namespace kfm_det;

namespace {
std::int64_t read(clockid_t clock) {
  timespec at = {};
  ::clock_gettime(clock, &at);
  return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}
}  // namespace

TEST_CASE("CLOCK-1 monotonic time never goes back, and it is the clock that counts in suspend") {
  const SystemClock clock;
  Duration last = clock.monotonic();
  for (int i = 0; i < 10'000; ++i) {
    const Duration next = clock.monotonic();
    REQUIRE(next >= last);
    last = next;
  }
  const std::int64_t before = read(CLOCK_BOOTTIME);
  const Duration between = clock.monotonic();
  CHECK(before <= between.ns);
  CHECK(between.ns <= read(CLOCK_BOOTTIME));
}

TEST_CASE("CLOCK-2 now is UTC: POSIX time") {
  const SystemClock clock;
  const std::int64_t before = read(CLOCK_REALTIME);
  CHECK(clock.now().ns >= before);
  CHECK(clock.now() < Instant{before} + seconds(3600));
}

TEST_CASE("CLOCK-3 the epoch is the boot, the same for every copy") {
  const SystemClock clock, other = clock;
  std::string boot_id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot_id;
  CHECK(clock.epoch().substr(0, boot_id.size()) == (boot_id.empty() ? "" : boot_id));
  CHECK_FALSE(clock.epoch().empty());
  CHECK(other.epoch() == clock.epoch());
}
