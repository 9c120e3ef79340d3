// SPDX-License-Identifier: BSL-1.0
// kfm-det completion: what a shell offers behind TAB, from the same text as --help.
#include <memory>

#include "help_tree.hpp"

namespace kfm_det::tool {

namespace {

[[nodiscard]] std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

[[nodiscard]] std::string bash_completion(const CLI::App& app) {
  const auto commands = help_tree(app);
  std::string words, values, arguments;
  for (const auto& command : commands) {
    const std::string path = joined(command.words);
    std::string offers;
    for (const auto& other : commands)
      if (other.words.size() == command.words.size() + 1 && joined({other.words.begin(), other.words.end() - 1}) == path) offers += " " + other.words.back();
    for (const auto& option : command.options) {
      offers += " " + joined(option.names);
      if (option.value.empty()) continue;
      std::string names;
      for (const auto& name : option.names) names += (names.empty() ? "" : "|") + ("'" + path + " " + name + "'");
      values += "    " + names + ") " + (option.choices.empty() ? (option.value == "FILE" ? "COMPREPLY=($(compgen -f -- \"$word\"))" : ":") : "COMPREPLY=($(compgen -W '" + joined(option.choices) + "' -- \"$word\"))") + "; return ;;\n";
    }
    words += "    '" + path + "') offers='" + offers.substr(offers.empty() ? 0 : 1) + "' ;;\n";
    for (std::size_t i = 0; i < command.arguments.size(); ++i) {
      const std::string place = "    '" + path + "/" + std::to_string(i) + "') ";
      if (command.arguments[i].name == "LOG") arguments += place + "COMPREPLY=($(compgen -d -- \"$word\")) ;;\n";
      else if (command.arguments[i].name == "FILE") arguments += place + "COMPREPLY=($(compgen -f -- \"$word\")) ;;\n";
      else if (command.arguments[i].name == "RUN") arguments += place + "COMPREPLY=($(compgen -W \"latest $(\"${COMP_WORDS[0]}\" wal show \"${given[0]}\" --json 2>/dev/null | grep -o '\"run\":\"[0-9a-f-]*\"' | cut -d '\"' -f 4)\" -- \"$word\")) ;;\n";
      else if (command.arguments[i].name == "SHELL") arguments += place + "COMPREPLY=($(compgen -W 'bash' -- \"$word\")) ;;\n";
    }
  }
  return "# SPDX-License-Identifier: BSL-1.0\n# Completion of kfm-det for bash; written by `kfm-det completion bash`.\n"
         "_kfm_det() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path='' offers='' i\n"
         "  local -a given=()\n"
         "  COMPREPLY=()\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case \"${path:+$path }${COMP_WORDS[i]}\" in\n" +
         [&] {
           std::string paths;
           for (const auto& command : commands)
             if (!command.words.empty()) paths += (paths.empty() ? "" : "|") + ("'" + joined(command.words) + "'");
           return "      " + paths + ") path=\"${path:+$path }${COMP_WORDS[i]}\"; continue ;;\n";
         }() +
         "    esac\n"
         "    case \"${COMP_WORDS[i]}\" in -*) ;; *) given+=(\"${COMP_WORDS[i]}\") ;; esac\n"
         "  done\n"
         "  case \"$path $before\" in\n" + values +
         "  esac\n"
         "  case \"$path\" in\n" + words +
         "  esac\n"
         "  case \"$word\" in\n"
         "    -*) COMPREPLY=($(compgen -W \"$offers\" -- \"$word\")); return ;;\n"
         "  esac\n"
         "  case \"$path/${#given[@]}\" in\n" + arguments +
         "    *) COMPREPLY=($(compgen -W \"$offers\" -- \"$word\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _kfm_det kfm-det\n";
}

}  // namespace

void add_completion(Tool& tool) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* const command = tool.app.add_subcommand("completion", "What a shell offers behind TAB, as a script for it");
  command->footer("Example:\n  kfm-det completion bash > /etc/bash_completion.d/kfm-det");
  command->add_option("SHELL", *shell, "bash")->required()->type_name("")->check(CLI::IsMember({"bash"}));
  command->callback([&tool, shell] {
    tool.action = [&tool]() -> result<int> {
      tool.screen.raw(bash_completion(tool.app));
      return exit_code::done;
    };
  });
}

}  // namespace kfm_det::tool
