/// A device that every pulse moves by the same step, up to hard bounds.
///
/// With Delta+ and Delta- the steps of this device, xi standard normal for each pulse:
///     up    g <- min(g + Delta+ (1 + cycle_noise xi), high)
///     down  g <- max(g - Delta- (1 + cycle_noise xi), low)
/// A train of c pulses in one direction is one step: mean c Delta, standard deviation sqrt(c) cycle_noise
/// Delta. Spread between devices: step_device.h. Source: T. Gokmen and Y. Vlasov, Front. Neurosci. 10, 333
/// (2016), doi:10.3389/fnins.2016.00333; equations and defaults (1200 steps over the range, bounds 0.6 +- 30
/// % in weights) as in IBM aihwkit, PulsedDevice and ConstantStepDevice. Published in units of weights: the
/// scale in siemens is a choice, with g_min far enough from 0 for the spread of the bounds.
#pragma once

#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/devices/device_model.h"
#include "meltquench/devices/step_device.h"

namespace mq {

struct ConstantStep {
  static constexpr std::string_view kName = "constant-step";
  static constexpr std::string_view kSummary =
      "Pulsed device with one step size over its whole range and hard bounds.";

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

    static constexpr auto describe() { return step_device_fields<Params>("Mean change by one pulse."); }
    std::string problem() const { return step_device_problem(*this); }
  };

  template <class F>
  struct Cell {
    F g;                   ///< conductance [S]
    F step_up, step_down;  ///< change by one pulse [S]; >= 0
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
    return {.g = F(0.5f * (p.g_min + p.g_max)),
            .step_up = drawn.up,
            .step_down = drawn.down,
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
    const F step = select(is_up, cell.step_up, -cell.step_down);
    cell.g = clamp(fma(step, noisy_count(count, pulse_noise(p), z), cell.g), cell.g_low, cell.g_high);
  }
};

static_assert(PulsedModel<ConstantStep>);

}  // namespace mq
