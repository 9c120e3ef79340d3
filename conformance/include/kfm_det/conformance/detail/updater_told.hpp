// SPDX-License-Identifier: BSL-1.0
/// \file
/// What an updater tells of its runs and keys, as text: what stays the same where nothing was done but looking, or compacting.
///
/// Thread-safety: pure functions.
#ifndef KFM_DET_CONFORMANCE_DETAIL_UPDATER_TOLD_HPP
#define KFM_DET_CONFORMANCE_DETAIL_UPDATER_TOLD_HPP

#include <concepts>
#include <string>
#include <vector>

#include "kfm_det/core/json_writer.hpp"
#include "kfm_det/updater/explain.hpp"

namespace kfm_det::conformance::detail {

template <class U> concept tells = requires(U& updater, const BusinessKey& key) {
  { updater.status() } -> std::same_as<result<std::vector<wal::RunState>>>;
  { updater.explain(key) } -> std::same_as<result<Explanation>>;
};

/// A line for each run. Not in it: what only a reader of the log keeps of a run that is finished.
[[nodiscard]] inline std::string told_of(const std::vector<wal::RunState>& runs) {
  std::string out;
  for (const wal::RunState& run : runs) {
    out += "run " + run.id.text() + " of " + run.updater_id + " " + run.version.text() + ", trigger " + run.trigger_kind + " " + run.trigger_key + ": " + std::string(wal::name(run.status)) + ", planned at LSN " +
           std::to_string(run.order.lsn) + " of incarnation " + std::to_string(run.order.incarnation) + " " + run.planned_at.to_rfc3339() + ", finished " + run.finished_at.to_rfc3339() + ", " + std::to_string(run.attempts) +
           " attempts of " + std::to_string(run.attempts_ever) + ", " + std::to_string(run.planned_effects) + " effects" + (run.failure ? ", " + run.failure->sentence : "");
    for (const auto& effect : run.effects) out += "; " + effect.step_id + " of " + effect.business_key.text + ": " + std::to_string(static_cast<int>(effect.progress));
    for (const auto& [step, executed] : run.executed) out += "; " + step + " gave " + executed.content.hex();
    out += "\n";
  }
  return out;
}

[[nodiscard]] inline std::string told_of(const BusinessKey& key, const result<Explanation>& told) {
  std::string out = "key " + key.text + ":";
  if (!told) return out + " " + told.error().message() + "\n";
  for (const ExplainedPublication& one : told.value().history) {
    out += " " + one.publication.effect.hex() + ", " + std::string(name(one.publication.state)) + " of run " + one.publication.run.text() + (one.run_known ? "" : ", which nobody knows") + ", " + one.updater_id + " " + one.version.text() + ", trigger " + one.trigger_kind + " " +
           one.trigger_key + " by " + one.actor + ", planned " + one.planned_at.to_rfc3339() + ", finished " + one.finished_at.to_rfc3339() + ", " + std::string(wal::name(one.status)) + ", step " + one.step_id;
    for (const SourceRef& input : one.inputs) out += ", " + input.uri + " " + input.content_hash.hex();
    out += ", " + one.reason + one.remedy + ";";
  }
  if (const auto& current = told.value().current) out += " current: " + current->publication.effect.hex() + ";";
  for (const PendingRun& one : told.value().pending) out += " pending: run " + one.run.text() + ", " + one.trigger_key + ", " + std::string(wal::name(one.status)) + ", " + one.reason + one.remedy + ";";
  return out + "\n";
}

/// Where two texts of many lines differ first; empty when they are equal.
[[nodiscard]] inline std::string first_other_line(const std::string& before, const std::string& now) {
  for (std::size_t at = 0; at < before.size() || at < now.size();) {
    const std::string a = at < before.size() ? before.substr(at, before.find('\n', at) - at) : "nothing more", b = at < now.size() ? now.substr(at, now.find('\n', at) - at) : "nothing more";
    if (a != b) return "before \"" + a + "\", now \"" + b + "\"";
    at += a.size() + 1;
  }
  return {};
}

}  // namespace kfm_det::conformance::detail

#endif
