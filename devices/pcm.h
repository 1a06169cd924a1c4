/// Phase-change memory after programming: programming noise, drift with an exponent of its own per cell, 1/f
/// read noise, temperature, and a conducting liner.
///
/// With x = g_target / g_max, xi standard normal, tau = age + t0, beta = (1/T - 1/T_ref) / k_B:
///     programming   g_p  = max(0, g_target + sigma_p(x) xi)
///     drift         d    = (tau / t0)^-nu,  nu = |nu_mean(x) + nu_sigma(x) xi|
///     liner         g_d  = g_p (projection + (1 - projection) d) exp(-E_a(g_p / g_max) beta)
///     read noise    g    = max(0, g_d + g_a q(g_p / g_max) sqrt(ln((tau + t_read) / (2 t_read))) xi)
/// where g_a is the part of g_d that the amorphous volume carries. The last factor is the noise of a spectrum
/// S/g^2 = q^2/f between 1/(tau + t_read) and 1/(2 t_read). Each xi of a programming is
/// sqrt(share) xi_device + sqrt(1 - share) xi_cycle: the first is the same whenever the cell is written.
/// Sources: S. R. Nandakumar et al., ICECS 2019, doi:10.1109/ICECS46596.2019.8964852; V. Joshi et al., Nat.
/// Commun. 11, 2473 (2020), doi:10.1038/s41467-020-16108-9; constants as in IBM aihwkit,
/// inference/noise/pcm.py and hermes.py. Defaults: the 90 nm doped-GST mushroom cell of these papers
/// ("pcm-like"). Liner, two parallel paths: B. Kersting et al., Sci. Rep. 10, 8248 (2020). Temperature: I.
/// Boybat et al., IEDM 2021 (form); no value of E_a is at hand, so it is 0 by default (docs/theory/pcm.md).
#pragma once

#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "meltquench/devices/device_model.h"
#include "meltquench/devices/state_law.h"

namespace mq {

struct Pcm {
  static constexpr std::string_view kName = "pcm";
  static constexpr std::string_view kSummary =
      "Phase-change memory: programming noise, drift exponent per cell, 1/f read noise.";

  /// Temperatures that the model is meant for [K], 0 to 85 degrees Celsius: a choice. Above, cells
  /// crystallise in time, which no law here knows.
  static constexpr Range kTemperatures = between(273.15, 358.15);

  struct Params {
    float g_min = 0.0_S;
    float g_max = 25.0_uS;
    float t0 = 20.0_s;
    float t_read = 250.0_ns;
    float g_reference = 25.0_uS;
    std::array<float, 4> prog_noise = {0.26348_uS, 1.9650_uS, -1.1731_uS, 0.0_uS};
    StateLaw nu_mean = {.slope = -0.0155f, .offset = 0.0244f, .low = 0.049f, .high = 0.1f};
    StateLaw nu_sigma = {.slope = -0.0125f, .offset = -0.0059f, .low = 0.008f, .high = 0.045f};
    StateLaw read_noise = {
        .shape = LawShape::power, .slope = -0.65f, .offset = 0.0088f, .low = 0.0f, .high = 0.2f};
    float prog_noise_scale = 1.0f;
    float nu_mean_scale = 1.0f;
    float nu_sigma_scale = 1.0f;
    float prog_noise_device_share = 0.0f;
    float nu_device_share = 0.0f;
    float read_noise_spread = 0.0f;
    float read_noise_device_share = 1.0f;
    float projection = 0.0f;
    StateLaw activation = {.split = 0.0f};
    float drift_activation = 0.0f;
    float reference_temperature = 300.0f;
    float read_noise_scale = 1.0f;

