// SPDX-License-Identifier: BSL-1.0
/// \file
/// The truth table of the clock contract.
#include "kfm_det/contracts/clock.hpp"

#include <array>
#include <string>
#include <type_traits>

#include "table.hpp"

namespace {

namespace det = kfm_det;
using table::How;

enum class Clause { copyable, tells_now, tells_monotonic, names_epoch, none };

template <class T>
consteval std::array<bool, 4> holds() {
  using namespace det::clock_clause;
  return {copyable<T>, tells_now<T>, tells_monotonic<T>, names_epoch<T>};
}

struct MoveOnly {
  MoveOnly(MoveOnly&&) = default;
};
struct Empty {};

template <Clause C, How H>
struct Model : std::conditional_t<C == Clause::copyable, MoveOnly, Empty> {
  template <Clause Verb> static constexpr bool good = C != Verb;
  template <Clause Verb> static constexpr bool wrong = C == Verb && H == How::wrong;

  det::Instant now() const requires(good<Clause::tells_now>);
  det::Duration now() const requires(wrong<Clause::tells_now>);
  det::Duration monotonic() const requires(good<Clause::tells_monotonic>);
  det::Instant monotonic() const requires(wrong<Clause::tells_monotonic>);  // the wall clock
  std::string epoch() const requires(good<Clause::names_epoch>);
  std::string epoch() requires(wrong<Clause::names_epoch>);  // not const
};
using Archetype = Model<Clause::none, How::wrong>;
static_assert(table::fails_only<Clause>(holds<Archetype>(), {}));
static_assert(table::fails_only<Clause>(holds<det::ManualClock>(), {}));
static_assert(det::Clock<Archetype>);
static_assert(det::diagnose_clock<Archetype>() && det::diagnose_clock<det::ManualClock>());

FAILS_WHEN_WRONG(det::Clock, Model, copyable);
FAILS_ALONE(det::Clock, Model, tells_now);
FAILS_ALONE(det::Clock, Model, tells_monotonic);
FAILS_ALONE(det::Clock, Model, names_epoch);

}  // namespace
