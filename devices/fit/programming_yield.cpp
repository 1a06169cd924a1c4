#include "meltquench/devices/fit/programming_yield.h"

#include <algorithm>
#include <cmath>

namespace mq {
namespace {

constexpr std::size_t kMostBins = 30;
constexpr int kRounds = 200;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

YieldFit fit_yield(const CellReads& reads, double g_max) {
  const std::size_t n = reads.size();
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return reads.target[a] < reads.target[b]; });
  const std::size_t bins = std::clamp<std::size_t>(n / 100, 1, kMostBins);
  std::vector<std::size_t> bin_of(n);
  std::vector<double> sigma(bins), share(n, 0.99);
  for (std::size_t i = 0; i < n; ++i) bin_of[order[i]] = i * bins / n;
  for (std::size_t bin = 0; bin < bins; ++bin) {  // the median does not see the cells that failed
    std::vector<double> misses;
    for (std::size_t i = 0; i < n; ++i) {
      if (bin_of[i] == bin) misses.push_back(std::abs(reads.g[i] - reads.target[i]));
    }
    sigma[bin] = std::max(1.4826 * median(misses), 1e-6 * g_max);
  }
  double yield = 0.99;
  for (int round = 0; round < kRounds; ++round) {
    double sum = 0.0;
    std::vector<double> squares(bins, 0.0), weights(bins, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      const double miss = reads.g[i] - reads.target[i], width = sigma[bin_of[i]];
      const double good = yield * normal_density(miss / width) / width, bad = (1.0 - yield) / g_max;
      share[i] = good / (good + bad);
      sum += share[i];
      squares[bin_of[i]] += share[i] * miss * miss;
      weights[bin_of[i]] += share[i];
    }
    const double before = yield;
    yield = std::clamp(sum / static_cast<double>(n), 1e-6, 1.0 - 1e-9);
    for (std::size_t bin = 0; bin < bins; ++bin) {
      if (weights[bin] > 2.0) sigma[bin] = std::max(std::sqrt(squares[bin] / weights[bin]), 1e-6 * g_max);
    }
    if (round > 5 && std::abs(yield - before) < 1e-7) break;
  }
  YieldFit fit;
  double information = 0.0;  // of the yield, from the scores of the cells
  for (std::size_t i = 0; i < n; ++i) {
    const double score = share[i] / yield - (1.0 - share[i]) / (1.0 - yield);
    information += score * score;
    fit.converged.push_back(share[i] > 0.5);
  }
  fit.yield = estimate("yield", Unit::one, yield, 1.0 / std::sqrt(information));
  fit.yield.low = std::max(fit.yield.low, 0.0);
  fit.yield.high = std::min(fit.yield.high, 1.0);
  return fit;
}

}  // namespace mq
