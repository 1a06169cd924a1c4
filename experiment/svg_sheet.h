/// Several drawings in one SVG file that stands on its own: in rows, each under its title.
///
/// A page that shows it as an image cannot style it, so the file brings ink for light and for dark pages with
/// it. Equal drawings give equal bytes under every locale.
#pragma once

#include <string>
#include <vector>

namespace mq {

struct Drawing {
  std::string title;
  int width = 0, height = 0;  ///< pixels
  std::string svg;            ///< an <svg> element with `xmlns` first, as the plots of this folder give it
};

/// The text of the file, with a line end; `title` is the heading, `columns` >= 1 drawings stand in a row.
std::string svg_sheet(const std::string& title, const std::vector<Drawing>& drawings, int columns);

}  // namespace mq
