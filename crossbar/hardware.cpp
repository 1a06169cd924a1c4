#include "meltquench/crossbar/hardware.h"

#include <cstdint>

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"

namespace mq {
namespace {

constexpr std::string_view kSections[] = {"device", "programming", "faults",     "tile",
                                          "dac",    "adc",         "cell_noise", "temperature"};

void apply_section(Hardware& hardware, const Value& value, std::string_view section,
                   const std::string& path) {
  if (section == "device") {
    const bool names_a_device =
        value.is_text() || value.find("preset") != nullptr || value.find("model") != nullptr;
    if (names_a_device) {
      hardware.device = device_from_value(value, path);
    } else {
      std::visit([&](auto& params) { from_value(params, value, path); }, hardware.device);
    }
  } else if (section == "programming") {
    from_value(hardware.programming, value, path);
  } else if (section == "faults") {
    from_value(hardware.faults, value, path);
  } else if (section == "tile") {
    from_value(hardware.tile, value, path);
  } else if (section == "dac") {
    from_value(hardware.dac, value, path);
  } else if (section == "adc") {
    from_value(hardware.adc, value, path);
  } else if (section == "cell_noise") {
    from_value(hardware.cell_noise, value, path);
  } else {
    from_value(hardware.temperature, value, path);
  }
}

void apply_rule(Hardware& hardware, const Value& keys, const std::string& path) {
  for (const auto& entry : keys.as_table()) {
    bool is_known = false;
    for (const std::string_view section : kSections) {
      if (entry.key != section) continue;
      apply_section(hardware, entry.value, section, path + "." + entry.key);
      is_known = true;
    }
    if (!is_known) {
      std::vector<std::string> known(std::begin(kSections), std::end(kSections));
      known.push_back("match");
      throw_config_error(path + "." + entry.key + " is not a hardware key" + did_you_mean(entry.key, known),
                         entry.key_source);
    }
  }
}

}  // namespace

std::size_t bytes_per_weight(const Hardware& hardware) {
  int floats = cell_fields(hardware.device);
  if (hardware.cell_noise.correlated) {
    floats += noise_processes(hardware.cell_noise, read_pulse(hardware.device)).count + 1;  // and the deviate
    if (hardware.cell_noise.telegraph_share > 0.0) ++floats;
  }
  if (hardware.faults.wears()) ++floats;
  floats *= hardware.programming.devices;
  const std::size_t cells = 2 * sizeof(float) * static_cast<std::size_t>(floats);
  if (hardware.dac.bits == 0) return cells + sizeof(float);
  return cells + sizeof(std::int16_t) * (hardware.tile.read_noise > 0.0f ? 2 : 1);
}

bool matches_glob(std::string_view text, std::string_view glob) {
  // Greedy match with one point to come back to: linear for any pattern in use, never exponential.
  std::size_t t = 0, g = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++t, ++g;
    } else if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

HardwareConfig HardwareConfig::from_value(const Value& config) {
  HardwareConfig result;
  for (const std::string_view section : kSections) {
    const Value* value = config.find(section);
    if (value != nullptr) apply_section(result.everywhere_, *value, section, std::string(section));
  }
  const Value* layers = config.find("layer");
  if (layers == nullptr) return result;
  if (!layers->is_array()) {
    throw_config_error(
        "layer must be a list of rules, each written as [[layer]], not " + std::string(layers->kind_name()),
        layers->source());
  }
  for (std::size_t i = 0; i < layers->as_array().size(); ++i) {
    const Value& rule = layers->as_array()[i];
    const std::string path = "layer." + std::to_string(i);
    const Value* match = rule.find("match");
    if (match == nullptr) {
      throw_config_error(path + " has no key 'match': say which layers it means, e.g. match = \"fc*\"",
                         rule.source());
    }
    if (!match->is_text()) {
      throw_config_error(
          path + ".match must be a pattern in quotes, e.g. \"fc*\"; found " + std::string(match->kind_name()),
          match->source());
    }
    Value keys = rule;
    keys.erase_key("match");
    Hardware checked = result.everywhere_;
    apply_rule(checked, keys, path);
    result.rules_.push_back({match->as_text(), std::move(keys)});
  }
  return result;
}

void HardwareConfig::write_to(Value& config) const {
  config.set_key("device", device_to_value(everywhere_.device));
  config.set_key("programming", to_value(everywhere_.programming));
  config.set_key("faults", to_value(everywhere_.faults));
  config.set_key("tile", to_value(everywhere_.tile));
  config.set_key("dac", to_value(everywhere_.dac));
  config.set_key("adc", to_value(everywhere_.adc));
  config.set_key("cell_noise", to_value(everywhere_.cell_noise));
  config.set_key("temperature", to_value(everywhere_.temperature));
  if (rules_.empty()) return;
  Value rules = Value::array();
  for (const Rule& rule : rules_) {
    Value table = Value::table();
    table.set_key("match", rule.match);
    for (const auto& entry : rule.keys.as_table()) table.set_key(entry.key, entry.value);
    rules.as_array().push_back(std::move(table));
  }
  config.set_key("layer", std::move(rules));
}

Hardware HardwareConfig::for_layer(std::string_view name) const {
  Hardware hardware = everywhere_;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (matches_glob(name, rules_[i].match))
      apply_rule(hardware, rules_[i].keys, "layer." + std::to_string(i));
  }
  return hardware;
}

void HardwareConfig::check_rules(const std::vector<std::string>& layers) const {
  for (const Rule& rule : rules_) {
    bool is_used = false;
    for (const std::string& layer : layers) is_used = is_used || matches_glob(layer, rule.match);
    if (is_used) continue;
    throw ConfigError("the layer rule match = \"" + rule.match + "\" matches no layer" +
                      did_you_mean(rule.match, layers));
  }
}

}  // namespace mq
