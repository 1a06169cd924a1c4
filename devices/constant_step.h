/// A device that every pulse moves by the same step, up to hard bounds.
///
/// With Delta+ and Delta- the steps of this device, xi standard normal for each pulse:
///     up    g <- min(g + Delta+ (1 + cycle_noise xi), high)
///     down  g <- max(g - Delta- (1 + cycle_noise xi), low)
/// Spread between devices: step_device.h. Source: T. Gokmen and Y. Vlasov, Front. Neurosci. 10, 333 (2016),
/// doi:10.3389/fnins.2016.00333; equations and defaults (1200 steps over the range, bounds 0.6 +- 30 % in
/// weights) as in IBM aihwkit, PulsedDevice and ConstantStepDevice.
#pragma once

#include <string_view>

#include "meltquench/devices/step_device.h"

namespace mq {

struct ConstantStep : StepDevice<ConstantStep> {
  static constexpr std::string_view kName = "constant-step";
  static constexpr std::string_view kSummary =
      "Pulsed device with one step size over its whole range and hard bounds.";

  struct Params : StepParams {
    static constexpr auto describe() { return step_fields("Mean change by one pulse."); }
  };

  template <class F, class C>
  MQ_HD static F step(const Params&, const C& cell, typename LaneTraits<F>::Mask is_up) {
    return select(is_up, cell.step_up, cell.step_down);
  }
};

static_assert(PulsedModel<ConstantStep>);

}  // namespace mq
