/// A cell that scatters about its target and scatters more with time, without a mean drift: resistive memory,
/// charge traps, and every device of which a table of spreads at up to three times is published.
///
/// With g' = g_target g_reference / g_max, x = g' / g_unit, xi standard normal and drawn once per
/// programming:
///     conductance   g_d(tau) = max(0, g_target + sigma(g', tau) (g_max / g_reference) xi)
///     read noise    g        = max(0, g_d + sigma_read(g') (g_max / g_reference) z)
/// sigma(g', tau) is given at times[0..2] after programming; in between it is interpolated linearly in ln
/// tau, or in tau (`interpolation`; limit and scale of a saturating law move linearly each), and it is
/// constant before and after. Targets with x < zero_below are exactly 0, without noise. A cell keeps its xi:
/// it is sqrt(device_share) xi_device + sqrt(1 - device_share) xi_cycle, the first the same at every
/// programming. That one xi holds for all times is a choice, as sources give the marginals only: a cell that
/// lies high stays high. Defaults: HfOx resistive memory, W. Wan et al., Nature 608, 504 (2022),
/// doi:10.1038/s41586-022-04992-8, constants as in IBM aihwkit, inference/noise/reram.py (ReRamWan2022),
/// with its reference of 40 uS applied; aihwkit knows no times between the three, we interpolate.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "meltquench/devices/device_model.h"
#include "meltquench/devices/spread_law.h"

namespace mq {

enum class TimeScale { logarithmic, linear };
constexpr auto names(TimeScale) { return std::array<std::string_view, 2>{"logarithmic", "linear"}; }

struct Spread {
  static constexpr std::string_view kName = "spread";
  static constexpr std::string_view kSummary =
      "Cells that scatter about their target, by published tables of spread at up to three times.";

  struct Params {
    float g_min = 0.0_S;
    float g_max = 40.0_uS;
    float t0 = 1.0_s;
    float g_reference = 40.0_uS;
    float g_unit = 40.0_uS;
    float zero_below = 0.0f;
    std::array<float, 3> times = {1.0_s, 1.0_day, 172800.0_s};
    TimeScale interpolation = TimeScale::logarithmic;
    SpreadLaw spread_1 = {.polynomial = {0.348_uS, 16.030_uS, -43.853_uS, 45.393_uS, -16.815_uS}};
    SpreadLaw spread_2 = {.polynomial = {0.701_uS, 22.086_uS, -50.773_uS, 47.095_uS, -16.458_uS}};
    SpreadLaw spread_3 = {.polynomial = {0.782_uS, 20.274_uS, -43.507_uS, 37.062_uS, -11.934_uS}};
    SpreadLaw read_noise = {};
    float device_share = 0.0f;
    float prog_noise_scale = 1.0f;
    float read_noise_scale = 1.0f;

    static constexpr auto describe() {
      constexpr auto has_second = [](const Params& p) { return p.times[1] > p.times[0]; };
      constexpr auto has_third = [](const Params& p) { return p.times[2] > p.times[1]; };
      constexpr auto has_noise = [](const Params& p) { return p.reads_noisily(); };
      using enum Unit;
      return fields(
          field("g_min", &Params::g_min, siemens, between(0, 1e-3), "Conductance that stands for weight 0."),
          field("g_max", &Params::g_max, siemens, between(1e-9, 1e-3),
                "Conductance that stands for the largest weight."),
          field("t0", &Params::t0, second, positive,
                "Age of a cell at the reference read, from which times count."),
          field("g_reference", &Params::g_reference, siemens, positive,
                "g_max for which the laws were measured; spread scales with g_max / g_reference."),
          field("g_unit", &Params::g_unit, siemens, positive,
                "Unit of x in the polynomials: x = g_target (g_reference / g_max) / g_unit."),
          field("zero_below", &Params::zero_below, non_negative,
                "Targets with a smaller x are exactly 0, without noise."),
          field(
              "times", &Params::times, second, non_negative,
              "Ages of a cell at which spread_1 to spread_3 hold; laws of an age given before do not count."),
          field("interpolation", &Params::interpolation, "Between these ages: linear in ln tau, or in tau.")
              .acts_where("device.times[1] > device.times[0]", has_second),
          field("spread_1", &Params::spread_1, "Standard deviation at times[0] and before."),
          field("spread_2", &Params::spread_2, "Standard deviation at times[1].")
              .acts_where("device.times[1] > device.times[0]", has_second),
          field("spread_3", &Params::spread_3, "Standard deviation at times[2] and after.")
              .acts_where("device.times[2] > device.times[1]", has_third),
          field("read_noise", &Params::read_noise, "Standard deviation of a read, over the target."),
          field("device_share", &Params::device_share, between(0, 1),
                "Share of the variance that belongs to the cell: it errs alike at every programming."),
          field("prog_noise_scale", &Params::prog_noise_scale, non_negative,
                "Multiplies spread_1 to spread_3; 0 switches them off."),
          field("read_noise_scale", &Params::read_noise_scale, non_negative,
                "Multiplies read_noise; 0 switches it off.")
              .acts_where("device.read_noise is not 0", has_noise));
    }
    /// Whether `read_noise` says anything.
    bool reads_noisily() const { return Spread::read_noise(*this) > 0.0f || read_noise_scale == 0.0f; }
    std::string problem() const {
      if (g_min >= g_max) return "g_min must be below g_max";
      if (times[0] > times[1] || times[1] > times[2]) return "times must not decrease";
      if (times[0] == times[1] && times[1] < times[2]) return "times[1] must differ from times[0]";
      if (interpolation == TimeScale::logarithmic && times[0] == 0.0f && times[2] > 0.0f)
        return "times[0] must be greater than 0 s if interpolation is logarithmic";
      if (spread_1.shape != spread_2.shape || spread_2.shape != spread_3.shape)
        return "spread_1, spread_2 and spread_3 must have one shape";
      return "";
    }
  };

