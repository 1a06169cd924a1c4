#include "meltquench/devices/fit/pcm_fit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "meltquench/core/error.h"
#include "meltquench/core/units.h"
#include "meltquench/devices/fit/pcm_cells.h"
#include "meltquench/devices/fit/pcm_told.h"

namespace mq {
namespace {

constexpr std::size_t kMostPoints = 30;

std::size_t different_targets(const ReadsByCell& reads) {
  return std::set<double>(reads.target.begin(), reads.target.end()).size();
}

/// What is wrong, and what was noted on the way to it.
std::string with_notes(std::string text, const std::vector<std::string>& notes) {
  for (const std::string& note : notes)
    text += (text.ends_with('.') || text.ends_with('?') ? " " : ". ") + note;
  return text;
}

/// ln x of the smallest, the median and the largest target: where laws are held against what can be.
std::vector<double> measured_log_x(const ReadsByCell& cells, const PcmSetting& setting) {
  std::vector<double> targets = cells.target;
  std::sort(targets.begin(), targets.end());
  return {std::log(targets.front() / setting.g_max), std::log(targets[targets.size() / 2] / setting.g_max),
          std::log(targets.back() / setting.g_max)};
}

StateLaw state_law(LawForm form, const double* parameters, double first_log_x, double last_log_x) {
  const double a = law_value(form, parameters, first_log_x), b = law_value(form, parameters, last_log_x);
  StateLaw law{.shape = LawShape::logarithmic, .low = float(std::min(a, b)), .high = float(std::max(a, b))};
  if (form == LawForm::constant) {
    law.offset = float(parameters[0]);
  } else {
    law.slope = float(parameters[0]), law.offset = float(parameters[1]);
  }
  if (form == LawForm::clipped) law.low = float(parameters[2]);
  law.high = std::max(law.high, law.low);
  return law;
}

void name_law(std::vector<std::string>& names, const std::string& law, LawForm form) {
  if (form != LawForm::constant) {
    names.push_back(law + ".slope");
    names.push_back(law + ".offset");
  }
  if (form != LawForm::sloped) names.push_back(law + ".low");
}

std::vector<std::string> parameter_names(const PcmForm& form) {
  std::vector<std::string> names;
  for (int i = 0; i < form.prog_terms; ++i) names.push_back("prog_noise[" + std::to_string(i) + "]");
  name_law(names, "nu_mean", form.nu_mean);
  name_law(names, "nu_sigma", form.nu_sigma);
  if (form.read_terms > 0) names.push_back("read_noise.offset");
  if (form.read_terms > 1) names.push_back("read_noise.slope");
  return names;
}

/// chi2 of the points against the law that all cells gave.
void append_law_goodness(PcmFit& fit, const std::string& name, std::size_t which, int terms,
                         const std::function<double(const PcmPoint&)>& law) {
  double chi2 = 0.0;
  for (const PcmPoint& point : fit.points) {
    chi2 += std::pow((point.value[which] - law(point)) / point.error[which], 2);
  }
  const double freedom = static_cast<double>(fit.points.size()) - terms;
  if (freedom < 1.0) return;
  fit.goodness.push_back({name + " over the target", "chi2", chi2, freedom, chi2_p_value(chi2, freedom)});
}

}  // namespace

PcmFit fit_pcm(const CellReads& over_time, const CellReads& programmed, const std::vector<double>& read_noise,
               const PcmFitOptions& options) {
  PcmSetting setting{.g_max = options.g_max, .t0 = options.base.t0, .t_read = options.base.t_read};
  if (setting.g_max <= 0.0) {
    for (const CellReads* reads : {&over_time, &programmed}) {
      for (const double target : reads->target) setting.g_max = std::max(setting.g_max, target);
    }
  }
  if (setting.g_max <= 0.0) throw DataError("no cell has a target above 0; nothing can be fitted");

  PcmFit fit;
  std::size_t left_out = 0;
  const CellReads drifting = without_failures(usable_reads(over_time, setting, left_out), setting, false,
                                              fit.estimates, fit.notes),
                  written = without_failures(usable_reads(programmed, setting, left_out), setting, true,
                                             fit.estimates, fit.notes);
  if (left_out > 0) {
    fit.notes.push_back(std::to_string(left_out) + " cells with targets below " +
                        format_quantity(float(kLeastPcmTarget * setting.g_max), Unit::siemens) +
                        " were left out: the laws are logarithmic in the target.");
  }
  const ReadsByCell drift_cells = by_cell(drifting);
  const std::vector<PcmBin> bins = drift_bins(drift_cells, setting);
  const bool has_drift = !bins.empty();
  if (!has_drift && drifting.size() > 0) {
    throw DataError(
        "conductance over time needs at least 8 cells per target with two reads at different times; found "
        "none");
  }
  if (has_drift) {
    check_time_span(drift_cells);
    check_conductance_at_t0(drift_cells, setting, fit.notes);
  }

  // The form: what the bins can carry.
  Measurements all{.reads = drifting};
  all.append({.reads = written});
  const ReadsByCell cells = by_cell(all.reads);
  if (cells.cells() < kLeastPcmCells) {
    throw DataError(with_notes("there are reads of " + std::to_string(cells.cells()) +
                                   " cells with a target; at least " + std::to_string(kLeastPcmCells) +
                                   " are needed",
                               fit.notes));
  }
  const std::size_t levels = different_targets(cells);
  fit.form.prog_terms =
      static_cast<int>(std::min<std::size_t>(levels, static_cast<std::size_t>(options.prog_terms)));
  const StateLaw& base_noise = options.base.read_noise;
  std::vector<double> noise = read_noise;
  if (noise.empty() && has_drift) noise = fit_read_noise(bins);
  const bool holds_noise = !read_noise.empty() || noise.empty();
  if (noise.empty()) {
    const bool is_power = base_noise.shape == LawShape::power;
    noise = {is_power ? base_noise.offset : base_noise(0.5f), is_power ? base_noise.slope : 0.0};
    fit.notes.push_back("The read noise cannot be told from these tables; it was held at the base device's.");
  }
  fit.form.read_terms = holds_noise ? 0 : levels > 1 ? 2 : 1;
  fit.form.read_noise[0] = noise[0], fit.form.read_noise[1] = noise[1];

  std::vector<PcmBin> prog_bins = bins;
  if (written.size() > 0) {
    for (const PcmBin& bin : programming_bins(by_cell(written), setting, noise)) prog_bins.push_back(bin);
  }
  const auto [least, most] = std::minmax_element(cells.target.begin(), cells.target.end());
  const double first_log_x = std::log(*least / setting.g_max), last_log_x = std::log(*most / setting.g_max);
  fit.form.holds_drift = !has_drift;
  if (!has_drift) fit.notes.push_back("There is no conductance over time; the drift is the base device's.");
  PcmMaximum found = search_pcm(cells, setting,
                                {.form = fit.form,
                                 .drift = bins,
                                 .written = prog_bins,
                                 .nu_mean = options.base.nu_mean(0.5f),
                                 .nu_sigma = options.base.nu_sigma(0.5f)},
                                options.intervals, fit.notes);
  const PcmLikelihood& likelihood = found.likelihood;
  fit.form = found.form;
  fit.at = found.maximum.at;
  fit.has_converged = found.has_settled;
  if (!fit.has_converged) {
    fit.notes.push_back("The search for the maximum of the likelihood did not converge for " +
                        std::to_string(cells.cells()) +
                        " cells; read more cells, or the same cells over more decades of time.");
  }
  const SymmetricMatrix& covariance = found.covariance;

  try {
    check_pcm_told(fit.form, fit.at, covariance, measured_log_x(cells, setting), has_drift);
  } catch (const DataError& error) {
    throw DataError(with_notes(error.what(), fit.notes));
  }

  const std::vector<std::string> names = parameter_names(fit.form);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool is_prog = static_cast<int>(i) < fit.form.prog_terms;
    const double scale = is_prog ? setting.g_max : 1.0;
    if (!has_drift && !is_prog) continue;
    fit.estimates.push_back(estimate(names[i], is_prog ? Unit::siemens : Unit::one, scale * fit.at[i],
                                     scale * std::sqrt(covariance(i, i))));
  }

