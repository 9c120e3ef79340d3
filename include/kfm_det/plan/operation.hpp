// SPDX-License-Identifier: BSL-1.0
/// \file
/// Operation: the typed kind of a step. Pure: its output is a function of its params, the recorded inputs and its upstream outputs (PLAN-5).
///
///   struct ReadMonth {
///     struct Params { std::string uri; std::string month; };
///     static result<Output> run(const Params&, StepContext&);
///   };
///   KFM_DET_DESCRIBE(ReadMonth::Params, uri, month)
///
/// Its name stands in plans and logs: `static constexpr std::string_view name` where there is one, else the type's own name without what
/// encloses it. Renaming the type without giving it a `name` makes another plan: that wants a new version, as any change does (PLAN-2).
/// Thread-safety: run() is called by one thread at a time.
#ifndef KFM_DET_PLAN_OPERATION_HPP
#define KFM_DET_PLAN_OPERATION_HPP

#include <array>
#include <concepts>
#include <cstddef>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/function_ref.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/plan/plan_rules.hpp"

namespace kfm_det {

namespace detail {
template <class O> consteval std::string_view name_of_operation();
}

/// The name of an operation in plans and logs, the same on every compiler; empty for a type that has none.
template <class O> inline constexpr std::string_view operation_name = detail::name_of_operation<O>();

namespace operation_clause {
template <class O> concept has_params = requires { typename O::Params; };
template <class O> concept params_travel = !has_params<O> || Serialisable<typename O::Params>;
template <class O> concept runs = requires(const typename O::Params& params, StepContext& context) { { O::run(params, context) } -> std::same_as<result<Output>>; };
template <class O> concept name_fits = !requires { O::name; } || requires { { O::name } -> std::convertible_to<std::string_view>; };
template <class O> concept has_name = !name_fits<O> || detail::is_step_text(operation_name<O>);
}  // namespace operation_clause

template <class O>
concept Operation = operation_clause::has_params<O> && operation_clause::params_travel<O> && operation_clause::runs<O> && operation_clause::name_fits<O> &&
                    operation_clause::has_name<O>;

/// Says in sentences which clauses O misses, all of them at once.
template <class O>
consteval bool diagnose_operation() {
  using namespace operation_clause;
  static_assert(has_params<O>, "kfm_det operation: needs `struct Params {...}`: what the plan stores of a step");
  static_assert(params_travel<O>, "kfm_det operation: Params must be described: write KFM_DET_DESCRIBE(Operation::Params, fields...) behind the operation");
  if constexpr (has_params<O>)
    static_assert(runs<O>, "kfm_det operation: needs `static result<Output> run(const Params&, StepContext&)`; static, so that it is pure by shape");
  static_assert(name_fits<O>, "kfm_det operation: name must be a `static constexpr std::string_view`");
  static_assert(has_name<O>, "kfm_det operation: its type has no plain name (it is a template, unnamed, or not ASCII): give it a `static constexpr std::string_view name`");
  return Operation<O>;
}

/// The operations of a plan type, as a list of types: `using Operations = kfm_det::Operations<ReadMonth, Rollup>;`
template <class... Ops>
struct Operations {
  static constexpr std::array<std::string_view, sizeof...(Ops)> names{operation_name<Ops>...};
  template <class Op> static constexpr bool contains = (std::is_same_v<Op, Ops> || ...);

 private:
  static constexpr bool unique = [] {
    for (std::size_t i = 0; i < names.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (names[i] == names[j] && !names[i].empty()) return false;
    return true;
  }();
  static_assert((diagnose_operation<Ops>() && ...));
  static_assert(unique, "kfm_det operations: two operations of a plan type have one name; give one of them a `static constexpr std::string_view name`");
};

/// Runs the operation of that name, with params as a plan stores them.
///
/// Errors: leftover_step (the log records an operation that this program does not have); invalid_json (params of another shape: the type
/// changed without a new version); operation_threw, with what() (temporary when memory ran out, permanent otherwise); whatever run() answers.
template <class OperationList>
[[nodiscard]] result<Output> run_operation(std::string_view name, const Json& params, StepContext& context);

namespace detail {

/// Calls code of the user's. What it throws becomes errc::operation_threw; `where` says what was called.
[[nodiscard]] result<void> call_user_code(std::string_view where, function_ref<result<void>()> code);

template <class O>
constexpr const char* signature_of() { return __PRETTY_FUNCTION__; }

/// The last identifier of the type in "... [O = a::(anonymous namespace)::Outer<int>::Name]"; gcc writes "[with O = ...]". Compilers differ in
/// everything before it. Empty when a type does not end in an identifier of ASCII that follows "::" or begins the type.
consteval std::string_view last_identifier(std::string_view signature) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  if (signature.empty() || signature.back() != ']') return {};
  signature.remove_suffix(1);
  const std::size_t before = signature.find_last_not_of(plain);
  if (before == std::string_view::npos || before == 0) return {};
  const std::string_view lead = signature.substr(before - 1, 2);
  return lead == "::" || (lead == "= " && signature.substr(0, before + 1).ends_with("O = ")) ? signature.substr(before + 1) : std::string_view{};
}

template <class O>
consteval std::string_view name_of_operation() {
  if constexpr (requires { { O::name } -> std::convertible_to<std::string_view>; }) return O::name;
  else if constexpr (requires { O::name; } || !std::is_class_v<O> || !std::is_same_v<O, std::remove_cv_t<O>>) return {};
  else return last_identifier(signature_of<O>());
}

template <class O>
result<Output> run_typed(const Json& json, StepContext& context) {
  auto params = from_json<typename O::Params>(json);
  if (!params) return std::move(params).error().at("params").advise("Run it with the version that planned it; a change of Params needs a new version.");
  return O::run(params.value(), context);
}

using RunOperation = result<Output> (*)(const Json&, StepContext&);

[[nodiscard]] inline result<Output> run_chosen(std::string_view name, RunOperation run, const Json& params, StepContext& context) {
  if (run == nullptr)
    return Error(errc::leftover_step, "the plan has an operation that this program does not have", shown(name), "Run it with the version that planned it, or add the operation to Operations<...>.");
  result<Output> out = Output::nothing();
  KFM_DET_TRY(call_user_code(name, [&]() -> result<void> { out = run(params, context); return success(); }));
  if (!out) return std::move(out).error().at(name);
  return out;
}

template <class... Ops>
RunOperation find_operation(Operations<Ops...>*, [[maybe_unused]] std::string_view name) {
  RunOperation found = nullptr;
  ((operation_name<Ops> == name ? void(found = &run_typed<Ops>) : void()), ...);
  return found;
}

inline result<void> call_user_code(std::string_view where, function_ref<result<void>()> code) {
  const auto threw = [&](std::string_view what) { return Error(errc::operation_threw, "it threw: " + shown(what, 1000), std::string(where), "Catch it and return an Error that says what to do."); };
  try {
    return code();
  } catch (const std::bad_alloc&) {
    return threw("out of memory").with(Retry::temporary);
  } catch (const std::exception& exception) {
    return threw(exception.what());
  } catch (...) {
    return threw("something that is not a std::exception");
  }
}

}  // namespace detail

template <class OperationList>
result<Output> run_operation(std::string_view name, const Json& params, StepContext& context) {
  return detail::run_chosen(name, detail::find_operation(static_cast<OperationList*>(nullptr), name), params, context);
}

}  // namespace kfm_det

#endif
