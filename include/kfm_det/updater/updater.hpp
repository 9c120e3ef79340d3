// SPDX-License-Identifier: BSL-1.0
/// \file
/// Updater<Plan, Store, Lock, Sink>: a versioned transform whose every run can be killed anywhere and started again.
///
/// A run: trigger, lease, sink.begin, recover, settle open runs, inputs, already done?, gate, PLAN, EXECUTE, UPSERT, COMMIT (DESIGN 7).
/// Kill it at any instruction and trigger it again: the sink's export is byte-identical to that of an undisturbed run.
/// Which combinations make sense: a store that survives power loss with a sink and a lock that do, or all three in memory; others do not compile.
/// Durability: when run() answers `committed`, log and sink survive power loss as far as they claim. Thread-safety: one call at a time per
/// Updater; any number of updaters, in any number of processes, over the same backends.
#ifndef KFM_DET_UPDATER_UPDATER_HPP
#define KFM_DET_UPDATER_UPDATER_HPP

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
#include "kfm_det/updater/environment.hpp"
#include "kfm_det/updater/explain.hpp"
#include "kfm_det/updater/run_report.hpp"
#include "kfm_det/updater/session.hpp"
#include "kfm_det/updater/trigger.hpp"

namespace kfm_det {

template <class P, class St, class L, class Si, class Env = Environment<>>
class Updater {
  static_assert(diagnose_plan<P>());
  static_assert(diagnose_store<St>());
  static_assert(diagnose_lock<L>());
  static_assert(diagnose_sink<Si>());
  static_assert(St::claims.survives_power_loss || !Si::claims.survives_power_loss,
                "kfm_det updater: the sink survives power loss but the store forgets: what is published could not be explained or resumed; take a durable store");
  static_assert(!St::claims.survives_power_loss || L::claims.survives_power_loss,
                "kfm_det updater: the store survives power loss but the lock's tokens start again: a late writer could not be refused; take a lock that keeps its counter");

 public:
  Updater(P plan, St store, L lock, Si sink, Env environment = {})
      : plan_(std::move(plan)), store_(std::move(store)), lock_(std::move(lock)), sink_(std::move(sink)), env_(std::move(environment)) {}

  /// Does what the trigger asks for, once. Settles open runs of the scope first (in RunReport::settled). The same trigger over the same
  /// inputs and version is the same run: open, it is resumed; committed, there is nothing to do, which is answered without a lease.
  /// Errors: busy (somebody else works on the scope), the verdicts of recovery, conflict, lease_lost and stale_token (somebody else went on),
  /// gate_rejected and what inputs() and gate() answer (nothing was logged), nondeterministic_plan and the builder's (nothing was published),
  /// operation_failed, operation_threw, input_changed (the run stays, the next trigger settles it), undone, failed, quarantined, parked (what the
  /// newest run of this trigger came to).
  [[nodiscard]] result<RunReport> run(const Trigger& trigger) {
    KFM_DET_TRY(check(trigger));
    const Scope scope = scope_of(trigger.partition);
    if (!trigger.force) {
      KFM_DET_TRY(auto cheap, already_done(scope, trigger));
      if (cheap) return *std::move(cheap);
    }
    return with_tenure(scope, [&](auto& session) -> result<RunReport> { return triggered(session, scope, trigger); });
  }

  /// Takes one open run forward (or further back, when it is being undone). Errors: as run(); not_found; the status of a run that is finished otherwise.
  [[nodiscard]] result<RunReport> resume(const RunId& id, const std::string& partition = {}) {
    return with_tenure(scope_of(partition), [&](auto& session) -> result<RunReport> {
      const wal::RunState* run = session.find(id);
      if (!run) return Error(errc::not_found, "there is no such run", id.text(), "List the runs with status().");
      RunReport report = report_of(*run);
      if (run->status == wal::RunStatus::committed) {
        report.outcome = RunReport::Outcome::nothing_to_do;
        return report;
      }
      if (!wal::is_unfinished(run->status)) return ended(*run);
      KFM_DET_TRY(const auto status, take_up(session, id));
      if (status != wal::RunStatus::committed) return ended(*session.find(id));
      report.resumed = true;
      finish(report, session, id);
      return report;
    });
  }

