#include "meltquench/devices/fit/plausible.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <tuple>

#include "meltquench/core/error.h"
#include "meltquench/core/units.h"

namespace mq {
namespace {

// A cell may stick far above its target, but not far above all that the device can do.
constexpr double kBeyondDevice = 10.0;
constexpr double kTinyTarget = 1e-4, kStrongRead = 1e-2;  // of g_max
constexpr std::size_t kFewStrays = 3;
constexpr double kStray = 100.0, kJump = 100.0, kStrongPulse = 0.3, kShareOfJumps = 0.01;
constexpr double kLeastAmplitude = 1e-4, kMostAmplitude = 0.3;
constexpr std::size_t kSomeCells = 8;
constexpr double kShareOfCells = 0.01;
constexpr std::string_view kMixed = "are units mixed?";

std::string siemens(double value) { return format_quantity(value, Unit::siemens); }

std::string pulse_text(const PulseReads& pulses, std::size_t row) {
  return "pulse " + std::to_string(pulses.pulse[row]) + " of cell " + std::to_string(pulses.cell[row]) +
         ", sequence " + std::to_string(pulses.sequence[row]) + ",";
}

void check_finite(const std::vector<double>& column, const char* what) {
  for (const double value : column) {
    if (!std::isfinite(value)) throw DataError(std::string(what) + " holds what is no finite number");
  }
}

void check_reads(const CellReads& reads, double g_max) {
  check_finite(reads.target, "the column of target");
  check_finite(reads.age, "the column of time");
  check_finite(reads.g, "the column of g");
  std::set<std::int64_t> tiny;
  for (std::size_t i = 0; i < reads.size(); ++i) {
    const double g = reads.g[i], target = reads.target[i];
    if (std::abs(g) > kBeyondDevice * g_max) {
      throw DataError("cell " + std::to_string(reads.cell[i]) + " was read at " + siemens(g) +
                      ", more than ten times the largest conductance of the device, " + siemens(g_max) +
                      "; " + std::string(kMixed) +
                      " If the device does reach so far, name its largest conductance (--g-max)");
    }
    if (target > 0.0 && target < kTinyTarget * g_max && g > kStrongRead * g_max) tiny.insert(reads.cell[i]);
  }
  if (tiny.size() >= kFewStrays) {
    throw DataError(std::to_string(tiny.size()) + " cells, like " + std::to_string(*tiny.begin()) +
                    ", have targets of less than a ten-thousandth of " + siemens(g_max) +
                    " but were read at more than a hundredth of it; " + std::string(kMixed) +
                    " The target of a cell after RESET is 0");
  }
}

double spread_of(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean) / n;
  return std::sqrt(squares);
}

/// Cells that stand at a thousandth or a millionth of their targets, whatever these are. Cells that failed
/// stand anywhere, or where they are stuck.
void check_weak_cells(const CellReads& reads) {
  for (const double factor : {1e-3, 1e-6}) {
    std::set<std::int64_t> cells, scaled;
    std::vector<double> log_target, log_ratio;
    for (std::size_t i = 0; i < reads.size(); ++i) {
      if (!cells.insert(reads.cell[i]).second || !(reads.g[i] > 0.0) || !(reads.target[i] > 0.0)) continue;
      const double ratio = reads.g[i] / reads.target[i] / factor;
      if (ratio < 0.5 || ratio > 2.0) continue;
      scaled.insert(reads.cell[i]);
      log_target.push_back(std::log(reads.target[i])), log_ratio.push_back(std::log(ratio));
    }
    if (scaled.size() < kSomeCells ||
        static_cast<double>(scaled.size()) < kShareOfCells * static_cast<double>(cells.size()) ||
        spread_of(log_ratio) > 0.5 * spread_of(log_target)) {
      continue;
    }
    throw DataError(std::to_string(scaled.size()) + " cells, like " + std::to_string(*scaled.begin()) +
                    ", were read at about " + format_number(factor) + " of their targets; " +
                    std::string(kMixed));
  }
}

/// Amplitude q of 1/f noise that single densities tell: S / g^2 = q^2 / f.
void check_spectra(const NoiseSpectra& spectra) {
  check_finite(spectra.g, "the column of g");
  check_finite(spectra.frequency, "the column of frequency");
  check_finite(spectra.density, "the column of psd");
  if (spectra.size() == 0) return;
  std::vector<double> amplitudes;
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    amplitudes.push_back(std::sqrt(spectra.density[i] * spectra.frequency[i]) / spectra.g[i]);
  }
  const auto middle = amplitudes.begin() + static_cast<std::ptrdiff_t>(amplitudes.size() / 2);
  std::nth_element(amplitudes.begin(), middle, amplitudes.end());
  if (*middle >= kLeastAmplitude && *middle <= kMostAmplitude) return;
  throw DataError("the noise spectra tell an amplitude of " + format_number(float(*middle)) +
                  " of the conductance; " + format_number(kLeastAmplitude) +
                  " to 1 can be. Are the units of g, "
                  "frequency and psd those of their names?");
}

}  // namespace

