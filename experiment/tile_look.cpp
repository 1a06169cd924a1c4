#include "meltquench/experiment/tile_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"
#include "meltquench/experiment/analog_network.h"

namespace mq {
namespace {

constexpr std::size_t kBatch = 250;  // results do not depend on it

/// Layers in front are the chip's, the one that is looked at is `array`; those behind it give 0.
class LookingProduct final : public WeightProduct {
 public:
  LookingProduct(WeightProduct* before, TileArray& array, std::size_t layer)
      : before_(before), array_(array), layer_(layer) {}

  /// Keeps the inputs of one sample: of a convolution those of its middle patch.
  void keep(std::size_t sample) { sample_ = sample; }
  const std::vector<float>& kept() const { return kept_; }
  /// Before every batch.
  void expect(std::size_t first, std::size_t samples) { first_ = first, samples_ = samples; }

  void multiply(const Exec& exec, std::size_t layer, std::uint64_t first_row, MatrixView<const float> x,
                MatrixView<float> y) override {
    if (layer < layer_) return before_->multiply(exec, layer, first_row, x, y);
    if (layer > layer_) return void(std::fill_n(y.data, y.size(), 0.0f));
    if (sample_ && *sample_ >= first_ && *sample_ < first_ + samples_) {
      const std::size_t patches = x.rows / samples_;
      const float* row = x.data + ((*sample_ - first_) * patches + patches / 2) * x.columns;
      kept_.assign(row, row + x.columns);
    }
    array_.mvm(exec, x, y, {.first_row = first_row});
  }
  void multiply_patches(const Exec& exec, std::size_t layer, std::uint64_t first_row,
                        const PatchRows& patches, MatrixView<float> y) override {
    if (layer < layer_) return before_->multiply_patches(exec, layer, first_row, patches, y);
    if (layer > layer_) return void(std::fill_n(y.data, y.size(), 0.0f));
    WeightProduct::multiply_patches(exec, layer, first_row, patches, y);
  }

 private:
  WeightProduct* before_;
  TileArray& array_;
  std::size_t layer_;
  std::optional<std::size_t> sample_;
  std::vector<float> kept_;
  std::size_t first_ = 0, samples_ = 0;
};

void pass(const Exec& exec, const Network& network, const Samples& samples, LookingProduct& product) {
  Workspace workspace;
  for (std::size_t first = 0; first < samples.count(); first += kBatch) {
    const std::size_t count = std::min(kBatch, samples.count() - first);
    product.expect(first, count);
    network.forward(exec, samples.images.slice_rows(first, count), workspace,
                    {.first_sample = first, .product = &product, .keeps_activations = false});
  }
}

std::size_t layer_index(const Network& network, const std::string& wanted) {
  std::vector<std::string> layers;
  for (const LayerShape& layer : layer_shapes(network)) layers.push_back(layer.name);
  if (wanted.empty()) return 0;
  const auto found = std::find(layers.begin(), layers.end(), wanted);
  if (found == layers.end()) {
    throw ConfigError("the network has no layer '" + wanted + "'" + did_you_mean(wanted, layers));
  }
  return static_cast<std::size_t>(found - layers.begin());
}

}  // namespace

TileLook look_at_tile(const Exec& exec, const RunConfig& config, const TrainedNetwork& trained,
                      const Samples& samples, const LookChoice& choice) {
  const Network& network = trained.network;
  const std::size_t layer = layer_index(network, choice.layer);
  Chip chip(exec, config.hardware, layer_shapes(network), config.seed, choice.chip);
  TileArray& array = chip.array(layer);
  TileLook look{
      .layer = chip.layers()[layer].name, .grid = array.grid(), .x = {}, .reading = {}, .codes = {}};
  if (choice.tile >= array.tiles().size()) {
    throw ConfigError(fmt::format("layer {} has {} tiles, 0 to {}; there is no tile {}", look.layer,
                                  array.tiles().size(), array.tiles().size() - 1, choice.tile));
  }
  if (choice.sample >= samples.count()) {
    throw ConfigError(
        fmt::format("there is no sample {}; {} samples pass, from 0 on", choice.sample, samples.count()));
  }
  chip.set_ranges(trained.ranges);
  std::vector<MatrixView<const float>> weights;
  for (std::size_t i = 0; i < network.weighted_layers().size(); ++i) weights.push_back(network.weights(i));
  chip.program(exec, weights);
  chip.advance_to(exec, choice.time);
  ChipProduct before(exec, chip);
  LookingProduct product(&before, array, layer);
  product.keep(choice.sample);
  if (array.hardware().adc.bits > 0) {
    const CodeCounter counter(array, exec);
    pass(exec, network, samples, product);
    look.codes = counter.histograms();
  } else {
    pass(exec, network, samples, product);
  }
  look.x = product.kept();
  const std::size_t first = choice.tile % look.grid.columns() * look.grid.tile_inputs;
  const std::vector<double> x(
      look.x.begin() + static_cast<std::ptrdiff_t>(first),
      look.x.begin() + static_cast<std::ptrdiff_t>(first + array.tiles()[choice.tile].inputs()));
  look.reading = inspect(array, exec, choice.tile, x, choice.v_read, choice.read);
  return look;
}

std::vector<CodeHistogram> codes_of_first_layer(const Exec& exec, const Network& network, TileArray& array,
                                                const Samples& samples) {
  const CodeCounter counter(array, exec);
  LookingProduct product(nullptr, array, 0);
  pass(exec, network, samples, product);
  return counter.histograms();
}

}  // namespace mq
