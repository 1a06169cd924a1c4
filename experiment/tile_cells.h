/// The cells of one tile of a chip that a config describes, for looking at its circuit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "meltquench/crossbar/line_map.h"
#include "meltquench/crossbar/weight_mapping.h"
#include "meltquench/experiment/run_config.h"
#include "meltquench/training/network.h"

namespace mq {

struct TileChoice {
  std::string layer;  ///< empty: the first
  int tile = 0;
  Polarity side = Polarity::plus;
  std::uint32_t chip = 0;
  double time = 0.0;  ///< [s] after the reference read
};

struct TileCells {
  std::string layer;
  LineMap lines;                        ///< where outputs and inputs are
  std::size_t outputs = 0, inputs = 0;  ///< bit lines, with a reference column behind them, and word lines
  std::vector<float> g;                 ///< [outputs, inputs] S, read noise included, on the host
  std::string description;              ///< which tile of what this is, in one line
};

/// The tile of chip `choice.chip` that a run of this config programs with the network's weights: the same
/// cells. Throws ConfigError with the nearest name for a layer that does not exist, and for a tile beyond the
/// last.
TileCells cells_of_tile(const Exec& exec, const RunConfig& config, const Network& network,
                        const TileChoice& choice);

/// Likewise of an array that holds w[out, in] (host memory); the layer's name only matters for [[layer]]
/// rules.
TileCells cells_of_tile(const Exec& exec, const RunConfig& config, MatrixView<const float> w,
                        const TileChoice& choice);

/// A matrix as text (core/table_text.h), one line per output. Throws MissingError, and DataError for what is
/// no number and for rows of different length.
struct WeightTable {
  std::size_t outputs = 0, inputs = 0;
  std::vector<float> w;  ///< [outputs, inputs]
};
WeightTable load_weight_table(const std::filesystem::path& file);

}  // namespace mq
