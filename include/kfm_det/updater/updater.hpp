// SPDX-License-Identifier: BSL-1.0
/// \file
/// Updater<Plan, Store, Lock, Sink>: a versioned transform whose every run can be killed anywhere and started again.
///
/// A run: trigger, lease, sink.begin, recover, settle open runs, inputs, already done?, gate, PLAN, EXECUTE, UPSERT, COMMIT (DESIGN 7).
/// Laws of the whole run (those of its parts are RUN-1 to RUN-6, updater/forward.hpp), each with its usual bug:
///   RUN-7   killed anywhere and started again, the export is byte for byte that of an undisturbed run. Bug: recovery that begins a run of its own
///           instead of taking up the open one.
///   RUN-8   each effect is published once and each version stored once, however often a run is taken up. Bug: effect ids or run ids made of attempts,
///           clocks or random numbers.
///   RUN-9   an owner whose lease ran out shows nothing once another one has begun. Bug: a paused owner that takes a new lease and goes on where it was.
///   RUN-10  "already done?" is asked of the newest run of the trigger key: contents A, B, A are three runs, a redelivered trigger is none. Bug: any finished
///           run of these inputs counts.
///   RUN-11  a run that was taken back never goes forward again, and no other trigger with its version and inputs puts back what a person took away. Bug: only
///           the status of open runs is looked at; only the trigger's own run is looked at.
///   RUN-12  a trigger is answered: an open run that cannot go on is passed over or taken back, and neither it nor a dead owner stands in the way. Bug: an
///           error of a run that is settled ends the trigger.
///   RUN-13  a run whose effects are all in the sink is committed, and needs neither inputs nor code. Bug: the plan is made again before anybody asks the sink.
///   RUN-14  keys that leave the plan are retired or kept as the plan type says, whichever earlier run planned them, committed or not. Bug: only what
///           committed runs published is retired.
///   RUN-15  undo withdraws every planned effect, seen or not; what shows behind it is what the other runs give. Bug: current moves to a remembered
///           predecessor; only what the sink has seen is withdrawn.
///   RUN-16  a passing error leaves the run open for the next trigger; a lasting one is answered, never tried for ever and never swallowed. Bug: while (!sink.upsert(...)) {}.
///   RUN-20  a run, then its undo, is the state before, in any order with other runs: what shows is what the runs that were not taken back give, the newest
///           first. Bug: undo puts the recorded pre-state back.
///   RUN-21  behind a compaction, wherever it stands, whether it was killed, failed or came too late, a history goes on as without: the same exports,
///           answers and reports; an open run goes on, and undo takes back what was folded as well. Bug: what is folded is taken for gone; a checkpoint
///           says what was read before the lease.
/// Which combinations make sense: a store that survives power loss with a sink and a lock that do, or all three in memory; others do not compile.
/// Durability: when run() answers `committed`, log and sink survive power loss as far as they claim. Thread-safety: one call at a time per
/// Updater; any number of updaters, in any number of processes, over the same backends.
#ifndef KFM_DET_UPDATER_UPDATER_HPP
#define KFM_DET_UPDATER_UPDATER_HPP

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/plan/builder.hpp"
#include "kfm_det/plan/retire.hpp"
#include "kfm_det/updater/environment.hpp"
#include "kfm_det/updater/explain.hpp"
#include "kfm_det/updater/open_run.hpp"
#include "kfm_det/updater/plan_record.hpp"
#include "kfm_det/updater/run_report.hpp"
#include "kfm_det/updater/settle.hpp"
#include "kfm_det/updater/tenures.hpp"
#include "kfm_det/updater/trigger.hpp"

namespace kfm_det {

template <class P, class St, class L, class Si, class Env = Environment<>>
class Updater {
  static_assert(diagnose_plan<P>());
  static_assert(diagnose_store<St>());
  static_assert(diagnose_lock<L>());
  static_assert(diagnose_sink<Si>());
  static_assert(detail::diagnose_together<St, L, Si>());

  using Tenures = detail::Tenures<St, L, Si, Env>;
  using Held = typename Tenures::HeldType;
  using Session = typename Held::SessionType;
  using Settler = detail::Settler<P, Session>;

 public:
  using Open = OpenRun<P, Held>;

  Updater(P plan, St store, L lock, Si sink, Env environment = {})
      : plan_(std::move(plan)), tenures_{std::move(store), std::move(lock), std::move(sink), std::move(environment)} {}

