// SPDX-License-Identifier: BSL-1.0
/// \file
/// The truth table of plan types, and their declared constants.
#include "kfm_det/contracts/plan.hpp"

#include <array>
#include <span>
#include <type_traits>
#include <vector>

#include "kfm_det/plan/builder.hpp"
#include "table.hpp"

namespace {

namespace det = kfm_det;
using det::result;
using table::How;

enum class Clause {
  has_id, id_is_valid, has_version, has_operations, plans, inputs_fit, gate_fits, missing_keys_fit, may_be_empty_fits, on_failure_fits, none,
};

template <class P>
consteval std::array<bool, 10> holds() {
  using namespace det::plan_clause;
  return {has_id<P>, id_is_valid<P>, has_version<P>, has_operations<P>, plans<P>, inputs_fit<P>, gate_fits<P>, missing_keys_fit<P>, may_be_empty_fits<P>, on_failure_fits<P>};
}

template <Clause C, How H> struct Id { static constexpr det::UpdaterId id{"a-plan"}; };
template <> struct Id<Clause::has_id, How::absent> {};
template <> struct Id<Clause::has_id, How::wrong> { static constexpr const char* id = "a-plan"; };  // explicit, so that an id is written as one
template <> struct Id<Clause::id_is_valid, How::absent> { static constexpr det::UpdaterId id{""}; };
template <> struct Id<Clause::id_is_valid, How::wrong> { static constexpr det::UpdaterId id{"A Plan"}; };
template <Clause C, How H> struct Version { static constexpr det::Version version{1, 0, 0}; };
template <> struct Version<Clause::has_version, How::absent> {};
template <> struct Version<Clause::has_version, How::wrong> { static constexpr const char* version = "1.0.0"; };
template <Clause C, How H> struct Ops { using Operations = det::Operations<>; };
template <> struct Ops<Clause::has_operations, How::absent> {};
template <Clause C, How H> struct Constants {};  // all of them are optional
template <> struct Constants<Clause::missing_keys_fit, How::wrong> { static constexpr bool missing_keys = true; };
template <> struct Constants<Clause::may_be_empty_fits, How::wrong> { struct Odd {}; static constexpr Odd may_be_empty{}; };
template <> struct Constants<Clause::on_failure_fits, How::wrong> { static constexpr int on_failure = 1; };

using Builder = det::PlanBuilder<det::Operations<>>;
using Refs = std::vector<det::SourceRef>;

template <Clause C, How H>
struct Model : Id<C, H>, Version<C, H>, Ops<C, H>, Constants<C, H> {
  static result<void> plan(std::span<const det::SourceRef>, Builder&) requires(C != Clause::plans);
  result<void> plan(std::span<const det::SourceRef>, Builder&) requires(C == Clause::plans && H == How::wrong);  // not static: it could look around
};
using Archetype = Model<Clause::none, How::wrong>;
static_assert(table::fails_only<Clause>(holds<Archetype>(), {}));
static_assert(det::PlanPolicy<Archetype>);
static_assert(det::diagnose_plan<Archetype>());

FAILS_ALONE(det::PlanPolicy, Model, has_id);
FAILS_ALONE(det::PlanPolicy, Model, id_is_valid);
FAILS_ALONE(det::PlanPolicy, Model, has_version);
FAILS_ALONE(det::PlanPolicy, Model, plans);
FAILS_WHEN_WRONG(det::PlanPolicy, Model, missing_keys_fit);
FAILS_WHEN_WRONG(det::PlanPolicy, Model, may_be_empty_fits);
FAILS_WHEN_WRONG(det::PlanPolicy, Model, on_failure_fits);
using NoOperations = Model<Clause::has_operations, How::absent>;
static_assert(table::fails_only(holds<NoOperations>(), {Clause::has_operations, Clause::plans}));
static_assert(!det::PlanPolicy<NoOperations>);

// Discovery and the gate may be left out, and must be right when they are there.
struct Discovers : Archetype {
  result<Refs> inputs(det::SourceReader&) const;
  result<void> gate(const det::SourceRef&, det::SourceReader&) const;
};
static_assert(table::fails_only<Clause>(holds<Discovers>(), {}));
static_assert(det::plan_clause::discovers<Discovers> && det::plan_clause::gates<Discovers>);
static_assert(!det::plan_clause::discovers<Archetype> && !det::plan_clause::gates<Archetype>);
struct DiscoversStatically : Archetype {
  static result<Refs> inputs(det::SourceReader&);
};
static_assert(table::fails_only<Clause>(holds<DiscoversStatically>(), {}));
struct InputsNotConst : Archetype {
  result<Refs> inputs(det::SourceReader&);
};
static_assert(table::fails_only(holds<InputsNotConst>(), {Clause::inputs_fit}));
struct InputsBare : Archetype {
  Refs inputs(det::SourceReader&) const;
};
static_assert(table::fails_only(holds<InputsBare>(), {Clause::inputs_fit}));
struct InputsWithoutReader : Archetype {
  result<Refs> inputs() const;
};
static_assert(table::fails_only(holds<InputsWithoutReader>(), {Clause::inputs_fit}));
struct InputsOverloaded : Archetype {
  result<Refs> inputs(int) const;
  result<Refs> inputs() const;
};
struct InputsTemplate : Archetype {
  template <class R> result<Refs> inputs(R&, int) const;
};
struct InputsAField : Archetype {
  Refs inputs;
};
static_assert(table::fails_only(holds<InputsAField>(), {Clause::inputs_fit}));
struct GateBool : Archetype {
  bool gate(const det::SourceRef&, det::SourceReader&) const;
};
static_assert(table::fails_only(holds<GateBool>(), {Clause::gate_fits}));
struct GateNotConst : Archetype {
  result<void> gate(const det::SourceRef&, det::SourceReader&);
};
static_assert(table::fails_only(holds<GateNotConst>(), {Clause::gate_fits}));
static_assert(!det::PlanPolicy<InputsNotConst> && !det::PlanPolicy<InputsBare> && !det::PlanPolicy<InputsWithoutReader> && !det::PlanPolicy<GateBool> && !det::PlanPolicy<GateNotConst>);
// An inputs that is overloaded or a template must not be taken for one that is not there.
static_assert(table::fails_only(holds<InputsOverloaded>(), {Clause::inputs_fit}));
static_assert(table::fails_only(holds<InputsTemplate>(), {Clause::inputs_fit}));
class InputsPrivate : public Archetype {
  [[maybe_unused]] result<Refs> inputs(det::SourceReader&) const;
};
static_assert(table::fails_only(holds<InputsPrivate>(), {Clause::inputs_fit}));
class Private : public Archetype {
  result<void> gate(const det::SourceRef&, det::SourceReader&) const;
  static constexpr det::MissingKeys missing_keys = det::MissingKeys::retire;
  static constexpr bool may_be_empty = true;
  static constexpr det::OnFailure on_failure = det::OnFailure::undo;
};
static_assert(table::fails_only(holds<Private>(), {Clause::gate_fits, Clause::missing_keys_fit, Clause::may_be_empty_fits, Clause::on_failure_fits}));
struct DiscoversByTemplate : Archetype {
  result<Refs> inputs(auto&) const;
};
struct DiscoversByOverload : Archetype {
  result<Refs> inputs(det::SourceReader&) const;
  result<Refs> inputs(int) const;
};
struct DiscoversFinally final : Archetype {
  result<Refs> inputs(det::SourceReader&) const;
};
struct DiscoversByBase : Discovers {};
static_assert(table::fails_only<Clause>(holds<DiscoversByTemplate>(), {}) && det::plan_clause::discovers<DiscoversByTemplate>);
static_assert(table::fails_only<Clause>(holds<DiscoversByOverload>(), {}) && det::plan_clause::discovers<DiscoversByOverload>);
static_assert(table::fails_only<Clause>(holds<DiscoversFinally>(), {}) && det::plan_clause::discovers<DiscoversFinally>);
static_assert(table::fails_only<Clause>(holds<DiscoversByBase>(), {}) && det::plan_clause::discovers<DiscoversByBase>);
struct FinalAndWrong final : Archetype {
  Refs inputs(det::SourceReader&) const;
};
static_assert(table::fails_only(holds<FinalAndWrong>(), {Clause::inputs_fit}));

// The constants, and what holds without them.
static_assert(det::missing_keys_of<Archetype> == det::MissingKeys::keep && !det::may_be_empty_of<Archetype> && det::on_failure_of<Archetype> == det::OnFailure::keep);
struct Declares : Archetype {
  static constexpr det::MissingKeys missing_keys = det::MissingKeys::retire;
  static constexpr bool may_be_empty = true;
  static constexpr det::OnFailure on_failure = det::OnFailure::undo;
};
static_assert(table::fails_only<Clause>(holds<Declares>(), {}));
static_assert(det::missing_keys_of<Declares> == det::MissingKeys::retire && det::may_be_empty_of<Declares> && det::on_failure_of<Declares> == det::OnFailure::undo);

}  // namespace
