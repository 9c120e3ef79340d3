// SPDX-License-Identifier: BSL-1.0
/// \file
/// UndoPreview: what taking a run back would change, key by key, before anybody does it.
///
/// Laws, each with its usual bug:
///   PREVIEW-1  it takes no lease and changes no byte of log, lock or sink. Bug: a preview that begins a tenure.
///   PREVIEW-2  while nobody else works on the scope, undo() does what it says: the same keys change, to the same publications, and it ends in the same
///              status. Bug: a second rule for what is current.
/// Thread-safety: plain functions over the caller's backends.
#ifndef KFM_DET_UPDATER_UNDO_PREVIEW_HPP
#define KFM_DET_UPDATER_UNDO_PREVIEW_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/updater/run_report.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/planned_runs.hpp"

namespace kfm_det {

/// One planned effect, and what its withdrawal does to its key.
struct UndoneKey {
  enum class Change : std::uint8_t {
    restored,      ///< what was there before becomes current (`then`)
    emptied,       ///< nothing is current any more
    replaced,      ///< nothing changes: a newer run has replaced it
    never_seen,    ///< nothing changes: the sink never saw it, and never will
    withdrawn,     ///< nothing changes: it is withdrawn already
    kept,          ///< it stays: at or before an irreversible step, where the undo stops
  };
  BusinessKey business_key;
  std::string step_id;
  EffectId effect;
  bool tombstone = false;             ///< the run retired the key
  Change change = Change::restored;
  std::optional<Publication> now;     ///< current, be it a tombstone
  std::optional<Publication> then;    ///< current behind the undo
};
[[nodiscard]] constexpr std::string_view name(UndoneKey::Change change) noexcept {
  constexpr std::string_view names[] = {"restored", "emptied", "replaced", "never seen", "withdrawn", "kept"};
  return names[static_cast<std::size_t>(change)];
}

struct UndoPreview {
  RunId run;
  std::string updater_id, trigger_key;
  wal::RunStatus status = wal::RunStatus::open;      ///< now
  wal::RunStatus ends_as = wal::RunStatus::undone;   ///< behind the undo
  bool nothing_to_do = false;                        ///< it is taken back already
  std::vector<UndoneKey> keys;                       ///< in the order of the plan; undo goes from the last to the first
  std::optional<std::string> stops_at;               ///< the irreversible step at which it stops
  Verdict verdict = Verdict::clean;

  [[nodiscard]] std::size_t count(UndoneKey::Change change) const {
    return static_cast<std::size_t>(std::count_if(keys.begin(), keys.end(), [&](const UndoneKey& one) { return one.change == change; }));
  }
  /// For a person.
  [[nodiscard]] std::string sentence() const {
    using Change = UndoneKey::Change;
    const std::string which = updater_id + ": run " + run.text();
    if (nothing_to_do) return which + " is " + std::string(wal::name(status)) + " already, and nothing of it is published: undo has nothing to do.";
    std::string out = which + " is " + std::string(wal::name(status)) + "; undo would withdraw ", more;
    const auto add = [&](Change change, std::string_view what) {
      if (count(change) != 0) more += (more.empty() ? " " : ", ") + std::to_string(count(change)) + " " + std::string(what);
    };
    const std::size_t all = keys.size() - count(Change::kept) - count(Change::withdrawn);
    out += std::to_string(all) + (all == 1 ? " effect:" : " effects:");
    add(Change::restored, "would give back what was there before");
    add(Change::emptied, "would leave their keys with nothing current");
    add(Change::replaced, "would change nothing, because newer runs have replaced them");
    add(Change::never_seen, "were never published, and never would be");
    out += (more.empty() ? " nothing is left to change" : more) + ".";
    if (count(Change::withdrawn) != 0) out += " " + std::to_string(count(Change::withdrawn)) + " are withdrawn already.";
    if (stops_at) out += " It would stop at the irreversible step " + *stops_at + ": " + std::to_string(count(Change::kept)) + (count(Change::kept) == 1 ? " effect stays" : " effects stay") + ", and the run ends parked.";
    if (ends_as == wal::RunStatus::undone) out += " Its inputs would be held until inputs, version or `force` differ.";
    return out + " Nothing was changed.";
  }
};

namespace detail {

/// The effects of a run, also of one that is finished: its plan stands in the log alone, or in the checkpoint that it was folded into.
class RunRecaller {
 public:
  explicit RunRecaller(RunId id) : id_(std::move(id)) {}
  [[nodiscard]] result<void> see(const wal::Line& line, const wal::WalRecord& record) {
    return runs_.see(line, record, [this](const wal::RunState& run, const std::string&) -> result<void> {
      if (run.id == id_) plan_ = run.plan;
      return success();
    });
  }
  /// Errors: not_found (no such run, or one with something left to take back whose plan is not in the log any more).
  [[nodiscard]] result<wal::RunState> recalled() {
    const wal::RunState* found = runs_.state().find(id_);
    if (!found) return no_such_run(id_);
    wal::RunState run = *found;
    if (run.has_effects || wal::is_taken_back(run.status)) return run;
    if (plan_.is_null()) return Error(errc::not_found, "the log does not hold the plan of this run", id_.text(), "A loss was accepted; what the sink has of the run, status() lists.");
    KFM_DET_TRY(wal::Replay::recall(run, plan_));
    return run;
  }

