/// The parameters that all step devices have in common: range, step, and how devices and cycles differ.
///
/// Source of the laws of the spread: IBM aihwkit, rpu_pulsed_device; there a device is a weight w in [w_min,
/// w_max], here it is a conductance, and `zero` says which one stands for w = 0.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "meltquench/core/fields.h"

namespace mq {

/// How the steps of devices are distributed.
enum class StepSpread { normal, log_normal };
constexpr auto names(StepSpread) { return std::array<std::string_view, 2>{"normal", "log-normal"}; }

/// What the noise of one pulse is a share of.
enum class CycleNoise {
  of_step,  ///< the step that it makes where the cell is
  of_zero,  ///< the step of the device at weight 0: noise that is left where steps have shrunk to nothing
};
constexpr auto names(CycleNoise) { return std::array<std::string_view, 2>{"of-step", "of-zero"}; }

/// A base, not a member, so that its keys stand beside those of a model. Defaults: T. Gokmen and Y. Vlasov,
/// Front. Neurosci. 10, 333 (2016), doi:10.3389/fnins.2016.00333.
struct StepParams {
  float g_min = 10.0_uS;
  float g_max = 20.0_uS;
  float zero = 0.5f;
  float step = 8.3333_nS;
  StepSpread step_spread_law = StepSpread::normal;
  float step_spread = 0.3f;
  float asymmetry = 0.0f;
  float asymmetry_spread = 0.01f;
  float bound_spread = 0.3f;
  float low_bound_ratio = 1.0f;
  CycleNoise cycle_noise_law = CycleNoise::of_step;
  float cycle_noise = 0.3f;
  float write_noise = 0.0f;
  float reset = 0.0_S;
  float reset_spread = 0.0_S;
  float reset_noise = 0.0_S;
  bool one_sided = false;
  float step_spread_scale = 1.0f;
  float asymmetry_spread_scale = 1.0f;
  float bound_spread_scale = 1.0f;
  float cycle_noise_scale = 1.0f;
  float write_noise_scale = 1.0f;
  float reset_scale = 1.0f;

  /// What is wrong between the parameters.
  std::string problem() const {
    if (g_min >= g_max) return "g_min must be below g_max";
    return step > g_max - g_min ? "step must not exceed g_max - g_min" : "";
  }
};

/// The fields that every model has; `step_sentence` says what its step means.
constexpr auto common_step_fields(std::string_view step_sentence) {
  using enum Unit;
  using P = StepParams;
  constexpr auto steps_spread = [](const P& p) { return p.step_spread > 0.0f; };
  constexpr auto is_asymmetric = [](const P& p) { return p.asymmetry_spread > 0.0f; };
  constexpr auto bounds_spread = [](const P& p) { return p.bound_spread > 0.0f; };
  constexpr auto has_cycles = [](const P& p) { return p.cycle_noise > 0.0f; };
  constexpr auto writes_noisily = [](const P& p) { return p.write_noise > 0.0f; };
  constexpr auto resets_spread = [](const P& p) { return p.reset_spread > 0.0f || p.reset_noise > 0.0f; };
  return join_fields(
      fields(
          field("g_min", &P::g_min, siemens, between(0, 1e-3), "Mean lower bound of the conductance."),
          field("g_max", &P::g_max, siemens, between(1e-9, 1e-3), "Mean upper bound of the conductance."),
          field("zero", &P::zero, between(0, 1),
                "Where weight 0 lies between the bounds: 0 at g_min, 1 at g_max."),
          field("step", &P::step, siemens, between(1e-15, 1e-3), step_sentence),
          field("step_spread_law", &P::step_spread_law,
                "Whether the steps of devices are distributed as 1 + step_spread xi or exp(step_spread xi).")
              .acts_where("device.step_spread > 0", steps_spread),
          field("step_spread", &P::step_spread, non_negative,
                "Device-to-device spread of the step, relative to it."),
          field("asymmetry", &P::asymmetry, between(-1, 1),
                "Takes this share off the up step if negative, off the down step if positive."),
          field("asymmetry_spread", &P::asymmetry_spread, non_negative,
                "Device-to-device spread that adds to the up step and takes off the down step, relative "
                "to the step."),
          field("bound_spread", &P::bound_spread, non_negative,
                "Device-to-device spread of each bound, relative to half the range."),
          field("low_bound_ratio", &P::low_bound_ratio, non_negative,
                "Spread of the lower bound over that of the upper one.")
              .acts_where("device.bound_spread > 0", bounds_spread),
          field("cycle_noise_law", &P::cycle_noise_law,
                "Whether cycle_noise is a share of the step made or of the device's step at weight 0.")
              .acts_where("device.cycle_noise > 0", has_cycles),
          field("cycle_noise", &P::cycle_noise, non_negative,
                "Cycle-to-cycle noise of one step, relative to it."),
          field("write_noise", &P::write_noise, non_negative,
                "Noise of the conductance that is seen about the one that is kept, relative to `step`; "
                "drawn anew when the cell is pulsed and only then.")),
      fields(
          field("reset", &P::reset, siemens, any, "Mean conductance of a new cell, above that of weight 0."),
          field("reset_spread", &P::reset_spread, siemens, non_negative,
                "Device-to-device spread of `reset`."),
          field("reset_noise", &P::reset_noise, siemens, non_negative, "Cycle-to-cycle noise of `reset`."),
          field("one_sided", &P::one_sided,
                "Whether pulses down do nothing; a pair of cells then learns with pulses up on both sides."),
          field("step_spread_scale", &P::step_spread_scale, non_negative,
                "Multiplies step_spread; 0 switches it off.")
              .acts_where("device.step_spread > 0", steps_spread),
          field("asymmetry_spread_scale", &P::asymmetry_spread_scale, non_negative,
                "Multiplies asymmetry_spread; 0 switches it off.")
              .acts_where("device.asymmetry_spread > 0", is_asymmetric),
          field("bound_spread_scale", &P::bound_spread_scale, non_negative,
                "Multiplies bound_spread; 0: all cells have the same bounds.")
              .acts_where("device.bound_spread > 0", bounds_spread),
          field("cycle_noise_scale", &P::cycle_noise_scale, non_negative,
                "Multiplies cycle_noise; 0 switches it off.")
              .acts_where("device.cycle_noise > 0", has_cycles),
          field("write_noise_scale", &P::write_noise_scale, non_negative,
                "Multiplies write_noise; 0 switches it off.")
              .acts_where("device.write_noise > 0", writes_noisily),
          field("reset_scale", &P::reset_scale, non_negative,
                "Multiplies reset_spread and reset_noise; 0: all new cells are alike.")
              .acts_where("device.reset_spread or device.reset_noise > 0", resets_spread)));
}

/// The fields of a model: the common ones and its own.
template <class... Own>
constexpr auto step_fields(std::string_view step_sentence, Own... own) {
  return join_fields(common_step_fields(step_sentence), fields(own...));
}

}  // namespace mq
