#include "meltquench/cli/parse.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"

namespace mq::cli {
namespace {

std::string see_help(const Command& command) {
  return fmt::format("`meltquench {} --help` shows what it takes", command.name);
}

/// CLI11 says "--output: 1 required TEXT missing" or "json was given a disallowed flag override"; its
/// sentence only tells which option is meant.
[[noreturn]] void throw_parse_error(const Command& command, const std::string& what) {
  for (const Option& option : command.options) {
    if (!what.starts_with(option.name) && !what.starts_with(option.name.substr(2))) continue;
    if (option.value.empty())
      throw ConfigError(fmt::format("{} is a switch and takes no value", option.name));
    throw ConfigError(fmt::format("{} needs a value: {} {}", option.name, option.name, option.value));
  }
  throw ConfigError(fmt::format("{}; {}", what, see_help(command)));
}

[[noreturn]] void throw_unexpected(const Command& command, const std::string& word) {
  if (!word.starts_with('-')) {
    throw ConfigError(fmt::format("'{}' is one argument too many; {}", word, see_help(command)));
  }
  std::vector<std::string> known = {"--help"};
  for (const Option& option : command.options) known.emplace_back(option.name);
  const std::string name = word.substr(0, word.find('='));
  throw ConfigError(
      fmt::format("meltquench {} has no option '{}'{}", command.name, name, did_you_mean(name, known)));
}

void check_choice(std::string_view name, const std::string& value, const std::vector<std::string>& choices) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  throw ConfigError(fmt::format("{} cannot be '{}'{}", name, value, did_you_mean(value, choices)));
}

void check_count(const Command& command, const Operand& operand, std::size_t count) {
  const bool is_needed =
      operand.count == Operand::Count::one || operand.count == Operand::Count::at_least_one;
  if (is_needed && count == 0) {
    throw ConfigError(
        fmt::format("meltquench {} needs {}: {}", command.name, operand.name, operand.sentence));
  }
}

}  // namespace

Arguments parse(const Command& command, std::vector<std::string> words) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::vector<std::string>> values(command.options.size());
  std::vector<std::string> operands;
  std::vector<CLI::Option*> switches(command.options.size());
  for (std::size_t i = 0; i < command.options.size(); ++i) {
    const Option& option = command.options[i];
    std::string names(option.name);
    if (!option.short_name.empty()) names = fmt::format("{},{}", option.short_name, option.name);
    if (option.value.empty()) {
      switches[i] = app.add_flag(names)->disable_flag_override();
    } else {
      app.add_option(names, values[i])->allow_extra_args(false);
    }
  }
  app.add_option("arguments", operands)->expected(-1);
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    throw_parse_error(command, error.what());
  }
  for (const std::string& word : app.remaining()) {
    if (word != "--") throw_unexpected(command, word);  // CLI11 keeps the mark that ends the options
  }

  Arguments arguments;
  for (std::size_t i = 0; i < command.options.size(); ++i) {
    const Option& option = command.options[i];
    if (switches[i] != nullptr && switches[i]->count() > 0) arguments.add(option.name, "");
    if (values[i].size() > 1 && !option.is_repeatable)
      throw ConfigError(fmt::format("{} is given twice", option.name));
    for (const std::string& value : values[i]) {
      check_choice(option.name, value, option.choices);
      arguments.add(option.name, value);
    }
  }
  auto next = operands.begin();
  for (const Operand& operand : command.operands) {
    const bool is_list =
        operand.count == Operand::Count::any || operand.count == Operand::Count::at_least_one;
    const auto end = is_list || next == operands.end() ? operands.end() : next + 1;
    check_count(command, operand, static_cast<std::size_t>(end - next));
    for (; next != end; ++next) {
      check_choice(operand.name, *next, operand.choices);
      arguments.add(operand.name, *next);
    }
  }
  if (next != operands.end()) throw_unexpected(command, *next);
  return arguments;
}

}  // namespace mq::cli
