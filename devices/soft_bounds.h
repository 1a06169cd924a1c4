/// A device whose step shrinks with the distance to the bound that it moves towards.
///
/// With b+ = high - zero, b- = zero - low, Delta+ and Delta- the steps of this device at weight 0, xi
/// standard normal for each pulse:
///     up    g <- g + Delta+ (high - g) / b+ (1 + cycle_noise xi)
///     down  g <- g - Delta- (g - low) / b- (1 + cycle_noise xi)
/// so that n noiseless pulses up from weight 0 end at high - b+ (1 - Delta+ / b+)^n. Alternating pulses end
/// at the symmetry point (r+ high + r- low) / (r+ + r-), r = Delta / b. With `centred`, a device is read
/// against its own symmetry point: both its bounds are shifted at fabrication so that the point lies at
/// weight 0, but for the error of the reference. Spread between devices: step_device.h. Sources: J.
/// Frascaroli et al., Sci. Rep. 8, 7178 (2018), doi:10.1038/s41598-018-25376-x (soft bounds of analog
/// memristive devices); equations and defaults as in IBM aihwkit, SoftBoundsDevice and
/// SoftBoundsReferenceDevice.
#pragma once

#include <string_view>

#include "meltquench/devices/step_device.h"

namespace mq {

struct SoftBounds : StepDevice<SoftBounds> {
  static constexpr std::string_view kName = "soft-bounds";
  static constexpr std::string_view kSummary = "Pulsed device whose steps shrink towards its bounds.";

  struct Params : StepParams {
    bool centred = false;
    float reference_offset = 0.0f;
    float reference_spread = 0.0f;
    float reference_spread_scale = 1.0f;

    static constexpr auto describe() {
      constexpr auto is_centred = [](const Params& p) { return p.centred; };
      constexpr auto spreads = [](const Params& p) { return p.centred && p.reference_spread > 0.0f; };
      return step_fields(
          "Mean change by one pulse at weight 0.",
          field("centred", &Params::centred,
                "Whether the symmetry point of each device is shifted to weight 0, its bounds with it."),
          field("reference_offset", &Params::reference_offset, any,
                "Mean error of the reference of a centred device, relative to half the range.")
              .acts_where("device.centred is true", is_centred),
          field("reference_spread", &Params::reference_spread, non_negative,
                "Device-to-device spread of that error, relative to half the range.")
              .acts_where("device.centred is true", is_centred),
          field("reference_spread_scale", &Params::reference_spread_scale, non_negative,
                "Multiplies reference_spread; 0 switches it off.")
              .acts_where("device.centred is true and device.reference_spread > 0", spreads));
    }
  };

  template <class F>
  struct Cell : StepCell<F> {
    F rate_up, rate_down;  ///< share of the way to the bound that one pulse covers; in [0, 1]
  };

  template <class F>
  MQ_HD static void prepare(const Params& p, Cell<F>& cell, Rng<F>& rng) {
    const F zero = F(zero_of(p));
    cell.rate_up = share_of(cell.step_up, max(cell.g_high - zero, cell.step_up));
    cell.rate_down = share_of(cell.step_down, max(zero - cell.g_low, cell.step_down));
    if (!p.centred) return;
    const F rates = cell.rate_up + cell.rate_down;
    const F point = share_of(fma(cell.rate_up, cell.g_high, cell.rate_down * cell.g_low), rates);
    const F error =
        fma(F(p.reference_spread * p.reference_spread_scale), rng.normal(), F(p.reference_offset));
    F shift = fma(error, F(0.5f * (p.g_max - p.g_min)), zero - point);
    shift = select(rates > F(0.0f), shift, F(0.0f));  // a device that never moves has no such point
    cell.g_high = max(cell.g_high + shift, zero);
    cell.g_low = clamp(cell.g_low + shift, F(0.0f), zero);
    cell.step_up = cell.rate_up * (cell.g_high - zero);
    cell.step_down = cell.rate_down * (zero - cell.g_low);
  }

  template <class F>
  MQ_HD static F step(const Params&, const Cell<F>& cell, typename LaneTraits<F>::Mask is_up) {
    const F way = select(is_up, cell.g_high - cell.g, cell.g - cell.g_low);
    return select(is_up, cell.rate_up, cell.rate_down) * way;
  }

  /// The step at the symmetry point of a mean device, if that is its weight 0.
  static float mean_factor(const Params& p, bool) {
    if (!p.centred) return 1.0f;
    const float up = 1.0f + min(p.asymmetry, 0.0f), down = 1.0f - max(p.asymmetry, 0.0f);
    const float high = 1.0f - p.zero, low = p.zero;
    return (high + low) / (high / up + low / down) / (0.5f * (up + down));
  }
};

static_assert(PulsedModel<SoftBounds>);

}  // namespace mq
