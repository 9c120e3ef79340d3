// SPDX-License-Identifier: BSL-1.0
/// \file
/// Plan: a validated DAG of steps, its canonical text, and the hash that names it. What a run will do, before it does any of it.
///
/// Immutable: there is no Plan that breaks a rule below, and none that changes. Thread-safety: read it from any thread.
/// Canonical form (DESIGN 5): RFC 8785 of {"steps":[...],"updater":id,"version":"x.y.z"}, the steps in byte order of their ids.
///   plan_hash = SHA-256("kfm_det/v1/plan\n" + canonical text)
///
/// Every rule is checked again when a plan is read back: a log may have been written by another build, or by nobody of ours. Which error
/// comes out never depends on the order in which steps were given: ids, then fields by id, then dependencies, targets, cycles, size.
#ifndef KFM_DET_PLAN_PLAN_HPP
#define KFM_DET_PLAN_PLAN_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/describe.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/core/result.hpp"
#include "kfm_det/core/version.hpp"
#include "kfm_det/plan/graph.hpp"
#include "kfm_det/plan/json_difference.hpp"
#include "kfm_det/plan/plan_rules.hpp"
#include "kfm_det/plan/step.hpp"

namespace kfm_det {

class Plan {
 public:
  /// Sorts steps, dependencies and labels; the order in which they come does not matter.
  ///
  /// Errors: duplicate_step; unknown_dependency (where: "waiting -> missing"); duplicate_target (where: "a, b: key"); cycle (where: the
  /// whole path "a -> b -> a", each waiting for the next: through the lowest id that is on any cycle the shortest, of equally short ones
  /// the first in byte order); limit_exceeded (limits::plan_*, limits::json_bytes_max); invalid_argument and invalid_json for a field that
  /// cannot be: an updater id that is none, a step id or operation that is not 1 to 256 bytes of printable ASCII, an id that starts with
  /// "retire:" (those are tombstones), a business key that is none, a tier above 3, text that is not UTF-8, NaN.
  [[nodiscard]] static result<Plan> make(std::string updater_id, const Version& version, std::vector<Step> steps);
  /// Strict: exactly what canonical_text() gives. Errors: invalid_json, and those of make().
  [[nodiscard]] static result<Plan> parse(BytesView canonical_text);
  /// As parse, of a plan that is a member of a larger value (the PLAN record).
  [[nodiscard]] static result<Plan> from_json(const Json& json);

  [[nodiscard]] const std::string& updater_id() const noexcept { return document_.updater; }
  [[nodiscard]] const Version& version() const noexcept { return document_.version; }
  /// In byte order of their ids.
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return document_.steps; }
  [[nodiscard]] std::size_t size() const noexcept { return document_.steps.size(); }
  [[nodiscard]] bool empty() const noexcept { return document_.steps.empty(); }
  /// Null when there is no such step.
  [[nodiscard]] const Step* find(std::string_view step_id) const noexcept;

  [[nodiscard]] const std::string& canonical_text() const noexcept { return text_; }
  [[nodiscard]] PlanHash hash() const noexcept { return hash_; }
  [[nodiscard]] Json to_json() const;

  /// Indices into steps(): wave k holds the steps whose longest chain of dependencies has k steps, by id. All of a wave may run at once.
  [[nodiscard]] std::vector<std::vector<std::size_t>> waves() const;

  friend bool operator==(const Plan& a, const Plan& b) noexcept { return a.text_ == b.text_; }

 private:
  struct Document {
    std::vector<Step> steps;
    std::string updater;
    Version version;
    KFM_DET_DESCRIBE_FRIEND(Document, steps, updater, version)
  };
  Plan(Document document, std::vector<std::uint32_t> level, std::string text);
  [[nodiscard]] static result<Plan> read(const Json& json, BytesView text);

  Document document_;
  std::vector<std::uint32_t> level_;  // of each step: which wave
  std::string text_;
  PlanHash hash_;
};

/// The first thing in which two plans of one updater differ, seen from `before`: "step 2012-01: params.month was \"01\" and is now \"02\"".
/// Updater id and version first, then the steps by id, then a step's fields. Empty when the plans are equal.
[[nodiscard]] std::string first_difference(const Plan& before, const Plan& now);

