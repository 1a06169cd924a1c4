/// What models of pulsed devices share: how steps and bounds differ between devices, and how the steps of a
/// pulse train add up.
///
/// Source: T. Gokmen and Y. Vlasov, Front. Neurosci. 10, 333 (2016), doi:10.3389/fnins.2016.00333; the laws
/// of the spread are those of IBM aihwkit, rpu_pulsed_device. There a device is a weight w in [w_min, w_max];
/// here it is a conductance, whose middle stands for w = 0.
#pragma once

#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/core/random.h"

namespace mq {

/// The parameters that both models have; `step_sentence` says what the step means.
template <class Params>
constexpr auto step_device_fields(std::string_view step_sentence) {
  using enum Unit;
  return fields(
      field("g_min", &Params::g_min, siemens, between(0, 1e-3), "Mean lower bound of the conductance."),
      field("g_max", &Params::g_max, siemens, between(1e-9, 1e-3),
            "Mean upper bound of the conductance; the middle of the two stands for weight 0."),
      field("step", &Params::step, siemens, between(1e-15, 1e-3), step_sentence),
      field("step_spread", &Params::step_spread, non_negative,
            "Device-to-device spread of the step, relative to it."),
      field("asymmetry", &Params::asymmetry, between(-1, 1),
            "Takes this share off the up step if negative, off the down step if positive."),
      field("asymmetry_spread", &Params::asymmetry_spread, non_negative,
            "Device-to-device spread that adds to the up step and takes off the down step, relative to the "
            "step."),
      field("bound_spread", &Params::bound_spread, non_negative,
            "Device-to-device spread of each bound, relative to half the range."),
      field("cycle_noise", &Params::cycle_noise, non_negative,
            "Cycle-to-cycle noise of one step, relative to it."),
      field("step_spread_scale", &Params::step_spread_scale, non_negative,
            "Multiplies step_spread; 0 switches it off."),
      field("asymmetry_spread_scale", &Params::asymmetry_spread_scale, non_negative,
            "Multiplies asymmetry_spread; 0 switches it off."),
      field("bound_spread_scale", &Params::bound_spread_scale, non_negative,
            "Multiplies bound_spread; 0: all cells have the same bounds."),
      field("cycle_noise_scale", &Params::cycle_noise_scale, non_negative,
            "Multiplies cycle_noise; 0 switches it off."));
}

/// What is wrong between the parameters.
template <class Params>
std::string step_device_problem(const Params& p) {
  if (p.g_min >= p.g_max) return "g_min must be below g_max";
  return p.step > p.g_max - p.g_min ? "step must not exceed g_max - g_min" : "";
}

/// The steps and bounds of one device [S].
template <class F>
struct DrawnSteps {
  F up, down;   ///< magnitude of a step in the middle of the range
  F low, high;  ///< bounds of this device: 0 <= low <= middle <= high
};

/// Draws one device; two of them have nothing in common. `Params` has the members of both models.
template <class F, class Params>
MQ_HD DrawnSteps<F> draw_steps(const Params& p, Rng<F>& rng) {
  const F gain = fma(F(p.step_spread * p.step_spread_scale), rng.normal(), 1.0f);
  const F difference = F(p.asymmetry_spread * p.asymmetry_spread_scale) * rng.normal();
  const float middle = 0.5f * (p.g_min + p.g_max);
  const F bound_sigma = F(p.bound_spread * p.bound_spread_scale * 0.5f * (p.g_max - p.g_min));
  const float weaker_up = p.asymmetry < 0.0f ? p.asymmetry : 0.0f;
  const float weaker_down = p.asymmetry > 0.0f ? -p.asymmetry : 0.0f;
  DrawnSteps<F> drawn;
  drawn.up = abs(gain + difference + F(weaker_up)) * F(p.step);
  drawn.down = abs(gain - difference + F(weaker_down)) * F(p.step);
  drawn.high = max(fma(bound_sigma, rng.normal(), F(p.g_max)), F(middle));
  drawn.low = clamp(fma(bound_sigma, rng.normal(), F(p.g_min)), F(0.0f), F(middle));
  return drawn;
}

/// How many mean steps `count` pulses amount to: the sum of `count` factors 1 + noise xi is normal with mean
/// `count` and standard deviation noise sqrt(count), which one z gives.
template <class F>
MQ_HD F noisy_count(F count, float noise, F z) {
  return fma(sqrt(count) * F(noise), z, count);
}

}  // namespace mq
