// SPDX-License-Identifier: BSL-1.0
/// \file
/// Operator<Store, Lock, Sink>: what a person can do to a scope without its plan type: look, take runs back, accept a loss, compact, archive.
///
/// The same code as Updater's undo, accept_loss and compact, over the same laws (RUN-15, RUN-20, RUN-21, LOSS-1 to LOSS-5, PREVIEW-1 to PREVIEW-3). What needs the plan type
/// is not here: run and resume. So a tool that knows no plan can hold one, and an undo that it began is gone on with by the updater's next trigger.
/// Durability: what undo and accept_loss answer survives power loss as far as the backends claim; killed anywhere, call them again.
/// Thread-safety: one call at a time per Operator; any number of operators and updaters, in any number of processes, over the same backends.
#ifndef KFM_DET_UPDATER_OPERATOR_HPP
#define KFM_DET_UPDATER_OPERATOR_HPP

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/updater/environment.hpp"
#include "kfm_det/updater/explain.hpp"
#include "kfm_det/updater/loss_preview.hpp"
#include "kfm_det/updater/tenures.hpp"
#include "kfm_det/updater/undo_preview.hpp"

namespace kfm_det {

template <class St, class L, class Si, class Env = Environment<>>
class Operator {
  static_assert(diagnose_store<St>());
  static_assert(diagnose_lock<L>());
  static_assert(diagnose_sink<Si>());
  static_assert(detail::diagnose_together<St, L, Si>());

 public:
  Operator(Scope scope, St store, L lock, Si sink, Env environment = {})
      : scope_(std::move(scope)), tenures_{std::move(store), std::move(lock), std::move(sink), std::move(environment)} {}

  // --- looking: no lease, no byte changed ------------------------------------------------------------------------------------

  /// Every run of the scope, by PLAN record. Errors: the verdicts of recovery.
  [[nodiscard]] result<std::vector<wal::RunState>> status() {
    KFM_DET_TRY(auto seen, tenures_.look(scope_));
    return std::move(seen.replay.state().runs);
  }
  /// Which run, version and inputs made what is current of a key. Errors: not_found, the verdicts of recovery.
  [[nodiscard]] result<Explanation> explain(const BusinessKey& key) { return explain_key(tenures_.store, tenures_.sink, stream(), key); }
  /// What undo() would change. Errors: not_found, the verdicts of recovery.
  [[nodiscard]] result<UndoPreview> preview_undo(const RunId& id) { return kfm_det::preview_undo(tenures_.store, tenures_.sink, stream(), id); }
  /// What accept_loss() would lose and find. Errors: what log and sink answer; a bad verdict is none.
  [[nodiscard]] result<LossPreview> preview_loss() { return kfm_det::preview_loss(tenures_.store, tenures_.sink, scope_); }

  // --- acting, each under a lease of its own ---------------------------------------------------------------------------------

  /// As Updater::undo: every planned effect is withdrawn, backwards; stops at an irreversible step; resumable. `actor` is recorded.
  /// Errors: not_found, parked, busy, the verdicts of recovery, lease_lost, stale_token, conflict, what log and sink answer.
  [[nodiscard]] result<RunReport> undo(const RunId& id, const std::string& actor = {}) { return tenures_.undo(scope_, id, actor); }
  /// As Updater::accept_loss. `keep` puts the evidence aside first (stores/evidence.hpp; updater/repair.hpp does both); its error leaves everything as it is.
  [[nodiscard]] result<LossReport> accept_loss(const std::string& actor = {}, KeepEvidence keep = keep_nothing) { return tenures_.accept_loss(scope_, std::nullopt, actor, keep); }

  /// As Updater::compact: a checkpoint of what the log says, durable, then what is below it is dropped. Errors: unsupported (the store does not trim), and as undo().
  [[nodiscard]] result<CompactionReport> compact(const std::string& actor = {}) { return tenures_.compact(scope_, std::nullopt, actor); }

  /// Every finished segment of the log goes to the store's archive, durable before it leaves the folder, and stays a part of the log. No record is written.
  /// Killed anywhere, call it again. For stores that have an archive (FileStore). Errors: conflict (the archive holds another segment under a name), and as undo().
  [[nodiscard]] result<void> archive() requires requires(typename St::Stream& stream) { stream.archive_finished(); } { return tenures_.archive(scope_); }

  [[nodiscard]] const Scope& scope() const { return scope_; }
  [[nodiscard]] StreamId stream() const { return StreamId::of(scope_); }
  [[nodiscard]] St& store() { return tenures_.store; }
  [[nodiscard]] Si& sink() { return tenures_.sink; }
  [[nodiscard]] Env& environment() { return tenures_.env; }

 private:
  Scope scope_;
  detail::Tenures<St, L, Si, Env> tenures_;
};

}  // namespace kfm_det

#endif