  /// Which run, version and inputs made what is current of a key, when, and what it replaced. Looks only: no lease, no byte changed.
  /// Errors: not_found (no run ever planned the key), the verdicts of recovery.
  [[nodiscard]] result<Explanation> explain(const BusinessKey& key, const std::string& partition = {}) { return explain_key(store_, sink_, StreamId::of(scope_of(partition)), key); }

  /// Every run of a scope, by PLAN record, as the log says. Looks only.
  [[nodiscard]] result<std::vector<wal::RunState>> status(const std::string& partition = {}) {
    KFM_DET_TRY(auto seen, look(StreamId::of(scope_of(partition))));
    return std::move(seen.replay.state().runs);
  }

  // --- the contract's verbs (contract 1, section 3): the first two need nothing ---------------------------------------------

  /// Discovers the inputs: sorted and without doubles.
  [[nodiscard]] result<std::vector<SourceRef>> inputs() {
    if constexpr (plan_clause::mentions_inputs<P>) {
      SourceReaderView reader(env_.source_reader);
      KFM_DET_TRY(const auto found, plan_.inputs(reader));
      return canonical_inputs(found);
    } else {
      return std::vector<SourceRef>{};
    }
  }
  /// The plan of these inputs: pure.
  [[nodiscard]] static result<Plan> plan(std::span<const SourceRef> inputs) { return build_plan<P>(inputs); }

  [[nodiscard]] Si& sink() { return sink_; }
  [[nodiscard]] St& store() { return store_; }
  [[nodiscard]] Env& environment() { return env_; }

 private:
  using Stream = typename St::Stream;
  using ClockType = decltype(Env::clock);
  using LogType = wal::Log<Stream, ClockType>;
  using Session = detail::Session<P, LogType, L, Si, Env>;
  static constexpr int tenure_tries_max = 64;

  static Scope scope_of(const std::string& partition) { return {std::string(UpdaterId(P::id).text), partition}; }

  static result<void> check(const Trigger& trigger) {
    if (trigger.key.empty() || trigger.key.size() > limits::business_key_bytes_max)
      return Error(errc::invalid_argument, "a trigger's key must have 1 to " + std::to_string(limits::business_key_bytes_max) + " bytes", "Trigger::key", "Name the event, or what is polled.");
    for (const std::string* text : {&trigger.key, &trigger.partition, &trigger.actor, &trigger.approval})
      if (auto json = canonical(Json(*text)); !json) return json.error().as(errc::invalid_argument).at("Trigger");
    return success();
  }

  // --- looking ---------------------------------------------------------------------------------------------------------------

  struct Seen { Recovery recovery; wal::Replay replay; };
  result<Seen> look(const StreamId& id) {
    KFM_DET_TRY(const Head witness, sink_.witness(id));
    KFM_DET_TRY(auto stream, store_.open_stream(id));
    Seen seen;
    KFM_DET_TRY(seen.recovery, stream.inspect(std::span<const Head>(&witness, 1)));
    if (!is_usable(seen.recovery.verdict)) return wal::verdict_error(seen.recovery, id);
    KFM_DET_TRY(wal::read_records(stream, 1, [&](const wal::Line& line, const wal::WalRecord& record) { return seen.replay.apply(line, record); }));
    return seen;
  }

