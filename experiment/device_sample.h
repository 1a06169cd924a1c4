/// Samples of a device model's own functions: what figures of devices are drawn from.
///
/// Cell i has the same random numbers at every target and time, so that curves over both are smooth; all
/// seeds are fixed.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "meltquench/core/random.h"
#include "meltquench/devices/device_model.h"

namespace mq {

struct SampleMoments {
  double mean = 0;
  double deviation = 0;
};

/// What a few devices with extreme parameters do not move: the median, and what 16 % lie below and above.
struct SampleQuantiles {
  double median = 0, low = 0, high = 0;
};

/// Mean and standard deviation of what is added, relative to the first value against rounding.
class MomentSum {
 public:
  void add(double value) {
    if (count_ == 0) first_ = value;
    const double difference = value - first_;
    count_ += 1;
    sum_ += difference;
    squares_ += difference * difference;
  }
  SampleMoments moments() const {
    const double mean = sum_ / count_;
    return {first_ + mean, std::sqrt(std::max(squares_ / count_ - mean * mean, 0.0))};
  }

 private:
  double first_ = 0, sum_ = 0, squares_ = 0, count_ = 0;
};

/// Cells that are programmed once, to one target [S], and read later. Conductances in S, times in s after the
/// reference read.
template <DeviceModel Model>
class ProgrammedCells {
 public:
  ProgrammedCells(const typename Model::Params& params, float target) : params_(params), cells_(kCells) {
    for (std::uint32_t i = 0; i < kCells; ++i) {
      Rng<float> fabrication(RngKey(1, Purpose::fabrication), i), device(RngKey(2, Purpose::programming), i);
      Rng<float> writing(RngKey(3, Purpose::programming), i);
      cells_[i] = Model::fabricate(params_, fabrication);
      Model::program(params_, cells_[i], target, device, writing);
    }
  }

  /// Over cells, without read noise.
  SampleMoments conductances(double time) const {
    const Moment<float> moment = at(time);
    MomentSum sum;
    for (const Cell& cell : cells_) sum.add(Model::conductance(params_, cell, moment));
    return sum.moments();
  }
  /// Over cells, as one read sees them.
  SampleMoments reads(double time) const {
    const Moment<float> moment = at(time);
    MomentSum sum;
    for (std::uint32_t i = 0; i < kCells; ++i) sum.add(read(i, moment));
    return sum.moments();
  }
  /// What a read adds to the conductance.
  SampleMoments read_errors(double time) const {
    const Moment<float> moment = at(time);
    MomentSum sum;
    for (std::uint32_t i = 0; i < kCells; ++i)
      sum.add(read(i, moment) - double(Model::conductance(params_, cells_[i], moment)));
    return sum.moments();
  }

 private:
  using Cell = typename Model::template Cell<float>;
  static constexpr std::uint32_t kCells = 4000;  // a standard deviation is known to 1.1 %

  Moment<float> at(double time) const { return Model::at(params_, time).template rounded<float>(); }
  double read(std::uint32_t i, const Moment<float>& moment) const {
    Rng<float> rng(RngKey(4, Purpose::read_noise), i);
    return Model::read(params_, cells_[i], moment, rng.normal());
  }

  typename Model::Params params_;
  std::vector<Cell> cells_;
};

/// Devices whose single curves a figure shows.
inline constexpr int kShownDevices = 3;

struct PulsePoint {
  double pulses = 0;                           ///< so far
  SampleMoments g;                             ///< [S], over devices
  std::array<double, kShownDevices> single{};  ///< [S]
};
struct PulseCurve {
  std::vector<PulsePoint> points;
};

/// Devices that pulses move.
template <PulsedModel Model>
class PulsedSample {
 public:
  explicit PulsedSample(const typename Model::Params& params) : params_(params) {}

  /// From g_min, pulses up for one and a half times the range in mean steps, then as many down.
  PulseCurve up_and_down() const {
    std::vector<Cell> cells;
    for (std::uint32_t i = 0; i < kDevices; ++i) cells.push_back(at_conductance(i, params_.g_min));
    const double wanted = 1.5 * double(params_.g_max - params_.g_min) / double(Model::mean_step(params_));
    const int pulses = static_cast<int>(std::min(std::max(std::ceil(wanted / kSteps), 1.0), 100.0));
    PulseCurve curve;
    curve.points.push_back(seen(cells, 0));
    for (int n = 0; n < 2 * kSteps; ++n) {
      for (std::uint32_t i = 0; i < kDevices; ++i) {
        Rng<float> rng(RngKey(5, Purpose::pulse_steps).at_event(static_cast<std::uint32_t>(n)), i);
        for (int left = pulses; left > 0; left -= kTrain) {
          Model::pulse(params_, cells[i], n < kSteps, static_cast<float>(std::min(left, kTrain)),
                       rng.normal());
        }
      }
      curve.points.push_back(seen(cells, (n + 1) * pulses));
    }
    return curve;
  }

  /// The change by one pulse [S], over devices that were programmed to g [S] before.
  SampleQuantiles steps(float g, bool is_up) const {
    std::vector<double> changes;
    for (std::uint32_t i = 0; i < kStepDevices; ++i) {
      Cell cell = at_conductance(i, g);
      Rng<float> rng(RngKey(6, Purpose::pulse_steps), i);
      const double before = Model::conductance(params_, cell, start());
      Model::pulse(params_, cell, is_up, 1.0f, rng.normal());
      changes.push_back(double(Model::conductance(params_, cell, start())) - before);
    }
    std::sort(changes.begin(), changes.end());
    return {changes[kStepDevices / 2], changes[kStepDevices * 16 / 100], changes[kStepDevices * 84 / 100]};
  }

 private:
  using Cell = typename Model::template Cell<float>;
  static constexpr std::uint32_t kDevices = 300;
  static constexpr std::uint32_t kStepDevices = 1000;
  static constexpr int kSteps = 30;  // points of the curve in each direction
  static constexpr int kTrain = 8;   // pulses that act as one step: few, so that steps follow the law closely

  Moment<float> start() const { return Model::at(params_, 0.0).template rounded<float>(); }

  Cell at_conductance(std::uint32_t i, float g) const {
    Rng<float> fabrication(RngKey(1, Purpose::fabrication), i), device(RngKey(2, Purpose::programming), i);
    Rng<float> writing(RngKey(3, Purpose::programming), i);
    Cell cell = Model::fabricate(params_, fabrication);
    Model::program(params_, cell, g, device, writing);
    return cell;
  }

  PulsePoint seen(const std::vector<Cell>& cells, int pulses) const {
    PulsePoint point;
    point.pulses = pulses;
    MomentSum sum;
    for (std::uint32_t i = 0; i < kDevices; ++i) {
      Rng<float> reading(RngKey(4, Purpose::read_noise).at_event(static_cast<std::uint32_t>(pulses)), i);
      const double g = Model::read(params_, cells[i], start(), reading.normal());
      if (i < kShownDevices) point.single[i] = g;
      sum.add(g);
    }
    point.g = sum.moments();
    return point;
  }

  typename Model::Params params_;
};

}  // namespace mq
