/// A device whose step falls linearly along its range.
///
/// With d = g - zero, b+ and b- the distances of the bounds from weight 0, Delta+ and Delta- the steps of
/// this device at weight 0, xi standard normal for each pulse:
///     up    g <- g + Delta+ max(0, 1 - gamma_up d / b+) (1 + cycle_noise xi)
///     down  g <- g - Delta- max(0, 1 + gamma_down d / b-) (1 + cycle_noise xi)
/// b+ and b- are those of a mean device, or of each device (`bound_reference`): then gamma = 1 is soft
/// bounds. Each device has gammas of its own: |gamma (1 + gamma_spread xi)|. Spread between devices:
/// step_device.h. Equations as in IBM aihwkit, LinearStepDevice. Defaults: lithium ECRAM, J. Tang et al.,
/// IEDM 2018, doi:10.1109/IEDM.2018.8614551, in the constants of aihwkit's preset EcRam.
#pragma once

#include <array>
#include <string_view>

#include "meltquench/devices/step_device.h"

namespace mq {

/// Whose bounds the slope refers to.
enum class BoundReference { mean, device };
constexpr auto names(BoundReference) { return std::array<std::string_view, 2>{"mean", "device"}; }

struct LinearStep : StepDevice<LinearStep> {
  static constexpr std::string_view kName = "linear-step";
  static constexpr std::string_view kSummary = "Pulsed device whose steps fall linearly along its range.";

  struct Params : StepParams {
    float gamma_up = 0.1153f;
    float gamma_down = 0.5085f;
    float gamma_spread = 0.05f;
    BoundReference bound_reference = BoundReference::mean;
    float gamma_spread_scale = 1.0f;

    Params() {
      zero = 0.4138f;
      step = 10.0_nS;
      step_spread = 0.1f;
    }

    static constexpr auto describe() {
      constexpr auto has_slope = [](const Params& p) { return p.gamma_up > 0.0f || p.gamma_down > 0.0f; };
      constexpr auto spreads = [](const Params& p) {
        return (p.gamma_up > 0.0f || p.gamma_down > 0.0f) && p.gamma_spread > 0.0f;
      };
      return step_fields(
          "Mean change by one pulse at weight 0.",
          field("gamma_up", &Params::gamma_up, between(0, 10),
                "Share by which the up step has fallen at the upper bound."),
          field("gamma_down", &Params::gamma_down, between(0, 10),
                "Share by which the down step has fallen at the lower bound."),
          field("gamma_spread", &Params::gamma_spread, non_negative,
                "Device-to-device spread of gamma_up and gamma_down, relative to them.")
              .acts_where("device.gamma_up or device.gamma_down > 0", has_slope),
          field("bound_reference", &Params::bound_reference,
                "Whether these bounds are those of a mean device or of each device.")
              .acts_where("device.gamma_up or device.gamma_down > 0", has_slope),
          field("gamma_spread_scale", &Params::gamma_spread_scale, non_negative,
                "Multiplies gamma_spread; 0 switches it off.")
              .acts_where("device.gamma_spread > 0, and device.gamma_up or device.gamma_down", spreads));
    }
  };

  template <class F>
  struct Cell : StepCell<F> {
    F slope_up, slope_down;  ///< change of the step per conductance, towards the bound; >= 0
  };

  template <class F>
  MQ_HD static void prepare(const Params& p, Cell<F>& cell, Rng<F>& rng) {
    const float zero = zero_of(p);
    const bool is_mean = p.bound_reference == BoundReference::mean;
    const F high = is_mean ? F(p.g_max - zero) : cell.g_high - F(zero);
    const F low = is_mean ? F(zero - p.g_min) : F(zero) - cell.g_low;
    const F spread = F(p.gamma_spread * p.gamma_spread_scale);
    const F gamma_up = abs(fma(spread, rng.normal(), F(1.0f))) * F(p.gamma_up);
    const F gamma_down = abs(fma(spread, rng.normal(), F(1.0f))) * F(p.gamma_down);
    cell.slope_up = gamma_up * share_of(cell.step_up, max(high, cell.step_up));
    cell.slope_down = gamma_down * share_of(cell.step_down, max(low, cell.step_down));
  }

  template <class F>
  MQ_HD static F step(const Params& p, const Cell<F>& cell, typename LaneTraits<F>::Mask is_up) {
    const F d = cell.g - F(zero_of(p));
    const F slope = select(is_up, -cell.slope_up, cell.slope_down);
    return max(fma(slope, d, select(is_up, cell.step_up, cell.step_down)), 0.0f);
  }
};

static_assert(PulsedModel<LinearStep>);

}  // namespace mq
