/// The hardware under one layer: device, programming, faults, tile, DAC and ADC, as config files describe it.
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

#include <string>
#include <string_view>
#include <vector>

#include "meltquench/core/fields.h"
#include "meltquench/crossbar/adc.h"
#include "meltquench/crossbar/dac.h"
#include "meltquench/devices/correlated_noise.h"
#include "meltquench/devices/device.h"
#include "meltquench/devices/faults.h"
#include "meltquench/devices/programming.h"
#include "meltquench/devices/temperature.h"

namespace mq {

/// Size and analog noise of one crossbar. Noise is relative to the signal of one fully-on cell at full-scale
/// input: (largest weight) x (DAC range, or 1 without a DAC).
struct TileParams {
  int rows = 256;     ///< word lines: inputs
  int columns = 256;  ///< bit lines: outputs, each a differential pair
  float output_noise = 0.0f;
  float read_noise = 0.0f;
  double write_time = 0.0;  ///< [s]

  static constexpr auto describe() {
    return fields(
        field("rows", &TileParams::rows, between(1, 65534), "Word lines, one per input."),
        field("columns", &TileParams::columns, between(1, 65536), "Bit-line pairs, one per output."),
        field("output_noise", &TileParams::output_noise, non_negative,
              "Standard deviation added to every output of every product, relative to one fully-on cell."),
        field("read_noise", &TileParams::read_noise, non_negative,
              "Short-term read noise per product: an output gets read_noise * sqrt(sum |w_ij| x_j^2), with w "
              "and x "
              "relative to full scale."),
        field("write_time", &TileParams::write_time, Unit::second, between(0, 1e6),
              "Time to write one word line: lines are written one after the other, and the reference read "
              "follows the last. 0: all at once."));
  }
};

struct Hardware {
  DeviceParams device = Pcm::Params{};
  ProgrammingParams programming;
  FaultParams faults;
  TileParams tile;
  DacParams dac;
  AdcParams adc;
  CellNoiseParams cell_noise;
  TemperatureParams temperature;
};

/// Bytes that a chip keeps per weight: the cells of both polarities and the plane.
std::size_t bytes_per_weight(const Hardware& hardware);

/// Whether `text` matches a glob: * any characters, ? one character.
bool matches_glob(std::string_view text, std::string_view glob);

/// The hardware of a chip: what holds for all layers, and rules that change it for some.
class HardwareConfig {
 public:
  HardwareConfig() = default;
  explicit HardwareConfig(Hardware everywhere) : everywhere_(std::move(everywhere)) {}

  /// From the keys device, programming, faults, tile, dac, adc, cell_noise, temperature and layer of a config
  /// table; other keys are not looked at. Throws ConfigError.
  static HardwareConfig from_value(const Value& config);
  /// Those keys, resolved; rules keep what they say.
  void write_to(Value& config) const;

  const Hardware& everywhere() const { return everywhere_; }
  /// The hardware of a layer: later rules win.
  Hardware for_layer(std::string_view name) const;
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
