/// Phase-change memory after programming: programming noise, drift with an exponent of its own per cell, 1/f
/// read noise.
///
/// With x = g_target / g_max, xi standard normal, tau = time + t0:
///     programming   g_p  = max(0, g_target + sigma_p(x) xi)
///     drift         g_d  = g_p (tau / t0)^-nu,  nu = |nu_mean(x) + nu_sigma(x) xi|
///     read noise    g    = max(0, g_d + g_d q(g_p / g_max) sqrt(ln((tau + t_read) / (2 t_read))) xi)
/// The last factor is the noise of a spectrum S/g^2 = q^2/f between 1/(tau + t_read) and 1/(2 t_read).
/// Sources: S. R. Nandakumar et al., ICECS 2019, doi:10.1109/ICECS46596.2019.8964852; V. Joshi et al., Nat.
/// Commun. 11, 2473 (2020), doi:10.1038/s41467-020-16108-9; constants as in IBM aihwkit,
/// inference/noise/pcm.py and hermes.py. Defaults: the 90 nm doped-GST mushroom cell of these papers
/// ("pcm-like").
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
    float read_noise_scale = 1.0f;

    static constexpr auto describe() {
      using enum Unit;
      return fields(
          field("g_min", &Params::g_min, siemens, between(0, 1e-3), "Conductance that stands for weight 0."),
          field("g_max", &Params::g_max, siemens, between(1e-9, 1e-3),
                "Conductance that stands for the largest weight."),
          field("t0", &Params::t0, second, positive,
                "Age of a cell at the reference read, from which times count."),
          field("t_read", &Params::t_read, second, positive,
                "Width of the read pulse; bounds the read noise above."),
          field("g_reference", &Params::g_reference, siemens, positive,
                "g_max for which prog_noise was measured; the noise scales with g_max / g_reference."),
          field("prog_noise", &Params::prog_noise, siemens, any,
                "p0 to p3 of the standard deviation of one write, a polynomial in x = g_target / g_max."),
          field("nu_mean", &Params::nu_mean, "Mean drift exponent over x = g_target / g_max."),
          field("nu_sigma", &Params::nu_sigma, "Spread of the drift exponent over x = g_target / g_max."),
          field("read_noise", &Params::read_noise,
                "Amplitude q of the 1/f noise over x = g_programmed / g_max."),
          field("prog_noise_scale", &Params::prog_noise_scale, non_negative,
                "Multiplies prog_noise; 0 switches it off."),
          field("nu_mean_scale", &Params::nu_mean_scale, non_negative,
                "Multiplies nu_mean; 0 switches mean drift off."),
          field("nu_sigma_scale", &Params::nu_sigma_scale, non_negative,
                "Multiplies nu_sigma; 0: all cells of a conductance drift alike."),
          field("read_noise_scale", &Params::read_noise_scale, non_negative,
                "Multiplies read_noise; 0 switches it off."));
    }
    std::string problem() const { return g_min >= g_max ? "g_min must be below g_max" : ""; }
  };

  template <class F>
  struct Cell {
    F g;   ///< conductance at t0 [S]
    F nu;  ///< drift exponent
  };

  /// Expects time >= 0 [s], counted from the reference read.
  MQ_HD static Moment at(const Params& p, double time) {
    const double tau = time + p.t0;
    return {.log_age = static_cast<float>(std::log(tau / p.t0)),
            .noise_growth = static_cast<float>(std::sqrt(std::log((tau + p.t_read) / (2.0 * p.t_read))))};
  }

  /// A new cell is RESET; the spread between cells is drawn when they are programmed.
  template <class F>
  MQ_HD static Cell<F> fabricate(const Params&, Rng<F>&) {
    return {.g = F(0.0f), .nu = F(0.0f)};
  }

  /// Writes once; expects 0 <= g_target <= g_max [S].
  template <class F>
  MQ_HD static void program(const Params& p, Cell<F>& cell, F g_target, Rng<F>& rng) {
    const F x = g_target * F(1.0f / p.g_max);
    F sigma = fma(F(p.prog_noise[3]), x, F(p.prog_noise[2]));
    sigma = fma(sigma, x, F(p.prog_noise[1]));
    sigma = fma(sigma, x, F(p.prog_noise[0])) * F(p.prog_noise_scale * (p.g_max / p.g_reference));
    cell.g = max(fma(sigma, rng.normal(), g_target), 0.0f);
    const F mean = p.nu_mean(x) * F(p.nu_mean_scale);
    const F spread = p.nu_sigma(x) * F(p.nu_sigma_scale);
    cell.nu = abs(fma(spread, rng.normal(), mean));
  }

  /// Conductance [S] without read noise; expects log_age >= 0.
  template <class F>
  MQ_HD static F conductance(const Params&, const Cell<F>& cell, F log_age) {
    return cell.g * exp(-cell.nu * log_age);
  }

  /// Conductance [S] as one read sees it.
  template <class F>
  MQ_HD static F read(const Params& p, const Cell<F>& cell, const Moment& moment, Rng<F>& rng) {
    const F g = conductance(p, cell, F(moment.log_age));
    const F q = p.read_noise(cell.g * F(1.0f / p.g_max)) * F(p.read_noise_scale * moment.noise_growth);
    return max(fma(g * q, rng.normal(), g), 0.0f);
  }
};

static_assert(DeviceModel<Pcm>);

}  // namespace mq
