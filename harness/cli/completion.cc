#include "harness/cli/completion.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace crypelab::cli {
namespace {

// `text` with @1@ and @2@ replaced: shell scripts are full of braces.
std::string fill(std::string text, const std::string& first, const std::string& second) {
  text.replace(text.find("@1@"), 3, first);
  return text.replace(text.find("@2@"), 3, second);
}

// Commands in the order of the help, each with its options.
std::vector<std::pair<std::string, std::string>> options_by_command(const std::vector<OptionHelp>& help) {
  std::vector<std::pair<std::string, std::string>> commands;
  for (const auto& line : help) {
    if (line.command.empty()) continue;
    if (line.option.empty()) {
      commands.emplace_back(line.command, "");
    } else {
      commands.back().second += (commands.back().second.empty() ? "" : " ") + line.option;
    }
  }
  return commands;
}

std::string bash(const std::vector<OptionHelp>& help) {
  std::string names;
  std::string cases;
  for (const auto& [command, options] : options_by_command(help)) {
    names += (names.empty() ? "" : " ") + command;
    cases += fmt::format("    {}) options=\"{}\" ;;\n", command, options);
  }
  return fill(
      R"script(# bash completion of crypelab; source it, or put it into /usr/share/bash-completion/completions/crypelab
_crypelab() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} options i
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "@1@ --help --version" -- "$word"))
    return
  fi
  for ((i = 2; i < COMP_CWORD; i++)); do
    if [ "${COMP_WORDS[i]}" = -- ]; then
      COMPREPLY=($(compgen -c -- "$word") $(compgen -f -- "$word"))
      return
    fi
  done
  if [ "$before" = --as ]; then
    COMPREPLY=($(compgen -W "text svg graphviz rules" -- "$word"))
    return
  fi
  case $command in
@2@  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *)
      case $command in
        completion) COMPREPLY=($(compgen -W "bash zsh" -- "$word")) ;;
        doctor) ;;
        *) COMPREPLY=($(compgen -W "$(crypelab list 2>/dev/null | cut -d' ' -f1)" -- "$word") $(compgen -f -- "$word")) ;;
      esac ;;
  esac
}
complete -o filenames -F _crypelab crypelab
)script",
      names, cases);
}

// Inside '...' of a zsh specification.
std::string zsh_text(std::string text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string zsh(const std::vector<OptionHelp>& help) {
  std::string commands;
  std::string cases;
  std::string open;
  for (const auto& line : help) {
    if (line.command.empty()) continue;
    if (line.option.empty()) {
      commands += fmt::format("    '{}:{}'\n", line.command, zsh_text(line.text));
      if (!open.empty()) cases += " \\\n        '*:scenario or file:_crypelab_scenarios' ;;\n";
      cases += fmt::format("      {}) _arguments", line.command);
      open = line.command;
    } else if (line.option == "--as") {
      cases += fmt::format(" \\\n        '{}[{}]:form:(text svg graphviz rules)'", line.option, zsh_text(line.text));
    } else if (line.option == "--host") {
      cases += fmt::format(" \\\n        '{}[{}]:host:'", line.option, zsh_text(line.text));
    } else if (line.takes_value) {
      cases += fmt::format(" \\\n        '*{}[{}]:value:_files'", line.option, zsh_text(line.text));
    } else {
      cases += fmt::format(" \\\n        '{}[{}]'", line.option, zsh_text(line.text));
    }
  }
  cases += " \\\n        '1:shell:(bash zsh)' ;;\n";
  return fill(R"script(#compdef crypelab
# zsh completion of crypelab; put it into a folder of $fpath as _crypelab
_crypelab_scenarios() {
  compadd -- $(crypelab list 2>/dev/null | cut -d' ' -f1)
  _files
}
_crypelab() {
  local -a commands
  commands=(
@1@  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  if (( ${words[(i)--]} < CURRENT )); then
    shift ${words[(i)--]} words
    CURRENT=$#words
    _normal
    return
  fi
  shift words
  (( CURRENT-- ))
  case $command in
@2@  esac
}
# Loaded by name from $fpath, or sourced.
if [[ $funcstack[1] == _crypelab ]]; then
  _crypelab "$@"
else
  compdef _crypelab crypelab
fi
)script",
              commands, cases);
}

}  // namespace

std::string completion_script(const std::string& shell, const std::vector<OptionHelp>& help) {
  return shell == "zsh" ? zsh(help) : bash(help);
}

}  // namespace crypelab::cli
