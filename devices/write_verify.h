/// Program-and-verify: pulses and reads in turn until the conductance is within a margin of its target.
///
/// Controller of one cell, error e = g_target - g_read:
///     the drive of the next pulse changes by K e, between its limits;
///     g_read = g + verify_noise g_max xi;  accepted as soon as |e| <= margin g_max; at most `iterations`
///     pulses.
///
/// With `read_bits` the read goes through an ADC: one word line is driven at full scale and the currents of
/// its cells are converted side by side, g_read = s rint(g_read / s), s = 1.25 g_max / (2^read_bits - 1). The
/// range is wider than g_max, as a cell beyond the range would pass for one at its end.
///
/// A phase-change cell is driven by the amplitude of melting pulses (programming_pulse.h), a pulsed device by
/// the number of its own pulses, gain |e| / mean step of them, at least one and at most `longest_train`. What
/// is accepted deviates by about sqrt(margin^2 / 3 + verify_noise^2) g_max where pulses scatter by more than
/// the margin. Sources and figures: docs/theory/programming.md.
#pragma once

#include "meltquench/devices/device_model.h"
#include "meltquench/devices/faults.h"
#include "meltquench/devices/programming.h"

namespace mq {

/// Full scale of the ADC of verify reads, relative to g_max.
inline constexpr float kReadRange = 1.25f;

/// What writing took, per lane.
template <class F>
struct WriteOutcome {
  F iterations = F(0.0f);  ///< verify reads that followed pulses
  F reads = F(0.0f);       ///< all reads
  F pulses = F(0.0f);
  F resets = F(0.0f);       ///< those of them that lower the conductance or melt the cell
  F energy = F(0.0f);       ///< of pulses and reads [J]
  F is_accepted = F(0.0f);  ///< 1: the last read was within the margin, else 0
};

/// A cell of a pulsed model under its own pulses, as MeltQuenchedCell. One of a one-sided device that went
/// too far is written back to g_min, which counts as one RESET pulse.
template <class Model, class F>
struct PulsedCell {
  static constexpr bool kReadsFirst = true;  ///< pulses move the cell from where it is

  const typename Model::Params& params;
  typename Model::template Cell<F>& cell;
  Rng<F> device, programming;  ///< as for Model::program
  float pulses_per_siemens, longest_train, squared_voltage_width;

  MQ_HD PulsedCell(const typename Model::Params& p, typename Model::template Cell<F>& c, const Rng<F>& own,
                   const Rng<F>& rng, const ProgrammingParams& how, float mean_step)
      : params(p),
        cell(c),
        device(own),
        programming(rng),
        pulses_per_siemens(how.gain / mean_step),
        longest_train(static_cast<float>(how.longest_train)),
        squared_voltage_width(how.pulse.voltage * how.pulse.voltage * how.pulse.width) {}

  /// As it stands now, drift since the last pulse included.
  MQ_HD F conductance() const {
    Moment<F> now{};
    if constexpr (kCellsAge<Model>) now = Model::at(params, cell.age);
    return Model::conductance(params, cell, now);
  }
  MQ_HD F is_reset(F error) const { return select(error < F(0.0f), F(1.0f), F(0.0f)); }

  MQ_HD F write(typename LaneTraits<F>::Mask is_active, F error, F z, F& energy) {
    const F wanted = clamp(rint(abs(error) * F(pulses_per_siemens)), F(1.0f), F(longest_train));
    F count = select(is_active, wanted, F(0.0f)), trained = count;
    if (is_one_sided<Model>(params)) {
      const auto goes_back = error < F(0.0f);
      count = select(goes_back, min(count, F(1.0f)), count);
      trained = select(goes_back, F(0.0f), count);
      auto back = cell;
      Rng<F> own = device, rng = programming;
      Model::hold(params, back, F(params.g_min), F(params.g_min), own, rng);
      cell = select_cell<Model, F>(error < select(is_active, F(0.0f), F(-1.0f)), back, cell);
    }
    energy = fma(count * cell.g, F(squared_voltage_width), energy);
    Model::pulse(params, cell, error > F(0.0f), trained, z);
    return count;
  }
};

/// Writes the lanes of `cell` that have g_target >= 0 [S]. `g_stuck` >= 0 is what a stuck cell reads whatever
/// is written, < 0: the cell works; lanes with `fails` never verify. Iteration k of cell `index` draws from
/// row k of `key`.
template <class F, class Cell>
MQ_HD WriteOutcome<F> write_until_verified(const ProgrammingParams& how, float g_max, F g_target, Cell& cell,
                                           F fault, const RngKey& key, typename LaneTraits<F>::UInt index) {
  using U = typename LaneTraits<F>::UInt;
  const F zero = F(0.0f), one = F(1.0f), sigma = F(how.verify_noise * g_max);
  const F margin = select(fault == F(kFailingCell), F(-1.0f), F(how.margin * g_max));
  const float read_energy = how.v_read * how.v_read * how.t_read;
  const F is_written = select(g_target < zero, zero, one);
  WriteOutcome<F> out;
  F is_open = is_written, error = zero;

  const auto verify = [&](F z) {
    const F g = select(fault < zero, cell.conductance(), fault);
    F seen = fma(sigma, z, g);
    if (how.read_bits > 0) {
      const float limit = static_cast<float>((1u << how.read_bits) - 1), range = kReadRange * g_max;
      seen = clamp(rint(seen * F(limit / range)), zero, F(limit)) * F(range / limit);
    }
    error = g_target - seen;
    out.reads = out.reads + is_open;
    out.energy = fma(g * is_open, F(read_energy), out.energy);
    is_open = select(abs(error) <= margin, zero, is_open);
  };

  if constexpr (Cell::kReadsFirst) {
    Rng<F> rng(key, index, U(static_cast<std::uint32_t>(how.iterations)));
    verify(rng.normal());
  }
  MQ_NO_UNROLL
  for (int k = 0; k < how.iterations; ++k) {
    if (!any_of(is_open > zero)) break;
    Rng<F> rng(key, index, U(static_cast<std::uint32_t>(k)));
    out.iterations = out.iterations + is_open;
    const F resets = cell.is_reset(error);
    const F count = cell.write(is_open > zero, error, rng.normal(), out.energy);
    out.pulses = out.pulses + count;
    out.resets = fma(count, resets, out.resets);
    verify(rng.normal());
  }
  out.is_accepted = is_written - is_open;
  return out;
}

}  // namespace mq
