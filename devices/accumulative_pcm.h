/// Phase-change memory that partial-SET pulses crystallise step by step; only RESET takes it back.
///
/// A cell has a conductance g, a memory P of its recent pulses (1 after RESET) and a drift exponent nu. Each
/// partial-SET pulse, xi standard normal:
///     P  <- P exp(-1 / memory_pulses)
///     g  <- clip(g' + mu + sigma xi, g_min, g_max),  g' = g (tau / t0)^-nu the drifted conductance,
///     mu = gain (step_offset + step_slope g' + step_memory P),  gain = exp(step_spread xi_device)
///     sigma^2 = (noise_offset + noise_slope g' + noise_memory P)^2 - (share of step_spread in it)
/// and restarts drift, whatever the time that has passed: I. Boybat et al., NVMTS 2018. A train of c pulses
/// is one step with the mean and the variance that this recursion has after c pulses without clipping.
///     read noise   g (tau / t0)^-nu + (read_slope g (tau / t0)^-nu + read_floor) xi
/// Without step_memory and noise_memory this is the model averaged over histories.
/// Source: S. R. Nandakumar et al., J. Appl. Phys. 124, 152135 (2018), doi:10.1063/1.5042408; constants as in
/// Y. Demirag's srnn-pcm, xbar.py, whose drift exponent has no spread; that, its split into devices and
/// cycles and the gain of devices are off by default.
#pragma once

#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/core/math.h"
#include "meltquench/devices/device_model.h"

namespace mq {

struct AccumulativePcm {
  static constexpr std::string_view kName = "accumulative-pcm";
  static constexpr std::string_view kSummary =
      "Phase-change memory that partial-SET pulses move up, with a memory of its pulses and drift.";
  static constexpr int kPulsedFields = 3;  ///< g, memory and age

  struct Params {
    float g_min = 0.1_uS;
    float g_max = 20.0_uS;
    float step_offset = 0.880_uS, step_slope = -0.084f, step_memory = 1.40_uS;
    float noise_offset = 0.260_uS, noise_slope = 0.091f, noise_memory = 2.15_uS;
    float memory_pulses = 2.6f;
    float step_spread = 0.0f;
    float reset = 0.1_uS, reset_noise = 0.01_uS, reset_floor = 0.01_uS;
    float t0 = 38.6_s;
    float nu_mean = 0.04f, nu_sigma = 0.0f, nu_device_share = 0.5f;
    float read_slope = 0.03f, read_floor = 0.13_uS;
    float step_spread_scale = 1.0f;
    float cycle_noise_scale = 1.0f;
    float reset_noise_scale = 1.0f;
    float nu_mean_scale = 1.0f;
    float nu_sigma_scale = 1.0f;
    float read_noise_scale = 1.0f;