    static constexpr auto describe() {
      constexpr auto has_prog_noise = [](const Params& p) { return p.prog_noise != std::array<float, 4>{}; };
      constexpr auto has_nu_sigma = [](const Params& p) { return p.nu_sigma_scale > 0.0f; };
      constexpr auto writes_noisily = [](const Params& p) {
        return p.prog_noise != std::array<float, 4>{} && p.prog_noise_scale > 0.0f;
      };
      constexpr auto reads_noisily = [](const Params& p) { return p.read_noise_scale > 0.0f; };
      constexpr auto spreads = [](const Params& p) {
        return p.read_noise_scale > 0.0f && p.read_noise_spread > 0.0f;
      };
      using enum Unit;
      return fields(
          field("g_min", &Params::g_min, siemens, between(0, 1e-3), "Conductance that stands for weight 0."),
          field("g_max", &Params::g_max, siemens, between(1e-9, 1e-3),
                "Conductance that stands for the largest weight."),
          field("t0", &Params::t0, second, positive,
                "Age of a cell at the reference read, from which times count."),
          field("t_read", &Params::t_read, second, positive,
                "Width of the read pulse; bounds the read noise above.")
              .acts_where("device.read_noise_scale > 0", reads_noisily),
          field("g_reference", &Params::g_reference, siemens, positive,
                "g_max for which prog_noise was measured; the noise scales with g_max / g_reference.")
              .acts_where("device.prog_noise is not 0 and device.prog_noise_scale > 0", writes_noisily),
          field("prog_noise", &Params::prog_noise, siemens, any,
                "p0 to p3 of the standard deviation of one write, a polynomial in x = g_target / g_max."),
          field("nu_mean", &Params::nu_mean, "Mean drift exponent over x = g_target / g_max."),
          field("nu_sigma", &Params::nu_sigma, "Spread of the drift exponent over x = g_target / g_max."),
          field("read_noise", &Params::read_noise,
                "Amplitude q of the 1/f noise over x = g_programmed / g_max."),
          field("prog_noise_scale", &Params::prog_noise_scale, non_negative,
                "Multiplies prog_noise; 0 switches it off.")
              .acts_where("device.prog_noise is not 0", has_prog_noise),
          field("nu_mean_scale", &Params::nu_mean_scale, non_negative,
                "Multiplies nu_mean; 0 switches mean drift off."),
          field("nu_sigma_scale", &Params::nu_sigma_scale, non_negative,
                "Multiplies nu_sigma; 0: all cells of a conductance drift alike."),
          field("read_noise_scale", &Params::read_noise_scale, non_negative,
                "Multiplies read_noise; 0 switches it off."),
          field("prog_noise_device_share", &Params::prog_noise_device_share, between(0, 1),
                "Share of the variance of a write that belongs to the cell: it errs alike every time.")
              .acts_where("device.prog_noise is not 0 and device.prog_noise_scale > 0", writes_noisily),
          field("nu_device_share", &Params::nu_device_share, between(0, 1),
                "Share of the variance of the drift exponent that belongs to the cell, not to one "
                "programming.")
              .acts_where("device.nu_sigma_scale > 0", has_nu_sigma),
          field("read_noise_spread", &Params::read_noise_spread, between(0, 3),
                "Spread of ln q between cells and programmings: amplitudes are log-normal, their median is "
                "read_noise.")
              .acts_where("device.read_noise_scale > 0", reads_noisily),
          field("read_noise_device_share", &Params::read_noise_device_share, between(0, 1),
                "Share of the variance of ln q that belongs to the cell, not to one programming.")
              .acts_where("device.read_noise_scale and device.read_noise_spread > 0", spreads),
          field("projection", &Params::projection, between(0, 1),
                "Share of the conductance that a liner carries: it neither drifts nor fluctuates."),
          field("activation", &Params::activation,
                "Activation energy [eV] of the conductance over x = g_programmed / g_max; what is below 0 "
                "counts "
                "as 0. Off by default: no source of a value is at hand."),
          field("drift_activation", &Params::drift_activation, electron_volt, between(0, 5),
                "By this energy warmth speeds up drift; 0: drift does not depend on temperature."),
          field("reference_temperature", &Params::reference_temperature, kelvin, between(1, 1000),
                "Temperature at which the other parameters hold."));
    }
    std::string problem() const { return g_min >= g_max ? "g_min must be below g_max" : ""; }
  };

  template <class F>
  struct Cell {
    F g;    ///< conductance at t0 [S]
    F nu;   ///< drift exponent
    F q;    ///< amplitude of the read noise, relative to g
    F age;  ///< from the last programming to the epoch of the array [s]
  };

  /// Expects time >= 0 [s], counted from the cell's reference read.
  template <class T>
  MQ_HD static Moment<T> at(const Params& p, T time) {
    const T tau = time + T(p.t0);
    return {.log_age = log(tau / T(p.t0)),
            .noise_growth = sqrt(log((tau + T(p.t_read)) / (T(2.0f) * T(p.t_read))))};
  }

  /// A new cell is RESET; the spread between cells shows when they are programmed.
  template <class F>
  MQ_HD static Cell<F> fabricate(const Params&, Rng<F>&) {
    return {.g = F(0.0f), .nu = F(0.0f), .q = F(0.0f), .age = F(0.0f)};
  }