inline Plan::Plan(Document document, std::vector<std::uint32_t> level, std::string text)
    : document_(std::move(document)), level_(std::move(level)), text_(std::move(text)), hash_(plan_hash(text_)) {}

inline result<Plan> Plan::make(std::string updater_id, const Version& version, std::vector<Step> steps) {
  KFM_DET_TRY(detail::check_updater_id(updater_id));
  KFM_DET_TRY(detail::sort_steps(steps));
  KFM_DET_TRY(detail::check_fields(steps));
  KFM_DET_TRY(const detail::StepGraph graph, detail::graph_of(steps));
  KFM_DET_TRY(detail::check_targets(steps));
  detail::Topology found = detail::topology(graph);
  if (found.first_cyclic) return detail::cycle_error(steps, detail::shortest_cycle(graph, *found.first_cyclic));
  Document document{std::move(steps), std::move(updater_id), version};
  auto text = canonical(document);
  if (!text) return detail::step_that_cannot_be_written(document.steps, std::move(text).error());
  if (text.value().size() > limits::json_bytes_max)
    return Error(errc::limit_exceeded, "the text of the plan is longer than " + std::to_string(limits::json_bytes_max) + " bytes", document.updater, "Give each partition a plan of its own, or name large params by a source.");
  return Plan(std::move(document), std::move(found.level), std::move(text).value());
}

inline result<Plan> Plan::parse(BytesView canonical_text) {
  KFM_DET_TRY(const auto json, parse_json(canonical_text));
  return read(json, canonical_text);
}

inline result<Plan> Plan::from_json(const Json& json) {
  KFM_DET_TRY(const auto text, canonical(json));
  return read(json, text);
}

inline result<Plan> Plan::read(const Json& json, BytesView text) {
  KFM_DET_TRY(auto document, kfm_det::from_json<Document>(json));
  KFM_DET_TRY(auto plan, make(std::move(document.updater), document.version, std::move(document.steps)));
  if (plan.text_ != text)  // white space, or steps, dependencies or labels in another order: its hash would be another
    return Error(errc::invalid_json, "this is not the canonical text of the plan", plan.updater_id(), "Read the plan as it was written.");
  return plan;
}

// From its own text, here and below: no second codec of Step is compiled, and what the text does not say is no difference.
inline Json Plan::to_json() const {
  auto json = parse_json(text_);
  KFM_DET_ASSERT(json.has_value());
  return std::move(json).value();
}

inline const Step* Plan::find(std::string_view step_id) const noexcept {
  const std::size_t at = detail::index_of(document_.steps, step_id);
  return at < document_.steps.size() ? &document_.steps[at] : nullptr;
}

inline std::vector<std::vector<std::size_t>> Plan::waves() const {
  std::vector<std::vector<std::size_t>> out;
  for (std::size_t step = 0; step < level_.size(); ++step) {
    if (level_[step] >= out.size()) out.resize(level_[step] + std::size_t{1});
    out[level_[step]].push_back(step);
  }
  return out;
}

inline std::string first_difference(const Plan& before, const Plan& now) {
  if (before == now) return {};
  if (before.updater_id() != now.updater_id()) return "updater was " + before.updater_id() + " and is now " + now.updater_id();
  if (before.version() != now.version()) return "version was " + before.version().text() + " and is now " + now.version().text();
  const std::vector<Step>&a = before.steps(), &b = now.steps();
  for (std::size_t i = 0; i < a.size() || i < b.size(); ++i) {
    if (i == b.size() || (i < a.size() && a[i].id < b[i].id)) return "step " + a[i].id + " is gone";
    if (i == a.size() || b[i].id < a[i].id) return "step " + b[i].id + " is new";
    if (a[i] == b[i]) continue;
    const Json was = detail::json_of_step(a[i]), is = detail::json_of_step(b[i]);
    if (const auto found = detail::difference_of({}, was, is)) return "step " + a[i].id + ": " + detail::sentence_of(*found);
  }
  return {};
}

}  // namespace kfm_det

#endif
