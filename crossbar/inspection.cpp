#include "meltquench/crossbar/inspection.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/core/units.h"
#include "meltquench/crossbar/gated_wires.h"
#include "meltquench/crossbar/nonlinear_circuit.h"
#include "meltquench/crossbar/wire_circuit.h"

namespace mq {
namespace {

/// Of the residual: ten times tighter than usual, since a designer adds up currents to see where they go.
constexpr WireAccuracy kAccuracy{.tolerance = 1e-11};

void check_read(const TileArray& array, const InspectedRead& read) {
  const Hardware& hardware = array.hardware();
  if (read.slice < 0 || read.slice >= hardware.mapping.slices) {
    throw ConfigError("there is no slice " + std::to_string(read.slice) + "; weights have slices 0 to " +
                      std::to_string(hardware.mapping.slices - 1) + " (mapping.slices)");
  }
  if (!read.phase) return;
  if (hardware.dac.bits == 0 || array.ranges().dac <= 0.0f) {
    throw ConfigError(
        "a read phase drives codes of the DAC, which has no bits or no range here; set dac.bits and "
        "dac.range, or look at all of x at once");
  }
  const std::uint32_t phases = input_phases(hardware.dac).count();
  if (*read.phase >= phases) {
    throw ConfigError("there is no read phase " + std::to_string(*read.phase) + "; inputs have phases 0 to " +
                      std::to_string(phases - 1) + " (dac.digit_bits, dac.splits_sign)");
  }
}

void check(TileArray& array, std::size_t tile, std::span<const double> x, double v_read) {
  if (!array.is_programmed()) {
    throw StateError("the array holds no weights, so there is nothing to inspect; call program first");
  }
  if (tile >= array.tiles().size()) {
    throw ShapeError("there is no tile " + std::to_string(tile) + "; the array has tiles 0 to " +
                     std::to_string(array.tiles().size() - 1));
  }
  const Tile& inspected = array.tiles()[tile];
  if (x.size() != inspected.inputs()) {
    throw ShapeError("x has " + std::to_string(x.size()) + " values, but tile " + std::to_string(tile) +
                     " has " + std::to_string(inspected.inputs()) + " inputs; give one value for each");
  }
  if (!std::isfinite(v_read) || v_read <= 0.0) {
    throw ConfigError("v_read must be a voltage above 0 V but is " + format_number(v_read) + " V");
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i])) {
      throw ConfigError("x[" + std::to_string(i) + "] is " + format_number(x[i]) +
                        "; inputs must be finite numbers");
    }
  }
  if (inspected.devices() > 1 && !array.hardware().wires.is_ideal()) {
    throw ConfigError("with wires each of the " + std::to_string(inspected.devices()) +
                      " devices per polarity sits in an array of its own, and inspection shows one; set "
                      "programming.devices = 1, or leave out wires");
  }
  if (inspected.devices() > 1 && !array.hardware().current.is_absent()) {
    throw ConfigError("the " + std::to_string(inspected.devices()) +
                      " devices per polarity have currents of their own, and inspection shows a cell; set "
                      "programming.devices = 1, or a [current] that is linear");
  }
}

double full_scale(const TileArray& array, std::span<const double> x) {
  if (array.hardware().dac.bits > 0 && array.ranges().dac > 0.0f) return array.ranges().dac;
  double largest = 0.0;
  for (const double value : x) largest = std::max(largest, std::abs(value));
  return largest > 0.0 ? largest : 1.0;
}

/// The voltage of the source lines, where inputs open transistors for those of one sign at a time.
double source_of_gates(std::span<const double> volts, double v_read) {
  double v_source = 0.0;
  for (const double volt : volts) {
    if (volt == 0.0) continue;
    if (std::abs(volt) == v_read && (v_source == 0.0 || v_source == volt)) {
      v_source = volt;
      continue;
    }
    throw ConfigError(
        "with wires.topology = \"gated\" one read opens transistors for one bit of inputs of one sign; look "
        "at "
        "a read phase of inputs of one sign, or give x that is 0 or full scale");
  }
  return v_source == 0.0 ? v_read : v_source;
}

