// SPDX-License-Identifier: BSL-1.0
// kfm-det: the operator's command line. It says what is in a log, whether it can be trusted, and what happened; what only looks cannot change a byte.
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "command.hpp"

#ifndef KFM_DET_VERSION
#define KFM_DET_VERSION "unknown"
#endif

namespace kfm_det::tool {

namespace {

[[nodiscard]] std::string exit_codes_text() {
  std::string out = "Exit codes:\n";
  for (const auto& [code, meaning] : exit_codes) out += (code < 10 ? "   " : "  ") + std::to_string(code) + "  " + std::string(meaning) + "\n";
  return out;
}

/// Of the command that was named.
[[nodiscard]] std::string help_of(const CLI::App& app) {
  const CLI::App* chosen = &app;
  std::string before;
  for (auto parsed = chosen->get_subcommands(); !parsed.empty(); parsed = chosen->get_subcommands()) {
    before += (before.empty() ? "" : " ") + chosen->get_name();
    chosen = parsed.front();
  }
  return chosen->help(before);
}

/// The parser's sentence, but for a command that does not exist: it says only that one is missing.
[[nodiscard]] std::string what_is_wrong(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words) {
  const CLI::App* group = &app;
  for (const auto& word : words) {
    const auto below = group->get_subcommands([](const CLI::App*) { return true; });
    if (below.empty() || word.starts_with('-')) break;
    const CLI::App* next = nullptr;
    std::string names;
    for (const CLI::App* one : below) {
      if (one->get_name() == word) next = one;
      names += (names.empty() ? "" : ", ") + one->get_name();
    }
    if (next == nullptr) return "there is no command `" + word + "`; there are: " + names;
    group = next;
  }
  return error.what();
}

int run(int argc, char** argv) {
  CLI::App app{"Looks at, checks and mends the logs of kfm_det's updaters.", "kfm-det"};
  Screen screen;
  Tool tool{app, screen};
  app.footer("Every command has --help. What only looks takes no claim and changes no byte, and works beside a writer.\n\n" + exit_codes_text());
  app.set_version_flag("--version", "kfm-det " KFM_DET_VERSION);
  app.require_subcommand(1);
  CLI::App& wal = *app.add_subcommand("wal", "The write-ahead log of a stream");
  wal.require_subcommand(1);
  add_wal_show(tool, wal);
  add_wal_tail(tool, wal);
  add_wal_head(tool, wal);
  add_wal_stats(tool, wal);
  add_wal_graph(tool, wal);
  add_wal_verify(tool, wal);
  add_wal_extract(tool, wal);
  add_wal_undo(tool, wal);
  add_wal_evidence(tool, wal);
  add_wal_repair(tool, wal);
  add_wal_compact(tool, wal);
  add_wal_archive(tool, wal);
  add_wal_keys(tool, wal);
  add_completion(tool);
  add_man(tool);

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    screen.raw(help_of(app));
    return screen.flush() ? exit_code::done : exit_code_of(errc::io_error);
  } catch (const CLI::CallForVersion& version) {
    screen.raw(std::string(version.what()) + "\n");
    return screen.flush() ? exit_code::done : exit_code_of(errc::io_error);
  } catch (const CLI::ParseError& error) {
    screen.error(what_is_wrong(app, error, {argv + 1, argv + argc}));
    screen.say({"kfm-det --help, or --help behind a command, says what there is.", Tone::dim});
    return exit_code::usage;
  }
  const auto outcome = tool.action();
  const bool written = screen.flush();
  if (!outcome) {
    screen.error(outcome.error());
    return exit_code_of(outcome.error().code());
  }
  if (!written) {
    screen.error("the result could not be written to stdout: look for space on the disk that it goes to");
    return exit_code_of(errc::no_space);
  }
  return outcome.value();
}

}  // namespace

}  // namespace kfm_det::tool

int main(int argc, char** argv) {
  try {
    return kfm_det::tool::run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("kfm-det: there is not enough memory for this log\n", stderr);
  } catch (const std::exception& error) {   // of the argument parser: the library throws nothing else
    std::fputs(("kfm-det: " + kfm_det::tool::printable(error.what()) + "\n").c_str(), stderr);
  }
  return 8;
}
