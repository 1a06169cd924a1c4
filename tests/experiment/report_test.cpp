#include "meltquench/experiment/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "meltquench/core/error.h"
#include "meltquench/experiment/statistics.h"
#include "well_formed.h"

namespace mq {
namespace {

constexpr const char* kHostile = "\"><script>alert('1')</script>&\x02\xfe";

const std::vector<double> kTimes = {25, 3600, 86400, 2592000, 31536000};

ReportData sample_report() {
  ReportData data;
  data.title = "Fashion-MNIST on phase-change memory";
  data.run_name = "fashion-mnist";
  data.run_key = "3fa91c07";
  data.version = "0.1.0";
  data.summary = "An MLP on 25 chips.";
  for (const char* variant : {"plain", "hardware-aware"})
    for (const char* compensation : {"none", "global"})
      for (std::size_t t = 0; t < kTimes.size(); ++t) {
        std::vector<double> chips;
        for (int chip = 0; chip < 25; ++chip)
          chips.push_back(0.88 - 0.01 * static_cast<double>(t) + 0.0001 * (chip % 5));
        data.rows.push_back(accuracy_row(variant, compensation, kTimes[t], chips, 0.8812));
      }
  data.heatmaps = {{"Target", 2, 3, {0, 5e-6f, 10e-6f, 15e-6f, 20e-6f, 25e-6f}, "S", "asked for"},
                   {"Aged", 2, 3, {0, 4e-6f, 8e-6f, 12e-6f, 16e-6f, NAN}, "S", "one year later"}};
  data.counters = {{"ADC conversions", 1234567, "one per bit line"}};
  data.config = "seed = 7\nname = \"<x>\"\n";
  data.provenance = {{"backend", "cpu"}};
  data.links = {{"results.csv", "the rows"}};
  return data;
}

/// Characters in the widest line.
std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);)
    widest = std::max(widest, static_cast<std::size_t>(std::count_if(
                                  line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; })));
  return widest;
}

TEST(AccuracyRow, SummarisesItsChips) {
  const AccuracyRow row = accuracy_row("plain", "none", 25, std::vector<double>{0.5, 0.7, 0.9}, 0.95);
  EXPECT_EQ(row.chips, 3);
  EXPECT_NEAR(row.mean, 0.7, 1e-12);
  EXPECT_EQ(row.min, 0.5);
  EXPECT_EQ(row.max, 0.9);
  EXPECT_NEAR(row.ci95_high - row.mean, student_t_critical(0.95, 2) * 0.2 / std::sqrt(3.0), 1e-12);
  EXPECT_THROW(accuracy_row("plain", "none", 25, {}, 0.95), ShapeError);
}

TEST(WellFormedCheck, NoticesWhatIsNot) {
  EXPECT_EQ(test::xml_problem("<a b=\"1 &lt; 2\"><c/>x &#39; y</a>"), "");
  for (const char* bad : {"<a>", "</a>", "<a></b>", "<a b=1/>", "<a b=\"<\"/>", "x & y", "x &nbsp; y",
                          "a > b", "<a b=\"1\" b=\"2\"/>"})
    EXPECT_NE(test::xml_problem(bad), "") << bad;
}

TEST(HtmlReport, IsWellFormedAndHoldsEverySection) {
  const std::string html = html_report(sample_report());
  EXPECT_EQ(test::xml_problem(html), "");
  for (const char* part :
       {"Fashion-MNIST on phase-change memory", "3fa91c07", "An MLP on 25 chips.", "Drift compensation: none",
        "Drift compensation: global", "84.02 ± 0.01", "−4.10", "1 year", "data:image/png;base64,",
        "mean 12.5 µS", "1&#8239;234&#8239;567", "seed = 7", "name = &quot;&lt;x&gt;&quot;",
        "href=\"./results.csv\"", "Meltquench 0.1.0"})
    EXPECT_NE(html.find(part), html.npos) << part;
}

TEST(HtmlReport, LoadsNothingAndRunsNoScript) {
  const std::string html = html_report(sample_report());
  for (const char* part :
       {"<script", "<link", "@import", "src=\"http", "href=\"http", "url(http", "javascript:"})
    EXPECT_EQ(html.find(part), html.npos) << part;
}

TEST(HtmlReport, EscapesHostileTextEverywhere) {
  ReportData data = sample_report();
  data.title = data.run_name = data.run_key = data.version = data.summary = data.config = kHostile;
  for (AccuracyRow& row : data.rows) row.variant += kHostile, row.compensation += kHostile;
  for (ReportHeatmap& map : data.heatmaps)
    map.name = map.unit = map.caption = map.row_title = map.col_title = kHostile;
  data.counters = {{kHostile, 1, kHostile}};
  data.provenance = {{kHostile, kHostile}};
  data.links = {{kHostile, kHostile}, {"javascript:alert(1)", ""}};
  const std::string html = html_report(data);
  EXPECT_EQ(test::xml_problem(html), "");
  EXPECT_EQ(html.find("<script"), html.npos);
  EXPECT_EQ(html.find("href=\"javascript"), html.npos);
}