  /// A trigger that has nothing to do is cheap: answered from inspection alone, and only from what is proven.
  result<std::optional<RunReport>> already_done(const Scope& scope, const Trigger& trigger) {
    auto looked = look(StreamId::of(scope));
    if (!looked) return std::optional<RunReport>();   // the tenure says it better
    Seen& seen = looked.value();
    highest_token_ = std::max(highest_token_, seen.replay.state().highest_token);
    if (seen.recovery.proven != seen.recovery.tail.lsn || seen.replay.state().has_unfinished()) return std::optional<RunReport>();
    const wal::RunState* newest = seen.replay.state().newest_of(trigger.key);
    if (!newest || newest->status != wal::RunStatus::committed || newest->order.incarnation != seen.recovery.incarnation || newest->version != Version(P::version)) return std::optional<RunReport>();
    KFM_DET_TRY(const auto found, inputs());
    KFM_DET_TRY(const InputHash hash, input_hash(found));
    if (newest->input_hash != hash || is_held(seen.replay.state(), hash)) return std::optional<RunReport>();
    RunReport report = report_of(*newest);
    report.outcome = RunReport::Outcome::nothing_to_do;
    report.verdict = seen.recovery.verdict;
    return std::optional<RunReport>(std::move(report));
  }

  // --- a tenure --------------------------------------------------------------------------------------------------------------

  template <class Work>
  auto with_tenure(const Scope& scope, Work&& work) -> result<RunReport> {
    const StreamId id = StreamId::of(scope);
    const Duration ttl = milliseconds(env_.limits.lease_ttl_ms);
    std::optional<Lease> lease;
    Head witness;
    std::uint64_t above = highest_token_;
    for (int tries = 0;; ++tries) {
      KFM_DET_TRY(lease, lock_.try_acquire(scope, ttl, FencingToken{above}));
      if (!lease) return busy(scope);
      auto begun = sink_.begin(Tenure{scope, lease->token, lease->owner}, id);
      if (begun) { witness = std::move(begun).value(); break; }
      (void)lock_.release(*lease);
      if (begun.error().code() != errc::stale_token || tries == tenure_tries_max) return begun.error();
      above = lease->token.value + (std::uint64_t{1} << std::min(tries, 40)) - 1;   // a lock that lost its counter: reach above the sink's
    }
    auto answer = [&]() -> result<RunReport> {
      KFM_DET_TRY(auto stream, store_.open_stream(id));
      wal::Replay replay;
      wal::LogOptions options;
      options.line_bytes_max = env_.limits.line_bytes_max;
      KFM_DET_TRY(auto log, LogType::open(std::move(stream), id, witness, env_.clock, [&](const wal::Line& line, const wal::WalRecord& record) { return replay.apply(line, record); }, options));
      Session session(env_, lock_, sink_, log, replay, *lease, witness);
      session.emit({Event::Kind::recovered, {}, {}, log.tail().lsn, 0, name(log.recovery().verdict)});
      verdict_ = log.recovery().verdict;
      auto done = work(session);
      auto closed = log.close();   // leaves the proof
      lease = session.lease();
      highest_token_ = std::max(highest_token_, lease->token.value);
      if (done && !closed && detail::meaning(closed.error()) != detail::Meaning::tenure_over) return closed.error();
      return done;
    }();
    (void)lock_.release(*lease);   // expires by itself where this fails
    return answer;
  }

  Error busy(const Scope& scope) {
    std::string who;
    if constexpr (requires { lock_.holder(scope); }) {
      if (auto holder = lock_.holder(scope); holder && holder.value()) who = ", held by " + holder.value()->owner.text;
    }
    return {errc::busy, "another owner works on this scope" + who, StreamId::of(scope).text, "Wait until it is done; if its process is dead the scope is free at once, if it hangs its lease runs out"};
  }

  // --- a trigger -------------------------------------------------------------------------------------------------------------

