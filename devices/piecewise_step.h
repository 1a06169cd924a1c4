/// A device whose step follows measured curves along its range.
///
/// With x = (g - low) / (high - low), xi standard normal for each pulse:
///     up    g <- g + Delta+ up(x) (1 + cycle_noise xi)
///     down  g <- g - Delta- down(x) (1 + cycle_noise xi)
/// where up and down are points joined by straight lines. Spread between devices: step_device.h. Equations as
/// in IBM aihwkit, PiecewiseStepDevice. Defaults: steps that fall from 1.5 to 0.5 of the mean on the way to
/// the bound; give the curves of your own device.
#pragma once

#include <string_view>

#include "meltquench/devices/step_device.h"

namespace mq {

struct PiecewiseStep : StepDevice<PiecewiseStep> {
  static constexpr std::string_view kName = "piecewise-step";
  static constexpr std::string_view kSummary = "Pulsed device whose steps follow measured curves.";

  struct Params : StepParams {
    PiecewiseTable up{3, {0.0f, 0.5f, 1.0f}, {1.5f, 1.0f, 0.5f}};
    PiecewiseTable down{3, {0.0f, 0.5f, 1.0f}, {0.5f, 1.0f, 1.5f}};

    static constexpr auto describe() {
      using enum Unit;
      return step_fields("Mean change by one pulse where a curve is 1.",
                         field("up", &Params::up, one, one,
                               "Up step over `step`, at points between the bounds: 0 at the lower, 1 at the "
                               "upper one."),
                         field("down", &Params::down, one, one, "The same of the down step."));
    }
    std::string problem() const {
      for (const PiecewiseTable* curve : {&up, &down}) {
        for (int k = 0; k < curve->size; ++k) {
          if (curve->y[k] < 0.0f) return "the curves up and down must not be negative";
        }
      }
      return StepParams::problem();
    }
  };

  template <class F>
  struct Cell : StepCell<F> {
    F per_range;  ///< 1 / (high - low) [1/S]
  };

  template <class F>
  MQ_HD static void prepare(const Params&, Cell<F>& cell, Rng<F>&) {
    cell.per_range = share_of(F(1.0f), cell.g_high - cell.g_low);
  }

  template <class F>
  MQ_HD static F step(const Params& p, const Cell<F>& cell, typename LaneTraits<F>::Mask is_up) {
    const F x = (cell.g - cell.g_low) * cell.per_range;
    return select(is_up, cell.step_up * p.up(x), cell.step_down * p.down(x));
  }

  static float mean_factor(const Params& p, bool is_up) { return is_up ? p.up(p.zero) : p.down(p.zero); }
};

static_assert(PulsedModel<PiecewiseStep>);

}  // namespace mq
