// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/simulate/ambiguous.hpp"
#include "kfm_det/simulate/schedule.hpp"
#include "kfm_det/simulate/skewed_clock.hpp"

using namespace kfm_det;
using namespace kfm_det::conformance;
using simulate::Scheduler;

TEST_CASE("the scheduler plays every order of two tasks with at most two changes of turn, once") {
  Scheduler scheduler;
  Report report;
  report.check = "check_x";
  std::set<std::string> seen;
  Explorer(report, {}).run("orders", {1000, 0, ""}, [&](Play& play) {
    std::string order;
    const auto task = [&](char name) {
      return [&, name] {
        for (int i = 0; i < 3; ++i) {
          if (i != 0) scheduler.point();
          order += name;
        }
      };
    };
    scheduler.run({task('a'), task('b')}, {[&](std::uint32_t below) { return play.pick(below); }, {}, 2});
    CHECK(seen.insert(order).second);
  });
  // Blocks of a run of one task: aaabbb, and what one or two changes inside make of it; and the same with b first.
  CHECK(seen == std::set<std::string>{"aaabbb", "aabbba", "abbbaa", "aababb", "aabbab", "abaabb", "abbaab", "bbbaaa", "bbaaab", "baaabb", "bbabaa", "bbaaba", "babbaa", "baabba"});
}

TEST_CASE("a task that waits for a mutex of one that stands is noticed, and both end") {
  Scheduler scheduler;
  std::mutex mutex;
  int inside = 0, wrong = 0;
  const auto task = [&] {
    const std::scoped_lock guard(mutex);
    if (++inside != 1) ++wrong;
    scheduler.point();
    --inside;
  };
  std::uint32_t picks = 0;
  scheduler.run({task, task}, {[&](std::uint32_t) { return picks++ == 1 ? 1u : 0u; }, {}, 2});   // the first stops at its point, with the mutex
  CHECK(scheduler.was_blocked());
  CHECK(inside == 0);
  CHECK(wrong == 0);
  scheduler.run({task}, {[](std::uint32_t) { return 0u; }, {}, 2});
  CHECK_FALSE(scheduler.was_blocked());
}

TEST_CASE("a task that is abandoned never goes on, until the stacks are to be left") {
  Scheduler scheduler;
  std::string order;
  scheduler.run({[&] { order += "a"; scheduler.point(); order += "A"; }, [&] { order += "b"; }},
                {[](std::uint32_t below) { return below == 2 ? 1u : 0u; }, [&](std::size_t from, std::size_t, bool has_ended) { if (!has_ended) scheduler.abandon(from); }, 2});
  // b was picked first and ended; a then runs alone: there is nobody to change to.
  CHECK(order == "baA");
  order.clear();
  std::uint32_t picks = 0;
  scheduler.run({[&] { order += "a"; scheduler.point(); order += "A"; }, [&] { order += "b"; }},
                {[&](std::uint32_t) { return picks++ == 0 ? 0u : 1u; }, [&](std::size_t from, std::size_t, bool has_ended) { if (!has_ended) scheduler.abandon(from); }, 2});
  CHECK(order == "ab");
  scheduler.finish();
  CHECK(order == "abA");
}

TEST_CASE("what a task throws is thrown behind the run, when the others have ended") {
  Scheduler scheduler;
  bool other = false;
  CHECK_THROWS_AS(scheduler.run({[] { throw std::runtime_error("a"); }, [&] { other = true; }}, {[](std::uint32_t) { return 0u; }, {}, 2}), std::runtime_error);
  CHECK(other);
}

TEST_CASE("clocks of one machine agree, but for one that sleeps") {
  simulate::SkewedClocks clocks(2, seconds(7));
  CHECK(clocks.of(0).monotonic() == clocks.of(1).monotonic());
  CHECK(clocks.of(1).now() - clocks.of(0).now() == seconds(7));
  clocks.freeze(0);
  clocks.advance(seconds(10));
  CHECK(clocks.of(1).monotonic() - clocks.of(0).monotonic() == seconds(10));
  SECTION("and is late for ever") {
    clocks.thaw(0, false);
    clocks.advance(seconds(1));
    CHECK(clocks.of(1).monotonic() - clocks.of(0).monotonic() == seconds(10));
    clocks.freeze(0);
    clocks.advance(seconds(3));
    clocks.thaw(0, true);   // of this sleep alone
    CHECK(clocks.of(1).monotonic() - clocks.of(0).monotonic() == seconds(10));
  }
  SECTION("and catches up") {
    clocks.thaw(0, true);
    CHECK(clocks.of(0).monotonic() == clocks.now());
  }
  clocks.step_wall(seconds(-10'000));
  CHECK(clocks.of(1).now() < simulate::SkewedClocks::first_wall);
  clocks.reboot();
  CHECK(clocks.of(0).monotonic() == Duration{0});
  CHECK(clocks.of(0).epoch() == clocks.of(1).epoch());
  CHECK(clocks.of(0).epoch() == "boot-2");
}

TEST_CASE("a wire loses answers, requests, or brings them later") {
  using simulate::Wire;
  Wire::Loss loss = Wire::Loss::none;
  int done = 0;
  Wire wire([&] { return loss; });
  const auto call = [&] { return wire.call<int>([&] { return result<int>(++done); }); };
  CHECK(call().value() == 1);
  loss = Wire::Loss::answer;
  CHECK(call().error().code() == errc::timed_out);
  CHECK(done == 2);
  loss = Wire::Loss::request;
  CHECK(call().error().code() == errc::timed_out);
  CHECK(done == 2);
  loss = Wire::Loss::late;
  CHECK(call().error().code() == errc::timed_out);
  CHECK(done == 2);
  CHECK(wire.deliver() == 1);
  CHECK(done == 3);
  CHECK(wire.deliver() == 0);
}