void read_without_wires(const std::vector<double>& volts, ArrayReading& reading) {
  reading.word.reserve(reading.conductances.size());
  for (std::size_t o = 0; o < reading.outputs; ++o) {
    reading.word.insert(reading.word.end(), volts.begin(), volts.end());
  }
  reading.bit.assign(reading.conductances.size(), 0.0);
}

void read_with_wires(const WireParams& wires, const std::vector<double>& volts, ArrayReading& reading) {
  WireCircuit circuit(wires, {reading.conductances.data(), reading.outputs, volts.size()});
  WireSolution solution = circuit.solve(volts, kAccuracy);
  if (!solution.convergence.has_converged) {
    throw DataError(
        "the wires of this tile have no accurate solution; check that resistances in [wires] "
        "and conductances are what they should be");
  }
  reading.word = std::move(solution.word);
  reading.bit = std::move(solution.bit);
  reading.currents = std::move(solution.bit_current);
}

/// Cells of [current] that are not linear.
void read_nonlinear(const Hardware& hardware, const std::vector<double>& volts, ArrayReading& reading) {
  const CurrentExpansion law(hardware);
  std::vector<float> slopes;
  for (const double g : reading.conductances) {
    slopes.push_back(static_cast<float>(std::max(0.0, law.slope(g))));
  }
  if (!hardware.wires.is_ideal()) {
    NonlinearSolution solution = solve_nonlinear(hardware.wires, hardware.current,
                                                 {slopes.data(), reading.outputs, volts.size()}, volts);
    if (!solution.has_converged) {
      throw DataError(
          "the circuit of this tile, with wires and cells that are not linear, has no accurate solution; "
          "check that resistances in [wires], the law in [current] and conductances are what they should be");
    }
    reading.word = std::move(solution.line);
    reading.bit = std::move(solution.bit);
    reading.cell_currents = std::move(solution.cell_current);
    reading.currents = std::move(solution.currents);
    return;
  }
  read_without_wires(volts, reading);
  reading.currents.resize(reading.outputs);
  for (std::size_t k = 0; k < slopes.size(); ++k) {
    reading.cell_currents.push_back(
        cell_current(hardware.current, double(slopes[k]), reading.word[k]).current);
    reading.currents[k / volts.size()] += reading.cell_currents[k];
  }
}

void read_gated(const WireParams& wires, const std::vector<float>& g, const std::vector<double>& volts,
                double v_source, ArrayReading& reading) {
  std::vector<std::uint8_t> gates;
  for (const double volt : volts) gates.push_back(volt != 0.0);
  GatedVoltages found =
      gated_voltages(gated_network_of(wires), v_source, {g.data(), reading.outputs, gates.size()}, gates);
  reading.word = std::move(found.source_line);
  reading.bit = std::move(found.bit_line);
  reading.currents = std::move(found.currents);
}

ArrayReading read_array(const Hardware& hardware, const std::vector<float>& g,
                        const std::vector<double>& volts, double v_source) {
  const WireParams& wires = hardware.wires;
  ArrayReading reading;
  reading.outputs = g.size() / volts.size();
  reading.conductances.assign(g.begin(), g.end());
  if (reading.outputs == 0) return reading;
  if (!hardware.current.is_absent()) {
    read_nonlinear(hardware, volts, reading);
    return reading;
  }
  const bool has_wires = !wires.is_ideal();
  if (wires.is_gated()) {
    read_gated(wires, g, volts, v_source, reading);
  } else if (has_wires) {
    read_with_wires(wires, volts, reading);
  } else {
    read_without_wires(volts, reading);
    reading.currents.resize(reading.outputs);
  }
  reading.cell_currents.resize(g.size());
  for (std::size_t k = 0; k < g.size(); ++k) {
    const bool is_closed = wires.is_gated() && volts[k % volts.size()] == 0.0;
    reading.cell_currents[k] = is_closed ? 0.0 : reading.conductances[k] * (reading.word[k] - reading.bit[k]);
    if (!has_wires) reading.currents[k / volts.size()] += reading.cell_currents[k];
  }
  return reading;
}

