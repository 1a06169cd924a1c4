#include "meltquench/models/model.h"

#include <fmt/format.h>

#include "meltquench/core/error.h"
#include "meltquench/training/layers.h"

namespace mq {
namespace {

constexpr int kWidest = 65536;

/// Appends layers with weights, each behind its input range if there is one.
class Builder {
 public:
  Builder(const SampleShape& input, const InputLimit& limit) : network_(input), limit_(limit) {}

  template <class L, class... Arguments>
  void append_weighted(const std::string& name, Arguments&&... arguments) {
    if (limit_.range > 0.0f) {
      network_.append<InputRange>(name + ".input", limit_.range, limit_.bits, limit_.learns);
    }
    network_.append<L>(name, std::forward<Arguments>(arguments)...);
  }
  template <class L, class... Arguments>
  void append(const std::string& name, Arguments&&... arguments) {
    network_.append<L>(name, std::forward<Arguments>(arguments)...);
  }
  Network take() { return std::move(network_); }

 private:
  Network network_;
  InputLimit limit_;
};

}  // namespace

std::string ModelParams::problem() const {
  if (layers.size() > 64)
    return fmt::format("layers has {} hidden layers; at most 64 are supported", layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i] < 1 || layers[i] > kWidest) {
      return fmt::format("layers[{}] = {} is out of range (must be in [1, {}])", i, layers[i], kWidest);
    }
  }
  return {};
}

Network mlp(const SampleShape& input, std::span<const int> hidden, std::size_t classes,
            const InputLimit& limit) {
  Builder builder(input, limit);
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    builder.append_weighted<Linear>(fmt::format("fc{}", i + 1), static_cast<std::size_t>(hidden[i]));
    builder.append<Relu>(fmt::format("relu{}", i + 1));
  }
  builder.append_weighted<Linear>(fmt::format("fc{}", hidden.size() + 1), classes);
  return builder.take();
}

Network lenet5(const SampleShape& input, std::size_t classes, const InputLimit& limit) {
  if (input.height < 16 || input.width < 16) {
    throw ShapeError(fmt::format(
        "lenet-5 needs images of at least 16 x 16 but these are {} x {}; use model.kind = \"mlp\"",
        input.height, input.width));
  }
  Builder builder(input, limit);
  // The paper pads 28 x 28 digits to 32 x 32; other sizes are taken as they are.
  const std::size_t padding = input.height == 28 && input.width == 28 ? 2 : 0;
  builder.append_weighted<Conv2d>("conv1", ConvolutionParams{.filters = 6, .kernel = 5, .padding = padding});
  builder.append<Relu>("relu1");
  builder.append<MaxPool2d>("pool1", 2, 2);
  builder.append_weighted<Conv2d>("conv2", ConvolutionParams{.filters = 16, .kernel = 5});
  builder.append<Relu>("relu2");
  builder.append<MaxPool2d>("pool2", 2, 2);
  builder.append_weighted<Linear>("fc1", std::size_t(120));
  builder.append<Relu>("relu3");
  builder.append_weighted<Linear>("fc2", std::size_t(84));
  builder.append<Relu>("relu4");
  builder.append_weighted<Linear>("fc3", classes);
  return builder.take();
}

Network make_network(const ModelParams& params, const SampleShape& input, std::size_t classes,
                     const InputLimit& limit) {
  check_fields(params, "model");
  switch (params.kind) {
    case ModelKind::mlp:
      return mlp(input, params.layers, classes, limit);
    case ModelKind::lenet5:
      return lenet5(input, classes, limit);
  }
  throw ConfigError("model.kind names no network; choose mlp or lenet-5");
}

}  // namespace mq
