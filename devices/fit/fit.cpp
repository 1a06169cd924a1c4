#include "meltquench/devices/fit/fit.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"
#include "meltquench/devices/fit/accumulative_fit.h"
#include "meltquench/devices/fit/lookup_fit.h"
#include "meltquench/devices/fit/pcm_fit.h"
#include "meltquench/devices/fit/soft_bounds_fit.h"
#include "meltquench/devices/fit/spectrum_fit.h"

namespace mq {
namespace {

constexpr double kMicro = 1e6;
constexpr double kInterval = 1.96;

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// The model that the tables are made for.
std::string chosen_model(const Measurements& all, const std::string& asked) {
  const bool has_cells = all.reads.size() + all.programmed.size() + all.spectra.size() > 0;
  const bool has_pulses = all.pulses.size() > 0;
  if (!asked.empty()) {
    const std::vector<std::string> models = fit_models();
    if (std::find(models.begin(), models.end(), asked) == models.end()) {
      throw ConfigError("the model '" + asked + "' cannot be fitted" + did_you_mean(asked, models));
    }
    if (asked == "pcm" ? !has_cells : !has_pulses) {
      throw DataError("the model '" + asked + "' is fitted to " +
                      (asked == "pcm" ? "conductance over time, programming histograms and noise spectra"
                                      : "conductance over pulses") +
                      "; none of the files holds that");
    }
    return asked;
  }
  if (has_cells && has_pulses) {
    throw ConfigError(
        "these files hold pulses and cells that were only read; name the model to fit with --model");
  }
  if (has_cells) return "pcm";
  const bool has_down = std::any_of(all.pulses.direction.begin(), all.pulses.direction.end(),
                                    [](std::int64_t direction) { return direction < 0; });
  return has_down ? "soft-bounds" : "accumulative-pcm";
}

FitPanel::Point around(double x, double y, double error) {
  return {x, y, y - kInterval * error, y + kInterval * error};
}

/// The laws over the target: what cells of similar targets say, and the line that all of them gave.
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

/// Mean conductance over time relative to the target, with the model's expectation for the same cells.
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

FitResult fit_cells(const Measurements& all, const FitRequest& request) {
  const DeviceParams base = device_from_preset(request.preset);
  if (!std::holds_alternative<Pcm::Params>(base)) {
    throw ConfigError("the preset '" + request.preset + "' is of model '" + std::string(model_name(base)) +
                      "'; a fit of 'pcm' starts from one of that model, like pcm-like");
  }
  FitResult result;
  PcmFitOptions options{
      .base = std::get<Pcm::Params>(base),
      .g_max = request.g_max,
      .prog_terms = request.prog_terms,
      .intervals = request.has_robust_intervals ? Intervals::robust : Intervals::information};
  if (options.g_max <= 0.0) {
    for (const std::vector<double>* column : {&all.reads.target, &all.programmed.target}) {
      for (const double target : *column) options.g_max = std::max(options.g_max, target);
    }
    if (options.g_max <= 0.0) options.g_max = options.base.g_max;
  }
  SpectrumFit spectra;
  if (all.spectra.size() > 0) {
    spectra = fit_spectra(all.spectra, options.g_max);
    append(result.estimates, spectra.estimates);
    append(result.goodness, spectra.goodness);
  }
  Pcm::Params params = options.base;
  if (all.reads.size() + all.programmed.size() > 0) {
    const PcmFit fit = fit_pcm(all.reads, all.programmed, spectra.law, options);
    params = fit.params;
    append(result.estimates, fit.estimates);
    append(result.goodness, fit.goodness);
    append(result.notes, fit.notes);
    result.has_converged = fit.has_converged;
    append_pcm_panels(result, fit, all.reads.size() > 0);
    if (all.reads.size() > 0) append_drift_panel(result, all.reads, params);
  } else {
    params.g_max = params.g_reference = float(options.g_max);
    params.read_noise = {.shape = LawShape::power,
                         .slope = float(spectra.law[1]),
                         .offset = float(spectra.law[0]),
                         .high = 1.0f};
    result.notes.push_back("Only the read noise was measured; the rest is the preset " + request.preset +
                           ".");
  }
  append_spectrum_panels(result, spectra, options.g_max);
  result.device = device_to_value(DeviceParams(params));
  return result;
}

std::string shortened(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string with_unit(double value, Unit unit) {
  return unit == Unit::siemens ? shortened(value * kMicro) + " uS" : shortened(value);
}

}  // namespace

std::vector<std::string> fit_models() { return {"pcm", "accumulative-pcm", "soft-bounds", "lookup-step"}; }

FitResult fit_device(const Measurements& measurements, const FitRequest& request) {
  const std::string model = chosen_model(measurements, request.model);
  FitResult result = model == "pcm"           ? fit_cells(measurements, request)
                     : model == "soft-bounds" ? fit_soft_bounds(measurements.pulses)
                     : model == "lookup-step" ? fit_lookup(measurements.pulses)
                                              : fit_accumulative(measurements.pulses);
  result.files = measurements.files;
  result.rows = static_cast<long>(measurements.reads.size() + measurements.programmed.size() +
                                  measurements.pulses.size() + measurements.spectra.size());
  return result;
}

std::string fit_to_toml(const FitResult& result) {
  std::string files;
  for (const std::string& file : result.files) files += (files.empty() ? "" : ", ") + file;
  std::string text = "summary = " +
                     to_toml_value(Value("Fitted to " + std::to_string(result.rows) + " rows of " +
                                         (files.empty() ? "data" : files) + ".")) +
                     "\n# Parameter, estimate, 95 % interval:\n";
  for (const Estimate& e : result.estimates) {
    text += "#   " + e.name + " = " + with_unit(e.value, e.unit) + "  [" + with_unit(e.low, e.unit) + ", " +
            with_unit(e.high, e.unit) + "]\n";
  }
  text += "# Goodness of fit:\n";
  for (const Goodness& g : result.goodness) {
    text += "#   " + g.what + ": " + g.statistic + " = " + shortened(g.value) + " for " +
            shortened(g.freedom) + (g.statistic == "KS" ? " samples" : " degrees of freedom") +
            ", p = " + shortened(g.p_value) + "\n";
  }
  for (const std::string& note : result.notes) text += "# " + note + "\n";
  for (const auto& entry : result.device.as_table()) {
    text += entry.key + " = " + to_toml_value(entry.value) + "\n";
  }
  return text;
}

Value fit_to_value(const FitResult& result) {
  Value table = Value::table();
  table.set_key("device", result.device);
  table.set_key("has_converged", result.has_converged);
  Value estimates = Value::array(), goodness = Value::array(), notes = Value::array(), files = Value::array();
  for (const Estimate& e : result.estimates) {
    Value entry = Value::table();
    entry.set_key("name", e.name);
    entry.set_key("unit", symbol(e.unit));
    entry.set_key("value", e.value);
    entry.set_key("standard_error", e.standard_error);
    entry.set_key("low", e.low);
    entry.set_key("high", e.high);
    estimates.as_array().push_back(std::move(entry));
  }
  for (const Goodness& g : result.goodness) {
    Value entry = Value::table();
    entry.set_key("what", g.what);
    entry.set_key("statistic", g.statistic);
    entry.set_key("value", g.value);
    entry.set_key("freedom", g.freedom);
    entry.set_key("p_value", g.p_value);
    goodness.as_array().push_back(std::move(entry));
  }
  for (const std::string& note : result.notes) notes.as_array().emplace_back(note);
  for (const std::string& file : result.files) files.as_array().emplace_back(file);
  table.set_key("estimates", std::move(estimates));
  table.set_key("goodness", std::move(goodness));
  table.set_key("notes", std::move(notes));
  table.set_key("files", std::move(files));
  return table;
}

}  // namespace mq
