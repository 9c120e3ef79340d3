// SPDX-License-Identifier: BSL-1.0
// kfm-det wal archive: moves finished segments into the log's archive, where they stay a part of it.
#include <memory>

#include "trim.hpp"

namespace kfm_det::tool {

void add_wal_archive(Tool& tool, CLI::App& wal) {
  const auto given = std::make_shared<TrimArguments>();
  CLI::App& command = add_command(tool, wal, "archive", "Moves finished segments into the log's archive/, where they stay a part of the log",
    "Every record stays where every reader looks for it: the folder first, then archive/. What is moved is durable in the archive before it leaves the folder, and nothing there is ever written over; "
    "killed half way, call it again. To make a log shorter, and quicker to open, compact it.\n\n"
    "Takes the updater's lease.\n\n"
    "Examples:\n  kfm-det wal archive state/wal --sink sqlite:state/summaries.db --dry-run\n  kfm-det wal archive state/wal --sink sqlite:state/summaries.db --zstd",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      KFM_DET_TRY(auto log, OpenedLog::open(screen, given->log));
      if (const int code = log.outcome(screen); code != exit_code::done) return code;
      const auto tell = [&](const Moved& moved, const std::string& sentence) {
        if (screen.wishes.json) screen.json(Json::object({{"archived_bytes", Json(moved.bytes)}, {"archived_segments", Json(moved.segments)}, {"dry_run", Json(given->dry_run)}, {"format", Json(1)}, {"kind", Json("kfm-det wal archive")}, {"sentence", Json(sentence)}}));
        else screen.paragraph({sentence, Tone::good}, 0);
        return exit_code::done;
      };
      const Moved moved = all_of(log.segments());
      if (moved.segments == 0) return tell(moved, "nothing to archive: no segment is in the log's folder.");
      if (given->dry_run) return tell(moved, "would move " + moved.text() + " to " + archive_of(log.place()) + ". Nothing was changed.");
      choose_codec(*given, log);
      return with_operator(*given, log, [&](const LogPlace& place, auto& person) -> result<int> {
        KFM_DET_TRY(person.archive());
        const Moved gone = moved_since(log.segments(), place);
        return tell(gone, "moved " + gone.text() + " to " + archive_of(place) + ".");
      });
    });
  add_trim_options(command, *given);
}

}  // namespace kfm_det::tool