  check_told(fit.estimates);
  fit.cells = static_cast<long>(likelihood.cells());
  fit.rows = static_cast<long>(likelihood.reads());

  fit.params = options.base;
  fit.params.g_max = fit.params.g_reference = float(setting.g_max);
  fit.params.prog_noise = {};
  fit.params.prog_noise_scale = fit.params.nu_mean_scale = fit.params.nu_sigma_scale = 1.0f;
  fit.params.prog_noise_device_share = fit.params.nu_device_share =
      0.0f;  // one programming per cell tells no split
  fit.params.read_noise_spread = fit.params.projection = 0.0f;
  for (int i = 0; i < fit.form.prog_terms; ++i) {
    fit.params.prog_noise[static_cast<std::size_t>(i)] =
        float(fit.at[static_cast<std::size_t>(i)] * setting.g_max);
  }
  if (has_drift) {
    fit.params.nu_mean = state_law(fit.form.nu_mean, &fit.at[static_cast<std::size_t>(fit.form.nu_mean_at())],
                                   first_log_x, last_log_x);
    fit.params.nu_sigma =
        state_law(fit.form.nu_sigma, &fit.at[static_cast<std::size_t>(fit.form.nu_sigma_at())], first_log_x,
                  last_log_x);
  }
  if (fit.form.read_terms > 0 || !read_noise.empty()) {
    const auto read_at = static_cast<std::size_t>(fit.form.read_at());
    const double c = fit.form.read_terms > 0 ? fit.at[read_at] : noise[0];
    const double b = fit.form.read_terms > 1    ? fit.at[read_at + 1]
                     : fit.form.read_terms == 1 ? 0.0
                                                : noise[1];
    const double edge = c * std::max(std::exp(b * first_log_x), std::exp(b * last_log_x));
    fit.params.read_noise_scale = 1.0f;
    fit.params.read_noise = {
        .shape = LawShape::power, .slope = float(b), .offset = float(c), .low = 0.0f, .high = float(edge)};
  }

