// SPDX-License-Identifier: BSL-1.0
/// \file
/// Forward: takes one run forward: execute, upsert, commit.
///
/// Laws (contract 1 section 4.2; DESIGN 7), each with its usual bug:
///   RUN-1  no effect without a durable intent that names it. Bug: the record after the write.
///   RUN-2  nothing is published before every step has run. Bug: half of a broken plan is visible.
///   RUN-3  DONE is recorded after the sink has answered, and carries the head that the effect carried. Bug: a sink that was put back is not noticed.
///   RUN-4  what is UNKNOWN is asked from the sink by its effect. Bug: content that was there before is taken for the effect.
///   RUN-5  a step that runs again gives the recorded content, or the run stops. Bug: two halves of different runs.
///   RUN-6  a run is committed only when every effect of its plan is DONE. Bug: the report says success.
/// An internal of the room. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_FORWARD_HPP
#define KFM_DET_UPDATER_FORWARD_HPP

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/plan/plan.hpp"
#include "kfm_det/updater/perform.hpp"
#include "kfm_det/updater/session.hpp"
#include "kfm_det/updater/spool.hpp"
#include "kfm_det/updater/step_context.hpp"

namespace kfm_det::detail {

template <class P, class SessionType>
class Forward {
 public:
  explicit Forward(SessionType& session) : session_(session) {}
  /// The step that ran last.
  [[nodiscard]] const std::string& step() const { return step_; }

