#include "app/completion.h"

#include <functional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weir {
namespace {

using Visit = std::function<void(const CommandText&)>;

/// A command before those inside it.
void each_command(const CommandText& command, const Visit& visit) {
  visit(command);
  for (const CommandText& inner : command.commands) each_command(inner, visit);
}

std::string replaced(std::string_view text, std::string_view special,
                     const std::function<std::string(char)>& by) {
  std::string out;
  for (char each : text) {
    if (special.contains(each)) {
      out += by(each);
    } else {
      out += each;
    }
  }
  return out;
}

/// One word of a shell, whatever it holds. Fish reads a backslash in quotes, the others do not.
std::string quoted(std::string_view text, Shell shell) {
  auto escaped = [shell](char each) -> std::string {
    if (each == '\n') return " ";
    if (shell == Shell::fish) return {'\\', each};
    return each == '\'' ? "'\\''" : std::string(1, each);
  };
  return "'" + replaced(text, "'\\\n", escaped) + "'";
}

std::vector<std::string> names_inside(const CommandText& command) {
  std::vector<std::string> names;
  for (const CommandText& each : command.commands) names.push_back(each.last_name());
  if (command.name.empty()) names.insert(names.end(), {"help", "version"});
  return names;
}

bool is_file(const std::string& kind) { return kind == "FILE" || kind == "DIR"; }

// --- bash --------------------------------------------------------------------------------------

/// What a word offers: words, or the names of files.
std::string bash_offer(const WordText& word) {
  const std::string& kind = word.is_option() || word.value.contains('|') ? word.value : word.flag;
  if (is_file(kind)) return kind == "DIR" ? "directories=1" : "files=1";
  return fmt::format("words+=' {}'", fmt::join(word.choices(), " "));
}

std::string bash_command(const CommandText& command) {
  std::vector<std::string> words = names_inside(command);
  std::string offers;
  for (const WordText& each : command.words) {
    if (each.is_option()) {
      words.push_back(each.flag);
    } else {
      offers += fmt::format("; {}", bash_offer(each));
    }
  }
  return fmt::format("    {}) words={}{} ;;\n", quoted(command.name, Shell::bash),
                     quoted(fmt::format("{}", fmt::join(words, " ")), Shell::bash), offers);
}

std::string bash_values(const CommandText& command) {
  std::string text;
  for (const WordText& each : command.words) {
    if (!each.is_option() || each.value.empty()) continue;
    std::string flags = quoted(command.name + ":" + each.flag, Shell::bash);
    if (!each.brief.empty()) {
      flags += "|" + quoted(command.name + ":" + each.brief, Shell::bash);
    }
    text += fmt::format("    {}) value=1; {} ;;\n", flags, bash_offer(each));
  }
  return text;
}

std::string bash(const CommandText& program) {
  std::vector<std::string> names;
  std::string commands;
  std::string values;
  each_command(program, [&](const CommandText& each) {
    if (!each.name.empty()) names.push_back(quoted(each.name, Shell::bash));
    commands += bash_command(each);
    values += bash_values(each);
  });
  return fmt::format(
      R"(# Completion of weir for bash; written by `weir completion bash`.
_weir() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
  local command= words= files= directories= value= i
  if [[ $current == = ]]; then
    current=
  elif [[ $before == = ]]; then
    before=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${{command:+$command }}${{COMP_WORDS[i]}}" in
      {0}) command=${{command:+$command }}${{COMP_WORDS[i]}} ;;
    esac
  done
  case "$command:$before" in
{1}  esac
  [[ $value ]] || case $command in
{2}  esac
  COMPREPLY=()
  [[ $words ]] && mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ $current != -* && $files$directories ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O ${{#COMPREPLY[@]}} COMPREPLY < <(
      if [[ $files ]]; then compgen -f -- "$current"; else compgen -d -- "$current"; fi)
  fi
}}
complete -F _weir weir
)",
      fmt::join(names, "|"), values, commands);
}

// --- zsh ---------------------------------------------------------------------------------------

std::string zsh_name(const CommandText& command) {
  auto underscore = [](char) { return std::string("_"); };
  return command.name.empty() ? "_weir" : "_weir_" + replaced(command.name, " ", underscore);
}

std::string zsh_action(const WordText& word) {
  const std::string& kind = word.is_option() || word.value.contains('|') ? word.value : word.flag;
  if (is_file(kind)) return kind == "DIR" ? "_files -/" : "_files";
  return word.choices().empty() ? " " : fmt::format("({})", fmt::join(word.choices(), " "));
}

