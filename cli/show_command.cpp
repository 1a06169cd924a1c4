#include <fmt/format.h>

#include <ostream>
#include <set>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/core/config.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "meltquench/core/nearest.h"
#include "meltquench/core/storage.h"
#include "meltquench/experiment/run_config.h"
#include "meltquench/experiment/sweep_grid.h"

namespace mq::cli {
namespace {

namespace fs = std::filesystem;

std::string scalar_text(const Value& value) { return value.is_text() ? value.as_text() : to_json(value); }

/// What a config means: every key with its value. The sweep table, if there is one, is checked and kept.
Value show_config(const fs::path& file, const std::vector<std::string>& overrides) {
  const Value config = load_config(file, overrides);
  Value resolved = RunConfig::from_value(config).to_value();
  if (const Value* sweep = config.find("sweep")) {
    sweep_points(config);
    resolved.set_key("sweep", *sweep);
  }
  return resolved;
}

Value show_preset(std::string_view name) {
  Value table = Value::table();
  table.set_key("preset", name);
  table.set_key("summary", preset_summary(preset(name)));
  table.set_key("device", device_to_value(device_from_preset(name)));
  return table;
}

/// A config that asks for the device by its values.
std::string preset_text(const Value& table) {
  Value config = Value::table();
  config.set_key("device", table.at("device"));
  return "# " + table.at("preset").as_text() + ": " + table.at("summary").as_text() + "\n" + to_toml(config);
}

/// Data sets and groups with their attributes; a group is named by the data sets in it.
Value show_hdf5(const fs::path& file) {
  const H5Reader reader(file, "", 0);
  std::set<std::string> groups = {"/"};
  Value entries = Value::array();
  for (const DatasetInfo& info : reader.datasets()) {
    for (std::size_t slash = info.path.find('/', 1); slash != std::string::npos;
         slash = info.path.find('/', slash + 1)) {
      groups.insert(info.path.substr(0, slash));
    }
    Value entry = Value::table();
    entry.set_key("path", info.path);
    entry.set_key("type", name(info.dtype));
    Value shape = Value::array();
    for (const std::size_t length : info.shape)
      shape.as_array().emplace_back(static_cast<std::int64_t>(length));
    entry.set_key("shape", std::move(shape));
    entry.set_key("attributes", reader.attributes(info.path));
    entries.as_array().push_back(std::move(entry));
  }
  Value group_entries = Value::array();
  for (const std::string& path : groups) {
    Value entry = Value::table();
    entry.set_key("path", path);
    entry.set_key("attributes", reader.attributes(path));
    group_entries.as_array().push_back(std::move(entry));
  }
  Value table = Value::table();
  table.set_key("kind", reader.kind());
  table.set_key("version", reader.version());
  table.set_key("groups", std::move(group_entries));
  table.set_key("data_sets", std::move(entries));
  return table;
}

std::string hdf5_text(const Value& table) {
  std::string text = fmt::format("meltquench {}, version {}\n", table.at("kind").as_text(),
                                 table.at("version").as_integer());
  const auto append = [&](const Value& entry, const std::string& what) {
    text += fmt::format("{}{}\n", entry.at("path").as_text(), what);
    for (const auto& [name, value, source] : entry.at("attributes").as_table()) {
      text += fmt::format("    {} = {}\n", name, scalar_text(value));
    }
  };
  for (const Value& entry : table.at("groups").as_array()) append(entry, "");
  for (const Value& entry : table.at("data_sets").as_array()) {
    append(entry, fmt::format("  {} {}", entry.at("type").as_text(), to_json(entry.at("shape"))));
  }
  return text;
}

Value show_folder(const fs::path& folder) {
  if (!fs::exists(folder / "config.toml")) {
    throw MissingError(
        folder.string() +
        " holds no config.toml, so it is no folder of a run; runs lie in runs/NAME-KEY by default");
  }
  Value table = Value::table();
  table.set_key("folder", folder.string());
  table.set_key("finished_chips",
                static_cast<std::int64_t>(read_complete_lines(folder / "trials.jsonl").size()));
  const bool is_complete = fs::exists(folder / "manifest.json");
  table.set_key("has_results", is_complete);
  if (is_complete) {
    const fs::path manifest = folder / "manifest.json";
    check_is_file(manifest);
    check_is_file(folder / "results.csv");
    table.set_key("manifest", parse_json(read_file(manifest), manifest.string()));
    table.set_key("results_csv", read_file(folder / "results.csv"));
  }
  return table;
}

std::string folder_text(const Value& table) {
  std::string text = fmt::format("folder: {}\nfinished chips: {}\n", table.at("folder").as_text(),
                                 table.at("finished_chips").as_integer());
  if (!table.at("has_results").as_boolean()) {
    return text + "no results yet: `meltquench run` with the same config goes on\n";
  }
  for (const auto& [key, value, source] : table.at("manifest").as_table()) {
    text += fmt::format("{}: {}\n", key, scalar_text(value));
  }
  return text + "\n" + table.at("results_csv").as_text();
}

bool is_hdf5(const fs::path& file) { return file.extension() == ".h5" || file.extension() == ".hdf5"; }

[[noreturn]] void throw_nothing_there(const std::string& what) {
  if (what.find('/') != std::string::npos || fs::path(what).has_extension()) {
    throw MissingError("there is no file or folder " + what + "; is the path right?");
  }
  std::vector<std::string> names;
  for (const Preset& preset : presets()) names.emplace_back(preset.name);
  throw ConfigError("'" + what + "' is no file, no folder and no preset" + did_you_mean(what, names));
}

int run(const Arguments& arguments, Context& context) {
  const std::string what = arguments.text("WHAT");
  const bool is_json = arguments.has("--json");
  const auto print = [&](const Value& value, const auto& as_text) {
    context.out << (is_json ? to_json(value, 2) + "\n" : as_text(value));
    return kDone;
  };
  if (fs::is_directory(what)) return print(show_folder(what), folder_text);
  if (fs::exists(what) && is_hdf5(what)) return print(show_hdf5(what), hdf5_text);
  if (fs::exists(what)) return print(show_config(what, arguments.all("--set")), to_toml);
  for (const Preset& preset : presets()) {
    if (preset.name == what) return print(show_preset(what), preset_text);
  }
  throw_nothing_there(what);
}

}  // namespace

Command show_command() {
  return {.name = "show",
          .summary =
              "Print a resolved config, a preset, the content of an HDF5 file, or what a run folder holds.",
          .details = {},
          .operands = {{.name = "WHAT",
                        .sentence = "A config file, a preset's name, a file *.h5, or the folder of a run.",
                        .completes = Completes::presets}},
          .options = {{.name = "--set",
                       .value = "KEY=VALUE",
                       .sentence = "Change a key of the config first, as in `meltquench run`.",
                       .is_repeatable = true},
                      json_option()},
          .examples =
              {"meltquench show examples/quick.toml --set adc.bits=6", "meltquench show pcm-like",
               "for run in runs/quick-*; do meltquench show $run && meltquench show $run/arrays.h5; done"},
          .run = run};
}

}  // namespace mq::cli
