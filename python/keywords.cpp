#include "meltquench/python/keywords.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "meltquench/core/nearest.h"

namespace mq::python {
namespace {

struct ShortName {
  const char *keyword, *section, *key;
};
constexpr std::array<ShortName, 8> kShortNames{{{"rows", "tile", "rows"},
                                                {"columns", "tile", "columns"},
                                                {"dac_bits", "dac", "bits"},
                                                {"adc_bits", "adc", "bits"},
                                                {"dac_range", "dac", "range"},
                                                {"adc_range", "adc", "range"},
                                                {"output_noise", "tile", "output_noise"},
                                                {"read_noise", "tile", "read_noise"}}};

std::vector<std::string> sections() {
  std::vector<std::string> names;
  for (const std::string_view name : hardware_sections()) {
    if (name != "device") names.emplace_back(name);
  }
  return names;
}

Value& section_of(Value& table, const std::string& name) {
  if (table.find(name) == nullptr) table.set_key(name, Value::table());
  return *table.find(name);
}

/// Puts the keys of a section over those that are there.
void lay_over(Value& table, const std::string& name, const Value& keys) {
  if (!keys.is_table()) {
    throw ConfigError(name + " must be a dict of the keys of this section (mq.parameters(\"" + name +
                      "\") lists them), not " + std::string(keys.kind_name()));
  }
  Value& section = section_of(table, name);
  for (const auto& entry : keys.as_table()) section.set_key(entry.key, entry.value);
}

/// The dict `hardware`.
Value given_sections(py::handle object) {
  const Value given = to_value(object, "hardware");
  if (!given.is_table()) {
    throw ConfigError("hardware must be a dict of config sections, e.g. {\"wires\": {...}}, not " +
                      std::string(given.kind_name()));
  }
  Value table = Value::table();
  const std::vector<std::string> known = sections();
  for (const auto& entry : given.as_table()) {
    if (entry.key == "device")
      throw ConfigError("hardware has no device; it is a keyword of its own: device=");
    if (std::find(known.begin(), known.end(), entry.key) == known.end())
      throw ConfigError("hardware has no section '" + entry.key + "'" + did_you_mean(entry.key, known));
    lay_over(table, entry.key, entry.value);
  }
  return table;
}

void set_unless_there(Value& table, const char* section, const char* key, std::int64_t value) {
  Value& keys = section_of(table, section);
  if (keys.find(key) == nullptr) keys.set_key(key, value);
}

}  // namespace

const char* const kHardwareDoc =
    R"(rows (inputs) and columns (outputs): the size of one tile. dac_bits and adc_bits: 0 is ideal, otherwise dac_range
(largest |x|) and adc_range (largest |y| of a tile, weight units) come from calibration inputs, or are given.
output_noise and read_noise: per product, relative to one fully-on cell at full-scale input.
programming, faults, mapping, tile, dac, periphery, wires, current, adc, cell_noise, temperature: dicts, as the
config sections of these names; mq.parameters("wires") lists their keys. {"method": "write-verify", "margin":
0.02} for programming, {"word_line": "1 ohm"} for wires, {"write_time": "1 ms"} for tile.
hardware: several sections in one dict, {"wires": {"word_line": "1 ohm"}, "mapping": {"slices": 4, "slice_bits":
2}}. A section by its own name wins over hardware, a key by its own name (dac_bits) over both.)";

const std::vector<std::string>& hardware_keywords() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const ShortName& name : kShortNames) all.emplace_back(name.keyword);
    for (const std::string& name : sections()) all.push_back(name);
    all.emplace_back("hardware");
    return all;
  }();
  return names;
}

std::string hardware_signature() {
  std::string text;
  for (const std::string& name : hardware_keywords()) text += ", " + name + "=None";
  return text;
}

void check_keywords(const std::string& function, const py::dict& given,
                    const std::vector<std::string>& known) {
  for (const auto& [key, value] : given) {
    const std::string name = py::str(key);
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw py::type_error(function + "() has no keyword '" + name + "'" + did_you_mean(name, known));
  }
}

Hardware hardware_from(py::handle device, const py::dict& keywords, const HardwareDefaults& defaults) {
  const auto given = [&](const std::string& name) -> py::object {
    return keywords.contains(name) ? py::object(keywords[name.c_str()]) : py::object(py::none());
  };
  Value table = given("hardware").is_none() ? Value::table() : given_sections(given("hardware"));
  for (const std::string& name : sections()) {
    if (!given(name).is_none()) lay_over(table, name, to_value(given(name), name));
  }
  for (const ShortName& name : kShortNames) {
    const py::object value = given(name.keyword);
    if (!value.is_none()) section_of(table, name.section).set_key(name.key, to_value(value, name.keyword));
  }
  for (const char* converter : {"dac", "adc"})
    set_unless_there(table, converter, "bits", defaults.converter_bits);
  if (defaults.rows > 0) set_unless_there(table, "tile", "rows", static_cast<std::int64_t>(defaults.rows));
  if (defaults.columns > 0)
    set_unless_there(table, "tile", "columns", static_cast<std::int64_t>(defaults.columns));
  Value model = to_value(device, "device");
  if (!model.is_text() && !model.is_table()) {
    throw ConfigError("device must be the name of a preset, like \"pcm-like\", or a dict, not " +
                      py::repr(device).cast<std::string>());
  }
  table.set_key("device", std::move(model));
  const Hardware hardware = with_keywords([&] { return HardwareConfig::from_value(table).everywhere(); });
  if (hardware.dac.bits == 0 && hardware.dac.range)
    throw ConfigError("dac_range has no effect with dac_bits = 0");
  if (hardware.adc.bits == 0 && hardware.adc.range)
    throw ConfigError("adc_range has no effect with adc_bits = 0");
  return hardware;
}

}  // namespace mq::python
