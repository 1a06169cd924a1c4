#include "meltquench/experiment/device_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"
#include "meltquench/core/stop.h"
#include "meltquench/experiment/device_sample.h"
#include "meltquench/experiment/svg_panels.h"

namespace mq {
namespace {

constexpr int kColumns = 2;
constexpr int kTargets = 25;  // g_min and quarters of the range among them
constexpr int kPanelWidth = 470;
constexpr int kPanelHeight = 300;
constexpr double kDay = 86400.0;
constexpr double kYear = 365.0 * kDay;

struct ReadTime {
  double time;
  const char* name;
};
constexpr std::array<ReadTime, 3> kReadTimes = {
    {{0.0, "at the reference read"}, {kDay, "after a day"}, {kYear, "after a year"}}};

/// Siemens as a plot shows them.
struct Scale {
  double factor;
  const char* unit;
};
Scale scale_of(const DeviceParams& params) {
  return g_max(params) >= 1e-6f ? Scale{1e6, "µS"} : Scale{1e9, "nS"};
}

LinePlot panel(std::string title, std::string x_title, std::string y_title) {
  return {.title = std::move(title),
          .x_title = std::move(x_title),
          .y_title = std::move(y_title),
          .width = kPanelWidth,
          .height = kPanelHeight};
}

/// `count` conductances [S] from g_min to g_max, both included.
std::vector<float> targets(const DeviceParams& params, int count) {
  std::vector<float> list;
  for (int i = 0; i < count; ++i) {
    const float share = static_cast<float>(i) / static_cast<float>(count - 1);
    list.push_back(g_min(params) + share * (g_max(params) - g_min(params)));
  }
  return list;
}

std::vector<PlotTick> time_ticks() {
  return {{1.0, "1 s"},  {60.0, "1 min"},        {3600.0, "1 h"},
          {kDay, "1 d"}, {30.0 * kDay, "1 mo."}, {kYear, "1 y"}};
}

/// Adds a curve unless it is the first one again, to the width of a line: nothing changed with time.
void add_unless_first(LinePlot& plot, PlotSeries series) {
  if (!plot.series.empty()) {
    double largest = 0, difference = 0;
    const std::vector<PlotPoint>& first = plot.series.front().points;
    for (std::size_t i = 0; i < first.size(); ++i) {
      largest = std::max(largest, first[i].y);
      difference = std::max(difference, std::abs(first[i].y - series.points[i].y));
    }
    if (difference <= 0.005 * largest) return;
  }
  plot.series.push_back(std::move(series));
}

/// A standard deviation over the target at each of the times: `deviation_of(cells, time)`.
template <class Model, class F>
LinePlot deviation_panel(std::string title, const std::vector<ProgrammedCells<Model>>& cells,
                         const DeviceParams& device, F&& deviation_of) {
  const Scale scale = scale_of(device);
  LinePlot plot = panel(std::move(title), std::string("target [") + scale.unit + "]",
                        std::string("standard deviation [") + scale.unit + "]");
  const std::vector<float> levels = targets(device, kTargets);
  for (std::size_t t = 0; t < kReadTimes.size(); ++t) {
    throw_if_stopped();
    PlotSeries series{.name = kReadTimes[t].name, .color = static_cast<int>(t), .has_markers = false};
    for (std::size_t i = 0; i < levels.size(); ++i) {
      series.points.push_back(
          {.x = levels[i] * scale.factor, .y = deviation_of(cells[i], kReadTimes[t].time) * scale.factor});
    }
    for (const PlotPoint& point : series.points) plot.y_least_span = std::max(plot.y_least_span, point.y);
    add_unless_first(plot, std::move(series));
  }
  return plot;
}

/// Whether cells spread or move within a year, by more than the width of a line.
template <class Model>
bool changes_with_time(const ProgrammedCells<Model>& cells) {
  const SampleMoments now = cells.conductances(0.0), later = cells.conductances(kYear);
  return std::abs(later.mean - now.mean) > 0.005 * now.mean ||
         std::abs(later.deviation - now.deviation) > 0.005 * now.mean;
}

template <class Model>
LinePlot time_panel(const std::vector<ProgrammedCells<Model>>& cells, const DeviceParams& device) {
  const Scale scale = scale_of(device);
  LinePlot plot = panel("Reads over time", "time after the reference read",
                        std::string("conductance [") + scale.unit + "]");
  plot.x_kind = AxisKind::log;
  plot.x_ticks = time_ticks();
  plot.band_name = "mean ± σ over cells";
  for (std::size_t i = 1; i < 5; ++i) {
    PlotSeries series{.name = "", .color = static_cast<int>(i) - 1, .has_markers = false};
    for (double time = 1.0; time < 1.01 * kYear; time *= std::pow(kYear, 1.0 / 16.0)) {
      const SampleMoments g = cells[i * (kTargets - 1) / 4].reads(time);
      series.points.push_back({.x = time,
                               .y = g.mean * scale.factor,
                               .low = (g.mean - g.deviation) * scale.factor,
                               .high = (g.mean + g.deviation) * scale.factor});
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

template <class Model>
LinePlot pulses_panel(const PulsedSample<Model>& sample, const DeviceParams& device) {
  const Scale scale = scale_of(device);
  LinePlot plot = panel("Pulses up, then down", "pulses", std::string("conductance [") + scale.unit + "]");
  plot.band_name = "mean ± σ over devices";
  const PulseCurve curve = sample.up_and_down();
  PlotSeries mean{.name = "mean", .color = 0, .has_markers = false};
  for (const PulsePoint& point : curve.points) {
    mean.points.push_back({.x = point.pulses,
                           .y = point.g.mean * scale.factor,
                           .low = (point.g.mean - point.g.deviation) * scale.factor,
                           .high = (point.g.mean + point.g.deviation) * scale.factor});
  }
  for (int device_index = 0; device_index < kShownDevices; ++device_index) {
    throw_if_stopped();
    PlotSeries single{.color = device_index + 1, .has_markers = false};
    for (const PulsePoint& point : curve.points)
      single.points.push_back(
          {.x = point.pulses, .y = point.single[static_cast<std::size_t>(device_index)] * scale.factor});
    plot.series.push_back(std::move(single));
  }
  plot.series.push_back(std::move(mean));
  return plot;
}

template <class Model>
LinePlot step_panel(const PulsedSample<Model>& sample, const DeviceParams& device) {
  const Scale scale = scale_of(device);
  LinePlot plot = panel("Change by one pulse", std::string("conductance [") + scale.unit + "]", "step [nS]");
  plot.band_name = "68 % of devices and cycles";
  for (const bool is_up : {true, false}) {
    PlotSeries series{
        .name = is_up ? "up (median)" : "down (median)", .color = is_up ? 0 : 1, .has_markers = false};
    for (const float g : targets(device, 21)) {
      throw_if_stopped();
      const SampleQuantiles step = sample.steps(g, is_up);
      series.points.push_back(
          {.x = g * scale.factor, .y = step.median * 1e9, .low = step.low * 1e9, .high = step.high * 1e9});
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

}  // namespace

std::string device_plot(const DeviceParams& params, const std::string& title) {
  std::vector<LinePlot> panels;
  visit_model(params, [&]<class Model>(const typename Model::Params& p) {
    if constexpr (PulsedModel<Model>) {
      const PulsedSample<Model> pulsed(p);
      panels.push_back(pulses_panel(pulsed, params));
      panels.push_back(step_panel(pulsed, params));
    }
    std::vector<ProgrammedCells<Model>> cells;
    for (const float target : targets(params, kTargets)) cells.emplace_back(p, target);
    LinePlot spread = deviation_panel("Spread between cells", cells, params, [](const auto& at, double time) {
      return at.conductances(time).deviation;
    });
    // Devices for training mostly take and keep what they are told: a line at 0 or over time says nothing.
    if (!PulsedModel<Model> || spread.y_least_span > 0) panels.push_back(std::move(spread));
    if (!PulsedModel<Model> || changes_with_time(cells[kTargets / 2]))
      panels.push_back(time_panel(cells, params));
    if (Model::read_noise(p) > 0.0f) {
      panels.push_back(deviation_panel("Read noise", cells, params, [](const auto& at, double time) {
        return at.read_errors(time).deviation;
      }));
    }
  });
  return svg_panels(title, panels, kColumns);
}

std::string device_plot_of(const std::string& name) {
  std::vector<std::string> names = model_names();
  for (const std::string& model : model_names()) {
    if (model != name) continue;
    Value table = Value::table();
    table.set_key("model", name);
    return device_plot(device_from_value(table, "device"), "model " + name + ", its defaults");
  }
  for (const Preset& preset : presets()) {
    if (preset.name == name) return device_plot(device_from_preset(name), "preset " + name);
    names.emplace_back(preset.name);
  }
  throw ConfigError("there is no device model or preset '" + name + "'" + did_you_mean(name, names));
}

}  // namespace mq
