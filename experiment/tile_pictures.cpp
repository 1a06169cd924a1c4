#include "meltquench/experiment/tile_pictures.h"

#include <fmt/format.h>

#include <algorithm>

#include "meltquench/core/contract.h"
#include "meltquench/experiment/readable.h"
#include "meltquench/experiment/svg_heatmap.h"

namespace mq {
namespace {

constexpr std::size_t kMostCharts = 12;

std::string_view kind_name(PlaneKind kind) {
  switch (kind) {
    case PlaneKind::plus:
      return "plus";
    case PlaneKind::minus:
      return "minus";
    case PlaneKind::computed_zero:
      return "computed zero";
    case PlaneKind::difference:
      break;
  }
  return "difference";
}

std::vector<float> as_floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

std::vector<float> ir_drops(const TileReading& reading, const ArrayReading& array) {
  std::vector<float> drops(array.conductances.size());
  for (std::size_t k = 0; k < drops.size(); ++k) {
    const double driver = reading.volts[k % reading.inputs];
    const double lost = driver - (array.word[k] - array.bit[k]);
    drops[k] = static_cast<float>((driver < 0.0 ? -lost : lost) + 0.0);  // no -0
  }
  return drops;
}

/// "slice 0, minus, phase 1"
std::string plane_text(const CodeHistogram& codes) {
  const bool is_difference = codes.role.kind == PlaneKind::difference;
  return fmt::format("slice {}, {}{}phase {}", codes.role.slice,
                     is_difference ? "" : kind_name(codes.role.kind), is_difference ? "" : ", ", codes.phase);
}

std::string percent(double share) { return readable_number(100.0 * share, 3) + " %"; }

}  // namespace

std::string cells_svg(const TileReading& reading, Polarity side, const std::string& title) {
  const ArrayReading& array = side == Polarity::plus ? reading.plus : reading.minus;
  MQ_EXPECTS(array.outputs > 0);
  std::vector<Drawing> drawings;
  const auto add = [&](const char* name, std::vector<float> values, const char* unit,
                       Reduction reduction = Reduction::mean) {
    const bool is_zero = std::all_of(values.begin(), values.end(), [](float v) { return v == 0.0f; });
    if (is_zero && !drawings.empty()) return;
    drawings.push_back(svg_heatmap({.title = name,
                                    .rows = array.outputs,
                                    .cols = reading.inputs,
                                    .values = std::move(values),
                                    .unit = unit,
                                    .reduction = reduction,
                                    .id = fmt::format("map-{}", drawings.size() + 1)}));
  };
  add("Conductance", as_floats(array.conductances), "S");
  add("Cell current", as_floats(array.cell_currents), "A");
  add("IR drop at the cell", ir_drops(reading, array), "V", Reduction::largest);
  add("Word line at the cell", as_floats(array.word), "V");
  add("Bit line at the cell", as_floats(array.bit), "V");
  return svg_sheet(title, drawings, 3);
}

std::string conversion_text(const CodeHistogram& codes) {
  return fmt::format("tile {}, {}", codes.tile, plane_text(codes));
}

std::string code_summary(const CodeHistogram& codes) {
  return fmt::format("{} conversions, {} clipped, {} of {} codes in use", readable_count(codes.conversions()),
                     percent(codes.clipped_share()), codes.codes_used(), codes.counts.size());
}

BarChart code_chart(const CodeHistogram& codes) {
  BarChart chart{.title = conversion_text(codes) + ": " + code_summary(codes),
                 .x_title = "ADC code",
                 .y_title = "conversions [%]",
                 .first = -codes.limit(),
                 .marked_ends = 1,
                 .marked_name = "first and last code"};
  const double all = static_cast<double>(std::max<std::int64_t>(codes.conversions(), 1));
  for (const std::int64_t count : codes.counts) {
    chart.values.push_back(100.0 * static_cast<double>(count) / all);
  }
  return chart;
}

std::string codes_svg(std::span<const CodeHistogram> all, std::size_t tile, const std::string& title) {
  std::vector<Drawing> drawings;
  std::size_t conversions = 0;
  for (const CodeHistogram& codes : all) {
    if (codes.tile != tile || ++conversions > kMostCharts) continue;
    const BarChart chart = code_chart(codes);
    drawings.push_back({fmt::format("{}: {} clipped, {} of {} codes", plane_text(codes),
                                    percent(codes.clipped_share()), codes.codes_used(), codes.counts.size()),
                        chart.width, chart.height, svg_bars(chart)});
  }
  MQ_EXPECTS(!drawings.empty());
  const std::string cut =
      conversions > kMostCharts ? fmt::format(" (the first {} of {})", kMostCharts, conversions) : "";
  return svg_sheet(title + cut, drawings, 2);
}

std::string clips_svg(std::span<const CodeHistogram> all, const TileGrid& grid, const std::string& title) {
  MQ_EXPECTS(!all.empty());
  std::vector<Drawing> drawings;
  const auto draw = [&](std::string name, const auto& counts) {
    std::vector<double> clipped(grid.size(), 0.0), conversions(grid.size(), 0.0);
    for (const CodeHistogram& codes : all) {
      if (!counts(codes)) continue;
      clipped[codes.tile] += static_cast<double>(codes.clipped);
      conversions[codes.tile] += static_cast<double>(codes.conversions());
    }
    MatrixPicture picture{.title = std::move(name),
                          .rows = grid.rows(),
                          .cols = grid.columns(),
                          .unit = "%",
                          .row_title = "tile row (outputs)",
                          .col_title = "tile column (inputs)",
                          .reduction = Reduction::largest,
                          .id = fmt::format("clips-{}", drawings.size() + 1)};
    for (std::size_t t = 0; t < grid.size(); ++t) {
      picture.values.push_back(conversions[t] > 0.0 ? static_cast<float>(100.0 * clipped[t] / conversions[t])
                                                    : 0.0f);
    }
    drawings.push_back(svg_heatmap(picture));
  };
  draw("Conversions beyond the range", [](const CodeHistogram&) { return true; });
  for (const CodeHistogram& first : all) {
    if (first.tile != 0 || (all.size() == grid.size()) || drawings.size() > kMostCharts) continue;
    draw(plane_text(first), [&](const CodeHistogram& codes) {
      return codes.plane == first.plane && codes.phase == first.phase;
    });
  }
  return svg_sheet(title, drawings, 3);
}

std::string codes_csv(std::span<const CodeHistogram> all) {
  std::string csv = "tile,slice,kind,phase,code,conversions\n";
  for (const CodeHistogram& codes : all) {
    for (std::size_t i = 0; i < codes.counts.size(); ++i) {
      if (codes.counts[i] == 0) continue;
      csv += fmt::format("{},{},{},{},{},{}\n", codes.tile, codes.role.slice, kind_name(codes.role.kind),
                         codes.phase, static_cast<std::int64_t>(i) - codes.limit(), codes.counts[i]);
    }
  }
  return csv;
}

std::string conversions_csv(std::span<const CodeHistogram> all) {
  std::string csv = "tile,slice,kind,phase,outputs,range,conversions,clipped,mean_code,codes_used\n";
  for (const CodeHistogram& codes : all) {
    csv += fmt::format("{},{},{},{},{},{:.9g},{},{},{:.9g},{}\n", codes.tile, codes.role.slice,
                       kind_name(codes.role.kind), codes.phase, codes.outputs, codes.range,
                       codes.conversions(), codes.clipped, codes.mean_code(), codes.codes_used());
  }
  return csv;
}

}  // namespace mq
