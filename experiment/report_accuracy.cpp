#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meltquench/experiment/html.h"
#include "meltquench/experiment/readable.h"
#include "meltquench/experiment/report_sections.h"
#include "meltquench/experiment/statistics.h"
#include "meltquench/experiment/svg_plot.h"

namespace mq::report {
namespace {

std::string chips_text(int chips) { return fmt::format("{} chip{}", chips, chips == 1 ? "" : "s"); }

/// "88.02 ± 0.05", or "88.02" where there is no interval.
std::string mean_text(const AccuracyRow& row) {
  const double half = half_width(row);
  return std::isfinite(half) ? fmt::format("{} ± {}", readable_percent(row.mean), readable_percent(half))
                             : readable_percent(row.mean);
}

/// Difference in percentage points with its sign: "−0.38".
std::string points_text(double fraction) {
  const std::string text = readable_percent(fraction);
  if (text.starts_with('-')) return "−" + text.substr(1);
  return fraction > 0 && text != "0.00" ? "+" + text : text;
}

/// Row that a variant's card shows; nullptr if no row has a number.
const AccuracyRow* last_and_best(const std::vector<AccuracyRow>& rows, const std::string& variant) {
  const AccuracyRow* best = nullptr;
  for (const AccuracyRow& row : rows) {
    if (row.variant != variant || !std::isfinite(row.mean)) continue;
    if (!best || row.time > best->time || (row.time == best->time && row.mean > best->mean)) best = &row;
  }
  return best;
}

/// A log axis has no place for 0 s; it is drawn a little to the left of the first time.
double place_of_zero(const std::vector<AccuracyRow>& rows) {
  double first = INFINITY;
  for (const AccuracyRow& row : rows)
    if (row.time > 0) first = std::min(first, row.time);
  return std::isfinite(first) ? first / 5 : 1;
}

PlotPoint plot_point(const AccuracyRow& row, double zero) {
  PlotPoint point{.x = row.time > 0 ? row.time : zero, .y = row.mean * 100};
  if (!row.per_chip.empty()) {
    point.low = percentile(row.per_chip, 5) * 100;
    point.high = percentile(row.per_chip, 95) * 100;
  }
  point.note = fmt::format("{}, {}: {} %", row.variant, readable_time(row.time), mean_text(row));
  return point;
}

LinePlot panel(const std::vector<AccuracyRow>& rows, const std::string& compensation) {
  const std::vector<std::string> variants = names_of(rows, &AccuracyRow::variant);
  const double zero = place_of_zero(rows);
  LinePlot plot{.title = fmt::format("Accuracy over time, drift compensation: {}", compensation),
                .x_title = "time since the reference read",
                .y_title = "accuracy [%]",
                .x_kind = AxisKind::log,
                .y_least_span = 0.5};
  for (std::size_t i = 0; i < variants.size(); ++i) {
    PlotSeries series{.name = variants[i], .color = static_cast<int>(i)};
    double digital = NAN;
    for (const AccuracyRow& row : rows) {
      if (row.variant != variants[i] || row.compensation != compensation) continue;
      series.points.push_back(plot_point(row, zero));
      plot.x_ticks.push_back({series.points.back().x, readable_time(row.time)});
      if (!row.per_chip.empty()) plot.band_name = "5–95 % of chips";
      digital = row.digital;
    }
    if (series.points.empty()) continue;
    std::stable_sort(series.points.begin(), series.points.end(), [](auto& a, auto& b) { return a.x < b.x; });
    plot.series.push_back(std::move(series));
    if (std::isfinite(digital))
      plot.lines.push_back(
          {.name = "digital",
           .color = static_cast<int>(i),
           .y = digital * 100,
           .note = fmt::format("{}, digital: {} %", variants[i], readable_percent(digital))});
  }
  const auto by_place = [](const PlotTick& a, const PlotTick& b) { return a.at < b.at; };
  const auto same_place = [](const PlotTick& a, const PlotTick& b) { return a.at == b.at; };
  std::stable_sort(plot.x_ticks.begin(), plot.x_ticks.end(), by_place);
  plot.x_ticks.erase(std::unique(plot.x_ticks.begin(), plot.x_ticks.end(), same_place), plot.x_ticks.end());
  return plot;
}

}  // namespace

std::vector<std::string> names_of(const std::vector<AccuracyRow>& rows, std::string AccuracyRow::*member) {
  std::vector<std::string> names;
  for (const AccuracyRow& row : rows)
    if (std::find(names.begin(), names.end(), row.*member) == names.end()) names.push_back(row.*member);
  return names;
}

double half_width(const AccuracyRow& row) { return (row.ci95_high - row.ci95_low) / 2; }

std::string headline_cards(const std::vector<AccuracyRow>& rows) {
  std::string cards;
  int color = 0;
  for (const std::string& variant : names_of(rows, &AccuracyRow::variant)) {
    const std::string key = series_color(color++);
    const AccuracyRow* row = last_and_best(rows, variant);
    if (!row) continue;
    const double half = half_width(*row);
    cards += fmt::format(
        R"(<div class="card"><p class="name"><i style="background:{}"></i>{}</p><p class="figure">{}<small>{} %</small></p>)"
        R"(<p class="when">after {}, compensation: {}, {}</p>)",
        key, html_escape(variant), readable_percent(row->mean),
        std::isfinite(half) ? fmt::format(" ± {}", readable_percent(half)) : "", readable_time(row->time),
        html_escape(row->compensation), chips_text(row->chips));
    if (std::isfinite(row->digital))
      cards += fmt::format(
          R"(<dl><div><dt>digital</dt><dd>{} %</dd></div><div><dt>difference</dt><dd>{} points</dd></div></dl>)",
          readable_percent(row->digital), points_text(row->mean - row->digital));
    cards += "</div>\n";
  }
  return cards.empty() ? cards : fmt::format("<div class=\"cards\">\n{}</div>\n", cards);
}

std::string accuracy_plots(const std::vector<AccuracyRow>& rows) {
  const std::vector<std::string> compensations = names_of(rows, &AccuracyRow::compensation);
  std::string panels;
  for (const std::string& compensation : compensations) {
    LinePlot plot = panel(rows, compensation);
    if (compensations.size() == 1) plot.width = 1040;
    panels += fmt::format("<div class=\"panel\"><h3>Drift compensation: {}</h3>\n{}\n</div>\n",
                          html_escape(compensation), svg_plot(plot));
  }
  if (panels.empty()) return panels;
  return fmt::format(
      "<figure><div class=\"panels panels-{}\">\n{}</div>\n<figcaption>Mean accuracy over chips at each "
      "evaluation time. "
      "Bands hold the middle 90 % of the chips; dashed lines are the digital accuracy of the same network.{}"
      "</figcaption></figure>\n",
      std::min<std::size_t>(compensations.size(), 2), panels,
      compensations.size() > 1 ? " Each panel has its own vertical scale." : "");
}

std::string accuracy_table(const std::vector<AccuracyRow>& rows) {
  if (rows.empty()) return {};
  std::string body;
  const AccuracyRow* before = nullptr;
  for (const AccuracyRow& row : rows) {
    const bool same_variant = before && before->variant == row.variant;
    const bool same_group = same_variant && before->compensation == row.compensation;
    body += fmt::format(
        R"(<tr{}><th scope="row"{}>{}</th><td{}>{}</td><td class="time">{}</td><td class="n">{}</td><td class="n mean">{}</td>)"
        R"(<td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td></tr>)"
        "\n",
        same_group ? "" : R"( class="group")", same_variant && same_group ? R"( class="again")" : "",
        html_escape(row.variant), same_group ? R"( class="again")" : "", html_escape(row.compensation),
        readable_time(row.time), row.chips, mean_text(row), readable_percent(row.min),
        readable_percent(row.max), readable_percent(row.digital), points_text(row.mean - row.digital));
    before = &row;
  }
  return fmt::format(
      R"(<div class="wide"><table><thead><tr><th>variant</th><th>compensation</th><th>time</th><th class="n">chips</th>)"
      R"(<th class="n">accuracy [%]</th><th class="n">worst chip</th><th class="n">best chip</th><th class="n">digital</th>)"
      R"(<th class="n">difference [points]</th></tr></thead><tbody>)"
      "\n{}</tbody></table></div>\n<p class=\"note\">Accuracy: mean over chips ± half width of its 95 % "
      "interval (Student-t)."
      "</p>\n",
      body);
}

}  // namespace mq::report
