// SPDX-License-Identifier: BSL-1.0
/// \file
/// Session: one tenure at work. Writes records, keeps the lease, and takes one run forward (execute, upsert, commit) or back (withdraw).
///
/// Laws (contract 1 section 4.2; DESIGN 7), each with its usual bug:
///   RUN-1  no effect without a durable intent that names it. Bug: the record after the write.
///   RUN-2  nothing is published before every step has run. Bug: half of a broken plan is visible.
///   RUN-3  DONE is recorded after the sink has answered, and carries the head that the effect carried. Bug: a sink that was put back is not noticed.
///   RUN-4  what is UNKNOWN is asked from the sink by its effect. Bug: content that was there before is taken for the effect.
///   RUN-5  a step that runs again gives the recorded content, or the run stops. Bug: two halves of different runs.
///   RUN-6  a run is committed only when every effect of its plan is DONE. Bug: the report says success.
/// An internal of the room; Updater is the public face. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_SESSION_HPP
#define KFM_DET_UPDATER_SESSION_HPP

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/lock.hpp"
#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/core/idempotency_key.hpp"
#include "kfm_det/plan/builder.hpp"
#include "kfm_det/plan/operation.hpp"
#include "kfm_det/plan/plan.hpp"
#include "kfm_det/updater/environment.hpp"
#include "kfm_det/updater/run_report.hpp"
#include "kfm_det/updater/spool.hpp"
#include "kfm_det/updater/step_context.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/replay.hpp"

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

[[nodiscard]] inline EffectId effect_id(const RunId& run, std::string_view step) { return EffectId{domain_digest("kfm_det/v1/effect", run.text() + "\n" + std::string(step))}; }

template <class P, class LogType, LockPolicy L, SinkPolicy S, class Env>
class Session {
 public:
  Session(Env& environment, L& lock, S& sink, LogType& log, wal::Replay& replay, Lease lease, Head witness)
      : env_(environment), lock_(lock), sink_(sink), log_(log), replay_(replay), lease_(std::move(lease)), tenure_{lease_.scope, lease_.token, lease_.owner},
        witness_(std::move(witness)), renewed_at_(env_.clock.monotonic()) {}

  [[nodiscard]] const Lease& lease() const { return lease_; }
  [[nodiscard]] wal::ScopeState& state() { return replay_.state(); }
  [[nodiscard]] EffectCounts& counts() { return counts_; }
  [[nodiscard]] std::uint64_t steps_run() const { return steps_run_; }
  [[nodiscard]] Incarnation incarnation() const { return log_.incarnation(); }

  /// Appends records (durable when `durable`) and folds them, so that the state is always what the log says.
  [[nodiscard]] result<void> write(std::vector<wal::WalRecord> records, bool durable) {
    if (records.empty()) return success();
    if (durable) {
      KFM_DET_TRY(keep_lease());
      KFM_DET_TRY(log_.commit(records));
    } else {
      KFM_DET_TRY(log_.append(records));
    }
    wal::Line line;
    line.kind = wal::LineKind::frame;
    line.incarnation = log_.incarnation();
    line.lsn = log_.tail().lsn - records.size();
    line.group_count = static_cast<std::uint32_t>(records.size());
    for (const auto& record : records) {
      ++line.lsn;
      KFM_DET_TRY(replay_.apply(line, record));
      ++line.group_index;
    }
    return success();
  }

  /// A record of this run, with the fields that all of them share.
  [[nodiscard]] wal::WalRecord record(wal::RunState& run, wal::Phase phase, std::string_view operation, std::string_view step, wal::Status status) const {
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
    out.actor = actor.empty() ? env_.actor : actor;
    out.token = lease_.token.value;
    return out;
  }
  std::string actor;   ///< of the trigger

  // --- forward -------------------------------------------------------------------------------------------------------------

