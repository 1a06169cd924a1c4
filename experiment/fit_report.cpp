#include "meltquench/experiment/fit_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "meltquench/core/error.h"
#include "meltquench/experiment/svg_plot.h"

namespace mq {
namespace {

LinePlot plot_of(const FitPanel& panel) {
  LinePlot plot{.title = panel.title,
                .x_title = panel.x_title,
                .y_title = panel.y_title,
                .x_kind = panel.has_log_x ? AxisKind::log : AxisKind::linear,
                .band_name = "95 % of the data, spread of the model"};
  PlotSeries data{.name = "measured", .color = 0}, model{.name = "model", .color = 1};
  for (const FitPanel::Point& p : panel.data) {
    data.points.push_back({.x = p.x, .y = p.y, .low = p.low, .high = p.high});
  }
  for (const FitPanel::Point& p : panel.model) {
    PlotPoint point{.x = p.x, .y = p.y};
    if (p.high > p.low) point.low = p.low, point.high = p.high;
    model.points.push_back(point);
  }
  plot.series = {data, model};
  return plot;
}

}  // namespace

std::string fit_picture(const FitResult& result) {
  if (result.panels.empty())
    throw DataError("this fit has nothing to draw; it needs cells of more than one target");
  std::string plots;
  int y = 0, width = 0;
  for (const FitPanel& panel : result.panels) {
    const LinePlot plot = plot_of(panel);
    std::string svg = svg_plot(plot);
    svg.replace(0, 4, fmt::format("<svg x=\"0\" y=\"{}\"", y + 24));
    plots += fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"14\" text-anchor=\"middle\">{}</text>\n{}\n",
                         plot.width / 2, y + 18, panel.title, svg);
    y += plot.height + 34;
    width = std::max(width, plot.width);
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" color=\"#222\"><rect width=\"{0}\" height=\"{1}\" "
      "fill=\"#fff\"/>\n{2}</svg>\n",
      width, y, plots);
}

}  // namespace mq
