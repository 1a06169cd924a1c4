/// What a device model is: the physics of one cell as static host+device functions over a lane type.
///
/// A model is one header and one line in registry.h. It has
///   - `kName`, and `Params`: a plain struct with `describe()` whose defaults are one real, cited device;
///   trivially
///     copyable, because it travels to CUDA devices;
///   - `Cell<F>`: the state that a cell keeps, every member an F; arrays store one array of floats per
///   member;
///   - `at(params, time)`: the moment `time` seconds after the reference read, computed once in double
///   precision;
///   - `fabricate`, `program`, `conductance` and `read`, as below.
/// Every F -> F function is free of branches on lane values (core/lanes.h), so all backends give the same
/// bits.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

#include "meltquench/core/random.h"

namespace mq {

/// A moment after programming, in the form that cells need it.
struct Moment {
  float log_age = 0.0f;  ///< ln(tau / t0), with tau = time + t0; >= 0
  float noise_growth =
      0.0f;  ///< multiplies the read-noise amplitude: what 1/f noise has gathered since programming
};

/// Number of floats that a cell of the model keeps.
template <class Model>
inline constexpr int kCellFields = sizeof(typename Model::template Cell<float>) / sizeof(float);

template <class M>
concept DeviceModel = requires(const typename M::Params& params, typename M::template Cell<float> cell,
                               float g, Rng<float>& rng, const Moment& moment, double time) {
  { M::kName } -> std::convertible_to<std::string_view>;
  requires std::is_trivially_copyable_v<typename M::Params>;
  requires sizeof(typename M::template Cell<float>) % sizeof(float) == 0;
  { params.g_min } -> std::convertible_to<float>;
  { params.g_max } -> std::convertible_to<float>;
  M::Params::describe();
  { M::at(params, time) } -> std::same_as<Moment>;
  { M::fabricate(params, rng) } -> std::same_as<typename M::template Cell<float>>;
  M::program(params, cell, g, rng);
  { M::conductance(params, cell, g) } -> std::same_as<float>;
  { M::read(params, cell, moment, rng) } -> std::same_as<float>;
};

/// A model whose cells pulses move in small steps, as learning in the array needs it. Beyond the above it has
///   - `mean_step(params)`: the mean change [S] by one pulse in the middle of the range;
///   - `pulse_noise(params)`: 0 if `pulse` does not depend on z, so that none needs to be drawn;
///   - `pulse(params, cell, is_up, count, z)`: what `count` >= 0 pulses in one direction do, z standard
///   normal.
///     A count of 0 changes no bit.
template <class M>
concept PulsedModel = DeviceModel<M> &&
    requires(const typename M::Params& params, typename M::template Cell<float> cell, float count, float z) {
  { M::mean_step(params) } -> std::same_as<float>;
  { M::pulse_noise(params) } -> std::same_as<float>;
  M::pulse(params, cell, true, count, z);
};

}  // namespace mq