  /// Does what the trigger asks for, once. Settles open runs of the scope first (in RunReport::settled). The same trigger over the same
  /// inputs and version is the same run: open, it is resumed; committed, there is nothing to do, which is answered without a lease.
  /// Errors: busy (somebody else works on the scope), the verdicts of recovery, conflict, lease_lost and stale_token (somebody else went on),
  /// gate_rejected and what inputs() and gate() answer, approval_missing (Environment::approvals; nothing was logged), nondeterministic_plan and the builder's (nothing was published),
  /// operation_failed, operation_threw, input_changed (the run stays, the next trigger settles it), undone, failed, quarantined, parked (what the
  /// newest run of this trigger came to).
  [[nodiscard]] result<RunReport> run(const Trigger& trigger) {
    KFM_DET_TRY(check(trigger));
    if (!trigger.force) {
      KFM_DET_TRY(auto cheap, already_done(trigger));
      if (cheap) return *std::move(cheap);
    }
    KFM_DET_TRY(auto open, begin(trigger));
    KFM_DET_TRY(open.execute());
    KFM_DET_TRY(open.upsert());
    RunReport report = open.report();
    (void)open.close();   // the run is committed; a proof that could not be left costs the next trigger a lease
    return report;
  }

  /// run() up to PLAN: lease, recovery, settling, inputs, gate, PLAN. The contract's verbs are the OpenRun's. Errors: as run().
  [[nodiscard]] result<Open> begin(const Trigger& trigger) {
    KFM_DET_TRY(check(trigger));
    const Scope scope = scope_of(trigger.partition);
    KFM_DET_TRY(auto held, tenures_.take(scope));
    held->session->actor = trigger.actor;
    return triggered(std::move(held), scope, trigger);
  }

  /// Takes one open run forward (or further back, when it is being undone). Errors: as run(); not_found; the status of a run that ended otherwise.
  [[nodiscard]] result<RunReport> resume(const RunId& id, const std::string& partition = {}) {
    KFM_DET_TRY(auto held, tenures_.take(scope_of(partition)));
    const wal::RunState* run = held->session->find(id);
    if (!run) return detail::no_such_run(id);
    const bool was_open = wal::is_unfinished(run->status);
    if (was_open) {
      KFM_DET_TRY(Settler(*held->session).take_up(id));
      run = held->session->find(id);
    }
    if (run->status != wal::RunStatus::committed) return detail::ended(*run);
    RunReport report = detail::report_of(*run);
    report.outcome = was_open ? RunReport::Outcome::committed : RunReport::Outcome::nothing_to_do;
    report.resumed = was_open;
    report.effects = held->session->counts;
    report.steps_run = held->session->steps_run;
    report.verdict = held->log->recovery().verdict;
    (void)held->end();
    return report;
  }

  /// Takes a run back: every effect that it planned is withdrawn, seen or not, backwards, each with its intent, effect and done. Kill it anywhere and call it
  /// again. Whatever the run's state, it never goes forward again, and nothing puts back what was taken away: triggers with its version and inputs
  /// answer errc::undone until inputs, version or `force` differ. What newer runs have replaced stays replaced (RunReport::shown tells how much was visible).
  /// A run that is taken back already is nothing to do. `actor` is recorded, or the Environment's; an undo needs no approval.
  /// Errors: invalid_argument (nobody is named), not_found, parked (a step marked irreversible stands in the way; what was planned behind it is withdrawn), and as run() for lease, log and sink.
  [[nodiscard]] result<RunReport> undo(const RunId& id, const std::string& partition = {}, const std::string& actor = {}) {
    return tenures_.undo(scope_of(partition), id, actor);
  }

  /// An operator's explicit word after CorruptCommitted, Hole, Regressed, Forked or SinkRegressed: go on with what log and sink have, in the next
  /// incarnation. Nothing is deleted: old segments stay where they are. A LOSS record lists every publication whose run the log no longer has; those runs
  /// become `lost`: keep them (do nothing: they stay until a run replaces or retires their keys) or undo(run) them. What the log knows to be withdrawn
  /// and an older sink shows again is withdrawn again; a committed run that the sink knows to be partly withdrawn is taken back whole. Committed runs of
  /// before the loss no longer count as "already done": the next trigger publishes again. Without a loss there is nothing to accept, and nothing changes.
  /// Errors: invalid_argument (nobody is named), foreign, unsupported_version, io_error (that is no loss: put it right), and as run() for lease, log and sink.
  [[nodiscard]] result<LossReport> accept_loss(const std::string& partition = {}, const std::string& actor = {}) {
    return tenures_.accept_loss(scope_of(partition), Version(P::version), actor);
  }

