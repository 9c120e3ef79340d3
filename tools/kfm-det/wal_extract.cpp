// SPDX-License-Identifier: BSL-1.0
// kfm-det wal extract: one run as a bundle, to be looked at and replayed elsewhere.
#include <memory>

#include <kfm_det/files/whole.hpp>
#include <kfm_det/wal/bundle.hpp>

#include "command.hpp"
#include "help_tree.hpp"
#include "story.hpp"

namespace kfm_det::tool {

void add_wal_extract(Tool& tool, CLI::App& wal) {
  struct Arguments { std::string log, run, out; bool dry_run = false; };
  const auto given = std::make_shared<Arguments>();
  CLI::App& command = add_command(tool, wal, "extract", "One run as a bundle: its plan, its records as they were sealed, the hashes of its inputs",
    "A bundle is JSON Lines in one file (docs/formats/bundle.md). The updater's own program replays it, if it offers that: the tool knows no plan types.\n\n"
    "Examples:\n  kfm-det wal extract state/wal latest --out run.bundle\n  kfm-det wal extract state/wal 607ba2cb | gzip > run.bundle.gz",
    [&tool, given]() -> result<int> {
      Screen& screen = tool.screen;
      return with_run(screen, given->log, given->run, true, [&](OpenedLog& log, const Runs& runs, const wal::RunState& run) -> result<int> {
        if (runs.folded.contains(run.id)) return log.was_folded("the plan of this run", run.id);
        KFM_DET_TRY(auto store, looking_store(log.place()));
        KFM_DET_TRY(const auto recorded, wal::record_run(store, log.place().stream, run.id));
        KFM_DET_TRY(const std::string bundle, wal::write_bundle(recorded));
        const std::string what = "run " + run.id.text() + ", " + count_of(recorded.lines.size(), "record") + ", " + count_of(recorded.inputs.size(), "input");
        const auto tell = [&] {   // where the bundle itself does not go to stdout
          if (screen.wishes.json)
            screen.json(Json::object({{"bytes", Json(static_cast<std::uint64_t>(bundle.size()))}, {"dry_run", Json(given->dry_run)}, {"format", Json(1)}, {"inputs", Json(static_cast<std::uint64_t>(recorded.inputs.size()))}, {"kind", Json("kfm-det wal extract")},
                                      {"out", given->out.empty() ? Json() : Json(printable(given->out))}, {"records", Json(static_cast<std::uint64_t>(recorded.lines.size()))}, {"run", Json(run.id.text())}}));
        };
        if (given->dry_run) {
          tell();
          screen.say("would write " + what + ", " + bytes_of(bundle.size()) + (given->out.empty() ? " to stdout" : " to " + given->out) + "; nothing was changed");
          return exit_code::done;
        }
        if (given->out.empty()) {
          for (const auto& line : lines_of(bundle)) screen.json_text(line);
          return exit_code::done;
        }
        const PosixFileSystem fs;
        auto made = fs.create_exclusive(given->out);   // what is there is never written over
        if (!made) return name_is_taken(made.error(), given->out);
        auto file = std::move(made).value();
        const auto write = [&]() -> result<void> {
          KFM_DET_TRY(write_all(fs, file, 0, bundle));
          return fs.sync(file);
        };
        if (auto written = write(); !written) {
          (void)fs.remove(given->out);
          return written.error();
        }
        tell();
        screen.say(given->out + " holds " + what);
        return exit_code::done;
      });
    });
  add_log(command, given->log);
  command.add_option("RUN", given->run, "A run's id, the first 4 characters of it or more, or `latest`")->required()->type_name("");
  command.add_option("-o,--out", given->out, "Into this new file, not to stdout")->type_name("FILE");
  command.add_flag("-n,--dry-run", given->dry_run, "Say what would be written, and write nothing");
}

}  // namespace kfm_det::tool
