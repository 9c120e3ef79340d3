// SPDX-License-Identifier: BSL-1.0
/// \file
/// An accepted loss: what an operator's accept_loss writes and does after log or sink was damaged or put back from an older copy (DESIGN 6).
///
/// Laws, each with its usual bug:
///   LOSS-1  nothing is accepted but by an explicit call, and then in a new incarnation. Bug: the older log is simply gone on with.
///   LOSS-2  every publication whose run the log does not know is listed in a LOSS record. Bug: an orphan that nobody can explain.
///   LOSS-3  what a person or a settlement took away does not come back with an older sink, nor with an older log. Bug: undone inputs are published again.
///   LOSS-4  LOSS and what follows from it are one atomic group: stopped anywhere, the next tenure goes on with it. Bug: half of a repair.
///   LOSS-5  where evidence is kept, it is durable before the LOSS record that names it is written; where it cannot be kept, nothing is accepted. Bug: the
///           bytes are copied afterwards, if there is room.
/// Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_LOSS_HPP
#define KFM_DET_UPDATER_LOSS_HPP

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/core/function_ref.hpp"
#include "kfm_det/updater/back.hpp"
#include "kfm_det/updater/session.hpp"

namespace kfm_det {

/// What accepting a loss came to. Plain value.
struct LossReport {
  bool accepted = false;                      ///< false: log and sink are a pair, and nothing was changed
  Verdict verdict = Verdict::clean;           ///< what was found
  Incarnation incarnation = 1;                ///< that the log is in now
  bool lost_known = true;                     ///< false: the sink cannot tell the scope of its keys (scope_of), so the list is empty
  std::vector<wal::RunState> lost;            ///< runs that only the sink knows, by order, with the effects that it has of them
  std::vector<RunId> taken_back;              ///< runs that were withdrawn, again or whole, because log and sink disagreed about it
  std::vector<RunId> unpublished;             ///< committed runs of which this sink lacks effects: the next trigger of their key publishes again
  std::vector<Digest> evidence;               ///< that was kept before (stores/evidence.hpp): SHA-256 of the manifests, which the LOSS record names

  /// For a person.
  [[nodiscard]] std::string sentence() const {
    if (!accepted) return "nothing to accept: log and sink are a pair (" + std::string(name(verdict)) + ").";
    std::size_t shown = 0, publications = 0;
    for (const auto& run : lost) {
      const auto standing = std::count_if(run.effects.begin(), run.effects.end(), [](const auto& effect) { return effect.progress != wal::EffectState::Progress::withdrawn; });
      shown += standing != 0;
      publications += static_cast<std::size_t>(standing);
    }
    const auto count = [](std::size_t number, const std::string& noun) { return std::to_string(number) + " " + noun + (number == 1 ? "" : "s"); };
    std::string out = "the loss was accepted (" + std::string(name(verdict)) + "): the log goes on in incarnation " + std::to_string(incarnation) + ".";
    if (!lost_known) out += " The sink cannot tell which keys belong to this updater, so publications whose runs are gone are not listed.";
    if (!lost.empty()) out += " The records of " + count(lost.size(), "run") + " are gone";
    if (shown != 0) out += "; " + count(publications, "publication") + " of theirs stay until a run replaces or retires the key, or until you undo the run";
    if (!lost.empty()) out += ".";
    if (!taken_back.empty()) out += " " + count(taken_back.size(), "run") + " that had been taken back " + (taken_back.size() == 1 ? "was" : "were") + " withdrawn again.";
    if (!unpublished.empty()) out += " The sink lacks publications of " + count(unpublished.size(), "committed run") + ".";
    return out + " Trigger every updater of this scope again: nothing of before the loss counts as done.";
  }
};

/// Puts aside what a verdict rests on, durably, before anything is accepted; answers the names that the LOSS record will hold. An error: nothing is accepted.
using KeepEvidence = function_ref<result<std::vector<Digest>>(const Recovery&)>;
[[nodiscard]] inline result<std::vector<Digest>> keep_nothing(const Recovery&) { return std::vector<Digest>{}; }

namespace detail {

/// What log and sink say about each other, read with the tenure's own state; a look without a tenure has the same members `sink`, `log`, `find`.
template <class SessionType>
class LossSurvey {
 public:
  LossSurvey(SessionType& session, const Scope& scope) : session_(session), scope_(scope) {}

