# SPDX-License-Identifier: BSL-1.0
"""Updaters that are broken on purpose: the laws of a run. Most are mutants of the models in conformance/model/, in code."""
from table import Family, Mutant

SESSION, BACK, FORWARD, SETTLE, UPDATER, REPLAY = ("updater/session.hpp", "updater/back.hpp", "updater/forward.hpp", "updater/settle.hpp", "updater/updater.hpp", "wal/replay.hpp")
COMPACT, TENURES, MEMORY = ("updater/compact.hpp", "updater/tenures.hpp", "stores/memory_store.hpp")
FOLDS = [SESSION, BACK, FORWARD, SETTLE, COMPACT, "updater/held.hpp", TENURES, "updater/open_run.hpp", UPDATER]   # what compacts, and what goes on behind it

FAMILIES = {
    "updater": Family(
        files=[REPLAY, SESSION, BACK, FORWARD, SETTLE, "updater/held.hpp", "updater/tenures.hpp", "updater/open_run.hpp", UPDATER],
        include=['"conformance/backends/updater_over_memory.hpp"'],
        check="check_updater",
        fixture="""
struct Fixture_ID : kfm_det::conformance::UpdaterOverMemory {
  template <class P, class St, class L, class Si, class Env> using Updater = kfm_det::ID::Updater<P, St, L, Si, Env>;
};
"""),
    "updater_folds": Family(files=FOLDS, include=['"conformance/backends/updater_over_memory.hpp"'], check="check_updater", fixture="""
struct Fixture_ID : kfm_det::conformance::UpdaterOverMemory {
  template <class P, class St, class L, class Si, class Env> using Updater = kfm_det::ID::Updater<P, St, L, Si, Env>;
};
"""),
    # a plan type whose gate refuses one of the worlds
    "updater_gated": Family(files=["updater/held.hpp", TENURES, "updater/open_run.hpp", UPDATER], include=['"conformance/backends/updater_over_memory.hpp"'], check="check_updater", fixture="""
struct Fixture_ID : kfm_det::conformance::GatedUpdaterOverMemory {
  template <class P, class St, class L, class Si, class Env> using Updater = kfm_det::ID::Updater<P, St, L, Si, Env>;
};
"""),
    # over a store that loses what was not synced when a process dies
    "updater_power": Family(files=[MEMORY] + FOLDS, include=['"conformance/backends/updater_over_memory.hpp"'], check="check_updater", fixture="""
struct Fixture_ID : kfm_det::conformance::UpdaterOverMemory {
  template <class P, class St, class L, class Si, class Env> using Updater = kfm_det::ID::Updater<P, St, L, Si, Env>;
  kfm_det::result<kfm_det::ID::MemoryStore> open_store() { return forgetful; }
  void crash() { forgetful.lose_unsynced(); }
  kfm_det::ID::MemoryStore forgetful;
};
"""),
    # an updater of somebody else: a function that does a whole run
    "updater_run": Family(files=[], include=['"conformance/backends/updater_over_memory.hpp"', '"kfm_det/wal/log.hpp"', "<optional>", "<set>"], check="check_updater", fixture=""),
}

GATE = "        if (auto passed = plan_.gate(ref, reader); !passed) return passed.error();\n"
ASK = """          KFM_DET_TRY(const auto there, session_.sink.find(effect.effect));
          if (there && there->state == PublicationState::withdrawn) { withdrawn = true; continue; }
          if (there) {"""
SEND = "KFM_DET_TRY(const auto answers, session_.sink.upsert(session_.tenure(), head, batch));"
SEE = "[&](const wal::Line& line, const wal::WalRecord& record) { return compaction.see(line, record); }"
FORCE = "const bool held = is_held(session.state(), hash);\n    if (newest &&"

