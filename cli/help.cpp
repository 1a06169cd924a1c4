#include "meltquench/cli/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "meltquench/core/nearest.h"

namespace mq::cli {
namespace {

using Row = std::pair<std::string, std::string>;

std::string columns(std::string_view title, const std::vector<Row>& rows) {
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.first.size());
  std::string text = fmt::format("\n{}:\n", title);
  for (const auto& [name, sentence] : rows) {
    text += fmt::format("  {:<{}}  {}\n", name, width, wrapped(sentence, width + 4));
  }
  return text;
}

std::string with_choices(std::string_view sentence, const std::vector<std::string>& choices) {
  return choices.empty() ? std::string(sentence)
                         : fmt::format("{} One of {}.", sentence, join_names(choices));
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (column > indent && column + 1 + word.size() > width) {
      result += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
  }
  return result;
}

std::string usage_line(const Command& command) {
  std::string line = fmt::format("meltquench {} [OPTIONS]", command.name);
  for (const Operand& operand : command.operands) {
    switch (operand.count) {
      case Operand::Count::one:
        line += fmt::format(" {}", operand.name);
        break;
      case Operand::Count::at_most_one:
        line += fmt::format(" [{}]", operand.name);
        break;
      case Operand::Count::any:
        line += fmt::format(" [{} ...]", operand.name);
        break;
      case Operand::Count::at_least_one:
        line += fmt::format(" {0} [{0} ...]", operand.name);
        break;
    }
  }
  return line;
}

std::string option_title(const Option& option) {
  std::string title(option.name);
  if (!option.short_name.empty()) title = fmt::format("{}, {}", option.short_name, option.name);
  if (!option.value.empty()) title += fmt::format(" {}", option.value);
  return title;
}

std::string option_text(const Option& option) {
  return with_choices(option.sentence, option.choices) + (option.is_repeatable ? " May be given again." : "");
}

std::string operand_text(const Operand& operand) { return with_choices(operand.sentence, operand.choices); }

std::string command_help(const Command& command) {
  std::string text = fmt::format("{}\n\nusage: {}\n", command.summary, usage_line(command));
  if (!command.details.empty()) text += fmt::format("\n{}\n", wrapped(command.details, 0));
  std::vector<Row> rows;
  for (const Operand& operand : command.operands) rows.emplace_back(operand.name, operand_text(operand));
  if (!rows.empty()) text += columns("arguments", rows);
  rows.clear();
  for (const Option& option : command.options) rows.emplace_back(option_title(option), option_text(option));
  rows.emplace_back("-h, --help", "Print this.");
  text += columns("options", rows);
  if (!command.examples.empty()) text += "\nexamples:\n";
  for (const std::string_view example : command.examples) text += fmt::format("  {}\n", example);
  return text;
}

std::string program_help() {
  std::vector<Row> rows;
  for (const Command& command : commands()) {
    if (!command.is_hidden) rows.emplace_back(command.name, command.summary);
  }
  std::string text =
      "Simulates analog in-memory computing with phase-change memory.\n\n"
      "usage: meltquench COMMAND [OPTIONS] [ARGUMENTS]\n"
      "       meltquench --version\n";
  text += columns("commands", rows);
  text += "\n`meltquench COMMAND --help` explains a command and shows examples.\n";
  return text + "\nexit codes: " + wrapped(exit_code_text(), 12) + "\n";
}

}  // namespace mq::cli
