#include "meltquench/devices/device.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"

namespace mq {
namespace {

std::string in_quotes(std::string_view word) { return "'" + std::string(word) + "'"; }

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& p : presets()) names.emplace_back(p.name);
  return names;
}

DeviceParams default_params(std::string_view model, const Source& source, std::string_view path) {
  DeviceParams params;
  bool found = false;
  for_each_model([&]<class Model>() {
    if (Model::kName == model) params = typename Model::Params{}, found = true;
  });
  if (!found) {
    throw_config_error(std::string(path) + ": there is no device model " + in_quotes(model) +
                           did_you_mean(model, model_names()) + "; `meltquench describe` lists the models",
                       source);
  }
  return params;
}

void apply_fields(DeviceParams& params, const Value& table, std::string_view path) {
  std::visit([&](auto& p) { from_value(p, table, path); }, params);
}

bool is_file_name(std::string_view text) { return text.ends_with(".toml"); }

/// The preset file that a value names: beside the file where the value stands, or in the working directory.
DeviceParams device_from_file(const Value& value, std::string_view path) {
  std::filesystem::path file = value.as_text();
  if (value.source().text != nullptr && file.is_relative()) {
    const std::filesystem::path beside =
        std::filesystem::path(value.source().text->name).parent_path() / file;
    std::error_code failure;
    if (std::filesystem::exists(beside, failure)) file = beside;
  }
  std::error_code failure;
  if (!std::filesystem::exists(file, failure)) {
    throw_config_error(
        std::string(path) + ": there is no preset file " + in_quotes(value.as_text()) +
            " beside the config or in the working directory; `meltquench fit -o` writes one, and "
            "`meltquench presets` lists the presets that need no file",
        value.source());
  }
  Value table = load_toml(file);
  table.erase_key("summary");
  const Value* nested = table.find("preset");
  if (nested != nullptr && nested->is_text() && is_file_name(nested->as_text())) {
    throw_config_error(
        "a preset file must not start from another file; write its values out, or name one of the "
        "presets of `meltquench presets`",
        nested->source());
  }
  return device_from_value(table, "preset file " + value.as_text());
}

const Value* take_text(const Value& table, std::string_view key, std::string_view path) {
  const Value* value = table.find(key);
  if (value != nullptr && !value->is_text()) {
    throw_config_error(std::string(path) + "." + std::string(key) + " must be a name in quotes; found " +
                           std::string(value->kind_name()),
                       value->source());
  }
  return value;
}

/// "a", "b" or "c": the models for which `belongs` is true.
template <class Belongs>
std::string list_of_models(const Belongs& belongs) {
  std::vector<std::string> models;
  for_each_model([&]<class Model>() {
    if (belongs.template operator()<Model>()) models.push_back(in_quotes(Model::kName));
  });
  std::string list;
  for (std::size_t i = 0; i < models.size(); ++i) {
    list += (i == 0 ? "" : i + 1 < models.size() ? ", " : " or ") + models[i];
  }
  return list;
}

}  // namespace

const Preset& preset(std::string_view name) {
  for (const Preset& p : presets()) {
    if (p.name == name) return p;
  }
  throw ConfigError("there is no device preset " + in_quotes(name) + did_you_mean(name, preset_names()) +
                    "; `meltquench presets` lists them");
}

std::string preset_summary(const Preset& p) { return parse_toml(p.toml, p.name).at("summary").as_text(); }

static DeviceParams read_preset(const Preset& p) {
  const std::string file = std::string(p.name) + ".toml";
  Value table = parse_toml(p.toml, file);
  table.erase_key("summary");
  return device_from_value(table, "preset " + std::string(p.name));
}

DeviceParams device_from_preset(std::string_view name) {
  // Kept: a sweep names the same few presets in thousands of points.
  static std::mutex mutex;
  static std::map<std::string_view, DeviceParams> known;
  const Preset& p = preset(name);
  {
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(p.name); found != known.end()) return found->second;
  }
  DeviceParams params = read_preset(p);
  const std::lock_guard lock(mutex);
  return known.emplace(p.name, std::move(params)).first->second;
}

DeviceParams device_from_value(const Value& value, std::string_view path) {
  if (value.is_text()) {
    if (is_file_name(value.as_text())) return device_from_file(value, path);
    try {
      return device_from_preset(value.as_text());
    } catch (const ConfigError& error) {
      throw_config_error(std::string(path) + ": " + error.what(), value.source());
    }
  }
  if (!value.is_table()) {
    throw_config_error(std::string(path) +
                           " must be the name of a preset, like \"pcm-like\", or a table, not " +
                           std::string(value.kind_name()),
                       value.source());
  }
  const Value* preset_key = take_text(value, "preset", path);
  const Value* model_key = take_text(value, "model", path);
  DeviceParams params = Pcm::Params{};
  if (preset_key != nullptr) {
    params = device_from_value(*preset_key, std::string(path) + ".preset");
    if (model_key != nullptr && model_key->as_text() != model_name(params)) {
      throw_config_error(std::string(path) + ": the preset " + in_quotes(preset_key->as_text()) +
                             " is of model " + in_quotes(model_name(params)) + ", not " +
                             in_quotes(model_key->as_text()) + "; leave out one of the two keys",
                         model_key->source());
    }
  } else if (model_key != nullptr) {
    params = default_params(model_key->as_text(), model_key->source(), path);
  }
  Value rest = value;
  rest.erase_key("preset");
  rest.erase_key("model");
  apply_fields(params, rest, path);
  return params;
}

