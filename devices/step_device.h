/// What models of pulsed devices share: how steps and bounds differ between devices, and how the steps of a
/// pulse train add up.
///
/// Source: T. Gokmen and Y. Vlasov, Front. Neurosci. 10, 333 (2016), doi:10.3389/fnins.2016.00333; the laws
/// of the spread are those of IBM aihwkit, rpu_pulsed_device. There a device is a weight w in [w_min, w_max];
/// here it is a conductance, whose middle stands for w = 0.
#pragma once

#include "meltquench/core/random.h"

namespace mq {

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
