#include <fmt/format.h>

#include <algorithm>

#include "meltquench/experiment/html.h"
#include "meltquench/experiment/report_sections.h"

namespace mq::report {

std::string code_figures(const std::vector<ReportCodes>& codes, const std::string& note) {
  constexpr std::size_t kMost = 8;
  if (codes.empty()) return "";
  const std::size_t drawn = std::min(codes.size(), kMost);
  std::string out = fmt::format("<div class=\"panels{}\">\n", drawn > 1 ? " panels-2" : "");
  for (std::size_t i = 0; i < drawn; ++i) {
    out += fmt::format(
        "<figure class=\"panel\" "
        "style=\"max-width:540px\"><h4>{}</h4>{}<figcaption>{}</figcaption></figure>\n",
        html_escape(codes[i].name), svg_bars(codes[i].chart), html_escape(codes[i].caption));
  }
  const std::string rest =
      drawn < codes.size() ? fmt::format(" The first {} of {} conversions.", drawn, codes.size()) : "";
  return out + fmt::format("</div>\n<p class=\"note\">{}</p>\n", html_escape(note + rest));
}

}  // namespace mq::report
