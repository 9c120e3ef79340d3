// SPDX-License-Identifier: BSL-1.0
/// \file
/// Command: how a subcommand joins the tool. One source per command; it adds itself to its parent with its options, its help and what it does.
///
/// The help text is the one source of --help, the man page and the completion.
#ifndef KFM_DET_TOOLS_KFM_DET_COMMAND_HPP
#define KFM_DET_TOOLS_KFM_DET_COMMAND_HPP

#include <functional>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <kfm_det/core/result.hpp>

#include "exit_codes.hpp"
#include "screen.hpp"

namespace kfm_det::tool {

/// The exit code, or the error that says why there is none.
using Action = std::function<result<int>()>;

/// What the commands are added to.
struct Tool {
  CLI::App& app;       ///< kfm-det
  Screen& screen;
  Action action{};     ///< of the command that was chosen
};

/// Adds `name` to `parent`. `text` is the help: a sentence, then paragraphs and examples for the man page and the end of --help.
inline CLI::App& add_command(Tool& tool, CLI::App& parent, const std::string& name, const std::string& sentence, const std::string& more, Action action) {
  CLI::App* const command = parent.add_subcommand(name, sentence);
  command->footer(more);
  command->add_flag("--json", tool.screen.wishes.json, "The result as canonical JSON");
  command->add_flag("-q,--quiet", tool.screen.wishes.quiet, "No remarks and no progress on stderr; errors are still said");
  command->add_flag("--no-color", tool.screen.wishes.no_color, "No colours on a terminal (also: the environment variable NO_COLOR)");
  command->callback([&tool, action = std::move(action)] { tool.action = action; });
  return *command;
}

/// The argument that nearly every command of `wal` has.
inline void add_log(CLI::App& command, std::string& log) {
  command.add_option("LOG", log, "The folder of a stream (root/<stream id>), or a root that holds one")->required()->type_name("");
}

/// What a file system answers for a new file whose name is taken is no owner who went on: it is a name that was badly chosen.
[[nodiscard]] inline Error name_is_taken(const Error& error, const std::string& path) {
  if (error.code() != errc::conflict) return error;
  return Error(errc::invalid_argument, "this file is there already, and is not written over", path, "Give a name that is free");
}

void add_wal_show(Tool& tool, CLI::App& wal);
void add_wal_tail(Tool& tool, CLI::App& wal);
void add_wal_head(Tool& tool, CLI::App& wal);
void add_wal_stats(Tool& tool, CLI::App& wal);
void add_wal_graph(Tool& tool, CLI::App& wal);
void add_wal_verify(Tool& tool, CLI::App& wal);
void add_wal_keys(Tool& tool, CLI::App& wal);
void add_wal_extract(Tool& tool, CLI::App& wal);
void add_wal_evidence(Tool& tool, CLI::App& wal);
void add_wal_repair(Tool& tool, CLI::App& wal);
void add_wal_undo(Tool& tool, CLI::App& wal);
void add_wal_compact(Tool& tool, CLI::App& wal);
void add_wal_archive(Tool& tool, CLI::App& wal);
void add_man(Tool& tool);
void add_completion(Tool& tool);

}  // namespace kfm_det::tool

#endif
