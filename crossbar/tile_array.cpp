#include "meltquench/crossbar/tile_array.h"

#include <algorithm>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"
#include "meltquench/crossbar/shape_text.h"

namespace mq {

TileGrid tile_grid(const TileParams& tile, std::size_t outputs, std::size_t inputs) {
  const TileGrid grid{outputs, inputs, std::min(outputs, static_cast<std::size_t>(tile.columns)),
                      std::min(inputs, static_cast<std::size_t>(tile.rows))};
  if (outputs == 0 || inputs == 0)
    throw ShapeError("a weight matrix of shape " + shape_text(outputs, inputs) + " has no weights");
  if (grid.rows() > 65536 / grid.columns()) {
    throw ConfigError("a matrix of shape " + shape_text(outputs, inputs) +
                      " needs more than 65536 tiles of " + std::to_string(tile.rows) + " x " +
                      std::to_string(tile.columns) + "; use larger tiles (tile.rows, tile.columns)");
  }
  return grid;
}

TileArray::TileArray(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
                     std::size_t inputs)
    : hardware_(hardware),
      address_(address),
      grid_(tile_grid(hardware.tile, outputs, inputs)),
      backend_(exec.backend),
      reference_response_(grid_.size(), 0.0),
      factors_(grid_.size(), 1.0),
      phases_(input_phases(hardware.dac)),
      repeat_counts_(exec, 1),
      update_pulses_(exec, 1) {
  check_fields(hardware.programming, "programming");
  if (hardware.programming.method == ProgrammingMethod::write_verify) require_process(hardware.device);
  check_fields(hardware.faults, "faults");
  check_fields(hardware.mapping, "mapping");
  check_mapping(hardware);
  check_fields(hardware.tile, "tile");
  check_fields(hardware.dac, "dac");
  check_fields(hardware.periphery, "periphery");
  check_fields(hardware.adc, "adc");
  check_fields(hardware.wires, "wires");
  check_current(hardware);
  if (!hardware.current.is_absent()) law_ = std::make_shared<const CurrentExpansion>(hardware);
  check_fields(hardware.cell_noise, "cell_noise");
  check_fields(hardware.temperature, "temperature");
  tiles_.reserve(grid_.size());
  for (std::size_t r = 0; r < grid_.rows(); ++r) {
    for (std::size_t c = 0; c < grid_.columns(); ++c) {
      address.tile = static_cast<std::uint32_t>(tiles_.size());
      tiles_.emplace_back(exec, hardware, address, grid_.outputs_of(r), grid_.inputs_of(c), law_);
    }
  }
  for (Products* side : {&forward_, &transposed_}) {
    side->ranges.adc.assign(conversion(grid_.size(), 0, 0), 0.0f);
    side->counts = Buffer<ConverterCounts>(exec, 1);
    update_pulses_ = Buffer<std::int64_t>(exec, 1);
  }
  if (shapes_inputs()) law_parts_ = parts_of_law(*law_, hardware.dac.bits > 0);
  if (shapes_inputs() && hardware.tile.read_noise_law == ReadNoiseLaw::nanosecond) {
    throw ConfigError(
        "tile.read_noise_law = \"nanosecond\" needs cells that pass the same current in both directions; use "
        "current.negative_factor = 1 and a law that is odd");
  }
  if (hardware.adc.range) {
    forward_.ranges.adc.assign(forward_.ranges.adc.size(), static_cast<float>(*hardware.adc.range));
  }
  forward_.ranges.dac = fixed_dac_range(hardware.dac).value_or(0.0f);
  if (hardware.dac.bits == 0) return;
  driver_.errs = hardware.dac.input_noise > 0.0f || hardware.dac.asymmetry > 0.0f;
  driver_.deviation = hardware.dac.input_noise * static_cast<float>(phase_limit());
  if (driver_.errs) driver_.shift = refinement_shift(phase_limit(), driver_.deviation);
  driver_.limit =
      driver_.errs ? largest_finer_code(phase_limit(), driver_.deviation, driver_.shift) : phase_limit();
}

void TileArray::check_ranges(const Ranges& ranges) const {
  if (ranges.adc.size() != forward_.ranges.adc.size()) {
    throw ShapeError("the layer has " + std::to_string(grid_.size()) + " tiles with " +
                     std::to_string(forward_.ranges.adc.size()) + " conversions in all but got " +
                     std::to_string(ranges.adc.size()) + " ADC ranges; calibrate with the same hardware");
  }
  if (!ranges.columns.empty() && ranges.columns.size() != ranges.adc.size() * grid_.tile_outputs) {
    throw ShapeError("the layer has " + std::to_string(ranges.adc.size()) + " conversions of up to " +
                     std::to_string(grid_.tile_outputs) + " outputs but got " +
                     std::to_string(ranges.columns.size()) +
                     " ranges of columns; calibrate with the same hardware");
  }
}

void TileArray::set_ranges(const Ranges& ranges) {
  check_ranges(ranges);
  if (!fixed_dac_range(hardware_.dac)) forward_.ranges.dac = ranges.dac;
  if (!hardware_.adc.range) {
    forward_.ranges.adc = ranges.adc;
    forward_.ranges.columns = ranges.columns;
  }
  forward_.is_stale = transposed_.is_stale = true;  // both go in steps, or none
}

void TileArray::set_transposed_ranges(const Ranges& ranges) {
  check_ranges(ranges);
  transposed_.ranges = ranges;
  transposed_.ranges.columns.clear();
  transposed_.is_stale = true;
}

void TileArray::require_weights(const char* consequence) const {
  if (is_programmed()) return;
  if (was_interrupted_) {
    throw StateError(
        "writing or ageing this array was interrupted, so its cells hold no weights; call program() again");
  }
  throw StateError(std::string("this array was never programmed") + consequence + "; call program() first");
}

void TileArray::check_programmed() const { require_weights(": its cells hold no weights"); }

/// A stop in the middle leaves cells of two moments.
template <class F>
void TileArray::change_cells(const F& change) {
  try {
    change();
    was_interrupted_ = false;
  } catch (const Interrupted&) {
    w_max_ = 0.0f;
    was_interrupted_ = true;
    throw;
  }
}

void TileArray::check_ready(const Exec& exec) const {
  check_programmed();
  if (exec.backend != backend_) {
    throw StateError("this array lives on the backend " + std::string(name(backend_)) + ", not on " +
                     std::string(name(exec.backend)) + "; make a new one there");
  }
}

WeightMapping TileArray::mapping() const { return weight_mapping(hardware_, w_max_); }

float TileArray::full_scale(MatrixView<const float> w, std::optional<float> w_max) const {
  if (w.rows != grid_.outputs || w.columns != grid_.inputs) {
    throw ShapeError("the array holds weights of shape " + shape_text(grid_.outputs, grid_.inputs) +
                     " [out, in] but got " + shape_text(w.rows, w.columns));
  }
  float largest = 0.0f;
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (!std::isfinite(w.data[i])) {
      throw ConfigError("the weight [" + std::to_string(i / w.columns) + ", " +
                        std::to_string(i % w.columns) + "] is not finite; a conductance cannot hold it");
    }
    largest = std::max(largest, std::abs(w.data[i]));
  }
  if (w_max && !(*w_max >= largest && *w_max > 0.0f && std::isfinite(*w_max))) {
    throw ConfigError("w_max = " + format_number(*w_max) + " cannot hold weights up to " +
                      format_number(largest) + "; give the largest weight that learning may reach");
  }
  return w_max ? *w_max : largest > 0.0f ? largest : 1.0f;
}

