// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a plan type gives for a set of inputs, worked out without an updater: the plan, and what each of its steps gives. The oracle of check_plan and check_updater.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_PLAN_OUTPUTS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_PLAN_OUTPUTS_HPP

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/contracts/source_reader.hpp"
#include "kfm_det/plan/builder.hpp"
#include "kfm_det/updater/environment.hpp"
#include "kfm_det/updater/spool.hpp"
#include "kfm_det/updater/step_context.hpp"

namespace kfm_det::conformance::detail {

/// What a step gave: all that the contract compares.
struct StepOutput {
  std::string key;        ///< empty: an intermediate
  Bytes bytes;
  std::string metadata;   ///< canonical
  std::string error;      ///< the step's error instead; everything that waits for it did not run
  friend bool operator==(const StepOutput&, const StepOutput&) = default;
};
/// Step id: what it gave.
using StepOutputs = std::map<std::string, StepOutput>;

/// Runs the steps of a plan, each once, in waves. What fails is in the outputs: an error, too, is a function of the inputs.
template <class P>
[[nodiscard]] StepOutputs run_steps(const Plan& plan, std::span<const SourceRef> inputs, SourceReader& reader, const Services& services) {
  StepOutputs out;
  Spool spool("/tmp", std::size_t{64} << 20);
  for (const auto& wave : plan.waves())
    for (const std::size_t index : wave) {
      const Step& step = plan.steps()[index];
      bool can = true;
      for (const std::string& before : step.after) can = can && out.contains(before) && out[before].error.empty();
      if (!can) continue;
      StepContext context({.reader = &reader,
                           .inputs = inputs,
                           .spool = &spool,
                           .services = &services,
                           .load_upstream = [&](const std::string& upstream) -> result<Bytes> { return out.at(upstream).bytes; },
                           .heartbeat = []() -> result<void> { return success(); },
                           .cancelled = {},
                           .progress = {}},
                          step);
      StepOutput& now = out[step.id];
      const auto work = [&]() -> result<void> {
        KFM_DET_TRY(Output output, run_operation<typename P::Operations>(step.operation, step.params, context));
        KFM_DET_TRY(context.finish());
        now.key = output.business_key.text;
        if (output.business_key.text != (step.publishes ? step.publishes->text : std::string()))
          return Error(errc::operation_failed, "the step gave content for " + (now.key.empty() ? "no key" : now.key) + " and its plan says " + (step.publishes ? step.publishes->text : "none"), step.id, "Use one key in both places.");
        KFM_DET_TRY(now.metadata, canonical(output.metadata));
        KFM_DET_TRY(const Spool::Entry* entry, spool.put(step.id, std::move(output)));
        KFM_DET_TRY(now.bytes, spool.load(*entry));
        spool.drop(step.id);
        return success();
      };
      if (auto done = work(); !done) now.error = done.error().message();
    }
  return out;
}

/// The first byte at which two outputs differ, in words; empty when they are equal.
[[nodiscard]] inline std::string first_difference(const StepOutput& before, const StepOutput& now) {
  if (before == now) return {};
  const auto shown = [](const std::string& text, std::size_t at) { return kfm_det::detail::shown(std::string_view(text).substr(at < 12 ? 0 : at - 12, 40)); };
  if (before.error != now.error) return "its error was \"" + kfm_det::detail::shown(before.error) + "\" and is now \"" + kfm_det::detail::shown(now.error) + "\"";
  if (before.key != now.key) return "its business key was " + before.key + " and is now " + now.key;
  const auto differ = [&](const char* what, const std::string& a, const std::string& b) {
    std::size_t at = 0;
    while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
    return "byte " + std::to_string(at) + " of its " + what + " differs: \"" + shown(a, at) + "\", then \"" + shown(b, at) + "\" (" + std::to_string(a.size()) + " and " + std::to_string(b.size()) + " bytes)";
  };
  return before.bytes != now.bytes ? differ("output", before.bytes, now.bytes) : differ("metadata", before.metadata, now.metadata);
}
/// The same for all steps: "step x: ...".
[[nodiscard]] inline std::string first_difference(const StepOutputs& before, const StepOutputs& now) {
  for (const auto& [step, output] : before) {
    const auto found = now.find(step);
    if (found == now.end()) return "step " + step + " did not run again";
    if (auto difference = first_difference(output, found->second); !difference.empty()) return "step " + step + ": " + difference;
  }
  for (const auto& [step, output] : now)
    if (!before.contains(step)) return "step " + step + " ran only the second time";
  return {};
}

}  // namespace kfm_det::conformance::detail

#endif
