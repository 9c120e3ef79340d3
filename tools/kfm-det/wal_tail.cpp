// SPDX-License-Identifier: BSL-1.0
// kfm-det wal tail: the last records of a log, and those that come.
#include <cstdint>
#include <memory>

#include <signal.h>

#include "command.hpp"
#include "follower.hpp"
#include "opened_log.hpp"
#include "record_text.hpp"

namespace kfm_det::tool {

namespace {

[[nodiscard]] std::string padded(std::string text, std::size_t columns, bool right = false) {
  if (text.size() < columns) text.insert(right ? 0 : text.size(), std::string(columns - text.size(), ' '));
  return text;
}

/// One record, one line. The columns are the same for all, as nobody knows what comes.
result<void> print(Screen& screen, const Frame& frame) {
  const wal::Line line = wal::read_line(frame.bytes);
  if (screen.wishes.json) {
    std::string text = "{\"hash\":\"" + line.hash.hex() + "\",\"incarnation\":" + std::to_string(line.incarnation) + ",\"lsn\":" + std::to_string(line.lsn) + ",\"record\":";
    text += line.record;
    screen.json_text(text + "}");
    return success();
  }
  KFM_DET_TRY(const wal::WalRecord record, wal::read_record(line));
  const bool control = record.phase == wal::Phase::CONTROL;
  const Tone tone = record.status == wal::Status::FAILED ? Tone::bad : record.phase == wal::Phase::COMMIT ? Tone::good : control ? Tone::warning : Tone::plain;
  const std::string id = record.wal_id.text();
  Line out{padded(std::to_string(line.lsn), 7, true), "  ", {time_of_day(record.ts), Tone::dim}, "  ", screen.width() == 0 ? id : id.substr(0, 8), "  ",
           {padded(word_of(record), 8), Tone::strong}, " ", {padded(std::string(enum_name(record.status)), 11), tone}, "  ", {subject_of(record), tone}};
  std::size_t used = 0;
  for (Span& span : out) {
    if (screen.width() != 0) span.cut_to(screen.width() > used ? screen.width() - used : 0);
    used += span.width();
  }
  screen.line(out);
  return success();
}

/// Sleeps between looks; a signal ends it at once.
result<int> follow(Screen& screen, Follower follower, std::uint32_t interval_ms) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
  const timespec wait{static_cast<time_t>(interval_ms / 1000), static_cast<long>(interval_ms % 1000) * 1'000'000};
  for (;;) {
    if (::sigtimedwait(&stop, nullptr, &wait) > 0) return exit_code::done;   // how one leaves it: no failure
    KFM_DET_TRY(follower.poll([&](const Frame& frame) { return print(screen, frame); }));
    if (!screen.flush()) return Error(errc::io_error, "the result could not be written to stdout", "", "Look at what reads it");
  }
}

}  // namespace

void add_wal_tail(Tool& tool, CLI::App& wal) {
  struct Arguments { std::string log; std::uint64_t records = 10; std::uint32_t interval_ms = 250; bool follow = false; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "tail", "The last records of a log, and with --follow those that come",
    "One line a record: LSN, time, run, phase, status, and the key or step it is about. With --json one JSON object a line: hash, incarnation, lsn, record.\n\n"
    "--follow looks for new records a few times a second, shows each atomic group when it is whole (it need not be durable yet), and ends with Ctrl-C and exit code 0.\n\n"
    "Examples:\n  kfm-det wal tail state/wal -n 3\n  kfm-det wal tail state/wal --follow --json | jq .record.phase",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      KFM_DET_TRY(auto log, OpenedLog::open(screen, given->log));
      const Head tail = log.recovery().tail;
      if (given->records != 0 && tail.lsn != 0) {
        KFM_DET_TRY(log.scan(tail.lsn - std::min(tail.lsn, given->records) + 1, [&](const Frame& frame) { return print(screen, frame); }));
      }
      const int code = log.outcome(screen);
      if (!given->follow || code != exit_code::done) return code;
      if (!screen.flush()) return Error(errc::io_error, "the result could not be written to stdout", "", "Look at what reads it");
      return follow(screen, Follower(log.place(), tail), given->interval_ms);
    });
  add_log(command, given->log);
  command.add_option("-n,--lines", given->records, "How many records that are there already (10)")->type_name("N");
  command.add_flag("-f,--follow", given->follow, "Wait for more");
  command.add_option("--interval", given->interval_ms, "With --follow: milliseconds between two looks (250)")->check(CLI::Range(10U, 3'600'000U))->type_name("MS");
}

}  // namespace kfm_det::tool
