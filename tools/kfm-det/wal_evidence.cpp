// SPDX-License-Identifier: BSL-1.0
// kfm-det wal evidence: what verdicts rest on: what is kept of it, and what is there now.
#include <memory>

#include <kfm_det/stores/evidence.hpp>

#include "command.hpp"
#include "opened_log.hpp"
#include "table.hpp"

namespace kfm_det::tool {

namespace {

[[nodiscard]] Json to_json(const KeptEvidence& one) {
  Json out = Json::object({{"folder", Json(one.folder)}, {"length", Json(one.manifest.length)}, {"name", Json(one.name.hex())}, {"offset", Json(one.manifest.offset)}, {"sentence", Json(one.manifest.sentence)}, {"verdict", Json(one.manifest.verdict)}});
  if (one.manifest.file) out.set("file", Json(one.manifest.file->name));
  if (!one.trouble.empty()) out.set("trouble", Json(one.trouble));
  return out;
}

void print(Screen& screen, const std::vector<KeptEvidence>& kept) {
  Table table({{"evidence", false, 12, 0, true}, {"verdict"}, {"place", false, 12, 3}, {"what", false, 20, 0, false, true}});
  for (const auto& one : kept)
    table.row({{one.name.hex(), Tone::strong}, one.manifest.verdict, one.manifest.file ? one.manifest.file->name + " at byte " + std::to_string(one.manifest.offset) + ", " + std::to_string(one.manifest.length) + " bytes" : std::string("-"),
               one.trouble.empty() ? Span(one.manifest.sentence) : Span("CHANGED SINCE: " + one.trouble, Tone::bad)});
  table.print(screen);
}

}  // namespace

void add_wal_evidence(Tool& tool, CLI::App& wal) {
  struct Arguments { std::string log; bool keep = false, dry_run = false; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "evidence", "What a bad or torn verdict rests on: what is kept of it; with --keep, also what is there now",
    "Evidence is a copy of the damaged region with some KiB around it, in evidence/ of the stream's folder, under a name made of its content. It is never edited, written over or deleted, and the files that it was copied from are only read. "
    "Each piece that is kept is compared with its hashes: one that was changed since gives exit code 6.\n\n"
    "Examples:\n  kfm-det wal evidence state/wal\n  kfm-det wal evidence state/wal --keep",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      KFM_DET_TRY(auto log, OpenedLog::open(screen, given->log));
      const LogPlace& place = log.place();
      const bool keeps = given->keep && !given->dry_run;
      if (keeps) {
        PosixFileSystem fs;
        KFM_DET_TRY(const auto gathered, gather_evidence(fs, place.folder, place.stream, log.recovery()));
        std::size_t fresh = 0;
        for (const auto& one : gathered) fresh += one.was_there ? 0 : 1;
        screen.say(count_of(fresh, "piece") + " of evidence kept now, " + std::to_string(gathered.size() - fresh) + " there already");
      } else if (given->keep) {
        screen.say("would keep " + count_of(log.recovery().evidence.size(), "piece") + " of evidence; nothing was changed");
      }
      LookingFileSystem fs;
      KFM_DET_TRY(const auto kept, list_evidence(fs, place.folder));
      bool is_whole = true;
      for (const auto& one : kept) is_whole = is_whole && one.trouble.empty();
      if (screen.wishes.json) {
        Json list = Json::array();
        for (const auto& one : kept) list.push(to_json(one));
        screen.json(Json::object({{"format", Json(1)}, {"kept", std::move(list)}, {"kind", Json("kfm-det wal evidence")}, {"log", log.to_json()}}));
      } else {
        log.print_verdict(screen);
        screen.field("kept", count_of(kept.size(), "piece") + " of evidence");
        if (!kept.empty()) {
          screen.blank();
          print(screen, kept);
        }
      }
      if (!is_whole) {
        screen.error(Error(errc::hash_mismatch, "evidence that was kept has been changed since", place.given, "Keep it as it is, and find out who changed it"));
        return exit_code_of(errc::corrupt_committed);
      }
      return keeps ? exit_code::done : log.outcome(screen);   // what was asked for is done
    });
  add_log(command, given->log);
  command.add_flag("--keep", given->keep, "Copy what the verdict rests on now");
  command.add_flag("-n,--dry-run", given->dry_run, "With --keep: say what would be copied, and copy nothing");
}

}  // namespace kfm_det::tool
