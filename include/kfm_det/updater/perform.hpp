// SPDX-License-Identifier: BSL-1.0
/// \file
/// perform_step(): runs one step and says what it gave: the pure part of a run, the same for the updater and for a replay in a sandbox.
///
/// Nothing is published and nothing is recorded here; the output waits in the spool. An internal of the room. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_PERFORM_HPP
#define KFM_DET_UPDATER_PERFORM_HPP

#include <optional>
#include <string>
#include <utility>

#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/core/idempotency_key.hpp"
#include "kfm_det/plan/operation.hpp"
#include "kfm_det/plan/step.hpp"
#include "kfm_det/updater/spool.hpp"
#include "kfm_det/updater/step_context.hpp"
#include "kfm_det/wal/run_state.hpp"

namespace kfm_det::detail {

/// Errors: what the operation answers; operation_threw; operation_failed (it gave something else than its step declares); input_changed, also of what it
/// left unread; what the spool answers.
template <class P>
[[nodiscard]] result<wal::ExecutedStep> perform_step(const Step& step, StepContext& context, Spool& spool, const std::string& updater_id, const Version& version) {
  auto ran = run_operation<typename P::Operations>(step.operation, step.params, context);
  if (!ran) return ran.error().at("step " + step.id);
  if (auto checked = context.finish(); !checked) return checked.error().at("step " + step.id);
  Output output = std::move(ran).value();
  const auto bad = [&](std::string what, std::string remedy) { return Error(errc::operation_failed, std::move(what), "step " + step.id, std::move(remedy)); };
  if (step.publishes && output.business_key.text.empty()) return bad("the step publishes " + step.publishes->text + " but gave no content for it", "Return Output::publish(key, bytes).");
  if (!step.publishes && !output.business_key.text.empty()) return bad("the step gave content for " + output.business_key.text + " but publishes nothing", "Declare it in plan() with .publishes(key).");
  if (step.publishes && output.business_key != *step.publishes) return bad("the step publishes " + step.publishes->text + " but gave content for " + output.business_key.text, "Use one key in both places.");
  if (output.metadata.kind() != Json::Kind::object) return bad("the output's metadata is not an object", "Use Json::object({...}).");
  KFM_DET_TRY(const Spool::Entry* entry, spool.put(step.id, std::move(output)));
  wal::ExecutedStep now{entry->bytes_hash, entry->size, entry->content, std::nullopt};
  if (step.publishes) {
    KFM_DET_TRY(now.key, idempotency_key(updater_id, version, *step.publishes, entry->content));
  }
  return now;
}

}  // namespace kfm_det::detail

#endif