  /// Folds what the log says into a checkpoint and drops what is below it: explain, undo and every verdict say the same before and after. What is dropped is
  /// where the store puts it (FileStore: archive/). Nothing new to fold writes nothing. `actor` is recorded.
  /// Errors: unsupported (the store does not trim; nothing was written), and as run() for lease, log and sink.
  [[nodiscard]] result<CompactionReport> compact(const std::string& partition = {}, const std::string& actor = {}) {
    return tenures_.compact(scope_of(partition), Version(P::version), actor);
  }

  /// Which run, version and inputs made what is current of a key, when, and what it replaced. Looks only: no lease, no byte changed.
  /// Errors: not_found (no run ever planned the key), the verdicts of recovery.
  [[nodiscard]] result<Explanation> explain(const BusinessKey& key, const std::string& partition = {}) { return explain_key(tenures_.store, tenures_.sink, StreamId::of(scope_of(partition)), key); }

  /// Every run of a scope, by PLAN record, as the log says. Looks only.
  [[nodiscard]] result<std::vector<wal::RunState>> status(const std::string& partition = {}) {
    KFM_DET_TRY(auto seen, tenures_.look(scope_of(partition)));
    return std::move(seen.replay.state().runs);
  }

  // --- the contract's verbs (contract 1, section 3): the first two need nothing ---------------------------------------------

  /// Discovers the inputs: sorted and without doubles.
  [[nodiscard]] result<std::vector<SourceRef>> inputs() {
    SourceReaderView reader(tenures_.env.source_reader);
    return inputs_from(reader);
  }
  /// The plan of these inputs: pure.
  [[nodiscard]] static result<Plan> plan(std::span<const SourceRef> inputs) { return build_plan<P>(inputs); }

  [[nodiscard]] Si& sink() { return tenures_.sink; }
  [[nodiscard]] St& store() { return tenures_.store; }
  [[nodiscard]] Env& environment() { return tenures_.env; }

 private:
  static Scope scope_of(const std::string& partition) { return {std::string(UpdaterId(P::id).text), partition}; }

  result<void> check(const Trigger& trigger) const {
    if (trigger.key.empty() || trigger.key.size() > limits::business_key_bytes_max)
      return Error(errc::invalid_argument, "a trigger's key must have 1 to " + std::to_string(limits::business_key_bytes_max) + " bytes", "Trigger::key", "Name the event, or what is polled.");
    for (const std::string* text : {&trigger.key, &trigger.partition})
      if (auto json = canonical(Json(*text)); !json) return json.error().as(errc::invalid_argument).at("Trigger");
    KFM_DET_TRY(detail::check_actor(trigger.actor, tenures_.env.actor));
    return detail::check_reference(trigger.approval, "Trigger::approval");
  }

  result<std::vector<SourceRef>> inputs_from(SourceReader& reader) {
    if constexpr (plan_clause::mentions_inputs<P>) {
      KFM_DET_TRY(const auto found, plan_.inputs(reader));
      return canonical_inputs(found);
    } else {
      return std::vector<SourceRef>{};
    }
  }

  // --- looking ---------------------------------------------------------------------------------------------------------------

  /// A trigger that has nothing to do is cheap: answered from inspection alone, and only from what is proven.
  result<std::optional<RunReport>> already_done(const Trigger& trigger) {
    auto looked = tenures_.look(scope_of(trigger.partition));
    if (!looked) return std::optional<RunReport>();   // the tenure says it better
    detail::Seen& seen = looked.value();
    tenures_.highest_token = std::max(tenures_.highest_token, seen.replay.state().highest_token);
    if (seen.recovery.proven != seen.recovery.tail.lsn || seen.replay.state().has_unfinished()) return std::optional<RunReport>();
    const wal::RunState* newest = seen.replay.state().newest_of(trigger.key);
    if (!newest || newest->status != wal::RunStatus::committed || newest->order.incarnation != seen.recovery.incarnation || newest->version != Version(P::version)) return std::optional<RunReport>();
    KFM_DET_TRY(const auto found, inputs());
    KFM_DET_TRY(const InputHash hash, input_hash(found));
    if (newest->input_hash != hash || is_held(seen.replay.state(), hash)) return std::optional<RunReport>();
    RunReport report = detail::report_of(*newest);
    report.outcome = RunReport::Outcome::nothing_to_do;
    report.verdict = seen.recovery.verdict;
    return std::optional<RunReport>(std::move(report));
  }

