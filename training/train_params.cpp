#include "meltquench/training/train_params.h"

#include <algorithm>

namespace mq {

std::string_view name(Variant variant) { return names(variant)[static_cast<std::size_t>(variant)]; }

std::string TrainParams::problem() const {
  if (variants.empty()) return "variants is empty; name plain, hardware-aware or both";
  if (std::ranges::count(variants, Variant::plain) > 1 ||
      std::ranges::count(variants, Variant::hardware_aware) > 1) {
    return "variants names one variant twice";
  }
  if (input_bits == 1)
    return "input_bits = 1 leaves no step on either side of 0; use 0 (not rounded) or at least 2";
  return {};
}

bool TrainParams::is_hardware_aware() const {
  return std::ranges::count(variants, Variant::hardware_aware) > 0;
}

TrainParams TrainParams::of(Variant variant) const {
  TrainParams params = *this;
  params.variants = {variant};
  if (variant == Variant::plain) {
    params.weight_noise = 0.0f;
    params.weight_clip = 0.0f;
    params.input_range = 0.0f;
    params.input_bits = 0;
    params.learn_input_range = false;
  }
  return params;
}

}  // namespace mq