std::vector<float> TileArray::scale_columns(MatrixView<const float> w) {
  std::vector<float> scaled(w.data, w.data + w.size());
  column_scale_ = column_scales(w, w_max_);
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    scaled[i] = std::clamp(scaled[i] / column_scale_[i / w.columns], -w_max_, w_max_);
  }
  return scaled;
}

void TileArray::program(const Exec& exec, MatrixView<const float> w, std::optional<float> w_max) {
  w_max_ = full_scale(w, w_max);
  change_cells([&] {
    for (Tile& tile : tiles_) tile.move_epoch(exec, now());
    time_ = aged_ = 0.0;
    write(exec, w, 0, grid_.inputs);
  });
}

void TileArray::program_lines(const Exec& exec, MatrixView<const float> w, std::size_t first,
                              std::size_t count, std::optional<float> w_max) {
  if (first > grid_.inputs || count > grid_.inputs - first) {
    throw ShapeError("there are word lines 0 to " + std::to_string(grid_.inputs - 1) + " but not " +
                     std::to_string(count) + " from line " + std::to_string(first) + " on");
  }
  w_max_ = full_scale(w, is_programmed() ? w_max_ : w_max);
  change_cells([&] { write(exec, w, first, count); });
}

void TileArray::write(const Exec& exec, MatrixView<const float> w, std::size_t first, std::size_t count) {
  const WeightMapping pair = mapping();
  std::vector<float> scaled;
  if (hardware_.mapping.scale == WeightScale::column) {
    scaled = scale_columns(w);
    w.data = scaled.data();
  }
  reports_.clear();
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    const std::size_t column = t % grid_.columns() * grid_.tile_inputs;
    const std::size_t begin = std::max(first, column);
    const std::size_t end = std::min(first + count, column + tiles_[t].inputs());
    if (begin >= end) continue;
    throw_if_stopped();
    const std::size_t row = t / grid_.columns() * grid_.tile_outputs;
    std::span<const float> full_scales(column_scale_);
    if (!full_scales.empty()) full_scales = full_scales.subspan(row, tiles_[t].outputs());
    const WriteVerifyReport report =
        tiles_[t].program(exec, pair, w.data + row * w.columns + column, w.columns,
                          {begin - column, end - begin}, now(), full_scales);
    counters_.pulses += report.pulses;
    counters_.verify_steps += report.reads;
    if (report.reads > 0) counters_.unconverged += report.cells - report.converged;
    counters_.programming_fj += std::llround(report.energy * 1e15);
    counters_.programming_ns += std::llround(report.time * 1e9);
    if (hardware_.programming.method == ProgrammingMethod::write_verify) reports_.push_back(report);
  }
  settle(exec);
  for (std::size_t t = 0; t < tiles_.size(); ++t) reference_response_[t] = mean_response(t);
}

