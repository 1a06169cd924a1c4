/// Resistive memory with a conductive metal oxide on HfOx: writes with verify, then relaxes downwards.
///
/// With g in uS, xi1 and xi2 standard normal and drawn once per programming, tau = time + t0 in s:
///     programming   g_p = g_target + (a + b g_target) xi1,   a, b by `acceptance`
///     relaxation    g_d = g_p - 0.08900206 ln tau + (0.04201137 ln tau + 0.41183342) xi2
///     read noise    g   = g_d + 0.0277316 log10(g_d) sqrt(ln((tau + t_read) / (2 t_read))) z
/// each cut to [g_min, g_max], the range in which the device works. acceptance is the half-width of the
/// window in which the verify accepts a cell, relative to its target: a = 0.00081107, b = 0.00106879 for 0.2
/// %; a = 0.0112185, b = 0.0112903 for 2 %. The relaxation does not depend on the conductance. xi1 and xi2
/// are sqrt(device_share) xi_device + sqrt(1 - device_share) xi_cycle. Source: D. F. Falcone et al. (IBM,
/// 2025), constants as in IBM aihwkit, inference/noise/reram.py (ReRamCMO); there 0.02 for 2 % silently gives
/// the model of 0.2 %. Before 1 s, where the law has no data, the relaxation is that of 1 s.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/devices/device_model.h"

namespace mq {

/// The window of the verify, relative to the target. No other was measured.
enum class Acceptance { within_0_2_percent, within_2_percent };
constexpr auto names(Acceptance) { return std::array<std::string_view, 2>{"0.2 %", "2 %"}; }

struct Cmo {
  static constexpr std::string_view kName = "cmo";
  static constexpr std::string_view kSummary =
      "CMO/HfOx resistive memory: write with verify, relaxation, read noise.";

  struct Params {
    float g_min = 9.0_uS;
    float g_max = 88.2_uS;
    float t0 = 1.0_s;
    float t_read = 1.0_us;
    Acceptance acceptance = Acceptance::within_0_2_percent;
    float device_share = 0.0f;
    float prog_noise_scale = 1.0f;
    float relaxation_scale = 1.0f;
    float relaxation_noise_scale = 1.0f;
    float read_noise_scale = 1.0f;

    static constexpr auto describe() {
      constexpr auto reads_noisily = [](const Params& p) { return p.read_noise_scale > 0.0f; };
      constexpr auto writes_noisily = [](const Params& p) { return p.prog_noise_scale > 0.0f; };
      constexpr auto scatters = [](const Params& p) {
        return p.prog_noise_scale > 0.0f || p.relaxation_noise_scale > 0.0f;
      };
      using enum Unit;
      return fields(
          field("g_min", &Params::g_min, siemens, between(0, 1e-3),
                "Conductance that stands for weight 0, and the smallest of the device."),
          field("g_max", &Params::g_max, siemens, between(1e-9, 1e-3),
                "Conductance that stands for the largest weight, and the largest of the device."),
          field("t0", &Params::t0, second, positive,
                "Age of a cell at the reference read, from which times count."),
          field("t_read", &Params::t_read, second, positive,
                "Width of the read pulse; bounds the read noise above.")
              .acts_where("device.read_noise_scale > 0", reads_noisily),
          field("acceptance", &Params::acceptance,
                "Window around the target in which the verify accepts a cell.")
              .acts_where("device.prog_noise_scale > 0", writes_noisily),
          field("device_share", &Params::device_share, between(0, 1),
                "Share of the variance of writes and relaxation that belongs to the cell: it errs alike at "
                "every programming.")
              .acts_where("device.prog_noise_scale or device.relaxation_noise_scale > 0", scatters),
          field("prog_noise_scale", &Params::prog_noise_scale, non_negative,
                "Multiplies the spread that the verify accepts; 0 switches it off."),
          field("relaxation_scale", &Params::relaxation_scale, non_negative,
                "Multiplies the mean relaxation; 0 switches it off."),
          field("relaxation_noise_scale", &Params::relaxation_noise_scale, non_negative,
                "Multiplies the spread of the relaxation; 0: all cells relax alike."),
          field("read_noise_scale", &Params::read_noise_scale, non_negative,
                "Multiplies the read noise; 0 switches it off."));
    }
    std::string problem() const { return g_min >= g_max ? "g_min must be below g_max" : ""; }
  };

  template <class F>
  struct Cell {
    F g;           ///< conductance that the verify accepted [S]
    F relaxation;  ///< deviation of the relaxation, in standard deviations
    F age;         ///< from the last programming to the epoch of the array [s]
  };

  /// Expects time >= 0 [s], counted from the cell's reference read.
  template <class T>
  MQ_HD static Moment<T> at(const Params& p, T time) {
    const T tau = time + T(p.t0);
    // The spectrum of the read noise has no upper end below two read pulses.
    const T decades = (tau + T(p.t_read)) / (T(2.0f) * T(p.t_read));
    return {.log_age = log(tau / T(p.t0)), .noise_growth = sqrt(log(decades))};
  }

  template <class F>
  MQ_HD static Cell<F> fabricate(const Params& p, Rng<F>&) {
    return {.g = F(p.g_min), .relaxation = F(0.0f), .age = F(0.0f)};
  }

  /// Writes with verify; expects g_min <= g_target <= g_max [S].
  template <class F>
  MQ_HD static void program(const Params& p, Cell<F>& cell, F g_target, Rng<F>& device, Rng<F>& rng) {
    const bool is_tight = p.acceptance == Acceptance::within_0_2_percent;
    const F a = F(is_tight ? 0.00081107_uS : 0.0112185_uS), b = F(is_tight ? 0.00106879f : 0.0112903f);
    F write = rng.normal();
    cell.relaxation = rng.normal();
    if (p.device_share > 0.0f) {
      const F own = sqrt(F(p.device_share)), fresh = sqrt(F(1.0f - p.device_share));
      write = fma(own, device.normal(), fresh * write);
      cell.relaxation = fma(own, device.normal(), fresh * cell.relaxation);
    }
    const F sigma = fma(b, g_target, a) * F(p.prog_noise_scale);
    cell.g = clamp(fma(sigma, write, g_target), p.g_min, p.g_max);
    cell.age = F(0.0f);
  }

  /// Conductance [S] without read noise; expects log_age >= 0.
  template <class F>
  MQ_HD static F conductance(const Params& p, const Cell<F>& cell, const Moment<F>& moment) {
    const F log_tau = max(moment.log_age + F(log(p.t0)), 0.0f);  // of tau in s
    const F sigma = fma(log_tau, F(0.04201137_uS), F(0.41183342_uS)) * F(p.relaxation_noise_scale);
    const F mean = log_tau * F(-0.08900206_uS * p.relaxation_scale);
    return clamp(cell.g + fma(sigma, cell.relaxation, mean), p.g_min, p.g_max);
  }

  /// Conductance [S] as one read sees it.
  template <class F>
  MQ_HD static F read(const Params& p, const Cell<F>& cell, const Moment<F>& moment, F z) {
    const F g = conductance(p, cell, moment);
    const F decades = log(max(g * 1e6f, 1.0f)) * 0.43429448190325176f;
    const F sigma = decades * moment.noise_growth * F(0.0277316_uS * p.read_noise_scale);
    return clamp(fma(sigma, z, g), p.g_min, p.g_max);
  }
  MQ_HD static float read_noise(const Params& p) { return p.read_noise_scale; }
};

static_assert(DeviceModel<Cmo>);

}  // namespace mq
