// SPDX-License-Identifier: BSL-1.0
/// \file
/// Plan: the user's domain. A versioned type that turns inputs into a DAG of steps, purely.
///
/// Laws, each with its usual bug:
///   PLAN-1  plan() is a function of (version, the set of inputs): no clock, randomness, environment, locale, file. Bug: now() in a plan.
///   PLAN-2  a change of what plan() or an operation gives for the same inputs needs a new version. Bug: the same id, other bytes, an old log.
///   PLAN-3  inputs() is the only place that looks at the world. Bug: plan() lists a folder.
///   PLAN-4  gate() refuses a bad input before PLAN, naming file, line and reason, and nothing is published. Bug: half of a broken file.
///   PLAN-5  an operation is a function of its params, the recorded inputs and its upstream outputs. Bug: a cache that differs from run to run.
///   PLAN-6  a business key is the target of at most one step. Bug: whoever comes last wins.
/// Thread-safety: plan() and operations are called by one thread at a time.
#ifndef KFM_DET_CONTRACTS_PLAN_HPP
#define KFM_DET_CONTRACTS_PLAN_HPP

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/source_reader.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/source_ref.hpp"
#include "kfm_det/core/version.hpp"

namespace kfm_det {

template <class OperationList> class PlanBuilder;  // plan/builder.hpp
class StepContext;                                 // updater/step_context.hpp

/// What a step gives: content for a business key; without a key, an intermediate for later steps, or (empty) a check that passed.
struct Output {
  BusinessKey business_key;                   ///< empty, or the key that the step publishes
  std::variant<Bytes, StagedFile> bytes;
  Json metadata = Json::object();             ///< an object; part of the content's identity