    static constexpr auto describe() {
      constexpr auto has_memory = [](const Params& p) {
        return p.step_memory != 0.0f || p.noise_memory != 0.0f;
      };
      constexpr auto has_spread = [](const Params& p) { return p.step_spread > 0.0f; };
      constexpr auto has_reset_noise = [](const Params& p) { return p.reset_noise > 0.0f; };
      constexpr auto drifts = [](const Params& p) { return p.nu_mean != 0.0f; };
      constexpr auto has_nu_sigma = [](const Params& p) { return p.nu_sigma > 0.0f; };
      constexpr auto reads_noisily = [](const Params& p) {
        return p.read_slope > 0.0f || p.read_floor > 0.0f;
      };
      using enum Unit;
      return join_fields(
          fields(
              field("g_min", &Params::g_min, siemens, between(0, 1e-3),
                    "Conductance that stands for weight 0; pulses leave at least that."),
              field("g_max", &Params::g_max, siemens, between(1e-9, 1e-3), "Largest conductance."),
              field("step_offset", &Params::step_offset, siemens, any, "Mean step at zero conductance."),
              field("step_slope", &Params::step_slope, between(-1, 1),
                    "Change of the mean step per conductance."),
              field("step_memory", &Params::step_memory, siemens, any,
                    "What a full memory adds to the mean step."),
              field("noise_offset", &Params::noise_offset, siemens, non_negative,
                    "Standard deviation of a step at zero conductance."),
              field("noise_slope", &Params::noise_slope, between(0, 1),
                    "Change of that standard deviation per conductance."),
              field("noise_memory", &Params::noise_memory, siemens, non_negative,
                    "What a full memory adds to that standard deviation."),
              field("memory_pulses", &Params::memory_pulses, positive,
                    "Pulses by which the memory falls to 1/e.")
                  .acts_where("device.step_memory or device.noise_memory is not 0", has_memory),
              field("step_spread", &Params::step_spread, between(0, 2),
                    "Device-to-device spread of the mean step, log-normal; the cycle-to-cycle noise is what "
                    "is left of the standard deviation.")),
          fields(field("reset", &Params::reset, siemens, non_negative, "Mean conductance after RESET."),
                 field("reset_noise", &Params::reset_noise, siemens, non_negative,
                       "Spread of the conductance after RESET."),
                 field("reset_floor", &Params::reset_floor, siemens, non_negative,
                       "Smallest conductance after RESET."),
                 field("t0", &Params::t0, second, positive,
                       "Age of a cell at the reference read, from which times count."),
                 field("nu_mean", &Params::nu_mean, between(-1, 1), "Mean drift exponent."),
                 field("nu_sigma", &Params::nu_sigma, non_negative, "Spread of the drift exponent."),
                 field("nu_device_share", &Params::nu_device_share, between(0, 1),
                       "Share of the variance of nu that a device keeps from one RESET to the next.")
                     .acts_where("device.nu_sigma > 0", has_nu_sigma),
                 field("read_slope", &Params::read_slope, non_negative,
                       "Read noise per conductance: 0.03 for 3 %."),
                 field("read_floor", &Params::read_floor, siemens, non_negative,
                       "Read noise at zero conductance.")),
          fields(field("step_spread_scale", &Params::step_spread_scale, non_negative,
                       "Multiplies step_spread; 0 switches it off.")
                     .acts_where("device.step_spread > 0", has_spread),
                 field("cycle_noise_scale", &Params::cycle_noise_scale, non_negative,
                       "Multiplies the noise of steps; 0 switches it off."),
                 field("reset_noise_scale", &Params::reset_noise_scale, non_negative,
                       "Multiplies reset_noise; 0 switches it off.")
                     .acts_where("device.reset_noise > 0", has_reset_noise),
                 field("nu_mean_scale", &Params::nu_mean_scale, non_negative,
                       "Multiplies nu_mean; 0 switches mean drift off.")
                     .acts_where("device.nu_mean is not 0", drifts),
                 field("nu_sigma_scale", &Params::nu_sigma_scale, non_negative,
                       "Multiplies nu_sigma; 0: all cells drift alike.")
                     .acts_where("device.nu_sigma > 0", has_nu_sigma),
                 field("read_noise_scale", &Params::read_noise_scale, non_negative,
                       "Multiplies read_slope and read_floor; 0 switches read noise off.")
                     .acts_where("device.read_slope or device.read_floor > 0", reads_noisily)));
    }
    std::string problem() const { return g_min >= g_max ? "g_min must be below g_max" : ""; }
  };

  template <class F>
  struct Cell {
    F g;       ///< conductance at t0 after the last pulse [S]
    F memory;  ///< P
    F age;     ///< from the last pulse or programming to the epoch of the array [s]
    F nu;      ///< drift exponent
    F gain;    ///< mean steps of this device over those of a mean one
  };

  /// Expects time >= 0 [s], counted from the cell's reference read.
  template <class T>
  MQ_HD static Moment<T> at(const Params& p, T time) {
    return {.log_age = log((time + T(p.t0)) / T(p.t0)), .noise_growth = T(1.0f)};
  }

  /// A new cell is RESET.
  template <class F>
  MQ_HD static Cell<F> fabricate(const Params& p, Rng<F>& rng) {
    Cell<F> cell;
    cell.gain = exp(F(p.step_spread * p.step_spread_scale) * rng.normal());
    cell.g = fma(F(p.reset_noise * p.reset_noise_scale), rng.normal(), F(p.reset));
    cell.g = min(max(cell.g, p.reset_floor), p.g_max);
    cell.memory = F(1.0f);
    cell.nu = abs(fma(F(p.nu_sigma * p.nu_sigma_scale), rng.normal(), F(p.nu_mean * p.nu_mean_scale)));
    cell.age = F(0.0f);
    return cell;
  }

