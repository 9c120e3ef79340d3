// SPDX-License-Identifier: BSL-1.0
/// \file
/// The truth table of operations.
#include "kfm_det/plan/operation.hpp"

#include <array>
#include <string>
#include <string_view>

#include "table.hpp"

namespace {

namespace det = kfm_det;
using det::result;
using table::How;

enum class Clause { has_params, params_travel, runs, name_fits, has_name, none };

template <class O>
consteval std::array<bool, 5> holds() {
  using namespace det::operation_clause;
  return {has_params<O>, params_travel<O>, runs<O>, name_fits<O>, has_name<O>};
}

struct Described { std::string text; };
KFM_DET_DESCRIBE(Described, text)
struct Undescribed { std::string text; };

template <Clause C, How H> struct Parameters { using Params = Described; };
template <> struct Parameters<Clause::params_travel, How::absent> { using Params = Undescribed; };
template <> struct Parameters<Clause::params_travel, How::wrong> { using Params = std::string*; };
template <Clause C, How H> struct Name { static constexpr std::string_view name = "a model"; };
template <> struct Name<Clause::name_fits, How::absent> { static std::string_view name(); };  // what is there must be right
template <> struct Name<Clause::name_fits, How::wrong> { static constexpr int name = 3; };
template <> struct Name<Clause::has_name, How::absent> {};  // a template has none of its own
template <> struct Name<Clause::has_name, How::wrong> { static constexpr std::string_view name = "two\nlines"; };

template <Clause C, How H>
struct Model : Parameters<C, H>, Name<C, H> {
  using Params = typename Parameters<C, H>::Params;
  static result<det::Output> run(const Params&, det::StepContext&) requires(C != Clause::runs);
  result<det::Output> run(const Params&, det::StepContext&) requires(C == Clause::runs && H == How::wrong);  // not static: it could remember
};
using Archetype = Model<Clause::none, How::wrong>;
static_assert(table::fails_only<Clause>(holds<Archetype>(), {}));
static_assert(det::Operation<Archetype>);
static_assert(det::diagnose_operation<Archetype>());

FAILS_ALONE(det::Operation, Model, params_travel);
FAILS_ALONE(det::Operation, Model, runs);
FAILS_ALONE(det::Operation, Model, name_fits);
FAILS_ALONE(det::Operation, Model, has_name);

struct NoParams {
  static result<det::Output> run(const int&, det::StepContext&);
};
static_assert(table::fails_only(holds<NoParams>(), {Clause::has_params, Clause::runs}));
static_assert(!det::Operation<NoParams>);

struct AnswersBytes {
  using Params = Described;
  static det::Output run(const Params&, det::StepContext&);
};
static_assert(table::fails_only(holds<AnswersBytes>(), {Clause::runs}));
struct TakesParamsByReference {
  using Params = Described;
  static result<det::Output> run(Params&, det::StepContext&);  // could change them
};
static_assert(table::fails_only(holds<TakesParamsByReference>(), {Clause::runs}));
struct TakesParamsByValue {
  using Params = Described;
  static result<det::Output> run(Params, det::StepContext&);
};
static_assert(table::fails_only<Clause>(holds<TakesParamsByValue>(), {}));

}  // namespace
