#include <algorithm>
#include <cmath>
#include <numeric>

#include "meltquench/devices/fit/estimate.h"
#include "meltquench/devices/fit/pcm_likelihood_cell.h"

namespace mq {
namespace {

constexpr std::size_t kLeastOfPoint = 20;
constexpr double kSmallNoise = 0.15;

}  // namespace

std::vector<PcmPoint> PcmLikelihood::points(std::span<const double> theta, std::size_t most_points) const {
  std::vector<std::size_t> order(cells_.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return cells_[a].x < cells_[b].x; });
  std::vector<PcmPoint> points;
  const std::size_t least = std::max<std::size_t>(kLeastOfPoint, order.size() / most_points);
  for (std::size_t from = 0; from + kLeastOfPoint <= order.size();) {
    std::size_t to = std::min(from + least, order.size());
    while (to < order.size() && cells_[order[to]].x == cells_[order[to - 1]].x)
      ++to;  // a level is never split
    if (order.size() - to < kLeastOfPoint) to = order.size();
    PcmPoint point{.cells = static_cast<int>(to - from)};
    Scores scores(4);
    for (std::size_t i = from; i < to; ++i) {
      const Cell& cell = cells_[order[i]];
      Local at{};
      if (!local(theta, cell, at)) continue;
      const CellScore own = cell_score(cell, at);
      scores.add(own.log_likelihood,
                 std::vector<double>{own.by_prog, own.by_mean, own.by_sigma, own.by_log_c});
      const double share = 1.0 / point.cells;
      point.x += share * cell.x, point.log_x += share * cell.log_x;
      point.value[0] += share * at.prog_sigma, point.value[1] += share * at.mean,
          point.value[2] += share * at.sigma;
    }
    point.value[3] = 1.0;
    const SymmetricMatrix covariance = inverse(scores.information, 1e-12);
    const std::vector<double> step = multiply(covariance, scores.gradient);
    for (std::size_t k = 0; k < 4; ++k) {
      point.value[k] += step[k];
      point.error[k] = std::sqrt(covariance(k, k));
    }
    points.push_back(point);
    from = to;
  }
  return points;
}

std::vector<double> PcmLikelihood::cell_probabilities(std::span<const double> theta) const {
  std::vector<double> probabilities;
  for (const Cell& cell : cells_) {
    Local at{};
    if (cell.reads == 0 || cell.zeros > 0 || !local(theta, cell, at)) continue;
    const double growth = static_cast<double>(cell.reads) / cell.sum_inverse;
    if (std::exp(at.log_c + at.b * cell.log_x) * std::sqrt(growth) > kSmallNoise) continue;
    double width = 0.0;
    const double chi2 = profile(cell, at, mode(cell, at, width)).chi2;
    probabilities.push_back(1.0 - chi2_p_value(chi2, static_cast<double>(cell.reads)));
  }
  return probabilities;
}

}  // namespace mq