  /// Runs the steps that are needed: all of them the first time; on resume those whose output an unfinished step or effect needs and nobody has.
  [[nodiscard]] result<void> execute(const RunId& id, const Plan& plan, std::span<const SourceRef> inputs, Spool& spool) {
    KFM_DET_TRY(const std::vector<bool> needed, steps_to_run(id, plan));
    SourceReaderView reader(env_.source_reader);
    std::vector<wal::WalRecord> records;
    const auto flush = [&](bool durable) { return write(std::exchange(records, {}), durable); };
    const auto total = static_cast<std::uint64_t>(std::count(needed.begin(), needed.end(), true));
    std::uint64_t done = 0;
    for (const auto& wave : plan.waves()) {
      for (const std::size_t index : wave) {
        if (!needed[index]) continue;
        const Step& step = plan.steps()[index];
        KFM_DET_TRY(keep_lease());
        if (env_.cancelled && env_.cancelled()) {
          KFM_DET_TRY(flush(true));
          return Error(errc::cancelled, "a graceful stop was asked for", step.id, "Start again: the run is resumed.");
        }
        auto ran = run_step(id, step, inputs, reader, spool, records);
        if (!ran) {
          KFM_DET_TRY(flush(false));
          return ran.error();
        }
        if (env_.limits.durability == Durability::each_step) {
          KFM_DET_TRY(flush(true));
        } else if (records.size() >= 256) {
          KFM_DET_TRY(flush(false));
        }
        emit({Event::Kind::step_done, id, step.id, ++done, total, {}});
      }
    }
    return flush(false);
  }

  /// Publishes what is not DONE, in windows: intents durable, effects, then their DONEs ride with the next window's intents. Ends with COMMIT.
  /// errc::undone: the sink had withdrawn an effect of this run.
  [[nodiscard]] result<void> upsert(const RunId& id, const Plan& plan, Spool& spool) {
    using Progress = wal::EffectState::Progress;
    std::vector<wal::WalRecord> records;
    std::vector<std::size_t> todo;
    {
      wal::RunState& run = *find(id);
      for (std::size_t i = 0; i < run.effects.size(); ++i)
        if (run.effects[i].progress != Progress::done) todo.push_back(i);
    }
    bool withdrawn = false;
    for (std::size_t start = 0; start < todo.size() && !withdrawn;) {
      const std::size_t end = std::min<std::size_t>(todo.size(), start + std::max<std::uint32_t>(env_.limits.window, 1));
      if (env_.cancelled && env_.cancelled()) {
        KFM_DET_TRY(write(std::exchange(records, {}), true));
        return Error(errc::cancelled, "a graceful stop was asked for", id.text(), "Start again: the run is resumed.");
      }
      wal::RunState& run = *find(id);
      const auto before = run.effects;   // how far they were when this window began
      for (std::size_t i = start; i < end; ++i) {
        if (before[todo[i]].progress != Progress::planned) continue;
        KFM_DET_TRY(auto intent, intent_record(run, plan, before[todo[i]]));
        records.push_back(std::move(intent));
      }
      KFM_DET_TRY(write(std::exchange(records, {}), true));
      const Head head = log_.durable();
      std::vector<Upsert> batch;
      std::vector<std::size_t> sent;
      for (std::size_t i = start; i < end; ++i) {
        const wal::EffectState& effect = before[todo[i]];
        if (effect.progress == Progress::unknown) {   // RUN-4
          KFM_DET_TRY(const auto there, sink_.find(effect.effect));
          if (there && there->state == PublicationState::withdrawn) { withdrawn = true; continue; }
          if (there) {
            records.push_back(done_record(*find(id), effect, witness_, UpsertResult::unchanged));
            counts_.add(UpsertResult::unchanged, effect.tombstone);
            continue;
          }
        }
        KFM_DET_TRY(auto content, content_of(*find(id), effect, spool));
        batch.push_back({effect.effect, id, find(id)->order, effect.business_key, std::move(content)});
        sent.push_back(todo[i]);
      }
      if (!batch.empty() && !withdrawn) {
        KFM_DET_TRY(keep_lease());
        KFM_DET_TRY(const auto answers, sink_.upsert(tenure_, head, batch));
        if (answers.size() != batch.size()) return Error(errc::io_error, "the sink answered " + std::to_string(answers.size()) + " of " + std::to_string(batch.size()) + " effects", id.text(), "Run the conformance kit against this sink.").with(Retry::permanent);
        witness_ = head;
        for (std::size_t i = 0; i < answers.size(); ++i) {
          if (answers[i] == UpsertResult::withdrawn) { withdrawn = true; continue; }
          records.push_back(done_record(*find(id), before[sent[i]], head, answers[i]));
          counts_.add(answers[i], before[sent[i]].tombstone);
          spool.drop(before[sent[i]].step_id);
        }
      }
      start = end;
      emit({Event::Kind::effects_done, id, {}, start, todo.size(), {}});
    }
    if (withdrawn) {
      KFM_DET_TRY(write(std::move(records), true));
      return Error(errc::undone, "an effect of this run was withdrawn", id.text(), "The run is taken back whole.");
    }
    wal::RunState& run = *find(id);
    auto commit = record(run, wal::Phase::COMMIT, wal::operation::commit, "", wal::Status::DONE);
    commit.payload = Json::object({{"effects", Json(static_cast<std::uint64_t>(run.effects.size()))}});
    records.push_back(std::move(commit));
    KFM_DET_TRY(write(std::move(records), true));
    emit({Event::Kind::committed, id, {}, 0, 0, {}});
    return success();
  }

