#include "meltquench/experiment/svg_panels.h"

#include "meltquench/experiment/svg_sheet.h"

namespace mq {

std::string svg_panels(const std::string& title, const std::vector<LinePlot>& panels, int columns) {
  std::vector<Drawing> drawings;
  for (const LinePlot& panel : panels) {
    drawings.push_back({panel.title, panel.width, panel.height, svg_plot(panel)});
  }
  return svg_sheet(title, drawings, columns);
}

}  // namespace mq