# A whole run as people write it at first: lock, compute, write. %s: how the effect is named.
CRON = """
struct Fixture_ID : kfm_det::conformance::UpdaterOverMemory {
  template <class P, class St, class L, class Si, class Env>
  static kfm_det::result<void> run(P plan, St, L lock, Si sink, Env env, const kfm_det::Trigger& trigger) {
    using namespace kfm_det;
    const Scope scope{std::string(UpdaterId(P::id).text), ""};
    KFM_DET_TRY(auto lease, lock.try_acquire(scope, seconds(30)));
    if (!lease) return Error(errc::busy, "somebody else", "", "wait");
    const Tenure tenure{scope, lease->token, lease->owner};
    KFM_DET_TRY(const Head head, sink.begin(tenure, StreamId::of(scope)));
    SourceReaderView reader(env.source_reader);
    KFM_DET_TRY(const auto inputs, plan.inputs(reader));
    KFM_DET_TRY(const InputHash hash, input_hash(inputs));
    KFM_DET_TRY(const kfm_det::Plan planned, build_plan<P>(inputs));
    const RunId run{uuid_v8(sha256(trigger.key + hash.hex()))};
    std::vector<Upsert> batch;
    for (const auto& [step, given] : conformance::detail::run_steps<P>(planned, inputs, reader, env.services)) {
      if (given.key.empty()) continue;
      const Digest bytes = sha256(given.bytes);
      KFM_DET_TRY(const auto metadata, parse_json(given.metadata));
      KFM_DET_TRY(const auto content, content_hash(ContentDescription{bytes, metadata, false}));
      KFM_DET_TRY(const auto key, idempotency_key(std::string(UpdaterId(P::id).text), Version(P::version), BusinessKey{given.key}, content));
      batch.push_back({EffectId{sha256(run.text() + step)}, run, Order{1, lease->token.value}, BusinessKey{given.key}, NewVersion{key, bytes, given.bytes, metadata}});
    }
    KFM_DET_TRY(sink.upsert(tenure, head, batch));
    return lock.release(*lease);
  }
};
"""