void check_plausible_cells(const Measurements& all, double g_max, double t_read) {
  check_reads(all.reads, g_max);
  check_reads(all.programmed, g_max);
  check_weak_cells(all.reads);
  check_weak_cells(all.programmed);
  check_spectra(all.spectra);
  for (std::size_t i = 0; i < all.reads.size(); ++i) {
    if (all.reads.age[i] >= 2.0 * t_read) continue;
    throw DataError(
        "cell " + std::to_string(all.reads.cell[i]) + " was read " +
        format_quantity(all.reads.age[i], Unit::second) +
        " after its last pulse, but a read takes t_read = " + format_quantity(float(t_read), Unit::second) +
        "; is the time in another unit than its name says?");
  }
}

void check_plausible_pulses(const PulseReads& pulses) {
  check_finite(pulses.g, "the column of g");
  if (pulses.size() == 0) return;
  std::vector<double> sizes;
  for (const double g : pulses.g) sizes.push_back(std::abs(g));
  std::sort(sizes.begin(), sizes.end());
  const double largest = sizes.back(), usual = sizes[sizes.size() * 99 / 100];
  if (largest > kStray * usual) {
    throw DataError("a conductance of " + siemens(largest) + " is a hundred times larger than 99 % of all, " +
                    siemens(usual) + "; " + std::string(kMixed) + " Leave single strays out");
  }
  std::vector<std::size_t> order(pulses.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  const auto sequence = [&](std::size_t i) { return std::tuple(pulses.cell[i], pulses.sequence[i]); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(sequence(a), pulses.pulse[a]) < std::tuple(sequence(b), pulses.pulse[b]);
  });
  // SET may be abrupt, and so may RESET; the opposite of what the pulse does may not, but for a noisy read.
  std::size_t strong = 0, jumps = 0, last = 0;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::size_t before = order[i - 1], after = order[i];
    if (sequence(before) != sequence(after)) continue;
    if (pulses.pulse[before] == pulses.pulse[after]) {
      throw DataError(pulse_text(pulses, after) + " is there twice; give every sequence a number of its own");
    }
    const bool is_up = pulses.direction[after] > 0;
    const double from = std::abs(pulses.g[is_up ? before : after]),
                 to = std::abs(pulses.g[is_up ? after : before]);
    if (from < kStrongPulse * largest) continue;
    ++strong;
    if (from > kJump * to) ++jumps, last = after;
  }
  if (jumps < kFewStrays || static_cast<double>(jumps) < kShareOfJumps * static_cast<double>(strong)) return;
  throw DataError(std::to_string(jumps) + " pulses, like " + pulse_text(pulses, last) +
                  " change a conductance a hundredfold against their direction; " + std::string(kMixed));
}

}  // namespace mq
