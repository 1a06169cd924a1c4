#include "meltquench/experiment/svg_sheet.h"

#include <fmt/format.h>

#include <algorithm>

#include "meltquench/core/contract.h"
#include "meltquench/experiment/html.h"

namespace mq {
namespace {

constexpr int kHeading = 34;     // of the figure
constexpr int kPanelTitle = 22;  // above each panel
constexpr int kGap = 16;
constexpr int kLetter = 9;  // of the heading, at most on average

}  // namespace

std::string svg_sheet(const std::string& title, const std::vector<Drawing>& drawings, int columns) {
  MQ_EXPECTS(columns >= 1);
  int cell_width = 0;
  int cell_height = 0;
  for (const Drawing& panel : drawings) {
    cell_width = std::max(cell_width, panel.width + kGap);
    cell_height = std::max(cell_height, panel.height + kPanelTitle + kGap);
  }
  const int count = static_cast<int>(drawings.size());
  const int rows = (count + columns - 1) / columns;
  const int width =
      std::max(std::min(count, columns) * cell_width, 28 + kLetter * static_cast<int>(title.size()));
  const int height = kHeading + rows * cell_height;
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "role=\"img\" aria-label=\"{2}\" font-family=\"system-ui,sans-serif\" font-size=\"13\" "
      "fill=\"currentColor\">\n"
      "<style>svg{{color:#222;background:#fff}}@media(prefers-color-scheme:dark){{svg{{color:#ddd;"
      "background:#16181d}}}}</style>\n"
      "<text x=\"14\" y=\"22\" font-size=\"16\" font-weight=\"600\">{2}</text>\n",
      width, height, html_escape(title));
  for (int i = 0; i < count; ++i) {
    const Drawing& panel = drawings[static_cast<std::size_t>(i)];
    const std::string& plot = panel.svg;
    MQ_EXPECTS(plot.starts_with("<svg "));
    const int x = i % columns * cell_width;
    const int y = kHeading + i / columns * cell_height;
    text += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n<svg x=\"{}\" y=\"{}\" {}\n", x + 14, y + 14,
                        html_escape(panel.title), x, y + kPanelTitle, plot.substr(5));
  }
  return text + "</svg>\n";
}

}  // namespace mq
