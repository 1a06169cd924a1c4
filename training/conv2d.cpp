#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/training/layers.h"

namespace mq {
namespace {

SampleShape output_shape(const std::string& name, const SampleShape& input, const ConvolutionParams& params) {
  const std::size_t height = input.height + 2 * params.padding, width = input.width + 2 * params.padding;
  if (params.filters == 0 || params.kernel == 0 || params.stride == 0 || input.channels == 0) {
    throw ShapeError(
        fmt::format("the convolution {} has {} filters of size {} with stride {} on {} channels; each must "
                    "be at least 1",
                    name, params.filters, params.kernel, params.stride, input.channels));
  }
  if (params.kernel > height || params.kernel > width) {
    throw ShapeError(
        fmt::format("the convolution {} has filters of {} x {} but its padded input is only {} x {}; use "
                    "smaller filters or more padding",
                    name, params.kernel, params.kernel, height, width));
  }
  return {params.filters, (height - params.kernel) / params.stride + 1,
          (width - params.kernel) / params.stride + 1};
}

}  // namespace

Conv2d::Conv2d(std::string name, SampleShape input, const ConvolutionParams& params)
    : Layer(name, input, output_shape(name, input, params)), params_(params) {}

std::string Conv2d::description() const {
  return fmt::format("convolution, {} filters of {} x {}, stride {}, padding {}", params_.filters,
                     params_.kernel, params_.kernel, params_.stride, params_.padding);
}

std::optional<WeightShape> Conv2d::weights() const {
  return WeightShape{.outputs = params_.filters, .inputs = patch_size(), .rows_per_sample = patches()};
}

std::size_t Conv2d::kept_per_sample() const { return patches() * patch_size(); }
std::size_t Conv2d::scratch_per_sample() const { return patches() * (params_.filters + patch_size()); }

Windows Conv2d::windows(std::size_t samples) const {
  const auto narrow = [](std::size_t n) { return static_cast<std::uint32_t>(n); };
  return {.samples = narrow(samples),
          .channels = narrow(input().channels),
          .height = narrow(input().height),
          .width = narrow(input().width),
          .rows = narrow(output().height),
          .columns = narrow(output().width),
          .size = narrow(params_.kernel),
          .stride = narrow(params_.stride),
          .padding = narrow(params_.padding)};
}

void Conv2d::forward(const ForwardCall& call) const {
  // Where nobody goes back, images are cut into few enough that their patches stay in the caches of a CPU.
  constexpr std::size_t kPatchesAtOnce = std::size_t(1) << 17;  // values, per thread
  const std::size_t samples = call.x.rows, filters = params_.filters;
  std::size_t at_once = samples;
  if (call.kept == nullptr && call.exec.backend != Backend::cuda) {
    const std::size_t values = kPatchesAtOnce * static_cast<std::size_t>(call.exec.threads);
    at_once = std::max<std::size_t>(values / kept_per_sample(), 1);
  }
  for (std::size_t first = 0; first < samples; first += at_once) {
    const std::size_t count = std::min(at_once, samples - first), rows = count * patches();
    const PatchRows rows_of_patches{
        .windows = windows(count),
        .images = call.x.data + first * input().size(),
        .memory = call.kept == nullptr ? call.scratch + rows * filters : call.kept};
    // The product gives [sample, patch, filter]; a sample is [filter, patch].
    const MatrixView<float> by_patch(call.scratch, rows, filters);
    const std::uint64_t first_row = (call.first_sample + first) * patches();
    if (call.kept == nullptr) {  // else the patches must be there afterwards, whoever multiplies
      call.product.multiply_patches(call.exec, call.weighted_layer, first_row, rows_of_patches, by_patch);
    } else {
      call.product.WeightProduct::multiply_patches(call.exec, call.weighted_layer, first_row, rows_of_patches,
                                                   by_patch);
    }
    kernels(call.exec.backend)
        .training.transpose_samples(call.exec, {.samples = count,
                                                .rows = patches(),
                                                .columns = filters,
                                                .from = call.scratch,
                                                .bias = call.parameters + filters * patch_size(),
                                                .to = call.y.data + first * output().size()});
  }
}

void Conv2d::backward(const BackwardCall& call) const {
  const std::size_t samples = call.dy.rows, filters = params_.filters, rows = samples * patches();
  const KernelTable& table = kernels(call.exec.backend);
  float* by_patch = call.scratch;  // [sample, patch, filter]
  table.training.transpose_samples(
      call.exec,
      {.samples = samples, .rows = filters, .columns = patches(), .from = call.dy.data, .to = by_patch});
  table.training.sum_rows(
      call.exec,
      {.rows = rows, .columns = filters, .x = by_patch, .sums = call.gradient + filters * patch_size()});
  float_product(call.exec, call.gemm,
                {.rows = filters,
                 .columns = patch_size(),
                 .depth = rows,
                 .a = by_patch,
                 .a_row = 1,
                 .a_column = filters,
                 .b = call.kept,
                 .b_row = patch_size(),
                 .b_column = 1,
                 .c = call.gradient,
                 .c_row = patch_size()});
  if (call.dx.data == nullptr) return;
  float* d_patches = call.scratch + rows * filters;
  float_product(call.exec, call.gemm,
                {.rows = rows,
                 .columns = patch_size(),
                 .depth = filters,
                 .a = by_patch,
                 .a_row = filters,
                 .a_column = 1,
                 .b = call.parameters,
                 .b_row = patch_size(),
                 .b_column = 1,
                 .c = d_patches,
                 .c_row = patch_size()});
  table.training.add_patches(call.exec,
                             {.windows = windows(samples), .patches = d_patches, .images = call.dx.data});
}

}  // namespace mq
