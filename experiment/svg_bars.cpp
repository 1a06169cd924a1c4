#include "meltquench/experiment/svg_bars.h"

#include <fmt/format.h>

#include <algorithm>

#include "meltquench/core/contract.h"
#include "meltquench/experiment/html.h"
#include "meltquench/experiment/plot_axis.h"
#include "meltquench/experiment/svg_plot.h"

namespace mq {
namespace {

constexpr std::size_t kMostBars = 256;
constexpr double kCharacter = 6.6;  // mean width of a character at the font size of 12, generously
constexpr double kRight = 14;
constexpr double kBottom = 48;

struct Bar {
  double first, last;  // numbers, both included
  double value;
  bool is_marked;
};

std::vector<Bar> bars_of(const BarChart& chart, std::size_t bin) {
  const std::size_t n = chart.values.size(), marked = chart.marked_ends;
  std::vector<Bar> bars;
  for (std::size_t i = 0; i < n;) {
    const bool is_marked = i < marked || i + marked >= n;
    const std::size_t end = is_marked ? i + 1 : std::min({i + bin, n - marked, n});
    Bar bar{double(chart.first) + double(i), double(chart.first) + double(end - 1), 0.0, is_marked};
    for (; i < end; ++i) bar.value += chart.values[i];
    bars.push_back(bar);
  }
  return bars;
}

}  // namespace

std::string svg_bars(const BarChart& chart) {
  MQ_EXPECTS(!chart.values.empty() && 2 * chart.marked_ends <= chart.values.size());
  const std::size_t bin = (chart.values.size() + kMostBars - 1) / kMostBars;
  const std::vector<Bar> bars = bars_of(chart, bin);
  double highest = 0.0;
  for (const Bar& bar : bars) highest = std::max(highest, bar.value);
  if (highest == 0.0) highest = 1.0;
  const std::vector<PlotTick> y_ticks = linear_ticks(0.0, highest, 5);
  double label = 0.0;
  for (const PlotTick& tick : y_ticks) label = std::max(label, kCharacter * double(tick.label.size()));
  const double left = label + 36.0, top = chart.marked_name.empty() ? 14.0 : 32.0;
  const double low = double(chart.first) - 0.5, high = low + double(chart.values.size());
  const PlotAxis x{.low = low, .high = high, .from = left, .to = chart.width - kRight};
  const PlotAxis y{.high = highest, .from = chart.height - kBottom, .to = top};

  std::string out = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" )"
      R"(aria-label="{2}" font-family="inherit" font-size="12" fill="currentColor">)",
      chart.width, chart.height, html_escape(chart.title));
  if (!chart.marked_name.empty()) {
    out += fmt::format(
        R"(<rect x="{:.1f}" y="6" width="12" height="12" fill="{}"/><text x="{:.1f}" y="16">{}</text>)", left,
        series_color(1), left + 18.0, html_escape(chart.marked_name));
  }
  for (const PlotTick& tick : y_ticks) {
    out += fmt::format(R"(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="currentColor" opacity=".15"/>)"
                       R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end" opacity=".78">{}</text>)",
                       left, y.place(tick.at), x.to, left - 6.0, y.place(tick.at) + 4.0,
                       html_escape(tick.label));
  }
  const double middle = (low + high) / 2.0;
  std::string plain, marked;  // two paths, however many bars
  for (const Bar& bar : bars) {
    if (bar.value == 0.0) continue;
    double from = x.place(bar.first - 0.5), to = x.place(bar.last + 0.5);
    const double gap = to - from > 4.0 ? 0.5 : 0.0;
    // A bar that is there is seen, however small its share; marked ones grow outwards.
    if (bar.is_marked && bar.first < middle) from = std::min(from, to - 3.0);
    if (bar.is_marked && bar.first >= middle) to = std::max(to, from + 3.0);
    const double width = std::max(to - from - 2.0 * gap, 0.5),
                 tall = std::max(y.from - y.place(bar.value), 0.8);
    (bar.is_marked ? marked : plain) +=
        fmt::format("M{:.2f} {:.1f}h{:.2f}v{:.1f}h-{:.2f}z", from + gap, y.from, width, -tall, width);
  }
  if (!plain.empty()) out += fmt::format(R"(<path d="{}" fill="{}"/>)", plain, series_color(0));
  if (!marked.empty()) out += fmt::format(R"(<path d="{}" fill="{}"/>)", marked, series_color(1));
  out += fmt::format(R"(<path d="M{:.1f} {:.1f}H{:.1f}" stroke="currentColor" opacity=".6"/>)", left, y.from,
                     x.to);
  for (const PlotTick& tick : linear_ticks(
           double(chart.first),
           double(chart.first) + double(chart.values.size()) - 1.0 + (chart.values.size() == 1 ? 1.0 : 0.0),
           7)) {
    out += fmt::format(R"(<path d="M{0:.1f} {1:.1f}v4" stroke="currentColor" opacity=".6"/>)"
                       R"(<text x="{0:.1f}" y="{2:.1f}" text-anchor="middle" opacity=".78">{3}</text>)",
                       x.place(tick.at), y.from, y.from + 17.0, html_escape(tick.label));
  }
  const std::string x_title = bin > 1 ? fmt::format("{} (bins of {})", chart.x_title, bin) : chart.x_title;
  out += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", (left + x.to) / 2.0,
                     chart.height - 10.0, html_escape(x_title));
  out += fmt::format(
      R"svg(<text transform="translate(14 {:.1f}) rotate(-90)" text-anchor="middle">{}</text></svg>)svg",
      (y.from + y.to) / 2.0, html_escape(chart.y_title));
  return out;
}

}  // namespace mq
