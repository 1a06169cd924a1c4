#include "meltquench/experiment/svg_heatmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/experiment/heatmap.h"
#include "meltquench/experiment/html.h"
#include "meltquench/experiment/plot_axis.h"
#include "meltquench/experiment/readable.h"
#include "meltquench/experiment/statistics.h"

namespace mq {
namespace {

constexpr std::size_t kMostPixels = 256;
constexpr double kSide = 360;  // of the longer side of the image
constexpr double kLeast = 14;  // of the shorter one
constexpr double kLeft = 62, kTop = 6;
constexpr int kWidth = 450;

std::string statistics_text(const MatrixPicture& picture) {
  std::vector<double> finite;
  for (const float v : picture.values)
    if (std::isfinite(v)) finite.push_back(v);
  std::string text = fmt::format("{} x {} elements", picture.rows, picture.cols);
  if (finite.empty()) return text;
  const auto [lowest, highest] = std::minmax_element(finite.begin(), finite.end());
  const SiPrefix prefix = si_prefix(std::max(std::abs(*lowest), std::abs(*highest)), picture.unit);
  const auto quantity = [&](double value) {
    const std::string number = readable_number(value * prefix.factor, 3);
    return picture.unit.empty() ? number : fmt::format("{} {}{}", number, prefix.symbol, picture.unit);
  };
  return text +
         fmt::format(", mean {}, {} to {}", quantity(mean(finite)), quantity(*lowest), quantity(*highest));
}

std::string pixel_text(const MatrixPicture& picture, const ReducedMatrix& pixels) {
  if (pixels.row_step * pixels.col_step == 1) return "";
  return fmt::format("a pixel: {} of {} x {}",
                     picture.reduction == Reduction::mean ? "mean" : "largest magnitude", pixels.row_step,
                     pixels.col_step);
}

/// Ticks at whole numbers; an axis of one line has one.
std::vector<PlotTick> line_ticks(std::size_t lines) {
  if (lines == 1) return {{0.0, "0"}};
  std::vector<PlotTick> ticks = linear_ticks(0.0, static_cast<double>(lines - 1), 6);
  std::erase_if(ticks, [](const PlotTick& tick) { return tick.at != std::floor(tick.at); });
  for (PlotTick& tick : ticks) tick.label = fmt::format("{:.0f}", tick.at);
  return ticks;
}

std::string image_of(const ReducedMatrix& pixels, const ColorScale& scale, double width, double height) {
  const std::vector<std::uint8_t> png =
      heatmap_png(pixels.values, static_cast<int>(pixels.rows), static_cast<int>(pixels.cols), scale);
  return fmt::format(
      R"(<image x="{}" y="{}" width="{:.1f}" height="{:.1f}" preserveAspectRatio="none" )"
      R"(style="image-rendering:pixelated" href="{}"/>)"
      R"(<rect x="{}" y="{}" width="{:.1f}" height="{:.1f}" fill="none" stroke="currentColor" opacity=".35"/>)",
      kLeft, kTop, width, height, data_uri("image/png", png), kLeft, kTop, width, height);
}

}  // namespace

ReducedMatrix reduced(const MatrixPicture& picture, std::size_t most) {
  if (picture.rows == 0 || picture.cols == 0 || picture.values.size() != picture.rows * picture.cols) {
    throw ShapeError(fmt::format("a picture of {} x {} elements cannot be drawn from {} values", picture.rows,
                                 picture.cols, picture.values.size()));
  }
  ReducedMatrix to;
  to.row_step = (picture.rows + most - 1) / most;
  to.col_step = (picture.cols + most - 1) / most;
  to.rows = (picture.rows + to.row_step - 1) / to.row_step;
  to.cols = (picture.cols + to.col_step - 1) / to.col_step;
  for (std::size_t r = 0; r < to.rows; ++r) {
    for (std::size_t c = 0; c < to.cols; ++c) {
      double sum = 0.0;
      float largest = 0.0f;
      std::size_t count = 0;
      for (std::size_t i = r * to.row_step; i < std::min((r + 1) * to.row_step, picture.rows); ++i) {
        for (std::size_t j = c * to.col_step; j < std::min((c + 1) * to.col_step, picture.cols); ++j) {
          const float value = picture.values[i * picture.cols + j];
          sum += value;
          ++count;
          if (std::abs(value) > std::abs(largest)) largest = value;
        }
      }
      to.values.push_back(picture.reduction == Reduction::mean
                              ? static_cast<float>(sum / static_cast<double>(count))
                              : largest);
    }
  }
  return to;
}

Drawing svg_heatmap(const MatrixPicture& picture) {
  const ReducedMatrix pixels = reduced(picture, kMostPixels);
  const ColorScale scale = scale_around(pixels.values);
  const double longest = static_cast<double>(std::max(picture.rows, picture.cols));
  const double width = std::max(kSide * static_cast<double>(picture.cols) / longest, kLeast);
  const double height = std::max(kSide * static_cast<double>(picture.rows) / longest, kLeast);
  const double bottom = kTop + height, middle = kLeft + width / 2.0;
  std::string body = image_of(pixels, scale, width, height);
  for (const PlotTick& tick : line_ticks(picture.cols)) {
    const double x = kLeft + (tick.at + 0.5) * width / static_cast<double>(picture.cols);
    body += fmt::format(R"(<path d="M{0:.1f} {1:.1f}v4" stroke="currentColor" opacity=".6"/>)"
                        R"(<text x="{0:.1f}" y="{2:.1f}" text-anchor="middle" opacity=".78">{3}</text>)",
                        x, bottom, bottom + 17.0, html_escape(tick.label));
  }
  for (const PlotTick& tick : line_ticks(picture.rows)) {
    const double y = kTop + (tick.at + 0.5) * height / static_cast<double>(picture.rows);
    body += fmt::format(R"(<path d="M{0:.1f} {1:.1f}h-4" stroke="currentColor" opacity=".6"/>)"
                        R"(<text x="{2:.1f}" y="{3:.1f}" text-anchor="end" opacity=".78">{4}</text>)",
                        kLeft, y, kLeft - 7.0, y + 4.0, html_escape(tick.label));
  }
  body += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)",
                      std::max(middle, kLeft + 30.0), bottom + 34.0, html_escape(picture.col_title));
  body += fmt::format(
      R"svg(<text transform="translate(14 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>)svg",
      std::max(kTop + height / 2.0, 30.0), html_escape(picture.row_title));
  const double bar = std::max(bottom + 46.0, 70.0);
  body += fmt::format(R"svg(<g transform="translate(28 {:.1f})">{}</g>)svg", bar,
                      svg_color_bar(scale, picture.unit, picture.id + "-bar"));
  const int total = static_cast<int>(bar + 76.0);
  body += fmt::format(
      R"(<g font-size="11" opacity=".78"><text x="14" y="{}">{}</text><text x="14" y="{}">{}</text></g>)",
      total - 20, html_escape(statistics_text(picture)), total - 6, html_escape(pixel_text(picture, pixels)));
  return {
      picture.title, kWidth, total,
      fmt::format(
          R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" )"
          R"(role="img" aria-label="{2}" font-family="inherit" font-size="12" fill="currentColor">{3}</svg>)",
          kWidth, total, html_escape(picture.title), body)};
}

}  // namespace mq
