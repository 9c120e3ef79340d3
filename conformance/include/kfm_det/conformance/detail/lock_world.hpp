// SPDX-License-Identifier: BSL-1.0
/// \file
/// LockWorld: owners, clocks and one backend under one trial of check_lock; and the reference model that judges every answer.
///
/// The model keeps of each grant what its owner may believe, and until when it may be in the way of others. It asks only what the contract says:
///   - an owner believes in a lease from the answer that grants it until he calls release(), is told lease_lost, dies, or its deadline passes; at no
///     instant do two believe (LOCK-1). That holds also for calls that overlap, so no order need be found for them.
///   - busy is right when some lease may have been in the way at some instant of the call. Behind its deadline plus the time that its request took, none is.
///   - at the very nanosecond of a deadline both answers are right: systems differ there, and no harm comes of it.
/// What a lock may do: skip tokens, grant less time than asked (never more), shorten or keep a deadline at a renewal, keep the lease of a closed handle
/// until its deadline. Thread-safety: one at a time; whoever overlaps calls hands the turn over himself (Turn).
#ifndef KFM_DET_CONFORMANCE_DETAIL_LOCK_WORLD_HPP
#define KFM_DET_CONFORMANCE_DETAIL_LOCK_WORLD_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/any_lock.hpp"
#include "kfm_det/conformance/detail/lock_grant.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/simulate/skewed_clock.hpp"

namespace kfm_det::conformance::detail {

class LockWorld {
 public:
  static constexpr std::uint32_t owners = 3;
  static constexpr Duration lease_ttl = seconds(10);
  static constexpr std::uint64_t never = LockGrant::never;
  using Over = LockGrant::Over;
  using Grant = LockGrant;

  LockWorld(AnyLockFixture& fixture, Play& play) : fixture_(fixture), traits_(fixture.traits()), play_(play), clocks_(owners, seconds(7)) {
    fixture_.wipe();
    clocks_.on_reading([](void* world) { static_cast<LockWorld*>(world)->point(true); }, this);
    if (traits_.has_points) fixture_.on_call([this] { point(false); });
    start_ = clocks_.now();
  }
  LockWorld(const LockWorld&) = delete;
  LockWorld& operator=(const LockWorld&) = delete;
  ~LockWorld() {
    at_point = nullptr;
    clocks_.on_reading(nullptr, nullptr);
    for (auto& lock : locks_) lock.reset();
    graveyard_.clear();
    if (traits_.has_points) fixture_.on_call({});
  }

  // --- the verbs ------------------------------------------------------------------------------------------------------------------------------------

