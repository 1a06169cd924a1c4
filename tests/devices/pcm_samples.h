/// Many phase-change cells, and the mean and spread of what they show.
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "meltquench/devices/device.h"

namespace mq {

constexpr double kHour = 3600.0, kDay = 86400.0, kMonth = 30 * kDay, kYear = 365 * kDay;
constexpr double kMicro = 1e-6;

inline Pcm::Params pcm(std::string_view preset) { return std::get<Pcm::Params>(device_from_preset(preset)); }

struct Sample {
  double n = 0.0, mean = 0.0, deviation = 0.0,
         fourth = 0.0;  ///< fourth: central moment over variance squared

  double error_of_mean() const { return deviation / std::sqrt(n); }
  double error_of_deviation() const { return deviation * std::sqrt((fourth - 1.0) / (4.0 * n)); }
};

inline Sample sample_of(const std::vector<double>& values) {
  Sample s{.n = static_cast<double>(values.size())};
  for (const double v : values) s.mean += v / s.n;
  double second = 0.0;
  for (const double v : values)
    second += std::pow(v - s.mean, 2) / s.n, s.fourth += std::pow(v - s.mean, 4) / s.n;
  s.deviation = std::sqrt(second);
  s.fourth /= second * second;
  return s;
}

inline std::vector<Pcm::Cell<float>> programmed(const Pcm::Params& params, float g_target,
                                                std::uint32_t cells, std::uint64_t seed = 1) {
  std::vector<Pcm::Cell<float>> all(cells);
  for (std::uint32_t i = 0; i < cells; ++i) {
    Rng<float> device(RngKey(seed, Purpose::fabrication), i), rng(RngKey(seed, Purpose::programming), i);
    Pcm::program(params, all[i], g_target, device, rng);
  }
  return all;
}

/// Conductances in uS at `time`.
inline std::vector<double> read_all(const Pcm::Params& params, const std::vector<Pcm::Cell<float>>& cells,
                                    double time) {
  const auto moment = Pcm::at(params, time).rounded<float>();
  std::vector<double> g(cells.size());
  for (std::uint32_t i = 0; i < cells.size(); ++i) {
    Rng<float> rng(RngKey(1, Purpose::read_noise).at_moment(static_cast<std::uint64_t>(time)), i);
    g[i] = Pcm::read(params, cells[i], moment, rng.normal()) / kMicro;
  }
  return g;
}

}  // namespace mq
