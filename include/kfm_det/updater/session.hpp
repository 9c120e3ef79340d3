// SPDX-License-Identifier: BSL-1.0
/// \file
/// Session: one tenure at work. Writes records and folds them, keeps the lease, counts attempts.
///
/// An internal of the room; Updater is the public face. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_SESSION_HPP
#define KFM_DET_UPDATER_SESSION_HPP

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/source_reader.hpp"
#include "kfm_det/updater/environment.hpp"
#include "kfm_det/updater/run_report.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/planned_runs.hpp"
#include "kfm_det/wal/replay.hpp"
#include "kfm_det/wal/run_risk.hpp"

namespace kfm_det::detail {

/// What an error on the way means for the run.
enum class Meaning : std::uint8_t {
  tenure_over,   ///< somebody else goes on: stop at once
  passing,       ///< may work the next time: the run stays open
  inputs_gone,   ///< can never be repeated: abandon
  final_error,   ///< the operation itself: fail
};
[[nodiscard]] inline Meaning meaning(const Error& error) noexcept {
  switch (error.code()) {
    case errc::conflict:
    case errc::lease_lost:
    case errc::stale_token:
    case errc::log_failed: return Meaning::tenure_over;
    case errc::input_changed:
    case errc::not_found: return Meaning::inputs_gone;
    default: return error.retry() == Retry::permanent ? Meaning::final_error : Meaning::passing;
  }
}

/// A reader that calls `beat` before it works: looking at the world may take longer than a lease.
template <class R>
class BeatingReader final : public SourceReader {
 public:
  BeatingReader(R& reader, std::function<result<void>()> beat) : view_(reader), beat_(std::move(beat)) {}
  [[nodiscard]] result<SourceRef> describe(const std::string& uri) override {
    KFM_DET_TRY(beat_());
    return view_.describe(uri);
  }
  [[nodiscard]] result<std::unique_ptr<Source>> open(const std::string& uri) override {
    KFM_DET_TRY(beat_());
    return view_.open(uri);
  }

 private:
  SourceReaderView<R> view_;
  std::function<result<void>()> beat_;
};

template <class LogType, class L, class S, class Env>
class Session {
 public:
  Session(Env& environment, L& its_lock, S& its_sink, LogType& its_log, wal::Replay& replay, Lease lease, Duration leased_at, Head seen)
      : env(environment), sink(its_sink), log(its_log), witness(std::move(seen)), lock_(its_lock), replay_(replay), lease_(std::move(lease)), tenure_{lease_.scope, lease_.token, lease_.owner},
        renewed_at_(leased_at) {}

  Env& env;
  S& sink;
  LogType& log;
  Head witness;               ///< the highest head that the sink is known to have
  std::string actor;          ///< of the trigger
  EffectCounts counts;        ///< answered in this tenure
  std::uint64_t steps_run = 0;

  [[nodiscard]] const Lease& lease() const { return lease_; }
  [[nodiscard]] const Tenure& tenure() const { return tenure_; }
  [[nodiscard]] wal::ScopeState& state() { return replay_.state(); }
  [[nodiscard]] bool is_cancelled() const { return env.cancelled && env.cancelled(); }

  /// Appends records (durable when `durable`) and folds them, so that the state is always what the log says.
  [[nodiscard]] result<void> write(std::vector<wal::WalRecord> records, bool durable) {
    if (records.empty()) return success();
    if (durable) {
      KFM_DET_TRY(keep_lease());
      KFM_DET_TRY(log.commit(records));
    } else {
      KFM_DET_TRY(log.append(records));
    }
    wal::Line line;
    line.kind = wal::LineKind::frame;
    line.incarnation = log.incarnation();
    line.lsn = log.tail().lsn - records.size();
    line.group_count = static_cast<std::uint32_t>(records.size());
    for (const auto& record : records) {
      ++line.lsn;
      KFM_DET_TRY(replay_.apply(line, record));
      ++line.group_index;
    }
    return success();
  }

  /// A record of this run, with the fields that all of them share.
  [[nodiscard]] wal::WalRecord record(wal::RunState& run, wal::Phase phase, std::string_view operation, std::string_view step, wal::Status status) {
    wal::WalRecord out;
    out.wal_id = run.id;
    out.seq = run.next_seq++;
    out.phase = phase;
    out.operation = operation;
    out.step_id = step;
    out.status = status;
    out.updater_id = run.updater_id;
    out.updater_version = run.version;
    out.input_hash = run.input_hash;
    out.actor = actor.empty() ? env.actor : actor;
    out.token = lease_.token.value;
    risk_of(run).mark(out);
    return out;
  }
  /// The risk of a run whose PLAN record is being made, for its records from the first one on.
  void begin_risk(const RunId& id, const Json& plan_payload) { risk_.emplace(id, wal::RunRisk(plan_payload)); }
  /// UNDO: from here on the run goes back, and ends as `outcome`.
  [[nodiscard]] wal::WalRecord undo_record(wal::RunState& run, wal::RunStatus outcome, const Error* cause) {
    auto undo = record(run, wal::Phase::CONTROL, wal::operation::undo, "", wal::Status::IN_PROGRESS);
    undo.payload = Json::object({{"outcome", Json(wal::name(outcome))}});
    if (cause) undo.payload.set("failure", failure_json("", "", *cause));
    return undo;
  }
  [[nodiscard]] result<wal::RunStatus> settle(const RunId& id, wal::RunStatus outcome, const Error* cause) {
    auto settled = record(*find(id), wal::Phase::CONTROL, wal::operation::settled, "", wal::Status::DONE);
    settled.payload = Json::object({{"outcome", Json(wal::name(outcome))}});
    if (cause) settled.payload.set("failure", failure_json("", "", *cause));
    KFM_DET_TRY(write({std::move(settled)}, true));
    emit({Event::Kind::settled, id, {}, 0, 0, wal::name(outcome)});
    return outcome;
  }