  /// The number of the grant, when there was one.
  std::optional<std::size_t> acquire(std::uint32_t owner, const LockScope& scope, Duration ttl = lease_ttl, FencingToken above = {}) {
    play_.tell(lock_who(owner) + "try_acquire(" + lock_text(scope) + ", " + lock_text(ttl) + (above.value != 0 ? ", above " + std::to_string(above.value) : "") + ")");
    AnyLock& lock = lock_of(owner);
    const Asked asked = ask(owner, scope, ttl);
    const auto answer = lock.try_acquire(scope, ttl, above);
    answered(owner);
    if (!answer) {
      say(owner, "error " + std::string(answer.error().message()));
      play_.reach("try_acquire() answers an error");
      // A number that no counter of 63 bits holds, or no time at all, may be refused.
      broken_unless("LOCK-6", above.value >= std::uint64_t{1} << 62 || ttl <= Duration{0} || error_is_fine, [&] { return lock_who(owner) + "try_acquire() answers an error: " + answer.error().message(); });
      if (answers_are_lost) nobody_knows(owner, scope, ttl);
      settle();
      return std::nullopt;
    }
    if (!answer.value()) {
      say(owner, "busy");
      play_.reach("busy");
      if (ttl > Duration{0}) busy_.push_back({asked, now() + ttl, events_, scope});
      settle();
      return std::nullopt;
    }
    const Lease& lease = *answer.value();
    say(owner, "token " + std::to_string(lease.token.value) + " until " + at(lease.deadline));
    granted(asked, scope, ttl, above, lease);
    settle();
    return grants_.size() - 1;
  }
  /// Grant `index`, asked by `owner`, whoever's it is. True: renewed.
  bool renew(std::uint32_t owner, std::size_t index, Duration ttl = lease_ttl) {
    play_.tell(lock_who(owner) + "renew(" + text_of_grant(owner, index) + ", " + lock_text(ttl) + ")");
    AnyLock& lock = lock_of(owner);
    const Grant before = grants_[index];
    const Asked asked = ask(owner, before.lease.scope, ttl, index);
    const auto answer = lock.renew(before.lease, ttl);
    answered(owner);
    play_.reach(answer ? "renewed" : answer.error().code() == errc::lease_lost ? "lost" : "renew() answers an error");
    if (answer) say(owner, "until " + at(answer.value().deadline));
    else say(owner, answer.error().code() == errc::lease_lost ? "lease_lost" : "error " + std::string(answer.error().message()));
    if (ttl > Duration{0}) renewals_.push_back({asked, now() + ttl, events_, before.lease.scope});   // while it is decided, even if it fails in the end
    Grant& grant = grants_[index];
    if (before.owner != owner) {
      broken_unless("LOCK-4", !answer, [&] { return lock_who(owner) + "renews the lease of another owner"; });
      return false;
    }
    const bool superseded_before = std::any_of(grants_.begin(), grants_.end(), [&](const Grant& other) { return other.lease.scope == before.lease.scope && other.asked > before.given && other.given < asked.event; });
    if (answer) {
      const Lease& lease = answer.value();
      broken_unless("LOCK-4", before.over == Over::no || before.over == Over::dead, [&] { return lock_who(owner) + "renews a lease that was " + (before.over == Over::released ? "released" : "lost"); });
      broken_unless("LOCK-4", asked.time <= before.lease.deadline + behind_, [&] { return lock_who(owner) + "renews at " + at(asked.time) + " a lease that ran out at " + at(before.lease.deadline); });
      broken_unless("LOCK-4", !superseded_before, [&] { return lock_who(owner) + "renews a lease, but somebody else was granted the scope since"; });
      broken_unless("LOCK-4", lease.scope == before.lease.scope && lease.owner == before.lease.owner && lease.token == before.lease.token, "a renewal answers another lease: scope, owner or token differ");
      broken_unless("LOCK-7", lease.deadline <= std::max(before.lease.deadline, requests_[owner].time + ttl), [&] { return "a renewal asked at " + at(requests_[owner].time) + " for " + lock_text(ttl) + " lasts until " + at(lease.deadline); });
      broken_unless("LOCK-7", ttl <= Duration{0} || asked.time != now() || lease.deadline + behind_ > asked.time, "a renewal whose deadline is over at once");
      if (grant.believed) grant.lease = lease;
      grant.free_at = std::max(grant.free_at, now() + ttl);
      one_believes();
      settle();
      return true;
    }
    const bool certainly_over = asked.time > before.lease.deadline || superseded_before;
    if (certainly_over && before.over == Over::no)
      broken_unless("LOCK-4", answer.error().code() == errc::lease_lost || error_is_fine, [&] { return "the lease is over, and renew() answers another error than lease_lost: " + answer.error().message(); });
    if (answer.error().code() == errc::lease_lost) {
      grant.believed = false;
      if (before.over == Over::no) {
        grant.over = Over::lost;
        lost_.push_back({asked, now(), events_, index, before.lease.deadline});
      }
    } else {
      broken_unless("LOCK-4", before.over != Over::no || certainly_over || now() >= before.lease.deadline || ttl <= Duration{0} || error_is_fine, [&] { return "renew() of a lease that is good answers an error: " + answer.error().message(); });
      grant.free_at = std::max(grant.free_at, now() + std::max(ttl, Duration{0}));
    }
    settle();
    return false;
  }
  void release(std::uint32_t owner, std::size_t index) {
    play_.tell(lock_who(owner) + "release(" + text_of_grant(owner, index) + ")");
    AnyLock& lock = lock_of(owner);
    const Grant before = grants_[index];
    const Asked asked = ask(owner, before.lease.scope, Duration{0}, index);
    if (before.owner == owner) grants_[index].believed = false;   // he gives it up when he calls, not when he is answered
    const auto answer = lock.release(before.lease);
    answered(owner);
    play_.reach(answer ? "released" : "release() answers an error");
    if (!answer) say(owner, "error " + std::string(answer.error().message()));
    Grant& grant = grants_[index];
    const bool own = before.owner == owner, good = own && before.over == Over::no && asked.time < before.lease.deadline && now() < before.lease.deadline;
    if (good) broken_unless("LOCK-5", answer.has_value() || error_is_fine, [&] { return "release() of one's own lease answers an error: " + answer.error().message(); });
    if (own && before.over == Over::released && before.gone != never) broken_unless("LOCK-5", answer.has_value() || error_is_fine, [&] { return "release() is not idempotent: " + answer.error().message(); });
    if (own && answer && before.over == Over::no) {
      grant.over = Over::released;
      grant.gone = events_;
    }
    if (!good) still_held(owner, before.lease.scope);
    settle();
  }