  /// Every planned effect is in the sink, none withdrawn: such a run is committed, and needs neither inputs nor code.
  [[nodiscard]] result<bool> all_effects_found(const RunId& id) {
    const auto effects = find(id)->effects;
    for (const auto& effect : effects) {
      KFM_DET_TRY(const auto there, sink_.find(effect.effect));
      if (!there || there->state == PublicationState::withdrawn) return false;
    }
    return true;
  }
  [[nodiscard]] result<void> commit_found(const RunId& id) {
    std::vector<wal::WalRecord> records;
    wal::RunState& run = *find(id);
    const auto effects = run.effects;
    for (const auto& effect : effects)
      if (effect.progress != wal::EffectState::Progress::done) {
        records.push_back(done_record(run, effect, witness_, UpsertResult::unchanged));
        counts_.add(UpsertResult::unchanged, effect.tombstone);
      }
    auto commit = record(run, wal::Phase::COMMIT, wal::operation::commit, "", wal::Status::DONE);
    commit.payload = Json::object({{"effects", Json(static_cast<std::uint64_t>(effects.size()))}});
    records.push_back(std::move(commit));
    KFM_DET_TRY(write(std::move(records), true));
    emit({Event::Kind::committed, id, {}, 0, 0, {}});
    return success();
  }

  // --- back ----------------------------------------------------------------------------------------------------------------

