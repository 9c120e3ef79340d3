// SPDX-License-Identifier: BSL-1.0
/// \file
/// repair(): from a bad verdict back to a log that goes on. Proposes; only an explicit word makes it act.
///
/// Laws, each with its usual bug:
///   REPAIR-1  without `accept` nothing is changed, and what would be lost is said. Bug: a repair that is the default.
///   REPAIR-2  with it, in this order: evidence kept and durable; LOSS, which names it; the sink. Stopped anywhere, the next repair goes on, and names
///             what was kept before, too. Bug: the copy comes last, and the disk is full.
///   REPAIR-3  the original bytes stay: no segment is written, cut or removed. Bug: truncate at the first bad line.
///   REPAIR-4  what is accepted is what was shown: where the log has changed meanwhile, nothing is accepted. Bug: the operator reads one damage and accepts another.
/// Thread-safety: as Operator.
#ifndef KFM_DET_UPDATER_REPAIR_HPP
#define KFM_DET_UPDATER_REPAIR_HPP

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/updater/loss_preview.hpp"
#include "kfm_det/updater/operator.hpp"

namespace kfm_det {

struct RepairOptions {
  bool accept = false;     ///< the operator's explicit word
  std::string actor{};     ///< recorded
};

struct RepairReport {
  LossPreview proposed;
  std::optional<LossReport> done;   ///< none: nothing was changed

  /// For a person.
  [[nodiscard]] std::string sentence() const {
    if (!done) return proposed.sentence() + (proposed.is_loss() ? " To go on without what is lost, accept it explicitly." : "");
    std::string out = done->sentence();
    if (!done->evidence.empty()) out += " " + std::to_string(done->evidence.size()) + (done->evidence.size() == 1 ? " piece" : " pieces") + " of evidence " + (done->evidence.size() == 1 ? "is" : "are") + " kept, and named in the log.";
    return out;
  }
};

/// `keep` puts the evidence aside: EvidenceKeeper (stores/evidence.hpp) for stores over files, keep_nothing where a store keeps all it has.
/// Errors: foreign, unsupported_version, io_error (no loss: put it right); conflict (the log has changed: propose again); what keep, log and sink answer.
template <class Op>
[[nodiscard]] result<RepairReport> repair(Op& person, KeepEvidence keep, const RepairOptions& options = {}) {
  RepairReport out;
  KFM_DET_TRY(out.proposed, person.preview_loss());
  if (!options.accept || is_usable(out.proposed.recovery.verdict)) return out;
  if (!out.proposed.is_loss()) return wal::verdict_error(out.proposed.recovery, person.stream());
  const Recovery& shown = out.proposed.recovery;
  KFM_DET_TRY(keep(shown));   // before the tenure: beginning one may copy frames, and what lies behind them is then no part of the log any more
  KFM_DET_TRY(auto done, person.accept_loss(options.actor, [&](const Recovery& found) -> result<std::vector<Digest>> {
    if (found.verdict != shown.verdict || found.tail != shown.tail)
      return Error(errc::conflict, "the log has changed since the loss was shown", person.stream().text, "Nothing was accepted. Look at the proposal again");
    return keep(found);
  }));
  if (done.accepted) {
    out.done = std::move(done);
  } else {
    KFM_DET_TRY(out.proposed, person.preview_loss());   // somebody else has accepted it meanwhile
  }
  return out;
}

}  // namespace kfm_det

#endif
