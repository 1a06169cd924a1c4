#include "meltquench/devices/fit/pcm_search.h"

#include <algorithm>
#include <cmath>

#include "meltquench/core/error.h"

namespace mq {
namespace {

constexpr int kMostRounds = 12, kLastFreeRound = 3;
constexpr double kSettled = 0.2;  // standard errors by which the last round may still move

/// The most that the laws over the target may have, from what the bins suggest to nothing.
struct Limit {
  LawForm nu_mean = LawForm::clipped, nu_sigma = LawForm::clipped;
  int prog_terms = 4;
  const char* note = "";
};

constexpr Limit kLimits[] = {
    {},
    {.nu_sigma = LawForm::constant, .note = "how the spread of the drift exponent depends on the target"},
    {.nu_mean = LawForm::constant,
     .nu_sigma = LawForm::constant,
     .note = "how the drift exponent depends on the target"},
    {.nu_mean = LawForm::constant,
     .nu_sigma = LawForm::constant,
     .prog_terms = 1,
     .note = "any law over the target"}};

/// A sensible place to start from: the steps may have ended outside of where the likelihood is defined.
void keep_positive(FittedLaw& law, double low_x, double high_x, double least) {
  std::vector<double>& p = law.parameters;
  const double a = law_value(law.form, p.data(), low_x), b = law_value(law.form, p.data(), high_x);
  if (a > least && b > least) return;
  const double level = std::max({a, b, 10.0 * least});
  if (law.form == LawForm::constant) p = {level};
  if (law.form == LawForm::sloped) p = {0.0, level};
  if (law.form == LawForm::clipped) p = {-1e-3 * level, level, 0.5 * level};
}

/// The same for the polynomial, which must be positive at every target.
void keep_positive_polynomial(std::vector<double>& p, const std::vector<PcmBin>& bins,
                              const std::vector<double>& targets, double g_max) {
  const auto is_positive = [&](double target) {
    double value = 0.0, power = 1.0;
    for (const double term : p) value += term * power, power *= target / g_max;
    return value > 1e-4;
  };
  if (!p.empty() && std::all_of(targets.begin(), targets.end(), is_positive)) return;
  double mean = 0.0;
  for (const PcmBin& bin : bins) mean += bin.miss.sigma / static_cast<double>(bins.size());
  std::fill(p.begin(), p.end(), 0.0);
  p[0] = std::max(mean, 1e-3);
}

/// Form and parameters to start from.
struct Place {
  PcmForm form;
  std::vector<double> parameters{};
};

Place place_of(const ReadsByCell& cells, const PcmSetting& setting, const PcmStart& start,
               const Limit& limit) {
  Place place{.form = start.form};
  place.form.prog_terms = std::min(start.form.prog_terms, limit.prog_terms);
  place.parameters = fit_prog_noise(start.written, place.form.prog_terms);
  keep_positive_polynomial(place.parameters, start.written, cells.target, setting.g_max);
  if (start.drift.empty()) {
    place.form.nu_mean = place.form.nu_sigma = LawForm::constant;
    place.parameters.insert(place.parameters.end(), {start.nu_mean, start.nu_sigma});
  } else {
    const auto [least, most] = std::minmax_element(cells.target.begin(), cells.target.end());
    const double low_x = std::log(*least / setting.g_max), high_x = std::log(*most / setting.g_max);
    for (const bool is_mean : {true, false}) {
      FittedLaw law =
          is_mean ? fit_nu_mean(start.drift, limit.nu_mean) : fit_nu_sigma(start.drift, limit.nu_sigma);
      keep_positive(law, low_x, high_x, is_mean ? -1.0 : 1e-4);
      (is_mean ? place.form.nu_mean : place.form.nu_sigma) = law.form;
      place.parameters.insert(place.parameters.end(), law.parameters.begin(), law.parameters.end());
    }
  }
  if (place.form.read_terms > 0) place.parameters.push_back(place.form.read_noise[0]);
  if (place.form.read_terms > 1) place.parameters.push_back(place.form.read_noise[1]);
  return place;
}

/// Nodes are placed where the start is, and again where it led. False if the likelihood has no value there.
bool climb(PcmMaximum& found, std::vector<double> start) {
  const ScoreFunction function = [&](std::span<const double> theta) { return found.likelihood(theta); };
  found.maximum.at = std::move(start);
  for (int round = 0; round < kMostRounds && !found.has_settled; ++round) {
    const std::vector<double> before = found.maximum.at;
    if (!found.likelihood.place_nodes(before)) return false;
    found.maximum = maximize(function, before, 30, round == 0 ? 1.0 : 1e-3);
    Maximum& maximum = found.maximum;
    found.has_settled = maximum.has_converged && round > 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double error = std::sqrt(maximum.covariance(i, i));
      if (std::isfinite(error) && std::abs(maximum.at[i] - before[i]) > kSettled * error)
        found.has_settled = false;
      // Where the reads say little of the spread of nu, nodes and maximum may chase each other.
      if (round >= kLastFreeRound && !found.has_settled) maximum.at[i] = 0.5 * (maximum.at[i] + before[i]);
    }
  }
  return true;
}

void find_covariance(PcmMaximum& found, Intervals intervals) {
  found.likelihood.fix_clips(found.maximum.at);
  const ScoreFunction function = [&](std::span<const double> theta) { return found.likelihood(theta); };
  found.covariance = intervals == Intervals::robust ? sandwich_covariance(function, found.maximum)
                                                    : found.maximum.covariance;
}

/// Whether every parameter that was searched for has an interval: not on the edge of what is possible.
bool has_intervals(const PcmMaximum& found) {
  const auto held_from = static_cast<std::size_t>(found.form.nu_mean_at()),
             held_to = static_cast<std::size_t>(found.form.read_at());
  for (std::size_t i = 0; i < found.covariance.size; ++i) {
    if (found.form.holds_drift && i >= held_from && i < held_to) continue;
    if (!std::isfinite(found.covariance(i, i))) return false;
  }
  return true;
}

}  // namespace

PcmMaximum search_pcm(const ReadsByCell& cells, const PcmSetting& setting, const PcmStart& start,
                      Intervals intervals, std::vector<std::string>& notes) {
  std::optional<PcmMaximum> last;
  for (const Limit& limit : kLimits) {
    const Place place = place_of(cells, setting, start, limit);
    if (last && last->form.size() == place.form.size()) continue;  // it takes nothing away
    PcmMaximum found{.form = place.form, .likelihood = PcmLikelihood(cells, setting, place.form)};
    if (!climb(found, place.parameters)) continue;
    find_covariance(found, intervals);
    last = std::move(found);
    if (!last->has_settled || !has_intervals(*last)) continue;
    if (*limit.note != 0) {
      notes.push_back(std::string("These cells are too few to tell ") + limit.note +
                      "; it was taken as constant. Read more cells to tell it.");
    }
    return std::move(*last);
  }
  if (last) return std::move(*last);
  throw DataError(
      "no device of the model pcm explains these reads; are units and times those of the column names?");
}

}  // namespace mq
