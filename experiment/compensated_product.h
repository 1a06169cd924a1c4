/// Products of a chip with drift compensated digitally, by tile or by output.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "meltquench/core/buffer.h"
#include "meltquench/crossbar/drift_compensation.h"
#include "meltquench/experiment/analog_network.h"

namespace mq {

/// Order of calls: program the chip, `refer`; then, for each time, advance the clock, `compensate`, and let
/// the network multiply. Kinds that need no reference cost nothing. Passes of calibration images are counted
/// as the products that they are, and their read noise is not that of the products of an evaluation.
class CompensatedProduct final : public WeightProduct {
 public:
  /// Calibration `images` [n, input] are in host memory. All that is passed must live as long. `reads`:
  /// responses that EvalCompensation::global and per_output compare.
  CompensatedProduct(const Exec& exec, const Network& network, Chip& chip, MatrixView<const float> images,
                     ResponseReads reads = {});

  /// Notes how the chip answers now, at the reference read, for those of `kinds` that compare with it: one
  /// pass of the images for EvalCompensation::affine. Throws ConfigError if they are fewer than two.
  void refer(std::span<const EvalCompensation> kinds);

  /// Finds the correction for the present moment; it holds until the next call. EvalCompensation::affine
  /// takes one pass of the images per layer, since what a layer gets depends on the corrections of those
  /// before it. Expects `refer` with this kind.
  void compensate(EvalCompensation how);

  void multiply(const Exec& exec, std::size_t weighted_layer, std::uint64_t first_row,
                MatrixView<const float> x, MatrixView<float> y) override;
  void multiply_patches(const Exec& exec, std::size_t weighted_layer, std::uint64_t first_row,
                        const PatchRows& patches, MatrixView<float> y) override;

 private:
  std::vector<OutputMoments> fresh_moments() const;
  void run_images();
  void clear_corrections();
  /// What follows a product while images are passed.
  void look_at(std::size_t layer, MatrixView<float> y);

  Exec exec_;
  const Network& network_;
  Chip& chip_;
  MatrixView<const float> images_;
  ChipProduct evaluation_, calibration_;
  ResponseReads reads_;
  std::vector<std::vector<double>>
      reference_responses_;  // per layer: of its tiles, where reads are not plain
  std::vector<std::vector<double>> reference_magnitudes_;  // per layer
  std::vector<OutputMoments> reference_;                   // per layer
  std::vector<OutputMoments> seen_;                        // while images are passed: per layer
  std::optional<std::size_t> last_layer_;                  // of such a pass: those behind it give 0
  bool is_corrected_ = false;                              // some array has a correction
  Workspace workspace_;
};

}  // namespace mq
