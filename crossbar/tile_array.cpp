#include "meltquench/crossbar/tile_array.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/kernels/reference/mvm.h"

namespace mq {
namespace {

std::string shape(std::size_t rows, std::size_t columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

}  // namespace

TileGrid tile_grid(const TileParams& tile, std::size_t outputs, std::size_t inputs) {
  const TileGrid grid{outputs, inputs, std::min(outputs, static_cast<std::size_t>(tile.columns)),
                      std::min(inputs, static_cast<std::size_t>(tile.rows))};
  if (outputs == 0 || inputs == 0)
    throw ShapeError("a weight matrix of shape " + shape(outputs, inputs) + " has no weights");
  if (grid.rows() > 65536 / grid.columns()) {
    throw ConfigError("a matrix of shape " + shape(outputs, inputs) + " needs more than 65536 tiles of " +
                      std::to_string(tile.rows) + " x " + std::to_string(tile.columns) +
                      "; use larger tiles (tile.rows, tile.columns)");
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
      converters_(exec, 1),
      update_pulses_(exec, 1),
      planes_(exec, grid_.size()) {
  check_fields(hardware.tile, "tile");
  check_fields(hardware.dac, "dac");
  check_fields(hardware.adc, "adc");
  tiles_.reserve(grid_.size());
  for (std::size_t r = 0; r < grid_.rows(); ++r) {
    for (std::size_t c = 0; c < grid_.columns(); ++c) {
      address.tile = static_cast<std::uint32_t>(tiles_.size());
      tiles_.emplace_back(exec, hardware, address, grid_.outputs_of(r), grid_.inputs_of(c));
    }
  }
  ranges_.adc.assign(grid_.size(), static_cast<float>(hardware.adc.range.value_or(0.0)));
  ranges_.dac = static_cast<float>(hardware.dac.range.value_or(0.0));
}

void TileArray::set_ranges(const Ranges& ranges) {
  if (ranges.adc.size() != grid_.size()) {
    throw ShapeError("the layer has " + std::to_string(grid_.size()) + " tiles but got " +
                     std::to_string(ranges.adc.size()) + " ADC ranges; calibrate with the same tile sizes");
  }
  if (!hardware_.dac.range) ranges_.dac = ranges.dac;
  if (!hardware_.adc.range) ranges_.adc = ranges.adc;
  planes_are_stale_ = true;
}

DifferentialPair TileArray::mapping() const {
  return {.g_min = g_min(hardware_.device),
          .g_max = g_max(hardware_.device),
          .w_max = w_max_,
          .kind = takes_pulses(hardware_.device) ? PairKind::reference : PairKind::two_sided};
}

void TileArray::program(const Exec& exec, MatrixView<const float> w, std::optional<float> w_max) {
  if (w.rows != grid_.outputs || w.columns != grid_.inputs) {
    throw ShapeError("the array holds weights of shape " + shape(grid_.outputs, grid_.inputs) +
                     " [out, in] but got " + shape(w.rows, w.columns));
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
  w_max_ = w_max ? *w_max : largest > 0.0f ? largest : 1.0f;
  const DifferentialPair pair = mapping();
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    const float* first = w.data + t / grid_.columns() * grid_.tile_outputs * w.columns +
                         t % grid_.columns() * grid_.tile_inputs;
    counters_.pulses += tiles_[t].program(exec, pair, first, w.columns);
  }
  time_ = 0.0;
  settle(exec);
  for (std::size_t t = 0; t < tiles_.size(); ++t) reference_response_[t] = tiles_[t].mean_response();
}

double TileArray::weight_step() const {
  check_programmed();
  return mean_step(hardware_.device) * mapping().weight_per_siemens();
}

float TileArray::update_gain(double rate, int pulses) const {
  return static_cast<float>(std::sqrt(rate / (weight_step() * pulses)));
}

void TileArray::update(const Exec& exec, MatrixView<const float> x, MatrixView<const float> d,
                       const PulsedUpdate& how) {
  require_pulses(hardware_.device);
  check_ready(exec);
  if (x.columns != grid_.inputs || d.columns != grid_.outputs || x.rows != d.rows) {
    throw ShapeError("the array learns from x[batch, " + std::to_string(grid_.inputs) + "] and d[batch, " +
                     std::to_string(grid_.outputs) + "] but got x" + shape(x.rows, x.columns) + " and d" +
                     shape(d.rows, d.columns));
  }
  if (how.pulses < 1 || how.pulses > kLongestTrain) {
    throw ConfigError("a train has 1 to " + std::to_string(kLongestTrain) + " pulses, not " +
                      std::to_string(how.pulses));
  }
  for (const float gain : {how.x_gain, how.d_gain}) {
    if (gain >= 0.0f && std::isfinite(gain)) continue;
    throw ConfigError("the gain of a pulse train, a probability per unit, cannot be " + format_number(gain));
  }
  if (x.rows == 0) return;
  MQ_EXPECTS(how.event < 1u << 24);
  const RngKey key = RngKey(address_.seed, Purpose::pulse_trains, address_.layer).at_place(0, address_.chip);
  const auto make = [&](MatrixView<const float> values, float gain, std::uint32_t side,
                        Buffer<std::uint32_t>& trains) {
    if (trains.size() < values.size()) trains = Buffer<std::uint32_t>(exec, values.size());
    kernels(backend_).make_pulse_trains(exec, {.values = values.data,
                                               .batch = values.rows,
                                               .lines = values.columns,
                                               .gain = gain,
                                               .length = how.pulses,
                                               .key = key.at_event(how.event, side),
                                               .first_sample = how.first_sample,
                                               .trains = trains.data()});
  };
  make(x, how.x_gain, 0, x_trains_);
  make(d, how.d_gain, 1, d_trains_);
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    tiles_[t].update(exec,
                     {.batch = x.rows,
                      .x = x_trains_.data() + t % grid_.columns() * grid_.tile_inputs,
                      .x_stride = grid_.inputs,
                      .d = d_trains_.data() + t / grid_.columns() * grid_.tile_outputs,
                      .d_stride = grid_.outputs,
                      .steps = how.steps,
                      .first_sample = how.first_sample,
                      .pulses = update_pulses_.data()},
                     how.event);
  }
  settle(exec);
  for (std::size_t t = 0; t < tiles_.size(); ++t) reference_response_[t] = tiles_[t].mean_response();
}

void TileArray::advance_to(const Exec& exec, double time) {
  if (!is_programmed())
    throw StateError("this array was never programmed, so it cannot age; call program() first");
  if (!(time >= time_) || !std::isfinite(time)) {
    throw ConfigError(
        "cannot move the clock from " + format_quantity(time_, Unit::second) + " to " +
        (std::isfinite(time) ? format_quantity(time, Unit::second) : std::string("no finite time")) +
        "; times count from the reference read and only grow");
  }
  if (time == time_) return;  // nothing changes, and compensation holds until the clock moves
  time_ = time;
  settle(exec);
}

void TileArray::settle(const Exec& exec) {
  Buffer<float> scratch(exec, grid_.tile_outputs * grid_.tile_inputs);
  for (Tile& tile : tiles_) tile.settle(exec, time_, scratch.data());
  std::fill(factors_.begin(), factors_.end(), 1.0);
  planes_are_stale_ = true;
}

void TileArray::compensate_drift(DriftCompensation how) {
  if (!is_programmed())
    throw StateError("this array was never programmed, so nothing drifted; call program() first");
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    const double now = tiles_[t].mean_response();
    factors_[t] = how == DriftCompensation::global && now > 0.0 ? reference_response_[t] / now : 1.0;
  }
  planes_are_stale_ = true;
}

std::vector<double> TileArray::compensation() const { return factors_; }

float TileArray::full_scale_input() const { return hardware_.dac.bits > 0 ? ranges_.dac : 1.0f; }

void TileArray::refresh_planes(const Exec& exec) {
  const bool has_dac = hardware_.dac.bits > 0, has_adc = hardware_.adc.bits > 0;
  const double full_scale = double(w_max_) * full_scale_input();
  const double g_range = mapping().full_scale();
  const double adc_limit = has_adc ? largest_code(hardware_.adc.bits) : 0.0;
  const double step_x = has_dac ? ranges_.dac / double(largest_code(hardware_.dac.bits)) : 1.0;

  double largest_step = 0.0;
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    if (has_adc) largest_step = std::max(largest_step, ranges_.adc[t] / adc_limit * factors_[t]);
  }
  int exponent = 0;
  std::frexp(largest_step, &exponent);
  y_lsb_ = has_adc ? std::ldexp(1.0, exponent - 30) : 1.0;

