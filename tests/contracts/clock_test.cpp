// SPDX-License-Identifier: BSL-1.0
/// \file
/// ManualClock: the smallest legal clock, by the clock laws.
#include "kfm_det/contracts/clock.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {
namespace det = kfm_det;
using det::seconds;
}  // namespace

TEST_CASE("CLOCK-1 manual: monotonic time never goes back within an epoch, whatever is done to the clock") {
  CHECK(rc::check([](const std::vector<std::pair<std::uint8_t, std::int64_t>>& actions) {
    const det::ManualClock clock{det::Instant{0}};
    std::string epoch = clock.epoch();
    det::Duration last = clock.monotonic();
    int boots = 0;
    for (const auto& [what, amount] : actions) {
      const std::int64_t size = amount < 0 ? -(amount + 1) : amount;
      if (what % 4 == 0) clock.advance({size % 1'000'000'000});
      if (what % 4 == 1) clock.advance({size});  // also beyond the end of time, where it stays
      if (what % 4 == 2) clock.step_wall({amount});
      if (what % 4 == 3) clock.reboot("boot " + std::to_string(++boots));
      if (clock.epoch() == epoch) RC_ASSERT(clock.monotonic() >= last);
      else RC_ASSERT(clock.monotonic() == det::Duration{0});
      epoch = clock.epoch();
      last = clock.monotonic();
    }
  }));
}

TEST_CASE("CLOCK-2 manual: the wall clock steps, and nothing but now() depends on it") {
  const det::ManualClock clock{det::Instant{seconds(1000).ns}};
  clock.advance(seconds(5));
  CHECK(clock.now().ns == seconds(1005).ns);
  CHECK(clock.monotonic() == seconds(5));
  clock.step_wall(det::Instant{seconds(7).ns});
  CHECK(clock.now().ns == seconds(7).ns);
  CHECK(clock.monotonic() == seconds(5));
  CHECK(clock.epoch() == "manual");
  clock.advance(seconds(1));
  CHECK(clock.now().ns == seconds(8).ns);
  CHECK(clock.monotonic() == seconds(6));
}

TEST_CASE("CLOCK-3 manual: a boot is another epoch, and monotonic time begins again") {
  const det::ManualClock clock{det::Instant{0}, "first"};
  clock.advance(seconds(5));
  CHECK(clock.epoch() == "first");
  clock.reboot("second");
  CHECK(clock.epoch() == "second");
  CHECK(clock.monotonic() == det::Duration{0});
  CHECK(clock.now().ns == seconds(5).ns);
}

TEST_CASE("a manual clock that is told to break CLOCK-1 or CLOCK-3 meets the assertion handler") {
  struct Broken { std::string condition; };
  const auto before = det::set_assertion_handler([](const char* condition, const char*, int) { throw Broken{condition}; });
  const det::ManualClock clock{det::Instant{0}, "boot"};
  CHECK_THROWS_AS(clock.advance(det::nanoseconds(-1)), Broken);
  CHECK_THROWS_AS(clock.reboot("boot"), Broken);
  det::set_assertion_handler(before);
  CHECK(clock.monotonic() == det::Duration{0});
}

TEST_CASE("a manual clock stands still, and copies share it") {
  const det::ManualClock clock;
  const det::ManualClock copy = clock;
  CHECK(clock.now() == det::Instant{0});
  CHECK(clock.now() == clock.now());
  copy.advance(seconds(3));
  CHECK(clock.monotonic() == seconds(3));
  CHECK(det::ManualClock{}.monotonic() == det::Duration{0});
}

TEST_CASE("a manual clock may be used from any thread") {
  const det::ManualClock clock;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([clock] {
      for (int n = 0; n < 1000; ++n) clock.advance(det::nanoseconds(1));
    });
  for (auto& thread : threads) thread.join();
  CHECK(clock.monotonic() == det::nanoseconds(4000));
  CHECK(clock.now() == det::Instant{4000});
}
