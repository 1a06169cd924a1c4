#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/help.h"
#include "meltquench/cli/output.h"
#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "meltquench/devices/device.h"
#include "meltquench/experiment/device_plot.h"
#include "meltquench/experiment/sections.h"

namespace mq::cli {
namespace {

std::string section_text(const Section& section) {
  const bool is_config = section.kind == Section::Kind::config;
  std::string text =
      fmt::format("{}: {}\n", is_config ? "[" + section.name + "]" : section.name, section.sentence);
  for (const auto& [name, info] : parameters(section)) {
    text += fmt::format("\n  {} = {}\n      {}\n      {}\n", name, info.default_text,
                        wrapped(type_text(info), 6), wrapped(info.sentence, 6));
  }
  return text;
}

/// The preset of that name, unless a section or model has it too.
const Preset* find_preset(const std::string& name) {
  for (const Section& section : sections()) {
    if (section.name == name) return nullptr;
  }
  for (const Preset& preset : presets()) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

std::string text_of(const std::string& name) {
  const Preset* preset = find_preset(name);
  if (preset == nullptr) return section_text(find_section(name));
  return fmt::format("preset {}: {}\n\n{}", preset->name, preset_summary(*preset),
                     to_toml(device_to_value(device_from_preset(preset->name))));
}

Value value_of(const std::string& name) {
  const Preset* preset = find_preset(name);
  return preset == nullptr ? section_to_value(find_section(name))
                           : device_to_value(device_from_preset(preset->name));
}

std::string overview() {
  std::string text = "config sections:\n";
  bool is_config = true;
  for (const Section& section : sections()) {
    if (is_config && section.kind == Section::Kind::device) {
      is_config = false;
      text += "\ndevice models (`device = { model = NAME }`, or a preset of `meltquench presets`):\n";
    }
    text += fmt::format("  {:<16}  {}\n", section.name, section.sentence);
  }
  return text + "\n`meltquench describe NAME` lists the parameters of one.\n";
}

int run(const Arguments& arguments, Context& context) {
  const bool has_name = arguments.has("NAME");
  if (arguments.has("--plot")) {
    if (!has_name) {
      throw ConfigError(
          "--plot needs the device to draw: a model like pcm, or a preset of `meltquench presets`");
    }
    check_one_stdout(arguments, {"--plot", "--json"});
    const std::string file = arguments.text("--plot");
    write_output(arguments, "--plot", device_plot_of(arguments.text("NAME")), context);
    if (goes_to_stdout(arguments, "--plot")) return kDone;
    context.out << (arguments.has("--json") ? to_json(Value(file)) : file) << '\n';
  } else if (arguments.has("--json")) {
    Value result = Value::array();
    if (has_name) {
      result = value_of(arguments.text("NAME"));
    } else {
      for (const Section& section : sections()) result.as_array().push_back(section_to_value(section));
    }
    context.out << to_json(result, 2) << '\n';
  } else {
    context.out << (has_name ? text_of(arguments.text("NAME")) : overview());
  }
  return kDone;
}

}  // namespace

Command describe_command() {
  return {.name = "describe",
          .summary = "Explain the parameters of a config section or a device model, or draw a device.",
          .details = {},
          .operands = {{.name = "NAME",
                        .sentence = "A section like adc, a model like pcm or a preset; without it, a list.",
                        .count = Operand::Count::at_most_one}},
          .options = {{.name = "--plot",
                       .value = "FILE",
                       .sentence = "Draw the device as an SVG file (- for stdout): spread, drift, read "
                                   "noise, and what pulses do.",
                       .completes = Completes::files},
                      json_option()},
          .examples = {"meltquench describe", "meltquench describe pcm", "meltquench describe adc --json",
                       "meltquench describe hermes-1 --plot hermes-1.svg"},
          .run = run};
}

}  // namespace mq::cli