  /// Takes a run back: every planned effect is withdrawn, seen or not, backwards, through intent, effect and done. Resumable.
  /// Answers how the run ended: `outcome`, or parked where an irreversible effect stands in the way.
  [[nodiscard]] result<wal::RunStatus> withdraw(const RunId& id, wal::RunStatus outcome, const Error* cause) {
    using Progress = wal::EffectState::Progress;
    if (find(id)->status != wal::RunStatus::undoing) {
      wal::RunState& run = *find(id);
      auto undo = record(run, wal::Phase::CONTROL, wal::operation::undo, "", wal::Status::IN_PROGRESS);
      undo.payload = Json::object({{"outcome", Json(wal::name(outcome))}});
      if (cause) undo.payload.set("failure", failure_json("", "", *cause));
      KFM_DET_TRY(write({std::move(undo)}, true));
    } else {
      outcome = find(id)->ends_as;
    }
    std::vector<std::size_t> todo;
    bool stuck = false;
    {
      const auto& effects = find(id)->effects;
      for (std::size_t i = effects.size(); i-- > 0;) {
        if (effects[i].progress == Progress::withdrawn) continue;
        if (effects[i].irreversible) {
          KFM_DET_TRY(const auto there, sink_.find(effects[i].effect));
          if (there && there->state != PublicationState::withdrawn) { stuck = true; break; }
        }
        todo.push_back(i);
      }
    }
    std::vector<wal::WalRecord> records;
    for (std::size_t start = 0; start < todo.size();) {
      const std::size_t end = std::min<std::size_t>(todo.size(), start + std::max<std::uint32_t>(env_.limits.window, 1));
      wal::RunState& run = *find(id);
      const auto effects = run.effects;
      std::vector<Withdrawal> batch;
      for (std::size_t i = start; i < end; ++i) {
        const auto& effect = effects[todo[i]];
        if (effect.progress != Progress::withdrawing) {
          auto intent = record(run, wal::Phase::UPSERT, wal::operation::withdraw, effect.step_id, wal::Status::IN_PROGRESS);
          intent.payload = Json::object({{"business_key", Json(effect.business_key.text)}, {"effect", Json(effect.effect.hex())}});
          records.push_back(std::move(intent));
        }
        batch.push_back({effect.effect, id, run.order, effect.business_key});
      }
      KFM_DET_TRY(write(std::exchange(records, {}), true));
      const Head head = log_.durable();
      KFM_DET_TRY(keep_lease());
      if (auto back = sink_.withdraw(tenure_, head, batch); !back) {
        if (meaning(back.error()) != Meaning::final_error) return back.error();
        return settle(id, wal::RunStatus::parked, &back.error());   // it can never be taken back: reported and passed over
      }
      witness_ = head;
      for (std::size_t i = start; i < end; ++i) {
        auto done = record(*find(id), wal::Phase::UPSERT, wal::operation::withdraw, effects[todo[i]].step_id, wal::Status::DONE);
        done.payload = Json::object({{"effect", Json(effects[todo[i]].effect.hex())}, {"head", wal::head_json(head)}});
        records.push_back(std::move(done));
      }
      start = end;
      emit({Event::Kind::withdrawn, id, {}, start, todo.size(), {}});
    }
    KFM_DET_TRY(write(std::move(records), false));
    return settle(id, stuck ? wal::RunStatus::parked : outcome, cause);
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
  [[nodiscard]] result<void> fail(const RunId& id, wal::Phase stage, const Error& cause) {
    auto failed = record(*find(id), stage, "", "", wal::Status::FAILED);
    failed.operation = stage == wal::Phase::EXECUTE ? "execute" : "upsert";
    failed.payload = Json::object({{"failure", failure_json(stage == wal::Phase::EXECUTE ? "EXECUTE" : "UPSERT", failed_step_, cause)}});
    KFM_DET_TRY(write({std::move(failed)}, true));
    emit({Event::Kind::failed, id, failed_step_, 0, 0, cause.what()});
    return success();
  }

  /// Before anything is tried again: durable, so that a run that kills its process is counted.
  [[nodiscard]] result<void> begin_attempt(const RunId& id) {
    wal::RunState& run = *find(id);
    auto attempt = record(run, wal::Phase::CONTROL, wal::operation::attempt, "", wal::Status::IN_PROGRESS);
    attempt.payload = Json::object({{"attempt", Json(run.attempts + 1u)}});
    KFM_DET_TRY(write({std::move(attempt)}, true));
    emit({Event::Kind::attempt, id, {}, find(id)->attempts, env_.limits.attempts, {}});
    return success();
  }
  /// A graceful stop does not count.
  [[nodiscard]] result<void> forgive_attempt(const RunId& id) {
    return write({record(*find(id), wal::Phase::CONTROL, wal::operation::attempt, "", wal::Status::DONE)}, true);
  }

  [[nodiscard]] result<void> keep_lease() {
    const Duration now = env_.clock.monotonic(), ttl = milliseconds(env_.limits.lease_ttl_ms);
    if (now - renewed_at_ < Duration{ttl.ns / 2}) return success();
    KFM_DET_TRY(lease_, lock_.renew(lease_, ttl));
    renewed_at_ = now;
    return success();
  }

  void emit(const Event& event) const noexcept {
    if (!env_.observer) return;
    try {
      env_.observer(event);
    } catch (...) {   // what watches can never change what is published
    }
  }

  [[nodiscard]] wal::RunState* find(const RunId& id) {
    auto& runs = replay_.state().runs;
    for (auto run = runs.rbegin(); run != runs.rend(); ++run)
      if (run->id == id) return &*run;
    return nullptr;
  }

 private:
  static Json failure_json(std::string_view stage, std::string_view step, const Error& error) {
    return Json::object({{"code", Json(name(error.code()))}, {"sentence", Json(error.message())}, {"stage", Json(stage)}, {"step", Json(step)}});
  }

  /// Whether the sink has the bytes that this step gave when it ran before.
  result<bool> is_stored(const wal::RunState& run, const std::string& step) {
    const auto executed = run.executed.find(step);
    if (executed == run.executed.end() || !executed->second.key) return false;
    KFM_DET_TRY(const auto stored, sink_.find(*executed->second.key));
    return stored.has_value();
  }

  result<std::vector<bool>> steps_to_run(const RunId& id, const Plan& plan) {
    const wal::RunState& run = *find(id);
    std::set<std::string> unfinished;
    for (const auto& effect : run.effects)
      if (effect.progress != wal::EffectState::Progress::done) unfinished.insert(effect.step_id);
    std::map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < plan.steps().size(); ++i) place[plan.steps()[i].id] = i;
    std::vector<bool> wanted(plan.steps().size(), false), must(plan.steps().size(), false);
    const auto waves = plan.waves();
    for (auto wave = waves.rbegin(); wave != waves.rend(); ++wave)
      for (const std::size_t index : *wave) {
        const Step& step = plan.steps()[index];
        const bool has_run = run.executed.contains(step.id);
        if (!has_run || unfinished.contains(step.id)) wanted[index] = true;
        if (!wanted[index]) continue;
        if (has_run) {
          KFM_DET_TRY(const bool stored, is_stored(run, step.id));
          if (stored) continue;
        }
        must[index] = true;
        for (const auto& before : step.after) wanted[place[before]] = true;
      }
    return must;
  }