  // --- what happens to them -------------------------------------------------------------------------------------------------------------------------

  void pass(Duration by, std::string_view why) {
    play_.tell("time passes: " + lock_text(by) + std::string(why));
    if (frozen_ != 0) behind_ = behind_ + by;
    clocks_.advance(by);
  }
  void step_wall(Duration by) {
    play_.reach("the wall clock is set");
    play_.tell("the wall clock is set " + std::string(by < Duration{0} ? "back " : "forth ") + lock_text(by < Duration{0} ? Duration{0} - by : by));
    clocks_.step_wall(by);
  }
  /// An owner's monotonic clock stands still while the world goes on (suspend). From then on only what holds on anybody's clock is asked.
  void freeze(std::uint32_t owner) {
    play_.reach("a clock stands still");
    play_.tell(lock_owner(owner).text + "'s monotonic clock stands still");
    ++frozen_;
    clocks_.freeze(owner);
  }
  void thaw(std::uint32_t owner, bool catches_up) {
    play_.tell(lock_owner(owner).text + (catches_up ? "'s clock is right again" : "'s clock goes on, and is late"));
    --frozen_;
    clocks_.thaw(owner, catches_up);
  }
  /// A graceful end: the handle is closed, and another one opened. The lease may be free at once or at its deadline.
  void reconnect(std::uint32_t owner) {
    play_.tell(lock_who(owner) + "closes and connects again");
    end_of(owner, false);
    locks_[owner].reset();
    (void)lock_of(owner);
  }
  void kill(std::uint32_t owner) {
    play_.tell(lock_who(owner) + "is killed");
    bury(owner);
  }
  /// Without a word in the script: for a call that never comes back.
  void bury(std::uint32_t owner) {
    play_.reach("an owner dies");
    if (traits_.kills) {
      fixture_.kill(lock_owner(owner));
      graveyard_.push_back(std::move(locks_[owner]));   // a dead process runs no destructor
    }
    ++events_;
    const bool frees = traits_.claims.detects_death && traits_.kills;
    Request& last = requests_[owner];
    if (std::exchange(last.in_flight, false)) {   // nobody knows how far it came
      --in_flight_;
      if (last.grant) {
        grants_[*last.grant].free_at = std::max(grants_[*last.grant].free_at, now() + last.ttl);
      } else {
        nobody_knows(owner, last.scope, last.ttl);
        grants_.back().over = Over::no;   // it ends with its owner, below
      }
    }
    end_of(owner, frees);
  }
  /// Of what no sync has covered nothing is left, or all of it: where the fixture lets the kit say so.
  void crash(bool all_is_left) {
    BestFates best;
    WorstFates worst;
    play_.reach("the power goes");
    play_.tell(std::string("the power goes, and comes back") + (all_is_left ? "; nothing is lost" : ""));
    const Duration before = clocks_.now();
    for (auto& lock : locks_)
      if (lock) graveyard_.push_back(std::move(lock));
    if (all_is_left) fixture_.crash(best);
    else fixture_.crash(worst);
    clocks_.reboot();
    ++events_;
    start_ = clocks_.now();
    for (Grant& grant : grants_) {
      grant.believed = false;
      if (grant.over == Over::no) grant.over = Over::dead;
      if (traits_.claims.detects_death && grant.gone == never) grant.gone = events_;
      grant.free_at = start_ + std::max(Duration{0}, grant.free_at - before);
      if (!traits_.claims.survives_power_loss) grant.forgotten = true;
    }
  }

  // --- what the parts look at -----------------------------------------------------------------------------------------------------------------------

