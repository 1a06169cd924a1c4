#include "meltquench/devices/fit/spectrum_fit.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "meltquench/core/error.h"
#include "meltquench/devices/fit/maximize.h"

namespace mq {
namespace {

constexpr double kEuler = 0.5772156649015329, kPi = 3.141592653589793;
constexpr std::size_t kLeastFrequencies = 8;

/// Mean and variance of ln(mean of n unit exponentials): psi(n) - ln n, psi'(n), by their series.
struct LogScatter {
  double mean, variance;
};
LogScatter log_scatter(double n) {
  double shift = 0.0, variance = 0.0, m = n;
  for (; m < 8.0; m += 1.0) shift -= 1.0 / m, variance += 1.0 / (m * m);
  shift += std::log(m) - 0.5 / m - 1.0 / (12.0 * m * m);
  variance += 1.0 / m + 0.5 / (m * m) + 1.0 / (6.0 * m * m * m);
  return {shift - std::log(n), variance};
}
/// How many segments were averaged, by the variance that ln S shows.
double averages(double variance) {
  if (variance >= kPi * kPi / 6.0) return 1.0;
  double low = 1.0, high = 1e6;
  for (int i = 0; i < 60; ++i) {
    const double middle = std::sqrt(low * high);
    (log_scatter(middle).variance > variance ? low : high) = middle;
  }
  return low;
}

struct Line {
  double log_q = 0.0, gamma = 1.0, log_floor = 0.0;  // of S / g^2
  bool has_floor = false;
  SymmetricMatrix covariance{};
  double chi2 = 0.0, bias = -kEuler;
};

/// One climb: ln S = ln(exp(log_q) f^-gamma + exp(log_floor)) + bias.
void climb(Line& line, const std::vector<double>& log_f, const std::vector<double>& log_s) {
  const std::size_t columns = line.has_floor ? 3 : 2;
  const std::vector<double> weights(log_f.size(), 1.0);
  for (int round = 0; round < 60; ++round) {
    std::vector<double> design, left;
    for (std::size_t i = 0; i < log_f.size(); ++i) {
      const double flicker = std::exp(line.log_q - line.gamma * log_f[i]);
      const double total = flicker + (line.has_floor ? std::exp(line.log_floor) : 0.0);
      design.push_back(flicker / total);
      design.push_back(-log_f[i] * flicker / total);
      if (line.has_floor) design.push_back(1.0 - flicker / total);
      left.push_back(log_s[i] - line.bias - std::log(total));
    }
    const LeastSquares fit = least_squares(design, left, weights);
    const double damping = round < 3 && columns == 3 ? 0.5 : 1.0;
    line.log_q += damping * std::clamp(fit.at[0], -3.0, 3.0);
    line.gamma += damping * std::clamp(fit.at[1], -1.0, 1.0);
    if (line.has_floor) line.log_floor += damping * std::clamp(fit.at[2], -3.0, 3.0);
    line.covariance = fit.covariance;
    line.chi2 = fit.chi2;
    if (std::abs(fit.at[0]) + std::abs(fit.at[1]) + (line.has_floor ? std::abs(fit.at[2]) : 0.0) < 1e-9)
      return;
  }
}

Line fit_line(const std::vector<double>& log_f, const std::vector<double>& log_s) {
  Line plain;
  plain.log_q = log_s[0] + log_f[0];
  climb(plain, log_f, log_s);
  Line floored = plain;
  floored.has_floor = true;
  floored.log_floor = *std::min_element(log_s.begin(), log_s.end());
  floored.gamma = std::max(floored.gamma, 0.7);
  floored.log_q = log_s[0] + floored.gamma * log_f[0];
  climb(floored, log_f, log_s);
  const double n = static_cast<double>(log_f.size());
  // The floor has to earn its parameter: chi2 in units of the scatter, against ln n.
  const bool is_better = std::isfinite(floored.chi2) && floored.gamma > 0.2 && floored.gamma < 3.0 &&
                         n * std::log(plain.chi2 / floored.chi2) > std::log(n);
  Line& line = is_better ? floored : plain;
  const double variance = line.chi2 / (n - (is_better ? 3.0 : 2.0));
  const double bias = log_scatter(averages(variance)).mean;
  line.log_q += line.bias - bias;
  if (line.has_floor) line.log_floor += line.bias - bias;
  line.bias = bias;
  for (double& value : line.covariance.values) value *= variance;
  return line;
}

}  // namespace

SpectrumFit fit_spectra(const NoiseSpectra& spectra, double g_max) {
  std::map<double, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < spectra.size(); ++i) groups[spectra.g[i]].push_back(i);
  SpectrumFit fit;
  std::vector<double> design, log_q, weights, gamma, gamma_weights, ones;
  for (const auto& [g, rows] : groups) {
    if (rows.size() < kLeastFrequencies) {
      throw DataError("the spectrum at " + format_quantity(g, Unit::siemens) + " has " +
                      std::to_string(rows.size()) + " frequencies; at least 8 are needed");
    }
    std::vector<double> log_f, log_s;
    for (const std::size_t i : rows) {
      log_f.push_back(std::log(spectra.frequency[i]));
      log_s.push_back(std::log(spectra.density[i] / (g * g)));
    }
    const Line line = fit_line(log_f, log_s);
    const double q = std::exp(0.5 * line.log_q), q_error = 0.5 * q * std::sqrt(line.covariance(0, 0));
    fit.points.push_back({.g = g,
                          .q = estimate("q", Unit::one, q, q_error),
                          .gamma = estimate("gamma", Unit::one, line.gamma, std::sqrt(line.covariance(1, 1))),
                          .floor = line.has_floor ? std::exp(line.log_floor) * g * g : 0.0,
                          .frequencies = static_cast<int>(rows.size())});
    design.push_back(1.0), design.push_back(std::log(g / g_max));
    log_q.push_back(0.5 * line.log_q), weights.push_back(4.0 / line.covariance(0, 0));
    gamma.push_back(line.gamma), gamma_weights.push_back(1.0 / line.covariance(1, 1)), ones.push_back(1.0);
  }
  const LeastSquares common = least_squares(ones, gamma, gamma_weights);
  if (log_q.size() > 1) {
    const LeastSquares law = least_squares(design, log_q, weights);
    const double c = std::exp(law.at[0]), freedom = static_cast<double>(log_q.size()) - 2.0;
    fit.law = {c, law.at[1]};
    fit.estimates.push_back(estimate("read_noise.offset", Unit::one, c, c * std::sqrt(law.covariance(0, 0))));
    fit.estimates.push_back(
        estimate("read_noise.slope", Unit::one, law.at[1], std::sqrt(law.covariance(1, 1))));
    if (freedom > 0.0) {
      fit.goodness.push_back(
          {"read noise over the conductance", "chi2", law.chi2, freedom, chi2_p_value(law.chi2, freedom)});
    }
  } else {
    fit.law = {fit.points[0].q.value, 0.0};
    fit.estimates.push_back(
        estimate("read_noise.offset", Unit::one, fit.law[0], fit.points[0].q.standard_error));
  }
  fit.estimates.push_back(estimate("gamma", Unit::one, common.at[0], std::sqrt(common.covariance(0, 0))));
  return fit;
}

}  // namespace mq