  template <class F>
  struct Cell {
    F target;     ///< conductance that was meant [S]
    F deviation;  ///< in standard deviations
    F age;        ///< from the last programming to the epoch of the array [s]
  };

  /// Expects time >= 0 [s], counted from the cell's reference read.
  template <class T>
  MQ_HD static Moment<T> at(const Params& p, T time) {
    return {.log_age = log((time + T(p.t0)) / T(p.t0))};
  }

  /// A new cell carries no current.
  template <class F>
  MQ_HD static Cell<F> fabricate(const Params&, Rng<F>&) {
    return {.target = F(0.0f), .deviation = F(0.0f), .age = F(0.0f)};
  }

  /// Writes once; expects 0 <= g_target <= g_max [S].
  template <class F>
  MQ_HD static void program(const Params& p, Cell<F>& cell, F g_target, Rng<F>& device, Rng<F>& rng) {
    F xi = rng.normal();
    if (p.device_share > 0.0f) {
      xi = fma(sqrt(F(p.device_share)), device.normal(), sqrt(F(1.0f - p.device_share)) * xi);
    }
    const auto is_zero = g_target * F(p.g_reference / p.g_max / p.g_unit) < F(p.zero_below);
    cell.target = select(is_zero, F(0.0f), g_target);
    cell.deviation = select(is_zero, F(0.0f), xi);
    cell.age = F(0.0f);
  }

  /// Standard deviation [S] of the conductance over cells of one target [S], before it is cut at 0.
  template <class F>
  MQ_HD static F spread(const Params& p, F target, const Moment<F>& moment) {
    const F g = target * F(p.g_reference / p.g_max), x = g * F(1.0f / p.g_unit);
    const F early = weight(p, 0, moment), late = weight(p, 1, moment);
    F sigma = p.spread_1.between(p.spread_2, early, g, x);
    if (p.times[2] > p.times[1])
      sigma = select(late > 0.0f, p.spread_2.between(p.spread_3, late, g, x), sigma);
    return sigma * F(p.prog_noise_scale * (p.g_max / p.g_reference));
  }

  /// Conductance [S] without read noise; expects log_age >= 0.
  template <class F>
  MQ_HD static F conductance(const Params& p, const Cell<F>& cell, const Moment<F>& moment) {
    return max(fma(spread(p, cell.target, moment), cell.deviation, cell.target), 0.0f);
  }

  /// Conductance [S] as one read sees it.
  template <class F>
  MQ_HD static F read(const Params& p, const Cell<F>& cell, const Moment<F>& moment, F z) {
    const F g = conductance(p, cell, moment);
    if (read_noise(p) == 0.0f) return g;
    const F target = cell.target * F(p.g_reference / p.g_max);
    const F sigma = p.read_noise(target, target * F(1.0f / p.g_unit));
    return max(fma(sigma * F(p.read_noise_scale * (p.g_max / p.g_reference)), z, g), 0.0f);
  }
  MQ_HD static float read_noise(const Params& p) {
    float any = p.read_noise.shape == SpreadShape::saturating ? p.read_noise.limit : 0.0f;
    if (p.read_noise.shape == SpreadShape::polynomial) {
      for (int k = 0; k < 5; ++k)
        any = max(any, max(abs(p.read_noise.polynomial[k]), abs(p.read_noise.above[k])));
    }
    return p.read_noise_scale * any;
  }

 private:
  /// How far the moment lies between times[k] and times[k + 1]: in [0, 1].
  template <class F>
  MQ_HD static F weight(const Params& p, int k, const Moment<F>& moment) {
    const float from = p.times[k], to = p.times[k + 1];
    if (!(to > from)) return F(0.0f);
    if (p.interpolation == TimeScale::linear) {
      const F tau = exp(moment.log_age) * F(p.t0);
      return clamp((tau - F(from)) * F(1.0f / (to - from)), 0.0f, 1.0f);
    }
    const float start = log(from / p.t0), length = log(to / from);
    return clamp((moment.log_age - F(start)) * F(1.0f / length), 0.0f, 1.0f);
  }
};

static_assert(DeviceModel<Spread>);

}  // namespace mq
