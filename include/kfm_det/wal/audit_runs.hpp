// SPDX-License-Identifier: BSL-1.0
/// \file
/// RunAudit: what records say about each other: time, tokens, writers, and each run from its PLAN to its end (VERIFY-5 to VERIFY-9, wal/verify.hpp).
///
/// Gets the records of whole groups in the order of the log. Memory: open runs with their effects, and of finished ones an id each, the newest
/// `finished_max` of them. A run whose beginning is not here (compacted, damaged, forgotten) is followed as far as that goes, and counted in the report.
/// Thread-safety: one thread.
#ifndef KFM_DET_WAL_AUDIT_RUNS_HPP
#define KFM_DET_WAL_AUDIT_RUNS_HPP

#include <algorithm>
#include <cstdint>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/core/idempotency_key.hpp"
#include "kfm_det/wal/entry_members.hpp"
#include "kfm_det/wal/examine.hpp"
#include "kfm_det/wal/key_ring.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/recorded_run.hpp"
#include "kfm_det/wal/run_identity.hpp"
#include "kfm_det/wal/run_payload.hpp"
#include "kfm_det/wal/run_risk.hpp"
#include "kfm_det/wal/verify_policy.hpp"
#include "kfm_det/wal/verify_report.hpp"

namespace kfm_det::wal {

/// Where findings go while a segment is read.
struct FindingSink {
  VerifyReport& report;
  std::size_t max;
  std::string segment{};

  void add(FindingCode code, const Entry& entry, std::string sentence) { note(report, max, {code, segment, entry.offset, entry.lsn, std::move(sentence)}); }
};

/// The line hash of an LSN of the log at hand, where it is still known.
using HashOf = function_ref<const Digest*(Lsn)>;

class RunAudit {
 public:
  RunAudit(FindingSink& sink, const KeyRing* ring, const VerifyPolicy& policy, std::size_t finished_max) : sink_(sink), ring_(ring), policy_(policy), finished_max_(finished_max) {}

  void see(const Entry& entry, HashOf hash_of) {
    if (!entry.record) {
      add(FindingCode::record_unreadable, entry, "the record cannot be read: " + printable(entry.detail));
      lose_history();
      return;
    }
    const WalRecord& record = *entry.record;
    if (!entry.has_right_id) add(FindingCode::entry_id_wrong, entry, "the entry id is not the one that follows from run, number and the entry before");
    see_order(entry, record);
    see_writer(entry, record);
    if (!is_known(entry, record)) return;
    const auto parsed = head_of(record, sink_.report.stream);
    const std::optional<Head> head = parsed ? parsed.value() : std::nullopt;   // a malformed one is see_carried()'s
    if (head) see_head(entry, record, *head, hash_of);
    heads_.see(record, head);
    if (record.phase == Phase::CONTROL) return see_control(entry, record);
    if (record.phase == Phase::PLAN) return see_plan(entry, record);
    Run* const run = find(entry, record);
    if (run == nullptr) return;
    compare_with_plan(entry, *run, record);
    switch (record.phase) {
      case Phase::EXECUTE: return see_execute(entry, *run, record);
      case Phase::UPSERT: return record.operation == operation::withdraw ? see_withdraw(entry, *run, record) : see_upsert(entry, *run, record);
      case Phase::COMMIT:
        expect_effects(entry, *run, Progress::done, "committed");
        if (const auto count = get_u64(record.payload, "effects"); run->is_told && (!count || count.value() != run->effects.size()))
          add(FindingCode::plan_differs, entry, record, "it does not say how many effects the plan has: " + std::to_string(run->effects.size()));
        return finish(record.wal_id);
      case Phase::LINEAGE:
      case Phase::PLAN:
      case Phase::CONTROL: return;
    }
  }

  /// Something of the log is not here: what is missing cannot be asked for.
  void lose_history() {
    carries_ = true;
    for (auto& [id, run] : open_) run.is_followed = run.back_is_followed = false;
  }