  [[nodiscard]] Duration now() const { return clocks_.now(); }
  [[nodiscard]] simulate::SkewedClocks& clocks() noexcept { return clocks_; }
  [[nodiscard]] const std::vector<Grant>& grants() const noexcept { return grants_; }
  [[nodiscard]] const AnyLockFixture::Traits& traits() const noexcept { return traits_; }
  [[nodiscard]] Play& play() noexcept { return play_; }
  [[nodiscard]] std::optional<std::size_t> believer(const LockScope& scope) const {
    for (std::size_t i = grants_.size(); i-- > 0;)
      if (grants_[i].lease.scope == scope && grants_[i].believed && now() < grants_[i].lease.deadline) return i;
    return std::nullopt;
  }
  /// The newest grant of this owner's present handle; `older` of them back.
  [[nodiscard]] std::optional<std::size_t> newest_of(std::uint32_t owner, std::size_t older = 0) const {
    for (std::size_t i = grants_.size(); i-- > 0;)
      if (grants_[i].owner == owner && grants_[i].over != Over::dead && older-- == 0) return i;
    return std::nullopt;
  }
  /// When the last of all leases is certainly in nobody's way.
  [[nodiscard]] Duration all_free_at() const {
    Duration last = now();
    for (const Grant& grant : grants_) last = std::max(last, grant.free_at);
    return last + behind_;
  }
  /// Whether any lease may be in anybody's way now.
  [[nodiscard]] bool is_in_the_way() const {
    return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) { return grant.gone == never && grant.free_at > now(); });
  }
  /// Requests that were under way arrived: whatever an answer was lost for may stand from now on.
  void something_arrived() {
    ++events_;
    for (Grant& grant : grants_)
      if (grant.gone == never) grant.free_at = std::max(grant.free_at, now() + lease_ttl);
  }
  /// Opens the handles before time and turns begin to matter: opening may make calls too.
  void connect_all() {
    for (std::uint32_t owner = 0; owner < owners; ++owner) (void)lock_of(owner);
  }

  std::function<void()> at_point;                          ///< called at each reading of a clock and each call of the medium, inside the verbs
  std::function<void(std::uint32_t owner)> at_answer;      ///< called when a verb has answered: the owner waits for his turn
  std::string_view instead;                                ///< the law that stands for all others: in a part where only one cause is possible
  bool answers_are_lost = false;                           ///< an error says nothing of what has happened
  bool tokens_are_judged = true;                           ///< at each grant; false: by whoever is fenced by them
  bool error_is_fine = false;                              ///< some systems cannot do what is asked, and may say so

 private:
  using Asked = LockAsked;
  using Request = LockRequest;
  using Busy = LockBusy;
  using Lost = LockLost;

  /// The owner whose call runs in this thread.
  static std::uint32_t& calling() {
    static thread_local std::uint32_t owner = 0;
    return owner;
  }
  /// The request is made behind the first reading of the clock, if nothing was asked of the medium before: from there on time counts (LOCK-7).
  void point(bool is_reading) {
    if (!at_point || in_flight_ == 0 || quiet_) return;
    at_point();
    Request& mine = requests_[calling()];
    if (is_reading && !mine.made) mine.time = now();
    mine.made = true;
  }
  /// A grant: of which it is the renewal or release.
  Asked ask(std::uint32_t owner, const LockScope& scope, Duration ttl, std::optional<std::size_t> grant = {}) {
    ++in_flight_;
    calling() = owner;
    requests_[owner] = {now(), false, true, scope, ttl, grant};
    return {owner, now(), ++events_};
  }
  void answered(std::uint32_t owner) {
    if (at_answer) at_answer(owner);
    requests_[owner].in_flight = false;
    ++events_;
    --in_flight_;
  }
  AnyLock& lock_of(std::uint32_t owner) {
    if (!locks_[owner]) {
      auto opened = fixture_.connect(lock_owner(owner), clocks_.of(owner));
      if (!opened) play_.broke("fixture", "connect(" + lock_owner(owner).text + ") answers an error: " + opened.error().message());
      locks_[owner] = std::move(opened).value();
    }
    return *locks_[owner];
  }
  /// It may have been granted.
  void nobody_knows(std::uint32_t owner, const LockScope& scope, Duration ttl) {
    Grant grant;
    grant.owner = owner;
    grant.lease = Lease{scope, {}, lock_owner(owner), now() + ttl};
    grant.free_at = grant.lease.deadline;
    grant.given = never;
    grant.believed = false;
    grant.over = Over::dead;
    grants_.push_back(std::move(grant));
  }
  void end_of(std::uint32_t owner, bool frees) {
    for (Grant& grant : grants_) {
      if (grant.owner != owner) continue;
      grant.believed = false;
      if (grant.over == Over::no) {
        grant.over = Over::dead;
        if (frees) grant.gone = events_;
      }
      if (grant.over == Over::lost) grant.over = Over::dead;
    }
  }
  template <class Sentence>
  void broken_unless(std::string_view law, bool holds, Sentence&& sentence) {
    if (holds) { play_.asked(law); return; }
    play_.expect(instead.empty() ? law : instead, false, std::forward<Sentence>(sentence));
  }

  void granted(const Asked& asked, const LockScope& scope, Duration ttl, FencingToken above, const Lease& lease) {
    broken_unless("LOCK-1", lease.scope == scope && lease.owner == lock_owner(asked.owner), "a grant names another scope or owner than the one that asked");
    broken_unless("LOCK-7", lease.deadline <= requests_[asked.owner].time + std::max(ttl, Duration{0}), [&] { return "asked at " + at(requests_[asked.owner].time) + " for " + lock_text(ttl) + ", granted until " + at(lease.deadline); });
    broken_unless("LOCK-7", ttl <= Duration{0} || asked.time != now() || lease.deadline + behind_ > asked.time, [&] { return "a lease of " + lock_text(ttl) + " that is over when it is granted, at " + at(lease.deadline); });
    Grant grant;
    grant.owner = asked.owner;
    grant.lease = lease;
    grant.free_at = now() + std::max(ttl, Duration{0});
    grant.asked = asked.event;
    grant.given = events_;
    grant.given_at = now();
    grants_.push_back(grant);
    one_believes();
    const bool taken_over = std::any_of(grants_.begin(), grants_.end() - 1, [&](const Grant& other) { return other.lease.scope == scope && other.owner != asked.owner && other.gone == never; });
    play_.reach(taken_over ? "granted, behind an owner who did not release" : "granted");
    broken_unless("LOCK-2", lease.token.value != 0 && lease.token > above, [&] { return "token " + std::to_string(lease.token.value) + " is not above " + std::to_string(above.value) + ", as was asked"; });
    for (std::size_t i = 0; i + 1 < grants_.size(); ++i) {
      const Grant& earlier = grants_[i];
      if (earlier.lease.scope != scope || earlier.forgotten) continue;
      if (earlier.gone == never || earlier.over == Over::dead) play_.asked("LOCK-3");   // it stood in nobody's way any more
      // Calls that overlap may be granted in either order; but who is granted a lower token cannot have been the first, if his lease outlasts the other's grant.
      if (tokens_are_judged) broken_unless("LOCK-2", lease.token > earlier.lease.token || (lease.token != earlier.lease.token && earlier.given > asked.event && lease.deadline <= earlier.given_at),
                    [&] { return "token " + std::to_string(lease.token.value) + " is granted behind token " + std::to_string(earlier.lease.token.value); });
    }
  }
  void one_believes() {
    play_.asked("LOCK-1");
    for (std::size_t i = 0; i < grants_.size(); ++i)
      for (std::size_t j = i + 1; grants_[i].believed && j < grants_.size(); ++j) {
        const Grant &a = grants_[i], &b = grants_[j];
        if (!b.believed || a.lease.scope != b.lease.scope) continue;
        broken_unless("LOCK-1", !(a.believed && b.believed && now() < a.lease.deadline && now() < b.lease.deadline),
                      [&] { return "at " + at(now()) + " two hold " + lock_text(a.lease.scope) + ": " + holder(a) + ", " + holder(b); });
      }
  }
  /// What could not be judged while calls overlapped.
  void settle() {
    if (in_flight_ != 0) return;
    const auto busy = std::exchange(busy_, {}), renewals = std::exchange(renewals_, {});
    const auto lost = std::exchange(lost_, {});
    for (const Busy& one : busy) {
      const auto met = [&](const Busy& other) { return other.scope == one.scope && other.asked.event < one.event && other.event > one.asked.event && other.until >= one.asked.time; };
      // Who was refused may have stood in the way before, if he was overtaken behind that.
      const auto met_and_overtaken = [&](const Busy& other) {
        return other.asked.owner != one.asked.owner && met(other) &&
               std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) { return grant.lease.scope == one.scope && grant.given > one.event && grant.given < other.event; });
      };
      if (std::none_of(renewals.begin(), renewals.end(), met) && std::none_of(busy.begin(), busy.end(), met_and_overtaken)) judge(one);
    }
    for (const Lost& one : lost) {
      const bool somebody = std::any_of(grants_.begin(), grants_.end(), [&](const Grant& other) {
        return other.lease.scope == grants_[one.grant].lease.scope && other.given > grants_[one.grant].given && other.asked < one.event;
      });
      broken_unless("LOCK-4", one.time >= one.deadline || somebody || error_is_fine,
                    [&] { return "renew() says at " + at(one.time) + " that a lease until " + at(one.deadline) + " is lost; it was not"; });
    }
  }
  void judge(const Busy& one) {
    const Grant* last = nullptr;
    bool in_the_way = false;
    for (const Grant& grant : grants_) {
      if (grant.lease.scope != one.scope || grant.asked > one.event) continue;
      if (grant.gone > one.asked.event && grant.free_at + behind_ >= one.asked.time) in_the_way = true;
      last = &grant;
    }
    if (in_the_way) { play_.asked("LOCK-6"); return; }
    if (again(one)) {
      broken_unless("LOCK-6", traits_.may_fail_spuriously, "a free scope is refused, and granted to the next who asks");
      return;
    }
    if (last && last->gone == never) broken_unless("LOCK-3", false, [&] { return "busy at " + at(one.asked.time) + ", but " + holder(*last) + " was the last, and has run out"; });
    if (last && last->over == Over::released) broken_unless("LOCK-5", false, [&] { return "busy, but " + holder(*last) + " was the last, and has released it"; });
    if (last) broken_unless("LOCK-3", false, [&] { return "busy, but " + holder(*last) + " was the last, and is dead"; });
    broken_unless("LOCK-6", false, "busy, but nobody was ever granted this scope");
  }
  /// Does asking again help? Then it was a spurious failure.
  bool again(const Busy& one) {
    quiet_ = true;
    AnyLock& lock = lock_of(one.asked.owner);
    bool granted_now = false;
    for (int i = 0; i < (traits_.may_fail_spuriously ? 64 : 2) && !granted_now; ++i) {
      const auto answer = lock.try_acquire(one.scope, lease_ttl, {});
      granted_now = answer && answer.value();
      if (granted_now) {
        Grant grant;
        grant.owner = one.asked.owner;
        grant.lease = *answer.value();
        grant.free_at = now() + lease_ttl;
        grant.asked = grant.given = ++events_;
        grant.believed = false;
        grant.over = Over::released;
        if (lock.release(grant.lease)) grant.gone = ++events_;
        grants_.push_back(std::move(grant));
      }
    }
    quiet_ = false;
    return granted_now;
  }
  /// A release that was not for the present lease: does it still stand?
  void still_held(std::uint32_t who_released, const LockScope& scope) {
    const auto holding = believer(scope);
    if (!holding || in_flight_ != 0) return;
    const std::uint32_t other = (who_released + 1) % owners;
    AnyLock& lock = lock_of(other);
    quiet_ = true;
    const auto answer = lock.try_acquire(scope, lease_ttl, {});
    quiet_ = false;
    broken_unless("LOCK-5", !answer || !answer.value(), [&] { return "that freed the lease of " + holder(grants_[*holding]) + ": the next who asks is granted the scope"; });
  }

  // --- words ----------------------------------------------------------------------------------------------------------------------------------------

  [[nodiscard]] std::string at(Duration time) const { return "+" + lock_text(time - start_); }
  [[nodiscard]] std::string holder(const Grant& grant) const { return lock_owner(grant.owner).text + " (token " + std::to_string(grant.lease.token.value) + ", until " + at(grant.lease.deadline) + ")"; }
  [[nodiscard]] std::string text_of_grant(std::uint32_t owner, std::size_t index) const {
    const Grant& grant = grants_[index];
    return (grant.owner == owner ? "token " : lock_owner(grant.owner).text + "'s token ") + std::to_string(grant.lease.token.value);
  }
  void say(std::uint32_t owner, const std::string& what) { play_.note(lock_who(owner) + what); }

  AnyLockFixture& fixture_;
  const AnyLockFixture::Traits traits_;
  Play& play_;
  simulate::SkewedClocks clocks_;
  Duration start_;
  std::array<std::unique_ptr<AnyLock>, owners> locks_;
  std::vector<std::unique_ptr<AnyLock>> graveyard_;
  std::vector<Grant> grants_;
  std::vector<Busy> busy_, renewals_;
  std::vector<Lost> lost_;
  std::uint64_t events_ = 0;
  std::uint32_t frozen_ = 0;   // clocks that stand still
  Duration behind_;            // at most so late is any clock
  std::array<Request, owners> requests_;
  std::atomic<std::uint32_t> in_flight_ = 0;   // these two are looked at by calls that waited for a mutex, out of turn
  std::atomic<bool> quiet_ = false;
};

}  // namespace kfm_det::conformance::detail

#endif
