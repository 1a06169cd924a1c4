#include "meltquench/training/evaluate.h"

#include <algorithm>
#include <limits>

#include "meltquench/core/config.h"
#include "meltquench/core/digest.h"
#include "meltquench/core/files.h"
#include "meltquench/core/overrides.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/version.h"
#include "meltquench/experiment/analog_network.h"
#include "meltquench/experiment/experiment.h"
#include "meltquench/experiment/results.h"
#include "meltquench/experiment/side_by_side.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/python/keywords.h"
#include "meltquench/python/network.h"
#include "meltquench/python/watch.h"

namespace mq::python {
namespace {

py::list rows_to_python(const std::vector<AccuracyRow>& rows) {
  py::list list;
  for (const AccuracyRow& row : rows) {
    py::dict entry;
    entry["variant"] = row.variant;
    entry["compensation"] = row.compensation;
    entry["time"] = row.time;
    entry["chips"] = row.chips;
    entry["mean"] = row.mean;
    entry["ci95_low"] = row.ci95_low;
    entry["ci95_high"] = row.ci95_high;
    entry["min"] = row.min;
    entry["max"] = row.max;
    entry["digital"] = row.digital;
    entry["per_chip"] = row.per_chip;
    list.append(entry);
  }
  return list;
}

py::dict result_to_python(const std::vector<AccuracyRow>& rows, const std::string& table,
                          const std::string& html, const std::string& digest, const std::string& folder) {
  py::dict result;
  result["rows"] = rows_to_python(rows);
  result["table"] = table;
  result["page"] = py::bytes(html);
  result["digest"] = digest;
  result["folder"] = folder;
  return result;
}

/// One table per point of a sweep; the rows of a sweep end in the label of their point, " (adc.bits=4)".
std::string table_of(const std::vector<AccuracyRow>& rows, const std::vector<SweepPoint>& points) {
  std::string text;
  for (const SweepPoint& point : points) {
    const std::string label = point.label(), suffix = label.empty() ? "" : " (" + label + ")";
    ReportData data;
    for (AccuracyRow row : rows) {
      if (!row.variant.ends_with(suffix)) continue;
      row.variant.resize(row.variant.size() - suffix.size());
      data.rows.push_back(std::move(row));
    }
    text += (text.empty() ? "" : "\n") + (label.empty() ? "" : label + "\n") + text_table(data);
  }
  return text;
}

py::dict evaluate_config(const py::object& config, const py::object& set, const py::object& output,
                         const py::object& threads, const py::object& backend, const py::object& progress) {
  std::vector<std::string> overrides;
  const Value set_values = to_value(set, "set");
  if (!set_values.is_array()) throw ConfigError("set must be a list of texts like \"adc.bits=6\"");
  for (const Value& item : set_values.as_array()) {
    if (!item.is_text()) throw ConfigError("set must be a list of texts like \"adc.bits=6\"");
    overrides.push_back(item.as_text());
  }
  Value table;
  if (py::isinstance<py::dict>(config)) {
    table = to_value(config, "config");
    apply_overrides(table, overrides);
  } else {
    table = load_config(path_text(config), overrides);
  }
  const std::vector<SweepPoint> points = sweep_points(table);
  RunOptions options{.output = path_text(output),
                     .exec = RunKeywords::from(py::int_(0), threads, backend).exec()};
  RunOutcome outcome;
  std::string page;
  run_watched(progress, [&](ProgressSink& sink) {
    options.progress = &sink;
    outcome = run_experiment(points, options);
    page = read_file(outcome.folder / "report.html");
  });
  return result_to_python(outcome.rows, table_of(outcome.rows, points), page, outcome.digest,
                          outcome.folder.string());
}

/// From keywords that are keys of [eval].
EvalParams eval_from(const py::dict& keywords) {
  Value table = Value::table();
  for (const auto& [key, value] : keywords) {
    const std::string name = py::str(key);
    table.set_key(name, to_value(value, name));
  }
  EvalParams eval;
  with_keywords([&] { mq::from_value(eval, table, "eval"); });
  return eval;
}

py::dict evaluate_network(const py::sequence& layers, const py::object& images, const py::object& labels,
                          const py::object& device, const py::dict& keywords, const py::dict& evaluation,
                          const py::object& calibration, const py::object& seed, const py::object& threads,
                          const py::object& backend, const py::object& progress) {
  const Network network = network_from(layers);
  const FloatArray x = images_from(images, "images", network);
  const auto count = static_cast<std::size_t>(x.shape(0));
  const std::vector<std::uint8_t> classes = labels_from(labels, count, network.output().size());
  const EvalParams eval = eval_from(evaluation);
  const FloatArray typical = calibration.is_none() ? x : images_from(calibration, "calibration", network);
  const std::size_t typical_count =
      std::min<std::size_t>(static_cast<std::size_t>(typical.shape(0)),
                            calibration.is_none() ? static_cast<std::size_t>(eval.calibration_images)
                                                  : std::numeric_limits<std::size_t>::max());
  const HardwareConfig hardware(hardware_from(device, keywords, {.converter_bits = 8}));
  const RunKeywords run = RunKeywords::from(seed, threads, backend);
  const Exec exec = run.exec();
  const std::size_t in = network.input().size();
  std::vector<ChipTrial> trials;
  double digital = 0.0;
  run_watched(progress, [&](ProgressSink& sink) {
    kernels(exec.backend);  // says at once if the backend is not there
    const Samples samples{{x.data(), count, in}, classes};
    const std::vector<Ranges> ranges =
        calibrate_ranges(exec, network, hardware, {typical.data(), typical_count, in});
    const ResidentSamples resident(exec, samples);
    digital = static_cast<double>(evaluate(digital_exec(exec), network, resident).correct) /
              static_cast<double>(count);
    const std::size_t steps =
        eval.times.size() * eval.compensation.size() * static_cast<std::size_t>(eval.chips);
    Progress steps_done(sink, "Evaluating chips", steps);
    trials.resize(static_cast<std::size_t>(eval.chips));
    side_by_side(exec, trials.size(), [&](const Exec& alone, std::size_t i, const auto& is_in_vain) {
      const auto goes_on = [&] {
        steps_done.advance();
        return !is_in_vain();
      };
      trials[i] = evaluate_chip(alone, network, hardware, ranges, resident, eval, run.seed,
                                static_cast<std::uint32_t>(i), goes_on, {typical.data(), typical_count, in});
    });
    throw_if_stopped();
    steps_done.finish();
  });
  ReportData report{
      .title = "Accuracy over time",
      .run_name = "network",
      .version = std::string(version()),
      .summary = "A network of the user's own, evaluated from Python.",
      .rows = accuracy_rows("network", eval, trials, static_cast<std::int64_t>(count), digital)};
  Value config = Value::table();
  config.set_key("seed", static_cast<std::int64_t>(run.seed));
  hardware.write_to(config);
  config.set_key("eval", mq::to_value(eval));
  report.config = to_toml(config);
  std::string correct;  // integers: no rounding can hide a difference
  for (const ChipTrial& trial : trials) {
    for (const std::int64_t number : trial.correct) correct += std::to_string(number) + "\n";
  }
  return result_to_python(report.rows, text_table(report), html_report(report),
                          sha256(report.config + correct), "");
}

constexpr const char* kEvaluateConfig = R"(evaluate_config(config, set, output, threads, backend, progress)
--

run_experiment of a config file or dict; see meltquench.evaluate.)";

constexpr const char* kEvaluateNetwork =
    R"(evaluate_network(layers, images, labels, device, hardware, evaluation, calibration, seed, threads, backend, progress)
--

Accuracy over time of a multilayer perceptron; see meltquench.evaluate. hardware: a dict of hardware_keywords(). evaluation: keys of [eval].)";

}  // namespace

void bind_evaluate(py::module_& module) {
  module.def("hardware_keywords", &hardware_keywords,
             "hardware_keywords()\n--\n\nThe keywords of hardware that Tile and evaluate share.");
  module.def("check_keywords", &check_keywords, py::arg("function"), py::arg("given"), py::arg("known"),
             "check_keywords(function, given, known)\n--\n\nRaises TypeError, with the nearest, for an "
             "unknown keyword.");
  module.attr("HARDWARE_DOC") = kHardwareDoc;
  module.def("evaluate_config", &evaluate_config, kEvaluateConfig, py::arg("config"), py::arg("set"),
             py::arg("output"), py::arg("threads"), py::arg("backend"), py::arg("progress"));
  module.def("evaluate_network", &evaluate_network, kEvaluateNetwork, py::arg("layers"), py::arg("images"),
             py::arg("labels"), py::arg("device"), py::arg("hardware"), py::arg("evaluation"),
             py::arg("calibration"), py::arg("seed"), py::arg("threads"), py::arg("backend"),
             py::arg("progress"));
}

}  // namespace mq::python