  void finish_log(VerifyReport& report) const {
    for (const auto& [id, run] : open_) report.runs_open += run.is_planned;
  }
  /// What finished effects say that the sink has seen.
  [[nodiscard]] const DoneHeads& done_heads() const { return heads_; }

 private:
  enum class Progress : std::uint8_t { planned, intended, done, withdrawing, withdrawn };
  struct Effect {
    EffectId id;
    std::string business_key{};    ///< as planned; empty: nobody knows
    bool tombstone = false, irreversible = false;
    Progress progress = Progress::planned;
    Order intent{};
  };
  struct Executed { std::string content, key; };
  struct Run {
    bool is_planned = true;        ///< its PLAN record was seen; false while PLAN_PARTs come
    bool is_followed = true;       ///< everything of it is here
    bool goes_back = false;
    bool back_is_followed = false; ///< everything of its way back is here
    std::uint64_t seq = 0;
    std::map<std::string, Effect> effects{};
    std::map<std::string, Executed> executed{};
    // what the PLAN record tells of all that follow
    bool is_told = false;          ///< it was here, with its plan
    std::string updater{};
    Version version{0, 0, 0};
    InputHash inputs{};
    RunRisk risk{};
    std::map<std::string, std::string> operations{};   ///< by step
  };

  void add(FindingCode code, const Entry& entry, std::string sentence) { sink_.add(code, entry, std::move(sentence)); }
  void add(FindingCode code, const Entry& entry, const WalRecord& record, const std::string& sentence) {
    sink_.add(code, entry, sentence + " (run " + record.wal_id.text() + (record.step_id.empty() ? "" : ", step " + printable(record.step_id)) + ")");
  }
  /// VERIFY-10. False: nobody can say what the entry means.
  bool is_known(const Entry& entry, const WalRecord& record) {
    if (record.phase == Phase::LINEAGE) return true;   // reserved: it says nothing yet
    const KnownEntry* const known = find_entry(record);
    if (known == nullptr) {
      add(FindingCode::operation_unknown, entry, "the entry " + std::string(enum_name(record.phase)) + " " + printable(record.operation) + " " + std::string(enum_name(record.status)) + " is not known to this version");
      return false;
    }
    for (const auto& [member, value] : record.payload.members())
      if (std::find(known->members.begin(), known->members.end(), member) == known->members.end()) add(FindingCode::operation_unknown, entry, record, "the member " + printable(member) + " of its payload is not known to this version");
    return true;
  }

  static std::string text(const Json& payload, std::string_view key) {
    const Json* const found = payload.find(key);
    return found && found->string() ? *found->string() : std::string();
  }

  // --- over the whole stream ------------------------------------------------------------------------------------------------------

  void see_order(const Entry& entry, const WalRecord& record) {
    if (record.ts < last_ts_) add(FindingCode::time_back, entry, record, "the time " + record.ts.to_rfc3339() + " is before that of an earlier entry, " + last_ts_.to_rfc3339());
    last_ts_ = std::max(last_ts_, record.ts);
    if (entry.incarnation != token_incarnation_) highest_token_ = 0;   // an accepted loss may have begun with another lock
    token_incarnation_ = entry.incarnation;
    if (record.token < highest_token_) add(FindingCode::token_back, entry, record, "the token " + std::to_string(record.token) + " is older than " + std::to_string(highest_token_) + ", which had written before: its owner had no lease any more");
    highest_token_ = std::max(highest_token_, record.token);
  }
  void see_writer(const Entry& entry, const WalRecord& record) {
    if (record.actor.empty()) add(FindingCode::actor_refused, entry, record, "nobody is named as the one who acted");
    else if (!policy_.allows(record.actor)) add(FindingCode::actor_refused, entry, record, "the actor " + printable(record.actor) + " may not write here, says the policy");
    if (ring_ != nullptr)
      if (const RingKey* const key = ring_->valid_at({entry.incarnation, entry.lsn}); key != nullptr && !key->allows(record.actor))
        add(FindingCode::actor_refused, entry, record, "the actor " + printable(record.actor) + " may not write under the key " + key->id);
    if (record.updater_id != updater_) {
      const std::string prefix = StreamId::of({record.updater_id, ""}).text;
      const std::string& stream = sink_.report.stream.text;
      if (prefix.ends_with('@') && stream.find('~') == std::string::npos && !stream.starts_with(prefix))
        add(FindingCode::writer_foreign, entry, record, "the updater " + printable(record.updater_id) + " writes into a log that is not its own");
      else updater_ = record.updater_id;
    }
  }
  void see_sequence(const Entry& entry, const WalRecord& record, std::uint64_t& seq) {
    if (record.seq <= seq) add(FindingCode::sequence_back, entry, record, "number " + std::to_string(record.seq) + " of its run comes behind number " + std::to_string(seq));
    seq = std::max(seq, record.seq);
  }

