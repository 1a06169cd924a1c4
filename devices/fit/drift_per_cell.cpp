#include "meltquench/devices/fit/drift_per_cell.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace mq {
namespace {

/// Weighted line y = a - nu l: normal equations with a full weight matrix.
struct Line {
  double a, nu, var_a, var_nu, residual;
};
Line fit_line(std::span<const double> l, std::span<const double> y, const SymmetricMatrix& weights) {
  const std::size_t n = l.size();
  double s = 0, sl = 0, sll = 0, sy = 0, sly = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double w = weights(i, j);
      if (w == 0.0) continue;
      s += w, sl += w * l[j], sll += w * l[i] * l[j], sy += w * y[j], sly += w * l[i] * y[j];
    }
  }
  const double determinant = s * sll - sl * sl;
  Line line{};
  line.nu = -(s * sly - sl * sy) / determinant;
  line.a = (sll * sy - sl * sly) / determinant;
  line.var_a = sll / determinant;
  line.var_nu = s / determinant;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      line.residual += weights(i, j) * (y[i] - line.a + line.nu * l[i]) * (y[j] - line.a + line.nu * l[j]);
    }
  }
  return line;
}

SymmetricMatrix weight_matrix(std::span<const double> ages, double t_read, ReadWeights weights) {
  if (weights == ReadWeights::correlated) return inverse(read_noise_covariance(ages, t_read));
  SymmetricMatrix matrix(ages.size());
  for (std::size_t i = 0; i < ages.size(); ++i) {
    matrix(i, i) = weights == ReadWeights::equal ? 1.0 : 1.0 / std::log((ages[i] + t_read) / (2.0 * t_read));
  }
  return matrix;
}

}  // namespace

SymmetricMatrix read_noise_covariance(std::span<const double> ages, double t_read) {
  const double oldest = *std::max_element(ages.begin(), ages.end());
  const double low = 1.0 / (oldest + t_read), high = 1.0 / (2.0 * t_read);
  const double span = std::log(high / low);
  const int processes = std::max(1, static_cast<int>(std::ceil(2.0 * span / std::numbers::ln10)));
  const double part = span / processes;
  SymmetricMatrix covariance(ages.size());
  for (int k = 0; k < processes; ++k) {
    const double rate = 2.0 * std::numbers::pi * low * std::exp((k + 0.5) * part);
    for (std::size_t i = 0; i < ages.size(); ++i) {
      for (std::size_t j = 0; j < ages.size(); ++j) {
        covariance(i, j) += part * std::exp(-rate * std::abs(ages[i] - ages[j]));
      }
    }
  }
  return covariance;
}

std::vector<CellDrift> drift_per_cell(const ReadsByCell& reads, const PcmSetting& setting,
                                      ReadWeights weights) {
  std::vector<CellDrift> result;
  std::vector<double> ages, l, y, all_l;
  for (std::size_t c = 0; c < reads.cells(); ++c) {
    ages.clear(), l.clear(), y.clear(), all_l.clear();
    for (std::size_t i = 0; i < reads.ages(c).size(); ++i) {
      const double age = reads.ages(c)[i], log_age = std::log(age / setting.t0);
      all_l.push_back(log_age);
      if (reads.values(c)[i] <= 0.0) continue;
      ages.push_back(age), l.push_back(log_age), y.push_back(std::log(reads.values(c)[i]));
    }
    if (l.size() < 2 || l.back() - l.front() < 1e-9) continue;
    Line line = fit_line(l, y, weight_matrix(ages, setting.t_read, weights));
    if (l.size() <
        all_l.size()) {  // the logarithm would leave the low reads out and call the cell too strong
      double g = std::exp(line.a), nu = line.nu;
      for (int round = 0; round < 20; ++round) {
        double jgg = 0, jgn = 0, jnn = 0, rg = 0, rn = 0;
        for (std::size_t i = 0; i < all_l.size(); ++i) {
          const double decay = std::exp(-nu * all_l[i]), by_nu = -g * all_l[i] * decay;
          const double left = reads.values(c)[i] - g * decay;
          jgg += decay * decay, jgn += decay * by_nu, jnn += by_nu * by_nu, rg += decay * left,
              rn += by_nu * left;
        }
        const double determinant = jgg * jnn - jgn * jgn;
        if (!(determinant > 0.0)) break;
        g = std::max(g + (jnn * rg - jgn * rn) / determinant, 1e-3 * g);
        nu = std::clamp(nu + (jgg * rn - jgn * rg) / determinant, -1.0, 1.0);
      }
      line.a = std::log(g), line.nu = nu;
    }
    result.push_back({.target = reads.target[c],
                      .first_age = reads.ages(c).front(),
                      .g = std::exp(line.a),
                      .nu = line.nu,
                      .g_unit = std::sqrt(line.var_a),
                      .nu_unit = std::sqrt(line.var_nu),
                      .residual = line.residual,
                      .freedom = static_cast<int>(l.size()) - 2});
  }
  return result;
}

SpreadEstimate deconvolved_spread(std::span<const double> values, std::span<const double> errors) {
  const double n = static_cast<double>(values.size());
  SpreadEstimate spread;
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double total = 0.0, noise = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    total += (values[i] - spread.mean) * (values[i] - spread.mean) / std::max(n - 1.0, 1.0);
    noise += errors[i] * errors[i] / n;
  }
  const double variance = std::max(total - noise, 0.01 * total);
  spread.sigma = std::sqrt(variance);
  spread.mean_error = std::sqrt(total / n);
  spread.sigma_error = total / (std::max(spread.sigma, 1e-300) * std::sqrt(2.0 * std::max(n - 1.0, 1.0)));
  return spread;
}

}  // namespace mq
