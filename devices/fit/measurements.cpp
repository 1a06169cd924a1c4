#include "meltquench/devices/fit/measurements.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "meltquench/core/error.h"
#include "meltquench/core/units.h"

namespace mq {
namespace {

template <class T>
void append_column(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// Cells of another table are other cells.
void append_cells(std::vector<std::int64_t>& to, const std::vector<std::int64_t>& from) {
  if (from.empty()) return;
  const std::int64_t base = to.empty() ? 0 : *std::max_element(to.begin(), to.end()) + 1;
  const std::int64_t least = to.empty() ? 0 : *std::min_element(from.begin(), from.end());
  for (const std::int64_t cell : from) to.push_back(cell - least + base);
}

void append_reads(CellReads& to, const CellReads& from) {
  append_cells(to.cell, from.cell);
  append_column(to.target, from.target);
  append_column(to.age, from.age);
  append_column(to.g, from.g);
}

}  // namespace

std::string table_name(TableKind kind) {
  switch (kind) {
    case TableKind::conductance_over_time:
      return "conductance over time";
    case TableKind::programming:
      return "programming histogram";
    case TableKind::conductance_over_pulses:
      return "conductance over pulses";
    case TableKind::noise_spectra:
      return "noise spectra";
  }
  return "";
}

void Measurements::append(const Measurements& other) {
  append_reads(reads, other.reads);
  append_reads(programmed, other.programmed);
  append_cells(pulses.cell, other.pulses.cell);
  append_column(pulses.sequence, other.pulses.sequence);
  append_column(pulses.pulse, other.pulses.pulse);
  append_column(pulses.g, other.pulses.g);
  append_column(pulses.direction, other.pulses.direction);
  append_column(spectra.g, other.spectra.g);
  append_column(spectra.frequency, other.spectra.frequency);
  append_column(spectra.density, other.spectra.density);
  append_column(files, other.files);
}

ReadsByCell by_cell(const CellReads& reads) {
  std::vector<std::size_t> order(reads.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return reads.cell[a] != reads.cell[b] ? reads.cell[a] < reads.cell[b] : reads.age[a] < reads.age[b];
  });
  ReadsByCell result;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t row = order[i];
    if (i == 0 || reads.cell[row] != reads.cell[order[i - 1]]) {
      result.first.push_back(i);
      result.cell.push_back(reads.cell[row]);
      result.target.push_back(reads.target[row]);
    } else if (reads.target[row] != result.target.back()) {
      throw DataError("cell " + std::to_string(reads.cell[row]) + " has two targets, " +
                      format_quantity(result.target.back(), Unit::siemens) + " and " +
                      format_quantity(reads.target[row], Unit::siemens) +
                      "; give every programming of a cell a number of its own");
    }
    result.age.push_back(reads.age[row]);
    result.g.push_back(reads.g[row]);
  }
  result.first.push_back(order.size());
  return result;
}

}  // namespace mq