  // --- runs -----------------------------------------------------------------------------------------------------------------------

  Run* find(const Entry& entry, const WalRecord& record) {
    if (const auto found = open_.find(record.wal_id); found != open_.end()) {
      see_sequence(entry, record, found->second.seq);
      if (!found->second.is_planned) add(FindingCode::run_without_plan, entry, record, "an entry of a run that has no PLAN record yet");
      return &found->second;
    }
    if (const auto ended = finished_.find(record.wal_id); ended != finished_.end()) {
      see_sequence(entry, record, ended->second);
      if (record.phase != Phase::CONTROL || record.operation != operation::undo) {
        add(FindingCode::record_after_end, entry, record, "an entry of a run that had ended");
        return nullptr;
      }
      Run again;
      again.is_followed = false;
      again.seq = ended->second;
      finished_.erase(ended);
      --sink_.report.runs_ended;
      return &(open_[record.wal_id] = std::move(again));
    }
    if (!carries_) {
      add(FindingCode::run_without_plan, entry, record, "an entry of a run that has no PLAN record");
    } else {
      ++sink_.report.runs_not_followed;
    }
    Run carried;
    carried.is_followed = false;
    carried.seq = record.seq;
    return &(open_[record.wal_id] = std::move(carried));
  }
  void finish(const RunId& id) {
    const auto found = open_.find(id);
    finished_[id] = found->second.seq;
    order_.push_back(id);
    open_.erase(found);
    ++sink_.report.runs_ended;
    if (order_.size() > finished_max_) {
      if (finished_.erase(order_.front()) != 0) carries_ = true;   // from here on an unknown run may be one that was forgotten
      order_.pop_front();
    }
  }
  void expect_effects(const Entry& entry, const Run& run, Progress wanted, const std::string& end) {
    if (!run.is_followed) return;
    for (const auto& [step, effect] : run.effects)
      if (effect.progress != wanted)
        return add(FindingCode::end_incomplete, entry, *entry.record, "the run is " + end + ", but step " + printable(step) + (wanted == Progress::done ? " was never published" : " was never withdrawn"));
  }

