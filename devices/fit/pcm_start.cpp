#include "meltquench/devices/fit/pcm_start.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace mq {
namespace {

constexpr std::size_t kMostBins = 30;
constexpr std::size_t kLeastMembers = 8;

/// Which bin each target falls into: one per value if they are few, with those of too few cells beside the
/// next ones, else equal numbers of cells.
std::vector<std::vector<std::size_t>> bins_of(const std::vector<double>& targets) {
  std::map<double, std::vector<std::size_t>> levels;
  for (std::size_t i = 0; i < targets.size(); ++i) levels[targets[i]].push_back(i);
  std::vector<std::vector<std::size_t>> bins;
  if (levels.size() <= kMostBins) {
    for (auto& [target, cells] : levels) {
      if (bins.empty() || bins.back().size() >= kLeastMembers) bins.emplace_back();
      bins.back().insert(bins.back().end(), cells.begin(), cells.end());
    }
    if (bins.size() > 1 && bins.back().size() < kLeastMembers) {
      std::vector<std::size_t>& last_but_one = bins[bins.size() - 2];
      last_but_one.insert(last_but_one.end(), bins.back().begin(), bins.back().end());
      bins.pop_back();
    }
    return bins;
  }
  std::vector<std::size_t> order(targets.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return targets[a] < targets[b]; });
  const std::size_t count = std::clamp<std::size_t>(order.size() / kLeastMembers, 1, kMostBins);
  for (std::size_t bin = 0; bin < count; ++bin) {
    const auto from = static_cast<std::ptrdiff_t>(bin * order.size() / count),
               to = static_cast<std::ptrdiff_t>((bin + 1) * order.size() / count);
    if (to > from) bins.emplace_back(order.begin() + from, order.begin() + to);
  }
  return bins;
}

template <class F>
std::vector<double> per_bin(const std::vector<PcmBin>& bins, F&& f) {
  std::vector<double> values;
  for (const PcmBin& bin : bins) values.push_back(f(bin));
  return values;
}

std::vector<double> log_xs(const std::vector<PcmBin>& bins) {
  return per_bin(bins, [](const PcmBin& b) { return b.log_x; });
}

}  // namespace

std::vector<PcmBin> drift_bins(const ReadsByCell& reads, const PcmSetting& setting) {
  const std::vector<CellDrift> cells = drift_per_cell(reads, setting, ReadWeights::white);
  std::vector<double> targets;
  for (const CellDrift& cell : cells) targets.push_back(cell.target);
  std::vector<PcmBin> result;
  for (const auto& members : bins_of(targets)) {
    if (members.size() < kLeastMembers) continue;
    double residual = 0.0, freedom = 0.0;
    for (const std::size_t i : members) residual += cells[i].residual, freedom += cells[i].freedom;
    PcmBin bin{.cells = static_cast<int>(members.size())};
    bin.read_noise = freedom > 0.0 ? std::sqrt(residual / freedom) : 0.0;
    bin.read_noise_error = freedom > 0.0 ? bin.read_noise / std::sqrt(2.0 * freedom) : 0.0;
    std::vector<double> nu, nu_error, miss, miss_error;
    for (const std::size_t i : members) {
      const CellDrift& cell = cells[i];
      const double x = cell.target / setting.g_max;
      bin.x += x / bin.cells;
      bin.log_x += std::log(x) / bin.cells;
      nu.push_back(cell.nu), nu_error.push_back(cell.nu_unit * bin.read_noise);
      miss.push_back(cell.g / setting.g_max - x), miss_error.push_back(x * cell.g_unit * bin.read_noise);
    }
    bin.nu = deconvolved_spread(nu, nu_error);
    bin.miss = deconvolved_spread(miss, miss_error);
    result.push_back(bin);
  }
  return result;
}

std::vector<PcmBin> programming_bins(const ReadsByCell& reads, const PcmSetting& setting,
                                     std::span<const double> read_noise) {
  std::vector<PcmBin> result;
  for (const auto& members : bins_of(reads.target)) {
    if (members.size() < kLeastMembers) continue;
    PcmBin bin{.cells = static_cast<int>(members.size())};
    std::vector<double> miss, miss_error;
    for (const std::size_t i : members) {
      const double x = reads.target[i] / setting.g_max;
      const double growth = std::log((reads.ages(i)[0] + setting.t_read) / (2.0 * setting.t_read));
      bin.x += x / bin.cells;
      bin.log_x += std::log(x) / bin.cells;
      miss.push_back(reads.values(i)[0] / setting.g_max - x);
      miss_error.push_back(read_noise[0] * std::pow(x, read_noise[1] + 1.0) * std::sqrt(growth));
    }
    bin.miss = deconvolved_spread(miss, miss_error);
    result.push_back(bin);
  }
  return result;
}

