/// A device whose step shrinks with the distance to the bound that it moves towards.
///
/// With b+ = high - middle, b- = middle - low, Delta+ and Delta- the steps of this device in the middle of
/// the range, xi standard normal for each pulse:
///     up    g <- g + Delta+ (high - g) / b+ (1 + cycle_noise xi)
///     down  g <- g - Delta- (g - low) / b- (1 + cycle_noise xi)
/// so that n noiseless pulses up from the middle end at high - b+ (1 - Delta+ / b+)^n. A train of c pulses is
/// one step with the slope at its start: mean c dg, standard deviation sqrt(c) cycle_noise dg, cut at the
/// bounds. Spread between devices: step_device.h. Sources: J. Frascaroli et al., Sci. Rep. 8, 7178 (2018),
/// doi:10.1038/s41598-018-25376-x (soft bounds of analog memristive devices); equations and defaults as in
/// IBM aihwkit, PulsedDevice and SoftBoundsDevice. Published in units of weights: the scale in siemens is a
/// choice, with g_min far enough from 0 for the spread of the bounds.
#pragma once

#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/devices/device_model.h"
#include "meltquench/devices/step_device.h"

namespace mq {

struct SoftBounds {
  static constexpr std::string_view kName = "soft-bounds";
  static constexpr std::string_view kSummary = "Pulsed device whose steps shrink towards its bounds.";

  struct Params {
    float g_min = 10.0_uS;
    float g_max = 20.0_uS;
    float step = 8.3333_nS;
    float step_spread = 0.3f;
    float asymmetry = 0.0f;
    float asymmetry_spread = 0.01f;
    float bound_spread = 0.3f;
    float cycle_noise = 0.3f;
    float step_spread_scale = 1.0f;
    float asymmetry_spread_scale = 1.0f;
    float bound_spread_scale = 1.0f;
    float cycle_noise_scale = 1.0f;

    static constexpr auto describe() {
      return step_device_fields<Params>("Mean change by one pulse in the middle of the range.");
    }
    std::string problem() const { return step_device_problem(*this); }
  };

  template <class F>
  struct Cell {
    F g;                   ///< conductance [S]
    F rate_up, rate_down;  ///< share of the way to the bound that one pulse covers; in [0, 1]
    F g_low, g_high;       ///< bounds [S]
  };

  template <class T>
  MQ_HD static Moment<T> at(const Params&, T) {
    return {};
  }

  /// A new cell stands for weight 0 and has the steps and bounds that it keeps for ever.
  template <class F>
  MQ_HD static Cell<F> fabricate(const Params& p, Rng<F>& rng) {
    const DrawnSteps<F> drawn = draw_steps(p, rng);
    const F middle = F(0.5f * (p.g_min + p.g_max));
    const F tiny = F(1e-30f);  // a device that has neither range nor step stands still
    return {.g = middle,
            .rate_up = drawn.up / max(max(drawn.high - middle, drawn.up), tiny),
            .rate_down = drawn.down / max(max(middle - drawn.low, drawn.down), tiny),
            .g_low = drawn.low,
            .g_high = drawn.high};
  }

  /// Writes once, exactly, as far as the bounds of this cell reach; expects g_min <= g_target <= g_max [S].
  template <class F>
  MQ_HD static void program(const Params&, Cell<F>& cell, F g_target, Rng<F>&, Rng<F>&) {
    cell.g = clamp(g_target, cell.g_low, cell.g_high);
  }
  template <class F>
  MQ_HD static F conductance(const Params&, const Cell<F>& cell, const Moment<F>&) {
    return cell.g;
  }
  template <class F>
  MQ_HD static F read(const Params&, const Cell<F>& cell, const Moment<F>&, F) {
    return cell.g;
  }
  MQ_HD static float read_noise(const Params&) { return 0.0f; }

  MQ_HD static float mean_step(const Params& p) { return p.step; }
  MQ_HD static float pulse_noise(const Params& p) { return p.cycle_noise * p.cycle_noise_scale; }

  /// `count` pulses in one direction; z: standard normal, their cycle-to-cycle noise.
  template <class F>
  MQ_HD static void pulse(const Params& p, Cell<F>& cell, typename LaneTraits<F>::Mask is_up, F count, F z) {
    const F way = select(is_up, cell.g_high, cell.g_low) - cell.g;
    const F step = select(is_up, cell.rate_up, cell.rate_down) * way;
    cell.g = clamp(fma(step, noisy_count(count, pulse_noise(p), z), cell.g), cell.g_low, cell.g_high);
  }
};

static_assert(PulsedModel<SoftBounds>);

}  // namespace mq