  std::vector<TilePlane> planes;
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    TilePlane plane = tiles_[t].plane();
    const double siemens = has_dac ? tiles_[t].siemens_per_code() : 1.0;
    plane.scale = siemens * mapping().weight_per_siemens() * step_x;
    plane.output_variance = static_cast<float>(std::pow(hardware_.tile.output_noise * full_scale, 2));
    // sum |w_ij| x_j^2 relative to full scale, in the units that the kernel sums: conductance codes, squared
    // DAC codes.
    const double per_square = has_dac ? std::ldexp(1.0, square_shift(largest_code(hardware_.dac.bits))) /
                                            std::pow(largest_code(hardware_.dac.bits), 2)
                                      : 1.0;
    const double per_magnitude = (has_dac ? tiles_[t].siemens_per_magnitude() : 1.0) / g_range;
    plane.read_variance =
        static_cast<float>(std::pow(hardware_.tile.read_noise * full_scale, 2) * per_square * per_magnitude);
    if (has_adc) {
      plane.adc_codes_per_unit = static_cast<float>(adc_limit / ranges_.adc[t]);
      plane.adc_limit = static_cast<float>(adc_limit);
      plane.multiplier = std::nearbyint(ranges_.adc[t] / adc_limit * factors_[t] / y_lsb_);
    } else {
      plane.multiplier = factors_[t];
    }
    planes.push_back(plane);
  }
  planes_ = Buffer<TilePlane>(exec, std::span<const TilePlane>(planes));
  planes_are_stale_ = false;
}

