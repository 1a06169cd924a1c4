/// What models of pulsed devices share: how steps and bounds differ between devices, how the steps of a pulse
/// train add up, and what of it is seen. A model adds its law of the step.
///
/// With zero = the conductance of weight 0, Delta+ and Delta- the steps of a device, xi standard normal:
///     gain     1 + step_spread xi1, or exp(step_spread xi1)
///     Delta+   |gain + min(asymmetry, 0) + asymmetry_spread xi2| step
///     Delta-   |gain - max(asymmetry, 0) - asymmetry_spread xi2| step
///     bounds   high = max(g_max + s xi3, zero),  low = clamp(g_min + s low_bound_ratio xi4, 0, zero),
///              s = bound_spread (g_max - g_min) / 2
///     seen     max(0, g + write_noise step xi),  xi drawn anew when the cell is pulsed or programmed
/// A train of c pulses in one direction is one step with the law at its start: mean c dg, standard deviation
/// sqrt(c) sigma, cut at the bounds. So a cell never leaves its bounds, whatever the noise.
///
/// Sources: T. Gokmen and Y. Vlasov, Front. Neurosci. 10, 333 (2016), doi:10.3389/fnins.2016.00333; equations
/// as in IBM aihwkit, rpu_pulsed_device, whose weights this scales: the scale in siemens is a choice of each
/// preset, with g_min far enough from 0 for the spread of the bounds.
#pragma once

#include "meltquench/core/math.h"
#include "meltquench/core/random.h"
#include "meltquench/devices/device_model.h"
#include "meltquench/devices/step_params.h"

namespace mq {

/// What every step device keeps; a law that needs more derives from it.
template <class F>
struct StepCell {
  F g;                   ///< conductance [S]
  F writes;              ///< number of the last write, modulo 2^20: the address of its write noise
  F step_up, step_down;  ///< steps of this device, Delta+ and Delta- [S]; >= 0
  F g_low, g_high;       ///< bounds of this device [S]: 0 <= g_low <= zero <= g_high
};

/// Conductance [S] that stands for weight 0.
MQ_HD float zero_of(const StepParams& p) { return fma(p.zero, p.g_max - p.g_min, p.g_min); }

/// a / b for 0 <= a, of which nothing is left if both are 0: a device that has neither range nor step stands
/// still.
template <class F>
MQ_HD F share_of(F a, F b) {
  return a / max(b, 1e-30f);
}

/// Draws one device; two of them have nothing in common.
template <class F>
MQ_HD StepCell<F> draw_steps(const StepParams& p, Rng<F>& rng) {
  const F spread = F(p.step_spread * p.step_spread_scale) * rng.normal();
  const F gain = p.step_spread_law == StepSpread::log_normal ? exp(spread) : spread + F(1.0f);
  const F difference = F(p.asymmetry_spread * p.asymmetry_spread_scale) * rng.normal();
  const F zero = F(zero_of(p));
  const float bound_sigma = p.bound_spread * p.bound_spread_scale * 0.5f * (p.g_max - p.g_min);
  const float weaker_up = p.asymmetry < 0.0f ? p.asymmetry : 0.0f;
  const float weaker_down = p.asymmetry > 0.0f ? -p.asymmetry : 0.0f;
  StepCell<F> cell;
  cell.step_up = abs(gain + difference + F(weaker_up)) * F(p.step);
  cell.step_down = abs(gain - difference + F(weaker_down)) * F(p.step);
  cell.g_high = max(fma(F(bound_sigma), rng.normal(), F(p.g_max)), zero);
  cell.g_low = clamp(fma(F(bound_sigma * p.low_bound_ratio), rng.normal(), F(p.g_min)), F(0.0f), zero);
  cell.g = zero + F(p.reset);
  cell.g = fma(F(p.reset_spread * p.reset_scale), rng.normal(), cell.g);
  cell.g = fma(F(p.reset_noise * p.reset_scale), rng.normal(), cell.g);
  cell.writes = F(0.0f);
  return cell;
}

/// A step device from its law. `Model` derives from it and has Params (from StepParams) and
///   - `step(params, cell, is_up)`: the mean magnitude [S] of one pulse where the cell is;
/// and, where they differ from those here, Cell, `prepare`, `sigma`, `change` and `mean_factor`.
template <class Model>
struct StepDevice {
  static constexpr int kPulsedFields = 2;  ///< g and writes

  template <class F>
  using Cell = StepCell<F>;

  /// Adds to a new device what its law keeps.
  template <class F, class P, class C>
  MQ_HD static void prepare(const P&, C&, Rng<F>&) {}

