// SPDX-License-Identifier: BSL-1.0
/// \file
/// The tool's own help as data: commands, options, texts. The man page and the completion are written from it, so they say what --help says.
#ifndef KFM_DET_TOOLS_KFM_DET_HELP_TREE_HPP
#define KFM_DET_TOOLS_KFM_DET_HELP_TREE_HPP

#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"

namespace kfm_det::tool {

struct HelpOption {
  std::vector<std::string> names;     ///< "-n", "--lines"
  std::string value;                  ///< "N"; empty for a flag
  std::vector<std::string> choices;   ///< of the value, where there are only some
  std::string text;
};
struct HelpArgument {
  std::string name, text;
  bool required = false;
};
struct HelpCommand {
  std::vector<std::string> words;     ///< "wal", "show"; empty for the tool itself
  std::string sentence, more;
  std::vector<HelpArgument> arguments;
  std::vector<HelpOption> options;
  bool is_group = false;              ///< has commands of its own
};

/// The tool first, then every command below it, each group in front of its commands.
[[nodiscard]] std::vector<HelpCommand> help_tree(const CLI::App& app);

/// Lines of a text without its line ends.
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

}  // namespace kfm_det::tool

#endif
