#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meltquench/experiment/heatmap.h"
#include "meltquench/experiment/html.h"
#include "meltquench/experiment/readable.h"
#include "meltquench/experiment/report_sections.h"
#include "meltquench/experiment/statistics.h"

namespace mq::report {
namespace {

/// "mean 8.9 µS, standard deviation 6.2 µS", over the elements that are finite, in the unit of the colour
/// bar.
std::string spread_text(const ReportHeatmap& heatmap, const ColorScale& scale) {
  std::vector<double> finite;
  for (const float v : heatmap.values)
    if (std::isfinite(v)) finite.push_back(v);
  const SiPrefix prefix = si_prefix(std::max(std::abs(scale.low), std::abs(scale.high)), heatmap.unit);
  const auto quantity = [&](double value) {
    const std::string number = readable_number(value * prefix.factor, 3);
    return heatmap.unit.empty() ? number : fmt::format("{} {}{}", number, prefix.symbol, heatmap.unit);
  };
  return fmt::format("mean {}, standard deviation {}", quantity(mean(finite)),
                     quantity(sample_standard_deviation(finite)));
}

std::string figure(const ReportHeatmap& heatmap, const ColorScale& scale) {
  constexpr double kTallest = 420;  // pixels
  const std::vector<std::uint8_t> png = heatmap_png(heatmap.values, heatmap.rows, heatmap.cols, scale);
  return fmt::format(
      R"(<figure class="map"><h4>{}</h4><div class="frame"><span class="side">{} {}</span><img alt="{}, {} x {}" width="{}" )"
      R"(height="{}" style="max-width:{:.0f}px" src="{}"/></div><p class="under">{} {}</p><figcaption>{}<br/><span class="faint">{}</span>)"
      "</figcaption></figure>\n",
      html_escape(heatmap.name), heatmap.rows, html_escape(heatmap.row_title), html_escape(heatmap.name),
      heatmap.rows, heatmap.cols, heatmap.cols, heatmap.rows,
      std::max(8.0, kTallest * heatmap.cols / heatmap.rows), data_uri("image/png", png), heatmap.cols,
      html_escape(heatmap.col_title), html_escape(heatmap.caption), html_escape(spread_text(heatmap, scale)));
}

}  // namespace

std::string heatmap_figures(const std::vector<ReportHeatmap>& heatmaps) {
  std::vector<std::string> units;
  for (const ReportHeatmap& heatmap : heatmaps)
    if (std::find(units.begin(), units.end(), heatmap.unit) == units.end()) units.push_back(heatmap.unit);

  std::string out;
  for (std::size_t i = 0; i < units.size(); ++i) {
    std::vector<float> all;
    for (const ReportHeatmap& heatmap : heatmaps)
      if (heatmap.unit == units[i]) all.insert(all.end(), heatmap.values.begin(), heatmap.values.end());
    const ColorScale scale = scale_around(all);
    out += "<div class=\"maps\">\n";
    for (const ReportHeatmap& heatmap : heatmaps)
      if (heatmap.unit == units[i]) out += figure(heatmap, scale);
    out += fmt::format(
        "</div>\n<div class=\"bar\">{}{}</div>\n",
        svg_color_bar(scale, units[i], fmt::format("color-bar-{}", i + 1)),
        scale.is_open_low || scale.is_open_high
            ? "<p class=\"note\">Elements beyond a pointed end, fewer than 1 %, take its colour.</p>"
            : "");
  }
  return out;
}

}  // namespace mq::report