  void see_plan(const Entry& entry, const WalRecord& record) {
    Json payload = record.payload;
    if (payload.find("parts") != nullptr) {
      auto whole = parse_json(parts_);
      if (!whole) add(FindingCode::plan_unreadable, entry, record, "the parts of the plan are no JSON together: " + printable(whole.error().what()));
      payload = whole ? std::move(whole).value() : Json();
    }
    parts_.clear();
    if (finished_.contains(record.wal_id)) return add(FindingCode::plan_repeated, entry, record, "a second PLAN record of one run");
    Run& run = open_[record.wal_id];
    if (run.is_planned && run.seq != 0) return add(FindingCode::plan_repeated, entry, record, "a second PLAN record of one run");
    see_sequence(entry, record, run.seq);
    run.is_planned = true;
    ++sink_.report.runs_planned;
    RunState planned;
    if (auto read = read_plan(planned, payload); !read) {
      add(FindingCode::plan_unreadable, entry, record, "the plan cannot be read: " + printable(read.error().what()));
      run.is_followed = false;
      return;
    }
    planned.plan = std::move(payload);
    for (const EffectState& effect : planned.effects) run.effects[effect.step_id] = {effect.effect, effect.business_key.text, effect.tombstone, effect.irreversible};
    if (planned.plan.find("plan") == nullptr) return;
    run.is_told = true;
    run.updater = record.updater_id;
    run.version = record.updater_version;
    run.inputs = record.input_hash;
    run.risk = RunRisk(planned.plan);
    compare_with_plan(entry, run, record);
    see_identities(entry, record, planned);
    see_steps(entry, record, run, *planned.plan.find("plan"));
    if (policy_.approval_from_tier && run.risk.tier() >= *policy_.approval_from_tier && run.risk.approval().empty())
      add(FindingCode::approval_missing, entry, record, "the plan has a step of tier " + std::to_string(run.risk.tier()) + ", nothing says who approved it, and the policy asks for that from tier " + std::to_string(*policy_.approval_from_tier) + " on");
  }
  /// Whatever is called by a hash is called so by what the record says (docs/formats/wal.md, "Identities").
  void see_identities(const Entry& entry, const WalRecord& record, const RunState& planned) {
    const auto expect = [&](bool follows, const std::string& what) {
      if (!follows) add(FindingCode::identity_wrong, entry, record, what + " is not the one that follows from what the PLAN record says");
    };
    const auto plan = canonical(*planned.plan.find("plan"));
    expect(plan && plan_hash(plan.value()) == planned.plan_hash, "the plan's hash");
    const auto inputs = recorded_inputs(planned.plan);
    const auto hash = inputs ? input_hash(inputs.value()) : result<InputHash>(inputs.error());
    expect(hash && hash.value() == record.input_hash, "the inputs' hash");
    const auto id = run_id({sink_.report.stream, entry.incarnation, record.updater_id, record.updater_version, planned.trigger_key, record.input_hash, planned.predecessor});
    expect(id && id.value() == record.wal_id, "the run's id");
    for (const EffectState& effect : planned.effects)
      if (effect.effect != effect_id(record.wal_id, effect.step_id)) return expect(false, "the id of the effect of step " + printable(effect.step_id));
  }
  /// The effects that the record lists are those of the plan in it.
  void see_steps(const Entry& entry, const WalRecord& record, Run& run, const Json& plan) {
    const auto differs = [&](const std::string& step, const std::string& what) { add(FindingCode::plan_differs, entry, record, "step " + printable(step) + " " + what); };
    std::size_t published = 0;
    if (const Json* const steps = plan.find("steps"))
      for (const Json& step : steps->items()) {
        const std::string id = text(step, "id"), key = text(step, "publishes");
        run.operations[id] = text(step, "operation");
        if (key.empty()) continue;
        ++published;
        const auto effect = run.effects.find(id);
        const Json* const irreversible = step.find("irreversible");
        if (effect == run.effects.end() || effect->second.tombstone || effect->second.business_key != key) differs(id, "publishes " + printable(key) + ", and no effect says so");
        else if (effect->second.irreversible != (irreversible != nullptr && *irreversible == Json(true))) differs(id, "is marked irreversible in one place only");
      }
    for (const auto& [step, effect] : run.effects) {
      published -= !effect.tombstone && published != 0 ? 1 : 0;
      if (effect.tombstone && step != "retire:" + effect.business_key) differs(step, "retires " + printable(effect.business_key) + ", which is not its name");
      else if (!effect.tombstone && !run.operations.contains(step)) differs(step, "has an effect, and is not in the plan");
    }
  }
  /// What every later entry of the run repeats of its PLAN record.
  void compare_with_plan(const Entry& entry, const Run& run, const WalRecord& record) {
    if (!run.is_told) return;
    if (record.updater_version != run.version || record.input_hash != run.inputs) add(FindingCode::plan_differs, entry, record, "version or inputs are not those of the run's PLAN record");
    WalRecord told;
    told.phase = record.phase;
    told.step_id = record.step_id;
    if (record.status != Status::FAILED) told.operation = record.operation;
    run.risk.mark(told);
    if (record.tier != told.tier) add(FindingCode::plan_differs, entry, record, "tier " + std::to_string(record.tier) + ", and the plan says " + std::to_string(told.tier));
    if (record.governance != told.governance) add(FindingCode::plan_differs, entry, record, "labels or approval are not those of the plan");
  }

