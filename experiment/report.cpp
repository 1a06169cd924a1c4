#include "meltquench/experiment/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "meltquench/core/error.h"
#include "meltquench/experiment/html.h"
#include "meltquench/experiment/readable.h"
#include "meltquench/experiment/report_sections.h"
#include "meltquench/experiment/statistics.h"

namespace mq {
namespace {

struct Section {
  std::string id;
  std::string title;
  std::string content;  // empty: the section is left out
};

std::string counters_table(const std::vector<ReportCounter>& counters) {
  std::string body;
  for (const ReportCounter& counter : counters)
    body += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{}</td></tr>\n",
                        html_escape(counter.name), readable_count(counter.value, "&#8239;"),
                        html_escape(counter.note));
  return body.empty()
             ? body
             : fmt::format(
                   "<div class=\"wide\"><table class=\"counters\"><tbody>\n{}</tbody></table></div>\n", body);
}

std::string config_text(const std::string& config) {
  return config.empty() ? config : fmt::format("<pre tabindex=\"0\">{}</pre>\n", html_escape(config));
}

std::string provenance_table(const std::vector<std::pair<std::string, std::string>>& provenance) {
  std::string body;
  for (const auto& [key, value] : provenance)
    body += fmt::format("<tr><th scope=\"row\">{}</th><td><code>{}</code></td></tr>\n", html_escape(key),
                        html_escape(value));
  return body.empty() ? body : fmt::format("<table class=\"facts\"><tbody>\n{}</tbody></table>\n", body);
}

std::string link_table(const std::vector<ReportLink>& links) {
  std::string body;
  for (const ReportLink& link : links)
    body += fmt::format("<tr><th scope=\"row\"><a href=\"{}\"><code>{}</code></a></th><td>{}</td></tr>\n",
                        html_link(link.path), html_escape(link.path), html_escape(link.note));
  return body.empty() ? body : fmt::format("<table class=\"facts\"><tbody>\n{}</tbody></table>\n", body);
}

std::vector<Section> sections_of(const ReportData& data) {
  std::vector<Section> sections = {
      {"accuracy", "Accuracy over time", report::accuracy_plots(data.rows)},
      {"results", "Results", report::accuracy_table(data.rows)},
      {"conductance", "Conductances of one tile", report::heatmap_figures(data.heatmaps)},
      {"codes", "Codes of the ADCs", report::code_figures(data.codes, data.codes_note)},
      {"counters", "What the hardware did", counters_table(data.counters)},
      {"configuration", "Configuration", config_text(data.config)},
      {"provenance", "Provenance", provenance_table(data.provenance)},
      {"files", "Files", link_table(data.links)},
  };
  std::erase_if(sections, [](const Section& section) { return section.content.empty(); });
  return sections;
}

std::string header_of(const ReportData& data, const std::vector<Section>& sections) {
  std::string nav;
  for (const Section& section : sections)
    nav += fmt::format("<a href=\"#{}\">{}</a>\n", section.id, section.title);
  std::string run = html_escape(data.run_name);
  if (!data.run_key.empty()) run += fmt::format(" · <code>{}</code>", html_escape(data.run_key));
  std::string out = fmt::format("<header>\n<p class=\"brand\"><b>Meltquench</b>{}</p>\n<h1>{}</h1>\n", run,
                                html_escape(data.title));
  if (!data.summary.empty()) out += fmt::format("<p class=\"lead\">{}</p>\n", html_escape(data.summary));
  for (const std::string& warning : data.warnings)
    out += fmt::format("<p class=\"lead\"><b>Warning:</b> {}.</p>\n", html_escape(warning));
  out += data.rows.empty() ? "<p class=\"lead\">No chip has been evaluated in this run.</p>\n"
                           : report::headline_cards(data.rows);
  if (!nav.empty()) out += fmt::format("<nav>\n{}</nav>\n", nav);
  return out + "</header>\n";
}

}  // namespace

AccuracyRow accuracy_row(std::string variant, std::string compensation, double time,
                         std::span<const double> per_chip, double digital) {
  if (per_chip.empty())
    throw ShapeError(fmt::format("the accuracy of {} at {} has no chips; evaluate at least one", variant,
                                 readable_time(time)));
  const MeanInterval interval = mean_interval(per_chip);
  const auto [min, max] = std::minmax_element(per_chip.begin(), per_chip.end());
  return {.variant = std::move(variant),
          .compensation = std::move(compensation),
          .time = time,
          .chips = static_cast<int>(per_chip.size()),
          .mean = interval.mean,
          .ci95_low = interval.low,
          .ci95_high = interval.high,
          .min = *min,
          .max = *max,
          .digital = digital,
          .per_chip = {per_chip.begin(), per_chip.end()}};
}

std::string html_report(const ReportData& data) {
  const std::vector<Section> sections = sections_of(data);
  // The policy keeps the page to itself whatever stands in the data: nothing is loaded, no script runs.
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
      "'unsafe-inline'\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n{}",
      html_escape(data.title), report::style_sheet(), header_of(data, sections));
  for (const Section& section : sections)
    out += fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", section.id, section.title,
                       section.content);
  out += fmt::format("<footer>Generated by Meltquench {}</footer>\n</main>\n</body>\n</html>\n",
                     html_escape(data.version));
  return out;
}

}  // namespace mq