TileTime TileArray::now() const {
  return {.seconds = time_,
          .aged = aged_,
          .inverse_heat = static_cast<float>(
              inverse_heat(hardware_.temperature.at(time_), reference_temperature(hardware_.device)))};
}

void TileArray::advance_to(const Exec& exec, double time) {
  require_weights(", so it cannot age");
  if (!(time >= time_) || !std::isfinite(time)) {
    throw ConfigError(
        "cannot move the clock from " + format_quantity(time_, Unit::second) + " to " +
        (std::isfinite(time) ? format_quantity(time, Unit::second) : std::string("no finite time")) +
        "; times count from the reference read and only grow");
  }
  if (time == time_) return;  // nothing changes, and compensation holds until the clock moves
  const TileTime before = now();
  aged_ += effective_seconds(hardware_.temperature, drift_activation(hardware_.device),
                             reference_temperature(hardware_.device), time_, time);
  time_ = time;
  change_cells([&] {
    for (Tile& tile : tiles_) tile.pass(exec, before, now());
    settle(exec);
  });
}

void TileArray::settle(const Exec& exec) {
  for (Tile& tile : tiles_) {
    throw_if_stopped();
    tile.settle(exec, now());
  }
  std::fill(factors_.begin(), factors_.end(), 1.0);
  correction_ = {};
  forward_.is_stale = transposed_.is_stale = true;
}

double TileArray::mean_response(std::size_t tile) const {
  const WeightMapping how = mapping();
  double sum = 0.0;
  for (const Plane& plane : tiles_[tile].planes()) {
    if (plane.role.kind == PlaneKind::computed_zero) continue;
    sum += plane.mean_response * how.weight_per_siemens(plane.role.slice) / how.weight_per_siemens(0);
  }
  return sum;
}

void TileArray::compensate_drift(DriftCompensation how) {
  require_weights(", so nothing drifted");
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    const double now = mean_response(t);
    factors_[t] = how == DriftCompensation::global && now > 0.0 ? reference_response_[t] / now : 1.0;
  }
  if (how == DriftCompensation::global) count_response_reads(1);
  forward_.is_stale = transposed_.is_stale = true;
}

void TileArray::correct_outputs(const AffineCorrection& correction) {
  check_programmed();
  if (correction.scale.size() != grid_.outputs || correction.offset.size() != grid_.outputs) {
    throw ShapeError("the array has " + std::to_string(grid_.outputs) + " outputs but got a correction of " +
                     std::to_string(correction.scale.size()));
  }
  correction_ = correction;
  forward_.is_stale = true;
}

std::vector<double> TileArray::compensation() const { return factors_; }

std::vector<double> TileArray::read_weights(const Exec& exec, const TileTime& moment) {
  require_weights(", so there is nothing to read");
  std::vector<double> weights(grid_.outputs * grid_.inputs);
  const WeightMapping how = mapping();
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    Tile& tile = tiles_[t];
    const std::size_t r = t / grid_.columns() * grid_.tile_outputs,
                      c = t % grid_.columns() * grid_.tile_inputs;
    for (std::size_t p = 0; p < tile.planes().size(); ++p) {
      const PlaneRole role = tile.planes()[p].role;
      const std::vector<float> plane = tile.read_plane(exec, p, moment);
      const double factor = role.kind == PlaneKind::computed_zero ? 1.0 : factors_[t];
      const double scale = mq::weight_per_siemens(how, role) * factor;
      for (std::size_t o = 0; o < tile.outputs(); ++o) {
        for (std::size_t j = 0; j < tile.inputs(); ++j) {
          const std::size_t i = (plane.size() > tile.inputs() ? o * tile.inputs() : 0) + j;
          weights[(r + o) * grid_.inputs + c + j] += double(plane[i]) * scale;
        }
      }
    }
  }
  if (!column_scale_.empty()) {
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= column_scale_[i / grid_.inputs];
  }
  return weights;
}

}  // namespace mq
