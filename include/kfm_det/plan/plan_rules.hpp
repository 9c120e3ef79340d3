// SPDX-License-Identifier: BSL-1.0
/// \file
/// The rules that every Plan keeps, one function each. Plan::make calls them in this order; include plan/plan.hpp.
///
/// Steps are sorted by id before anything else is looked at, and every function reports the first breach in that order: so an error, too, is
/// a function of the set of steps. Thread-safety: pure functions.
#ifndef KFM_DET_PLAN_PLAN_RULES_HPP
#define KFM_DET_PLAN_PLAN_RULES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/utf8.hpp"
#include "kfm_det/plan/graph.hpp"
#include "kfm_det/plan/step.hpp"

namespace kfm_det::detail {

/// 1 to 256 bytes of printable ASCII: what stands in file names, tables and terminals without surprise.
[[nodiscard]] constexpr bool is_step_text(std::string_view text) noexcept {
  if (text.empty() || text.size() > limits::step_text_bytes_max) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// Any text as it may stand in an error: control characters and what is not UTF-8 as \xNN, and not longer than `bytes_max`.
[[nodiscard]] inline std::string shown(std::string_view text, std::size_t bytes_max = 120) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const std::string_view piece = text.substr(at, length == 0 ? 1 : length);
    if (at + piece.size() > bytes_max) return out + "...";
    const bool control = piece[0] >= '\0' && (piece[0] < ' ' || piece[0] == '\x7f');
    const bool c1 = piece >= "\xc2\x80" && piece <= "\xc2\x9f";
    if (length != 0 && !control && !c1) out += piece;
    else for (const char c : piece) out += "\\x" + to_hex({&c, 1});
    at += piece.size();
  }
  return out;
}

[[nodiscard]] inline std::string place(const Step& step) { return "step " + step.id; }

/// Where `id` is among steps that are sorted by id; their number when it is not there.
[[nodiscard]] inline std::size_t index_of(const std::vector<Step>& steps, std::string_view id) noexcept {
  const auto at = std::lower_bound(steps.begin(), steps.end(), id, [](const Step& step, std::string_view wanted) { return step.id < wanted; });
  return at != steps.end() && at->id == id ? static_cast<std::size_t>(at - steps.begin()) : steps.size();
}

[[nodiscard]] inline result<void> check_updater_id(const std::string& id) {
  if (UpdaterId(id).valid()) return success();
  return Error(errc::invalid_argument, "not an updater id", shown(id), "Use 1 to " + std::to_string(limits::updater_id_bytes_max) + " of a-z, 0-9, '.', '_' and '-', a letter or digit first.");
}

// One type for both orders, so that one sort is compiled.
using StepOrder = bool (*)(const Step*, const Step*);
[[nodiscard]] inline bool by_id(const Step* a, const Step* b) { return a->id < b->id; }
[[nodiscard]] inline bool by_target(const Step* a, const Step* b) {
  const int order = a->publishes->text.compare(b->publishes->text);
  return order != 0 ? order < 0 : a->id < b->id;
}

/// Sorted by id, each id once and well formed; dependencies and labels sorted, each once.
[[nodiscard]] inline result<void> sort_steps(std::vector<Step>& steps) {
  const auto sort_unique = [](std::vector<std::string>& texts) {
    std::sort(texts.begin(), texts.end());
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  };
  if (steps.size() > limits::plan_steps_max)
    return Error(errc::limit_exceeded, "a plan has more than " + std::to_string(limits::plan_steps_max) + " steps", std::to_string(steps.size()) + " steps", "Give each partition a plan of its own.");
  std::vector<const Step*> order;
  order.reserve(steps.size());
  for (const Step& step : steps) order.push_back(&step);
  std::sort(order.begin(), order.end(), StepOrder(by_id));
  std::vector<Step> sorted;
  sorted.reserve(steps.size());
  for (const Step* const step : order) sorted.push_back(std::move(steps[static_cast<std::size_t>(step - steps.data())]));
  steps = std::move(sorted);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string& id = steps[i].id;
    if (!is_step_text(id))
      return Error(errc::invalid_argument, "a step id is 1 to " + std::to_string(limits::step_text_bytes_max) + " bytes of printable ASCII", "step " + shown(id), "Name the step for what it does.");
    if (id.starts_with("retire:")) return Error(errc::invalid_argument, "a step id starts with retire:, which names the tombstones of keys that left", place(steps[i]), "Choose another id.");
    if (i != 0 && steps[i - 1].id == id) return Error(errc::duplicate_step, "two steps have one id", place(steps[i]), "Give each step an id of its own.");
    sort_unique(steps[i].after);
    sort_unique(steps[i].care);
  }
  return success();
}