  // --- a trigger -------------------------------------------------------------------------------------------------------------

  result<Open> triggered(std::unique_ptr<Held> held, const Scope& scope, const Trigger& trigger) {
    Session& session = *held->session;
    Open open(std::move(held));
    open.report_.verdict = open.held_->log->recovery().verdict;
    KFM_DET_TRY(const auto passed_over, settle_all(session, trigger, open.report_));

    detail::BeatingReader reader(tenures_.env.source_reader, [&session] { return session.keep_lease(); });   // discovery may take long
    KFM_DET_TRY(open.inputs_, inputs_from(reader));
    KFM_DET_TRY(const InputHash hash, input_hash(open.inputs_));
    const wal::RunState* newest = session.state().newest_of(trigger.key);
    KFM_DET_TRY(const bool done, answered_by(session, trigger, newest, hash, passed_over));
    if (done) return finished(std::move(open), *newest);
    if constexpr (plan_clause::mentions_gate<P>) {
      for (const SourceRef& ref : open.inputs_)
        if (auto passed = plan_.gate(ref, reader); !passed) return passed.error();
    }
    KFM_DET_TRY(open.plan_, plan(open.inputs_));
    KFM_DET_TRY(same_plan_as_before(session, *open.plan_, hash));
    KFM_DET_TRY(tenures_.env.approvals.judge(*open.plan_, trigger.approval, trigger.key));   // RISK-1
    KFM_DET_TRY(const RunId id, write_plan(session, scope, trigger, open, hash, newest));
    session.counts = {};
    session.steps_run = 0;
    detail::fill(open.report_, *session.find(id));
    open.spool_ = std::make_unique<Spool>(tenures_.env.spool_directory, tenures_.env.limits.spool_bytes_max);
    open.forward_.emplace(session);
    open.stage_ = Open::Stage::planned;
    return open;
  }

  /// Each open run of the scope once, oldest first. Answers the error with which the newest run of this very trigger was passed over.
  result<std::optional<Error>> settle_all(Session& session, const Trigger& trigger, RunReport& report) {
    std::optional<Error> passed_over;
    std::vector<RunId> open;
    for (const auto& run : session.state().runs)
      if (wal::is_unfinished(run.status)) open.push_back(run.id);
    for (const RunId& id : open) {
      SettledRun one{id, session.find(id)->trigger_key, wal::RunStatus::open, {}, {}};
      session.counts = {};
      session.steps_run = 0;
      const wal::RunState* newest = session.state().newest_of(trigger.key);
      const bool own = newest && newest->id == id;
      auto status = Settler(session).take_up(id);
      if (!status) {
        if (detail::meaning(status.error()) == detail::Meaning::tenure_over || status.error().code() == errc::cancelled) return status.error();
        one.reason = status.error().message();
        if (own) passed_over = status.error();
      } else {
        one.status = status.value();
        if (own) {
          report.effects = session.counts;
          report.steps_run = session.steps_run;
        }
        if (const auto& failure = session.find(id)->failure; failure && one.status != wal::RunStatus::committed) one.reason = failure->sentence;
      }
      one.remedy = remedy(*session.find(id));
      report.settled.push_back(std::move(one));
    }
    return passed_over;
  }

  /// "Already done?" (DESIGN 5): true when the newest run of the trigger has committed these inputs; an error where it came to something else.
  result<bool> answered_by(Session& session, const Trigger& trigger, const wal::RunState* newest, const InputHash& hash, const std::optional<Error>& passed_over) {
    if (trigger.force) {
      const wal::RunState* past = session.find(*trigger.force);
      if (!past || past->trigger_key != trigger.key)
        return Error(errc::invalid_argument, "the run to force past is not one of this trigger", "run " + trigger.force->text() + ", trigger " + trigger.key, "List the runs with status(), and name one of this trigger.");
      if (newest->id == *trigger.force) return false;   // else somebody has forced past it already
    }
    const bool held = is_held(session.state(), hash);
    if (newest && newest->version == Version(P::version) && newest->input_hash == hash) {
      switch (newest->status) {
        case wal::RunStatus::committed:
          if (newest->order.incarnation == session.log.incarnation() && !held) return true;
          break;
        case wal::RunStatus::abandoned: break;   // runs again
        case wal::RunStatus::open:
        case wal::RunStatus::undoing:
          if (passed_over) return *passed_over;
          return Error(errc::unavailable, "the run of this trigger is still open", newest->id.text(), "Trigger again.");
        default: return detail::ended(*newest);
      }
    }
    if (held)
      return Error(errc::undone, "a run with these inputs and this version was undone by an operator, and nothing puts back what a person took away", session.state().newest_like(P::version, hash)->id.text(),
                   "Change the inputs or the version, or force past the newest run of this trigger.");
    return false;
  }

