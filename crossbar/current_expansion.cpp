#include "meltquench/crossbar/current_expansion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>

#include "meltquench/core/contract.h"
#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/thread_team.h"
#include "meltquench/crossbar/cell_table.h"
#include "meltquench/crossbar/input_phases.h"
#include "meltquench/devices/read_calibration.h"

namespace mq {
namespace {

constexpr int kMostTerms = 16;
constexpr int kCellsPerLook = 256;            // at whether to stop
constexpr std::size_t kWorthTable = 1 << 13;  // cells: a table takes the time of some 1 500
constexpr int kGridConductances = 48, kGridInputs = 128;
/// On the grid; between its points errors are a little larger.
constexpr double kGridTolerance = 0.2 * kExpansionTolerance;

/// Inputs that products may see: all codes where there are few, else a grid; -1, 0 and 1 belong to both.
std::vector<double> driven_inputs(const DacParams& dac) {
  const InputPhases phases = input_phases(dac);
  const bool errs = dac.input_noise > 0.0f || dac.asymmetry > 0.0f;
  const int limit = dac.bits == 0           ? 0
                    : phases.digit_bits > 0 ? (1 << phases.digit_bits) - 1
                                            : largest_code(dac.bits);
  // Normals stay below 6 (input_ops.h).
  const double most = 1.0 + 6.0 * dac.input_noise;
  const int steps = limit > 0 && limit < kGridInputs / 2 && !errs ? limit : kGridInputs / 2;
  std::vector<double> inputs;
  for (int i = phases.splits_sign && !errs ? 0 : -steps; i <= steps; ++i) {
    inputs.push_back(most * i / steps);
  }
  if (most > 1.0) inputs.insert(inputs.end(), {-1.0, 1.0});
  return inputs;
}

/// From small ones to four times the largest; the largest itself is the first.
std::vector<double> conductances(double g_max) {
  std::vector<double> g{g_max};
  for (int i = 0; i < kGridConductances; ++i) {
    g.push_back(4.0 * g_max * std::pow(10.0, -4.0 * i / (kGridConductances - 1)));
  }
  return g;
}

[[noreturn]] void throw_unreachable(const CurrentParams& law, double g, double v_read) {
  throw ConfigError(
      "no cell of the law in [current] has " + format_quantity(static_cast<float>(g), Unit::siemens) +
      " at " + format_quantity(v_read, Unit::volt) +
      (law.access_resistance > 0.0
           ? std::string(" behind an access device of ") + format_quantity(law.access_resistance, Unit::ohm) +
                 "; lower current.access_resistance, raise current.access_saturation, or set "
                 "current.reference = \"zero-voltage\""
           : std::string("; change the law, or set current.reference = \"zero-voltage\"")));
}

}  // namespace

CurrentExpansion::CurrentExpansion(const Hardware& hardware)
    : law_(hardware.current),
      v_read_(hardware.dac.v_read),
      coding_(hardware.dac.coding),
      has_one_polarity_(hardware.dac.splits_sign) {
  const std::vector<double> inputs = driven_inputs(hardware.dac);
  find_pivots(g_max(hardware.device), inputs);
  is_proportional_ = terms() == 1;
  for (const double u : inputs) {
    double first = 0.0;
    inputs_of(u, {&first, 1});
    is_proportional_ = is_proportional_ && std::abs(first - u) <= 1e-9 * std::abs(u);
  }
}

double CurrentExpansion::response_of(double slope, double u) const {
  const bool is_level = coding_ == InputCoding::level;
  const double volts = is_level ? v_read_ * u : u < 0.0 ? -v_read_ : v_read_;
  const CurrentPoint<double> point = cell_current(law_, slope, volts);
  if (point.slope < 0.0 || !std::isfinite(point.current)) {
    throw ConfigError("the current of a cell with a slope of " +
                      format_quantity(static_cast<float>(slope), Unit::siemens) + " at 0 V " +
                      (std::isfinite(point.current) ? "falls" : "is no finite number") + " at " +
                      format_quantity(volts, Unit::volt) +
                      "; the law of [current] must rise over all voltages that cells see");
  }
  return (is_level ? 1.0 : std::abs(u)) * point.current / v_read_;
}

double CurrentExpansion::share(int term) const {
  return std::abs(pivots_[static_cast<std::size_t>(term)].rest / pivots_.front().rest);
}

double CurrentExpansion::slope(double g) const {
  const std::optional<double> found = slope_at_zero(law_, std::abs(g), v_read_);
  if (!found) throw_unreachable(law_, g, v_read_);
  return g < 0.0 ? -*found : *found;
}

double CurrentExpansion::response(double g, double u) const {
  const double y = response_of(std::abs(slope(g)), u);
  return g < 0.0 ? -y : y;
}

void CurrentExpansion::find_pivots(double g_max, const std::vector<double>& inputs) {
  std::vector<double> slopes;
  for (const double g : conductances(g_max)) {
    const std::optional<double> found = slope_at_zero(law_, g, v_read_);
    if (!found && slopes.empty()) throw_unreachable(law_, g, v_read_);
    if (found) slopes.push_back(*found);
  }
  std::vector<double> rest;  // [slopes, inputs]
  for (const double slope : slopes) {
    for (const double u : inputs) rest.push_back(response_of(slope, u));
  }
  const double full = response_of(slopes.front(), 1.0);
  // The first pivot is the largest conductance at full scale.
  std::size_t row = 0;
  std::size_t column =
      static_cast<std::size_t>(std::find(inputs.begin(), inputs.end(), 1.0) - inputs.begin());
  while (true) {
    if (terms() == kMostTerms) {
      throw ConfigError(
          "the law of [current] is no sum of " + std::to_string(kMostTerms) +
          " products of a function of conductance and one of voltage; lower dac.v_read, or raise "
          "current.access_saturation or current.sinh_voltage");
    }
    const std::size_t known = pivots_.size();
    Pivot pivot{.slope = slopes[row],
                .u = inputs[column],
                .cells = std::vector<double>(known),
                .inputs = std::vector<double>(known)};
    inputs_of(pivot.u, pivot.inputs);
    cells_of(pivot.slope, pivot.cells);
    pivot.rest = response_of(pivot.slope, pivot.u);
    for (std::size_t m = 0; m < known; ++m) pivot.rest -= pivot.cells[m] * pivot.inputs[m];
    pivots_.push_back(pivot);
    std::vector<double> of_inputs, values(known + 1);
    for (const double u : inputs) {
      inputs_of(u, values);
      of_inputs.push_back(values.back());
    }
    double largest = 0.0;
    std::size_t next = 0;
    for (std::size_t i = 0; i < slopes.size(); ++i) {
      const double of_cell = rest[i * inputs.size() + column];
      for (std::size_t j = 0; j < inputs.size(); ++j) {
        double& left = rest[i * inputs.size() + j];
        left -= of_cell * of_inputs[j];
        if (std::abs(left) > largest) {
          largest = std::abs(left);
          next = i * inputs.size() + j;
        }
      }
    }
    if (largest <= kGridTolerance * full) return;
    row = next / inputs.size();
    column = next % inputs.size();
  }
}

void CurrentExpansion::inputs_of(double u, std::span<double> to) const {
  for (std::size_t k = 0; k < to.size(); ++k) {
    to[k] = response_of(pivots_[k].slope, u);
    for (std::size_t m = 0; m < k; ++m) to[k] -= pivots_[k].cells[m] * to[m];
    to[k] /= pivots_[k].rest;
  }
}

void CurrentExpansion::inputs(Direction direction, double u, std::span<double> to) const {
  if (direction == Direction::forward || has_one_polarity_) return inputs_of(u, to);
  inputs_of(-u, to);
  for (double& value : to) value = -value;
}

void CurrentExpansion::cells_of(double slope, std::span<double> to) const {
  for (std::size_t k = 0; k < to.size(); ++k) {
    to[k] = response_of(slope, pivots_[k].u);
    for (std::size_t m = 0; m < k; ++m) to[k] -= to[m] * pivots_[k].inputs[m];
  }
}

void CurrentExpansion::cells(const Exec& exec, std::span<const float> g, int terms,
                             std::span<float> to) const {
  MQ_EXPECTS(terms <= this->terms() && to.size() == static_cast<std::size_t>(terms) * g.size());
  if (g.empty()) return;
  if (terms == 1 && law_.reference == ConductanceReference::read_voltage) {
    // This is what the conductance means, if there is such a cell; the largest is the hardest to have.
    const auto [low, high] = std::minmax_element(g.begin(), g.end());
    for (const float edge : {*low, *high}) slope(edge);
    std::copy(g.begin(), g.end(), to.begin());
    return;
  }
  const auto exact = [&](double size, std::span<double> values) { cells_of(slope(size), values); };
  std::optional<CellTable> table;
  if (g.size() >= kWorthTable) {
    double most = 0.0;
    for (const float of : g) most = std::max(most, std::abs(double(of)));
    if (most > 0.0 && std::isfinite(most)) table.emplace(most, static_cast<std::size_t>(terms), exact);
  }
  const auto size = static_cast<std::ptrdiff_t>(g.size());
  parallel_for(exec.threads, size, [&](std::int64_t i) {
    if (i % kCellsPerLook == 0) throw_if_stopped();
    std::array<double, kMostTerms> all{};
    const std::span<double> values(all.data(), static_cast<std::size_t>(terms));
    const auto at = static_cast<std::size_t>(i);
    const double magnitude = std::abs(double(g[at]));
    try {
      if (!table || !table->find(magnitude, values)) exact(magnitude, values);
    } catch (const Error&) {
      response(g[at], 1.0);  // says why
      throw;
    }
    if (g[at] < 0.0f) std::transform(values.begin(), values.end(), values.begin(), std::negate<>());
    for (std::size_t t = 0; t < values.size(); ++t) to[t * g.size() + at] = static_cast<float>(values[t]);
  });
}

void check_current(const Hardware& hardware) {
  check_fields(hardware.current, "current");
  if (hardware.current.is_absent()) return;
  if (hardware.tile.read_noise_law == ReadNoiseLaw::nanosecond &&
      hardware.dac.coding != InputCoding::duration) {
    throw ConfigError(
        "tile.read_noise_law = \"nanosecond\" is that of inputs which are pulses of different length, and "
        "with "
        "dac.coding = \"level\" inputs are voltages, which matters to the cells of [current]; set dac.coding "
        "= "
        "\"duration\"");
  }
}

}  // namespace mq