  /// RESET and as many pulses as the target takes, which it is left at; expects g_min <= g_target <= g_max
  /// [S].
  template <class F>
  MQ_HD static void program(const Params& p, Cell<F>& cell, F g_target, Rng<F>& device, Rng<F>& rng) {
    hold(p, cell, g_target, g_target, device, rng);
  }
  /// The same, left at g [S].
  template <class F>
  MQ_HD static void hold(const Params& p, Cell<F>& cell, F, F g, Rng<F>& device, Rng<F>& rng) {
    cell.g = g;
    // Mean number of pulses from RESET to g, srnn-pcm's fit: 0.81 g - 0.15 g^2 + 0.027 g^3, g in uS.
    const F u = g * F(1e6f);
    const F pulses = u * fma(u, fma(u, F(0.027f), F(-0.15f)), F(0.81f));
    cell.memory = exp(pulses * F(-1.0f / p.memory_pulses));
    const F xi =
        fma(F(sqrt(p.nu_device_share)), device.normal(), F(sqrt(1.0f - p.nu_device_share)) * rng.normal());
    cell.nu = abs(fma(F(p.nu_sigma * p.nu_sigma_scale), xi, F(p.nu_mean * p.nu_mean_scale)));
    cell.age = F(0.0f);
  }

  /// Conductance [S] without read noise; expects log_age >= 0.
  template <class F>
  MQ_HD static F conductance(const Params&, const Cell<F>& cell, const Moment<F>& moment) {
    return cell.g * exp(-cell.nu * moment.log_age);
  }
  /// Conductance [S] as one read sees it.
  template <class F>
  MQ_HD static F read(const Params& p, const Cell<F>& cell, const Moment<F>& moment, F z) {
    const F g = conductance(p, cell, moment);
    const F sigma = fma(F(p.read_slope), g, F(p.read_floor)) * F(p.read_noise_scale);
    return max(fma(sigma, z, g), 0.0f);
  }
  MQ_HD static float read_noise(const Params& p) {
    return (p.read_slope > 0.0f || p.read_floor > 0.0f) ? p.read_noise_scale : 0.0f;
  }

  /// What one pulse does to a new cell, on average [S].
  static float mean_step(const Params& p) {
    const float spread = p.step_spread * p.step_spread_scale;
    const float step = fma(p.step_slope, p.reset, p.step_offset) + p.step_memory * forgetting(p);
    return step * exp(0.5f * spread * spread);
  }
  MQ_HD static float pulse_noise(const Params& p) { return p.cycle_noise_scale; }
  MQ_HD static bool is_one_sided(const Params&) { return true; }
  static double weight_zero(const Params& p) { return p.g_min; }

  /// `count` partial-SET pulses; pulses down do nothing. z: standard normal, their cycle-to-cycle noise.
  template <class F>
  MQ_HD static void pulse(const Params& p, Cell<F>& cell, typename LaneTraits<F>::Mask is_up, F count, F z) {
    count = select(is_up, count, F(0.0f));
    const auto is_pulsed = count > F(0.0f);
    const float forgets = forgetting(p);
    const float spread = p.step_spread * p.step_spread_scale;
    const F share = F(spread * spread), growth = fma(cell.gain, F(p.step_slope), F(1.0f));
    const F memory_of_variance = fma(growth, growth, F(p.noise_slope * p.noise_slope));
    F mean = conductance(p, cell, at(p, cell.age)), variance = F(0.0f), memory = cell.memory;
    for (F left = count; any_of(left > F(0.0f)); left = left - F(1.0f)) {
      const auto is_on = left > F(0.0f);
      memory = select(is_on, memory * F(forgets), memory);
      const F step = fma(F(p.step_slope), mean, fma(F(p.step_memory), memory, F(p.step_offset)));
      const F sigma = fma(F(p.noise_slope), mean, fma(F(p.noise_memory), memory, F(p.noise_offset)));
      const F noise = max(fma(-share, step * step, sigma * sigma), 0.0f);
      variance = select(is_on, fma(variance, memory_of_variance, noise), variance);
      mean = select(is_on, fma(cell.gain, step, mean), mean);
    }
    const F g = fma(sqrt(variance) * F(p.cycle_noise_scale), z, mean);
    cell.g = select(is_pulsed, clamp(g, F(p.g_min), F(p.g_max)), cell.g);
    cell.memory = memory;
    cell.age = select(is_pulsed, F(0.0f), cell.age);
  }

 private:
  MQ_HD static float forgetting(const Params& p) { return exp(-1.0f / p.memory_pulses); }
};

static_assert(PulsedModel<AccumulativePcm>);

}  // namespace mq
