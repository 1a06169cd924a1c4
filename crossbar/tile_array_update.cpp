/// Learning in the array: values become pulse trains, which move the cells of every tile.
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/shape_text.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {

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
                     std::to_string(grid_.outputs) + "] but got x" + shape_text(x) + " and d" +
                     shape_text(d));
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
                     how.event, now());
  }
  settle(exec);
  for (std::size_t t = 0; t < tiles_.size(); ++t) reference_response_[t] = mean_response(t);
}

}  // namespace mq
