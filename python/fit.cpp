#include "meltquench/devices/fit/fit.h"

#include "meltquench/core/units.h"
#include "meltquench/devices/fit/csv.h"
#include "meltquench/devices/fit/synthesize.h"
#include "meltquench/experiment/fit_report.h"
#include "meltquench/python/bindings.h"
#include "meltquench/python/watch.h"

namespace mq::python {
namespace {

/// Arrays are arguments: what is wrong with them, or missing from them, is a ValueError, not one of files.
template <class F>
auto as_argument(F&& work) {
  try {
    return work();
  } catch (const DataError& error) {
    throw ConfigError(error.what());
  }
}

py::dict fit_tables(const std::vector<std::string>& paths,
                    const std::vector<std::pair<std::string, std::string>>& tables, const py::object& model,
                    const py::object& preset, const py::object& g_max, const py::object& prog_terms) {
  FitRequest request{.model = text(model, "model"), .preset = text(preset, "preset")};
  if (!g_max.is_none()) {
    const Value given = to_value(g_max, "g_max");
    request.g_max = given.is_text() ? parse_quantity(given.as_text(), Unit::siemens) : given.as_number();
    if (!(request.g_max > 0.0)) throw ConfigError("g_max must be above 0 S; give it like \"25 uS\"");
  }
  request.prog_terms = static_cast<int>(whole_number(prog_terms, "prog_terms", 4));
  if (request.prog_terms == 0) throw ConfigError("prog_terms must be a whole number from 1 to 4");
  FitResult result;
  std::string toml, picture;
  run_interruptible([&] {
    Measurements all;
    for (const std::string& path : paths) all.append(load_measurements(path));
    for (const auto& [name, text] : tables)
      all.append(as_argument([&, &name = name, &text = text] { return parse_measurements(text, name); }));
    result = as_argument([&] { return fit_device(all, request); });
    toml = fit_to_toml(result);
    if (!result.panels.empty()) picture = fit_picture(result);
  });
  py::dict answer = from_value(fit_to_value(result));
  answer["toml"] = toml;
  answer["picture"] = picture;
  return answer;
}

template <class T>
py::array column(const std::vector<T>& values) {
  return owning_array(std::vector<T>(values), {static_cast<py::ssize_t>(values.size())});
}

py::dict reads_to_python(const CellReads& reads, bool has_time) {
  py::dict columns;
  columns["cell"] = column(reads.cell);
  columns["target_S"] = column(reads.target);
  if (has_time) columns["time_s"] = column(reads.age);
  columns["g_S"] = column(reads.g);
  return columns;
}

py::dict synthesize(const py::object& kind_name, const py::object& device, const py::object& cells,
                    const py::object& programming_time, const py::object& pulses, const py::object& sequences,
                    const py::object& seed) {
  const std::string kind = text(kind_name, "kind");
  const DeviceParams params = device_from_value(to_value(device, "device"), "device");
  const auto count = static_cast<int>(whole_number(cells, "cells", 1'000'000));
  const std::uint64_t number = whole_number(seed, "seed", std::uint64_t(1) << 53);
  const double duration = seconds(programming_time, "programming_time");
  const std::vector<double> levels = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
  if (kind == "drift") {
    const DriftExperiment experiment = drift_experiment(params, count, duration, number);
    return reads_to_python(run_interruptible([&] { return synthesize_drift(params, experiment); }), true);
  }
  if (kind == "programming") {
    return reads_to_python(
        run_interruptible([&] { return synthesize_programming(params, count, levels, 0.0, number); }), false);
  }
  py::dict columns;
  if (kind == "pulses") {
    const PulseExperiment experiment{.cells = count,
                                     .sequences = static_cast<int>(whole_number(sequences, "sequences", 100)),
                                     .pulses = static_cast<int>(whole_number(pulses, "pulses", 100'000)),
                                     .seed = number};
    const PulseReads reads = run_interruptible([&] { return synthesize_pulses(params, experiment); });
    columns["cell"] = column(reads.cell);
    columns["sequence"] = column(reads.sequence);
    columns["pulse"] = column(reads.pulse);
    columns["direction"] = column(reads.direction);
    columns["g_S"] = column(reads.g);
    return columns;
  }
  if (kind == "spectra") {
    const NoiseSpectra spectra = synthesize_spectra(params, levels, number);
    columns["g_S"] = column(spectra.g);
    columns["frequency_Hz"] = column(spectra.frequency);
    columns["psd_S2_per_Hz"] = column(spectra.density);
    return columns;
  }
  throw ConfigError("kind = '" + kind + "' is not known; choose drift, programming, pulses or spectra");
}

}  // namespace

void bind_fit(py::module_& module) {
  using namespace py::literals;
  module.def("fit_tables", &fit_tables, "paths"_a, "tables"_a, "model"_a, "preset"_a, "g_max"_a,
             "prog_terms"_a,
             "fit_tables(paths, tables, model, preset, g_max, prog_terms)\n--\n\nWhat `fit` calls.");
  module.def("synthesize", &synthesize, "kind"_a, "device"_a = "pcm-like", py::kw_only(), "cells"_a = 2000,
             "programming_time"_a = 0.0, "pulses"_a = 100, "sequences"_a = 1, "seed"_a = 1, R"(
synthesize(kind, device='pcm-like', *, cells=2000, programming_time=0.0, pulses=100, sequences=1, seed=1)
--

Measurements that the cells of a device would show, drawn from the device model itself.

kind: "drift" (conductance over time; the array takes `programming_time` to program, in random order),
"programming", "pulses" (`sequences` per cell, `pulses` in each direction) or "spectra". device: a preset's
name or a dict. Returns a dict of arrays by the names of the columns of a CSV file, as `fit` takes it.
Raises ValueError if the device has no such measurement.

Example:
    >>> import meltquench as mq
    >>> reads = mq.synthesize("drift", "pcm-like", cells=100)
    >>> sorted(reads)
    ['cell', 'g_S', 'target_S', 'time_s']
    >>> len(reads["g_S"])
    500
)" + 1);
}

}  // namespace mq::python
