// SPDX-License-Identifier: BSL-1.0
/// \file
/// LossPreview: what accepting a loss would mean, before anybody accepts it.
///
/// Laws PREVIEW-1 (no lease, no byte changed) and PREVIEW-3: while nobody else works on the scope, accept_loss() finds what it says. Bug: a survey of its own.
/// Thread-safety: plain functions over the caller's backends.
#ifndef KFM_DET_UPDATER_LOSS_PREVIEW_HPP
#define KFM_DET_UPDATER_LOSS_PREVIEW_HPP

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/contracts/store.hpp"
#include "kfm_det/updater/loss.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/replay.hpp"

namespace kfm_det {

struct LossPreview {
  LossReport loss;                  ///< what accept_loss would report; `accepted` is false, `incarnation` the one that would begin
  Recovery recovery;                ///< the verdict, and the regions that it rests on
  Lsn lost_from = 0, lost_upto = 0; ///< records that are gone: from here to here or further; 0: none is known to be
  std::vector<RunId> cut_short;     ///< runs that are open where the log ends now: their end may be among what is lost, and the next trigger takes them up

  [[nodiscard]] bool is_loss() const { return can_accept(recovery.verdict); }
  /// For a person.
  [[nodiscard]] std::string sentence() const {
    const std::string verdict(name(recovery.verdict));
    if (is_usable(recovery.verdict)) return "nothing to accept: log and sink are a pair (" + verdict + ").";
    if (!is_loss()) return verdict + " is no loss, and cannot be accepted: put it right.";
    const auto count = [](std::size_t number, const std::string& noun) { return std::to_string(number) + " " + noun + (number == 1 ? "" : "s"); };
    std::string out = verdict + ": the log is kept up to LSN " + std::to_string(recovery.tail.lsn);
    if (lost_from != 0) out += ", and LSN " + std::to_string(lost_from) + " to " + std::to_string(lost_upto) + " or further would be lost";
    out += "; it would go on in incarnation " + std::to_string(loss.incarnation) + ".";
    if (!loss.lost_known) out += " The sink cannot tell which keys belong to this updater, so publications whose runs are gone are not listed.";
    if (!loss.lost.empty()) out += " The records of " + count(loss.lost.size(), "run") + " are gone; what the sink has of " + (loss.lost.size() == 1 ? "it" : "them") + " stays until a run replaces or retires the key, or until you undo the run.";
    if (!loss.taken_back.empty()) out += " " + count(loss.taken_back.size(), "run") + " that had been taken back would be withdrawn again.";
    if (!loss.unpublished.empty()) out += " The sink lacks publications of " + count(loss.unpublished.size(), "committed run") + ".";
    if (!cut_short.empty()) out += " " + count(cut_short.size(), "run") + " would be open again, for the next trigger to take up.";
    return out + " Nothing was changed.";
  }
};

namespace detail {
/// What LossSurvey reads of a tenure, without one.
template <class Stream, class Si>
struct LossLook {
  struct Log {
    Stream& stream;
    Lsn upto;
    [[nodiscard]] result<void> read(Lsn from, wal::RecordVisitor visitor) { return wal::read_upto(stream, from, upto, visitor); }
  };
  Si& sink;
  Log log;
  const wal::ScopeState& state;
  [[nodiscard]] const wal::RunState* find(const RunId& id) const { return state.find(id); }
};
}  // namespace detail

/// Looks only. A verdict that nobody can accept is a value, too. Errors: what log and sink answer.
template <class St, class Si>
[[nodiscard]] result<LossPreview> preview_loss(St& store, Si& sink, const Scope& scope) {
  const StreamId id = StreamId::of(scope);
  LossPreview out;
  KFM_DET_TRY(const Head witness, sink.witness(id));
  KFM_DET_TRY(auto stream, store.open_stream(id));
  KFM_DET_TRY(out.recovery, stream.inspect(std::span<const Head>(&witness, 1)));
  wal::Replay replay;
  if (is_usable(out.recovery.verdict) || out.is_loss()) {
    KFM_DET_TRY(wal::read_beside_sink(stream, sink, id, out.recovery, [&](const wal::Line& line, const wal::WalRecord& record) { return replay.apply(line, record); }));
  }
  out.loss.verdict = out.recovery.verdict;
  out.loss.incarnation = out.recovery.incarnation + (out.is_loss() ? 1 : 0);
  if (!out.is_loss()) return out;
  if (out.recovery.known > out.recovery.tail.lsn) {
    out.lost_from = out.recovery.tail.lsn + 1;
    out.lost_upto = out.recovery.known;
  }
  detail::LossLook<typename St::Stream, Si> look{sink, {stream, out.recovery.tail.lsn}, replay.state()};
  detail::LossSurvey survey(look, scope);
  KFM_DET_TRY(survey.read());
  survey.tell(out.loss);
  for (const auto& run : replay.state().runs)
    if (wal::is_unfinished(run.status)) out.cut_short.push_back(run.id);
  return out;
}

}  // namespace kfm_det

#endif
