#include "meltquench/devices/fit/pcm_cells.h"

#include <set>

#include "meltquench/devices/fit/programming_yield.h"

namespace mq {
namespace {

constexpr std::size_t kFewFailures = 10;

}  // namespace

CellReads usable_reads(const CellReads& reads, const PcmSetting& setting, std::size_t& left_out) {
  CellReads kept;
  std::set<std::int64_t> out;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    if (reads.target[i] < kLeastPcmTarget * setting.g_max) {
      out.insert(reads.cell[i]);
      continue;
    }
    kept.cell.push_back(reads.cell[i]);
    kept.target.push_back(reads.target[i]);
    kept.age.push_back(reads.age[i] > 0.0 ? reads.age[i] : setting.t0);
    kept.g.push_back(reads.g[i]);
  }
  left_out += out.size();
  return kept;
}

CellReads without_failures(const CellReads& reads, const PcmSetting& setting, bool is_verify,
                           std::vector<Estimate>& estimates, std::vector<std::string>& notes) {
  const ReadsByCell cells = by_cell(reads);
  CellReads first;
  for (std::size_t c = 0; c < cells.cells(); ++c) {
    first.cell.push_back(cells.cell[c]);
    first.target.push_back(cells.target[c]);
    first.age.push_back(cells.ages(c)[0]);
    first.g.push_back(cells.values(c)[0]);
  }
  if (first.size() < kLeastPcmCells) return reads;
  const YieldFit yield = fit_yield(first, setting.g_max);
  if (is_verify) estimates.push_back(yield.yield);
  std::set<std::int64_t> out;
  for (std::size_t c = 0; c < cells.cells(); ++c) {
    if (!yield.converged[c]) out.insert(cells.cell[c]);
  }
  if (out.size() < kFewFailures) return reads;  // the tails of a normal have a few as well
  notes.push_back(std::to_string(out.size()) + " of " + std::to_string(cells.cells()) +
                  " cells did not converge when they were programmed and were left out.");
  CellReads kept;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    if (out.contains(reads.cell[i])) continue;
    kept.cell.push_back(reads.cell[i]);
    kept.target.push_back(reads.target[i]);
    kept.age.push_back(reads.age[i]);
    kept.g.push_back(reads.g[i]);
  }
  return kept;
}

}  // namespace mq
