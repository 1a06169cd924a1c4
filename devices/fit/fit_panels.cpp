#include "meltquench/devices/fit/fit_panels.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace mq {
namespace {

constexpr double kInterval = 1.96;

FitPanel::Point around(double x, double y, double error) {
  return {x, y, y - kInterval * error, y + kInterval * error};
}

}  // namespace

void append_pcm_panels(FitResult& result, const PcmFit& fit, bool has_drift) {
  if (fit.points.empty()) return;
  const Pcm::Params& p = fit.params;
  const double first = fit.points.front().x, last = fit.points.back().x;
  const auto law_panel = [&](std::string title, std::string y_title, std::size_t which, double scale,
                             const std::function<double(double)>& law) {
    FitPanel panel{.title = std::move(title),
                   .x_title = "target / g_max",
                   .y_title = std::move(y_title),
                   .has_log_x = true};
    for (const PcmPoint& point : fit.points) {
      panel.data.push_back(around(point.x, scale * point.value[which], scale * point.error[which]));
    }
    for (int i = 0; i <= 60; ++i) {
      const double x = first * std::pow(last / first, i / 60.0), y = scale * law(x);
      panel.model.push_back({x, y, y, y});
    }
    if (last > first) result.panels.push_back(std::move(panel));
  };
  law_panel("Programming noise", "standard deviation of a write [uS]", 0, p.g_max * kMicro, [&](double x) {
    double value = 0.0;
    for (std::size_t i = p.prog_noise.size(); i-- > 0;) value = value * x + p.prog_noise[i];
    return value / p.g_max;
  });
  if (!has_drift) return;
  law_panel("Mean drift exponent", "mean of nu", 1, 1.0, [&](double x) { return p.nu_mean(float(x)); });
  law_panel("Spread of the drift exponent", "standard deviation of nu", 2, 1.0,
            [&](double x) { return p.nu_sigma(float(x)); });
  FitPanel noise{
      .title = "Read noise", .x_title = "target / g_max", .y_title = "amplitude q", .has_log_x = true};
  for (const PcmPoint& point : fit.points) {
    const double q = p.read_noise(float(point.x));
    noise.data.push_back(around(point.x, q * point.value[3], q * point.error[3]));
    noise.model.push_back({point.x, q, q, q});
  }
  if (last > first) result.panels.push_back(std::move(noise));
}

void append_drift_panel(FitResult& result, const CellReads& reads, const Pcm::Params& p) {
  constexpr int kTimes = 12;
  double young = 1e300, old = 0.0;
  for (const double age : reads.age) young = std::min(young, age), old = std::max(old, age);
  if (!(old > young)) return;
  FitPanel panel{.title = "Drift",
                 .x_title = "time since the last pulse [s]",
                 .y_title = "mean of g / target",
                 .has_log_x = true};
  struct Bin {
    double n = 0, age = 0, ratio = 0, squares = 0, model = 0;
  };
  std::vector<Bin> bins(kTimes);
  for (std::size_t i = 0; i < reads.size(); ++i) {
    const double x = reads.target[i] / p.g_max;
    if (x < 0.02) continue;
    const int at = std::min(kTimes - 1, int(kTimes * std::log(reads.age[i] / young) / std::log(old / young)));
    Bin& bin = bins[static_cast<std::size_t>(at)];
    const double ratio = reads.g[i] / reads.target[i], l = std::log(reads.age[i] / p.t0);
    const double mean = p.nu_mean(float(x)) * p.nu_mean_scale,
                 sigma = p.nu_sigma(float(x)) * p.nu_sigma_scale;
    bin.n += 1, bin.age += std::log(reads.age[i]), bin.ratio += ratio, bin.squares += ratio * ratio;
    bin.model += std::exp(-mean * l + 0.5 * sigma * sigma * l * l);
  }
  for (const Bin& bin : bins) {
    if (bin.n < 2) continue;
    const double mean = bin.ratio / bin.n, variance = std::max(bin.squares / bin.n - mean * mean, 0.0);
    const double age = std::exp(bin.age / bin.n), model = bin.model / bin.n;
    panel.data.push_back(around(age, mean, std::sqrt(variance / bin.n)));
    panel.model.push_back({age, model, model, model});
  }
  result.panels.push_back(std::move(panel));
}

void append_spectrum_panels(FitResult& result, const SpectrumFit& fit, double g_max) {
  if (fit.points.size() < 2) return;
  FitPanel panel{.title = "Read noise from spectra",
                 .x_title = "g / g_max",
                 .y_title = "amplitude q",
                 .has_log_x = true};
  for (const SpectrumPoint& point : fit.points) {
    const double x = point.g / g_max, q = fit.law[0] * std::pow(x, fit.law[1]);
    panel.data.push_back({x, point.q.value, point.q.low, point.q.high});
    panel.model.push_back({x, q, q, q});
  }
  result.panels.push_back(std::move(panel));
}

}  // namespace mq
