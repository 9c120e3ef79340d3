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

/// What stands for the value of an option, or for an argument; empty: anything may.
[[nodiscard]] std::string offer_of(const std::string& value) {
  if (value == "FILE") return "COMPREPLY=($(compgen -f -- \"$word\"))";
  if (value == "FOLDER" || value == "LOG") return "COMPREPLY=($(compgen -d -- \"$word\"))";
  if (value == "SINK") return "case \"$word\" in sqlite:*) COMPREPLY=($(compgen -P sqlite: -f -- \"${word#sqlite:}\")) ;; esac";
  if (value == "RUN") return "COMPREPLY=($(compgen -W \"latest $(\"${COMP_WORDS[0]}\" wal show \"${given[0]}\" --json 2>/dev/null | grep -o '\"run\":\"[0-9a-f-]*\"' | cut -d '\"' -f 4)\" -- \"$word\"))";
  if (value == "SHELL") return "COMPREPLY=($(compgen -W 'bash' -- \"$word\"))";
  return {};
}

[[nodiscard]] std::string bash_completion(const CLI::App& app) {
  const auto commands = help_tree(app);
  std::string paths, takers, words, values, arguments;
  const auto alternative = [](std::string& to, const std::string& pattern) { to += (to.empty() ? "'" : "|'") + pattern + "'"; };
  for (const auto& command : commands) {
    const std::string path = joined(command.words);
    if (!path.empty()) alternative(paths, path);
    std::string offers;
    for (const auto& other : commands)
      if (other.words.size() == command.words.size() + 1 && joined({other.words.begin(), other.words.end() - 1}) == path) offers += " " + other.words.back();
    for (const auto& option : command.options) {
      offers += " " + joined(option.names);
      if (option.value.empty()) continue;
      std::string names;
      for (const auto& name : option.names) {
        alternative(names, path + " " + name);
        alternative(takers, path + " " + name);
      }
      const std::string offer = option.choices.empty() ? offer_of(option.value) : "COMPREPLY=($(compgen -W '" + joined(option.choices) + "' -- \"$word\"))";
      values += "    " + names + ") " + (offer.empty() ? ":" : offer) + "; return ;;\n";
    }
    words += "    '" + path + "') offers='" + offers.substr(offers.empty() ? 0 : 1) + "' ;;\n";
    for (std::size_t i = 0; i < command.arguments.size(); ++i)
      if (const std::string offer = offer_of(command.arguments[i].name); !offer.empty()) arguments += "    '" + path + "/" + std::to_string(i) + "') " + offer + " ;;\n";
  }
  return "# SPDX-License-Identifier: BSL-1.0\n# Completion of kfm-det for bash; written by `kfm-det completion bash`.\n"
         "# `words`: the line up to the cursor, in the words of the shell: bash cuts them at : and = as well.\n"
         "_kfm_det_offers() {\n"
         "  local word=${words[-1]} before=${words[-2]} path='' offers='' i\n"
         "  local -a given=()\n"
         "  case \"$word\" in --*=*) before=${word%%=*} word=${word#*=} ;; esac\n"
         "  for ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
         "    case \"${path:+$path }${words[i]}\" in\n"
         "      " + paths + ") path=\"${path:+$path }${words[i]}\"; continue ;;\n"
         "    esac\n"
         "    case \"$path ${words[i]}\" in\n"
         "      " + takers + ") ((i++)); continue ;;\n"
         "    esac\n"
         "    case \"${words[i]}\" in -*) ;; *) given+=(\"${words[i]}\") ;; esac\n"
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
         "_kfm_det() {\n"
         "  local i joins='' last=${COMP_WORDS[COMP_CWORD]} front\n"
         "  local -a words=()\n"
         "  COMPREPLY=()\n"
         "  for ((i = 0; i <= COMP_CWORD; i++)); do\n"
         "    case \"${COMP_WORDS[i]}\" in\n"
         "      :|=|::) words[-1]+=${COMP_WORDS[i]} joins=1; continue ;;\n"
         "    esac\n"
         "    if [[ $joins ]]; then words[-1]+=${COMP_WORDS[i]}; else words+=(\"${COMP_WORDS[i]}\"); fi\n"
         "    joins=''\n"
         "  done\n"
         "  _kfm_det_offers\n"
         "  case \"$last\" in :|=|::) last='' ;; esac\n"
         "  front=${words[-1]%\"$last\"}\n"
         "  COMPREPLY=(\"${COMPREPLY[@]#\"$front\"}\")   # bash puts them in place of what stands behind its last cut\n"
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