[[nodiscard]] inline result<void> check_fields(const std::vector<Step>& steps) {
  const auto is_label = [](std::string_view label) {
    return !label.empty() && label.size() <= limits::step_text_bytes_max && utf8_fault(label) == std::string_view::npos &&
           std::none_of(label.begin(), label.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  };
  for (const Step& step : steps) {
    if (!is_step_text(step.operation))
      return Error(errc::invalid_argument, "an operation's name is 1 to " + std::to_string(limits::step_text_bytes_max) + " bytes of printable ASCII", place(step) + ": " + shown(step.operation), "Give the operation a `name`.");
    if (step.publishes)
      if (auto valid = valid_business_key(*step.publishes); !valid) return valid.error().at(place(step) + ": publishes");
    if (step.tier > limits::step_tier_max)
      return Error(errc::invalid_argument, "a tier is 0 to " + std::to_string(limits::step_tier_max), place(step) + ": tier " + std::to_string(step.tier), "Say which of the four tiers is meant.");
    if (step.care.size() > limits::step_labels_max)
      return Error(errc::limit_exceeded, "a step has more than " + std::to_string(limits::step_labels_max) + " labels", place(step), "Keep the labels that a policy asks for.");
    for (const std::string& label : step.care)
      if (!is_label(label))
        return Error(errc::invalid_argument, "a label is 1 to " + std::to_string(limits::step_text_bytes_max) + " bytes of UTF-8 without control characters", place(step) + ": label " + shown(label), "Use a label that people can read.");
  }
  return success();
}

[[nodiscard]] inline result<StepGraph> graph_of(const std::vector<Step>& steps) {
  StepGraph graph;
  graph.first.reserve(steps.size() + 1);
  for (const Step& step : steps) {
    if (step.after.size() > limits::plan_dependencies_max - graph.to.size())
      return Error(errc::limit_exceeded, "a plan has more than " + std::to_string(limits::plan_dependencies_max) + " dependencies", place(step), "Put a step between the many and the many.");
    for (const std::string& dependency : step.after) {
      const std::size_t at = index_of(steps, dependency);
      if (at == steps.size())
        return Error(errc::unknown_dependency, "a step waits for a step that the plan does not have", step.id + " -> " + shown(dependency), "Add the step, or do not wait for it.");
      graph.to.push_back(static_cast<std::uint32_t>(at));  // ascending, as the ids are
    }
    graph.first.push_back(static_cast<std::uint32_t>(graph.to.size()));
  }
  return graph;
}

/// PLAN-6.
[[nodiscard]] inline result<void> check_targets(const std::vector<Step>& steps) {
  std::vector<const Step*> publishing;
  for (const Step& step : steps)
    if (step.publishes) publishing.push_back(&step);
  std::sort(publishing.begin(), publishing.end(), StepOrder(by_target));
  for (std::size_t i = 1; i < publishing.size(); ++i)
    if (publishing[i - 1]->publishes == publishing[i]->publishes)
      return Error(errc::duplicate_target, "two steps publish one business key", publishing[i - 1]->id + ", " + publishing[i]->id + ": " + publishing[i]->publishes->text, "Let one step publish it, after the other.");
  return success();
}

[[nodiscard]] inline Error cycle_error(const std::vector<Step>& steps, const std::vector<std::uint32_t>& path) {
  constexpr std::size_t half = limits::cycle_steps_shown_max / 2;
  std::string where;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path.size() > limits::cycle_steps_shown_max && i == half) {
      i = path.size() - half;
      where += "(" + std::to_string(i - half) + " more) -> ";
    }
    where += steps[path[i]].id + " -> ";
  }
  return Error(errc::cycle, path.size() == 1 ? "a step waits for itself" : "steps wait for each other, so none can run", where + steps[path[0]].id, "Take one of these dependencies out.");
}

/// Of a step of a plan, which could be written.
[[nodiscard]] inline Json json_of_step(const Step& step) {
  const auto text = canonical(step);
  auto json = parse_json(text ? text.value() : "null");
  return json ? std::move(json).value() : Json();
}

/// The writer knows the place in the document; a person wants the step.
[[nodiscard]] inline Error step_that_cannot_be_written(const std::vector<Step>& steps, Error whole) {
  for (const Step& step : steps)
    if (auto text = canonical(step); !text) return text.error().at(place(step));
  return whole;
}

}  // namespace kfm_det::detail

#endif
