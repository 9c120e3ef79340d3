# SPDX-License-Identifier: BSL-1.0
"""Updaters that are broken on purpose: the laws of a run. Most are mutants of the models in conformance/model/, in code."""
from table import Family, Mutant

SESSION, BACK, FORWARD, SETTLE, UPDATER, REPLAY = ("updater/session.hpp", "updater/back.hpp", "updater/forward.hpp", "updater/settle.hpp", "updater/updater.hpp", "wal/replay.hpp")

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
    # an updater of somebody else: a function that does a whole run
    "updater_run": Family(files=[], include=['"conformance/backends/updater_over_memory.hpp"'], check="check_updater", fixture=""),
}

ASK = """          KFM_DET_TRY(const auto there, session_.sink.find(effect.effect));
          if (there && there->state == PublicationState::withdrawn) { withdrawn = true; continue; }
          if (there) {"""
SEND = "KFM_DET_TRY(const auto answers, session_.sink.upsert(session_.tenure(), head, batch));"
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

MUTANTS = [
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
    # odd, and right
    Mutant("benign_u1", "every-effect-is-sent-again-on-resume", "updater", None, [(FORWARD, "if (run.effects[i].progress != Progress::done) todo.push_back(i);", "todo.push_back(i);")]),
    Mutant("benign_u2", "windows-of-one", "updater", None, [(FORWARD, "std::min<std::size_t>(todo.size(), start + std::max<std::uint32_t>(session_.env.limits.window, 1))", "start + 1")]),
    Mutant("benign_u3", "every-step-runs-again", "updater", None, [(FORWARD, "          if (stored) continue;", "          (void)stored;")]),
    Mutant("benign_u4", "no-cheap-answer", "updater", None, [(UPDATER, "if (cheap) return *std::move(cheap);", "(void)cheap;")]),
    Mutant("benign_u5", "every-record-synced", "updater", None, [(SESSION, "    if (durable) {", "    if (durable || true) {")]),
]
