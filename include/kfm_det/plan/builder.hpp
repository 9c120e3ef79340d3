// SPDX-License-Identifier: BSL-1.0
/// \file
/// PlanBuilder: how a plan type says its steps, with typed operations and params.
///
///   auto jan = plan.step<SummarizeMonth>("2012-01", {source, "2012-01"}).publishes("seattle/2012-01");
///   auto feb = plan.step<SummarizeMonth>("2012-02", {source, "2012-02"}).publishes("seattle/2012-02");
///   plan.step<SummarizeYear>("2012", {"2012"}).after(jan, feb).publishes("seattle/2012").tier(1);
///
/// Nothing fails on the way: what is wrong is remembered and comes out of finish(), the lowest step id first, whatever the order of steps.
/// Thread-safety: one thread. A StepBuilder is a handle: it must not outlive its PlanBuilder.
#ifndef KFM_DET_PLAN_BUILDER_HPP
#define KFM_DET_PLAN_BUILDER_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/source_ref.hpp"
#include "kfm_det/plan/operation.hpp"
#include "kfm_det/plan/plan.hpp"
#include "kfm_det/plan/step.hpp"

namespace kfm_det {

namespace detail {
/// The steps so far. What every PlanBuilder is, without its types.
class PlanDraft {
 public:
  std::size_t add(std::string id, std::string_view operation, result<std::string> params);
  void publish(std::size_t step, BusinessKey key);
  [[nodiscard]] Step& operator[](std::size_t step) noexcept { return steps_[step]; }
  [[nodiscard]] result<Plan> finish(std::string_view updater_id, const Version& version);

 private:
  void fail(std::size_t step, const Error& error);

  std::vector<Step> steps_;
  std::string failed_step_;
  std::optional<Error> failure_;
};
}  // namespace detail

/// One step that is being described. Copies mean the same step.
class StepBuilder {
 public:
  /// For PlanBuilder.
  StepBuilder(detail::PlanDraft& draft, std::size_t step) noexcept : draft_(&draft), step_(step) {}

  /// Waits for these steps (StepRefs or StepBuilders).
  template <class... Refs>
    requires(std::convertible_to<const Refs&, StepRef> && ...)
  StepBuilder after(const Refs&... steps) const {
    (after_id(static_cast<StepRef>(steps).id), ...);
    return *this;
  }
  StepBuilder after(std::span<const StepRef> steps) const {
    for (const StepRef& step : steps) after_id(step.id);
    return *this;
  }
  StepBuilder after(std::span<const StepBuilder> steps) const {
    for (const StepBuilder& step : steps) after_id(step.id());
    return *this;
  }
  StepBuilder after_id(std::string step_id) const {
    (*draft_)[step_].after.push_back(std::move(step_id));
    return *this;
  }
  /// The one business key that the step's output is published under. Another one for the same step is errc::invalid_argument.
  StepBuilder publishes(BusinessKey key) const {
    draft_->publish(step_, std::move(key));
    return *this;
  }
  /// Undo stops here.
  StepBuilder irreversible() const {
    (*draft_)[step_].irreversible = true;
    return *this;
  }
  /// 0 to 3: how much approval the publication needs.
  StepBuilder tier(std::uint32_t tier) const {
    (*draft_)[step_].tier = tier;
    return *this;
  }
  /// Adds labels.
  StepBuilder care(std::vector<std::string> labels) const {
    for (std::string& label : labels) (*draft_)[step_].care.push_back(std::move(label));
    return *this;
  }

  [[nodiscard]] const std::string& id() const noexcept { return (*draft_)[step_].id; }
  operator StepRef() const { return {id()}; }  // implicit: a step is named by what describes it

 private:
  detail::PlanDraft* draft_;
  std::size_t step_;
};

template <class OperationList>
class PlanBuilder {
 public:
  PlanBuilder() = default;
  PlanBuilder(const PlanBuilder&) = delete;
  PlanBuilder& operator=(const PlanBuilder&) = delete;

  /// Adds a step. In a template that depends on the builder's type, write `plan.template step<Op>(...)`.
  template <class Op>
  StepBuilder step(std::string id, typename Op::Params params) {
    static_assert(OperationList::template contains<Op>, "kfm_det plan: this operation is not in Operations<...> of the plan type");
    return {draft_, draft_.add(std::move(id), operation_name<Op>, canonical(params))};
  }

  /// The plan of the steps so far; the builder is empty afterwards. Errors: those of Plan::make, and for params that cannot be written
  /// (NaN, text that is not UTF-8) invalid_json, with step and field. Of several the lowest step id's.
  [[nodiscard]] result<Plan> finish(std::string_view updater_id, const Version& version) { return draft_.finish(updater_id, version); }

 private:
  detail::PlanDraft draft_;
};

/// What P plans for these inputs: sorted and de-duplicated first, so that their order cannot matter.
///
/// Errors: operation_threw when plan() throws; what plan() answers; those of PlanBuilder::finish.
template <class P>
[[nodiscard]] result<Plan> build_plan(std::span<const SourceRef> inputs) {
  static_assert(diagnose_plan<P>());
  const std::vector<SourceRef> canonical = canonical_inputs(inputs);
  PlanBuilder<typename P::Operations> builder;
  KFM_DET_TRY(detail::call_user_code("plan()", [&]() -> result<void> { return P::plan(std::span<const SourceRef>(canonical), builder); }));
  return builder.finish(UpdaterId(P::id).text, Version(P::version));
}

namespace detail {

inline std::size_t PlanDraft::add(std::string id, std::string_view operation, result<std::string> params) {
  const std::size_t at = steps_.size();
  Step& step = steps_.emplace_back();
  step.id = std::move(id);
  step.operation = operation;
  if (!params) {
    fail(at, params.error().at("params"));
    return at;
  }
  auto json = parse_json(params.value());  // from the text, so that only one codec of Params is compiled, and an unwritable value cannot slip through
  if (json) step.params = std::move(json).value();
  else fail(at, json.error().at("params"));
  return at;
}

inline void PlanDraft::publish(std::size_t at, BusinessKey key) {
  Step& step = steps_[at];
  if (step.publishes && step.publishes != key)
    fail(at, Error(errc::invalid_argument, "a step publishes one business key, and this one was given two", shown(step.publishes->text) + ", " + shown(key.text), "Make it two steps."));
  step.publishes = std::move(key);
}

inline void PlanDraft::fail(std::size_t at, const Error& error) {
  const std::string& id = steps_[at].id;
  Error placed = error.at("step " + shown(id));
  if (failure_ && (failed_step_ < id || (failed_step_ == id && failure_->message() <= placed.message()))) return;
  failed_step_ = id;
  failure_ = std::move(placed);
}

inline result<Plan> PlanDraft::finish(std::string_view updater_id, const Version& version) {
  if (failure_) return *failure_;
  return Plan::make(std::string(updater_id), version, std::exchange(steps_, {}));
}

}  // namespace detail
}  // namespace kfm_det

#endif