  fit.points = likelihood.points(fit.at, kMostPoints);
  append_law_goodness(fit, "prog_noise", 0, fit.form.prog_terms, [&](const PcmPoint& point) {
    double value = 0.0;
    for (int i = fit.form.prog_terms; i-- > 0;) value = value * point.x + fit.at[static_cast<std::size_t>(i)];
    return value;
  });
  if (has_drift) {
    append_law_goodness(fit, "nu_mean", 1, parameters(fit.form.nu_mean), [&](const PcmPoint& point) {
      return law_value(fit.form.nu_mean, &fit.at[static_cast<std::size_t>(fit.form.nu_mean_at())],
                       point.log_x);
    });
    append_law_goodness(fit, "nu_sigma", 2, parameters(fit.form.nu_sigma), [&](const PcmPoint& point) {
      return law_value(fit.form.nu_sigma, &fit.at[static_cast<std::size_t>(fit.form.nu_sigma_at())],
                       point.log_x);
    });
    append_law_goodness(fit, "read_noise", 3, fit.form.read_terms, [](const PcmPoint&) { return 1.0; });
  }
  std::vector<double> probabilities = likelihood.cell_probabilities(fit.at);
  if (!probabilities.empty()) {
    const double n = static_cast<double>(probabilities.size()),
                 distance = ks_distance_to_uniform(probabilities);
    fit.goodness.push_back({"chi2 of the cells", "KS", distance, n, ks_p_value(distance, n)});
  }
  return fit;
}

}  // namespace mq