  std::map<RunId, wal::RunState> lost;                             // by id; sorted by order when written
  std::map<RunId, wal::RunStatus> back;                            // runs that are to be taken back, and how they end
  std::vector<RunId> unpublished;
  bool lost_known = true;

  [[nodiscard]] result<void> read() {
    if constexpr (requires { session_.sink.scope_of(BusinessKey{}); }) {
      std::vector<BusinessKey> keys;
      KFM_DET_TRY(session_.sink.keys([&](const BusinessKey& key) -> result<void> { keys.push_back(key); return success(); }));
      for (const BusinessKey& key : keys) {
        KFM_DET_TRY(const std::optional<Scope> owner, session_.sink.scope_of(key));
        if (!owner || *owner != scope_) continue;
        KFM_DET_TRY(session_.sink.history(key, [&](const Publication& one) -> result<void> { see(one); return success(); }));
      }
    } else {
      lost_known = false;
    }
    wal::Replay planned;   // each run's effects, at its PLAN record
    KFM_DET_TRY(session_.log.read(1, [&](const wal::Line& line, const wal::WalRecord& record) -> result<void> {
      KFM_DET_TRY(planned.apply(line, record));
      if (record.phase == wal::Phase::PLAN) return look_for(planned.state().runs.back());
      return success();
    }));
    return success();
  }

  /// What was read, as reports say it.
  void tell(LossReport& report) const {
    for (const auto& [id, run] : lost) {
      report.lost.push_back(run);
      report.lost.back().updater_id = scope_.updater_id;
      report.lost.back().status = wal::RunStatus::lost;
    }
    std::sort(report.lost.begin(), report.lost.end(), [](const auto& a, const auto& b) { return std::pair(a.order, a.id) < std::pair(b.order, b.id); });
    for (const auto& [id, outcome] : back) report.taken_back.push_back(id);
    report.lost_known = lost_known;
    report.unpublished = unpublished;
  }

 private:
  void see(const Publication& one) {
    const bool withdrawn = one.state == PublicationState::withdrawn;
    const wal::RunState* run = session_.find(one.run);
    if (!run || run->is_lost) {
      if (run && std::any_of(run->effects.begin(), run->effects.end(), [&](const auto& effect) { return effect.effect == one.effect; })) return;
      wal::RunState& gone = lost[one.run];
      gone.id = one.run;
      gone.order = one.order;
      gone.is_lost = true;
      wal::EffectState effect{"lost:" + one.business_key.text, one.effect, one.business_key, one.tombstone, false, {}};
      if (withdrawn) effect.progress = wal::EffectState::Progress::withdrawn;
      gone.effects.push_back(std::move(effect));
    } else if (run->status == wal::RunStatus::committed && withdrawn) {
      back[one.run] = wal::RunStatus::undone;        // an undo whose records are gone
    } else if (wal::is_taken_back(run->status) && !withdrawn) {
      back[one.run] = run->status;                   // a withdrawal that an older sink has forgotten
    }
  }
  result<void> look_for(const wal::RunState& planned) {
    const wal::RunState* run = session_.find(planned.id);
    if (!run || run->status != wal::RunStatus::committed || back.contains(planned.id)) return success();
    for (const auto& effect : planned.effects) {
      KFM_DET_TRY(const auto there, session_.sink.find(effect.effect));
      if (there) continue;
      unpublished.push_back(planned.id);
      break;
    }
    return success();
  }

