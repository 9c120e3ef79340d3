// SPDX-License-Identifier: BSL-1.0
// kfm-det wal compact: folds a log into a checkpoint; what is older goes to its archive.
#include <memory>

#include <kfm_det/wal/compact.hpp>

#include "trim.hpp"

namespace kfm_det::tool {

namespace {

[[nodiscard]] Json to_json(const CompactionReport& report, const Moved& moved, bool dry_run, const std::string& sentence) {
  return Json::object({{"archived_bytes", Json(moved.bytes)}, {"archived_segments", Json(moved.segments)}, {"begins_at", Json(report.base)}, {"began_at", Json(report.base_before)}, {"dry_run", Json(dry_run)}, {"entries", Json(report.entries)},
                       {"finished_runs", Json(report.finished)}, {"format", Json(1)}, {"kind", Json("kfm-det wal compact")}, {"open_runs", Json(report.open)}, {"sentence", Json(sentence)}, {"written", Json(report.written)}});
}

/// What compact() would come to, from what is there now.
result<CompactionReport> preview(OpenedLog& log) {
  wal::Compaction compaction(log.place().stream);
  KFM_DET_TRY(log.read(1, [&](const wal::Line& line, const wal::WalRecord& record) { return compaction.see(line, record); }));
  CompactionReport out;
  out.base = out.base_before = log.first();
  out.written = !compaction.is_folded();
  if (out.written) {
    KFM_DET_TRY(const auto payloads, compaction.payloads(limits::line_bytes_max));
    out.entries = payloads.size();
    for (const auto& run : compaction.state().runs) ++(wal::is_unfinished(run.status) ? out.open : out.finished);
    out.base = log.recovery().tail.lsn + 1;
  } else if (compaction.checkpoint() != 0) {
    out.base = compaction.checkpoint();
  }
  return out;
}

}  // namespace

void add_wal_compact(Tool& tool, CLI::App& wal) {
  const auto given = std::make_shared<TrimArguments>();
  CLI::App& command = add_command(tool, wal, "compact", "Folds a log into a checkpoint, so that it is quick to open; what is older goes to its archive/",
    "The checkpoint says what every run came to, which key and version it published, and the end of every group below, so undo, explain and every verdict say the same before and after; open runs are carried whole. "
    "Only when it is durable, what is below it is moved to archive/, oldest first. What replaying or drawing a finished run needs is in the archive alone. Killed half way, call it again.\n\n"
    "Takes the updater's lease. Nothing to fold writes nothing.\n\n"
    "Examples:\n  kfm-det wal compact state/wal --sink sqlite:state/summaries.db --dry-run\n  kfm-det wal compact state/wal --sink sqlite:state/summaries.db --zstd",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      KFM_DET_TRY(auto log, OpenedLog::open(screen, given->log));
      if (const int code = log.outcome(screen); code != exit_code::done) return code;
      const auto tell = [&](const CompactionReport& report, const Moved& moved, const std::string& sentence) {
        if (screen.wishes.json) screen.json(to_json(report, moved, given->dry_run, sentence));
        else screen.paragraph({sentence, Tone::good}, 0);
        return exit_code::done;
      };
      if (log.recovery().tail.lsn == 0) return tell({}, {}, "nothing to compact: the log has no record yet.");
      if (given->dry_run) {
        KFM_DET_TRY(const CompactionReport report, preview(log));
        if (!report.written && report.base == report.base_before) return tell(report, {}, report.sentence());
        const Moved moved = all_of(log.segments(), report.base);
        std::string sentence = report.written ? "would fold LSN " + std::to_string(report.base_before) + " to " + std::to_string(report.base - 1) + " into a checkpoint of " + std::to_string(report.finished) + " finished and " + std::to_string(report.open) + " open runs, "
                                              : "would let the log begin at its checkpoint, LSN " + std::to_string(report.base) + ", ";
        return tell(report, moved, sentence + "and move " + moved.text() + " to " + archive_of(log.place()) + ". Nothing was changed.");
      }
      choose_codec(*given, log);
      return with_operator(*given, log, [&](const LogPlace& place, auto& person) -> result<int> {
        KFM_DET_TRY(const CompactionReport report, person.compact(actor_of(*given)));
        const Moved moved = moved_since(log.segments(), place);
        return tell(report, moved, report.sentence() + (moved.segments == 0 ? "" : " Moved " + moved.text() + " to " + archive_of(place) + "."));
      });
    });
  add_trim_options(command, *given);
}

}  // namespace kfm_det::tool