 private:
  RunId id_;
  wal::PlannedRuns runs_;
  Json plan_;
};

/// The first effect that undo takes back: it goes from the last to the first, and stops where an irreversible one is published (detail::withdraw).
template <class Si>
[[nodiscard]] result<std::size_t> first_taken_back(Si& sink, const std::vector<wal::EffectState>& effects) {
  for (std::size_t i = effects.size(); i-- > 0;) {
    if (effects[i].progress == wal::EffectState::Progress::withdrawn || !effects[i].irreversible) continue;
    KFM_DET_TRY(const auto there, sink.find(effects[i].effect));
    if (there && there->state != PublicationState::withdrawn) return i + 1;
  }
  return std::size_t{0};
}

}  // namespace detail

/// Looks only. Errors: not_found (no such run), the verdicts of recovery, what the sink answers.
template <class St, class Si>
[[nodiscard]] result<UndoPreview> preview_undo(St& store, Si& sink, const StreamId& id, const RunId& which) {
  using Change = UndoneKey::Change;
  detail::RunRecaller recaller(which);
  KFM_DET_TRY(const Recovery recovery, wal::inspect_log(store, sink, id, [&](const wal::Line& line, const wal::WalRecord& record) { return recaller.see(line, record); }));
  KFM_DET_TRY(const wal::RunState run, recaller.recalled());
  UndoPreview out{run.id, run.updater_id, run.trigger_key, run.status, run.status == wal::RunStatus::undoing ? run.ends_as : wal::RunStatus::undone, wal::is_taken_back(run.status), {}, {}, recovery.verdict};
  if (out.nothing_to_do) {
    out.ends_as = run.status;
    return out;
  }
  KFM_DET_TRY(const std::size_t first, detail::first_taken_back(sink, run.effects));
  std::set<EffectId> gone;   // once all is done
  for (std::size_t i = first; i < run.effects.size(); ++i) gone.insert(run.effects[i].effect);
  if (first != 0) {
    out.stops_at = run.effects[first - 1].step_id;
    out.ends_as = wal::RunStatus::parked;
  }
  for (std::size_t i = 0; i < run.effects.size(); ++i) {
    const wal::EffectState& effect = run.effects[i];
    UndoneKey one{effect.business_key, effect.step_id, effect.effect, effect.tombstone, Change::never_seen, {}, {}};
    KFM_DET_TRY(sink.history(effect.business_key, [&](const Publication& publication) -> result<void> {   // by order
      const bool withdrawn = publication.state == PublicationState::withdrawn;
      if (publication.effect == effect.effect) one.change = withdrawn ? Change::withdrawn : Change::replaced;
      if (publication.state == PublicationState::current) one.now = publication;
      if (!withdrawn && !gone.contains(publication.effect)) one.then = publication;
      return success();
    }));
    if (i < first && one.change != Change::withdrawn && one.change != Change::never_seen) one.change = Change::kept;
    else if (one.now && one.now->effect == effect.effect) one.change = one.then ? Change::restored : Change::emptied;
    out.keys.push_back(std::move(one));
  }
  return out;
}

}  // namespace kfm_det

#endif