  [[nodiscard]] static Output publish(BusinessKey key, Bytes bytes, Json metadata = Json::object()) { return {std::move(key), std::move(bytes), std::move(metadata)}; }
  [[nodiscard]] static Output intermediate(Bytes bytes) { return {BusinessKey{}, std::move(bytes), Json::object()}; }
  [[nodiscard]] static Output nothing() { return {}; }
};

/// What happens to a key that an earlier run of the scope planned and this plan does not.
enum class MissingKeys : std::uint8_t {
  keep,    ///< stays current
  retire,  ///< gets a tombstone
};
/// What happens when a run fails after it has published something.
enum class OnFailure : std::uint8_t {
  keep,  ///< what is published stays until the next trigger settles the run
  undo,  ///< the run is undone at once
};

namespace plan_clause {
template <class P> concept has_id = requires { { P::id } -> std::convertible_to<UpdaterId>; };
template <class P> concept id_is_valid = !has_id<P> || requires { requires UpdaterId(P::id).valid(); };
template <class P> concept has_version = requires { { P::version } -> std::convertible_to<Version>; };
template <class P> concept has_operations = requires { typename P::Operations; };
template <class P> concept plans = requires(std::span<const SourceRef> inputs, PlanBuilder<typename P::Operations>& builder) { { P::plan(inputs, builder) } -> std::same_as<result<void>>; };
template <class P> concept discovers = requires(const P& plan, SourceReader& reader) { { plan.inputs(reader) } -> std::same_as<result<std::vector<SourceRef>>>; };
template <class P> concept gates = requires(const P& plan, const SourceRef& ref, SourceReader& reader) { { plan.gate(ref, reader) } -> std::same_as<result<void>>; };

// What may be left out must be right when it is there; also when it is private, overloaded or a template, which `&P::inputs` would take for
// nothing. In a class that derives from P and from Optional, a name that P has is ambiguous. (A final P can only be asked the plain way.)
struct Optional { int inputs, gate, missing_keys, may_be_empty, on_failure; };
template <class P> struct Probe : P, Optional {};
template <class P> concept open = std::is_class_v<P> && !std::is_final_v<P>;
template <class P> concept mentions_inputs = requires { &P::inputs; } || (open<P> && !requires { &Probe<P>::inputs; });
template <class P> concept mentions_gate = requires { &P::gate; } || (open<P> && !requires { &Probe<P>::gate; });
template <class P> concept mentions_missing_keys = requires { P::missing_keys; } || (open<P> && !requires { &Probe<P>::missing_keys; });
template <class P> concept mentions_may_be_empty = requires { P::may_be_empty; } || (open<P> && !requires { &Probe<P>::may_be_empty; });
template <class P> concept mentions_on_failure = requires { P::on_failure; } || (open<P> && !requires { &Probe<P>::on_failure; });
template <class P> concept inputs_fit = !mentions_inputs<P> || discovers<P>;
template <class P> concept gate_fits = !mentions_gate<P> || gates<P>;
template <class P> concept missing_keys_fit = !mentions_missing_keys<P> || requires { { P::missing_keys } -> std::convertible_to<MissingKeys>; };
template <class P> concept may_be_empty_fits = !mentions_may_be_empty<P> || requires { { P::may_be_empty } -> std::convertible_to<bool>; };
template <class P> concept on_failure_fits = !mentions_on_failure<P> || requires { { P::on_failure } -> std::convertible_to<OnFailure>; };
}  // namespace plan_clause

template <class P>
concept PlanPolicy = plan_clause::has_id<P> && plan_clause::id_is_valid<P> && plan_clause::has_version<P> && plan_clause::has_operations<P> &&
                     plan_clause::plans<P> && plan_clause::inputs_fit<P> && plan_clause::gate_fits<P> && plan_clause::missing_keys_fit<P> && plan_clause::may_be_empty_fits<P> &&
                     plan_clause::on_failure_fits<P>;

/// Says in sentences which clauses P misses, all of them at once.
template <class P>
consteval bool diagnose_plan() {
  using namespace plan_clause;
  static_assert(has_id<P>, "kfm_det plan: needs `static constexpr kfm_det::UpdaterId id{\"...\"}`");
  static_assert(id_is_valid<P>, "kfm_det plan: id must be constexpr, 1 to 128 of a-z, 0-9, '.', '_' and '-', a letter or digit first");
  static_assert(has_version<P>, "kfm_det plan: needs `static constexpr kfm_det::Version version{1, 0, 0}`; a change of behaviour needs a new one");
  static_assert(has_operations<P>, "kfm_det plan: needs `using Operations = kfm_det::Operations<...>`");
  if constexpr (has_operations<P>)
    static_assert(plans<P>, "kfm_det plan: needs `static result<void> plan(span<const SourceRef>, PlanBuilder<Operations>&)`; static, so that it is pure by shape");
  static_assert(inputs_fit<P>, "kfm_det plan: inputs must be `result<vector<SourceRef>> inputs(SourceReader&) const`");
  static_assert(gate_fits<P>, "kfm_det plan: gate must be `result<void> gate(const SourceRef&, SourceReader&) const`");
  static_assert(missing_keys_fit<P>, "kfm_det plan: missing_keys must be a `kfm_det::MissingKeys`: keep or retire");
  static_assert(may_be_empty_fits<P>, "kfm_det plan: may_be_empty must be a bool");
  static_assert(on_failure_fits<P>, "kfm_det plan: on_failure must be a `kfm_det::OnFailure`: keep or undo");
  return PlanPolicy<P>;
}

/// The declared constants, or their defaults: keep, false, keep.
template <class P> inline constexpr MissingKeys missing_keys_of = [] { if constexpr (requires { P::missing_keys; }) return MissingKeys{P::missing_keys}; else return MissingKeys::keep; }();
template <class P> inline constexpr bool may_be_empty_of = [] { if constexpr (requires { P::may_be_empty; }) return bool{P::may_be_empty}; else return false; }();
template <class P> inline constexpr OnFailure on_failure_of = [] { if constexpr (requires { P::on_failure; }) return OnFailure{P::on_failure}; else return OnFailure::keep; }();

}  // namespace kfm_det

#endif
