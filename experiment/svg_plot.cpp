#include "meltquench/experiment/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>

#include "meltquench/experiment/html.h"

namespace mq {
namespace {

constexpr double kCharacter = 6.6;  // mean width of a character at the font size of 12, generously
constexpr double kLegendRow = 22;
constexpr double kRight = 26;  // half a tick label may stand out to the right
constexpr double kBottom = 48;
constexpr std::size_t kLongestName = 40;

/// A coordinate: a tenth of a pixel is finer than anyone sees.
std::string px(double value) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

std::size_t character_count(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

double text_width(const std::string& text) { return kCharacter * static_cast<double>(character_count(text)); }

std::string shortened(const std::string& text) {
  if (character_count(text) <= kLongestName) return text;
  std::size_t bytes = 0;
  for (std::size_t count = 0; bytes < text.size(); ++bytes)
    if ((text[bytes] & 0xC0) != 0x80 && ++count == kLongestName) break;
  return text.substr(0, bytes) + "…";
}

std::string marker(int color, double x, double y) {
  switch (color % 4) {
    case 0:
      return fmt::format(R"(<circle cx="{}" cy="{}" r="4"/>)", px(x), px(y));
    case 1:
      return fmt::format(R"(<rect x="{}" y="{}" width="7" height="7"/>)", px(x - 3.5), px(y - 3.5));
    case 2:
      return fmt::format(R"(<path d="M{} {}l4.6 8h-9.2z"/>)", px(x), px(y - 5));
    default:
      return fmt::format(R"(<path d="M{} {}l5 5l-5 5l-5 -5z"/>)", px(x), px(y - 5));
  }
}

struct LegendEntry {
  std::string name;
  std::string key;  // drawn in a box of 26 x 12 pixels
  double x = 0;
  int row = 0;
};

class DrawnPlot {
 public:
  explicit DrawnPlot(const LinePlot& plot) : plot_(plot) { lay_out(); }

  std::string svg() {
    draw_legend();
    draw_grid();
    for (const PlotSeries& series : plot_.series) draw_band(series);
    for (const PlotLine& line : plot_.lines) draw_line(line);
    for (const PlotSeries& series : plot_.series) draw_series(series);
    return fmt::format(
        R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}" )"
        R"(font-family="inherit" font-size="12" fill="currentColor">{}</svg>)",
        plot_.width, plot_.height, plot_.width, plot_.height, html_escape(plot_.title), fmt::to_string(out_));
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  void put_title(const std::string& note) {
    if (!note.empty()) put("<title>{}</title>", html_escape(note));
  }

  bool is_drawable(const PlotPoint& p) const {
    return std::isfinite(p.x) && std::isfinite(p.y) && (plot_.x_kind == AxisKind::linear || p.x > 0);
  }

  void lay_out() {
    std::vector<double> xs;
    std::vector<double> ys;
    for (const PlotSeries& series : plot_.series)
      for (const PlotPoint& p : series.points)
        if (is_drawable(p)) {
          xs.push_back(p.x);
          ys.insert(ys.end(), {p.y, p.low, p.high});
        }
    for (const PlotLine& line : plot_.lines) ys.push_back(line.y);
    x_ = axis_around(plot_.x_kind, xs, 0.035, 0);
    y_ = axis_around(AxisKind::linear, ys, 0.06, plot_.y_least_span);
    y_ticks_ = linear_ticks(y_.low, y_.high, 7);
    double label = 0;
    for (const PlotTick& tick : y_ticks_) label = std::max(label, text_width(tick.label));
    left_ = label + 36;
    fill_legend();
    x_.from = left_;
    x_.to = plot_.width - kRight;
    y_.from = plot_.height - kBottom;
    y_.to = top_;
    x_ticks_ = plot_.x_ticks;
    if (x_ticks_.empty())
      x_ticks_ =
          plot_.x_kind == AxisKind::log ? decade_ticks(x_.low, x_.high, 8) : linear_ticks(x_.low, x_.high, 8);
  }

  void fill_legend() {
    for (const PlotSeries& series : plot_.series) {
      if (series.name.empty()) continue;
      add_entry(series.name, fmt::format(R"(<g style="color:{}" fill="currentColor"><path d="M0 6h26" )"
                                         R"(stroke="currentColor" stroke-width="2"/>{}</g>)",
                                         series_color(series.color),
                                         series.has_markers ? marker(series.color, 13, 6) : ""));
    }
    if (!plot_.band_name.empty())
      add_entry(plot_.band_name, R"(<rect width="26" height="12" rx="2" opacity=".18"/>)");
    for (const PlotLine& line : plot_.lines) {
      const bool is_known = std::any_of(legend_.begin(), legend_.end(), [&](const LegendEntry& entry) {
        return entry.name == shortened(line.name);
      });
      if (!is_known)
        add_entry(line.name,
                  R"(<path d="M0 6h26" stroke="currentColor" stroke-width="1.5" stroke-dasharray="5 4"/>)");
    }
    top_ = legend_.empty() ? 14 : (legend_.back().row + 1) * kLegendRow + 16;
  }

  void add_entry(const std::string& full_name, std::string key) {
    LegendEntry entry{.name = shortened(full_name), .key = std::move(key), .x = left_};
    if (!legend_.empty()) {
      const LegendEntry& before = legend_.back();
      entry.x = before.x + 34 + text_width(before.name) + 18;
      entry.row = before.row;
      if (entry.x + 34 + text_width(entry.name) > plot_.width) {
        entry.x = left_;
        ++entry.row;
      }
    }
    legend_.push_back(std::move(entry));
  }

  void draw_legend() {
    for (const LegendEntry& entry : legend_)
      put(R"svg(<g transform="translate({} {})">{}<text x="34" y="10">{}</text></g>)svg", px(entry.x),
          px(entry.row * kLegendRow + 4), entry.key, html_escape(entry.name));
  }

  void draw_grid() {
    put(R"(<g stroke="currentColor" stroke-width="1" opacity=".13">)");
    for (const PlotTick& tick : y_ticks_)
      put(R"(<path d="M{} {}H{}"/>)", px(x_.from), px(y_.place(tick.at)), px(x_.to));
    put(R"(</g><g stroke="currentColor" stroke-width="1" opacity=".5"><path d="M{} {}H{}"/>)", px(x_.from),
        px(y_.from), px(x_.to));
    for (const PlotTick& tick : x_ticks_)
      if (has_place(tick)) put(R"(<path d="M{} {}v5"/>)", px(x_.place(tick.at)), px(y_.from));
    put(R"(</g><g opacity=".78" text-anchor="end">)");
    for (const PlotTick& tick : y_ticks_)
      put(R"(<text x="{}" y="{}">{}</text>)", px(x_.from - 8), px(y_.place(tick.at) + 4),
          html_escape(tick.label));
    put(R"(</g><g opacity=".78" text-anchor="middle">)");
    double free_from = -1e9;
    for (const PlotTick& tick : x_ticks_) {
      const double half = text_width(tick.label) / 2;
      if (!has_place(tick) || x_.place(tick.at) - half < free_from) continue;
      put(R"(<text x="{}" y="{}">{}</text>)", px(x_.place(tick.at)), px(y_.from + 19),
          html_escape(tick.label));
      free_from = x_.place(tick.at) + half + 8;
    }
    put(R"(</g><g text-anchor="middle"><text x="{}" y="{}">{}</text>)", px((x_.from + x_.to) / 2),
        px(plot_.height - 7), html_escape(plot_.x_title));
    put(R"svg(<text transform="translate(13 {}) rotate(-90)">{}</text></g>)svg", px((y_.from + y_.to) / 2),
        html_escape(plot_.y_title));
  }

  bool has_place(const PlotTick& tick) const { return tick.at >= x_.low && tick.at <= x_.high; }

  void draw_band(const PlotSeries& series) {
    std::vector<PlotPoint> run;
    for (const PlotPoint& p : series.points) {
      if (is_drawable(p) && std::isfinite(p.low) && std::isfinite(p.high)) {
        run.push_back(p);
        continue;
      }
      draw_band_run(series, run);
      run.clear();
    }
    draw_band_run(series, run);
  }

  void draw_band_run(const PlotSeries& series, const std::vector<PlotPoint>& run) {
    if (run.empty()) return;
    std::string path;
    for (const PlotPoint& p : run)
      path += fmt::format("{}{} {}", path.empty() ? "M" : "L", px(x_.place(p.x)), px(y_.place(p.high)));
    for (auto p = run.rbegin(); p != run.rend(); ++p)
      path += fmt::format("L{} {}", px(x_.place(p->x)), px(y_.place(p->low)));
    // The stroke keeps a band of a single point visible, as a bar.
    put(R"(<path style="color:{}" fill="currentColor" fill-opacity=".16" stroke="currentColor" stroke-opacity=".25" d="{}Z"/>)",
        series_color(series.color), path);
  }

  void draw_line(const PlotLine& line) {
    if (!std::isfinite(line.y)) return;
    put(R"(<g style="color:{}"><path stroke="currentColor" stroke-width="1.5" stroke-dasharray="5 4" d="M{} {}H{}"/>)",
        series_color(line.color), px(x_.from), px(y_.place(line.y)), px(x_.to));
    put_title(line.note);
    put("</g>");
  }

  void draw_series(const PlotSeries& series) {
    std::string path;
    bool is_down = false;
    for (const PlotPoint& p : series.points) {
      if (is_drawable(p))
        path += fmt::format("{}{} {}", is_down ? "L" : "M", px(x_.place(p.x)), px(y_.place(p.y)));
      is_down = is_drawable(p);
    }
    if (path.empty()) return;
    put(R"(<g style="color:{}" fill="currentColor"><path fill="none" stroke="currentColor" stroke-width="{}" )"
        R"(stroke-linejoin="round" d="{}"/>)",
        series_color(series.color), series.name.empty() ? 1 : 2, path);
    for (const PlotPoint& p : series.points) {
      if (!series.has_markers || !is_drawable(p)) continue;
      const double x = x_.place(p.x);
      const double y = y_.place(p.y);
      put(R"(<g>{}<circle cx="{}" cy="{}" r="10" opacity="0"/>)", marker(series.color, x, y), px(x), px(y));
      put_title(p.note);
      put("</g>");
    }
    put("</g>");
  }

  const LinePlot& plot_;
  PlotAxis x_;
  PlotAxis y_;
  std::vector<PlotTick> x_ticks_;
  std::vector<PlotTick> y_ticks_;
  std::vector<LegendEntry> legend_;
  double left_ = 0;
  double top_ = 0;
  fmt::memory_buffer out_;
};

}  // namespace

std::string series_color(int color) {
  constexpr std::array<const char*, 7> kPalette = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                   "#e69f00", "#56b4e9", "#7f7f7f"};
  const int place = ((color % 7) + 7) % 7;
  return fmt::format("var(--series-{},{})", place + 1, kPalette[static_cast<std::size_t>(place)]);
}

std::string svg_plot(const LinePlot& plot) { return DrawnPlot(plot).svg(); }

}  // namespace mq