  result<RunReport> triggered(Session& session, const Scope& scope, const Trigger& trigger) {
    session.actor = trigger.actor;
    std::vector<SettledRun> settled;
    std::optional<Error> passed_over;   // of the newest run of this very trigger
    std::vector<RunId> open;
    for (const auto& run : session.state().runs)
      if (wal::is_unfinished(run.status)) open.push_back(run.id);
    for (const RunId& id : open) {
      SettledRun one{id, session.find(id)->trigger_key, wal::RunStatus::open, {}};
      auto status = take_up(session, id);
      if (!status) {
        const auto what = detail::meaning(status.error());
        if (what == detail::Meaning::tenure_over || status.error().code() == errc::cancelled) return status.error();
        one.reason = status.error().message();
        const wal::RunState* newest = session.state().newest_of(trigger.key);
        if (newest && newest->id == id) passed_over = status.error();
      } else {
        one.status = status.value();
        if (const auto& failure = session.find(id)->failure; failure && one.status != wal::RunStatus::committed) one.reason = failure->sentence;
      }
      settled.push_back(std::move(one));
    }

    KFM_DET_TRY(const auto found, inputs());
    KFM_DET_TRY(const InputHash hash, input_hash(found));
    const wal::RunState* newest = session.state().newest_of(trigger.key);
    const bool forced = trigger.force && newest && newest->id == *trigger.force;
    if (!forced) {
      if (newest && newest->version == Version(P::version) && newest->input_hash == hash) {
        const bool this_incarnation = newest->order.incarnation == session.incarnation();
        switch (newest->status) {
          case wal::RunStatus::committed:
            if (!this_incarnation || is_held(session.state(), hash)) break;
            return answered(session, *newest, std::move(settled));
          case wal::RunStatus::abandoned: break;   // runs again
          case wal::RunStatus::open:
          case wal::RunStatus::undoing:
            if (passed_over) return *passed_over;
            return Error(errc::unavailable, "the run of this trigger is still open", newest->id.text(), "Trigger again.");
          default: return ended(*newest);
        }
      }
      if (is_held(session.state(), hash))
        return Error(errc::undone, "a run with these inputs and this version was undone by an operator, and nothing puts back what a person took away", session.state().newest_like(P::version, hash)->id.text(),
                     "Change the inputs or the version, or force past the newest run of this trigger.");
    }
    if constexpr (plan_clause::mentions_gate<P>) {
      SourceReaderView reader(env_.source_reader);
      for (const SourceRef& ref : found)
        if (auto passed = plan_.gate(ref, reader); !passed) return passed.error();
    }
    KFM_DET_TRY(const Plan planned, plan(found));
    KFM_DET_TRY(same_plan_as_before(session, scope, planned, hash));
    KFM_DET_TRY(const RunId id, write_plan(session, scope, trigger, found, hash, planned, newest));
    Spool spool(env_.spool_directory, StreamId::of(scope).text, env_.limits.spool_bytes_max);
    auto forward = go_forward(session, id, planned, found, spool);
    if (!forward) {
      KFM_DET_TRY(first_failure(session, id, forward.error()));
      return forward.error();
    }
    RunReport report = report_of(*session.find(id));
    report.settled = std::move(settled);
    finish(report, session, id);
    return report;
  }

  /// The newest run of the trigger is committed: by us while we settled, or before.
  result<RunReport> answered(Session& session, const wal::RunState& newest, std::vector<SettledRun> settled) {
    RunReport report = report_of(newest);
    const auto ours = std::find_if(settled.begin(), settled.end(), [&](const SettledRun& one) { return one.run == newest.id; });
    report.outcome = ours == settled.end() ? RunReport::Outcome::nothing_to_do : RunReport::Outcome::committed;
    report.resumed = ours != settled.end();
    if (ours != settled.end()) settled.erase(ours);
    report.settled = std::move(settled);
    finish(report, session, newest.id);
    return report;
  }

  /// Same version and inputs must give the same plan (PLAN-1).
  result<void> same_plan_as_before(Session& session, const Scope& scope, const Plan& planned, const InputHash& hash) {
    const wal::RunState* like = session.state().newest_like(P::version, hash);
    if (!like || like->plan_hash == planned.hash()) return success();
    std::string difference = "the recorded plan could not be read";
    if (auto seen = find_plan(store_, sink_, StreamId::of(scope), *like); seen) {
      if (const Json* text = seen.value().find("plan")) {
        if (auto before = Plan::from_json(*text)) difference = first_difference(before.value(), planned);
      }
    }
    return Error(errc::nondeterministic_plan, "the same inputs and version gave another plan than before: " + difference, "run " + like->id.text(),
                 "Make plan() a function of its inputs alone, or give the plan type a new version.");
  }

