/// The closed list of device models. A new model is its header and one line here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "meltquench/devices/accumulative_pcm.h"
#include "meltquench/devices/cmo.h"
#include "meltquench/devices/constant_step.h"
#include "meltquench/devices/exponential_step.h"
#include "meltquench/devices/ideal.h"
#include "meltquench/devices/linear_step.h"
#include "meltquench/devices/lookup_step.h"
#include "meltquench/devices/pcm.h"
#include "meltquench/devices/piecewise_step.h"
#include "meltquench/devices/power_step.h"
#include "meltquench/devices/soft_bounds.h"
#include "meltquench/devices/spread.h"

namespace mq {

template <DeviceModel... Models>
struct ModelList {
  using ParamsVariant = std::variant<typename Models::Params...>;
};

using DeviceModels = ModelList<Ideal,            //
                               Pcm,              //
                               Spread,           //
                               Cmo,              //
                               ConstantStep,     //
                               LinearStep,       //
                               SoftBounds,       //
                               PowerStep,        //
                               ExponentialStep,  //
                               PiecewiseStep,    //
                               LookupStep,       //
                               AccumulativePcm>;

/// The parameters of one model: which alternative it holds says which model it is.
using DeviceParams = DeviceModels::ParamsVariant;

namespace detail {
template <class F, class... Models>
decltype(auto) visit_model(ModelList<Models...>, const DeviceParams& params, F&& f) {
  using Result = std::common_type_t<decltype(f.template operator()<Models>(
      std::declval<const typename Models::Params&>()))...>;
  if constexpr (std::is_void_v<Result>) {
    static_cast<void>(
        ((std::holds_alternative<typename Models::Params>(params) &&
          (f.template operator()<Models>(*std::get_if<typename Models::Params>(&params)), true)) ||
         ...));
  } else {
    Result result{};
    static_cast<void>(
        ((std::holds_alternative<typename Models::Params>(params) &&
          (result = f.template operator()<Models>(*std::get_if<typename Models::Params>(&params)), true)) ||
         ...));
    return result;
  }
}
template <class F, class... Models>
void for_each_model(ModelList<Models...>, F&& f) {
  (f.template operator()<Models>(), ...);
}
}  // namespace detail

/// Calls `f.operator()<Model>(params)` for the model that `params` belongs to: once per launch, never per
/// cell.
template <class F>
decltype(auto) visit_model(const DeviceParams& params, F&& f) {
  return detail::visit_model(DeviceModels{}, params, std::forward<F>(f));
}

/// Calls `f.operator()<Model>()` for every model.
template <class F>
void for_each_model(F&& f) {
  detail::for_each_model(DeviceModels{}, std::forward<F>(f));
}

}  // namespace mq
