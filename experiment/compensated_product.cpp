#include "meltquench/experiment/compensated_product.h"

#include <algorithm>
#include <string>

#include "meltquench/core/error.h"

namespace mq {
namespace {

constexpr std::uint32_t kCalibrationCall = 1;  // evaluations are call 0
constexpr std::size_t kBatch = 250;            // results do not depend on it

}  // namespace

CompensatedProduct::CompensatedProduct(const Exec& exec, const Network& network, Chip& chip,
                                       MatrixView<const float> images, ResponseReads reads)
    : exec_(exec),
      network_(network),
      chip_(chip),
      images_(images),
      evaluation_(exec, chip),
      calibration_(exec, chip, kCalibrationCall),
      reads_(reads) {}

void CompensatedProduct::refer(std::span<const EvalCompensation> kinds) {
  const auto asks_for = [&](EvalCompensation kind) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  const std::size_t layers = network_.weighted_layers().size();
  if (asks_for(EvalCompensation::global) && !reads_.is_plain()) {
    reference_responses_.clear();
    for (std::size_t l = 0; l < layers; ++l) {
      reference_responses_.push_back(chip_.array(l).mean_responses(exec_, reads_));
    }
  }
  if (asks_for(EvalCompensation::per_output)) {
    reference_magnitudes_.clear();
    for (std::size_t l = 0; l < layers; ++l) {
      reference_magnitudes_.push_back(chip_.array(l).output_responses(exec_, reads_));
    }
  }
  if (asks_for(EvalCompensation::affine)) {
    if (images_.rows < 2) {
      throw ConfigError("eval.compensation = affine takes at least 2 calibration images but got " +
                        std::to_string(images_.rows) + "; raise eval.calibration_images");
    }
    clear_corrections();
    reference_.clear();
    last_layer_ = network_.weighted_layers().size() - 1;
    run_images();
    reference_ = std::move(seen_);
    seen_.clear();
  }
}

void CompensatedProduct::compensate(EvalCompensation how) {
  const bool is_global = how == EvalCompensation::global;
  chip_.compensate_drift(is_global && reads_.is_plain() ? DriftCompensation::global
                                                        : DriftCompensation::none);
  if (is_global && !reads_.is_plain()) {
    MQ_EXPECTS(!reference_responses_.empty());
    for (std::size_t l = 0; l < network_.weighted_layers().size(); ++l) {
      TileArray& array = chip_.array(l);
      array.compensate_drift(output_factors(reference_responses_[l], array.mean_responses(exec_, reads_)));
    }
  }
  clear_corrections();
  is_corrected_ = how == EvalCompensation::per_output || how == EvalCompensation::affine;
  if (how == EvalCompensation::per_output) {
    MQ_EXPECTS(!reference_magnitudes_.empty());
    for (std::size_t l = 0; l < network_.weighted_layers().size(); ++l) {
      TileArray& array = chip_.array(l);
      const std::vector<double> factors =
          output_factors(reference_magnitudes_[l], array.output_responses(exec_, reads_));
      array.correct_outputs({.scale = std::vector<float>(factors.begin(), factors.end()),
                             .offset = std::vector<float>(factors.size(), 0.0f)});
    }
  } else if (how == EvalCompensation::affine) {
    MQ_EXPECTS(!reference_.empty());
    for (std::size_t l = 0; l < network_.weighted_layers().size(); ++l) {
      last_layer_ = l;
      run_images();
      chip_.array(l).correct_outputs(match_statistics(reference_[l], seen_[l]));
      seen_.clear();
    }
  }
}

void CompensatedProduct::multiply(const Exec& exec, std::size_t layer, std::uint64_t first_row,
                                  MatrixView<const float> x, MatrixView<float> y) {
  if (!seen_.empty() && layer > *last_layer_) {
    memory_ops(exec_.backend).clear(exec_, y.data, y.size() * sizeof(float));
    return;
  }
  (seen_.empty() ? evaluation_ : calibration_).multiply(exec, layer, first_row, x, y);
  look_at(layer, y);
}

void CompensatedProduct::multiply_patches(const Exec& exec, std::size_t layer, std::uint64_t first_row,
                                          const PatchRows& patches, MatrixView<float> y) {
  if (!seen_.empty() && layer > *last_layer_) {
    memory_ops(exec_.backend).clear(exec_, y.data, y.size() * sizeof(float));
    return;
  }
  (seen_.empty() ? evaluation_ : calibration_).multiply_patches(exec, layer, first_row, patches, y);
  look_at(layer, y);
}

std::vector<OutputMoments> CompensatedProduct::fresh_moments() const {
  std::vector<OutputMoments> statistics;
  for (const WeightedLayer& layer : network_.weighted_layers()) statistics.emplace_back(layer.shape.outputs);
  return statistics;
}

/// Passes the calibration images through the network, up to `last_layer_`; leaves the statistics in `seen_`.
void CompensatedProduct::run_images() {
  const Exec digital = digital_exec(exec_);
  const ResidentSamples images(digital, {images_, {}});
  Buffer<float> parameters;  // empty on the host, where those of the network serve
  if (digital.backend == Backend::cuda) parameters = Buffer<float>(digital, network_.parameters());
  seen_ = fresh_moments();
  for (std::size_t first = 0; first < images_.rows; first += kBatch) {
    const std::size_t count = std::min(kBatch, images_.rows - first);
    network_.forward(digital, images.images().slice_rows(first, count), workspace_,
                     {.first_sample = first,
                      .product = this,
                      .parameters = {parameters.data(), parameters.size()},
                      .keeps_activations = false});
  }
}

void CompensatedProduct::clear_corrections() {
  if (!is_corrected_) return;
  for (std::size_t l = 0; l < network_.weighted_layers().size(); ++l) {
    const std::size_t outputs = chip_.array(l).outputs();
    chip_.array(l).correct_outputs(
        {.scale = std::vector<float>(outputs, 1.0f), .offset = std::vector<float>(outputs, 0.0f)});
  }
}

void CompensatedProduct::look_at(std::size_t layer, MatrixView<float> y) {
  if (seen_.empty() || (!reference_.empty() && layer != *last_layer_)) return;
  std::vector<float> host(y.size());
  memory_ops(exec_.backend).to_host(exec_, host.data(), y.data, y.size() * sizeof(float));
  seen_[layer].add({host.data(), y.rows, y.columns});
}

}  // namespace mq
