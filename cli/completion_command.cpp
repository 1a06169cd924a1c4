#include <fmt/format.h>

#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/devices/device.h"

namespace mq::cli {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(separator)) + word;
  return text;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (!command.is_hidden) names.emplace_back(command.name);
  }
  return names;
}

std::vector<std::string> option_names(const Command& command) {
  std::vector<std::string> names = {"--help"};
  for (const Option& option : command.options) names.emplace_back(option.name);
  return names;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.emplace_back(preset.name);
  return names;
}

/// Words that an operand may be, besides files.
std::vector<std::string> operand_words(const Command& command) {
  std::vector<std::string> words;
  for (const Operand& operand : command.operands) {
    words.insert(words.end(), operand.choices.begin(), operand.choices.end());
    if (operand.completes == Completes::presets) words = preset_names();
  }
  return words;
}

bool takes_files(const Command& command) {
  for (const Operand& operand : command.operands) {
    if (operand.completes != Completes::nothing) return true;
  }
  return false;
}

/// For single quotes: sentences hold backquotes, apostrophes and brackets.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else {
      result += c;
    }
  }
  return result;
}

std::string bash_script() {
  std::string text = fmt::format(
      "# bash completion of meltquench: source <(meltquench completion bash)\n_meltquench() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}\n  COMPREPLY=()\n"
      "  if ((COMP_CWORD == 1)); then\n    mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- "
      "\"$word\")\n"
      "    return\n  fi\n  case ${{COMP_WORDS[1]}} in\n",
      joined(command_names(), " "));
  for (const Command& command : commands()) {
    if (command.is_hidden) continue;
    text += fmt::format("    {})\n      case $before in\n", command.name);
    for (const Option& option : command.options) {
      if (option.value.empty()) continue;
      const std::string how = !option.choices.empty() ? "-W '" + joined(option.choices, " ") + "'"
                              : option.completes == Completes::folders ? "-d"
                              : option.completes == Completes::files   ? "-f"
                                                                       : "-W ''";
      text += fmt::format("        {}) mapfile -t COMPREPLY < <(compgen {} -- \"$word\"); return ;;\n",
                          option.name, how);
    }
    text += fmt::format(
        "      esac\n      if [[ $word == -* ]]; then\n"
        "        mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")\n      else\n"
        "        mapfile -t COMPREPLY < <(compgen {}-W '{}' -- \"$word\")\n      fi ;;\n",
        joined(option_names(command), " "), takes_files(command) ? "-f " : "",
        joined(operand_words(command), " "));
  }
  return text + "  esac\n}\ncomplete -o filenames -F _meltquench meltquench\n";
}

std::string zsh_script() {
  std::string text =
      "#compdef meltquench\n# zsh completion of meltquench: source <(meltquench completion "
      "zsh)\n_meltquench() {\n"
      "  local -a names\n  names=(\n";
  for (const Command& command : commands()) {
    if (!command.is_hidden) text += fmt::format("    '{}:{}'\n", command.name, escaped(command.summary));
  }
  text +=
      "  )\n  if ((CURRENT == 2)); then\n    _describe command names\n    return\n  fi\n"
      "  local command=${words[2]}\n  shift words\n  ((CURRENT--))\n  case $command in\n";
  for (const Command& command : commands()) {
    if (command.is_hidden) continue;
    text += fmt::format("    {})\n      _arguments", command.name);
    for (const Option& option : command.options) {
      std::string sentence;  // _arguments ends the text at a bracket and splits at colons
      for (const char c : escaped(option.sentence))
        sentence += c == '[' ? "(" : c == ']' ? ")" : std::string(1, c);
      text += fmt::format(" \\\n        '{}{}[{}]", option.is_repeatable ? "*" : "", option.name, sentence);
      if (!option.value.empty()) {
        text += fmt::format(":{}:", option.value);
        if (!option.choices.empty()) text += "(" + joined(option.choices, " ") + ")";
        if (option.completes == Completes::folders) text += "_files -/";
        if (option.completes == Completes::files) text += "_files";
      }
      text += "'";
    }
    const std::string words = joined(operand_words(command), " ");
    if (!words.empty() && takes_files(command)) {
      text += fmt::format(
          " \\\n        '*:argument:{{_alternative \"words:name:({})\" \"files:file:_files\"}}'", words);
    } else if (!words.empty()) {
      text += fmt::format(" \\\n        '*:argument:({})'", words);
    } else if (takes_files(command)) {
      text += " \\\n        '*:file:_files'";
    }
    text += " ;;\n";
  }
  // Read in by `source`, or by zsh itself as the function file _meltquench, which must also answer the first
  // call.
  return text +
         "  esac\n}\ncompdef _meltquench meltquench\n"
         "if [[ $funcstack[1] == _meltquench ]]; then _meltquench \"$@\"; fi\n";
}

std::string fish_script() {
  std::string text =
      "# fish completion of meltquench: meltquench completion fish | source\ncomplete -c meltquench -f\n";
  for (const Command& command : commands()) {
    if (command.is_hidden) continue;
    text += fmt::format("complete -c meltquench -n __fish_use_subcommand -a {} -d '{}'\n", command.name,
                        escaped(command.summary));
    const std::string here =
        fmt::format("complete -c meltquench -n '__fish_seen_subcommand_from {}'", command.name);
    for (const Option& option : command.options) {
      text += fmt::format("{} -l {}", here, option.name.substr(2));
      if (!option.short_name.empty()) text += fmt::format(" -s {}", option.short_name.substr(1));
      if (!option.value.empty()) text += option.completes == Completes::nothing ? " -x" : " -r";
      if (option.completes != Completes::nothing) text += " -F";
      if (!option.choices.empty()) text += fmt::format(" -a '{}'", joined(option.choices, " "));
      text += fmt::format(" -d '{}'\n", escaped(option.sentence));
    }
    const std::string words = joined(operand_words(command), " ");
    if (!words.empty()) text += fmt::format("{} -a '{}'\n", here, words);
    if (takes_files(command)) text += here + " -F\n";
  }
  return text;
}

int run(const Arguments& arguments, Context& context) {
  const std::string shell = arguments.text("SHELL");
  context.out << (shell == "bash" ? bash_script() : shell == "zsh" ? zsh_script() : fish_script());
  return kDone;
}

}  // namespace

Command completion_command() {
  return {.name = "completion",
          .summary = "Print the completion script for a shell.",
          .details =
              "Put its output where your shell looks for completions, or read it in: "
              "source <(meltquench completion bash).",
          .operands = {{.name = "SHELL", .sentence = "Your shell.", .choices = {"bash", "zsh", "fish"}}},
          .examples = {"meltquench completion bash"},
          .run = run};
}

}  // namespace mq::cli