# An updater of somebody else, with the log as its only memory: intents first. FRESH: what an owner does that was too late, and takes a new lease.
LATE = """
struct Fixture_ID : kfm_det::conformance::UpdaterOverMemory {
  static std::vector<kfm_det::conformance::Sources> worlds() { return {{{"a", "one"}}, {{"a", "two"}}}; }
  template <class P, class St, class L, class Si, class Env>
  static kfm_det::result<void> run(P plan, St store, L lock, Si sink, Env env, const kfm_det::Trigger& trigger) {
    using namespace kfm_det;
    using Log = wal::Log<typename St::Stream, decltype(env.clock)>;
    const Scope scope{std::string(UpdaterId(P::id).text), ""};
    const StreamId stream_id = StreamId::of(scope);
    std::optional<std::string> mine;   // key, inputs, number: once it has begun
    std::vector<Upsert> batch;
    InputHash hash;
    const auto late = [](const Error& error) { return error.code() == errc::conflict || error.code() == errc::stale_token || error.code() == errc::lease_lost; };
    for (int tries = 0; tries < 5; ++tries) {
      KFM_DET_TRY(auto lease, lock.try_acquire(scope, seconds(30)));
      if (!lease) return Error(errc::busy, "somebody else", "", "wait");
      const Tenure tenure{scope, lease->token, lease->owner};
      KFM_DET_TRY(const Head witness, sink.begin(tenure, stream_id));
      KFM_DET_TRY(auto stream, store.open_stream(stream_id));
      std::vector<std::pair<std::string, bool>> seen;   // run, finished
      std::uint64_t seq = 0;
      auto log = Log::open(std::move(stream), stream_id, witness, env.clock, [&](const wal::Line&, const wal::WalRecord& record) -> result<void> {
        seq = std::max(seq, record.seq);
        if (const Json* run = record.payload.find("run")) seen.emplace_back(std::string(*run->string()), record.phase == wal::Phase::COMMIT);
        return success();
      });
      if (!log) { if (late(log.error())) continue; return log.error(); }
      if (!mine) {
        SourceReaderView reader(env.source_reader);
        KFM_DET_TRY(const auto inputs, plan.inputs(reader));
        KFM_DET_TRY(hash, input_hash(inputs));
        const std::string name = trigger.key + " " + hash.hex() + " ";
        std::set<std::string> runs;
        bool done = false;
        for (const auto& [run, finished] : seen) {   // the newest run of this key
          runs.insert(run);
          if (!run.starts_with(trigger.key + " ")) continue;
          mine = run.starts_with(name) ? std::optional<std::string>(run) : std::nullopt;
          done = mine && finished;
        }
        if (done) return lock.release(*lease);
        if (!mine) mine = name + std::to_string(runs.size() + 1);
        KFM_DET_TRY(const kfm_det::Plan planned, build_plan<P>(inputs));
        for (const auto& [step, given] : conformance::detail::run_steps<P>(planned, inputs, reader, env.services)) {
          if (given.key.empty()) continue;
          const Digest bytes = sha256(given.bytes);
          KFM_DET_TRY(const auto metadata, parse_json(given.metadata));
          KFM_DET_TRY(const auto content, content_hash(ContentDescription{bytes, metadata, false}));
          KFM_DET_TRY(const auto key, idempotency_key(scope.updater_id, Version(P::version), BusinessKey{given.key}, content));
          batch.push_back({{}, {}, {}, BusinessKey{given.key}, NewVersion{key, bytes, given.bytes, metadata}});
        }
      FRESH}
      const RunId run{uuid_v8(sha256(*mine))};
      const auto record = [&](wal::Phase phase, wal::Status status) {
        wal::WalRecord out;
        out.wal_id = run, out.seq = ++seq, out.phase = phase, out.status = status, out.operation = "upsert", out.updater_id = scope.updater_id, out.updater_version = Version(P::version);
        out.input_hash = hash, out.actor = "somebody", out.token = lease->token.value, out.payload = Json::object({{"run", Json(*mine)}});
        return out;
      };
      std::vector<wal::WalRecord> intents;
      for (Upsert& one : batch) {
        one.effect = EffectId{sha256(*mine + one.business_key.text)};
        one.run = run;
        one.order = Order{1, std::stoull(mine->substr(mine->rfind(' ') + 1))};
        intents.push_back(record(wal::Phase::UPSERT, wal::Status::IN_PROGRESS));
        intents.back().payload.set("effect", Json(one.effect.hex()));
      }
      const auto head = log.value().commit(intents);
      if (!head) { if (late(head.error())) continue; return head.error(); }
      const auto answers = sink.upsert(tenure, head.value(), batch);
      if (!answers) { if (late(answers.error())) continue; return answers.error(); }
      std::vector<wal::WalRecord> done{record(wal::Phase::COMMIT, wal::Status::DONE)};
      const auto end = log.value().commit(done);
      if (!end) { if (late(end.error())) continue; return end.error(); }
      return lock.release(*lease);
    }
    return Error(errc::busy, "others were always quicker", "", "wait");
  }
};
"""

# An operation that counts its runs.
IMPURE = """
namespace kfm_det::ID {
struct Count {
  struct Params { SourceRef source; };
  static result<Output> run(const Params& params, StepContext& context) {
    static int runs = 0;
    KFM_DET_TRY(Bytes bytes, context.read_all(params.source));
    return Output::publish(BusinessKey{params.source.uri}, bytes + std::to_string(++runs));
  }
};
KFM_DET_DESCRIBE(Count::Params, source)
struct Planned {
  static constexpr UpdaterId id{"mutant"};
  static constexpr Version version{1, 0, 0};
  using Operations = kfm_det::Operations<Count>;
  std::vector<std::string> uris;
  result<std::vector<SourceRef>> inputs(SourceReader& reader) const { return reader.describe_all(uris); }
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    for (const SourceRef& ref : inputs) plan.step<Count>("count:" + ref.uri, {ref}).publishes(BusinessKey{ref.uri});
    return success();
  }
};
}
struct Fixture_ID : kfm_det::conformance::UpdaterOverMemory {
  using Plan = kfm_det::ID::Planned;
  Plan plan(const kfm_det::conformance::Sources& world) const { Plan out; for (const auto& [uri, bytes] : world) out.uris.push_back(uri); return out; }
};
"""
PERFORM = "perform_step<P>(step, context, spool, run.updater_id, run.version)"

