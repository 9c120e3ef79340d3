// SPDX-License-Identifier: BSL-1.0
/// \file
/// Settler: one attempt at an open run of an earlier trigger (DESIGN 7, "settle first").
///
/// Laws, each with its usual bug:
///   SETTLE-1  all planned effects found: committed, without inputs and without code. Bug: a finished run is undone because its code is gone (R25).
///   SETTLE-2  inputs or code gone: abandoned. An error of the operation itself, nondeterminism, leftover steps: failed. Attempts used up: quarantined.
///             Each of them is taken back whole. Bug: half of a run stays for ever.
///   SETTLE-3  an error that passes leaves the run open, and it is passed over: nothing blocks for ever (R24). Bug: the next trigger waits for it.
///   SETTLE-4  an attempt is durable before anything is tried; a new DONE starts the count again, a graceful stop does not count.
///             Bug: a run that kills its process is tried for ever.
///   SETTLE-5  what is going back never goes forward again (R23). Bug: resume looks at the steps and not at the UNDO.
/// An internal of the room. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_SETTLE_HPP
#define KFM_DET_UPDATER_SETTLE_HPP

#include <string>

#include "kfm_det/plan/builder.hpp"
#include "kfm_det/updater/back.hpp"
#include "kfm_det/updater/forward.hpp"
#include "kfm_det/updater/plan_record.hpp"

namespace kfm_det::detail {

template <class P, class SessionType>
class Settler {
 public:
  explicit Settler(SessionType& session) : session_(session) {}

  /// One attempt at an open run. Answers how it ended; an error where it stays open (passed over) or the tenure is over.
  [[nodiscard]] result<wal::RunStatus> take_up(const RunId& id) {
    using wal::RunStatus;
    {
      const wal::RunState& run = *session_.find(id);
      if (run.status == RunStatus::undoing) return withdraw(session_, id, run.ends_as, nullptr);
      if (run.failure) return withdraw(session_, id, RunStatus::failed, nullptr);   // its FAILED record says why
      if (run.attempts >= session_.env.limits.attempts) {
        const Error spent(errc::quarantined, "the run was tried " + std::to_string(run.attempts) + " times without finishing another effect", id.text(), "Look at what stops it, then force past it.");
        return withdraw(session_, id, RunStatus::quarantined, &spent);
      }
    }
    KFM_DET_TRY(session_.begin_attempt(id));
    Forward<P, SessionType> forward(session_);
    KFM_DET_TRY(const bool complete, forward.all_effects_found(id));
    if (complete && every_step_ran(*session_.find(id))) {
      KFM_DET_TRY(forward.commit_found(id));
      return RunStatus::committed;
    }
    auto went = go_forward(forward, id);
    if (went) return RunStatus::committed;
    const Error cause = went.error();
    if (cause.code() == errc::undone) return withdraw(session_, id, RunStatus::undone, nullptr);
    switch (meaning(cause)) {
      case Meaning::tenure_over: return cause;
      case Meaning::passing:
        if (cause.code() == errc::cancelled) {
          KFM_DET_TRY(session_.forgive_attempt(id));
        }
        return cause;
      case Meaning::inputs_gone: return withdraw(session_, id, RunStatus::abandoned, &cause);
      case Meaning::final_error: break;
    }
    return withdraw(session_, id, RunStatus::failed, &cause);
  }

 private:
  /// From the recorded inputs, with the code that is here, if it is the code that planned it.
  result<void> go_forward(Forward<P, SessionType>& forward, const RunId& id) {
    const wal::RunState& run = *session_.find(id);
    if (run.version != Version(P::version))
      return Error(errc::input_changed, "the run was planned by version " + run.version.text() + ", and this is version " + Version(P::version).text(), id.text(), "Its inputs are taken up again by the next trigger.");
    KFM_DET_TRY(const auto recorded, recorded_inputs(run.plan));
    KFM_DET_TRY(const Plan planned, build_plan<P>(recorded));
    if (planned.hash() != run.plan_hash)
      return Error(errc::nondeterministic_plan, "the recorded inputs gave another plan than the run recorded: " + difference_from_recorded(run.plan, planned), id.text(),
                   "Make plan() a function of its inputs alone, or give the plan type a new version.");
    for (const auto& [step, executed] : run.executed)
      if (!planned.find(step)) return Error(errc::leftover_step, "the log records a step that the plan does not have", step, "Run it with the version that planned it.");
    Spool spool(session_.env.spool_directory, session_.env.limits.spool_bytes_max);
    KFM_DET_TRY(forward.execute(id, planned, recorded, spool));
    return forward.upsert(id, spool);
  }

  static bool every_step_ran(const wal::RunState& run) {
    const Json* planned = run.plan.find("plan");
    const Json* steps = planned ? planned->find("steps") : nullptr;
    return steps && run.executed.size() == steps->items().size();
  }

  SessionType& session_;
};

}  // namespace kfm_det::detail

#endif