  /// Standard deviation [S] of one pulse that makes `step`, over cycle_noise.
  template <class F, class P, class C>
  MQ_HD static F sigma(const P& p, const C& cell, typename LaneTraits<F>::Mask is_up, F step) {
    return p.cycle_noise_law == CycleNoise::of_zero ? select(is_up, cell.step_up, cell.step_down) : step;
  }

  /// What `count` pulses add to or take off the conductance [S].
  template <class F, class P, class C>
  MQ_HD static F change(const P& p, const C& cell, typename LaneTraits<F>::Mask is_up, F count, F z) {
    const F step = Model::template step<F>(p, cell, is_up);
    const F noise = Model::template sigma<F>(p, cell, is_up, step) * F(pulse_noise(p));
    return fma(sqrt(count) * noise, z, count * step);
  }

  /// Mean step at weight 0 over the step of the device.
  template <class P>
  static float mean_factor(const P&, bool) {
    return 1.0f;
  }

  template <class T>
  MQ_HD static Moment<T> at(const StepParams&, T) {
    return {};
  }

  /// A new cell lies at weight 0 or where `reset` says; its steps and bounds it keeps for ever.
  template <class F, class P>
  MQ_HD static auto fabricate(const P& p, Rng<F>& rng) {
    typename Model::template Cell<F> cell;
    static_cast<StepCell<F>&>(cell) = draw_steps<F>(p, rng);
    Model::template prepare<F>(p, cell, rng);
    cell.g = clamp(cell.g, cell.g_low, cell.g_high);
    return cell;
  }

  /// Writes once, exactly, as far as the bounds of this cell reach; expects g_min <= g_target <= g_max [S].
  template <class F>
  MQ_HD static void program(const StepParams&, StepCell<F>& cell, std::type_identity_t<F> g_target, Rng<F>&,
                            Rng<F>&) {
    cell.g = clamp(g_target, cell.g_low, cell.g_high);
    count_write(cell, F(1.0f));
  }
  template <class F>
  MQ_HD static void hold(const StepParams& p, StepCell<F>& cell, std::type_identity_t<F>,
                         std::type_identity_t<F> g, Rng<F>& device, Rng<F>& rng) {
    program(p, cell, g, device, rng);
  }
  /// What the cell keeps [S].
  template <class F>
  MQ_HD static F conductance(const StepParams&, const StepCell<F>& cell, const Moment<F>&) {
    return cell.g;
  }
  /// What is seen of it [S]; z: standard normal, a function of cell and `writes`.
  template <class F>
  MQ_HD static F read(const StepParams& p, const StepCell<F>& cell, const Moment<F>&,
                      std::type_identity_t<F> z) {
    return max(fma(F(read_noise(p) * p.step), z, cell.g), 0.0f);
  }
  MQ_HD static float read_noise(const StepParams& p) { return p.write_noise * p.write_noise_scale; }
  template <class F>
  MQ_HD static F writes(const StepCell<F>& cell) {
    return cell.writes;
  }

  /// Half of what one pulse up and one pulse down move a mean device at weight 0 [S]; of a one-sided device,
  /// what the pulse up does.
  template <class P>
  static float mean_step(const P& p) {
    const float spread = p.step_spread * p.step_spread_scale;
    const float gain = p.step_spread_law == StepSpread::log_normal ? exp(0.5f * spread * spread) : 1.0f;
    const float up = (gain + min(p.asymmetry, 0.0f)) * Model::mean_factor(p, true);
    const float down = (gain - max(p.asymmetry, 0.0f)) * Model::mean_factor(p, false);
    return p.step * (p.one_sided ? up : 0.5f * (up + down));
  }
  MQ_HD static float pulse_noise(const StepParams& p) { return p.cycle_noise * p.cycle_noise_scale; }
  MQ_HD static bool is_one_sided(const StepParams& p) { return p.one_sided; }
  static double weight_zero(const StepParams& p) {
    return p.g_min + double(p.zero) * (double(p.g_max) - p.g_min);
  }

  /// `count` pulses in one direction; z: standard normal, their cycle-to-cycle noise.
  template <class F, class P, class C>
  MQ_HD static void pulse(const P& p, C& cell, typename LaneTraits<F>::Mask is_up, F count, F z) {
    if (p.one_sided) count = select(is_up, count, F(0.0f));
    const F change = Model::template change<F>(p, cell, is_up, count, z);
    cell.g = clamp(cell.g + select(is_up, change, -change), cell.g_low, cell.g_high);
    count_write(cell, count);
  }

 private:
  template <class F>
  MQ_HD static void count_write(StepCell<F>& cell, std::type_identity_t<F> count) {
    const F next = cell.writes + F(1.0f);
    cell.writes = select(count > F(0.0f), select(next < F(1048576.0f), next, F(0.0f)), cell.writes);
  }
};

}  // namespace mq
