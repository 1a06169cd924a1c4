#include "meltquench/experiment/analog_network.h"

#include <algorithm>
#include <functional>

#include "meltquench/core/error.h"
#include "meltquench/experiment/compensated_product.h"
#include "meltquench/training/evaluate.h"

namespace mq {
namespace {

/// Multiplies digitally and shows every product to the range finder of its layer.
class RangeProbe final : public WeightProduct {
 public:
  RangeProbe(const Network& network, std::vector<RangeFinder>& finders)
      : network_(network), digital_(network.weighted_layers(), network.parameters()), finders_(finders) {}

  void multiply(const Exec& exec, std::size_t layer, std::uint64_t first_row, MatrixView<const float> x,
                MatrixView<float> y) override {
    finders_[layer].look_at(exec, x, network_.weights(layer));
    digital_.multiply(exec, layer, first_row, x, y);
  }

 private:
  const Network& network_;
  DigitalProduct digital_;
  std::vector<RangeFinder>& finders_;
};

}  // namespace

void ChipProduct::multiply(const Exec&, std::size_t layer, std::uint64_t first_row, MatrixView<const float> x,
                           MatrixView<float> y) {
  chip_.array(layer).mvm(exec_, x, y, {.first_row = first_row, .call = call_});
}

void ChipProduct::multiply_patches(const Exec& exec, std::size_t layer, std::uint64_t first_row,
                                   const PatchRows& patches, MatrixView<float> y) {
  TileArray& array = chip_.array(layer);
  if (!array.takes_patches()) {
    WeightProduct::multiply_patches(exec, layer, first_row, patches, y);
  } else {
    array.mvm_patches(exec_, patches.windows, patches.images, y, {.first_row = first_row, .call = call_});
  }
}

std::vector<LayerShape> layer_shapes(const Network& network) {
  std::vector<LayerShape> shapes;
  for (const WeightedLayer& layer : network.weighted_layers()) {
    shapes.push_back({layer.name, layer.shape.outputs, layer.shape.inputs});
  }
  return shapes;
}

std::vector<LayerShape> layer_shapes(const ModelParams& model, const SampleShape& input,
                                     std::size_t classes) {
  if (model.kind != ModelKind::mlp) return layer_shapes(make_network(model, input, classes));  // small ones
  check_fields(model, "model");
  std::vector<LayerShape> shapes;
  std::size_t inputs = input.size();
  for (std::size_t i = 0; i <= model.layers.size(); ++i) {
    const std::size_t outputs = i < model.layers.size() ? static_cast<std::size_t>(model.layers[i]) : classes;
    shapes.push_back({"fc" + std::to_string(i + 1), outputs, inputs});
    inputs = outputs;
  }
  return shapes;
}

std::vector<Ranges> calibrate_ranges(const Exec& exec, const Network& network, const HardwareConfig& hardware,
                                     MatrixView<const float> images) {
  std::vector<RangeFinder> finders;
  for (const LayerShape& layer : layer_shapes(network)) {
    const Hardware of_layer = hardware.for_layer(layer.name);
    finders.emplace_back(tile_grid(of_layer.tile, layer.outputs, layer.inputs), of_layer);
  }
  const Exec on_cpu{.backend = Backend::cpu, .threads = exec.threads};
  RangeProbe probe(network, finders);
  Workspace workspace;
  constexpr std::size_t kBatch = 250;
  int looks = 1;
  for (const RangeFinder& finder : finders) looks = std::max(looks, finder.looks());
  for (int look = 0; look < looks; ++look) {
    if (look > 0) std::for_each(finders.begin(), finders.end(), std::mem_fn(&RangeFinder::look_again));
    for (std::size_t first = 0; first < images.rows; first += kBatch) {
      const MatrixView<const float> batch = images.slice_rows(first, std::min(kBatch, images.rows - first));
      network.forward(on_cpu, batch, workspace,
                      {.first_sample = first, .product = &probe, .keeps_activations = false});
    }
  }
  std::vector<Ranges> ranges;
  for (const RangeFinder& finder : finders) ranges.push_back(finder.ranges());
  return ranges;
}

ChipTrial evaluate_chip(const Exec& exec, const Network& network, const HardwareConfig& hardware,
                        const std::vector<Ranges>& ranges, const ResidentSamples& samples,
                        const EvalParams& eval, std::uint64_t seed, std::uint32_t id,
                        const std::function<bool()>& on_step, MatrixView<const float> calibration) {
  Chip chip(exec, hardware, layer_shapes(network), seed, id);
  chip.set_ranges(ranges);
  std::vector<MatrixView<const float>> weights;
  for (std::size_t i = 0; i < network.weighted_layers().size(); ++i) weights.push_back(network.weights(i));
  chip.program(exec, weights);

  ChipTrial trial;
  CompensatedProduct product(exec, network, chip, calibration, eval.reads());
  product.refer(eval.compensation);
  const Exec digital = digital_exec(exec);
  Buffer<float> parameters;  // empty on the host, where those of the network serve
  if (digital.backend == Backend::cuda) parameters = Buffer<float>(digital, network.parameters());
  Workspace workspace;
  for (const double time : eval.times) {
    chip.advance_to(exec, time);
    for (const EvalCompensation compensation : eval.compensation) {
      product.compensate(compensation);
      const LossSums sums = evaluate(digital, network, samples,
                                     {.batch = static_cast<std::size_t>(eval.batch_size),
                                      .product = &product,
                                      .parameters = {parameters.data(), parameters.size()},
                                      .workspace = &workspace});
      trial.correct.push_back(sums.correct);
      if (!on_step()) throw Interrupted("stopped while a chip was evaluated");
    }
  }
  trial.counters = chip.counters();
  return trial;
}

}  // namespace mq
