/// Cells that do not work: stuck from the start, impossible to program, or worn out.
///
///     stuck     share stuck_low at g_min, stuck_high at g_max, stuck_random at any conductance in between
///     failing   share of the others whose programming does not converge: it ends at g_target with a large
///     spread wear      a cell lives for `endurance` (-ln u)^(1 / shape) weighted pulses, u uniform in (0, 1)
///     (Weibull),
///               SET pulses counting 1 and RESET pulses `reset_weight`; then it is stuck at g_min with
///               probability `worn_low`, else at g_max
/// Which cells these are is a function of the cell's address: nothing is stored but the count of pulses, and
/// that only where `endurance` is set. Facts and sources: docs/theory/faults.md.
#pragma once

#include <string>

#include "meltquench/core/fields.h"
#include "meltquench/core/random.h"

namespace mq {

struct FaultParams {
  float stuck_low = 0.0f;
  float stuck_high = 0.0f;
  float stuck_random = 0.0f;
  float failing = 0.0f;
  float failing_spread = 0.2f;
  float endurance = 0.0f;
  float shape = 2.0f;
  float reset_weight = 10.0f;
  float worn_low = 0.5f;
  float past_pulses = 0.0f;

  static constexpr auto describe() {
    constexpr auto fails = [](const FaultParams& p) { return p.failing > 0.0f; };
    constexpr auto wears = [](const FaultParams& p) { return p.wears(); };
    constexpr Range share = between(0, 1);
    return fields(
        field("stuck_low", &FaultParams::stuck_low, share, "Share of cells that are stuck at g_min."),
        field("stuck_high", &FaultParams::stuck_high, share, "Share of cells that are stuck at g_max."),
        field("stuck_random", &FaultParams::stuck_random, share,
              "Share of cells that are stuck anywhere between g_min and g_max."),
        field("failing", &FaultParams::failing, share,
              "Share of the other cells whose programming does not converge."),
        field("failing_spread", &FaultParams::failing_spread, non_negative,
              "Standard deviation of what these hold, relative to g_max.")
            .acts_where("faults.failing > 0", fails),
        field("endurance", &FaultParams::endurance, non_negative,
              "Weighted pulses after which 63 % of the cells are worn out; 0: cells do not wear."),
        field("shape", &FaultParams::shape, positive, "Weibull shape of the lifetimes; 1: no ageing.")
            .acts_where("faults.endurance > 0", wears),
        field("reset_weight", &FaultParams::reset_weight, non_negative,
              "How many SET pulses wear a cell as much as one RESET pulse.")
            .acts_where("faults.endurance > 0", wears),
        field("worn_low", &FaultParams::worn_low, share,
              "Share of worn cells that are stuck at g_min; the others are stuck at g_max.")
            .acts_where("faults.endurance > 0", wears),
        field("past_pulses", &FaultParams::past_pulses, non_negative,
              "Weighted pulses that every cell has behind it when the chip is new.")
            .acts_where("faults.endurance > 0", wears));
  }
  std::string problem() const {
    return stuck_low + stuck_high + stuck_random > 1.0f
               ? "stuck_low, stuck_high and stuck_random must not exceed 1 together"
               : "";
  }
  /// Share of cells that work on a new chip without past pulses.
  float yield() const { return (1.0f - stuck_low - stuck_high - stuck_random) * (1.0f - failing); }
  bool wears() const { return endurance > 0.0f; }
  bool has_any() const { return stuck_low + stuck_high + stuck_random + failing > 0.0f || wears(); }
};

/// Which cells of one array do not work; kernels/faults.h asks for all of them.
struct ArrayFaults {
  FaultParams params;
  RngKey key;                        ///< of the array, the same for ever
  float g_min = 0.0f, g_max = 0.0f;  ///< [S]
};

/// What `fault_of` says of cells that are not stuck.
inline constexpr float kWorkingCell = -1.0f, kFailingCell = -2.0f;

/// Conductance [S] of stuck cells, else one of the two numbers above. `pulses`: weighted pulses since
/// fabrication.
template <class F>
MQ_HD F fault_of(const ArrayFaults& faults, typename LaneTraits<F>::UInt cell, F pulses) {
  const FaultParams& p = faults.params;
  Rng<F> rng(faults.key, cell);
  const F kind = rng.uniform(), value = rng.uniform(), luck = rng.uniform(), failing = rng.uniform();
  const F low = F(faults.g_min), high = F(faults.g_max);
  const float below_high = p.stuck_low + p.stuck_high, below_random = below_high + p.stuck_random;
  F g = select(failing < F(p.failing), F(kFailingCell), F(kWorkingCell));
  if (p.endurance > 0.0f) {
    // -ln u reaches 2^-24 at least, so the power gets a normal number.
    const F lifetime = pow(-log(luck), 1.0f / p.shape) * F(p.endurance);
    const F worn = select(value < F(p.worn_low), low, high);
    g = select(pulses + F(p.past_pulses) >= lifetime, worn, g);
  }
  g = select(kind < F(below_random), fma(value, high - low, low), g);
  g = select(kind < F(below_high), high, g);
  return select(kind < F(p.stuck_low), low, g);
}

/// What a failing cell holds after a write towards g_target [S]: z standard normal, `spread` [S].
template <class F>
MQ_HD F failed_write(F g_target, F z, float spread, float g_min, float g_max) {
  return clamp(fma(z, F(spread), g_target), F(g_min), F(g_max));
}

}  // namespace mq
