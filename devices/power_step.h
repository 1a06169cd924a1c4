/// A device whose step is a power of the distance to the bound that it moves towards.
///
/// With r = high - low, xi standard normal for each pulse:
///     up    g <- g + Delta+ ((high - g) / r)^gamma+ (1 + cycle_noise xi)
///     down  g <- g - Delta- ((g - low) / r)^gamma- (1 + cycle_noise xi)
/// Each device has exponents of its own: gamma+- = |gamma (1 + gamma_spread xi1 +- gamma_asymmetry)|. Delta
/// is the step at the far bound. Spread between devices: step_device.h. Equations and defaults as in IBM
/// aihwkit, PowStepDevice; steps that saturate as powers: S. Fusi and L. F. Abbott, Nat. Neurosci. 10, 485
/// (2007), doi:10.1038/nn1859.
#pragma once

#include <string_view>

#include "meltquench/devices/step_device.h"

namespace mq {

struct PowerStep : StepDevice<PowerStep> {
  static constexpr std::string_view kName = "power-step";
  static constexpr std::string_view kSummary =
      "Pulsed device whose steps are a power of the distance to its bounds.";

  struct Params : StepParams {
    float gamma = 1.0f;
    float gamma_asymmetry = 0.0f;
    float gamma_spread = 0.1f;
    float gamma_spread_scale = 1.0f;

    static constexpr auto describe() {
      constexpr auto has_gamma = [](const Params& p) { return p.gamma > 0.0f; };
      constexpr auto spreads = [](const Params& p) { return p.gamma > 0.0f && p.gamma_spread > 0.0f; };
      return step_fields("Mean change by one pulse at the bound that the device moves away from.",
                         field("gamma", &Params::gamma, between(0, 100), "Exponent of the step."),
                         field("gamma_asymmetry", &Params::gamma_asymmetry, between(-1, 1),
                               "Share of the exponent that up pulses have more and down pulses less.")
                             .acts_where("device.gamma > 0", has_gamma),
                         field("gamma_spread", &Params::gamma_spread, non_negative,
                               "Device-to-device spread of the exponents, relative to them.")
                             .acts_where("device.gamma > 0", has_gamma),
                         field("gamma_spread_scale", &Params::gamma_spread_scale, non_negative,
                               "Multiplies gamma_spread; 0 switches it off.")
                             .acts_where("device.gamma and device.gamma_spread > 0", spreads));
    }
  };

  template <class F>
  struct Cell : StepCell<F> {
    F gamma_up, gamma_down;  ///< exponents of this device
    F per_range;             ///< 1 / (high - low) [1/S]
  };

  template <class F>
  MQ_HD static void prepare(const Params& p, Cell<F>& cell, Rng<F>& rng) {
    const F gain = fma(F(p.gamma_spread * p.gamma_spread_scale), rng.normal(), F(1.0f));
    cell.gamma_up = abs(gain + F(p.gamma_asymmetry)) * F(p.gamma);
    cell.gamma_down = abs(gain - F(p.gamma_asymmetry)) * F(p.gamma);
    cell.per_range = share_of(F(1.0f), cell.g_high - cell.g_low);
  }

  template <class F>
  MQ_HD static F step(const Params&, const Cell<F>& cell, typename LaneTraits<F>::Mask is_up) {
    const F way = select(is_up, cell.g_high - cell.g, cell.g - cell.g_low) * cell.per_range;
    const F factor = pow(max(way, 1e-30f), select(is_up, cell.gamma_up, cell.gamma_down));
    return select(is_up, cell.step_up, cell.step_down) * factor;
  }

  static float mean_factor(const Params& p, bool is_up) {
    const float way = max(is_up ? 1.0f - p.zero : p.zero, 1e-30f);
    return pow(way, p.gamma * (is_up ? 1.0f + p.gamma_asymmetry : 1.0f - p.gamma_asymmetry));
  }
};

static_assert(PulsedModel<PowerStep>);

}  // namespace mq
