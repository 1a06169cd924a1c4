#include "meltquench/devices/fit/pcm_told.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/units.h"
#include "meltquench/devices/fit/drift_per_cell.h"
#include "meltquench/devices/fit/estimate.h"

namespace mq {
namespace {

constexpr double kLeastSpan = 2.0;
constexpr double kStrongTarget = 0.1;  // of g_max: below, cells miss their targets by much
constexpr double kOtherClock = 30.0, kBias = 0.1, kSure = 6.0, kFewCells = 8.0;
// Exponents of phase-change materials lie between 0 and 0.15: an interval of 0.2 tells nothing.
constexpr double kWidestExponent = 0.2, kWidestNoise = 1.0;

/// Mean of ln(g / target) over cells, and of the logarithm of their first age.
struct Ratio {
  double n = 0.0, sum = 0.0, squares = 0.0, log_age = 0.0;

  void add(double value, double age) {
    n += 1.0, sum += value, squares += value * value, log_age += std::log(age);
  }
  double mean() const { return sum / n; }
  double error() const { return std::sqrt(std::max(squares / n - mean() * mean(), 0.0) / n); }
  std::string text() const { return format_number(float(std::round(1e3 * std::exp(mean())) / 1e3)); }
  std::string age_text() const { return format_quantity(float(std::exp(log_age / n)), Unit::second); }
};

/// A law at one target, by the derivatives of its parameters from `first` on.
Estimate value_of(std::string name, double value, std::span<const double> derivatives, std::size_t first,
                  const SymmetricMatrix& covariance) {
  double variance = 0.0;
  for (std::size_t i = 0; i < derivatives.size(); ++i) {
    for (std::size_t j = 0; j < derivatives.size(); ++j) {
      if (derivatives[i] == 0.0 || derivatives[j] == 0.0) continue;  // unknown, but not asked
      variance += derivatives[i] * derivatives[j] * covariance(first + i, first + j);
    }
  }
  return estimate(std::move(name), Unit::one, value, std::sqrt(std::max(variance, 0.0)));
}

/// Throws unless the interval of `e` is at most `widest` and reaches into [0, 1].
void check(const Estimate& e, double log_x, double widest, const char* remedy) {
  if (!std::isfinite(e.value) || !std::isfinite(e.standard_error)) {
    throw DataError("these measurements cannot tell " + e.name + ": no interval of it is finite. " + remedy);
  }
  const std::string what =
      e.name + " at a target of " + format_number(float(std::exp(log_x))) + " g_max is " + estimate_text(e);
  if (e.high - e.low > widest) {
    throw DataError("these reads cannot tell " + what + ", wider than " + format_number(widest) + "; " +
                    remedy);
  }
  if (e.high < 0.0 || e.low > 1.0) throw DataError(what + "; it must be within 0 and 1. " + remedy);
}

}  // namespace

void check_time_span(const ReadsByCell& reads) {
  std::vector<double> spans;
  for (std::size_t c = 0; c < reads.cells(); ++c) {
    const std::span<const double> ages = reads.ages(c);
    spans.push_back(ages.back() / ages.front());
  }
  if (spans.empty()) return;
  const auto middle = spans.begin() + static_cast<std::ptrdiff_t>(spans.size() / 2);
  std::nth_element(spans.begin(), middle, spans.end());
  if (*middle >= kLeastSpan) return;
  throw DataError(
      "these reads cannot tell nu: the last read of a cell comes when it is " +
      format_number(float(*middle)) + " times as old as at its first (median of the cells), and " +
      format_number(kLeastSpan) +
      " is the least; read the cells over decades of time since their last pulse, like 30 s, 300 s "
      "and 3000 s");
}

void check_conductance_at_t0(const ReadsByCell& reads, const PcmSetting& setting,
                             std::vector<std::string>& notes) {
  std::vector<double> firsts;
  for (std::size_t c = 0; c < reads.cells(); ++c) firsts.push_back(reads.ages(c).front());
  if (firsts.empty()) return;
  const auto middle = firsts.begin() + static_cast<std::ptrdiff_t>(firsts.size() / 2);
  std::nth_element(firsts.begin(), middle, firsts.end());
  Ratio usual, other;
  for (const CellDrift& cell : drift_per_cell(reads, setting, ReadWeights::white)) {
    if (cell.target < kStrongTarget * setting.g_max) continue;
    const bool is_usual = std::abs(std::log(cell.first_age / *middle)) < std::log(kOtherClock);
    (is_usual ? usual : other).add(std::log(cell.g / cell.target), cell.first_age);
  }
  if (usual.n < kFewCells) return;
  const double difference = std::abs(usual.mean() - other.mean());
  if (other.n >= kFewCells && difference > kBias &&
      difference > kSure * std::hypot(usual.error(), other.error())) {
    throw DataError("cells that were first read at ages of about " + other.age_text() + " stand at " +
                    other.text() + " of their targets at t0, and those at about " + usual.age_text() +
                    " at " + usual.text() + "; are units of time mixed?");
  }
  if (std::abs(usual.mean()) > kBias && std::abs(usual.mean()) > kSure * usual.error()) {
    notes.push_back(
        "The cells stand at " + usual.text() +
        " of their targets at t0 = " + format_quantity(float(setting.t0), Unit::second) +
        "; pcm has no such factor, and the programming noise holds it. Are times and conductances "
        "in the units of their names?");
  }
}

void check_pcm_told(const PcmForm& form, std::span<const double> at, const SymmetricMatrix& covariance,
                    std::span<const double> log_x, bool has_drift) {
  const auto terms = static_cast<std::size_t>(form.prog_terms), mean_at = std::size_t(form.nu_mean_at()),
             sigma_at = std::size_t(form.nu_sigma_at()), read_at = std::size_t(form.read_at());
  for (const double l : log_x) {
    std::vector<double> powers;
    double noise = 0.0;
    for (std::size_t i = 0; i < terms; ++i) {
      powers.push_back(std::exp(static_cast<double>(i) * l));
      noise += at[i] * powers.back();
    }
    check(value_of("the programming noise (over g_max)", noise, powers, 0, covariance), l, kWidestNoise,
          "are units of target and g those of their names, and are there enough cells?");
    if (has_drift) {
      const auto law = [&](std::string name, LawForm of, std::size_t first, const char* remedy) {
        const LawValue v = law_value(of, &at[first], l, is_on_plateau(of, &at[first], l));
        const std::span<const double> derivatives(v.derivatives, static_cast<std::size_t>(parameters(of)));
        check(value_of(std::move(name), v.value, derivatives, first, covariance), l, kWidestExponent, remedy);
      };
      law("the mean drift exponent (nu_mean)", form.nu_mean, mean_at,
          "Read more cells over more decades of time since their last pulse; are times those of each cell?");
      law("the spread of the drift exponent (nu_sigma)", form.nu_sigma, sigma_at,
          "Read more cells over more decades of time since their last pulse");
    }
    if (form.read_terms == 0) continue;
    const double x = std::exp(l), b = form.read_terms > 1 ? at[read_at + 1] : 0.0;
    const double q = at[read_at] * std::pow(x, b);
    const double derivatives[2] = {q / at[read_at], q * l};
    check(value_of("the amplitude of the read noise", q,
                   std::span(derivatives, static_cast<std::size_t>(form.read_terms)), read_at, covariance),
          l, kWidestNoise, "are there reads in another unit among these?");
  }
}

}  // namespace mq