TEST(HtmlReport, GivesEqualBytesForEqualData) {
  EXPECT_EQ(html_report(sample_report()), html_report(sample_report()));
}

TEST(HtmlReport, DrawsTheFirstCodesAndEscapesTheirText) {
  ReportData data = sample_report();
  const ReportCodes one{
      kHostile,
      {.title = kHostile, .x_title = "ADC code", .y_title = "conversions [%]", .values = {1.0, 0.0, 3.0}},
      "12 conversions"};
  data.codes.assign(9, one);
  data.codes_note = "while 100 test images pass.";
  const std::string html = html_report(data);
  EXPECT_EQ(test::xml_problem(html), "");
  for (const char* part :
       {"Codes of the ADCs", "12 conversions", "ADC code", "while 100 test images pass. The first 8 of 9"})
    EXPECT_NE(html.find(part), html.npos) << part;
  EXPECT_EQ(html.find("<script"), html.npos);
}

TEST(HtmlReport, LeavesOutSectionsWithoutData) {
  ReportData data;
  data.title = "Nothing yet";
  const std::string html = html_report(data);
  EXPECT_EQ(test::xml_problem(html), "");
  EXPECT_EQ(html.find("<section"), html.npos);
  EXPECT_NE(html.find("No chip has been evaluated"), html.npos);
}

TEST(HtmlReport, ShowsATimeOfZeroAndASingleChip) {
  ReportData data;
  data.title = "One chip";
  data.rows = {accuracy_row("plain", "none", 0, std::vector<double>{0.5}, NAN),
               accuracy_row("plain", "none", 3600, std::vector<double>{0.25}, NAN)};
  const std::string html = html_report(data);
  EXPECT_EQ(test::xml_problem(html), "");
  EXPECT_NE(html.find(">0 s</text>"), html.npos);
  EXPECT_NE(html.find("25.00"), html.npos);
  EXPECT_EQ(html.find("± n/a"), html.npos);
  EXPECT_EQ(html.find("nan"), html.npos);
}

TEST(HtmlReport, RejectsAHeatmapWhoseValuesDoNotFit) {
  ReportData data = sample_report();
  data.heatmaps[0].rows = 5;
  EXPECT_THROW(html_report(data), ShapeError);
}

TEST(TextTable, PutsTheMainJobIntoOneBlockOf100Characters) {
  const std::string table = text_table(sample_report());
  EXPECT_LE(widest_line(table), 100u);
  EXPECT_NE(table.find("variant         comp.   digital         25 s          1 h        1 day      1 month  "
                       "     1 year\n"),
            table.npos)
      << table;
  EXPECT_NE(table.find("hardware-aware  global    88.12  88.02 ±0.01  87.02 ±0.01"), table.npos) << table;
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2 + 2 + 4);
}

TEST(TextTable, SaysPercentInEveryCellWhereThereIsRoom) {
  ReportData data;
  data.rows = {accuracy_row("plain", "none", 25, std::vector<double>{0.879, 0.88}, 0.89)};
  const std::string table = text_table(data);
  EXPECT_NE(table.find("87.95 ± 0.64 %"), table.npos) << table;
  EXPECT_NE(table.find("89.00 %"), table.npos) << table;
}

TEST(TextTable, BreaksIntoBlocksForManyTimesAndLongNames) {
  ReportData data;
  for (int day = 1; day <= 12; ++day)
    data.rows.push_back(accuracy_row(std::string(300, 'x') + "\nµ", "global", day * 86400.0,
                                     std::vector<double>{0.1, 0.9}, 0.95));
  const std::string table = text_table(data);
  EXPECT_LE(widest_line(table), 100u);
  EXPECT_NE(table.find("12 days"), table.npos);
  EXPECT_GT(table.find("12 days"), table.find("variant", table.find("variant") + 1));
}

TEST(TextTable, MarksCombinationsThatWereNotRun) {
  ReportData data;
  data.rows = {accuracy_row("plain", "none", 25, std::vector<double>{0.9, 0.9}, 0.9),
               accuracy_row("aware", "none", 3600, std::vector<double>{0.9, 0.9}, 0.9)};
  EXPECT_NE(text_table(data).find(" -\n"), std::string::npos);
  EXPECT_EQ(text_table(ReportData{}), "No chip has been evaluated.\n");
}

}  // namespace
}  // namespace mq