  /// FAILED, with its stage: what is published stays, and nothing goes forward any more.
  [[nodiscard]] result<void> fail(const RunId& id, wal::Phase stage, const std::string& step, const Error& cause) {
    auto failed = record(*find(id), stage, "", "", wal::Status::FAILED);
    failed.operation = stage == wal::Phase::EXECUTE ? "execute" : "upsert";
    failed.payload = Json::object({{"failure", failure_json(stage == wal::Phase::EXECUTE ? "EXECUTE" : "UPSERT", step, cause)}});
    KFM_DET_TRY(write({std::move(failed)}, true));
    emit({Event::Kind::failed, id, step, 0, 0, cause.what()});
    return success();
  }

  /// Before anything is tried again: durable, so that a run that kills its process is counted.
  [[nodiscard]] result<void> begin_attempt(const RunId& id) {
    wal::RunState& run = *find(id);
    auto attempt = record(run, wal::Phase::CONTROL, wal::operation::attempt, "", wal::Status::IN_PROGRESS);
    attempt.payload = Json::object({{"attempt", Json(run.attempts + 1u)}});
    KFM_DET_TRY(write({std::move(attempt)}, true));
    emit({Event::Kind::attempt, id, {}, find(id)->attempts, env.limits.attempts, {}});
    return success();
  }
  /// A graceful stop does not count.
  [[nodiscard]] result<void> forgive_attempt(const RunId& id) {
    return write({record(*find(id), wal::Phase::CONTROL, wal::operation::attempt, "", wal::Status::DONE)}, true);
  }

  [[nodiscard]] result<void> keep_lease() {
    const Duration now = env.clock.monotonic(), ttl = milliseconds(env.limits.lease_ttl_ms);
    if (now - renewed_at_ < Duration{ttl.ns / 2}) return success();
    KFM_DET_TRY(lease_, lock_.renew(lease_, ttl));
    renewed_at_ = now;
    return success();
  }

  void emit(const Event& event) const noexcept {
    if (!env.observer) return;
    try {
      env.observer(event);
    } catch (...) {   // what watches can never change what is published
    }
  }

  [[nodiscard]] wal::RunState* find(const RunId& id) {
    auto& runs = replay_.state().runs;
    for (auto run = runs.rbegin(); run != runs.rend(); ++run)
      if (run->id == id) return &*run;
    return nullptr;
  }

  /// The payload of a run's PLAN record, read from the log again: whole, or without the plan's steps where the log begins with a checkpoint of it.
  /// Errors: not_found (a lost run has none), as reading the log.
  [[nodiscard]] result<Json> plan_of(const wal::RunState& run) {
    if (!run.plan.is_null()) return run.plan;
    const RunId id = run.id;
    const Lsn plan_lsn = run.order.lsn;
    Json found;
    wal::PlannedRuns reader;
    const auto read = log.read(run.plan_group, [&](const wal::Line& line, const wal::WalRecord& record) -> result<void> {
      if (line.lsn > plan_lsn && record.operation != wal::operation::checkpoint) return Error(errc::cancelled, "far enough");
      return reader.see(line, record, [&](const wal::RunState& planned, const std::string&) -> result<void> {
        if (planned.id == id) found = planned.plan;
        return success();
      });
    });
    if (!read && read.error().code() != errc::cancelled) return read.error();
    if (found.is_null()) return Error(errc::not_found, "the log does not hold the plan of this run", id.text(), "A loss was accepted, or the log was compacted.");
    return found;
  }
  /// Gives a run that was finished its effects again.
  [[nodiscard]] result<void> recall(const RunId& id) {
    if (find(id)->has_effects) return success();
    KFM_DET_TRY(Json payload, plan_of(*find(id)));
    return wal::Replay::recall(*find(id), std::move(payload));
  }

  /// What FAILED, UNDO and SETTLED records say about a cause.
  [[nodiscard]] static Json failure_json(std::string_view stage, std::string_view step, const Error& error) {
    return Json::object({{"code", Json(name(error.code()))}, {"sentence", Json(error.message())}, {"stage", Json(stage)}, {"step", Json(step)}});
  }

 private:
  const wal::RunRisk& risk_of(const wal::RunState& run) {
    if (!risk_ || risk_->first != run.id) risk_.emplace(run.id, wal::RunRisk(run.plan));
    return risk_->second;
  }

  L& lock_;
  wal::Replay& replay_;
  Lease lease_;
  Tenure tenure_;
  Duration renewed_at_;
  std::optional<std::pair<RunId, wal::RunRisk>> risk_;   ///< of the run whose records are written
};

}  // namespace kfm_det::detail

#endif
