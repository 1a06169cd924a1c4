#include "meltquench/experiment/heatmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meltquench/core/contract.h"
#include "meltquench/core/error.h"
#include "meltquench/experiment/html.h"
#include "meltquench/experiment/plot_axis.h"
#include "meltquench/experiment/readable.h"
#include "meltquench/experiment/statistics.h"

namespace mq {
namespace {

constexpr int kLevels = 255;  // the last of 256 palette entries marks elements that are not finite
constexpr Rgb kGreyOfNan = {128, 128, 128};
constexpr double kOutlier = 1.25;  // how far the extreme may lie beyond the percentile

}  // namespace

ColorScale scale_around(std::span<const float> values) {
  std::vector<double> finite;
  for (const float v : values)
    if (std::isfinite(v)) finite.push_back(v);
  if (finite.empty()) return {};
  const auto [lowest, highest] = std::minmax_element(finite.begin(), finite.end());
  ColorScale scale{.low = *lowest, .high = *highest};
  const double common_low = percentile(finite, 0.5);
  const double common_high = percentile(finite, 99.5);
  scale.is_open_low = common_low < 0 && scale.low < kOutlier * common_low;
  scale.is_open_high = common_high > 0 && scale.high > kOutlier * common_high;
  if (scale.is_open_low) scale.low = common_low;
  if (scale.is_open_high) scale.high = common_high;

  if (scale.low < 0 && scale.high > 0) {
    const double reach = std::max(-scale.low, scale.high);
    return {ColorMap::red_blue, -reach, reach, *lowest<-reach, *highest> reach};
  }
  const double spread = scale.high - scale.low;
  if (scale.low >= 0 && scale.low < spread) scale.low = 0;
  if (scale.high <= 0 && -scale.high < spread) scale.high = 0;
  if (scale.low == scale.high) scale.high += scale.low == 0 ? 1 : std::abs(scale.low);
  return scale;
}

std::vector<std::uint8_t> heatmap_png(std::span<const float> values, int rows, int cols,
                                      const ColorScale& scale) {
  MQ_EXPECTS(scale.low < scale.high);
  if (rows <= 0 || cols <= 0 ||
      values.size() != static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols))
    throw ShapeError(fmt::format("a heatmap of {} x {} elements cannot be drawn from {} values", rows, cols,
                                 values.size()));
  Image image{.kind = Image::Kind::indexed, .width = cols, .height = rows};
  for (int level = 0; level < kLevels; ++level)
    image.palette.push_back(color_at(scale.map, level / static_cast<double>(kLevels - 1)));
  image.palette.push_back(kGreyOfNan);
  image.pixels.reserve(values.size());
  for (const float v : values) {
    const double share = (v - scale.low) / (scale.high - scale.low);
    const long level = std::isfinite(v) ? std::lround(std::clamp(share, 0.0, 1.0) * (kLevels - 1)) : kLevels;
    image.pixels.push_back(static_cast<std::uint8_t>(level));
  }
  return encode_png(image);
}

std::string svg_color_bar(const ColorScale& scale, const std::string& unit, const std::string& id) {
  constexpr double kLeft = 24;
  constexpr double kLength = 312;
  const SiPrefix prefix = si_prefix(std::max(std::abs(scale.low), std::abs(scale.high)), unit);
  const double low = scale.low * prefix.factor;
  const double high = scale.high * prefix.factor;
  std::string out = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 38" width="400" height="38" font-family="inherit" )"
      R"(font-size="12" fill="currentColor" role="img" aria-label="colour scale"><defs><linearGradient id="{}">)",
      html_escape(id));
  const std::vector<Rgb>& colors = color_map_points(scale.map);
  for (std::size_t i = 0; i < colors.size(); ++i)
    out += fmt::format(R"(<stop offset="{:.4f}" stop-color="{}"/>)",
                       static_cast<double>(i) / static_cast<double>(colors.size() - 1), css_color(colors[i]));
  out += fmt::format(
      R"svg(</linearGradient></defs><rect x="{}" y="2" width="{}" height="12" fill="url(#{})"/>)svg", kLeft,
      kLength, html_escape(id));
  if (scale.is_open_low)
    out += fmt::format(R"(<path d="M{} 2v12l-11 -6z" fill="{}"/>)", kLeft - 1, css_color(colors.front()));
  if (scale.is_open_high)
    out += fmt::format(R"(<path d="M{} 2v12l11 -6z" fill="{}"/>)", kLeft + kLength + 1,
                       css_color(colors.back()));
  for (const PlotTick& tick : linear_ticks(low, high, 6)) {
    const double x = kLeft + kLength * (tick.at - low) / (high - low);
    out += fmt::format(R"(<path d="M{0:.1f} 14v4" stroke="currentColor" opacity=".5"/>)"
                       R"(<text x="{0:.1f}" y="32" text-anchor="middle" opacity=".78">{1}</text>)",
                       x, html_escape(tick.label));
  }
  out += fmt::format(R"(<text x="{:.1f}" y="13">{}{}</text></svg>)", kLeft + kLength + 20, prefix.symbol,
                     html_escape(unit));
  return out;
}

}  // namespace mq