void TileArray::check_programmed() const {
  if (!is_programmed()) {
    throw StateError("this array was never programmed: its cells hold no weights; call program() first");
  }
}

void TileArray::check_ready(const Exec& exec) const {
  check_programmed();
  if (exec.backend != backend_) {
    throw StateError("this array lives on the backend " + std::string(name(backend_)) + ", not on " +
                     std::string(name(exec.backend)) + "; make a new one there");
  }
}

void TileArray::check_product(const Exec& exec, std::size_t x_rows, std::size_t x_columns, std::size_t y_rows,
                              std::size_t y_columns) const {
  check_ready(exec);
  if (x_columns != grid_.inputs || y_columns != grid_.outputs || x_rows != y_rows) {
    throw ShapeError("the array maps x[batch, " + std::to_string(grid_.inputs) + "] to y[batch, " +
                     std::to_string(grid_.outputs) + "] but got x" + shape(x_rows, x_columns) + " and y" +
                     shape(y_rows, y_columns));
  }
  if (hardware_.dac.bits > 0 && !(ranges_.dac > 0.0f)) {
    throw StateError("the DAC has " + std::to_string(hardware_.dac.bits) +
                     " bits but no range; set dac.range, calibrate with typical inputs, or set dac.bits = 0");
  }
  if (hardware_.adc.bits > 0 && !(*std::min_element(ranges_.adc.begin(), ranges_.adc.end()) > 0.0f)) {
    throw StateError("the ADC has " + std::to_string(hardware_.adc.bits) +
                     " bits but no range; set adc.range, calibrate with typical inputs, or set adc.bits = 0");
  }
}

