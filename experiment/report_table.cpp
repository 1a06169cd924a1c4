#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meltquench/experiment/readable.h"
#include "meltquench/experiment/report.h"
#include "meltquench/experiment/report_sections.h"

namespace mq {
namespace {

constexpr std::size_t kWidest = 100;
constexpr std::size_t kGap = 2;
constexpr std::size_t kLongestName = 24;

enum class Align { left, right };

struct Column {
  Align align;
  std::vector<std::string> cells;  // the first is the heading
};

/// Length in characters; names may be UTF-8.
std::size_t length(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::size_t width(const Column& column) {
  std::size_t widest = 0;
  for (const std::string& cell : column.cells) widest = std::max(widest, length(cell));
  return widest;
}

/// A name as one cell: control characters would break the table, long names its width.
std::string cell_of(const std::string& name) {
  std::string text;
  std::size_t count = 0;
  for (const char c : name) {
    if ((c & 0xC0) != 0x80 && ++count > kLongestName) return text + "…";
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return text;
}

/// How cells are written, from roomy to tight.
struct CellStyle {
  const char* plus_minus;
  const char* sign;
};
constexpr CellStyle kStyles[] = {{" ± ", " %"}, {" ± ", ""}, {" ±", ""}};

std::string accuracy_cell(const AccuracyRow* row, const CellStyle& style) {
  if (!row) return "-";
  const double half = report::half_width(*row);
  if (!std::isfinite(half)) return readable_percent(row->mean) + style.sign;
  return fmt::format("{}{}{}{}", readable_percent(row->mean), style.plus_minus, readable_percent(half),
                     style.sign);
}

using Pair = std::pair<std::string, std::string>;  // variant, compensation

std::vector<Pair> pairs_of(const std::vector<AccuracyRow>& rows) {
  std::vector<Pair> pairs;
  for (const AccuracyRow& row : rows) {
    const Pair pair{row.variant, row.compensation};
    if (std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) pairs.push_back(pair);
  }
  return pairs;
}

std::vector<double> times_of(const std::vector<AccuracyRow>& rows) {
  std::vector<double> times;
  for (const AccuracyRow& row : rows) times.push_back(row.time);
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

const AccuracyRow* find_row(const std::vector<AccuracyRow>& rows, const Pair& pair, double time) {
  for (const AccuracyRow& row : rows)
    if (row.variant == pair.first && row.compensation == pair.second && row.time == time) return &row;
  return nullptr;
}

std::vector<Column> name_columns(const std::vector<AccuracyRow>& rows, const std::vector<Pair>& pairs,
                                 const CellStyle& style) {
  Column variant{Align::left, {"variant"}};
  Column compensation{Align::left, {"comp."}};
  Column digital{Align::right, {"digital"}};
  for (const Pair& pair : pairs) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const AccuracyRow& r) {
      return r.variant == pair.first && r.compensation == pair.second;
    });
    variant.cells.push_back(cell_of(pair.first));
    compensation.cells.push_back(cell_of(pair.second));
    digital.cells.push_back(readable_percent(row->digital) + (std::isfinite(row->digital) ? style.sign : ""));
  }
  return {variant, compensation, digital};
}

std::vector<Column> time_columns(const std::vector<AccuracyRow>& rows, const std::vector<Pair>& pairs,
                                 const CellStyle& style) {
  std::vector<Column> columns;
  for (const double time : times_of(rows)) {
    Column column{Align::right, {readable_time(time)}};
    for (const Pair& pair : pairs) column.cells.push_back(accuracy_cell(find_row(rows, pair, time), style));
    columns.push_back(std::move(column));
  }
  return columns;
}

std::size_t total_width(const std::vector<Column>& columns) {
  std::size_t sum = 0;
  for (const Column& column : columns) sum += (sum == 0 ? 0 : kGap) + width(column);
  return sum;
}

std::string print(const std::vector<Column>& columns) {
  std::string out;
  for (std::size_t line = 0; line < columns.front().cells.size(); ++line) {
    std::string text;
    for (const Column& column : columns) {
      const std::string padding(width(column) - length(column.cells[line]), ' ');
      if (!text.empty()) text += std::string(kGap, ' ');
      text += column.align == Align::left ? column.cells[line] + padding : padding + column.cells[line];
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
    if (line == 0) out += std::string(total_width(columns), '-') + "\n";
  }
  return out;
}

/// "25 chips", or "5 to 25 chips" where the rows differ.
std::string chips_text(const std::vector<AccuracyRow>& rows) {
  const auto [fewest, most] =
      std::minmax_element(rows.begin(), rows.end(), [](auto& a, auto& b) { return a.chips < b.chips; });
  if (fewest->chips != most->chips) return fmt::format("{} to {} chips", fewest->chips, most->chips);
  return fmt::format("{} chip{}", most->chips, most->chips == 1 ? "" : "s");
}

}  // namespace

std::string text_table(const ReportData& data) {
  if (data.rows.empty()) return "No chip has been evaluated.\n";
  const std::vector<Pair> pairs = pairs_of(data.rows);
  std::vector<Column> names;
  std::vector<Column> times;
  bool has_sign = false;
  for (const CellStyle& style : kStyles) {
    names = name_columns(data.rows, pairs, style);
    times = time_columns(data.rows, pairs, style);
    has_sign = *style.sign != '\0';
    if (total_width(names) + kGap + total_width(times) <= kWidest) break;
  }
  std::string out =
      fmt::format("Accuracy{} of {}: mean ± half width of its 95 % interval; comp.: drift compensation\n\n",
                  has_sign ? "" : " [%]", chips_text(data.rows));
  std::vector<Column> block = names;
  for (const Column& column : times) {
    if (block.size() > names.size() && total_width(block) + kGap + width(column) > kWidest) {
      out += print(block) + "\n";
      block = names;
    }
    block.push_back(column);
  }
  return out + print(block);
}

}  // namespace mq
