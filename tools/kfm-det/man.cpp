// SPDX-License-Identifier: BSL-1.0
// kfm-det man: the man page, from the same text as --help.
#include "help_tree.hpp"

namespace kfm_det::tool {

namespace {

/// Text of a line in roff: nothing in it is a command.
[[nodiscard]] std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else out += c;
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

/// Paragraphs; lines that begin with two spaces stand as they are.
[[nodiscard]] std::string paragraphs(std::string_view text) {
  std::string out;
  bool as_is = false, begun = false;
  for (const auto& line : lines_of(text)) {
    const bool is_example = line.starts_with("  ");
    if (is_example != as_is) out += is_example ? ".PP\n.nf\n" : ".fi\n";
    as_is = is_example;
    if (line.empty()) { begun = false; continue; }
    if (!begun && !as_is) out += ".PP\n";
    begun = true;
    out += roff(is_example ? line.substr(2) : line) + "\n";
  }
  return out + (as_is ? ".fi\n" : "");
}

[[nodiscard]] std::string name_of(const HelpCommand& command) {
  std::string out = "kfm-det";
  for (const auto& word : command.words) out += " " + word;
  return out;
}

[[nodiscard]] std::string usage_of(const HelpCommand& command) {
  std::string out = ".B " + roff(name_of(command)) + "\n";
  for (const auto& argument : command.arguments) out += argument.required ? ".I " + argument.name + "\n" : ".RI [ " + argument.name + " ]\n";
  return out + (command.options.empty() ? "" : ".RI [ OPTIONS ]\n");
}

[[nodiscard]] std::string option_of(const HelpOption& option) {
  std::string names;
  for (const auto& name : option.names) names += (names.empty() ? "" : ", ") + std::string("\\fB") + roff(name) + "\\fR";
  return ".TP\n" + names + (option.value.empty() ? "" : " \\fI" + roff(option.value) + "\\fR") + "\n" + roff(option.text) + "\n";
}

[[nodiscard]] std::string man_page(const CLI::App& app, const std::string& version) {
  const auto commands = help_tree(app);
  const HelpCommand& tool = commands.front();
  std::string out = ".\\\" SPDX-License-Identifier: BSL-1.0\n.\\\" Written by `kfm-det man`.\n.TH KFM\\-DET 1 \"\" \"kfm_det " + version + "\" \"User Commands\"\n.SH NAME\nkfm\\-det \\- " + roff(tool.sentence) + "\n.SH SYNOPSIS\n";
  for (const auto& command : commands)
    if (!command.is_group && !command.words.empty()) out += usage_of(command) + ".br\n";
  const std::size_t codes = tool.more.find("Exit codes:");
  out += ".SH DESCRIPTION\n" + paragraphs(tool.more.substr(0, codes)) + ".SH OPTIONS\n";
  for (const auto& option : tool.options) out += option_of(option);
  out += ".SH COMMANDS\n";
  for (const auto& command : commands) {
    if (command.words.empty()) continue;
    out += ".SS " + roff(name_of(command)) + "\n" + roff(command.sentence) + ".\n";
    for (const auto& argument : command.arguments) out += ".TP\n\\fI" + roff(argument.name) + "\\fR\n" + roff(argument.text) + "\n";
    for (const auto& option : command.options) out += option_of(option);
    out += paragraphs(command.more);
  }
  out += ".SH \"EXIT STATUS\"\n";
  for (const auto& [code, meaning] : exit_codes) out += ".TP\n.B " + std::to_string(code) + "\n" + roff(meaning) + "\n";
  out += ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nNo colours on a terminal, when it is not empty.\n.TP\n.B TERM\nNo colours when it is dumb.\n";
  out += ".SH NOTES\nResults go to stdout, remarks, errors and progress to stderr. Texts of records are a stranger's: on a terminal and in a pipe, what does not merely print is written out as \\eu{1b} or \\ex9b. "
         "JSON is canonical (RFC 8785) in a pipe; on a terminal it is the same value with such characters as \\eu escapes.\n";
  return out;
}

}  // namespace

void add_man(Tool& tool) {
  CLI::App* const command = tool.app.add_subcommand("man", "The man page, in roff");
  command->footer("Example:\n  kfm-det man | man -l -");
  command->callback([&tool] {
    tool.action = [&tool]() -> result<int> {
      const std::string version = tool.app.version();
      tool.screen.raw(man_page(tool.app, version.substr(version.rfind(' ') + 1)));
      return exit_code::done;
    };
  });
}

}  // namespace kfm_det::tool
