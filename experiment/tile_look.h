/// One tile of a chip of a run while samples pass: what its cells do for one of them, and the codes that the
/// ADCs of its layer give for all.
#pragma once

#include <string>
#include <vector>

#include "meltquench/crossbar/code_histograms.h"
#include "meltquench/crossbar/inspection.h"
#include "meltquench/experiment/trained_network.h"
#include "meltquench/training/samples.h"

namespace mq {

struct LookChoice {
  std::string layer = {};  ///< empty: the first
  std::size_t tile = 0;
  std::uint32_t chip = 0;
  double time = 0.0;       ///< [s] after the reference read
  std::size_t sample = 0;  ///< whose inputs drive the cells; of a convolution its middle patch
  double v_read = 0.2;     ///< [V]
  InspectedRead read{};
};

struct TileLook {
  std::string layer;
  TileGrid grid;
  std::vector<float> x;  ///< [inputs of the layer] of the sample
  TileReading reading;
  std::vector<CodeHistogram> codes;  ///< of all tiles of the layer; empty where outputs are not converted
};

/// Programs chip `choice.chip` as a run does, lets it age and passes `samples` (host memory) through its
/// layers up to the one in question. Exec on the host. Throws ConfigError for a layer, tile or sample that
/// does not exist, else as `inspect`.
TileLook look_at_tile(const Exec& exec, const RunConfig& config, const TrainedNetwork& trained,
                      const Samples& samples, const LookChoice& choice);

/// Codes of the first layer alone, whose array is given, for `samples`. Throws as `code_histograms`.
std::vector<CodeHistogram> codes_of_first_layer(const Exec& exec, const Network& network, TileArray& array,
                                                const Samples& samples);

}  // namespace mq
