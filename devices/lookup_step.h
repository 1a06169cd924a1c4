/// A device whose pulses draw from measured distributions.
///
/// With x = (g - low) / (high - low), D(x, z) the measured change that a standard normal z picks, m(x) its
/// mean over z and c pulses in one train:
///     up    g <- g + Delta+ (c m + sqrt(c) cycle_noise (D(x, z) - m))
///     down  g <- g - Delta- (c m + sqrt(c) cycle_noise (D(x, z) - m))
/// so that one pulse has exactly the measured distribution and a train has the mean and spread of the sum of
/// its pulses. Spread between devices: step_device.h. Source: S. Agarwal et al., IJCNN 2016,
/// doi:10.1109/IJCNN.2016.7727298. Defaults: partial SET of phase-change memory averaged over its history,
/// mean 0.892 uS - 0.084 g and standard deviation 0.575 uS + 0.09 g, S. R. Nandakumar et al., J. Appl. Phys.
/// 124, 152135 (2018), doi:10.1063/1.5042408, in the constants of Y. Demirag's meta-analog.
#pragma once

#include <array>
#include <string_view>

#include "meltquench/devices/step_device.h"
#include "meltquench/devices/step_tables.h"

namespace mq {

struct LookupStep : StepDevice<LookupStep> {
  static constexpr std::string_view kName = "lookup-step";
  static constexpr std::string_view kSummary = "Pulsed device whose steps are drawn from measured tables.";

  struct Params : StepParams {
    StepTables changes;

    Params() {
      g_min = 0.1_uS;
      g_max = 20.0_uS;
      zero = 0.0f;
      step = 1.0_uS;
      step_spread = asymmetry_spread = bound_spread = 0.0f;
      cycle_noise = 1.0f;
      one_sided = true;
      std::array<StepTables::Row, 2> rows;
      for (std::size_t j = 0; j < rows[0].size(); ++j) {
        const float z = StepTables::kFirstLevel + float(j) / StepTables::kLevelsPerUnit;
        rows[0][j] = 0.8836f + 0.584f * z;
        rows[1][j] = -0.788f + 2.375f * z;
      }
      changes = StepTables::from_rows(rows, rows);
    }

    static constexpr auto describe() {
      return step_fields(
          "Unit of the table's changes.",
          field("changes", &Params::changes, "Measured changes by one pulse, positive in its direction."));
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
  MQ_HD static F change(const Params& p, const Cell<F>& cell, typename LaneTraits<F>::Mask is_up, F count,
                        F z) {
    const auto change = p.changes((cell.g - cell.g_low) * cell.per_range, is_up, z);
    const F noise = (change.drawn - change.mean) * F(pulse_noise(p));
    return select(is_up, cell.step_up, cell.step_down) * fma(sqrt(count), noise, count * change.mean);
  }

  static float mean_factor(const Params& p, bool is_up) { return p.changes(p.zero, is_up, 0.0f).mean; }
};

static_assert(PulsedModel<LookupStep>);

}  // namespace mq
