#include "meltquench/cli/command.h"

#include <charconv>

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"

namespace mq::cli {

bool Arguments::has(std::string_view name) const { return values_.contains(name); }

std::string Arguments::text(std::string_view name, std::string_view fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(fallback) : found->second.back();
}

int Arguments::integer(std::string_view name, int low, int high, int fallback) const {
  if (!has(name)) return fallback;
  const std::string value = text(name);
  int number = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (failure != std::errc() || end != value.data() + value.size() || number < low || number > high) {
    throw ConfigError(std::string(name) + " " + value + " makes no sense; give a whole number from " +
                      std::to_string(low) + " to " + std::to_string(high));
  }
  return number;
}

std::vector<std::string> Arguments::all(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

void Arguments::add(std::string_view name, std::string value) {
  values_[std::string(name)].push_back(std::move(value));
}

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      run_command(),        sweep_command(),          show_command(),         report_command(),
      describe_command(),   presets_command(),        fit_command(),          synthesize_command(),
      data_command(),       netlist_command(),        inspect_command(),      doctor_command(),
      completion_command(), docs_reference_command(), docs_gallery_command(), docs_accuracy_command()};
  return all;
}

const Command& find_command(std::string_view name) {
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (command.name == name) return command;
    if (!command.is_hidden) names.emplace_back(command.name);
  }
  throw ConfigError("there is no subcommand '" + std::string(name) + "'" + did_you_mean(name, names));
}

Option json_option() { return {"--json", {}, "Print JSON instead of text."}; }

}  // namespace mq::cli