std::string zsh_word(const WordText& word) {
  auto escaped = [](char each) { return std::string{'\\', each}; };
  if (!word.is_option()) {
    return quoted(fmt::format("{}:{}:{}", word.required ? "" : ":", word.flag, zsh_action(word)),
                  Shell::zsh);
  }
  std::string tail = fmt::format("[{}]", replaced(word.about, "[]:\\", escaped));
  if (!word.value.empty()) tail += fmt::format(":value:{}", zsh_action(word));
  std::string text = quoted("*" + word.flag + (word.value.empty() ? "" : "=") + tail, Shell::zsh);
  if (!word.brief.empty()) text += " " + quoted("*" + word.brief + tail, Shell::zsh);
  return text;
}

std::string zsh_leaf(const CommandText& command) {
  std::string text = zsh_name(command) + "() {\n  _arguments";
  for (const WordText& each : command.words) text += " \\\n    " + zsh_word(each);
  return text + "\n}\n";
}

std::string zsh_group(const CommandText& command) {
  std::string names;
  std::string calls;
  for (const CommandText& each : command.commands) {
    names += "\n        " + quoted(each.last_name() + ":" + each.about, Shell::zsh);
    calls += fmt::format("\n        {}) {} ;;", each.last_name(), zsh_name(each));
  }
  if (command.name.empty()) {
    names += "\n        'help:Tell about a command' 'version:Tell which weir this is'";
    calls += "\n        help) _weir ;;";
  }
  return fmt::format(R"({0}() {{
  local curcontext=$curcontext state line
  local -a commands
  _arguments -C '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      commands=({1}
      )
      _describe command commands ;;
    argument)
      case $line[1] in{2}
      esac ;;
  esac
}}
)",
                     zsh_name(command), names, calls);
}

std::string zsh(const CommandText& program) {
  std::string text = "#compdef weir\n# Written by `weir completion zsh`.\n";
  each_command(program, [&](const CommandText& each) {
    text += each.commands.empty() ? zsh_leaf(each) : zsh_group(each);
  });
  return text +
         "if [ \"$funcstack[1]\" = _weir ]; then _weir \"$@\"; else compdef _weir weir; fi\n";
}

// --- fish --------------------------------------------------------------------------------------

std::string fish_line(const CommandText& command, const std::string& rest) {
  return fmt::format("complete -c weir -n \"__weir_command '{}'\" {}\n", command.name, rest);
}

std::string fish_values(const std::vector<std::string>& choices) {
  return quoted(fmt::format("{}", fmt::join(choices, " ")), Shell::fish);
}

std::string fish_word(const WordText& word) {
  std::string about = " -d " + quoted(word.about, Shell::fish);
  if (!word.is_option()) {
    if (is_file(word.flag)) return "-F";
    return word.choices().empty() ? "" : "-a " + fish_values(word.choices()) + about;
  }
  std::string text = "-l " + word.flag.substr(2);
  if (!word.brief.empty()) text += " -s " + word.brief.substr(1);
  if (is_file(word.value)) {
    text += " -r -F";
  } else if (!word.value.empty()) {
    text += word.choices().empty() ? " -x" : " -x -a " + fish_values(word.choices());
  }
  return text + about;
}

std::string fish(const CommandText& program) {
  std::vector<std::string> names;
  std::string lines;
  each_command(program, [&](const CommandText& each) {
    if (!each.name.empty()) names.push_back(quoted(each.name, Shell::fish));
    for (const CommandText& inner : each.commands) {
      lines += fish_line(
          each, fmt::format("-a {} -d {}", inner.last_name(), quoted(inner.about, Shell::fish)));
    }
    for (const WordText& word : each.words) {
      if (std::string rest = fish_word(word); !rest.empty()) lines += fish_line(each, rest);
    }
  });
  lines += fish_line(program, "-a help -d 'Tell about a command'");
  lines += fish_line(program, "-a version -d 'Tell which weir this is'");
  return fmt::format(R"(# Completion of weir for fish; written by `weir completion fish`.
function __weir_command
  set -l known {}
  set -l command ''
  set -l words (commandline -opc)
  for word in $words[2..-1]
    set -l longer (string trim -- "$command $word")
    contains -- $longer $known; and set command $longer
  end
  test "$command" = "$argv[1]"
end
complete -c weir -f
{})",
                     fmt::join(names, " "), lines);
}

}  // namespace

std::string completion(const CommandText& program, Shell shell) {
  switch (shell) {
    case Shell::bash: return bash(program);
    case Shell::zsh: return zsh(program);
    case Shell::fish: return fish(program);
  }
  return {};
}

}  // namespace weir