/// What drivers apply of x / range in a phase, relative to the largest: see QuantizeInputs.
double driven(const DacParams& dac, const InputPhases& phases, std::uint32_t phase, double x) {
  const double limit = largest_code(dac.bits);
  const double code = std::clamp(std::nearbyint(x * limit), -limit, limit);
  double digit = std::abs(code), largest = limit;
  if (phases.digit_bits > 0) {
    const std::uint32_t n = phases.splits_sign ? phase / 2 : phase;
    const double base = std::ldexp(1.0, static_cast<int>(phases.digit_bits));
    digit = std::fmod(std::floor(std::ldexp(digit, -static_cast<int>(n * phases.digit_bits))), base);
    largest = base - 1.0;
  }
  if (!phases.splits_sign) return std::copysign(digit, code) / largest;
  return (code < 0.0) == (phase % 2 == 1) ? digit / largest : 0.0;
}

/// Volts of the drivers in a phase, and what x they stand for.
void drive_phase(const TileArray& array, std::span<const double> x, double v_read, std::uint32_t phase,
                 TileReading& reading) {
  const DacParams& dac = array.hardware().dac;
  const InputPhases phases = input_phases(dac);
  const double range = array.ranges().dac, limit = largest_code(dac.bits);
  const double largest =
      phases.digit_bits > 0 ? std::ldexp(1.0, static_cast<int>(phases.digit_bits)) - 1.0 : limit;
  reading.full_scale = range / limit * largest * phases.weight(phase);
  for (const double value : x) reading.volts.push_back(v_read * driven(dac, phases, phase, value / range));
}

/// What inputs give the word lines of an array, of which spare ones are at 0 V.
std::vector<double> on_word_lines(const LineMap& lines, const std::vector<double>& volts) {
  std::vector<double> all(lines.word_lines);
  for (std::size_t j = 0; j < volts.size(); ++j) all[lines.inputs[j]] = volts[j];
  return all;
}

/// The cells on some bit lines, in the order of outputs and inputs.
ArrayReading in_order(const ArrayReading& array, const LineMap& lines,
                      const std::vector<std::uint32_t>& bit_lines) {
  ArrayReading some;
  some.outputs = bit_lines.size();
  for (const std::uint32_t bit : bit_lines) {
    some.currents.push_back(array.currents[bit]);
    for (const std::uint32_t word : lines.inputs) {
      const std::size_t cell = bit * lines.word_lines + word;
      some.conductances.push_back(array.conductances[cell]);
      some.word.push_back(array.word[cell]);
      some.bit.push_back(array.bit[cell]);
      some.cell_currents.push_back(array.cell_currents[cell]);
    }
  }
  return some;
}

}  // namespace

TileReading inspect(TileArray& array, const Exec& exec, std::size_t tile, std::span<const double> x,
                    double v_read, InspectedRead read) {
  check(array, tile, x, v_read);
  check_read(array, read);
  TileReading reading;
  reading.inputs = x.size();
  if (read.phase) {
    drive_phase(array, x, v_read, *read.phase, reading);
  } else {
    reading.full_scale = full_scale(array, x);
    for (const double value : x) {
      reading.volts.push_back(v_read * std::clamp(value / reading.full_scale, -1.0, 1.0));
    }
  }
  const Hardware& hardware = array.hardware();
  const bool has_gates = hardware.wires.topology == WireTopology::gated;
  const double v_source = has_gates ? source_of_gates(reading.volts, v_read) : v_read;
  Tile& cells = array.tiles()[tile];
  const LineMap& lines = cells.lines();
  const std::vector<double> volts = on_word_lines(lines, reading.volts);
  std::vector<float> plus = cells.array_conductances(exec, Polarity::plus, array.now(), read.slice);
  const std::vector<float> minus = cells.array_conductances(exec, Polarity::minus, array.now(), read.slice);
  if (cells.has_reference_column()) {
    // One more bit line of the same array.
    plus.insert(plus.end(), minus.begin(), minus.end());
    const ArrayReading both = read_array(hardware, plus, volts, v_source);
    reading.plus = in_order(both, lines, lines.outputs);
    reading.minus = in_order(both, lines, {static_cast<std::uint32_t>(lines.bit_lines)});
    return reading;
  }
  reading.plus = in_order(read_array(hardware, plus, volts, v_source), lines, lines.outputs);
  if (!minus.empty())
    reading.minus = in_order(read_array(hardware, minus, volts, v_source), lines, lines.outputs);
  return reading;
}

}  // namespace mq
