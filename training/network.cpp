#include "meltquench/training/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meltquench/core/contract.h"
#include "meltquench/core/error.h"
#include "meltquench/core/random.h"

namespace mq {
namespace {

/// At least `size` elements at data().
float* grown(const Exec& exec, Buffer<float>& memory, std::size_t size) {
  if (memory.size() < size || memory.backend() != exec.backend) {
    memory = {};  // gone before its successor comes
    memory = Buffer<float>::uncleared(exec, size);
  }
  return memory.data();
}

}  // namespace

Exec digital_exec(const Exec& exec) {
  Exec digital = exec;
  if (exec.backend == Backend::reference) digital.backend = Backend::cpu;
  return digital;
}

Network& Network::append(std::unique_ptr<Layer> layer) {
  if (layer->input() != output()) {
    throw ShapeError(
        fmt::format("the layer {} takes samples of {} but the layer before it gives {}; the shapes must be "
                    "equal",
                    layer->name(), format_shape(layer->input()), format_shape(output())));
  }
  if (const auto shape = layer->weights()) {
    for (const WeightedLayer& other : weighted_) {
      if (other.name == layer->name()) {
        throw StateError(fmt::format(
            "the network has a layer {} already; names of layers with weights must differ", layer->name()));
      }
    }
    weighted_.push_back({layer->name(), layers_.size(), *shape, parameters_.size()});
  }
  offsets_.push_back(parameters_.size());
  parameters_.resize(parameters_.size() + layer->parameters());
  layer->initialize(parameters().subspan(offsets_.back()));
  layers_.push_back(std::move(layer));
  return *this;
}

MatrixView<float> Network::weights(std::size_t weighted_layer) {
  const WeightedLayer& w = weighted_[weighted_layer];
  return {parameters_.data() + w.offset, w.shape.outputs, w.shape.inputs};
}
MatrixView<const float> Network::weights(std::size_t weighted_layer) const {
  const WeightedLayer& w = weighted_[weighted_layer];
  return {parameters_.data() + w.offset, w.shape.outputs, w.shape.inputs};
}
std::span<float> Network::bias(std::size_t weighted_layer) {
  const WeightedLayer& w = weighted_[weighted_layer];
  return parameters().subspan(w.offset + w.weights(), w.shape.outputs);
}
std::span<const float> Network::bias(std::size_t weighted_layer) const {
  const WeightedLayer& w = weighted_[weighted_layer];
  return parameters().subspan(w.offset + w.weights(), w.shape.outputs);
}

void Network::initialize(std::uint64_t seed) {
  for (std::size_t layer = 0; layer < weighted_.size(); ++layer) {
    const RngKey key(seed, Purpose::weight_init, static_cast<std::uint32_t>(layer));
    const MatrixView<float> w = weights(layer);
    const float bound = sqrt(6.0f / static_cast<float>(w.columns));
    for (std::size_t i = 0; i < w.size(); ++i) {
      Rng<float> rng(key, static_cast<std::uint32_t>(i));
      w.data[i] = bound * fma(2.0f, rng.uniform(), -1.0f);
    }
    std::ranges::fill(bias(layer), 0.0f);
  }
  for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->initialize(parameters().subspan(offsets_[i]));
}

MatrixView<const float> Network::forward(const Exec& exec, MatrixView<const float> images,
                                         Workspace& workspace, const ForwardOptions& options) const {
  if (images.columns != input_.size()) {
    throw ShapeError(fmt::format("images have {} values each but the network takes {} ({})", images.columns,
                                 input_.size(), format_shape(input_)));
  }
  MQ_EXPECTS(options.parameters.empty() ? exec.backend != Backend::cuda
                                        : options.parameters.size() == parameters_.size());
  const std::span<const float> parameters =
      options.parameters.empty() ? this->parameters() : options.parameters;
  DigitalProduct digital(weighted_, parameters, options.gemm);
  WeightProduct& product = options.product != nullptr ? *options.product : digital;

  workspace.y_.resize(layers_.size());
  workspace.kept_.resize(layers_.size());
  workspace.x_ = images;
  const std::size_t samples = images.rows;
  MatrixView<const float> x = images;
  std::size_t weighted = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = *layers_[i];
    const bool has_weights = layer.weights().has_value();
    const std::size_t place = options.keeps_activations ? i : i % 2;
    const MatrixView<float> y(grown(exec, workspace.y_[place], samples * layer.output().size()), samples,
                              layer.output().size());
    layer.forward({.exec = exec,
                   .product = product,
                   .weighted_layer = weighted,
                   .first_sample = options.first_sample,
                   .parameters = parameters.data() + offsets_[i],
                   .x = x,
                   .y = y,
                   .kept = options.keeps_activations
                               ? grown(exec, workspace.kept_[i], samples * layer.kept_per_sample())
                               : nullptr,
                   .scratch = grown(exec, workspace.scratch_, samples * layer.scratch_per_sample())});
    weighted += has_weights ? 1 : 0;
    x = y;
  }
  return x;
}

void Network::backward(const Exec& exec, MatrixView<const float> d_outputs, Workspace& workspace,
                       std::span<float> gradient, std::span<const float> other_parameters, Gemm gemm) const {
  MQ_EXPECTS(gradient.size() == parameters_.size() && d_outputs.rows == workspace.x_.rows);
  MQ_EXPECTS(d_outputs.columns == output().size());
  MQ_EXPECTS(!other_parameters.empty() || exec.backend != Backend::cuda);
  const std::span<const float> parameters = other_parameters.empty() ? this->parameters() : other_parameters;
  const std::size_t samples = d_outputs.rows;
  // Nobody needs the gradient by the input of the first layer with parameters, nor that of any before it.
  std::size_t first = 0;
  while (first < layers_.size() && layers_[first]->parameters() == 0) ++first;
  MatrixView<const float> dy = d_outputs;
  for (std::size_t i = layers_.size(); i-- > first;) {
    const Layer& layer = *layers_[i];
    const MatrixView<float> dx(
        i == first ? nullptr : grown(exec, workspace.dx_, samples * layer.input().size()), samples,
        layer.input().size());
    layer.backward(
        {.exec = exec,
         .parameters = parameters.data() + offsets_[i],
         .x = i == 0 ? workspace.x_
                     : MatrixView<const float>(workspace.y_[i - 1].data(), samples, layer.input().size()),
         .y = {workspace.y_[i].data(), samples, layer.output().size()},
         .dy = dy,
         .dx = dx,
         .kept = workspace.kept_[i].data(),
         .scratch = grown(exec, workspace.scratch_, samples * layer.scratch_per_sample()),
         .gradient = gradient.data() + offsets_[i],
         .gemm = gemm});
    std::swap(workspace.dx_, workspace.dy_);  // what was written is read next
    dy = {workspace.dy_.data(), samples, layer.input().size()};
  }
}

void DigitalProduct::multiply(const Exec& exec, std::size_t weighted_layer, std::uint64_t,
                              MatrixView<const float> x, MatrixView<float> y) {
  const WeightedLayer& layer = layers_[weighted_layer];
  const std::size_t inputs = layer.shape.inputs, outputs = layer.shape.outputs;
  MQ_EXPECTS(x.columns == inputs && y.columns == outputs && x.rows == y.rows);
  float_product(exec, gemm_,
                {.rows = x.rows,
                 .columns = outputs,
                 .depth = inputs,
                 .a = x.data,
                 .a_row = inputs,
                 .a_column = 1,
                 .b = parameters_.data() + layer.offset,
                 .b_row = 1,
                 .b_column = inputs,
                 .c = y.data,
                 .c_row = outputs});
}

}  // namespace mq
