#include "meltquench/crossbar/hardware.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"
#include "meltquench/crossbar/current_expansion.h"
#include "meltquench/crossbar/input_phases.h"

namespace mq {
namespace {

constexpr std::string_view kSections[] = {"device", "programming", "faults",     "mapping",
                                          "tile",   "dac",         "periphery",  "adc",
                                          "wires",  "current",     "cell_noise", "temperature"};

/// Whether a value describes a device of its own, not a change of the one below.
bool names_a_device(const Value& device) {
  return device.is_text() || device.find("preset") != nullptr || device.find("model") != nullptr;
}

void apply_section(Hardware& hardware, const Value& value, std::string_view section,
                   const std::string& path) {
  if (section == "device") {
    if (names_a_device(value)) {
      hardware.device = device_from_value(value, path);
    } else {
      std::visit([&](auto& params) { from_value(params, value, path); }, hardware.device);
    }
  } else if (section == "programming") {
    from_value(hardware.programming, value, path);
  } else if (section == "faults") {
    from_value(hardware.faults, value, path);
  } else if (section == "mapping") {
    from_value(hardware.mapping, value, path);
  } else if (section == "tile") {
    from_value(hardware.tile, value, path);
  } else if (section == "dac") {
    from_value(hardware.dac, value, path);
  } else if (section == "periphery") {
    from_value(hardware.periphery, value, path);
  } else if (section == "wires") {
    from_value(hardware.wires, value, path);
  } else if (section == "current") {
    from_value(hardware.current, value, path);
  } else if (section == "adc") {
    from_value(hardware.adc, value, path);
  } else if (section == "cell_noise") {
    from_value(hardware.cell_noise, value, path);
  } else {
    from_value(hardware.temperature, value, path);
  }
}

Value section_to_value(const Hardware& hardware, std::string_view section) {
  if (section == "device") return device_to_value(hardware.device);
  if (section == "programming") return to_value(hardware.programming);
  if (section == "faults") return to_value(hardware.faults);
  if (section == "mapping") return to_value(hardware.mapping);
  if (section == "tile") return to_value(hardware.tile);
  if (section == "dac") return to_value(hardware.dac);
  if (section == "periphery") return to_value(hardware.periphery);
  if (section == "adc") return to_value(hardware.adc);
  if (section == "wires") return to_value(hardware.wires);
  if (section == "current") return to_value(hardware.current);
  if (section == "cell_noise") return to_value(hardware.cell_noise);
  return to_value(hardware.temperature);
}

/// The keys that `given` has, as `resolved` says them: one text for all spellings of a value.
Value resolved_part(const Value& given, const Value& resolved) {
  if (!given.is_table() || !resolved.is_table()) return resolved;
  Value part = Value::table();
  for (const auto& entry : resolved.as_table()) {
    const Value* named = given.find(entry.key);
    if (named != nullptr) part.set_key(entry.key, resolved_part(*named, entry.value));
  }
  return part;
}

/// A rule's keys with their values as one text for all spellings; the name of a device stays.
Value resolved_rule(const Value& keys, const Hardware& with_rule) {
  Value rule = Value::table();
  for (const std::string_view section : kSections) {
    const Value* given = keys.find(section);
    if (given == nullptr) continue;
    const Value* preset = given->find("preset");
    if (given->is_text() || (preset != nullptr && given->as_table().size() == 1)) {
      rule.set_key(section, given->is_text() ? *given : *preset);
      continue;
    }
    Value resolved = section_to_value(with_rule, section);
    if (preset != nullptr) resolved.set_key("preset", *preset);
    rule.set_key(section, resolved_part(*given, resolved));
  }
  return rule;
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

/// Gates are open or closed.
void check_gates(const Hardware& hardware) {
  const DacParams& dac = hardware.dac;
  if (hardware.wires.topology != WireTopology::gated) return;
  if (dac.bits == 0 || largest_phase_code(dac) > 1) {
    throw ConfigError("wires.topology = \"gated\" needs inputs that open or close transistors, but " +
                      (dac.bits == 0 ? "dac.bits = 0 leaves them real numbers"
                                     : "dac.bits = " + std::to_string(dac.bits) + " with dac.digit_bits = " +
                                           std::to_string(dac.digit_bits) + " drives codes up to " +
                                           std::to_string(largest_phase_code(dac)) + " at a time") +
                      "; set dac.digit_bits = 1, which drives one bit after the other" +
                      (dac.bits == 0 ? ", and dac.bits" : ""));
  }
  if (dac.input_noise > 0.0f || dac.asymmetry > 0.0f) {
    throw ConfigError(
        "wires.topology = \"gated\" has inputs that only open transistors, so drivers have no "
        "dac.input_noise and no dac.asymmetry; leave both at 0");
  }
  if (!hardware.wires.is_gated()) return;
  if (!hardware.current.is_absent()) {
    throw ConfigError(
        "products of cells of [current] are not known behind the lines of wires.topology = \"gated\"; "
        "leave out [current], or the resistances in [wires]");
  }
  if (hardware.tile.has_line_map()) {
    throw ConfigError(
        "tile.spare_rows, spare_columns and remap = \"permute\" are not known behind the lines of "
        "wires.topology = \"gated\"; leave them out, or the resistances in [wires]");
  }
}

}  // namespace

void check_mapping(const Hardware& hardware) {
  check_gates(hardware);
  const MappingParams& mapping = hardware.mapping;
  const int arrays = hardware.programming.devices * mapping.slices;
  if (arrays > 8) {
    throw ConfigError("mapping.slices = " + std::to_string(mapping.slices) + " with programming.devices = " +
                      std::to_string(hardware.programming.devices) + " makes " + std::to_string(arrays) +
                      " cells per side of a weight; at most 8 can be had");
  }
  const ReadNoiseLaw law = hardware.tile.read_noise_law;
  if (hardware.tile.reads_noisily() && law != ReadNoiseLaw::square_root && hardware.dac.bits == 0) {
    throw ConfigError("tile.read_noise_law = \"" + std::string(names(law)[static_cast<std::size_t>(law)]) +
                      "\" needs inputs that are codes; set dac.bits, or use the law square-root");
  }
  if (law == ReadNoiseLaw::device && hardware.cell_noise.correlated) {
    throw ConfigError(
        "tile.read_noise_law = \"device\" draws the read noise of the device anew in every product, and "
        "cell_noise.correlated draws it from moment to moment; only one of them can be had");
  }
  if (takes_pulses(hardware.device) && hardware.programming.significance != 1.0f) {
    throw ConfigError("the device model '" + std::string(model_name(hardware.device)) +
                      "' learns by pulses on devices that all count alike; use programming.significance = 1");
  }
  const bool is_default =
      mapping.kind == MappingKind::differential && mapping.sides == PairSides::one && mapping.slice_bits == 0;
  if (takes_pulses(hardware.device) && !is_default) {
    throw ConfigError(
        "the device model '" + std::string(model_name(hardware.device)) +
        "' learns by pulses and has a mapping of its own; use mapping.kind = \"differential\" with "
        "sides = \"one\" and slice_bits = 0");
  }
}

WeightMapping weight_mapping(const Hardware& hardware, float w_max) {
  const MappingParams& how = hardware.mapping;
  const double low = g_min(hardware.device), high = g_max(hardware.device);
  const double devices = hardware.programming.total_weight();
  const auto between = [&](double from, double to, PairKind kind) {
    return WeightMapping{.g_min = static_cast<float>(devices * from),
                         .g_max = static_cast<float>(devices * to),
                         .w_max = w_max,
                         .kind = kind,
                         .slices = how.slices,
                         .slice_bits = how.slice_bits};
  };
  if (!takes_pulses(hardware.device)) {
    if (how.kind == MappingKind::offset) return between(low, high, PairKind::offset);
    return between(low, high, how.sides == PairSides::one ? PairKind::one_sided : PairKind::both_sides);
  }
  const double zero = weight_zero(hardware.device);
  if (is_one_sided(hardware.device)) return between(zero, high, PairKind::one_sided);
  // As far on both sides of weight 0 as the nearer bound.
  const double reach = std::min(high - zero, zero - low);
  return between(zero - reach, zero + reach, PairKind::reference);
}

std::span<const std::string_view> hardware_sections() { return kSections; }

std::size_t bytes_per_weight(const Hardware& hardware) {
  int floats = cell_fields(hardware.device);
  if (hardware.cell_noise.correlated) {
    floats += noise_processes(hardware.cell_noise, read_pulse(hardware.device)).count + 1;  // and the deviate
    if (hardware.cell_noise.telegraph_share > 0.0) ++floats;
  }
  if (hardware.faults.wears()) ++floats;
  floats *= hardware.programming.devices;
  const bool is_pair = hardware.mapping.kind == MappingKind::differential;
  const TileParams& tile = hardware.tile;
  const double per_weight = double(tile.word_lines()) / tile.rows * tile.bit_lines() / tile.columns;
  const auto cells = static_cast<std::size_t>(
      std::ceil((is_pair ? 2.0 : 1.0) * double(sizeof(float)) * floats * per_weight));
  const std::size_t planes = is_pair && hardware.mapping.subtraction == Subtraction::digital ? 2 : 1;
  const std::size_t plane =
      hardware.dac.bits == 0 ? sizeof(float) : sizeof(std::int16_t) * (hardware.tile.reads_noisily() ? 2 : 1);
  const bool has_terms = !hardware.current.is_absent() &&
                         (hardware.wires.is_ideal() || hardware.current.wires == NonlinearWires::linearised);
  const int terms = has_terms ? CurrentExpansion(hardware).terms() : 1;
  const int gated = hardware.wires.is_gated() ? (is_pair ? 2 : 1) * hardware.programming.devices : 0;
  return (cells + planes * plane * static_cast<std::size_t>(terms) +
          sizeof(float) * static_cast<std::size_t>(gated)) *
         static_cast<std::size_t>(hardware.mapping.slices);
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
  result.read(config);
  return result;
}

void HardwareConfig::read(const Value& config) {
  for (const std::string_view section : kSections) {
    const Value* value = config.find(section);
    if (value != nullptr) apply_section(everywhere_, *value, section, std::string(section));
  }
  const Value* layers = config.find("layer");
  if (layers == nullptr) return;
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
    Hardware checked = everywhere_;
    apply_rule(checked, keys, path);
    rules_.push_back({match->as_text(), resolved_rule(keys, checked)});
  }
}

void HardwareConfig::write_to(Value& config) const {
  for (const std::string_view name : kSections) config.set_key(name, section(name));
  if (!rules_.empty()) config.set_key("layer", section("layer"));
}

Value HardwareConfig::section(std::string_view name) const {
  if (name != "layer") return section_to_value(everywhere_, name);
  if (rules_.empty()) return Value();
  Value rules = Value::array();
  for (const Rule& rule : rules_) {
    Value table = Value::table();
    table.set_key("match", rule.match);
    for (const auto& entry : rule.keys.as_table()) table.set_key(entry.key, entry.value);
    rules.as_array().push_back(std::move(table));
  }
  return rules;
}

Hardware HardwareConfig::for_layer(std::string_view name) const {
  Hardware hardware = everywhere_;
  std::size_t naming = rules_.size();  // the last rule that names a device
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Value* device = rules_[i].keys.find("device");
    if (device != nullptr && names_a_device(*device) && matches_glob(name, rules_[i].match)) naming = i;
  }
  const auto path = [](std::size_t i) { return "layer." + std::to_string(i); };
  // First the device, then its keys, so that a key holds whichever rule names the device.
  if (naming < rules_.size()) {
    apply_section(hardware, *rules_[naming].keys.find("device"), "device", path(naming) + ".device");
  }
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (!matches_glob(name, rules_[i].match)) continue;
    Value keys = rules_[i].keys;
    if (Value* device = keys.find("device"); device != nullptr && names_a_device(*device)) {
      if (i == naming && device->is_table()) {
        device->erase_key("preset");
        device->erase_key("model");
      } else {
        keys.erase_key("device");
      }
    }
    apply_rule(hardware, keys, path(i));
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