  /// The newest run of the trigger is committed: by us while we settled, or before.
  static Open finished(Open open, const wal::RunState& newest) {
    RunReport& report = open.report_;
    detail::fill(report, newest);
    const auto size = report.settled.size();
    std::erase_if(report.settled, [&](const SettledRun& one) { return one.run == newest.id; });
    report.resumed = report.settled.size() != size;
    report.outcome = report.resumed ? RunReport::Outcome::committed : RunReport::Outcome::nothing_to_do;
    open.stage_ = Open::Stage::finished;
    return open;
  }

  /// Same version and inputs must give the same plan (PLAN-1).
  result<void> same_plan_as_before(Session& session, const Plan& planned, const InputHash& hash) {
    const wal::RunState* like = session.state().newest_like(P::version, hash);
    if (!like || like->plan_hash == planned.hash()) return success();
    auto recorded = session.plan_of(*like);
    return Error(errc::nondeterministic_plan, "the same inputs and version gave another plan than before: " + (recorded ? detail::difference_from_recorded(recorded.value(), planned) : recorded.error().what()),
                 "run " + like->id.text(), "Make plan() a function of its inputs alone, or give the plan type a new version.");
  }

  result<RunId> write_plan(Session& session, const Scope& scope, const Trigger& trigger, const Open& open, const InputHash& hash, const wal::RunState* newest) {
    wal::RunState run;   // what the record needs
    run.updater_id = scope.updater_id;
    run.version = P::version;
    run.input_hash = hash;
    std::optional<RunId> predecessor;
    if (newest) predecessor = newest->id;
    KFM_DET_TRY(run.id, detail::run_id({StreamId::of(scope), session.log.incarnation(), run.updater_id, run.version, trigger.key, hash, predecessor}));
    KFM_DET_ASSERT(!session.find(run.id));   // a predecessor is the newest run of its key once only
    const auto retired = keys_to_retire<P>(session.state().planned_keys, *open.plan_);
    Json payload = detail::plan_payload(run.id, trigger, open.inputs_, *open.plan_, retired, predecessor);
    session.begin_risk(run.id, payload);
    KFM_DET_TRY(const std::string text, canonical(payload));
    std::vector<wal::WalRecord> group;
    const std::size_t piece_max = detail::piece_bytes_max(tenures_.env.limits.line_bytes_max);
    if (text.size() > piece_max) {
      std::uint64_t parts = 0;
      for (const std::string_view piece : detail::pieces(text, piece_max)) {
        auto part = session.record(run, wal::Phase::CONTROL, wal::operation::plan_part, "", wal::Status::DONE);
        part.payload = Json::object({{"part", Json(parts++)}, {"text", Json(piece)}});
        group.push_back(std::move(part));
      }
      payload = Json::object({{"parts", Json(parts)}});
    }
    auto plan_record = session.record(run, wal::Phase::PLAN, wal::operation::plan, "", wal::Status::DONE);
    plan_record.payload = std::move(payload);
    group.push_back(std::move(plan_record));
    KFM_DET_TRY(session.write(std::move(group), tenures_.env.limits.durability == Durability::each_step));
    session.emit({Event::Kind::planned, run.id, {}, open.plan_->steps().size(), session.find(run.id)->effects.size(), {}});
    return run.id;
  }

  /// Nothing puts back what a person took away, until inputs, version or `force` differ.
  static bool is_held(const wal::ScopeState& state, const InputHash& hash) {
    const wal::RunState* like = state.newest_like(P::version, hash);
    return like && like->status == wal::RunStatus::undone;
  }

  P plan_;
  Tenures tenures_;
};

}  // namespace kfm_det

#endif