MUTANTS = [
    Mutant("PLAN4", "half-of-a-broken-file", "updater_gated", "PLAN-4", [(UPDATER, GATE, "        if (auto passed = plan_.gate(ref, reader); !passed) continue;\n")]),
    Mutant("PLAN4b", "refused-and-nobody-knows-why", "updater_gated", "PLAN-4", [(UPDATER, GATE, GATE.replace("return passed.error();", 'return Error(errc::gate_rejected, "the inputs are bad", "", "Mend them.");'))]),
    Mutant("PLAN5u", "an-operation-that-counts", "updater_run", "PLAN-5", [], fixture=IMPURE),
    Mutant("RUN9", "late-and-goes-on-with-a-new-lease", "updater_run", "RUN-9", [], fixture=LATE.replace("FRESH", "} else {\n        std::set<std::string> runs;\n        for (const auto& [run, finished] : seen) runs.insert(run);\n        mine = mine->substr(0, mine->rfind(' ') + 1) + std::to_string(runs.size() + 1);\n      ")),
    Mutant("RUN8v", "a-version-for-each-run", "updater", "RUN-8", [(FORWARD, PERFORM, PERFORM.replace("run.updater_id,", 'run.updater_id + "-" + run.id.text().substr(0, 8),'))]),
    Mutant("LOG6u", "a-sink-that-was-put-back-is-merged", "updater", "LOG-6", [("updater/tenures.hpp", "    if (!log) {\n", "    if (!log && log.error().code() == errc::sink_regressed) {\n      held.reset();\n      return take(scope, {.accept_loss = true});\n    }\n    if (!log) {\n")]),
    Mutant("R09", "resumed-as-a-new-run", "updater", "RUN-8", [(SETTLE, "auto went = go_forward(forward, id);", "(void)&Settler::go_forward;\n    result<void> went = Error(errc::input_changed, \"begin anew\");")]),
    Mutant("R22", "noop-any-history", "updater", "RUN-10", [(UPDATER, FORCE, FORCE.replace("\n    if", "\n    for (const auto& run : session.state().runs)\n      if (newest && run.trigger_key == trigger.key && run.input_hash == hash && run.version == Version(P::version) && run.status == wal::RunStatus::committed) return true;\n    if"))]),
    Mutant("R23", "resume-after-undo", "updater", "RUN-11", [(SETTLE, "if (run.status == RunStatus::undoing) return withdraw(session_, id, run.ends_as, nullptr);", "")]),
    Mutant("R24", "settle-blocks", "updater", "RUN-12", [(UPDATER, "detail::Meaning::tenure_over || status.error().code() == errc::cancelled) return status.error();", "detail::Meaning::tenure_over || status.error().retry() != Retry::permanent) return status.error();")]),
    Mutant("R25", "commit-needs-code", "updater", "RUN-13", [(SETTLE, "if (complete && every_step_ran", "if (complete && session_.find(id)->version == Version(P::version) && every_step_ran")]),
    Mutant("R26", "undone-comes-back", "updater", "RUN-11", [(UPDATER, "return like && like->status == wal::RunStatus::undone;", "return false && like;")]),
    Mutant("S12", "retry-forever", "updater", "RUN-16", [(FORWARD, SEND, "auto tried = session_.sink.upsert(session_.tenure(), head, batch);\n        while (!tried) tried = session_.sink.upsert(session_.tenure(), head, batch);\n        const auto answers = std::move(tried).value();")]),
    Mutant("S12b", "error-swallowed", "updater", "RUN-3", [(FORWARD, SEND, "const auto tried = session_.sink.upsert(session_.tenure(), head, batch);\n        const auto answers = tried ? tried.value() : std::vector<UpsertResult>(batch.size(), UpsertResult::created);")]),
    Mutant("S18u", "unknown-asked-by-content", "updater", "RUN-4", [(FORWARD, ASK, ASK.replace("if (there) {", "KFM_DET_TRY(const bool stored, is_stored(*session_.find(id), effect.step_id));\n          if (there || stored) {"))]),
    Mutant("S19u", "order-of-the-request", "updater", ("RUN-12", "RUN-6", "RUN-7", "RUN-14"), [(FORWARD, "batch.push_back({effect.effect, id, session_.find(id)->order,", "batch.push_back({effect.effect, id, Order{session_.find(id)->order.incarnation, head.lsn},")]),
    Mutant("S20u", "withdraws-only-what-was-seen", "updater", "RUN-15", [(BACK, "      todo.push_back(i);\n", "      KFM_DET_TRY(const auto seen, session.sink.find(effects[i].effect));\n      if (seen) todo.push_back(i);\n")]),
    Mutant("S21u", "undo-takes-what-is-current", "updater", "RUN-15", [
        (BACK, "before.push_back(run.effects[todo[i]]);", """{
      before.push_back(run.effects[todo[i]]);
      KFM_DET_TRY(const auto shown, session.sink.current(before.back().business_key));
      if (shown) before.back().effect = shown->effect;
    }"""),
        (BACK, "batch.push_back({effect.effect, id, run.order, effect.business_key});", "KFM_DET_TRY(const auto shown, session.sink.find(effect.effect));\n      batch.push_back({effect.effect, shown ? shown->run : id, shown ? shown->order : run.order, effect.business_key});")]),
    Mutant("S22", "retire-committed-only", "updater", "RUN-14", [
        (REPLAY, "    for (const auto& effect : run.effects) state_.planned_keys.insert(effect.business_key.text);\n    run.planned_effects = run.effects.size();\n    run.plan", "    run.planned_effects = run.effects.size();\n    run.plan"),
        (REPLAY, "    effect->progress = progress;\n    return success();", "    effect->progress = progress;\n    if (done && !back) state_.planned_keys.insert(effect->business_key.text);\n    return success();")]),
    Mutant("RUN1", "intents-are-not-durable", "updater", "RUN-1", [(FORWARD, "        records.push_back(std::move(intent));\n      }\n      KFM_DET_TRY(session_.write(std::exchange(records, {}), true));", "        records.push_back(std::move(intent));\n      }\n      KFM_DET_TRY(session_.write(std::exchange(records, {}), false));")]),
    Mutant("RUN1b", "intents-of-the-way-back-are-not-durable", "updater", "RUN-1", [(BACK, "    KFM_DET_TRY(session.write(std::exchange(records, {}), true));", "    KFM_DET_TRY(session.write(std::exchange(records, {}), false));")]),
    Mutant("RUN1c", "lock-compute-write", "updater_run", "RUN-1", [], fixture=CRON),
    Mutant("RUN2", "checks-are-not-waited-for", "updater", "RUN-2", [(FORWARD, "        must[index] = true;", "        must[index] = step.publishes.has_value();")]),
    Mutant("RUN3", "done-with-the-intent", "updater", "RUN-3", [(FORWARD, "        records.push_back(std::move(intent));", "        records.push_back(std::move(intent));\n        records.push_back(done_record(run, before[i - start], session_.witness, UpsertResult::created));")]),
    Mutant("RUN3b", "done-with-an-old-head", "updater", "RUN-3", [(FORWARD, "        session_.witness = head;\n", "        const Head old = std::exchange(session_.witness, head);\n"), (FORWARD, "before[sent[i]], head, answers[i]", "before[sent[i]], old, answers[i]")]),
    Mutant("RUN6", "last-window-forgotten", "updater", "RUN-6", [(FORWARD, "for (std::size_t start = 0; start < todo.size() && !withdrawn;)", "for (std::size_t start = 0; start + 2 < todo.size() && !withdrawn;)")]),
    Mutant("RUN7", "run-id-of-the-tenure", "updater", "RUN-7", [(UPDATER, "run.version, trigger.key, hash, predecessor}));", "run.version, trigger.key + std::to_string(session.lease().token.value), hash, predecessor}));")]),
    Mutant("RUN10", "a-redelivered-trigger-runs-again", "updater", ("RUN-8", "RUN-10"), [(UPDATER, "const bool held = is_held(session.state(), hash);\n    if (newest && newest->version == Version(P::version)", "const bool held = is_held(session.state(), hash);\n    if (newest && trigger.force && newest->version == Version(P::version)"), (UPDATER, "if (cheap) return *std::move(cheap);", "(void)cheap;")]),
    Mutant("RUN14", "tombstones-forgotten", "updater", "RUN-14", [(UPDATER, "const auto retired = keys_to_retire<P>(session.state().planned_keys, *open.plan_);", "const std::vector<BusinessKey> retired;")]),
    Mutant("RUN16", "a-passing-error-is-final", "updater", ("RUN-16", "RUN-7", "RUN-12"), [(SESSION, "default: return error.retry() == Retry::permanent ? Meaning::final_error : Meaning::passing;", "default: return Meaning::final_error;")]),
    # a log that is compacted: only what a later owner does with it shows these
    Mutant("RUN21", "compaction-forgets-the-open-run", "updater_folds", "RUN-21", [(COMPACT, SEE, SEE.replace(" { return", """ -> result<void> {
    const wal::RunState* run = session.find(record.wal_id);
    if (run && wal::is_unfinished(run->status)) return success();
    return"""))]),
    Mutant("RUN21b", "compaction-forgets-the-sinks-head", "updater_folds", "RUN-21", [(COMPACT, "group.back().payload = std::move(payload);", 'group.back().payload = Json::object({{"part", Json(*payload.find("part"))}, {"parts", Json(*payload.find("parts"))}, {"text", Json(*payload.find("text"))}});')]),
    Mutant("RUN21c", "a-folded-trigger-is-new", "updater_folds", "RUN-21", [
        (UPDATER, "if (!newest || newest->status != wal::RunStatus::committed", "if (!newest || newest->order.lsn < seen.recovery.base || newest->status != wal::RunStatus::committed"),
        (UPDATER, FORCE, FORCE + " newest->order.lsn >= session.log.recovery().base &&")]),
    Mutant("RUN21d", "folded-keys-are-not-retired", "updater_folds", "RUN-21", [(UPDATER, "keys_to_retire<P>(session.state().planned_keys, *open.plan_)", "keys_to_retire<P>(session.log.recovery().base > 1 ? decltype(session.state().planned_keys){} : session.state().planned_keys, *open.plan_)")]),
    Mutant("RUN21e", "orders-are-counted-from-the-base", "updater_folds", "RUN-21", [(FORWARD, "batch.push_back({effect.effect, id, session_.find(id)->order,", "batch.push_back({effect.effect, id, Order{session_.find(id)->order.incarnation, session_.find(id)->order.lsn + 1 - session_.log.recovery().base},")]),
    Mutant("RUN21f", "a-checkpoint-of-before-the-lease", "updater_folds", "RUN-21", [
        (TENURES, "KFM_DET_TRY(auto held, take(scope));\n      held->session->actor", "wal::Compaction early(StreamId::of(scope));\n      KFM_DET_TRY(wal::inspect_log(store, sink, StreamId::of(scope), [&](const wal::Line& line, const wal::WalRecord& record) { return early.see(line, record); }));\n      KFM_DET_TRY(auto held, take(scope));\n      held->session->actor"),
        (TENURES, "detail::compact(*held->session, scope,", "detail::compact(early, *held->session, scope,"),
        (COMPACT, "compact(SessionType& session,", "compact(wal::Compaction& compaction, SessionType& session,"),
        (COMPACT, "  wal::Compaction compaction(session.log.stream_id());\n  KFM_DET_TRY(session.log.read(1, " + SEE + "));\n", "")]),
    Mutant("RUN21g", "overtaken-and-nobody-asks", "updater_folds", "RUN-21", [(COMPACT, "KFM_DET_TRY(session.write(std::move(group), true));", "KFM_DET_TRY(session.log.commit(group));"), (COMPACT, "    KFM_DET_TRY(session.keep_lease());\n", "")]),
    Mutant("RUN21h", "dropped-before-the-checkpoint-is-durable", "updater_power", "RUN-21", [
        (COMPACT, "session.write(std::move(group), true)", "session.write(std::move(group), false)"),
        (MEMORY, "if (!base || base->last > kept.durable) return", "if (!base) return"),
        (MEMORY, "void cut(Lsn upto) { frames.resize(upto + 1 - base);", "void cut(Lsn upto) { frames.resize(upto < base ? 0 : upto + 1 - base);")]),
    Mutant("RUN21i", "the-base-off-by-one", "updater_folds", "RUN-21", [(COMPACT, "session.log.read(1, ", "session.log.read(report.base == 1 ? 1 : report.base + 1, ")]),
    Mutant("RUN21j", "folded-runs-are-taken-up-again", "updater_folds", "RUN-21", [(UPDATER, "if (wal::is_unfinished(run.status)) open.push_back(run.id);", "if (wal::is_unfinished(run.status) || run.order.lsn < session.log.recovery().base) open.push_back(run.id);")]),
    Mutant("RUN21k", "undo-looks-for-plan-records", "updater_folds", "RUN-21", [(SESSION, "if (line.lsn > plan_lsn && record.operation != wal::operation::checkpoint) return", "if (line.lsn > plan_lsn) return")]),
    Mutant("RUN21l", "held-inputs-are-folded-away", "updater_folds", "RUN-21", [(UPDATER, "const bool held = is_held(session.state(), hash);\n    if (newest", "const bool held = is_held(session.state(), hash) && session.state().newest_like(P::version, hash)->order.lsn >= session.log.recovery().base;\n    if (newest")]),
    # odd, and right
    Mutant("benign_u7", "compacts-and-drops-nothing", "updater_folds", None, [(COMPACT, "    KFM_DET_TRY(session.log.drop_before(begins));\n", "")]),
    Mutant("benign_u1", "every-effect-is-sent-again-on-resume", "updater", None, [(FORWARD, "if (run.effects[i].progress != Progress::done) todo.push_back(i);", "todo.push_back(i);")]),
    Mutant("benign_u6", "another-updater-that-asks-again", "updater_run", None, [], fixture=LATE.replace("FRESH", "} else {\n        return Error(errc::busy, \"somebody else went on\", \"\", \"trigger again\");\n      ")),
    Mutant("benign_u2", "windows-of-one", "updater", None, [(FORWARD, "std::min<std::size_t>(todo.size(), start + std::max<std::uint32_t>(session_.env.limits.window, 1))", "start + 1")]),
    Mutant("benign_u3", "every-step-runs-again", "updater", None, [(FORWARD, "          if (stored) continue;", "          (void)stored;")]),
    Mutant("benign_u4", "no-cheap-answer", "updater", None, [(UPDATER, "if (cheap) return *std::move(cheap);", "(void)cheap;")]),
    Mutant("benign_u5", "every-record-synced", "updater", None, [(SESSION, "    if (durable) {", "    if (durable || true) {")]),
]