  void see_execute(const Entry& entry, Run& run, const WalRecord& record) {
    if (record.status != Status::DONE) return;
    Executed now{text(record.payload, "content"), text(record.payload, "key")};
    if (run.is_told) see_result(entry, run, record, now);
    const auto [before, is_new] = run.executed.try_emplace(record.step_id, now);
    if (!is_new && (before->second.content != now.content || before->second.key != now.key))
      add(FindingCode::result_differs, entry, record, "the step gave content " + printable(now.content.substr(0, 12)) + ", and " + printable(before->second.content.substr(0, 12)) + " before");
  }

  /// What ran is a step of the plan, and the key of its result follows from it.
  void see_result(const Entry& entry, const Run& run, const WalRecord& record, const Executed& now) {
    const auto step = run.operations.find(record.step_id);
    if (step == run.operations.end()) return add(FindingCode::effect_unplanned, entry, record, "a step that the run's plan does not have");
    if (step->second != record.operation) add(FindingCode::plan_differs, entry, record, "it ran " + printable(record.operation) + ", and the plan says " + printable(step->second));
    const auto effect = run.effects.find(record.step_id);
    std::string key;
    if (effect != run.effects.end())
      if (const auto content = ContentHash::from_hex(now.content))
        if (const auto made = idempotency_key(run.updater, run.version, BusinessKey{effect->second.business_key}, content.value())) key = made.value().hex();
    if (now.key != key) add(FindingCode::identity_wrong, entry, record, "the key of what the step gave is not the one that follows from it");
  }

  Effect* effect_of(const Entry& entry, Run& run, const WalRecord& record) {
    const auto found = run.effects.find(record.step_id);
    const std::string id = text(record.payload, "effect");
    if (found == run.effects.end()) {
      if (run.is_followed) {
        add(FindingCode::effect_unplanned, entry, record, "an effect that the run's PLAN record does not name");
        return nullptr;
      }
      Effect& unknown = run.effects[record.step_id];
      if (const auto read = EffectId::from_hex(id)) unknown.id = read.value();
      unknown.irreversible = true;   // nobody knows
      return &unknown;
    }
    if (found->second.id.hex() != id) add(FindingCode::effect_unplanned, entry, record, "the effect is " + printable(id.substr(0, 12)) + ", but " + found->second.id.hex().substr(0, 12) + " is the one that belongs to the step");
    return &found->second;
  }