MvmLayer TileArray::product(const Exec& exec, std::size_t batch, MvmPlace place) {
  if (planes_are_stale_) refresh_planes(exec);
  MQ_EXPECTS(place.call < 1u << 24 && place.first_row + batch <= std::uint64_t(1) << 33);
  MvmLayer op;
  op.batch = batch;
  op.outputs = grid_.outputs;
  op.inputs = grid_.inputs;
  op.tile_outputs = grid_.tile_outputs;
  op.tile_inputs = grid_.tile_inputs;
  op.tiles = planes_.data();
  op.y_lsb = y_lsb_;
  op.key = RngKey(address_.seed, Purpose::mvm_noise, address_.layer)
               .at_moment(std::bit_cast<std::uint64_t>(time_))
               .at_event(place.call)
               .at_place(0, address_.chip);
  op.first_row = place.first_row;
  op.counts = converters_.data();
  return op;
}

void TileArray::mvm(const Exec& exec, MatrixView<const float> x, MatrixView<float> y, MvmPlace place) {
  check_product(exec, x.rows, x.columns, y.rows, y.columns);
  if (x.rows == 0) return;
  MvmLayer op = product(exec, x.rows, place);
  op.y = y.data;
  if (hardware_.dac.bits > 0) {
    op.code_limit = largest_code(hardware_.dac.bits);
    op.code_stride = grid_.columns() * padded_inputs(grid_.tile_inputs);
    if (codes_.size() < x.rows * op.code_stride) codes_ = Buffer<std::int16_t>(exec, x.rows * op.code_stride);
    kernels(backend_).quantize_inputs(
        exec, {.x = x.data,
               .batch = x.rows,
               .inputs = x.columns,
               .block = grid_.tile_inputs,
               .codes_per_unit = static_cast<float>(op.code_limit / double(ranges_.dac)),
               .code_limit = static_cast<float>(op.code_limit),
               .codes = codes_.data(),
               .code_stride = op.code_stride,
               .counts = converters_.data()});
    op.codes = codes_.data();
  } else {
    op.x = x.data;
  }
  kernels(backend_).mvm(exec, op);
  count(x.rows);
}

void TileArray::mvm(const Exec& exec, MatrixView<const double> x, MatrixView<double> y, MvmPlace place) {
  check_product(exec, x.rows, x.columns, y.rows, y.columns);
  if (backend_ != Backend::reference || hardware_.dac.bits > 0) {
    throw ConfigError(
        "products in double precision need the backend reference and an ideal DAC (dac.bits = 0)");
  }
  reference::mvm_in_double(product(exec, x.rows, place), x.data, y.data);
  count(x.rows);
}

void TileArray::count(std::size_t batch) {
  const auto rows = static_cast<std::int64_t>(batch);
  const auto grid_rows = static_cast<std::int64_t>(grid_.rows());
  counters_.mvms += rows * static_cast<std::int64_t>(tiles_.size());
  if (hardware_.dac.bits > 0)
    counters_.dac_conversions += rows * static_cast<std::int64_t>(grid_.inputs) * grid_rows;
  if (hardware_.adc.bits > 0) {
    counters_.adc_conversions += rows * static_cast<std::int64_t>(grid_.outputs * grid_.columns());
  }
}

Counters TileArray::counters() const {
  const auto grid_rows = static_cast<std::int64_t>(grid_.rows());
  ConverterCounts seen;
  converters_.copy_to({&seen, 1});
  Counters sum = counters_;
  sum.dac_clips += seen.dac_clips * grid_rows;
  sum.sum_of_codes += seen.sum_of_codes * grid_rows;
  sum.adc_clips += seen.adc_clips;
  std::int64_t pulses = 0;
  update_pulses_.copy_to({&pulses, 1});
  sum.pulses += pulses;
  return sum;
}

