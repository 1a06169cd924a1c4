/// What a run found, as one self-contained HTML page and as the table that the command line prints.
///
/// Neither reads a clock, the locale or the machine: equal data gives equal bytes. Accuracies are fractions
/// in [0, 1] and printed in percent, times are seconds, everything else is in the unit it names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "meltquench/experiment/svg_bars.h"

namespace mq {

/// Accuracy of one variant of the network under one drift compensation, at one time, over all chips.
struct AccuracyRow {
  std::string variant = {};       ///< how the network was trained, e.g. "hardware-aware"
  std::string compensation = {};  ///< drift compensation, e.g. "none" or "global"
  double time = 0;                ///< since the reference read [s]
  int chips = 0;
  double mean = 0;
  double ci95_low = 0;  ///< 95 % interval of the mean; NaN where there is one chip
  double ci95_high = 0;
  double min = 0;
  double max = 0;
  double digital = 0;  ///< accuracy of the same network without analog hardware; NaN: not known
  std::vector<double> per_chip = {};  ///< for the 5 to 95 % band of the plot; empty: no band
};

/// The row that `per_chip` makes: mean, Student-t interval, extremes. Throws ShapeError without chips.
AccuracyRow accuracy_row(std::string variant, std::string compensation, double time,
                         std::span<const double> per_chip, double digital);

/// A matrix [rows, cols], row-major. All heatmaps of one unit share one colour scale.
struct ReportHeatmap {
  std::string name = {};
  int rows = 0;
  int cols = 0;
  std::vector<float> values = {};
  std::string unit = {};  ///< without prefix, e.g. "S"; the page picks the prefix. Empty: plain numbers
  std::string caption = {};
  std::string row_title = "bit lines";
  std::string col_title = "word lines";
};

struct ReportCodes {
  std::string name = {};
  BarChart chart = {};
  std::string caption = {};
};

struct ReportCounter {
  std::string name = {};
  std::uint64_t value = 0;
  std::string note = {};  ///< what it counts, or what it means in proportion
};

struct ReportLink {
  std::string path = {};  ///< relative to the report
  std::string note = {};
};

struct ReportData {
  std::string title = {};
  std::string run_name = {};
  std::string run_key = {};
  std::string version = {};                ///< of the program that ran
  std::string summary = {};                ///< one paragraph
  std::vector<std::string> warnings = {};  ///< sentences below it
  std::vector<AccuracyRow> rows = {};
  std::vector<ReportHeatmap> heatmaps = {};
  std::vector<ReportCodes> codes = {};  ///< of ADCs; the first 8 are drawn
  std::string codes_note = {};
  std::vector<ReportCounter> counters = {};
  std::string config = {};                                           ///< TOML, resolved
  std::vector<std::pair<std::string, std::string>> provenance = {};  ///< key, value
  std::vector<ReportLink> links = {};
};

/// The page. It loads nothing and runs no script; every text in it is escaped. Throws ShapeError if a
/// heatmap's values do not fit its extents.
std::string html_report(const ReportData& data);

/// One line per variant and compensation, one column per time with mean and half width of the 95 % interval
/// in percent, and the digital accuracy; ends with a line end. No line is wider than 100 characters: what
/// does not fit drops its percent signs first, then goes to further blocks of columns.
std::string text_table(const ReportData& data);

}  // namespace mq