  void see_upsert(const Entry& entry, Run& run, const WalRecord& record) {
    if (record.status == Status::FAILED) return;
    Effect* const effect = effect_of(entry, run, record);
    if (effect == nullptr) return;
    if (record.status == Status::DONE) return see_done(entry, run, record, *effect);
    if (run.goes_back) add(FindingCode::record_after_end, entry, record, "the run is being taken back, and goes forward again");
    effect->progress = Progress::intended;
    effect->intent = {entry.incarnation, entry.lsn};
    if (!effect->irreversible && !record.reversal) add(FindingCode::reversal_missing, entry, record, "an effect that is not marked irreversible says nothing of how it is undone");
    if (record.reversal && *record.reversal != Json::object({{"effect", Json(text(record.payload, "effect"))}, {"operation", Json(operation::withdraw)}}))
      add(FindingCode::reversal_wrong, entry, record, "what it says of how it is undone is not that it is withdrawn");
    see_key(entry, *effect, record);
    const bool tombstone = record.payload.find("tombstone") != nullptr, planned = !effect->business_key.empty();
    if (planned && tombstone != effect->tombstone) add(FindingCode::plan_differs, entry, record, tombstone ? "it retires a key that the plan publishes" : "it publishes a key that the plan retires");
    if (planned ? effect->tombstone : tombstone) return;
    see_care(entry, record, planned ? effect->business_key : text(record.payload, "business_key"));
    const auto executed = run.executed.find(record.step_id);
    if (executed == run.executed.end()) {
      if (run.is_followed) add(FindingCode::result_differs, entry, record, "the step is published, but the log does not say that it ran");
      return;
    }
    if (!record.post_state_expected || record.post_state_expected->hex() != executed->second.content)
      add(FindingCode::result_differs, entry, record, "the state that is expected is not the content that the step gave");
    if (text(record.payload, "key") != executed->second.key) add(FindingCode::result_differs, entry, record, "the key that is published is not the one that the step gave");
  }
  void see_key(const Entry& entry, const Effect& effect, const WalRecord& record) {
    if (const std::string key = text(record.payload, "business_key"); !effect.business_key.empty() && key != effect.business_key)
      add(FindingCode::plan_differs, entry, record, "the key is " + printable(key) + ", and the plan says " + printable(effect.business_key));
  }
  void see_care(const Entry& entry, const WalRecord& record, const std::string& key) {
    if (!policy_.needs_care(key)) return;
    const Json* const care = record.governance ? record.governance->find("care") : nullptr;
    bool labels = care != nullptr && !care->items().empty();
    if (labels)
      for (const Json& label : care->items()) labels = labels && label.string() != nullptr && !label.string()->empty();
    if (!labels) add(FindingCode::care_missing, entry, record, "the publication of " + printable(key) + " carries no CARE labels, and the policy asks for them");
  }
  void see_done(const Entry& entry, const Run& run, const WalRecord& record, Effect& effect) {
    const bool intended = effect.progress == Progress::intended || effect.progress == Progress::done;
    effect.progress = Progress::done;
    const std::string answer = text(record.payload, "result");
    constexpr std::string_view answers[] = {name(UpsertResult::created), name(UpsertResult::moved), name(UpsertResult::unchanged), name(UpsertResult::superseded)};
    if (std::find(std::begin(answers), std::end(answers), answer) == std::end(answers)) add(FindingCode::operation_unknown, entry, record, "the answer " + printable(answer) + " is none that a sink gives");
    if (!run.is_followed) return;
    if (!intended) return add(FindingCode::done_without_intent, entry, record, "the effect is done, and nothing said before that it was meant to be");
    see_carried(entry, record, effect.intent);
  }
  void see_head(const Entry& entry, const WalRecord& record, const Head& head, HashOf hash_of) {
    const Digest* const hash = head.incarnation == entry.incarnation && head.lsn < entry.lsn ? hash_of(head.lsn) : nullptr;
    if (hash != nullptr && *hash != head.hash) add(FindingCode::head_differs, entry, record, "the effect carried LSN " + std::to_string(head.lsn) + " with the hash " + head.hash.hex().substr(0, 12) + ", which is not that entry's");
  }
  /// The head that an effect carried: its intent had to be durable then.
  void see_carried(const Entry& entry, const WalRecord& record, const Order& intent) {
    const Json* const head = record.payload.find("head");
    const auto incarnation = head ? get_u64(*head, "incarnation") : result<std::uint64_t>(Error(errc::not_found, "no head"));
    const auto lsn = head ? get_u64(*head, "lsn") : result<std::uint64_t>(Error(errc::not_found, "no head"));
    const Order at{incarnation ? incarnation.value() : 0, lsn ? lsn.value() : 0};
    if (at < intent || at.lsn >= entry.lsn)
      add(FindingCode::effect_before_intent, entry, record, "the effect carried the log's LSN " + std::to_string(at.lsn) + ", and its intent is LSN " + std::to_string(intent.lsn) + ": it was not durable before the effect");
  }

