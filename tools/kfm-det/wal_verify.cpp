// SPDX-License-Identifier: BSL-1.0
// kfm-det wal verify: whether a log can be trusted, and how far.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include <kfm_det/stores/head_file.hpp>
#include <kfm_det/stores/verify_folder.hpp>

#include "command.hpp"
#include "help_tree.hpp"
#include "key_ring_file.hpp"
#include "opened_log.hpp"
#include "sink_argument.hpp"

namespace kfm_det::tool {

namespace {

/// What the log that is gone can have been: the stream that was named, or, of a root, those of which the sink has published something. Errors: the sink's.
result<std::vector<StreamId>> streams_of(SqliteSink& sink, const std::string& given) {
  const StreamId named{name_of(without_slashes(given))};
  KFM_DET_TRY(const Head head, sink.witness(named));
  if (head.lsn != 0) return std::vector<StreamId>{named};
  std::set<StreamId> out;
  KFM_DET_TRY(sink.keys([&](const BusinessKey& key) -> result<void> {
    KFM_DET_TRY(const auto scope, sink.scope_of(key));
    if (scope) out.insert(StreamId::of(*scope));
    return success();
  }));
  return std::vector<StreamId>(out.begin(), out.end());
}

/// The log; or where it was, when a witness says that there was one: that it is gone is then a finding (log_missing), and no wrong argument.
result<LogPlace> find_log_that_was_seen(const std::string& given, const std::vector<Head>& witnesses, std::optional<SqliteSink>& sink) {
  auto found = find_log(given);
  if (found) return found;
  std::vector<StreamId> seen;
  for (const Head& one : witnesses)
    if (one.lsn != 0) seen.push_back(one.stream);
  if (seen.empty() && sink) { KFM_DET_TRY(seen, streams_of(*sink, given)); }
  const auto lost = find_lost_log(given, seen);
  if (!lost) return found;
  return *lost;
}

[[nodiscard]] std::uint64_t bytes_to_read(const LogPlace& place, bool with_archive) {
  std::uint64_t out = 0;
  for (const auto& one : segments_of(place)) out += one.bytes;
  if (!with_archive) return out;
  const LookingFileSystem fs;
  const auto archived = segment::list_archive(fs, place.folder);
  for (const auto& one : archived ? archived.value() : std::vector<segment::Place>()) out += bytes_of_file(one.path);
  return out;
}

void print(Screen& screen, const wal::VerifyReport& report) {
  for (const std::string& line : lines_of(report.text())) {
    const Tone tone = line.starts_with("error ") ? Tone::bad : line.starts_with("note ") ? Tone::warning : line.starts_with("  ") ? Tone::plain : report.is_intact() ? Tone::good : Tone::bad;
    screen.paragraph(Span::written_out(line, tone), line.starts_with("  ") ? 14 : 2);
  }
}

}  // namespace

void add_wal_verify(Tool& tool, CLI::App& wal) {
  struct Arguments {
    std::string log, ring, sink, history = "archived";
    std::vector<std::string> witnesses, actors, care;
    bool each_group = false, chain_only = false;
    std::optional<std::uint32_t> approval_from_tier;
    unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U);
  };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "verify", "Whether a log can be trusted, and how far",
    "Every byte counts: chain, groups, links between segments and the archive, time and numbers that never go back, intents before effects, results, reversals; with --keys the signatures; "
    "against a witness (a head file, a sink) what no log can tell by itself: that its end was cut off, that it was rewritten, or is gone; and that the sink itself was put back from a copy. Findings have a code, a place, a sentence and a remedy; errors among them give exit code 6.\n\n"
    "Mind how far it is sealed or witnessed: behind that, whoever can write the files can forge.\n\n"
    "Examples:\n  kfm-det wal verify state/wal --witness /mnt/elsewhere/weather.head\n  kfm-det wal verify state/wal --keys weather.ring --sink sqlite:state/summaries.db",
    [&tool, given]() -> result<int> {
      std::uint64_t read = 0, total = 0;
      LookingFileSystem fs([&](std::uint64_t bytes) { tool.screen.progress("reading the log", read += bytes, total); });
      wal::VerifyOptions options;
      if (!given->ring.empty()) {
        KFM_DET_TRY(options.ring, read_ring(given->ring));
      }
      for (const std::string& path : given->witnesses) {
        KFM_DET_TRY(Head head, read_head(fs, path));
        options.witnesses.push_back(std::move(head));
      }
      std::optional<SqliteSink> sink;
      if (!given->sink.empty()) {
        KFM_DET_TRY(sink, open_sink(given->sink, true));
      }
      KFM_DET_TRY(const LogPlace place, find_log_that_was_seen(given->log, options.witnesses, sink));
      if (sink) {
        KFM_DET_TRY(Head head, sink->witness(place.stream));
        options.witnesses.push_back(std::move(head));
      }
      if (!given->actors.empty()) options.policy.actors = given->actors;
      options.policy.care_required = given->care;
      options.policy.approval_from_tier = given->approval_from_tier;
      options.policy.signed_each_group = given->each_group;
      options.policy.history = given->history == "whole" ? wal::History::whole : given->history == "dropped" ? wal::History::dropped : wal::History::archived;
      options.records = !given->chain_only;
      options.threads = given->threads;
      read = 0;
      total = bytes_to_read(place, options.policy.history != wal::History::dropped);
      KFM_DET_TRY(wal::VerifyReport report, verify_folder(fs, place.folder, options, place.stream, archive_codec()));
      if (report.is_intact() && report.entries == 0) { KFM_DET_TRY(refuse_strangers_files(place, segments_of(place))); }   // a torn tail behind nothing is no log
      if (sink && options.records) {
        KFM_DET_TRY(const Head seen, sink->witness(place.stream));
        report.see_sink(seen);
      }
      if (tool.screen.wishes.json) {
        Json out = report.json();
        out.set("format", Json(1)).set("kind", Json("kfm-det wal verify"));
        tool.screen.json(out);
      } else {
        print(tool.screen, report);
      }
      const auto answer = report.answer();
      if (answer) return exit_code::done;
      tool.screen.error(Span::written_out(place.shown((answer.error().code() == errc::foreign ? of_another_stream(answer.error()) : answer.error()).message())));
      return exit_code_of(answer.error().code());
    });
  add_log(command, given->log);
  command.add_option("--keys", given->ring, "The key ring that is trusted; without it signatures are counted, not verified")->type_name("FILE");
  command.add_option("--witness", given->witnesses, "A head file that was kept elsewhere (may be given more than once)")->type_name("FILE")->expected(1)->take_all();
  command.add_option("--sink", given->sink, "A sink that saw the log, as a witness: sqlite:FILE")->type_name("SINK");
  command.add_option("--actor", given->actors, "Who may write; nobody named: everybody (may be given more than once)")->type_name("NAME")->expected(1)->take_all();
  command.add_option("--care", given->care, "Beginning of keys whose publications must carry CARE labels (may be given more than once)")->type_name("PREFIX")->expected(1)->take_all();
  command.add_option("--approval-from-tier", given->approval_from_tier, "A plan with a step of this tier or above must name an approval")->type_name("TIER")->check(CLI::Range(0U, limits::step_tier_max))->type_name("TIER");
  command.add_flag("--signed-each-group", given->each_group, "Every group must end in a signature, where a key of the ring is valid");
  command.add_option("--history", given->history, "What must be here of what was compacted: archived (what is in the archive has no gap), whole (everything from LSN 1 on), dropped (the store drops it; the archive is not read)")->type_name("WORD")->check(CLI::IsMember({"archived", "whole", "dropped"}));
  command.add_flag("--chain-only", given->chain_only, "The chain alone, not what the records say");
  command.add_option("--threads", given->threads, "How many threads work (as many as there are cores, at most 8); the report is the same for any number")->type_name("N")->check(CLI::Range(1U, 64U));
}

}  // namespace kfm_det::tool