Value device_to_value(const DeviceParams& params, Quantities quantities) {
  Value table = Value::table();
  table.set_key("model", model_name(params));
  const Value values = std::visit([&](const auto& p) { return to_value(p, quantities); }, params);
  for (const auto& entry : values.as_table()) table.set_key(entry.key, entry.value);
  return table;
}

std::string_view model_name(const DeviceParams& params) {
  return visit_model(params, []<class Model>(const typename Model::Params&) { return Model::kName; });
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for_each_model([&]<class Model>() { names.emplace_back(Model::kName); });
  return names;
}

std::string model_summary(std::string_view model) {
  return visit_model(default_params(model, {}, "device"),
                     []<class Model>(const typename Model::Params&) { return std::string(Model::kSummary); });
}

std::vector<FieldInfo> model_fields(std::string_view model) {
  return visit_model(default_params(model, {}, "device"), []<class Model>(const typename Model::Params&) {
    return field_infos<typename Model::Params>();
  });
}

float g_min(const DeviceParams& params) {
  return std::visit([](const auto& p) { return p.g_min; }, params);
}
float g_max(const DeviceParams& params) {
  return std::visit([](const auto& p) { return p.g_max; }, params);
}
float read_pulse(const DeviceParams& params) {
  return std::visit(
      [](const auto& p) {
        if constexpr (requires { p.t_read; }) return p.t_read;
        return 0.0f;
      },
      params);
}
double noise_growth(const DeviceParams& params, double time) {
  return visit_model(params, [&]<class Model>(const typename Model::Params& p) {
    return double(Model::template at<double>(p, time).noise_growth);
  });
}
float drift_activation(const DeviceParams& params) {
  return std::visit(
      [](const auto& p) {
        if constexpr (requires { p.drift_activation; }) return p.drift_activation;
        return 0.0f;
      },
      params);
}
float reference_temperature(const DeviceParams& params) {
  return std::visit(
      [](const auto& p) {
        if constexpr (requires { p.reference_temperature; }) return p.reference_temperature;
        return 300.0f;
      },
      params);
}
bool cells_age(const DeviceParams& params) {
  return visit_model(params, []<class Model>(const typename Model::Params&) { return kCellsAge<Model>; });
}
bool takes_pulses(const DeviceParams& params) {
  return visit_model(params, []<class Model>(const typename Model::Params&) { return PulsedModel<Model>; });
}
void require_pulses(const DeviceParams& params) {
  if (takes_pulses(params)) return;
  throw ConfigError("the device model " + in_quotes(model_name(params)) +
                    " has no pulsed update: its cells can only be programmed; choose device.model = " +
                    list_of_models([]<class Model>() { return PulsedModel<Model>; }));
}
void require_process(const DeviceParams& params) {
  const bool has_one =
      visit_model(params, []<class Model>(const typename Model::Params&) { return HoldingModel<Model>; });
  if (has_one) return;
  throw ConfigError("the device model " + in_quotes(model_name(params)) +
                    " states what programming leaves and has no program-and-verify of its own; set "
                    "programming.method = \"one-shot\" or choose device.model = " +
                    list_of_models([]<class Model>() { return HoldingModel<Model>; }));
}
float mean_step(const DeviceParams& params) {
  require_pulses(params);
  return visit_model(params, []<class Model>(const typename Model::Params& p) {
    if constexpr (PulsedModel<Model>) {
      return Model::mean_step(p);
    } else {
      return 0.0f;
    }
  });
}
bool is_one_sided(const DeviceParams& params) {
  return visit_model(params, []<class Model>(const typename Model::Params& p) {
    if constexpr (PulsedModel<Model>) {
      return is_one_sided<Model>(p);
    } else {
      return false;
    }
  });
}
double weight_zero(const DeviceParams& params) {
  return visit_model(params, []<class Model>(const typename Model::Params& p) {
    if constexpr (requires { Model::weight_zero(p); }) {
      return Model::weight_zero(p);
    } else {
      return 0.5 * (double(p.g_min) + p.g_max);
    }
  });
}
int cell_fields(const DeviceParams& params) {
  return visit_model(params, []<class Model>(const typename Model::Params&) { return kCellFields<Model>; });
}

}  // namespace mq