  /// Writes once; expects 0 <= g_target <= g_max [S].
  template <class F>
  MQ_HD static void program(const Params& p, Cell<F>& cell, F g_target, Rng<F>& device, Rng<F>& rng) {
    const F x = g_target * F(1.0f / p.g_max);
    F sigma = fma(F(p.prog_noise[3]), x, F(p.prog_noise[2]));
    sigma = fma(sigma, x, F(p.prog_noise[1]));
    sigma = fma(sigma, x, F(p.prog_noise[0])) * F(p.prog_noise_scale * (p.g_max / p.g_reference));
    const OfDevice<F> own = of_device(p, device);
    const F xi = mixed(p.prog_noise_device_share, own.write, rng.normal());
    leave(p, cell, x, max(fma(sigma, xi, g_target), 0.0f), own, rng);
  }

  /// The cell stands at g after it was meant to reach g_target [S].
  template <class F>
  MQ_HD static void hold(const Params& p, Cell<F>& cell, F g_target, F g, Rng<F>& device, Rng<F>& rng) {
    const OfDevice<F> own = of_device(p, device);
    leave(p, cell, g_target * F(1.0f / p.g_max), g, own, rng);
  }

  /// Conductance [S] without read noise; expects log_age >= 0.
  template <class F>
  MQ_HD static F conductance(const Params& p, const Cell<F>& cell, const Moment<F>& moment) {
    const F drifted = amorphous(p, cell, moment);
    return p.projection == 0.0f ? drifted : fma(cell.g * warmth(p, cell, moment), F(p.projection), drifted);
  }

  /// Conductance [S] as one read sees it.
  template <class F>
  MQ_HD static F read(const Params& p, const Cell<F>& cell, const Moment<F>& moment, F z) {
    const F g_amorphous = amorphous(p, cell, moment);
    const F g = p.projection == 0.0f ? g_amorphous
                                     : fma(cell.g * warmth(p, cell, moment), F(p.projection), g_amorphous);
    return max(fma(g_amorphous * (cell.q * moment.noise_growth), z, g), 0.0f);
  }
  MQ_HD static float read_noise(const Params& p) { return p.read_noise_scale; }

 private:
  /// The deviations that a cell shows at every programming; 0 where no parameter asks for them.
  template <class F>
  struct OfDevice {
    F write = F(0.0f), nu = F(0.0f), q = F(0.0f);
  };
  template <class F>
  MQ_HD static OfDevice<F> of_device(const Params& p, Rng<F>& device) {
    OfDevice<F> own;
    const bool has_own_noise = p.read_noise_spread > 0.0f && p.read_noise_device_share > 0.0f;
    if (p.prog_noise_device_share > 0.0f || p.nu_device_share > 0.0f || has_own_noise) {
      own.write = device.normal();
      own.nu = device.normal();
      own.q = device.normal();
    }
    return own;
  }
  /// Standard normal of which `share` of the variance is the device's.
  template <class F>
  MQ_HD static F mixed(float share, F of_device, F of_cycle) {
    if (share == 0.0f) return of_cycle;
    return fma(sqrt(F(share)), of_device, sqrt(F(1.0f - share)) * of_cycle);
  }
  /// What a programming leaves behind, x being the relative conductance that was meant.
  template <class F>
  MQ_HD static void leave(const Params& p, Cell<F>& cell, F x, F g, const OfDevice<F>& own, Rng<F>& rng) {
    const F mean = p.nu_mean(x) * F(p.nu_mean_scale);
    const F spread = p.nu_sigma(x) * F(p.nu_sigma_scale);
    cell.g = g;
    cell.nu = abs(fma(spread, mixed(p.nu_device_share, own.nu, rng.normal()), mean));
    cell.q = p.read_noise(g * F(1.0f / p.g_max)) * F(p.read_noise_scale);
    if (p.read_noise_spread > 0.0f) {
      const F of_cycle = p.read_noise_device_share < 1.0f ? rng.normal() : F(0.0f);
      cell.q = cell.q * exp(mixed(p.read_noise_device_share, own.q, of_cycle) * F(p.read_noise_spread));
    }
    cell.age = F(0.0f);
  }
  /// The factor by which temperature changes the conductance.
  template <class F>
  MQ_HD static F warmth(const Params& p, const Cell<F>& cell, const Moment<F>& moment) {
    if (moment.inverse_heat == 0.0f) return F(1.0f);
    const F energy = max(p.activation(cell.g * F(1.0f / p.g_max)), 0.0f);
    return exp(-energy * F(moment.inverse_heat));
  }
  /// The conductance [S] of the amorphous volume.
  template <class F>
  MQ_HD static F amorphous(const Params& p, const Cell<F>& cell, const Moment<F>& moment) {
    const F g = cell.g * exp(-cell.nu * moment.log_age) * warmth(p, cell, moment);
    return p.projection == 0.0f ? g : g * F(1.0f - p.projection);
  }
};

static_assert(HoldingModel<Pcm>);

}  // namespace mq
