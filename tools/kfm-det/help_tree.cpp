// SPDX-License-Identifier: BSL-1.0
#include "help_tree.hpp"

namespace kfm_det::tool {

namespace {

/// "TEXT:{svg,dot}" gives svg and dot.
[[nodiscard]] std::vector<std::string> choices_in(const std::string& type) {
  std::vector<std::string> out;
  const std::size_t open = type.find('{'), close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return out;
  std::string word;
  for (std::size_t i = open + 1; i <= close; ++i) {
    if (i < close && type[i] != ',') { word += type[i]; continue; }
    out.push_back(word);
    word.clear();
  }
  return out;
}

void add(std::vector<HelpCommand>& out, const CLI::App& app, const std::vector<std::string>& words) {
  HelpCommand command;
  command.words = words;
  command.sentence = app.get_description();
  command.more = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      command.arguments.push_back({option->get_name(true, false), option->get_description(), option->get_required()});
      continue;
    }
    HelpOption one;
    for (const auto& name : option->get_snames()) one.names.push_back("-" + name);
    for (const auto& name : option->get_lnames()) one.names.push_back("--" + name);
    one.text = option->get_description();
    if (option->get_items_expected_max() != 0) {
      const std::string type = option->get_type_name();
      one.choices = choices_in(type);
      if (one.choices.empty()) one.value = type.substr(0, type.find(':'));
      else for (const auto& choice : one.choices) one.value += (one.value.empty() ? "" : "|") + choice;
    }
    command.options.push_back(std::move(one));
  }
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  command.is_group = !below.empty();
  out.push_back(std::move(command));
  for (const CLI::App* one : below) {
    std::vector<std::string> path = words;
    path.push_back(one->get_name());
    add(out, *one, path);
  }
}

}  // namespace

std::vector<HelpCommand> help_tree(const CLI::App& app) {
  std::vector<HelpCommand> out;
  add(out, app, {});
  return out;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace kfm_det::tool