  result<RunId> write_plan(Session& session, const Scope& scope, const Trigger& trigger, const std::vector<SourceRef>& inputs, const InputHash& hash, const Plan& planned, const wal::RunState* newest) {
    wal::RunState run;   // what the record needs
    run.updater_id = scope.updater_id;
    run.version = P::version;
    run.input_hash = hash;
    const StreamId stream = StreamId::of(scope);
    KFM_DET_TRY(const std::string identity, canonical(Json(Json::Array{Json("kfm_det/v1/run"), Json(stream.text), Json(session.incarnation()), Json(run.updater_id), Json(run.version.text()), Json(trigger.key),
                                                                       Json(hash.hex()), newest ? Json(newest->id.text()) : Json()})));
    run.id = RunId{uuid_v8(sha256(identity))};
    KFM_DET_TRY(Json payload, plan_payload(session, run.id, trigger, inputs, planned, newest));
    KFM_DET_TRY(const std::string text, canonical(payload));
    std::vector<wal::WalRecord> group;
    const std::size_t piece_max = env_.limits.line_bytes_max / 2 > 4096 ? env_.limits.line_bytes_max / 2 - 4096 : 1024;
    if (text.size() > piece_max) {
      std::uint64_t parts = 0;
      for (std::size_t at = 0; at < text.size();) {
        std::size_t end = std::min(text.size(), at + piece_max);
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;   // not inside a character
        auto part = session.record(run, wal::Phase::CONTROL, wal::operation::plan_part, "", wal::Status::DONE);
        part.payload = Json::object({{"part", Json(parts++)}, {"text", Json(text.substr(at, end - at))}});
        group.push_back(std::move(part));
        at = end;
      }
      payload = Json::object({{"parts", Json(parts)}});
    }
    auto plan_record = session.record(run, wal::Phase::PLAN, wal::operation::plan, "", wal::Status::DONE);
    plan_record.payload = std::move(payload);
    group.push_back(std::move(plan_record));
    const RunId id = run.id;
    KFM_DET_TRY(session.write(std::move(group), env_.limits.durability == Durability::each_step));
    session.emit({Event::Kind::planned, id, {}, planned.steps().size(), session.find(id)->effects.size(), {}});
    return id;
  }

  /// The PLAN record: complete, so that a run can be settled without code (docs/formats/wal.md).
  result<Json> plan_payload(Session& session, const RunId& id, const Trigger& trigger, const std::vector<SourceRef>& inputs, const Plan& planned, const wal::RunState* newest) {
    Json effects = Json::array();
    std::vector<std::string> keys;
    for (const auto& wave : planned.waves())
      for (const std::size_t index : wave) {
        const Step& step = planned.steps()[index];
        if (!step.publishes) continue;
        Json effect = Json::object({{"business_key", Json(step.publishes->text)}, {"effect", Json(detail::effect_id(id, step.id).hex())}, {"step", Json(step.id)}});
        if (step.irreversible) effect.set("irreversible", Json(true));
        effects.push(std::move(effect));
      }
    Json retired = Json::array();
    if (missing_keys_of<P> == MissingKeys::retire && (!planned.steps().empty() || may_be_empty_of<P>)) {
      std::set<std::string> now;
      for (const Step& step : planned.steps())
        if (step.publishes) now.insert(step.publishes->text);
      for (const auto& key : session.state().planned_keys) {
        if (now.contains(key)) continue;
        const std::string step = "retire:" + key;
        effects.push(Json::object({{"business_key", Json(key)}, {"effect", Json(detail::effect_id(id, step).hex())}, {"step", Json(step)}, {"tombstone", Json(true)}}));
        retired.push(Json(key));
      }
    }
    Json refs = Json::array();
    for (const auto& ref : inputs) {
      refs.push(to_json(ref));
    }
    Json asked = Json::object({{"key", Json(trigger.key)}, {"kind", to_json(trigger.kind)}, {"partition", Json(trigger.partition)}});
    if (!trigger.approval.empty()) asked.set("approval", Json(trigger.approval));
    if (trigger.force) asked.set("force", Json(trigger.force->text()));
    Json payload = Json::object({{"effects", std::move(effects)}, {"inputs", std::move(refs)}, {"plan", planned.to_json()}, {"plan_hash", Json(planned.hash().hex())}, {"retired", std::move(retired)}, {"trigger", std::move(asked)}});
    if (newest) payload.set("predecessor", Json(newest->id.text()));
    return payload;
  }

