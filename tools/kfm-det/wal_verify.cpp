// SPDX-License-Identifier: BSL-1.0
// kfm-det wal verify: whether a log can be trusted, and how far.
#include <memory>

#include <kfm_det/stores/head_file.hpp>
#include <kfm_det/stores/verify_folder.hpp>

#include "command.hpp"
#include "help_tree.hpp"
#include "opened_log.hpp"
#include "sink_argument.hpp"

namespace kfm_det::tool {

namespace {

result<wal::KeyRing> read_ring(const LookingFileSystem& fs, const std::string& path) {
  KFM_DET_TRY(auto file, fs.open(path, OpenMode::read));
  KFM_DET_TRY(const std::uint64_t size, fs.size(file));
  if (size > wal::KeyRing::text_bytes_max) return Error(errc::limit_exceeded, "a file of that size is no key ring", path, "Name the file that `kfm-det wal keys` wrote");
  KFM_DET_TRY(const Bytes text, segment::read_whole(fs, path));
  auto ring = wal::KeyRing::parse(text);
  if (!ring) return ring.error().as(errc::invalid_argument).at(path);
  return ring;
}

void print(Screen& screen, const wal::VerifyReport& report) {
  for (const std::string& line : lines_of(report.text())) {   // its own texts are escaped already; the screen does it again, so that nobody has to know
    const Tone tone = line.starts_with("error ") ? Tone::bad : line.starts_with("note ") ? Tone::warning : line.starts_with("  ") ? Tone::plain : report.is_intact() ? Tone::good : Tone::bad;
    screen.paragraph({line, tone}, line.starts_with("  ") ? 14 : 2);
  }
}

}  // namespace

void add_wal_verify(Tool& tool, CLI::App& wal) {
  struct Arguments {
    std::string log, ring, sink, history = "archived";
    std::vector<std::string> witnesses, actors, care;
    bool each_group = false, chain_only = false;
    unsigned threads = 1;
  };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "verify", "Whether a log can be trusted, and how far",
    "Every byte counts: chain, groups, links between segments and the archive, time and numbers that never go back, intents before effects, results, reversals; with --keys the signatures; "
    "against a witness (a head file, a sink) what no log can tell by itself: that its end was cut off, or that it was rewritten. Findings have a code, a place, a sentence and a remedy; errors among them give exit code 6.\n\n"
    "Mind how far it is sealed or witnessed: behind that, whoever can write the files can forge.\n\n"
    "Examples:\n  kfm-det wal verify state/wal --witness /mnt/elsewhere/weather.head\n  kfm-det wal verify state/wal --keys weather.ring --sink sqlite:state/summaries.db",
    [&tool, given]() -> result<int> {
      LookingFileSystem fs;
      KFM_DET_TRY(const LogPlace place, find_log(given->log));
      wal::VerifyOptions options;
      if (!given->ring.empty()) {
        KFM_DET_TRY(options.ring, read_ring(fs, given->ring));
      }
      for (const std::string& path : given->witnesses) {
        KFM_DET_TRY(Head head, read_head(fs, path));
        options.witnesses.push_back(std::move(head));
      }
      if (!given->sink.empty()) {
        KFM_DET_TRY(auto sink, open_sink(given->sink, true));
        KFM_DET_TRY(Head head, sink.witness(place.stream));
        options.witnesses.push_back(std::move(head));
      }
      if (!given->actors.empty()) options.policy.actors = given->actors;
      options.policy.care_required = given->care;
      options.policy.signed_each_group = given->each_group;
      options.policy.history = given->history == "whole" ? wal::History::whole : given->history == "dropped" ? wal::History::dropped : wal::History::archived;
      options.records = !given->chain_only;
      options.threads = given->threads;
      KFM_DET_TRY(const wal::VerifyReport report, verify_folder(fs, place.folder, options, place.stream, archive_codec()));
      if (report.is_intact() && report.entries == 0) { KFM_DET_TRY(refuse_strangers_files(place, segments_of(place))); }   // a torn tail behind nothing is no log
      if (tool.screen.wishes.json) {
        Json out = report.json();
        out.set("format", Json(1)).set("kind", Json("kfm-det wal verify"));
        tool.screen.json(out);
      } else {
        print(tool.screen, report);
      }
      const auto answer = report.answer();
      if (answer) return exit_code::done;
      tool.screen.error(place.shown((answer.error().code() == errc::foreign ? of_another_stream(answer.error()) : answer.error()).message()));
      return exit_code_of(answer.error().code());
    });
  add_log(command, given->log);
  command.add_option("--keys", given->ring, "The key ring that is trusted; without it signatures are counted, not verified")->type_name("FILE");
  command.add_option("--witness", given->witnesses, "A head file that was kept elsewhere (may be given more than once)")->type_name("FILE")->expected(1)->take_all();
  command.add_option("--sink", given->sink, "A sink that saw the log, as a witness: sqlite:FILE")->type_name("SINK");
  command.add_option("--actor", given->actors, "Who may write; nobody named: everybody (may be given more than once)")->type_name("NAME")->expected(1)->take_all();
  command.add_option("--care", given->care, "Beginning of keys whose publications must carry CARE labels (may be given more than once)")->type_name("PREFIX")->expected(1)->take_all();
  command.add_flag("--signed-each-group", given->each_group, "Every group must end in a signature, where a key of the ring is valid");
  command.add_option("--history", given->history, "What must be here of what was compacted: archived (what is in the archive has no gap), whole (everything from LSN 1 on), dropped (the store drops it; the archive is not read)")->type_name("WORD")->check(CLI::IsMember({"archived", "whole", "dropped"}));
  command.add_flag("--chain-only", given->chain_only, "The chain alone, not what the records say");
  command.add_option("--threads", given->threads, "How many threads help (1); the report is the same for any number")->type_name("N")->check(CLI::Range(1U, 64U))->type_name("N");
}

}  // namespace kfm_det::tool
