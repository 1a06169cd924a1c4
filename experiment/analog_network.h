/// A network whose weight products are made by a chip, and its accuracy over time.
#pragma once

#include <functional>
#include <vector>

#include "meltquench/crossbar/chip.h"
#include "meltquench/experiment/run_config.h"
#include "meltquench/training/network.h"
#include "meltquench/training/samples.h"

namespace mq {

/// Hands the products of a network to the tile arrays of a chip. Biases and activations stay digital.
class ChipProduct final : public WeightProduct {
 public:
  /// `call` tells the noise of these products from that of others at the same time.
  ChipProduct(const Exec& exec, Chip& chip, std::uint32_t call = 0) : exec_(exec), chip_(chip), call_(call) {}
  /// Nothing waits for a device.
  void multiply(const Exec& exec, std::size_t weighted_layer, std::uint64_t first_row,
                MatrixView<const float> x, MatrixView<float> y) override;
  void multiply_patches(const Exec& exec, std::size_t weighted_layer, std::uint64_t first_row,
                        const PatchRows& patches, MatrixView<float> y) override;

 private:
  Exec exec_;  // of the chip; that of the network differs for the backend reference only
  Chip& chip_;
  std::uint32_t call_;
};

/// The layers of a network as a chip sees them.
std::vector<LayerShape> layer_shapes(const Network& network);
/// The same of the network that `make_network` would make, without its weights.
std::vector<LayerShape> layer_shapes(const ModelParams& model, const SampleShape& input, std::size_t classes);

/// Ranges of all converters: the largest |x| of every layer and the largest |y| of every tile, of the ideal
/// network on these images. Images and arithmetic are on the host, whatever the backend.
std::vector<Ranges> calibrate_ranges(const Exec& exec, const Network& network, const HardwareConfig& hardware,
                                     MatrixView<const float> images);

/// What one chip did.
struct ChipTrial {
  std::vector<std::int64_t> correct;  ///< [times][compensations]
  Counters counters;
};

/// Programs chip `id` with the network's weights and evaluates it at all times under all compensations.
/// The samples are resident on `exec`, `calibration` (for EvalCompensation::affine) on the host. `on_step` is
/// called after each of these evaluations; when it returns false the trial is abandoned: Interrupted.
ChipTrial evaluate_chip(const Exec& exec, const Network& network, const HardwareConfig& hardware,
                        const std::vector<Ranges>& ranges, const ResidentSamples& samples,
                        const EvalParams& eval, std::uint64_t seed, std::uint32_t id,
                        const std::function<bool()>& on_step, MatrixView<const float> calibration = {});

}  // namespace mq
