/// What a device model is: the physics of one cell as static host+device functions over a lane type.
///
/// A model is one header and one line in registry.h. It has
///   - `kName`, and `Params`: a plain struct with `describe()` whose defaults are one real, cited device;
///   trivially copyable, because it travels to CUDA devices;
///   - `Cell<F>`: the state that a cell keeps, every member an F; arrays store one array of floats per
///   member. A member `age` is the time [s] from the last programming of the cell to the epoch of its array:
///   the cell then drifts from there on, else all cells count from the epoch;
///   - `at(params, time)`: the moment `time` seconds after the reference read of a cell, for T = double,
///   float or lanes;
///   - `fabricate`, `program`, `conductance`, `read` and `read_noise`, as below.
/// Every F -> F function is free of branches on lane values (core/lanes.h), so all backends give the same
/// bits.
#pragma once

#include <concepts>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "meltquench/core/random.h"

namespace mq {

/// A moment in the life of a cell, in the form that its formulas need.
template <class T>
struct Moment {
  T log_age = T(0.0f);        ///< ln(tau / t0), with tau = time + t0; >= 0
  T noise_growth = T(0.0f);   ///< multiplies the read-noise amplitude: what 1/f noise has gathered since
                              ///< programming
  float inverse_heat = 0.0f;  ///< (1/T - 1/T_ref) / k_B [1/eV]; 0 at the reference temperature

  /// The same for every lane.
  template <class F>
  MQ_HD Moment<F> rounded() const {
    return {F(static_cast<float>(log_age)), F(static_cast<float>(noise_growth)), inverse_heat};
  }
};

/// Number of floats that a cell of the model keeps.
template <class Model>
inline constexpr int kCellFields = sizeof(typename Model::template Cell<float>) / sizeof(float);

/// Cell by cell, `a` where the mask holds, else `b`.
template <class Model, class F>
MQ_HD typename Model::template Cell<F> select_cell(typename LaneTraits<F>::Mask mask,
                                                   const typename Model::template Cell<F>& a,
                                                   const typename Model::template Cell<F>& b) {
  F of_a[kCellFields<Model>], of_b[kCellFields<Model>];
  memcpy(of_a, &a, sizeof(a));
  memcpy(of_b, &b, sizeof(b));
  for (int m = 0; m < kCellFields<Model>; ++m) of_b[m] = select(mask, of_a[m], of_b[m]);
  typename Model::template Cell<F> cell;
  memcpy(&cell, of_b, sizeof(cell));
  return cell;
}

/// Whether cells of the model know when they were programmed.
template <class Model>
inline constexpr bool kCellsAge = requires(typename Model::template Cell<float> cell) {
  cell.age;
};

template <class M>
concept DeviceModel = requires(const typename M::Params& params, typename M::template Cell<float> cell,
                               float g, Rng<float>& rng, const Moment<float>& moment, double time) {
  { M::kName } -> std::convertible_to<std::string_view>;
  requires std::is_trivially_copyable_v<typename M::Params>;
  requires sizeof(typename M::template Cell<float>) % sizeof(float) == 0;
  { params.g_min } -> std::convertible_to<float>;
  { params.g_max } -> std::convertible_to<float>;
  M::Params::describe();
  { M::at(params, time) } -> std::same_as<Moment<double>>;
  { M::at(params, g) } -> std::same_as<Moment<float>>;
  /// A new cell. `rng`: what makes it differ from other cells.
  { M::fabricate(params, rng) } -> std::same_as<typename M::template Cell<float>>;
  /// Writes a cell once. The first Rng gives the same numbers at every programming of the cell
  /// (device-to-device), the second those of this programming (cycle-to-cycle).
  M::program(params, cell, g, rng, rng);
  /// Without read noise [S].
  { M::conductance(params, cell, moment) } -> std::same_as<float>;
  /// As one read sees it [S]; the last argument is a standard normal.
  { M::read(params, cell, moment, g) } -> std::same_as<float>;
  /// 0 if `read` does not depend on its normal, so that none needs to be drawn.
  { M::read_noise(params) } -> std::same_as<float>;
};

/// A model whose cells a controller can leave at a conductance of its choice (crossbar/write_verify.h):
/// `hold` says that the cell stands at g [S] after it was meant to reach g_target [S], and draws what a
/// programming leaves behind, such as a drift exponent.
template <class M>
concept HoldingModel = DeviceModel<M> &&
    requires(const typename M::Params& params, typename M::template Cell<float> cell, float g,
             Rng<float>& rng) {
  M::hold(params, cell, g, g, rng, rng);
};

/// A model whose visible conductance differs from its state by an error that only a write draws anew:
/// `writes` counts the writes of a cell, and the normal of `read` is a function of cell and count alone.
template <class M>
concept WriteNoiseModel = DeviceModel<M> && requires(const typename M::template Cell<float>& cell) {
  { M::writes(cell) } -> std::same_as<float>;
};

/// A model whose cells pulses move in small steps, as learning in the array needs it. Beyond the above it has
///   - `mean_step(params)`: the mean change [S] of new cells by one pulse up and, with its sign reversed, one
///   down;
///   - `pulse_noise(params)`: 0 if `pulse` does not depend on z, so that none needs to be drawn;
///   - `pulse(params, cell, is_up, count, z)`: what `count` >= 0 pulses in one direction do, z standard
///   normal.
///     A count of 0 changes no bit;
///   - `kPulsedFields`, if `pulse` changes only the first members of a cell: their number;
///   - where weight 0 is not the middle of the range, `weight_zero(params)` [S], in double precision;
///   - where pulses down do nothing, `is_one_sided(params)`: a pair of cells then learns with pulses up on
///   both sides.
template <class M>
concept PulsedModel = DeviceModel<M> &&
    requires(const typename M::Params& params, typename M::template Cell<float> cell, float count, float z) {
  { M::mean_step(params) } -> std::same_as<float>;
  { M::pulse_noise(params) } -> std::same_as<float>;
  M::pulse(params, cell, true, count, z);
};

/// Number of leading members of a cell that pulses change: what kernels write back.
template <PulsedModel M>
inline constexpr int kPulsedFields = [] {
  if constexpr (requires { M::kPulsedFields; }) {
    return M::kPulsedFields;
  } else {
    return kCellFields<M>;
  }
}();

/// Whether pulses down do nothing.
template <PulsedModel M>
MQ_HD bool is_one_sided(const typename M::Params& params) {
  if constexpr (requires { M::is_one_sided(params); }) {
    return M::is_one_sided(params);
  } else {
    return false;
  }
}

}  // namespace mq
