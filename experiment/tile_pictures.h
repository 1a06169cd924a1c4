/// Pictures and tables of one tile: its cells for one input vector, and the codes of the ADCs of its array.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "meltquench/crossbar/code_histograms.h"
#include "meltquench/crossbar/inspection.h"
#include "meltquench/experiment/svg_bars.h"
#include "meltquench/experiment/svg_sheet.h"

namespace mq {

/// SVG file of the array of one polarity: conductances [S], potentials of word and bit lines at each cell
/// [V], IR drop [V] and currents of cells [A]. IR drop is what is missing at a cell of the voltage of its
/// driver, positive where |voltage| was lost. What is 0 at every cell, such as IR drop without wires, is left
/// out. Expects an array with cells.
std::string cells_svg(const TileReading& reading, Polarity side, const std::string& title);

/// One chart: share of conversions per code; codes at the ends of the range have a colour of their own.
BarChart code_chart(const CodeHistogram& codes);
/// "tile 0, slice 1, plus, phase 2"; differences of cells need no name.
std::string conversion_text(const CodeHistogram& codes);
/// "3 200 conversions, 0.03 % clipped, 209 of 255 codes in use"
std::string code_summary(const CodeHistogram& codes);

/// SVG file of the conversions of one tile, one chart each; 12 at most, which the title then states. Expects
/// one or more.
std::string codes_svg(std::span<const CodeHistogram> all, std::size_t tile, const std::string& title);

/// SVG file: share of conversions beyond the range, of every tile of an array, and for each of several planes
/// and phases.
std::string clips_svg(std::span<const CodeHistogram> all, const TileGrid& grid, const std::string& title);

/// One line per code that occurred: "tile,slice,kind,phase,code,conversions".
std::string codes_csv(std::span<const CodeHistogram> all);
/// One line per conversion: range, conversions, clips, mean code, codes in use.
std::string conversions_csv(std::span<const CodeHistogram> all);

}  // namespace mq
