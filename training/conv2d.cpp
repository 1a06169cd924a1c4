#include <fmt/format.h>

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
  const std::size_t samples = call.x.rows, filters = params_.filters, rows = samples * patches();
  const TrainingKernels& ops = kernels(call.exec.backend).training;
  ops.gather_patches(call.exec, {.windows = windows(samples), .images = call.x.data, .patches = call.kept});
  // The product gives [sample, patch, filter]; a sample is [filter, patch].
  call.product.multiply(call.exec, call.weighted_layer, call.first_sample * patches(),
                        {call.kept, rows, patch_size()}, {call.scratch, rows, filters});
  ops.transpose_samples(call.exec, {.samples = samples,
                                    .rows = patches(),
                                    .columns = filters,
                                    .from = call.scratch,
                                    .bias = call.parameters + filters * patch_size(),
                                    .to = call.y.data});
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