  result<void> run_step(const RunId& id, const Step& step, std::span<const SourceRef> inputs, SourceReader& reader, Spool& spool, std::vector<wal::WalRecord>& records) {
    failed_step_ = step.id;
    StepContext context(
        {.reader = &reader,
         .inputs = inputs,
         .spool = &spool,
         .services = &env_.services,
         .load_upstream = [&](const std::string& upstream) { return load(id, upstream, spool); },
         .heartbeat = [&] { return keep_lease(); },
         .cancelled = env_.cancelled,
         .progress = [&](std::uint64_t done, std::uint64_t total) { emit({Event::Kind::step_progress, id, step.id, done, total, {}}); }},
        step);
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
    wal::RunState& run = *find(id);
    if (step.publishes) {
      KFM_DET_TRY(now.key, idempotency_key(run.updater_id, run.version, *step.publishes, entry->content));
    }
    ++steps_run_;
    if (const auto recorded = run.executed.find(step.id); recorded != run.executed.end()) {   // RUN-5
      if (recorded->second == now) return success();
      return Error(errc::nondeterministic_step, "the step gave " + std::to_string(now.size) + " bytes " + now.content.hex().substr(0, 12) + "; the run recorded " + std::to_string(recorded->second.size) + " bytes " + recorded->second.content.hex().substr(0, 12),
                   "step " + step.id, "Make the operation a function of its params, inputs and upstream outputs; a change of behaviour needs a new version.");
    }
    auto done = record(run, wal::Phase::EXECUTE, step.operation, step.id, wal::Status::DONE);
    done.tier = step.tier;
    done.payload = Json::object({{"bytes", Json(now.bytes_hash.hex())}, {"content", Json(now.content.hex())}, {"size", Json(now.size)}});
    if (now.key) done.payload.set("key", Json(now.key->hex()));
    records.push_back(std::move(done));
    return success();
  }

