// SPDX-License-Identifier: BSL-1.0
// kfm-det wal head: the highest place in a log that is proven durable, as a witness to keep elsewhere.
#include <memory>
#include <optional>
#include <span>

#include <kfm_det/stores/head_file.hpp>

#include "command.hpp"
#include "opened_log.hpp"
#include "story.hpp"

namespace kfm_det::tool {

namespace {

/// Errors: not_found for a log in which nothing is proven yet.
result<Head> proven_head(OpenedLog& log) {
  const Recovery& recovery = log.recovery();
  if (recovery.proven == recovery.tail.lsn && recovery.tail.lsn != 0) return recovery.tail;
  if (recovery.proven == 0) return Error(errc::not_found, "nothing in this log is proven durable yet", log.place().given, "Try again behind the next run");
  if (recovery.proven < log.first()) {   // of the checkpoint nothing is proven yet, but what it folded is
    const auto end = read_runs(log).ends.find(log.place().stream, recovery.proven);
    if (!end) return Error(errc::not_found, "the checkpoint does not say what stood at LSN " + std::to_string(recovery.proven), log.place().given, "Try again behind the next run");
    return *end;
  }
  Head head = recovery.tail;
  bool found = false;
  const auto read = log.scan(recovery.proven, [&](const Frame& frame) -> result<void> {
    if (frame.lsn != recovery.proven) return success();
    const wal::Line line = wal::read_line(frame.bytes);
    head.incarnation = line.incarnation;
    head.lsn = line.lsn;
    head.hash = line.hash;
    found = true;
    return success();
  });
  if (!read) return read.error();
  if (!found) return Error(errc::corrupt_committed, "the proven frame is gone", log.place().given, "Look again");
  return head;
}

/// Nothing when there is no such file. Errors: invalid_argument for one that is no head.
result<std::optional<Head>> head_before(const std::string& path) {
  LookingFileSystem fs;
  KFM_DET_TRY(const bool there, fs.exists(path));
  if (!there) return std::optional<Head>();
  auto head = read_head(fs, path);
  if (head) return std::optional<Head>(std::move(head).value());
  const errc code = head.error().code();
  if (code != errc::invalid_json && code != errc::invalid_argument && code != errc::limit_exceeded) return head.error();
  return Error(errc::invalid_argument, "this is no head file: " + head.error().what(), path, "Give one that `kfm-det wal head --out` wrote, or a name that is free");
}

/// The file keeps the newest place that was ever seen: an older one would unlearn.
result<int> keep(Screen& screen, const OpenedLog& log, const Head& head, const std::string& path, bool dry_run) {
  KFM_DET_TRY(const auto before, head_before(path));
  const std::string place = "LSN " + std::to_string(head.lsn) + " of incarnation " + std::to_string(head.incarnation);
  if (before && *before == head) {
    screen.say(path + " says so already: " + place);
    return exit_code::done;
  }
  const auto parent = absolute_folder(parent_directory(path));
  if (parent && parent.value() == log.place().folder) return Error(errc::invalid_argument, "a witness inside the log's own folder witnesses nothing", path, "Keep it on another disk, or another machine");
  if (dry_run) {
    screen.say("would write " + place + " to " + path + (before ? ", over LSN " + std::to_string(before->lsn) : std::string()) + "; nothing was changed");
    return exit_code::done;
  }
  PosixFileSystem fs;
  KFM_DET_TRY(write_head(fs, path, head));
  screen.say(path + " now says " + place + (before ? ", and said LSN " + std::to_string(before->lsn) + " before" : std::string()));
  return exit_code::done;
}

}  // namespace

void add_wal_head(Tool& tool, CLI::App& wal) {
  struct Arguments { std::string log, out; bool dry_run = false; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "head", "The highest place in a log that is proven durable, as a witness to keep elsewhere",
    "Kept elsewhere, it finds out what a log cannot tell by itself: that its end was cut off, or that it was rewritten with hashes that fit. "
    "A file that is there already is asked first: a log that has lost the place that it names, or holds another record there, is refused, and the file stays as it is.\n\n"
    "Examples:\n  kfm-det wal head state/wal\n  kfm-det wal head state/wal --out /mnt/elsewhere/weather.head",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      std::vector<Head> witnesses;
      if (!given->out.empty()) {
        KFM_DET_TRY(const LogPlace place, find_log(given->log));
        KFM_DET_TRY(const auto before, head_before(given->out));
        if (before && before->stream != place.stream) return Error(errc::foreign, "this head file is of the stream " + before->stream.text + ", and the log is " + place.stream.text, given->out, "Give every log a head file of its own");
        if (before) witnesses.push_back(*before);
      }
      KFM_DET_TRY(auto log, OpenedLog::open(screen, given->log, witnesses));
      if (const int code = log.outcome(screen); code != exit_code::done) return code;
      KFM_DET_TRY(const Head head, proven_head(log));
      if (screen.wishes.json || given->out.empty()) {
        if (screen.wishes.json) {
          const std::string text = head_text(head);
          screen.json_text(std::string_view(text).substr(0, text.size() - 1));
        } else {
          screen.field("stream", {head.stream.text, Tone::strong});
          screen.field("incarnation", std::to_string(head.incarnation));
          screen.field("LSN", std::to_string(head.lsn) + (head.lsn == log.recovery().tail.lsn ? "" : " of " + std::to_string(log.recovery().tail.lsn) + "; the others rest on one copy until the next sync"));
          screen.field("hash", head.hash.hex());
        }
      }
      if (given->out.empty()) return exit_code::done;
      return keep(screen, log, head, given->out, given->dry_run);
    });
  add_log(command, given->log);
  command.add_option("-o,--out", given->out, "Keep it in this file")->type_name("FILE");
  command.add_flag("-n,--dry-run", given->dry_run, "Say what would be written, and write nothing");
}

}  // namespace kfm_det::tool
