/// A device whose step falls exponentially along its range.
///
/// With d = g - zero, z = 2 slope d / (high - low) + offset, xi standard normal for each pulse:
///     up    dg =  Delta+ max(0, 1 - amplitude_up exp(gamma_up z))
///     down  dg = -Delta- max(0, 1 - amplitude_down exp(-gamma_down z))
///     g <- g + dg + cycle_noise (|dg| + noise_add + noise_slope |d|) xi
/// Spread between devices: step_device.h. Equations as in IBM aihwkit, ExpStepDevice, there fitted to
/// resistive memory by N. Gong et al., Nat. Commun. 9, 2102 (2018), doi:10.1038/s41467-018-04485-1, of which
/// the defaults are the constants of aihwkit's preset ReRamES.
#pragma once

#include <string_view>

#include "meltquench/devices/step_device.h"

namespace mq {

struct ExponentialStep : StepDevice<ExponentialStep> {
  static constexpr std::string_view kName = "exponential-step";
  static constexpr std::string_view kSummary =
      "Pulsed device whose steps fall exponentially along its range.";

  struct Params : StepParams {
    float amplitude_up = -1.18445f;
    float amplitude_down = -0.081404f;
    float gamma_up = 5.0f;
    float gamma_down = 5.0f;
    float slope = -0.5f;
    float offset = -0.5f;
    float noise_add = 0.0_S;
    float noise_slope = 0.0f;

    Params() {
      g_min = 20.0_uS;
      g_max = 40.0_uS;
      step = 13.5_nS;
      step_spread = 0.2f;
      asymmetry = 0.259359f;
      asymmetry_spread = 0.05f;
      cycle_noise = 5.0f;
      write_noise = 75.0f;
    }

    static constexpr auto describe() {
      constexpr auto goes_up = [](const Params& p) { return p.amplitude_up != 0.0f; };
      constexpr auto goes_down = [](const Params& p) { return p.amplitude_down != 0.0f; };
      constexpr auto is_curved = [](const Params& p) {
        return p.amplitude_up != 0.0f || p.amplitude_down != 0.0f;
      };
      constexpr auto is_noisy = [](const Params& p) {
        return p.cycle_noise > 0.0f && p.cycle_noise_scale > 0.0f;
      };
      using enum Unit;
      return step_fields(
          "Mean change by one pulse where the exponential has vanished.",
          field("amplitude_up", &Params::amplitude_up, any,
                "Factor of the exponential of up steps; negative: they are larger than `step`."),
          field("amplitude_down", &Params::amplitude_down, any,
                "Factor of the exponential of down steps; negative: they are larger than `step`."),
          field("gamma_up", &Params::gamma_up, between(0, 100), "Steepness of up steps.")
              .acts_where("device.amplitude_up is not 0", goes_up),
          field("gamma_down", &Params::gamma_down, between(0, 100), "Steepness of down steps.")
              .acts_where("device.amplitude_down is not 0", goes_down),
          field("slope", &Params::slope, between(-10, 10),
                "Change of the exponent's argument over half the range of the device.")
              .acts_where("device.amplitude_up or device.amplitude_down is not 0", is_curved),
          field("offset", &Params::offset, between(-10, 10), "The exponent's argument at weight 0.")
              .acts_where("device.amplitude_up or device.amplitude_down is not 0", is_curved),
          field("noise_add", &Params::noise_add, siemens, non_negative,
                "Conductance that cycle_noise applies to beside the step.")
              .acts_where("device.cycle_noise and device.cycle_noise_scale > 0", is_noisy),
          field("noise_slope", &Params::noise_slope, non_negative,
                "Share of the distance to weight 0 that cycle_noise applies to beside the step.")
              .acts_where("device.cycle_noise and device.cycle_noise_scale > 0", is_noisy));
    }
  };

  template <class F>
  struct Cell : StepCell<F> {
    F z_slope;  ///< 2 slope / (high - low) [1/S]
  };

  template <class F>
  MQ_HD static void prepare(const Params& p, Cell<F>& cell, Rng<F>&) {
    cell.z_slope = F(2.0f * p.slope) * share_of(F(1.0f), cell.g_high - cell.g_low);
  }

  template <class F>
  MQ_HD static F step(const Params& p, const Cell<F>& cell, typename LaneTraits<F>::Mask is_up) {
    const F z = fma(cell.z_slope, cell.g - F(zero_of(p)), F(p.offset));
    const F grown = exp(z * select(is_up, F(p.gamma_up), F(-p.gamma_down)));
    const F factor = fma(select(is_up, F(-p.amplitude_up), F(-p.amplitude_down)), grown, F(1.0f));
    return select(is_up, cell.step_up, cell.step_down) * max(factor, 0.0f);
  }

  template <class F>
  MQ_HD static F sigma(const Params& p, const Cell<F>& cell, typename LaneTraits<F>::Mask, F step) {
    return step + fma(F(p.noise_slope), abs(cell.g - F(zero_of(p))), F(p.noise_add));
  }

  static float mean_factor(const Params& p, bool is_up) {
    const float amplitude = is_up ? p.amplitude_up : p.amplitude_down;
    const float gamma = is_up ? p.gamma_up : -p.gamma_down;
    return max(1.0f - amplitude * exp(gamma * p.offset), 0.0f);
  }
};

static_assert(PulsedModel<ExponentialStep>);

}  // namespace mq
