// SPDX-License-Identifier: BSL-1.0
// kfm-det wal stats: how much of what is in a log.
#include <map>
#include <memory>

#include <kfm_det/wal/replay.hpp>

#include "command.hpp"
#include "opened_log.hpp"
#include "record_text.hpp"
#include "table.hpp"

namespace kfm_det::tool {

namespace {

struct Stats {
  std::uint64_t records = 0, groups = 0, bytes = 0, largest = 0;
  Lsn largest_lsn = 0;
  std::map<std::string, std::uint64_t> phases;                    // phase, or the control entry's word
  std::map<std::string, std::uint64_t> bytes_of_phase;
  std::map<std::string, std::uint64_t> runs;
  Instant first{0}, last{0};
  std::uint64_t highest_token = 0;
};

[[nodiscard]] double per_second(const Stats& stats) {
  const auto ns = static_cast<double>((stats.last - stats.first).ns);
  return ns <= 0 ? 0 : static_cast<double>(stats.records) * 1e9 / ns;
}

[[nodiscard]] Json counts_json(const std::map<std::string, std::uint64_t>& counts) {
  Json out = Json::object();
  for (const auto& [name, count] : counts) out.set(name, Json(count));
  return out;
}

void print(Screen& screen, const OpenedLog& log, const Stats& stats) {
  log.print_verdict(screen);
  screen.field("files", count_of(log.segments().size(), "segment") + ", " + bytes_of(log.bytes()) + " on disk, " + bytes_of(stats.bytes) + " of them records");
  if (!log.archived().empty()) screen.field("archived", count_of(log.archived().size(), "segment") + ", not counted here unless the log needs them");
  if (stats.records == 0) return;
  screen.field("records", std::to_string(stats.records) + " in " + count_of(stats.groups, "group") + ", incarnation " + std::to_string(log.recovery().tail.incarnation) + ", highest token " + std::to_string(stats.highest_token));
  screen.field("largest", "LSN " + std::to_string(stats.largest_lsn) + " with " + bytes_of(stats.largest) + "; on average " + bytes_of(stats.bytes / stats.records));
  const auto rate = static_cast<std::uint64_t>(per_second(stats) * 10);
  screen.field("time", second_of(stats.first) + " to " + second_of(stats.last) + ": " + text_of(stats.last - stats.first) + (rate == 0 ? "" : ", " + std::to_string(rate / 10) + "." + std::to_string(rate % 10) + " records a second"));
  std::string runs;
  for (const auto& [name, count] : stats.runs) runs += (runs.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  screen.field("runs", runs.empty() ? "none" : runs);
  screen.blank();
  Table table({{"phase"}, {"records", true}, {"bytes", true}, {"share", true}});
  for (const auto& [name, count] : stats.phases) {
    const std::uint64_t bytes = stats.bytes_of_phase.at(name), share = stats.bytes == 0 ? 0 : bytes * 100 / stats.bytes;
    table.row({{name, Tone::strong}, std::to_string(count), bytes_of(bytes), std::to_string(share) + " %"});
  }
  table.print(screen);
}

}  // namespace

void add_wal_stats(Tool& tool, CLI::App& wal) {
  const auto given = std::make_shared<std::string>();
  CLI::App& command = add_command(tool, wal, "stats", "How much is in a log: records, bytes, segments, runs, and how fast they came",
    "Bytes on disk count the newlines that segments are prewritten with; bytes of records do not.\n\nExample:\n  kfm-det wal stats state/wal",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      KFM_DET_TRY(auto log, OpenedLog::open(screen, *given));
      Stats stats;
      wal::Replay replay;
      const auto read = log.scan(1, [&](const Frame& frame) -> result<void> {
        const wal::Line line = wal::read_line(frame.bytes);
        KFM_DET_TRY(const wal::WalRecord record, wal::read_record(line));
        const std::string phase = word_of(record);
        if (stats.records == 0) stats.first = record.ts;
        stats.last = record.ts;
        ++stats.records;
        stats.groups += line.group_index == 0 ? 1 : 0;
        stats.bytes += frame.bytes.size() + 1;
        ++stats.phases[phase];
        stats.bytes_of_phase[phase] += frame.bytes.size() + 1;
        if (frame.bytes.size() > stats.largest) { stats.largest = frame.bytes.size(); stats.largest_lsn = line.lsn; }
        return replay.apply(line, record);
      });
      for (const auto& run : replay.state().runs) ++stats.runs[std::string(wal::name(run.status))];
      stats.highest_token = replay.state().highest_token;
      if (screen.wishes.json) {
        Json segments = Json::array();
        for (const auto& one : log.segments()) segments.push(Json::object({{"bytes", Json(one.bytes)}, {"first_lsn", Json(one.name.first)}, {"ordinal", Json(one.name.ordinal)}}));
        Json out = Json::object({{"bytes_of_phase", counts_json(stats.bytes_of_phase)}, {"bytes_of_records", Json(stats.bytes)}, {"bytes_on_disk", Json(log.bytes())}, {"format", Json(1)}, {"groups", Json(stats.groups)},
                                 {"highest_token", Json(stats.highest_token)}, {"kind", Json("kfm-det wal stats")}, {"log", log.to_json()}, {"records", Json(stats.records)}, {"records_by_phase", counts_json(stats.phases)},
                                 {"runs_by_status", counts_json(stats.runs)}, {"segments", std::move(segments)}});
        if (stats.records != 0) {
          out.set("first_at", Json(stats.first.to_rfc3339()));
          out.set("last_at", Json(stats.last.to_rfc3339()));
          out.set("largest_line", Json::object({{"bytes", Json(stats.largest)}, {"lsn", Json(stats.largest_lsn)}}));
          out.set("records_per_second", Json(per_second(stats)));
        }
        screen.json(out);
      } else {
        print(screen, log, stats);
      }
      const int code = log.outcome(screen);
      if (read || code != exit_code::done) return code;
      return read.error();
    });
  add_log(command, *given);
}

}  // namespace kfm_det::tool
