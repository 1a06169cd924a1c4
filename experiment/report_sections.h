/// Parts of the HTML page of report.h; each returns finished markup, empty if the data has nothing for it.
#pragma once

#include <string>
#include <vector>

#include "meltquench/experiment/report.h"

namespace mq::report {

/// Values of `member` over the rows, each once, in order of first appearance.
std::vector<std::string> names_of(const std::vector<AccuracyRow>& rows, std::string AccuracyRow::*member);

/// Half width of the 95 % interval as a fraction; NaN where there is none.
double half_width(const AccuracyRow& row);

/// One card per variant: accuracy at the last time under its best compensation, next to the digital one.
std::string headline_cards(const std::vector<AccuracyRow>& rows);

/// Accuracy over time, one panel per compensation.
std::string accuracy_plots(const std::vector<AccuracyRow>& rows);

std::string accuracy_table(const std::vector<AccuracyRow>& rows);

/// Heatmaps grouped by unit, each group with one colour bar. Throws ShapeError as html_report does.
std::string heatmap_figures(const std::vector<ReportHeatmap>& heatmaps);

/// Bar charts of codes, the first 8 of them.
std::string code_figures(const std::vector<ReportCodes>& codes, const std::string& note);

/// The style sheet: light and dark by the reader's preference, light on paper.
std::string style_sheet();

}  // namespace mq::report