  // --- taking a run forward, or settling it ------------------------------------------------------------------------------------

  result<void> go_forward(Session& session, const RunId& id, const Plan& planned, std::span<const SourceRef> inputs, Spool& spool) {
    stage_ = wal::Phase::EXECUTE;
    KFM_DET_TRY(session.execute(id, planned, inputs, spool));
    stage_ = wal::Phase::UPSERT;
    return session.upsert(id, planned, spool);
  }

  /// A run that fails under its own trigger.
  result<void> first_failure(Session& session, const RunId& id, const Error& cause) {
    if (cause.code() == errc::undone) return taken_back(session.withdraw(id, wal::RunStatus::undone, nullptr));
    switch (detail::meaning(cause)) {
      case detail::Meaning::tenure_over:
      case detail::Meaning::passing: return success();
      case detail::Meaning::inputs_gone: return taken_back(session.withdraw(id, wal::RunStatus::abandoned, &cause));
      case detail::Meaning::final_error: break;
    }
    KFM_DET_TRY(session.fail(id, stage_, cause));
    if (on_failure_of<P> == OnFailure::undo) return taken_back(session.withdraw(id, wal::RunStatus::failed, &cause));
    return success();
  }
  static result<void> taken_back(result<wal::RunStatus> status) {
    if (!status) return status.error();
    return success();
  }

  /// One attempt at an open run. Answers how it ended; an error where it stays open (passed over) or the tenure is over.
  result<wal::RunStatus> take_up(Session& session, const RunId& id) {
    using wal::RunStatus;
    {
      const wal::RunState& run = *session.find(id);
      if (run.status == RunStatus::undoing) return session.withdraw(id, run.ends_as, nullptr);
      if (run.failure) return session.withdraw(id, RunStatus::failed, nullptr);   // its FAILED record says why
      if (run.attempts >= env_.limits.attempts) {
        const Error spent(errc::quarantined, "the run was tried " + std::to_string(run.attempts) + " times without finishing another effect", id.text(), "Look at what stops it, then force past it.");
        return session.withdraw(id, RunStatus::quarantined, &spent);
      }
    }
    KFM_DET_TRY(session.begin_attempt(id));
    KFM_DET_TRY(const bool complete, session.all_effects_found(id));
    if (complete) {
      const bool ran = every_step_ran(*session.find(id));
      if (ran) {
        KFM_DET_TRY(session.commit_found(id));
        return RunStatus::committed;
      }
    }
    auto forward = [&]() -> result<void> {
      const wal::RunState& run = *session.find(id);
      if (run.version != Version(P::version))
        return Error(errc::input_changed, "the run was planned by version " + run.version.text() + ", and this is version " + Version(P::version).text(), id.text(), "Its inputs are taken up again by the next trigger.");
      KFM_DET_TRY(const auto recorded, recorded_inputs(run));
      KFM_DET_TRY(const Plan planned, plan(recorded));
      if (planned.hash() != run.plan_hash) {
        std::string difference = "the recorded plan could not be read";
        if (const Json* text = run.plan.find("plan")) {
          if (auto before = Plan::from_json(*text)) difference = first_difference(before.value(), planned);
        }
        return Error(errc::nondeterministic_plan, "the recorded inputs gave another plan than the run recorded: " + difference, id.text(), "Make plan() a function of its inputs alone, or give the plan type a new version.");
      }
      for (const auto& [step, executed] : run.executed)
        if (!planned.find(step)) return Error(errc::leftover_step, "the log records a step that the plan does not have", step, "Run it with the version that planned it.");
      Spool spool(env_.spool_directory, log_name(run), env_.limits.spool_bytes_max);
      return go_forward(session, id, planned, recorded, spool);
    }();
    if (forward) return RunStatus::committed;
    const Error cause = forward.error();
    if (cause.code() == errc::undone) return session.withdraw(id, RunStatus::undone, nullptr);
    switch (detail::meaning(cause)) {
      case detail::Meaning::tenure_over: return cause;
      case detail::Meaning::passing:
        if (cause.code() == errc::cancelled) {
          KFM_DET_TRY(session.forgive_attempt(id));
        }
        return cause;
      case detail::Meaning::inputs_gone: return session.withdraw(id, RunStatus::abandoned, &cause);
      case detail::Meaning::final_error: break;
    }
    return session.withdraw(id, RunStatus::failed, &cause);
  }

