// SPDX-License-Identifier: BSL-1.0
/// \file
/// SkewedClocks: the clocks of several owners over one true time, and all that real clocks do: steps of the wall clock, skew, sleep, reboot.
///
/// Each owner has a ManualClock of its own, so that one can stand still while the world goes on. Their monotonic readings are equal unless somebody
/// sleeps: they are the readings of one machine, and deadlines are compared between owners. Their wall clocks may differ as they like.
///   a paused process   makes no calls while the time advances; its clock is right when it wakes up (a boot-time clock)
///   a frozen clock     freeze(owner): CLOCK_MONOTONIC in suspend. thaw(owner, false) lets it lag for ever, thaw(owner, true) catches up
/// Thread-safety: as ManualClock for the readings; the verbs of this class from one thread at a time.
#ifndef KFM_DET_SIMULATE_SKEWED_CLOCK_HPP
#define KFM_DET_SIMULATE_SKEWED_CLOCK_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kfm_det/contracts/clock.hpp"

namespace kfm_det::simulate {

class SkewedClocks {
 public:
  /// No clock begins at zero: zero is what a forgotten field holds.
  static constexpr Instant first_wall{1'704'067'200'000'000'000};   // 2024-01-01
  static constexpr Duration first_monotonic{3'600'000'000'000};

  /// Owner i's wall clock is ahead of owner 0's by i times `wall_skew`.
  explicit SkewedClocks(std::size_t owners, Duration wall_skew = {}) : world_(first_wall, epoch_name(1)) {
    world_.advance(first_monotonic);
    for (std::size_t i = 0; i < owners; ++i) {
      each_.push_back({ManualClock(first_wall + Duration{wall_skew.ns * static_cast<std::int64_t>(i)}, epoch_name(1)), false, {}});
      each_.back().clock.advance(first_monotonic);
    }
  }

  /// What this owner reads.
  [[nodiscard]] ManualClock& of(std::size_t owner) { return each_[owner].clock; }
  [[nodiscard]] std::size_t owners() const noexcept { return each_.size(); }
  /// The true monotonic time of the present boot.
  [[nodiscard]] Duration now() const { return world_.monotonic(); }

  void advance(Duration by) {
    world_.advance(by);
    for (One& one : each_) {
      if (one.frozen) one.owed = one.owed + by;
      else one.clock.advance(by);
    }
  }
  /// The wall clock is set, for all: forth, or back.
  void step_wall(Duration by) {
    for (std::size_t i = 0; i < each_.size(); ++i) step_wall(i, by);
  }
  void step_wall(std::size_t owner, Duration by) { each_[owner].clock.step_wall(each_[owner].clock.now() + by); }

  void freeze(std::size_t owner) { each_[owner].frozen = true; }
  void thaw(std::size_t owner, bool catches_up) {
    One& one = each_[owner];
    if (catches_up) one.clock.advance(one.owed);
    one.owed = {};
    one.frozen = false;
  }
  /// The machine boots: another epoch, monotonic time from zero for all.
  void reboot() {
    const std::string name = epoch_name(++boots_);
    world_.reboot(name);
    for (One& one : each_) {
      one.clock.reboot(name);
      one.owed = {};
      one.frozen = false;
    }
  }
  /// Whoever wants to know of each reading of any owner's monotonic clock; null: nobody (contracts/clock.hpp).
  void on_reading(void (*hook)(void*), void* context) const {
    for (const One& one : each_) one.clock.on_reading(hook, context);
  }

 private:
  struct One {
    ManualClock clock;
    bool frozen = false;
    Duration owed;
  };
  [[nodiscard]] static std::string epoch_name(std::uint64_t boot) { return "boot-" + std::to_string(boot); }

  ManualClock world_;
  std::vector<One> each_;
  std::uint64_t boots_ = 1;
};

}  // namespace kfm_det::simulate

#endif
