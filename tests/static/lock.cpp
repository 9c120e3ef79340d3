// SPDX-License-Identifier: BSL-1.0
/// \file
/// The truth table of the lock contract.
#include "kfm_det/contracts/lock.hpp"

#include <array>
#include <optional>
#include <type_traits>

#include "table.hpp"

namespace {

namespace det = kfm_det;
using det::result;
using table::How;

enum class Clause { movable, has_claims, acquires, renews, releases, none };

template <class L>
consteval std::array<bool, 5> holds() {
  using namespace det::lock_clause;
  return {movable<L>, has_claims<L>, acquires<L>, renews<L>, releases<L>};
}

template <Clause C, How H> struct Claims { static constexpr det::LockClaims claims{}; };
template <> struct Claims<Clause::has_claims, How::absent> {};
template <> struct Claims<Clause::has_claims, How::wrong> { static constexpr bool claims = true; };

struct Fixed {
  Fixed(Fixed&&) = delete;
};
struct Empty {};

template <Clause C, How H>
struct Model : Claims<C, H>, std::conditional_t<C == Clause::movable, Fixed, Empty> {
  template <Clause Verb> static constexpr bool good = C != Verb;
  template <Clause Verb> static constexpr bool wrong = C == Verb && H == How::wrong;

  result<std::optional<det::Lease>> try_acquire(const det::LockScope&, det::Duration, det::FencingToken) requires(good<Clause::acquires>);
  result<det::Lease> try_acquire(const det::LockScope&, det::Duration, det::FencingToken) requires(wrong<Clause::acquires>);  // busy would be an error
  result<det::Lease> renew(const det::Lease&, det::Duration) requires(good<Clause::renews>);
  result<void> renew(const det::Lease&, det::Duration) requires(wrong<Clause::renews>);
  result<void> release(const det::Lease&) requires(good<Clause::releases>);
  void release(const det::Lease&) requires(wrong<Clause::releases>);
};
using Archetype = Model<Clause::none, How::wrong>;
static_assert(table::fails_only<Clause>(holds<Archetype>(), {}));
static_assert(det::LockPolicy<Archetype>);
static_assert(det::diagnose_lock<Archetype>());

FAILS_WHEN_WRONG(det::LockPolicy, Model, movable);
FAILS_ALONE(det::LockPolicy, Model, has_claims);
FAILS_ALONE(det::LockPolicy, Model, acquires);
FAILS_ALONE(det::LockPolicy, Model, renews);
FAILS_ALONE(det::LockPolicy, Model, releases);

// A lock that cannot be told what token to go above could repeat one after it lost its counter.
struct NoFloor : Claims<Clause::none, How::wrong> {
  result<std::optional<det::Lease>> try_acquire(const det::LockScope&, det::Duration);
  result<det::Lease> renew(const det::Lease&, det::Duration);
  result<void> release(const det::Lease&);
};
static_assert(table::fails_only(holds<NoFloor>(), {Clause::acquires}));

}  // namespace
