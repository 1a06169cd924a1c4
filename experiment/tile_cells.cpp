#include "meltquench/experiment/tile_cells.h"

#include <fmt/format.h>

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"
#include "meltquench/core/table_text.h"
#include "meltquench/experiment/analog_network.h"

namespace mq {
namespace {

/// Where outputs and inputs are, if not in their order.
std::string lines_text(const Tile& tile) {
  const LineMap& lines = tile.lines();
  const LineMap plain = LineMap::in_order(tile.outputs(), tile.inputs());
  if (lines == plain) return "";
  return fmt::format("; outputs on bit lines {}; inputs on word lines {}", fmt::join(lines.outputs, " "),
                     fmt::join(lines.inputs, " "));
}

TileCells read_tile(const Exec& exec, const RunConfig& config, const std::string& layer, std::uint32_t index,
                    MatrixView<const float> w, const TileChoice& choice) {
  const TileAddress address{.seed = config.seed, .layer = index, .chip = choice.chip};
  TileArray array(exec, config.hardware.for_layer(layer), address, w.rows, w.columns);
  if (static_cast<std::size_t>(choice.tile) >= array.tiles().size()) {
    throw ConfigError(fmt::format("layer {} has {} tiles, 0 to {}; there is no tile {}", layer,
                                  array.tiles().size(), array.tiles().size() - 1, choice.tile));
  }
  array.program(exec, w);
  array.advance_to(exec, choice.time);
  Tile& tile = array.tiles()[static_cast<std::size_t>(choice.tile)];
  if (choice.side == Polarity::minus && tile.has_reference_column()) {
    throw ConfigError("the reference column of layer " + layer +
                      " is the last bit line of the plus side; take the plus side");
  }
  std::vector<float> g = tile.array_conductances(exec, choice.side, array.now());
  if (g.empty()) {
    throw ConfigError("layer " + layer +
                      " is an offset array whose zero is computed: it has no minus side; take the plus side");
  }
  if (tile.has_reference_column()) {
    const std::vector<float> reference = tile.array_conductances(exec, Polarity::minus, array.now());
    g.insert(g.end(), reference.begin(), reference.end());
  }
  return {.layer = layer,
          .lines = tile.lines(),
          .outputs = g.size() / tile.lines().word_lines,
          .inputs = tile.lines().word_lines,
          .g = std::move(g),
          .description = fmt::format(
              "{}: chip {}, layer {}, tile {}, {} cells, {} after the reference read{}", config.name,
              choice.chip, layer, choice.tile, choice.side == Polarity::plus ? "plus" : "minus",
              format_quantity(choice.time, Unit::second), lines_text(tile))};
}

}  // namespace

TileCells cells_of_tile(const Exec& exec, const RunConfig& config, const Network& network,
                        const TileChoice& choice) {
  std::vector<std::string> layers;
  for (const LayerShape& layer : layer_shapes(network)) layers.push_back(layer.name);
  config.hardware.check_rules(layers);
  const std::string wanted = choice.layer.empty() ? layers.front() : choice.layer;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i] != wanted) continue;
    return read_tile(exec, config, wanted, static_cast<std::uint32_t>(i), network.weights(i), choice);
  }
  throw ConfigError("the network has no layer '" + wanted + "'" + did_you_mean(wanted, layers));
}

TileCells cells_of_tile(const Exec& exec, const RunConfig& config, MatrixView<const float> w,
                        const TileChoice& choice) {
  return read_tile(exec, config, choice.layer.empty() ? "weights" : choice.layer, 0, w, choice);
}

WeightTable load_weight_table(const std::filesystem::path& file) {
  const NumberTable numbers = parse_numbers(read_table_file(file), file.string());
  WeightTable table{.outputs = numbers.rows, .inputs = numbers.columns, .w = {}};
  for (const double value : numbers.values) table.w.push_back(static_cast<float>(value));
  return table;
}

}  // namespace mq