  /// An upstream output: from the spool, or from the sink where it is published.
  result<Bytes> load(const RunId& id, const std::string& step, Spool& spool) {
    if (const auto* entry = spool.find(step)) return spool.load(*entry);
    const wal::RunState& run = *find(id);
    const auto executed = run.executed.find(step);
    if (executed == run.executed.end() || !executed->second.key) return Error(errc::invalid_argument, "there is no output of this step", step, "Report this: the updater should have run it.");
    Bytes out;
    KFM_DET_TRY(sink_.read(*executed->second.key, [&](BytesView piece) -> result<void> { out += piece; return success(); }));
    if (sha256(out) != executed->second.bytes_hash) return Error(errc::hash_mismatch, "the sink gave other bytes than the run recorded", step, "Check the sink.");
    return out;
  }

  result<Content> content_of(const wal::RunState& run, const wal::EffectState& effect, Spool& spool) {
    if (effect.tombstone) return Content(Tombstone{});
    const auto executed = run.executed.find(effect.step_id);
    KFM_DET_ASSERT(executed != run.executed.end() && executed->second.key);
    if (const auto* entry = spool.find(effect.step_id)) return Content(NewVersion{*executed->second.key, entry->bytes_hash, entry->bytes, entry->metadata});
    return Content(StoredKey{*executed->second.key});
  }

  result<wal::WalRecord> intent_record(wal::RunState& run, const Plan& plan, const wal::EffectState& effect) {
    auto intent = record(run, wal::Phase::UPSERT, wal::operation::upsert, effect.step_id, wal::Status::IN_PROGRESS);
    intent.payload = Json::object({{"business_key", Json(effect.business_key.text)}, {"effect", Json(effect.effect.hex())}});
    if (effect.tombstone) {
      intent.payload.set("tombstone", Json(true));
    } else {
      const auto executed = run.executed.find(effect.step_id);
      KFM_DET_ASSERT(executed != run.executed.end() && executed->second.key);   // RUN-2
      intent.payload.set("key", Json(executed->second.key->hex()));
      intent.post_state_expected = executed->second.content.digest;
      if (const Step* step = plan.find(effect.step_id)) {
        intent.tier = step->tier;
        if (!step->care.empty()) {
          Json labels = Json::array();
          for (const auto& label : step->care) labels.push(Json(label));
          intent.governance = Json::object({{"care", std::move(labels)}});
        }
      }
    }
    KFM_DET_TRY(const auto current, sink_.current(effect.business_key));
    intent.pre_state_hash = current && current->version ? current->version->key.digest : Digest{};
    intent.reversal = Json::object({{"effect", Json(effect.effect.hex())}, {"operation", Json(wal::operation::withdraw)}});
    return intent;
  }

  wal::WalRecord done_record(wal::RunState& run, const wal::EffectState& effect, const Head& head, UpsertResult answer) const {
    auto done = record(run, wal::Phase::UPSERT, wal::operation::upsert, effect.step_id, wal::Status::DONE);
    done.payload = Json::object({{"effect", Json(effect.effect.hex())}, {"head", wal::head_json(head)}, {"result", Json(name(answer))}});
    return done;
  }

  Env& env_;
  L& lock_;
  S& sink_;
  LogType& log_;
  wal::Replay& replay_;
  Lease lease_;
  Tenure tenure_;
  Head witness_;         ///< the highest head that the sink is known to have
  Duration renewed_at_;
  EffectCounts counts_;
  std::uint64_t steps_run_ = 0;
  std::string failed_step_;
};

}  // namespace kfm_det::detail

#endif
