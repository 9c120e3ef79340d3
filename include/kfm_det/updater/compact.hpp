// SPDX-License-Identifier: BSL-1.0
/// \file
/// Compaction of a scope's log: a checkpoint of what its records say, durable, and then what is below it is dropped (DESIGN 6; wal/compact.hpp).
///
/// Works on any store that trims. Killed anywhere, the log begins where it began or at the checkpoint, and says the same; the next tenure goes on.
/// The sink is told nothing: its witness is judged by the ends of groups that the checkpoint lists, and the checkpoint carries the highest head that a DONE
/// carried, so an older copy of either is noticed as before. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_COMPACT_HPP
#define KFM_DET_UPDATER_COMPACT_HPP

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/contracts/store.hpp"
#include "kfm_det/updater/session.hpp"
#include "kfm_det/wal/compact.hpp"

namespace kfm_det {

/// What a compaction came to. Plain value.
struct CompactionReport {
  bool written = false;             ///< a checkpoint; false: nothing stood behind the newest one
  Lsn base_before = 1, base = 1;    ///< where the log began, and begins
  std::uint64_t entries = 0;        ///< of the checkpoint
  std::uint64_t finished = 0;       ///< runs that were folded
  std::uint64_t open = 0;           ///< runs that were carried whole
  Verdict verdict = Verdict::clean; ///< of the recovery

  /// For a person.
  [[nodiscard]] std::string sentence() const {
    if (!written && base == base_before) return "nothing to compact: the log begins at LSN " + std::to_string(base) + ", and nothing stands behind its checkpoint.";
    std::string out = "the log begins at LSN " + std::to_string(base) + " now (it began at " + std::to_string(base_before) + ")";
    if (written) out += ": a checkpoint of " + std::to_string(finished) + " finished and " + std::to_string(open) + " open runs, " + std::to_string(entries) + (entries == 1 ? " entry" : " entries");
    return out + ".";
  }
};

namespace detail {

/// Writes the checkpoint, if there is something to fold, and drops what is below the newest one.
template <class SessionType>
[[nodiscard]] result<CompactionReport> compact(SessionType& session, const Scope& scope, const Version& version) {
  CompactionReport report;
  report.verdict = session.log.recovery().verdict;
  report.base = report.base_before = session.log.recovery().base;
  wal::Compaction compaction(session.log.stream_id());
  KFM_DET_TRY(session.log.read(1, [&](const wal::Line& line, const wal::WalRecord& record) { return compaction.see(line, record); }));
  Lsn begins = compaction.checkpoint();
  if (!compaction.is_folded()) {
    KFM_DET_TRY(auto payloads, compaction.payloads(session.log.line_bytes_max()));
    wal::RunState none;   // a checkpoint is about the scope: its records name no run
    none.updater_id = scope.updater_id;
    none.version = version;
    none.next_seq = session.log.tail().lsn + 1;   // grows over all of them
    begins = session.log.tail().lsn + 1;
    std::vector<wal::WalRecord> group;
    for (Json& payload : payloads) {
      group.push_back(session.record(none, wal::Phase::CONTROL, wal::operation::checkpoint, "", wal::Status::DONE));
      group.back().payload = std::move(payload);
    }
    report.entries = group.size();
    for (const auto& run : compaction.state().runs) ++(wal::is_unfinished(run.status) ? report.open : report.finished);
    KFM_DET_TRY(session.write(std::move(group), true));
    report.written = true;
  }
  if (begins > report.base) {
    KFM_DET_TRY(session.keep_lease());
    KFM_DET_TRY(session.log.drop_before(begins));
    report.base = begins;
  }
  return report;
}

}  // namespace detail

}  // namespace kfm_det

#endif
