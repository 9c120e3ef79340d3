// SPDX-License-Identifier: BSL-1.0
/// \file
/// The part of check_lock in which answers are lost: an owner who was told of a timeout believes in nothing, and what he asked for may stand in the way, or
/// arrive late. Still no two hold, tokens grow, and behind the last deadline the scope is free.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_AMBIGUOUS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_AMBIGUOUS_HPP

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/lock_parts.hpp"
#include "kfm_det/simulate/ambiguous.hpp"

namespace kfm_det::conformance::detail {

struct LockAmbiguity {
  std::uint32_t length = 4;

  void operator()(Play& play, AnyLockFixture& real) const {
    std::uint32_t losses_left = 2;
    bool loses = true;
    const auto wire = std::make_shared<simulate::Wire>([&]() -> simulate::Wire::Loss {
      if (losses_left == 0 || !loses) return simulate::Wire::Loss::none;
      const auto loss = static_cast<simulate::Wire::Loss>(play.pick(simulate::Wire::losses));
      if (loss == simulate::Wire::Loss::none) return loss;
      --losses_left;
      play.reach("an answer is lost, or late");
      constexpr std::array<std::string_view, simulate::Wire::losses> words{"", "its answer is lost", "it never arrives", "it arrives later"};
      play.note(std::string(words[static_cast<std::size_t>(loss)]));
      return loss;
    });
    Fixture fixture(real, wire);
    LockWorld world(fixture, play);
    world.answers_are_lost = world.error_is_fine = true;
    std::vector<std::function<void()>> acts;
    for (std::uint32_t step = 0; step < length; ++step) {
      acts.clear();
      for (std::uint32_t owner = 0; owner < 2; ++owner) {
        if (owner == 1 && world.grants().empty()) break;   // they are alike
        acts.emplace_back([&world, owner] { (void)world.acquire(owner, lock_scope()); });
        if (const auto mine = world.newest_of(owner)) {
          acts.emplace_back([&world, owner, mine] { (void)world.renew(owner, *mine); });
          acts.emplace_back([&world, owner, mine] { world.release(owner, *mine); });
        }
      }
      if (!world.grants().empty()) {
        acts.emplace_back([&world] { world.pass(seconds(6), ""); });
        acts.emplace_back([&world] { pass_all(world); });
      }
      if (wire->under_way() != 0) acts.emplace_back([&] { deliver(play, world, *wire); });
      const std::uint32_t act = play.pick(static_cast<std::uint32_t>(acts.size()) + 1);
      if (act == 0) break;
      acts[act - 1]();
    }
    loses = false;
    if (wire->under_way() != 0) deliver(play, world, *wire);
    if (const auto holding = world.believer(lock_scope())) (void)world.renew(world.grants()[*holding].owner, *holding);
    (void)world.acquire(2, lock_scope());
    pass_all(world);
    world.error_is_fine = false;
    (void)world.acquire(2, lock_scope());
  }

 private:
  static void deliver(Play& play, LockWorld& world, simulate::Wire& wire) {
    play.tell("what was under way arrives");
    (void)wire.deliver();
    world.something_arrived();
  }

  class Fixture final : public AnyLockFixture {
   public:
    Fixture(AnyLockFixture& real, std::shared_ptr<simulate::Wire> wire) : real_(real), wire_(std::move(wire)) {}
    result<std::unique_ptr<AnyLock>> connect(const OwnerId& owner, ManualClock& clock) override {
      KFM_DET_TRY(auto lock, real_.connect(owner, clock));
      return std::unique_ptr<AnyLock>(std::make_unique<Remote>(std::shared_ptr<AnyLock>(std::move(lock)), wire_));
    }
    void wipe() override { real_.wipe(); }
    void crash(simulate::Fates& fates) override { real_.crash(fates); }
    void kill(const OwnerId& owner) override { real_.kill(owner); }
    void on_call(std::function<void()> hook) override { real_.on_call(std::move(hook)); }
    std::optional<simulate::Disk> disk() override { return real_.disk(); }
    [[nodiscard]] Traits traits() const override { return real_.traits(); }

   private:
    class Remote final : public AnyLock {
     public:
      Remote(std::shared_ptr<AnyLock> lock, std::shared_ptr<simulate::Wire> wire) : lock_(std::move(lock), std::move(wire)) {}
      result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above) override { return lock_.try_acquire(scope, ttl, above); }
      result<Lease> renew(const Lease& lease, Duration ttl) override { return lock_.renew(lease, ttl); }
      result<void> release(const Lease& lease) override { return lock_.release(lease); }

     private:
      simulate::AmbiguousLock<AnyLock> lock_;
    };
    AnyLockFixture& real_;
    std::shared_ptr<simulate::Wire> wire_;
  };
};

}  // namespace kfm_det::conformance::detail

#endif