  void see_withdraw(const Entry& entry, Run& run, const WalRecord& record) {
    Effect* const effect = effect_of(entry, run, record);
    if (effect == nullptr) return;
    if (record.status == Status::IN_PROGRESS) {
      see_key(entry, *effect, record);
      if (run.is_followed && !run.goes_back) add(FindingCode::done_without_intent, entry, record, "an effect is withdrawn, and nothing says that the run is taken back");
      effect->progress = Progress::withdrawing;
      effect->intent = {entry.incarnation, entry.lsn};
      return;
    }
    const bool intended = effect->progress == Progress::withdrawing || effect->progress == Progress::withdrawn;
    effect->progress = Progress::withdrawn;
    if (!run.is_followed && !run.back_is_followed) return;
    if (!intended) return add(FindingCode::done_without_intent, entry, record, "the effect is withdrawn, and nothing said before that it was meant to be");
    see_carried(entry, record, effect->intent);
  }

  void see_control(const Entry& entry, const WalRecord& record) {
    if (record.operation == operation::plan_part) {
      if (entry.group_index == 0) parts_.clear();
      if (parts_.size() <= limits::json_bytes_max) parts_ += text(record.payload, "text");   // longer is no plan that anybody reads
      const auto [run, is_new] = open_.try_emplace(record.wal_id);
      if (is_new) run->second.is_planned = false;
      return see_sequence(entry, record, run->second.seq);
    }
    if (record.operation == operation::checkpoint) return;   // what it states is the checkpoint reader's; the auditor says that it is there
    if (record.operation == operation::loss) return see_loss(entry, record);
    Run* const run = find(entry, record);
    if (run == nullptr) return;
    compare_with_plan(entry, *run, record);
    const std::string outcome = text(record.payload, "outcome");
    const auto ends = parse_outcome(outcome);
    const bool is_outcome = ends && (is_taken_back(*ends) || (*ends == RunStatus::parked && record.operation == operation::settled));
    if (record.operation != operation::attempt && !is_outcome)
      add(FindingCode::operation_unknown, entry, record, "the outcome " + printable(outcome) + " is none that a run has");
    if (record.operation == operation::undo) {
      run->goes_back = run->back_is_followed = true;
    } else if (record.operation == operation::settled) {
      if (run->is_followed && !run->goes_back) add(FindingCode::end_incomplete, entry, record, "the run is settled, and nothing says that it is taken back");
      else if (ends != RunStatus::parked) expect_effects(entry, *run, Progress::withdrawn, printable(outcome));
      finish(record.wal_id);
    }
  }
  /// An operator accepted a loss: runs that only the sink knows may be taken back, and what is done of open runs is asked again.
  void see_loss(const Entry& entry, const WalRecord& record) {
    see_sequence(entry, record, loss_seq_);
    for (auto& [id, run] : open_) run.is_followed = run.back_is_followed = false;
    if (const Json* const lost = record.payload.find("lost"))
      for (const Json& item : lost->items())
        if (const auto id = RunId::parse(text(item, "run")); id && !open_.contains(id.value()) && finished_.try_emplace(id.value(), 0).second) {
          order_.push_back(id.value());
          ++sink_.report.runs_ended;
        }
  }

  DoneHeads heads_;
  FindingSink& sink_;
  const KeyRing* ring_;
  const VerifyPolicy& policy_;
  std::size_t finished_max_;
  bool carries_ = false;   ///< a run without PLAN may be one whose beginning is not here
  Instant last_ts_{std::numeric_limits<std::int64_t>::min()};
  Incarnation token_incarnation_ = 0;
  std::uint64_t highest_token_ = 0, loss_seq_ = 0;
  std::string updater_, parts_;
  std::map<RunId, Run> open_;
  std::map<RunId, std::uint64_t> finished_;   ///< and the last number of each
  std::deque<RunId> order_;                   ///< of finishing
};

}  // namespace kfm_det::wal

#endif