  SessionType& session_;
  const Scope& scope_;
};

/// The effects of a lost run, as its LOSS record lists them.
[[nodiscard]] inline Json lost_effect_json(const wal::EffectState& effect) {
  Json one = Json::object({{"business_key", Json(effect.business_key.text)}, {"effect", Json(effect.effect.hex())}, {"step", Json(effect.step_id)}});
  if (effect.tombstone) one.set("tombstone", Json(true));
  if (effect.progress == wal::EffectState::Progress::withdrawn) one.set("withdrawn", Json(true));
  return one;
}
[[nodiscard]] inline Json lost_run_json(const wal::RunState& run, Json effects) {
  return Json::object({{"effects", std::move(effects)}, {"incarnation", Json(run.order.incarnation)}, {"lsn", Json(run.order.lsn)}, {"run", Json(run.id.text())}});
}

/// The payloads of the LOSS records: one, or as many as lines of this size need. A run's effects may stand in several.
[[nodiscard]] inline std::vector<Json> loss_payloads(const std::vector<wal::RunState>& lost, Verdict verdict, const Head& witness, std::span<const Digest> evidence, std::size_t bytes_max) {
  std::vector<Json> parts;
  Json runs = Json::array();
  std::size_t size = 0;
  const auto flush = [&] {
    parts.push_back(Json::object({{"lost", std::exchange(runs, Json::array())}, {"part", Json(static_cast<std::uint64_t>(parts.size()))}, {"verdict", Json(name(verdict))}, {"witness", wal::head_json(witness)}}));
    size = 0;
  };
  for (const auto& run : lost) {
    Json effects = Json::array();
    for (const auto& effect : run.effects) {
      const std::size_t more = 512 + 4 * effect.business_key.text.size();   // the key stands twice, and escaping may double it
      if (size + more > bytes_max && size != 0) {
        if (!effects.items().empty()) runs.push(lost_run_json(run, std::exchange(effects, Json::array())));
        flush();
      }
      effects.push(lost_effect_json(effect));
      size += more;
    }
    runs.push(lost_run_json(run, std::move(effects)));
  }
  flush();
  if (!evidence.empty()) {
    Json kept = Json::array();
    for (const Digest& one : evidence) kept.push(Json(one.hex()));
    parts.front().set("evidence", std::move(kept));
  }
  return parts;
}

/// Keeps the evidence, writes LOSS and what follows from it, raises the sink's witness to it, and takes back what has to be taken back.
template <class SessionType>
[[nodiscard]] result<LossReport> accept_loss(SessionType& session, const Scope& scope, const Version& version, KeepEvidence keep) {
  LossReport report;
  report.verdict = session.log.recovery().verdict;
  report.incarnation = session.log.incarnation();
  if (is_usable(report.verdict)) return report;
  LossSurvey<SessionType> survey(session, scope);
  KFM_DET_TRY(survey.read());
  survey.tell(report);
  KFM_DET_TRY(report.evidence, keep(session.log.recovery()));

  wal::RunState none;   // LOSS is about the scope: its records name no run
  none.updater_id = scope.updater_id;
  none.version = version;
  none.next_seq = session.log.tail().lsn + 1;   // grows over all of them
  const auto loss_record = [&](Json payload, wal::Status status) {
    auto record = session.record(none, wal::Phase::CONTROL, wal::operation::loss, "", status);
    record.payload = std::move(payload);
    return record;
  };
  std::vector<wal::WalRecord> group;
  for (Json& payload : loss_payloads(report.lost, report.verdict, session.witness, report.evidence, session.log.line_bytes_max() / 2)) group.push_back(loss_record(std::move(payload), wal::Status::IN_PROGRESS));
  for (const auto& [id, outcome] : survey.back) {
    group.push_back(session.undo_record(*session.find(id), outcome, nullptr));
  }
  KFM_DET_TRY(session.write(std::move(group), true));
  report.accepted = true;

  // The sink sees the new incarnation at once: from here on an older copy of either is noticed again.
  const Head head = session.log.durable();
  KFM_DET_TRY(session.keep_lease());
  KFM_DET_TRY(session.sink.withdraw(session.tenure(), head, {}));
  session.witness = head;
  std::vector<wal::WalRecord> done;
  done.push_back(loss_record(Json::object({{"head", wal::head_json(head)}}), wal::Status::DONE));
  KFM_DET_TRY(session.write(std::move(done), true));
  for (const RunId& id : report.taken_back) { KFM_DET_TRY(withdraw(session, id, survey.back.at(id), nullptr)); }
  return report;
}

}  // namespace detail

}  // namespace kfm_det

#endif