std::vector<double> TileArray::read_weights(const Exec& exec) {
  if (!is_programmed())
    throw StateError("this array was never programmed, so there is nothing to read; call program() first");
  std::vector<double> weights(grid_.outputs * grid_.inputs);
  const double scale = mapping().weight_per_siemens();
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    const std::vector<float> plus = tiles_[t].conductances(exec, Polarity::plus, time_);
    const std::vector<float> minus = tiles_[t].conductances(exec, Polarity::minus, time_);
    const std::size_t r = t / grid_.columns() * grid_.tile_outputs,
                      c = t % grid_.columns() * grid_.tile_inputs;
    for (std::size_t o = 0; o < tiles_[t].outputs(); ++o) {
      for (std::size_t j = 0; j < tiles_[t].inputs(); ++j) {
        const std::size_t i = o * tiles_[t].inputs() + j;
        weights[(r + o) * grid_.inputs + c + j] = (double(plus[i]) - minus[i]) * scale * factors_[t];
      }
    }
  }
  return weights;
}

void TileArray::save(H5Writer& file, const std::string& path) const {
  for (std::size_t t = 0; t < tiles_.size(); ++t) tiles_[t].save(file, path + "/tiles/" + std::to_string(t));
  file.write(path + "/adc_ranges", ranges_.adc);
  file.write(path + "/reference_response", reference_response_);
  file.write(path + "/compensation", factors_);
  file.set_attribute(path, "dac_range", double(ranges_.dac));
  file.set_attribute(path, "w_max", double(w_max_));
  file.set_attribute(path, "time_s", time_);
  file.set_attribute(path, "outputs", static_cast<std::int64_t>(grid_.outputs));
  file.set_attribute(path, "inputs", static_cast<std::int64_t>(grid_.inputs));
  file.set_attributes(path + "/counters", to_value(this->counters()));
}

void TileArray::load(const Exec& exec, const H5Reader& file, const std::string& path) {
  const auto number = [&](const char* attribute) {
    const Value value = file.attribute(path, attribute);
    if (!value.is_integer() && !value.is_number()) {
      throw DataError(path + " has no attribute '" + attribute + "'; the file is damaged or no chip");
    }
    const double number = value.as_number();
    if (!std::isfinite(number) || number < 0.0) {
      throw DataError(path + ": the attribute '" + attribute +
                      "' is no number that can be; the file is damaged");
    }
    return number;
  };
  if (number("outputs") != double(grid_.outputs) || number("inputs") != double(grid_.inputs)) {
    throw DataError(path + " holds another matrix than " + shape(grid_.outputs, grid_.inputs) +
                    "; load it with the config it was saved with");
  }
  const Shape per_tile{grid_.size()};
  for (std::size_t t = 0; t < tiles_.size(); ++t) tiles_[t].load(file, path + "/tiles/" + std::to_string(t));
  ranges_.adc = file.read<float>(path + "/adc_ranges", per_tile);
  ranges_.dac = static_cast<float>(number("dac_range"));
  w_max_ = static_cast<float>(number("w_max"));
  time_ = number("time_s");
  const Value names = to_value(Counters{});
  Value counters = Value::table();
  for (const auto& entry : names.as_table()) {
    const Value value = file.attribute(path + "/counters", entry.key);
    if (!value.is_null()) counters.set_key(entry.key, value);
  }
  counters_ = counters_from_value(counters);
  converters_ = Buffer<ConverterCounts>(exec, 1);
  update_pulses_ = Buffer<std::int64_t>(exec, 1);
  if (is_programmed()) settle(exec);
  reference_response_ = file.read<double>(path + "/reference_response", per_tile);
  factors_ = file.read<double>(path + "/compensation", per_tile);
  planes_are_stale_ = true;
}

}  // namespace mq