  /// Runs the steps that are needed: all of them the first time; on resume those whose output an unfinished step or effect needs and nobody has.
  [[nodiscard]] result<void> execute(const RunId& id, const Plan& plan, std::span<const SourceRef> inputs, Spool& spool) {
    KFM_DET_TRY(const std::vector<bool> needed, steps_to_run(id, plan));
    SourceReaderView reader(session_.env.source_reader);
    std::vector<wal::WalRecord> records;
    const auto flush = [&](bool durable) { return session_.write(std::exchange(records, {}), durable); };
    const auto total = static_cast<std::uint64_t>(std::count(needed.begin(), needed.end(), true));
    std::uint64_t done = 0;
    for (const auto& wave : plan.waves()) {
      for (const std::size_t index : wave) {
        if (!needed[index]) continue;
        const Step& step = plan.steps()[index];
        KFM_DET_TRY(session_.keep_lease());
        if (session_.is_cancelled()) {
          KFM_DET_TRY(flush(true));
          return Error(errc::cancelled, "a graceful stop was asked for", step.id, "Start again: the run is resumed.");
        }
        auto ran = run_step(id, step, inputs, reader, spool, records);
        if (!ran) {
          KFM_DET_TRY(flush(false));
          return ran.error();
        }
        if (session_.env.limits.durability == Durability::each_step) {
          KFM_DET_TRY(flush(true));
        } else if (records.size() >= 256) {
          KFM_DET_TRY(flush(false));
        }
        session_.emit({Event::Kind::step_done, id, step.id, ++done, total, {}});
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
      wal::RunState& run = *session_.find(id);
      for (std::size_t i = 0; i < run.effects.size(); ++i)
        if (run.effects[i].progress != Progress::done) todo.push_back(i);
    }
    bool withdrawn = false;
    for (std::size_t start = 0; start < todo.size() && !withdrawn;) {
      const std::size_t end = std::min<std::size_t>(todo.size(), start + std::max<std::uint32_t>(session_.env.limits.window, 1));
      if (session_.is_cancelled()) {
        KFM_DET_TRY(session_.write(std::exchange(records, {}), true));
        return Error(errc::cancelled, "a graceful stop was asked for", id.text(), "Start again: the run is resumed.");
      }
      wal::RunState& run = *session_.find(id);
      std::vector<wal::EffectState> before;   // how far they were when this window began
      for (std::size_t i = start; i < end; ++i) before.push_back(run.effects[todo[i]]);
      for (std::size_t i = start; i < end; ++i) {
        if (before[i - start].progress != Progress::planned) continue;
        KFM_DET_TRY(auto intent, intent_record(run, plan, before[i - start]));
        records.push_back(std::move(intent));
      }
      KFM_DET_TRY(session_.write(std::exchange(records, {}), true));
      const Head head = session_.log.durable();
      std::vector<Upsert> batch;
      std::vector<std::size_t> sent;
      for (std::size_t i = start; i < end; ++i) {
        const wal::EffectState& effect = before[i - start];
        if (effect.progress == Progress::unknown) {   // RUN-4
          KFM_DET_TRY(const auto there, session_.sink.find(effect.effect));
          if (there && there->state == PublicationState::withdrawn) { withdrawn = true; continue; }
          if (there) {
            records.push_back(done_record(*session_.find(id), effect, session_.witness, UpsertResult::unchanged));
            session_.counts.add(UpsertResult::unchanged, effect.tombstone);
            continue;
          }
        }
        KFM_DET_TRY(auto content, content_of(*session_.find(id), effect, spool));
        batch.push_back({effect.effect, id, session_.find(id)->order, effect.business_key, std::move(content)});
        sent.push_back(i - start);
      }
      if (!batch.empty() && !withdrawn) {
        KFM_DET_TRY(session_.keep_lease());
        KFM_DET_TRY(const auto answers, session_.sink.upsert(session_.tenure(), head, batch));
        if (answers.size() != batch.size()) return Error(errc::io_error, "the sink answered " + std::to_string(answers.size()) + " of " + std::to_string(batch.size()) + " effects", id.text(), "Run the conformance kit against this sink.").with(Retry::permanent);
        session_.witness = head;
        for (std::size_t i = 0; i < answers.size(); ++i) {
          if (answers[i] == UpsertResult::withdrawn) { withdrawn = true; continue; }
          records.push_back(done_record(*session_.find(id), before[sent[i]], head, answers[i]));
          session_.counts.add(answers[i], before[sent[i]].tombstone);
          spool.drop(before[sent[i]].step_id);
        }
      }
      start = end;
      session_.emit({Event::Kind::effects_done, id, {}, start, todo.size(), {}});
    }
    if (withdrawn) {
      KFM_DET_TRY(session_.write(std::move(records), true));
      return Error(errc::undone, "an effect of this run was withdrawn", id.text(), "The run is taken back whole.");
    }
    wal::RunState& run = *session_.find(id);
    auto commit = session_.record(run, wal::Phase::COMMIT, wal::operation::commit, "", wal::Status::DONE);
    commit.payload = Json::object({{"effects", Json(static_cast<std::uint64_t>(run.effects.size()))}});
    records.push_back(std::move(commit));
    KFM_DET_TRY(session_.write(std::move(records), true));
    session_.emit({Event::Kind::committed, id, {}, 0, 0, {}});
    return success();
  }

  /// Every planned effect is in the sink, none withdrawn: such a run is committed, and needs neither inputs nor code.
  [[nodiscard]] result<bool> all_effects_found(const RunId& id) {
    const auto effects = session_.find(id)->effects;
    for (const auto& effect : effects) {
      KFM_DET_TRY(const auto there, session_.sink.find(effect.effect));
      if (!there || there->state == PublicationState::withdrawn) return false;
    }
    return true;
  }
  [[nodiscard]] result<void> commit_found(const RunId& id) {
    std::vector<wal::WalRecord> records;
    wal::RunState& run = *session_.find(id);
    const auto effects = run.effects;
    for (const auto& effect : effects)
      if (effect.progress != wal::EffectState::Progress::done) {
        records.push_back(done_record(run, effect, session_.witness, UpsertResult::unchanged));
        session_.counts.add(UpsertResult::unchanged, effect.tombstone);
      }
    auto commit = session_.record(run, wal::Phase::COMMIT, wal::operation::commit, "", wal::Status::DONE);
    commit.payload = Json::object({{"effects", Json(static_cast<std::uint64_t>(effects.size()))}});
    records.push_back(std::move(commit));
    KFM_DET_TRY(session_.write(std::move(records), true));
    session_.emit({Event::Kind::committed, id, {}, 0, 0, {}});
    return success();
  }

 private:
  /// Whether the sink has the bytes that this step gave when it ran before.
  result<bool> is_stored(const wal::RunState& run, const std::string& step) {
    const auto executed = run.executed.find(step);
    if (executed == run.executed.end() || !executed->second.key) return false;
    KFM_DET_TRY(const auto stored, session_.sink.find(*executed->second.key));
    return stored.has_value();
  }

  result<std::vector<bool>> steps_to_run(const RunId& id, const Plan& plan) {
    const wal::RunState& run = *session_.find(id);
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
    step_ = step.id;
    StepContext context(
        {.reader = &reader,
         .inputs = inputs,
         .spool = &spool,
         .services = &session_.env.services,
         .load_upstream = [&](const std::string& upstream) { return load(id, upstream, spool); },
         .heartbeat = [&] { return session_.keep_lease(); },
         .cancelled = session_.env.cancelled,
         .progress = [&](std::uint64_t done, std::uint64_t total) { session_.emit({Event::Kind::step_progress, id, step.id, done, total, {}}); }},
        step);
    wal::RunState& run = *session_.find(id);
    KFM_DET_TRY(const wal::ExecutedStep now, perform_step<P>(step, context, spool, run.updater_id, run.version));
    ++session_.steps_run;
    if (const auto recorded = run.executed.find(step.id); recorded != run.executed.end()) {   // RUN-5
      if (recorded->second == now) return success();
      return Error(errc::nondeterministic_step, "the step gave " + std::to_string(now.size) + " bytes " + now.content.hex().substr(0, 12) + "; the run recorded " + std::to_string(recorded->second.size) + " bytes " + recorded->second.content.hex().substr(0, 12),
                   "step " + step.id, "Make the operation a function of its params, inputs and upstream outputs; a change of behaviour needs a new version.");
    }
    auto done = session_.record(run, wal::Phase::EXECUTE, step.operation, step.id, wal::Status::DONE);
    done.tier = step.tier;
    done.payload = Json::object({{"bytes", Json(now.bytes_hash.hex())}, {"content", Json(now.content.hex())}, {"size", Json(now.size)}});
    if (now.key) done.payload.set("key", Json(now.key->hex()));
    records.push_back(std::move(done));
    return success();
  }

  /// An upstream output: from the spool, or from the sink where it is published.
  result<Bytes> load(const RunId& id, const std::string& step, Spool& spool) {
    if (const auto* entry = spool.find(step)) return spool.load(*entry);
    const wal::RunState& run = *session_.find(id);
    const auto executed = run.executed.find(step);
    if (executed == run.executed.end() || !executed->second.key) return Error(errc::invalid_argument, "there is no output of this step", step, "Report this: the updater should have run it.");
    Bytes out;
    KFM_DET_TRY(session_.sink.read(*executed->second.key, [&](BytesView piece) -> result<void> { out += piece; return success(); }));
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
    auto intent = session_.record(run, wal::Phase::UPSERT, wal::operation::upsert, effect.step_id, wal::Status::IN_PROGRESS);
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
    KFM_DET_TRY(const auto current, session_.sink.current(effect.business_key));
    intent.pre_state_hash = current && current->version ? current->version->key.digest : Digest{};
    intent.reversal = Json::object({{"effect", Json(effect.effect.hex())}, {"operation", Json(wal::operation::withdraw)}});
    return intent;
  }

  wal::WalRecord done_record(wal::RunState& run, const wal::EffectState& effect, const Head& head, UpsertResult answer) const {
    auto done = session_.record(run, wal::Phase::UPSERT, wal::operation::upsert, effect.step_id, wal::Status::DONE);
    done.payload = Json::object({{"effect", Json(effect.effect.hex())}, {"head", wal::head_json(head)}, {"result", Json(name(answer))}});
    return done;
  }

  SessionType& session_;
  std::string step_;
};

}  // namespace kfm_det::detail

#endif