  static bool every_step_ran(const wal::RunState& run) {
    const Json* planned = run.plan.find("plan");
    const Json* steps = planned ? planned->find("steps") : nullptr;
    return steps && run.executed.size() == steps->items().size();
  }
  static result<std::vector<SourceRef>> recorded_inputs(const wal::RunState& run) {
    std::vector<SourceRef> refs;
    if (const Json* inputs = run.plan.find("inputs"))
      for (const Json& item : inputs->items()) {
        KFM_DET_TRY(auto ref, from_json<SourceRef>(item));
        refs.push_back(std::move(ref));
      }
    return refs;
  }
  static std::string log_name(const wal::RunState& run) {
    std::string partition;
    if (const Json* trigger = run.plan.find("trigger"))
      if (const Json* text = trigger->find("partition"); text && text->string()) partition = *text->string();
    return StreamId::of({run.updater_id, partition}).text;
  }

  /// Nothing puts back what a person took away, until inputs, version or `force` differ.
  static bool is_held(const wal::ScopeState& state, const InputHash& hash) {
    const wal::RunState* like = state.newest_like(P::version, hash);
    return like && like->status == wal::RunStatus::undone;
  }

  // --- reports -----------------------------------------------------------------------------------------------------------------

  static RunReport report_of(const wal::RunState& run) {
    RunReport report;
    report.run = run.id;
    report.updater_id = run.updater_id;
    report.trigger_key = run.trigger_key;
    report.attempts = run.attempts_ever;
    return report;
  }
  void finish(RunReport& report, Session& session, const RunId& id) const {
    report.effects = session.counts();
    report.steps_run = session.steps_run();
    report.attempts = session.find(id)->attempts_ever;
    report.keys = session.state().planned_keys.size();
    report.verdict = verdict_;
  }
  /// What a run that did not commit answers.
  static Error ended(const wal::RunState& run) {
    errc code = errc::failed;
    switch (run.status) {
      case wal::RunStatus::undone: code = errc::undone; break;
      case wal::RunStatus::abandoned: code = errc::abandoned; break;
      case wal::RunStatus::quarantined: code = errc::quarantined; break;
      case wal::RunStatus::parked: code = errc::parked; break;
      default: break;
    }
    return {code, "the newest run of this trigger is " + std::string(wal::name(run.status)) + (run.failure && !run.failure->sentence.empty() ? ": " + run.failure->sentence : ""), "run " + run.id.text(),
            "Change the inputs or the version, or force past this run"};
  }

  P plan_;
  St store_;
  L lock_;
  Si sink_;
  Env env_;
  std::uint64_t highest_token_ = 0;
  Verdict verdict_ = Verdict::clean;
  wal::Phase stage_ = wal::Phase::EXECUTE;
};

}  // namespace kfm_det

#endif
