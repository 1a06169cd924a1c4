#include "meltquench/devices/fit/pcm_likelihood.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "meltquench/devices/fit/estimate.h"
#include "meltquench/devices/fit/gauss_hermite.h"
#include "meltquench/devices/fit/pcm_likelihood_cell.h"

namespace mq {
namespace {

constexpr int kNuNodes = 7, kConductanceNodes = 3, kNodes = kNuNodes * kConductanceNodes;
constexpr double kSqrt2 = 1.4142135623730951;

struct Quadrature {
  std::vector<double> node, log_weight;

  explicit Quadrature(int n) {
    auto [nodes, weights] = gauss_hermite(n);
    for (int i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      log_weight.push_back(std::log(weights[at]) + nodes[at] * nodes[at]);
    }
    node = std::move(nodes);
  }
};

/// A read that noise of relative size s has cut at 0.
struct Hidden {
  double probability, by_log_noise;
};
Hidden hidden_read(double s) {
  const double probability = std::max(normal_cdf(-1.0 / s), 1e-300);
  return {probability, normal_density(1.0 / s) / (probability * s)};
}

}  // namespace

PcmLikelihood::PcmLikelihood(const ReadsByCell& reads, const PcmSetting& setting, const PcmForm& form)
    : form_(form) {
  for (std::size_t c = 0; c < reads.cells(); ++c) {
    Cell cell{};
    cell.x = reads.target[c] / setting.g_max;
    cell.log_x = std::log(std::max(cell.x, 1e-7));
    cell.first = log_age_.size();
    cell.first_zero = zero_growth_.size();
    for (std::size_t i = 0; i < reads.ages(c).size(); ++i) {
      const double age = reads.ages(c)[i], g = reads.values(c)[i] / setting.g_max;
      const double growth2 = std::log((age + setting.t_read) / (2.0 * setting.t_read));
      if (g > 0.0) {
        log_age_.push_back(std::log(age / setting.t0));
        u_.push_back(g);
        inverse_.push_back(1.0 / growth2);
        cell.sum_inverse += inverse_.back();
        cell.sum_log_age += log_age_.back();
      } else {
        zero_growth_.push_back(std::sqrt(growth2));
      }
    }
    cell.reads = log_age_.size() - cell.first;
    cell.zeros = zero_growth_.size() - cell.first_zero;
    cells_.push_back(cell);
  }
}

bool PcmLikelihood::local(std::span<const double> theta, const Cell& cell, Local& at) const {
  double power = 1.0;
  at.prog_sigma = 0.0;
  for (int i = 0; i < form_.prog_terms; ++i, power *= cell.x) {
    at.prog_sigma += theta[static_cast<std::size_t>(i)] * power;
  }
  const double *mean = &theta[static_cast<std::size_t>(form_.nu_mean_at())],
               *sigma = &theta[static_cast<std::size_t>(form_.nu_sigma_at())];
  at.mean_law =
      law_value(form_.nu_mean, mean, cell.log_x,
                clips_are_fixed_ ? cell.mean_on_plateau : is_on_plateau(form_.nu_mean, mean, cell.log_x));
  at.sigma_law =
      law_value(form_.nu_sigma, sigma, cell.log_x,
                clips_are_fixed_ ? cell.sigma_on_plateau : is_on_plateau(form_.nu_sigma, sigma, cell.log_x));
  at.mean = at.mean_law.value;
  at.sigma = at.sigma_law.value;
  const auto read_at = static_cast<std::size_t>(form_.read_at());
  const double c = form_.read_terms > 0 ? theta[read_at] : form_.read_noise[0];
  at.b = form_.read_terms > 1 ? theta[read_at + 1] : form_.read_terms == 1 ? 0.0 : form_.read_noise[1];
  at.log_c = std::log(c);
  const auto is_near = [](double now, double placed) {
    return placed == 0.0 || (now > 0.5 * placed && now < 2.5 * placed);
  };
  return at.prog_sigma > 1e-6 && at.sigma > 1e-6 && c > 1e-7 && is_near(at.sigma, cell.placed_sigma) &&
         is_near(at.prog_sigma, cell.placed_prog_sigma);
}

PcmLikelihood::Profile PcmLikelihood::profile(const Cell& cell, const Local& at, double z) const {
  const double nu = std::abs(z);
  Profile p{};
  for (std::size_t i = cell.first; i < cell.first + cell.reads; ++i) {
    const double h = u_[i] * std::exp(nu * log_age_[i]);
    p.sum += h * inverse_[i];
    p.squares += h * h * inverse_[i];
  }
  const double prior = 1.0 / (at.prog_sigma * at.prog_sigma), n = static_cast<double>(cell.reads);
  p.g = p.sum / cell.sum_inverse;
  double log_amplitude = 0.0;
  for (int round = 0; round < 2; ++round) {  // the noise depends on the conductance that it hides
    log_amplitude = at.log_c + (at.b + 1.0) * std::log(p.g);
    const double inverse = std::exp(-2.0 * log_amplitude);
    p.precision = prior + cell.sum_inverse * inverse;
    p.g = std::max((cell.x * prior + p.sum * inverse) / p.precision, 1e-6);
  }
  const double deviation = (z - at.mean) / at.sigma, miss = p.g - cell.x;
  const double left = p.squares - 2.0 * p.g * p.sum + p.g * p.g * cell.sum_inverse;
  p.chi2 = left * std::exp(-2.0 * log_amplitude) + miss * miss * prior + deviation * deviation;
  p.log_density = -0.5 * p.chi2 - n * log_amplitude - 0.5 * std::log(p.precision) + cell.sum_log_age * nu;
  return p;
}

/// Most probable exponent of a cell before folding, and the width of its posterior.
double PcmLikelihood::mode(const Cell& cell, const Local& at, double& width) const {
  double z = at.mean;
  width = at.sigma;
  for (int round = 0; round < 4; ++round) {
    const double step = 0.25 * width;
    const double here = profile(cell, at, z).log_density, above = profile(cell, at, z + step).log_density,
                 below = profile(cell, at, z - step).log_density;
    const double slope = 0.5 * (above - below) / step;
    const double curvature =
        std::max((2.0 * here - above - below) / (step * step), 0.25 / (at.sigma * at.sigma));
    width = 1.0 / std::sqrt(curvature);
    const double move = std::clamp(slope / curvature, -3.0 * at.sigma, 3.0 * at.sigma);
    z += move;
    if (std::abs(move) < 0.05 * width) break;
  }
  return z;
}

bool PcmLikelihood::place_nodes(std::span<const double> theta) {
  static const Quadrature nu_rule(kNuNodes), g_rule(kConductanceNodes);
  nodes_.clear();
  for (Cell& cell : cells_) {
    cell.first_node = nodes_.size();
    cell.placed_sigma = cell.placed_prog_sigma = 0.0;
    Local at{};
    if (!local(theta, cell, at)) return false;
    if (cell.reads == 0) continue;
    cell.placed_sigma = at.sigma;
    cell.placed_prog_sigma = at.prog_sigma;
    double width = 0.0;
    const double center = mode(cell, at, width);
    for (int k = 0; k < kNuNodes; ++k) {
      const auto i = static_cast<std::size_t>(k);
      const double z = center + kSqrt2 * width * nu_rule.node[i];
      const Profile p = profile(cell, at, z);
      const double spread = 1.0 / std::sqrt(p.precision);
      for (int m = 0; m < kConductanceNodes; ++m) {
        const auto j = static_cast<std::size_t>(m);
        const double g = std::max(p.g + kSqrt2 * spread * g_rule.node[j], 0.01 * p.g);
        nodes_.push_back({.z = z,
                          .g = g,
                          .log_g = std::log(g),
                          .residual = p.squares - 2.0 * g * p.sum + g * g * cell.sum_inverse,
                          .log_weight = nu_rule.log_weight[i] + g_rule.log_weight[j] +
                                        std::log(2.0 * width * spread) + cell.sum_log_age * std::abs(z)});
      }
    }
  }
  return true;
}

/// A cell that was never seen above 0: written to 0, or hidden by noise in every read.
void PcmLikelihood::add_hidden(const Cell& cell, const Local& at, CellScore& score) const {
  const double edge = -cell.x / at.prog_sigma, written = normal_cdf(edge);
  double hidden = 1.0, by_hidden = 0.0;
  for (std::size_t i = cell.first_zero; i < cell.first_zero + cell.zeros; ++i) {
    const Hidden read = hidden_read(std::exp(at.log_c + at.b * cell.log_x) * zero_growth_[i]);
    hidden *= read.probability;
    by_hidden += read.by_log_noise;
  }
  const double total = std::max(written + (1.0 - written) * hidden, 1e-300);
  score.log_likelihood = std::log(total);
  score.by_prog = normal_density(edge) * cell.x / (at.prog_sigma * at.prog_sigma) * (1.0 - hidden) / total;
  score.by_log_c = (1.0 - written) * hidden * by_hidden / total;
  score.by_b = score.by_log_c * cell.log_x;
}

void PcmLikelihood::add_nodes(const Cell& cell, const Local& at, CellScore& score) const {
  const Node* nodes = &nodes_[cell.first_node];
  const double n = static_cast<double>(cell.reads);
  const double inverse_sigma = 1.0 / at.sigma, inverse_prog = 1.0 / at.prog_sigma;
  double logs[kNodes], noise[kNodes], most = -1e300;
  for (int k = 0; k < kNodes; ++k) {
    const Node& node = nodes[k];
    const double log_amplitude = at.log_c + (at.b + 1.0) * node.log_g;
    const double deviation = (node.z - at.mean) * inverse_sigma, miss = (node.g - cell.x) * inverse_prog;
    const double residual = node.residual * std::exp(-2.0 * log_amplitude);
    noise[k] = residual - n;
    logs[k] = node.log_weight - n * log_amplitude - 0.5 * (residual + deviation * deviation + miss * miss);
    for (std::size_t i = cell.first_zero; i < cell.first_zero + cell.zeros; ++i) {
      const Hidden read = hidden_read(std::exp(log_amplitude - node.log_g) * zero_growth_[i]);
      logs[k] += std::log(read.probability);
      noise[k] += read.by_log_noise;
    }
    most = std::max(most, logs[k]);
  }
  double total = 0.0;
  for (int k = 0; k < kNodes; ++k) {
    const Node& node = nodes[k];
    const double weight = std::exp(logs[k] - most);
    const double deviation = (node.z - at.mean) * inverse_sigma, miss = (node.g - cell.x) * inverse_prog;
    total += weight;
    score.by_mean += weight * deviation;
    score.by_sigma += weight * (deviation * deviation - 1.0);
    score.by_prog += weight * (miss * miss - 1.0);
    score.by_log_c += weight * noise[k];
    score.by_b += weight * noise[k] * node.log_g;
  }
  score.by_mean *= inverse_sigma / total;
  score.by_sigma *= inverse_sigma / total;
  score.by_prog *= inverse_prog / total;
  score.by_log_c /= total;
  score.by_b /= total;
  score.log_likelihood = most + std::log(total) - std::log(at.sigma * at.prog_sigma);
}

PcmLikelihood::CellScore PcmLikelihood::cell_score(const Cell& cell, const Local& at) const {
  CellScore score{};
  if (cell.reads == 0) {
    add_hidden(cell, at, score);
  } else {
    add_nodes(cell, at, score);
  }
  return score;
}

void PcmLikelihood::fix_clips(std::span<const double> theta) {
  const double *mean = &theta[static_cast<std::size_t>(form_.nu_mean_at())],
               *sigma = &theta[static_cast<std::size_t>(form_.nu_sigma_at())];
  for (Cell& cell : cells_) {
    cell.mean_on_plateau = is_on_plateau(form_.nu_mean, mean, cell.log_x);
    cell.sigma_on_plateau = is_on_plateau(form_.nu_sigma, sigma, cell.log_x);
  }
  clips_are_fixed_ = true;
}

Scores PcmLikelihood::operator()(std::span<const double> theta) const {
  const auto size = static_cast<std::size_t>(form_.size());
  const auto mean_at = static_cast<std::size_t>(form_.nu_mean_at()),
             sigma_at = static_cast<std::size_t>(form_.nu_sigma_at()),
             read_at = static_cast<std::size_t>(form_.read_at());
  Scores scores(size);
  std::vector<double> score(size);
  for (const Cell& cell : cells_) {
    Local at{};
    if (!local(theta, cell, at)) {
      scores.value = -std::numeric_limits<double>::infinity();
      return scores;
    }
    const CellScore own = cell_score(cell, at);
    double power = own.by_prog;
    for (std::size_t i = 0; i < mean_at; ++i, power *= cell.x) score[i] = power;
    for (std::size_t i = mean_at; i < sigma_at && !form_.holds_drift; ++i) {
      score[i] = own.by_mean * at.mean_law.derivatives[i - mean_at];
    }
    for (std::size_t i = sigma_at; i < read_at && !form_.holds_drift; ++i) {
      score[i] = own.by_sigma * at.sigma_law.derivatives[i - sigma_at];
    }
    if (form_.read_terms > 0) score[read_at] = own.by_log_c * std::exp(-at.log_c);
    if (form_.read_terms > 1) score[read_at + 1] = own.by_b;
    scores.add(own.log_likelihood, score);
  }
  return scores;
}

}  // namespace mq
