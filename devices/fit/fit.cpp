#include "meltquench/devices/fit/fit.h"

#include <algorithm>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"
#include "meltquench/devices/fit/accumulative_fit.h"
#include "meltquench/devices/fit/fit_panels.h"
#include "meltquench/devices/fit/lookup_fit.h"
#include "meltquench/devices/fit/pcm_fit.h"
#include "meltquench/devices/fit/plausible.h"
#include "meltquench/devices/fit/soft_bounds_fit.h"
#include "meltquench/devices/fit/spectrum_fit.h"

namespace mq {
namespace {

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
  double largest = 0.0;
  for (const std::vector<double>* column : {&all.reads.target, &all.programmed.target}) {
    for (const double target : *column) largest = std::max(largest, target);
  }
  if (options.g_max <= 0.0) options.g_max = largest > 0.0 ? largest : options.base.g_max;
  check_plausible_cells(all, std::max(largest, options.g_max), options.base.t_read);
  SpectrumFit spectra;
  if (all.spectra.size() > 0) {
    spectra = fit_spectra(all.spectra, options.g_max);
    check_told(spectra.estimates);
    result.rows_used += static_cast<long>(all.spectra.size());
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
    result.rows_used += fit.rows;
    result.cells_used = fit.cells;
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

FitResult fit_pulses(const std::string& model, const PulseReads& pulses) {
  check_plausible_pulses(pulses);
  return model == "soft-bounds"   ? fit_soft_bounds(pulses)
         : model == "lookup-step" ? fit_lookup(pulses)
                                  : fit_accumulative(pulses);
}

/// What is written can be read again, by the same code that reads it for a run.
void check_device(FitResult& result) {
  check_told(result.estimates);
  try {
    const DeviceParams device = device_from_value(result.device, "device");
    result.device = device_to_value(device);
    Value written = parse_toml(fit_to_toml(result), "preset");
    written.erase_key("summary");
    device_from_value(written, "device");
  } catch (const ConfigError& error) {
    throw DataError(std::string("no config would take the fitted device: ") + error.what());
  }
}

}  // namespace

std::vector<std::string> fit_models() { return {"pcm", "accumulative-pcm", "soft-bounds", "lookup-step"}; }

FitResult fit_device(const Measurements& measurements, const FitRequest& request) {
  const std::string model = chosen_model(measurements, request.model);
  FitResult result =
      model == "pcm" ? fit_cells(measurements, request) : fit_pulses(model, measurements.pulses);
  result.files = measurements.files;
  result.rows = static_cast<long>(measurements.reads.size() + measurements.programmed.size() +
                                  measurements.pulses.size() + measurements.spectra.size());
  check_device(result);
  return result;
}

}  // namespace mq