FittedLaw fit_law(std::span<const double> log_x, std::span<const double> values,
                  std::span<const double> errors, LawForm most) {
  const std::size_t n = values.size();
  std::vector<double> weights;
  for (const double error : errors) weights.push_back(1.0 / (error * error));
  const double penalty = std::log(static_cast<double>(std::max<std::size_t>(n, 2)));
  const auto straight = [&](double knee, bool is_sloped) {  // low + slope min(ln x - knee, 0)
    std::vector<double> design;
    for (const double l : log_x) {
      design.push_back(1.0);
      if (is_sloped) design.push_back(std::min(l - knee, 0.0));
    }
    return least_squares(design, values, weights);
  };
  const LeastSquares flat = straight(0.0, false);
  FittedLaw best{.form = LawForm::constant,
                 .parameters = flat.at,
                 .chi2 = flat.chi2,
                 .freedom = static_cast<double>(n) - 1.0};
  double least = flat.chi2 + penalty;
  if (n < 2 || most == LawForm::constant) return best;
  const double last = *std::max_element(log_x.begin(), log_x.end());
  const LeastSquares sloped = straight(last, true);
  if (sloped.chi2 + 2.0 * penalty < least) {
    least = sloped.chi2 + 2.0 * penalty;
    best = {.form = LawForm::sloped,
            .parameters = {sloped.at[1], sloped.at[0] - sloped.at[1] * last},
            .chi2 = sloped.chi2,
            .freedom = static_cast<double>(n) - 2.0};
  }
  if (n < 5 || most == LawForm::sloped) return best;
  const double first = *std::min_element(log_x.begin(), log_x.end());
  for (int i = 4; i < 80; ++i) {
    const double knee = first + (last - first) * i / 80.0;
    const LeastSquares fit = straight(knee, true);
    if (fit.chi2 + 3.0 * penalty < least && fit.at[1] < 0.0) {
      least = fit.chi2 + 3.0 * penalty;
      best = {.form = LawForm::clipped,
              .parameters = {fit.at[1], fit.at[0] - fit.at[1] * knee, fit.at[0]},
              .chi2 = fit.chi2,
              .freedom = static_cast<double>(n) - 3.0};
    }
  }
  return best;
}

FittedLaw fit_nu_mean(const std::vector<PcmBin>& bins, LawForm most) {
  return fit_law(log_xs(bins), per_bin(bins, [](const PcmBin& b) { return b.nu.mean; }),
                 per_bin(bins, [](const PcmBin& b) { return std::max(b.nu.mean_error, 1e-9); }), most);
}

FittedLaw fit_nu_sigma(const std::vector<PcmBin>& bins, LawForm most) {
  return fit_law(log_xs(bins), per_bin(bins, [](const PcmBin& b) { return b.nu.sigma; }),
                 per_bin(bins, [](const PcmBin& b) { return std::max(b.nu.sigma_error, 1e-9); }), most);
}

std::vector<double> fit_prog_noise(const std::vector<PcmBin>& bins, int terms) {
  std::vector<double> design, values, weights;
  for (const PcmBin& bin : bins) {
    double power = 1.0;
    for (int i = 0; i < terms; ++i, power *= bin.x) design.push_back(power);
    values.push_back(bin.miss.sigma);
    weights.push_back(1.0 / std::max(bin.miss.sigma_error * bin.miss.sigma_error, 1e-18));
  }
  return least_squares(design, values, weights).at;
}

std::vector<double> fit_read_noise(const std::vector<PcmBin>& bins) {
  std::vector<double> design, values, weights;
  for (const PcmBin& bin : bins) {
    if (bin.read_noise <= 0.0) continue;
    design.push_back(1.0);
    design.push_back(bin.log_x);
    values.push_back(std::log(bin.read_noise));
    weights.push_back(std::pow(bin.read_noise / bin.read_noise_error, 2));
  }
  if (values.empty()) return {};
  if (values.size() == 1) return {std::exp(values[0]), 0.0};
  const LeastSquares fit = least_squares(design, values, weights);
  return {std::exp(fit.at[0]), fit.at[1]};
}

}  // namespace mq
