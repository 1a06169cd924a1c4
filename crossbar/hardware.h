/// The hardware under one layer, as config files describe it.
///
///     device = "pcm-like"
///     [programming]  method = "write-verify"
///     [faults]       stuck_low = 0.01
///     [tile]  rows = 256  columns = 256
///     [dac]   bits = 8
///     [adc]   bits = 8
///     [[layer]]                      # overrides any of these keys for layers whose name matches
///     match = "fc3"
///     adc.bits = 10
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meltquench/core/fields.h"
#include "meltquench/crossbar/adc.h"
#include "meltquench/crossbar/dac.h"
#include "meltquench/crossbar/tile_params.h"
#include "meltquench/crossbar/weight_mapping.h"
#include "meltquench/crossbar/wires.h"
#include "meltquench/devices/correlated_noise.h"
#include "meltquench/devices/current_law.h"
#include "meltquench/devices/device.h"
#include "meltquench/devices/faults.h"
#include "meltquench/devices/programming.h"
#include "meltquench/devices/temperature.h"

namespace mq {

struct Hardware {
  DeviceParams device = Pcm::Params{};
  ProgrammingParams programming;
  FaultParams faults;
  MappingParams mapping;
  TileParams tile;
  DacParams dac;
  PeripheryParams periphery;
  AdcParams adc;
  WireParams wires;
  CurrentParams current;
  CellNoiseParams cell_noise;
  TemperatureParams temperature;
};

/// Throws ConfigError for a mapping that this device, or the rest of the hardware, cannot have.
void check_mapping(const Hardware& hardware);

/// How weights up to `w_max` become conductances of this hardware.
WeightMapping weight_mapping(const Hardware& hardware, float w_max);

/// Bytes that a chip keeps per weight: its cells and planes.
std::size_t bytes_per_weight(const Hardware& hardware);

/// The names of the sections: device, programming, faults, ...
std::span<const std::string_view> hardware_sections();

/// Whether `text` matches a glob: * any characters, ? one character.
bool matches_glob(std::string_view text, std::string_view glob);

/// The hardware of a chip: what holds for all layers, and rules that change it for some.
class HardwareConfig {
 public:
  HardwareConfig() = default;
  explicit HardwareConfig(Hardware everywhere) : everywhere_(std::move(everywhere)) {}

  /// From the hardware sections and the key layer of a config table; other keys are not looked at. Throws
  /// ConfigError.
  static HardwareConfig from_value(const Value& config);
  /// The same on top of what is there already, for sections that `config` does not have.
  void read(const Value& config);
  /// One of `hardware_sections()`, or "layer"; null if there are no rules.
  Value section(std::string_view name) const;
  /// Those keys, resolved; rules keep the keys that they name.
  void write_to(Value& config) const;

  const Hardware& everywhere() const { return everywhere_; }
  /// The hardware of a layer: later rules win. The last device that a rule names comes before single keys of
  /// the device, also those of earlier rules; keys outside of rules belong to the device outside of rules.
  Hardware for_layer(std::string_view name) const;
  /// Whether layers differ, or may differ.
  bool has_rules() const { return !rules_.empty(); }
  /// Throws ConfigError, with the nearest name, for a rule that matches none of the layers.
  void check_rules(const std::vector<std::string>& layers) const;

 private:
  struct Rule {
    std::string match;
    Value keys;
  };
  Hardware everywhere_;
  std::vector<Rule> rules_;
};

}  // namespace mq
