// SPDX-License-Identifier: BSL-1.0
/// \file
/// A small plan type and its worlds, for people who have backends to check and no plan: one key for each source, and a roll-up of them all that is checked.
///
/// Thread-safety: pure functions.
#ifndef KFM_DET_CONFORMANCE_UPDATER_SAMPLE_HPP
#define KFM_DET_CONFORMANCE_UPDATER_SAMPLE_HPP

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/updater_watch.hpp"
#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/plan/builder.hpp"
#include "kfm_det/updater/step_context.hpp"

namespace kfm_det::conformance {

/// Publishes a source as it is.
struct SampleCopy {
  struct Params { SourceRef source; };
  static result<Output> run(const Params& params, StepContext& context) {
    KFM_DET_TRY(Bytes bytes, context.read_all(params.source));
    return Output::publish(BusinessKey{params.source.uri}, std::move(bytes));
  }
};
/// Puts what came before it together.
struct SampleJoin {
  struct Params { std::vector<std::string> parts; };
  static result<Output> run(const Params& params, StepContext& context) {
    Bytes all;
    for (const std::string& part : params.parts) {
      KFM_DET_TRY(const BytesView bytes, context.upstream(part));
      all += "|";
      all += bytes;
    }
    return Output::publish(BusinessKey{"all"}, std::move(all), Json::object({{"parts", Json(static_cast<std::uint64_t>(params.parts.size()))}}));
  }
};
/// Publishes nothing: a check.
struct SampleCheck {
  struct Params { std::string step; };
  static result<Output> run(const Params& params, StepContext& context) {
    KFM_DET_TRY(const BytesView bytes, context.upstream(params.step));
    if (bytes.empty()) return Error(errc::operation_failed, "there is nothing to publish", params.step, "Give the plan a source.");
    return Output::nothing();
  }
};
KFM_DET_DESCRIBE(SampleCheck::Params, step)
KFM_DET_DESCRIBE(SampleCopy::Params, source)
KFM_DET_DESCRIBE(SampleJoin::Params, parts)

struct SamplePlan {
  static constexpr UpdaterId id{"sample"};
  static constexpr Version version{1, 0, 0};
  static constexpr MissingKeys missing_keys = MissingKeys::retire;
  using Operations = kfm_det::Operations<SampleCheck, SampleCopy, SampleJoin>;
  std::vector<std::string> uris;

  result<std::vector<SourceRef>> inputs(SourceReader& reader) const { return reader.describe_all(uris); }
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    std::vector<StepRef> parts;
    SampleJoin::Params join;
    for (const SourceRef& ref : inputs) {
      parts.push_back(plan.step<SampleCopy>("copy:" + ref.uri, {ref}).publishes(BusinessKey{ref.uri}));
      join.parts.push_back("copy:" + ref.uri);
    }
    const StepRef all = plan.step<SampleJoin>("join", join).after(parts).publishes(BusinessKey{"all"});
    plan.step<SampleCheck>("check", {all.id}).after(all);
    return success();
  }
};

/// The same behind a gate: no line of a source may be "bad".
struct GatedSamplePlan : SamplePlan {
  result<void> gate(const SourceRef& ref, SourceReader& reader) const {
    KFM_DET_TRY(const Bytes bytes, reader.read_all(ref.uri));
    std::size_t number = 1;
    for (std::size_t at = 0; at < bytes.size(); ++number) {
      const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
      if (BytesView(bytes).substr(at, end - at) == "bad") return Error(errc::gate_rejected, "line " + std::to_string(number) + " is bad", ref.uri, "Mend the source.");
      at = end + 1;
    }
    return success();
  }
};

/// A: three sources. B: one changed, one left. C: one of its own. D: as A, with other bytes.
[[nodiscard]] inline std::vector<Sources> sample_worlds() {
  return {{{"a", "one"}, {"b", "two"}, {"c", "three"}}, {{"a", "other"}, {"b", "two"}}, {{"d", "four"}, {"b", "two"}}, {{"a", "one"}, {"b", "zwei"}, {"c", "drei"}}};
}
[[nodiscard]] inline SamplePlan sample_plan(const Sources& world) {
  SamplePlan plan;
  for (const auto& [uri, bytes] : world) plan.uris.push_back(uri);
  return plan;
}

}  // namespace kfm_det::conformance

#endif
