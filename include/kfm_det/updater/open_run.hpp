// SPDX-License-Identifier: BSL-1.0
/// \file
/// OpenRun: a run under a tenure, with the contract's verbs: execute, upsert, lineage, telemetry (contract 1, section 3). Updater::begin gives one;
/// Updater::run takes it through.
///
/// Keeps the lease until close() or its end. Must not outlive its Updater, which must stay where it is. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_OPEN_RUN_HPP
#define KFM_DET_UPDATER_OPEN_RUN_HPP

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/updater/back.hpp"
#include "kfm_det/updater/forward.hpp"
#include "kfm_det/updater/held.hpp"
#include "kfm_det/updater/run_report.hpp"
#include "kfm_det/updater/run_views.hpp"

namespace kfm_det {

template <class P, class HeldType>
class OpenRun {
 public:
  /// Nothing is left to do: the newest run of the trigger has committed these inputs, or was settled just now.
  [[nodiscard]] bool is_finished() const { return stage_ == Stage::finished; }
  [[nodiscard]] const RunId& id() const { return report_.run; }
  [[nodiscard]] const Plan& plan() const { return *plan_; }
  [[nodiscard]] const std::vector<SourceRef>& inputs() const { return inputs_; }

  /// Runs the plan's steps; outputs wait in the spool, nothing is published. Errors: operation_failed and what operations answer, operation_threw,
  /// input_changed, cancelled, conflict, lease_lost, log_failed. After an error the run is over here; the next trigger settles it.
  [[nodiscard]] result<void> execute() {
    if (stage_ == Stage::finished) return success();
    if (stage_ != Stage::planned) return out_of_order("execute");
    if (auto done = forward_->execute(report_.run, *plan_, inputs_, *spool_); !done) return failed(wal::Phase::EXECUTE, done.error());
    KFM_DET_TRY(lineage_, lineage_of(*session().find(report_.run)));
    stage_ = Stage::executed;
    return success();
  }
  /// Publishes every output under the lease, each once, and commits. Errors: stale_token and what the sink answers, undone (an effect was withdrawn), as execute().
  [[nodiscard]] result<EffectCounts> upsert() {
    if (stage_ == Stage::finished) return EffectCounts{};
    if (stage_ != Stage::executed) return out_of_order("upsert");
    if (auto done = forward_->upsert(report_.run, *plan_, *spool_); !done) {
      auto noted = failed(wal::Phase::UPSERT, done.error());
      return noted.error();
    }
    stage_ = Stage::finished;
    return session().counts;
  }
  /// What was made of what: a function of PLAN and outputs, so sending it twice is sending it once. Whole once execute() has answered; empty for a run that was finished before.
  [[nodiscard]] RunLineage lineage() const { return lineage_; }
  /// The run as numbers, also of a run that failed.
  [[nodiscard]] RunTelemetry telemetry() {
    RunTelemetry out = telemetry_of(*session().find(report_.run), session().env.clock.now());
    out.inputs_count = inputs_.size();
    return out;
  }

  /// What the run came to so far.
  [[nodiscard]] RunReport report() {
    if (plan_) {
      report_.effects = session().counts;
      report_.steps_run = session().steps_run;
    }
    report_.status = session().find(report_.run)->status;
    report_.attempts = session().find(report_.run)->attempts_ever;
    report_.keys = session().state().planned_keys.size();
    return report_;
  }
  /// Gives the lease back. Errors: what leaving the proof met; the run itself is as it was answered.
  [[nodiscard]] result<void> close() { return held_->end(); }

 private:
  template <class, class, class, class, class> friend class Updater;
  enum class Stage : std::uint8_t { planned, executed, finished, over };
  using SessionType = typename HeldType::SessionType;

  explicit OpenRun(std::unique_ptr<HeldType> held) : held_(std::move(held)) {}
  SessionType& session() { return *held_->session; }

  static Error out_of_order(const char* verb) {
    return {errc::invalid_argument, std::string(verb) + " was called out of order", "OpenRun", "Call execute(), then upsert(), each once; after an error trigger again."};
  }

  /// A run that fails under its own trigger: FAILED with its stage; what is published stays until the next trigger, or goes at once with OnFailure::undo.
  result<void> failed(wal::Phase stage, const Error& cause) {
    using detail::Meaning;
    stage_ = Stage::over;
    const RunId& id = report_.run;
    if (cause.code() == errc::undone) {
      KFM_DET_TRY(detail::withdraw(session(), id, wal::RunStatus::undone, nullptr));
      return cause;
    }
    switch (detail::meaning(cause)) {
      case Meaning::tenure_over:
      case Meaning::passing: return cause;
      case Meaning::inputs_gone: {
        KFM_DET_TRY(detail::withdraw(session(), id, wal::RunStatus::abandoned, &cause));
        return cause;
      }
      case Meaning::final_error: break;
    }
    KFM_DET_TRY(session().fail(id, stage, forward_->step(), cause));
    if (on_failure_of<P> == OnFailure::undo) {
      KFM_DET_TRY(detail::withdraw(session(), id, wal::RunStatus::failed, &cause));
    }
    return cause;
  }

  std::unique_ptr<HeldType> held_;
  std::optional<Plan> plan_;
  std::vector<SourceRef> inputs_;
  std::unique_ptr<Spool> spool_;
  std::optional<detail::Forward<P, SessionType>> forward_;
  RunLineage lineage_;
  RunReport report_;
  Stage stage_ = Stage::finished;
};

}  // namespace kfm_det

#endif
