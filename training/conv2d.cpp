#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
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

template <class Visit>
void Conv2d::for_each_run(Visit visit) const {
  const auto kernel = static_cast<std::ptrdiff_t>(params_.kernel),
             padding = static_cast<std::ptrdiff_t>(params_.padding);
  const auto height = static_cast<std::ptrdiff_t>(input().height),
             width = static_cast<std::ptrdiff_t>(input().width);
  for (std::size_t p = 0; p < patches(); ++p) {
    const auto top = static_cast<std::ptrdiff_t>(p / output().width * params_.stride) - padding;
    const auto left = static_cast<std::ptrdiff_t>(p % output().width * params_.stride) - padding;
    const std::ptrdiff_t first = std::clamp<std::ptrdiff_t>(-left, 0, kernel);
    const std::ptrdiff_t last = std::clamp<std::ptrdiff_t>(width - left, first, kernel);
    for (std::ptrdiff_t c = 0; c < static_cast<std::ptrdiff_t>(input().channels); ++c) {
      for (std::ptrdiff_t i = 0; i < kernel; ++i) {
        const std::ptrdiff_t row = top + i;
        if (row < 0 || row >= height || first == last) continue;
        const std::size_t to = p * patch_size() + static_cast<std::size_t>((c * kernel + i) * kernel + first);
        visit(to, static_cast<std::size_t>(last - first),
              static_cast<std::size_t>((c * height + row) * width + left + first));
      }
    }
  }
}

void Conv2d::forward(const ForwardCall& call) const {
  const std::size_t samples = call.x.rows, filters = params_.filters;
  for (std::size_t s = 0; s < samples; ++s) {
    const float* x = call.x.row(s);
    float* to = call.kept + s * kept_per_sample();
    if (params_.padding > 0) std::fill(to, to + kept_per_sample(), 0.0f);
    for_each_run([&](std::size_t place, std::size_t length, std::size_t from) {
      std::copy(x + from, x + from + length, to + place);
    });
  }
  // The product gives [sample, patch, filter]; a sample is [filter, patch].
  const MatrixView<float> by_patch(call.scratch, samples * patches(), filters);
  call.product.multiply(call.exec, call.weighted_layer, call.first_sample * patches(),
                        {call.kept, samples * patches(), patch_size()}, by_patch);
  const float* bias = call.parameters + filters * patch_size();
  for (std::size_t s = 0; s < samples; ++s) {
    const float* from = call.scratch + s * patches() * filters;
    float* y = call.y.row(s);
    for (std::size_t f = 0; f < filters; ++f) {
      for (std::size_t p = 0; p < patches(); ++p) y[f * patches() + p] = from[p * filters + f] + bias[f];
    }
  }
}

void Conv2d::backward(const BackwardCall& call) const {
  const std::size_t samples = call.dy.rows, filters = params_.filters, rows = samples * patches();
  float* by_patch = call.scratch;  // [sample, patch, filter]
  float* d_bias = call.gradient + filters * patch_size();
  std::fill(d_bias, d_bias + filters, 0.0f);
  for (std::size_t s = 0; s < samples; ++s) {
    const float* dy = call.dy.row(s);
    float* to = by_patch + s * patches() * filters;
    for (std::size_t f = 0; f < filters; ++f) {
      for (std::size_t p = 0; p < patches(); ++p) {
        to[p * filters + f] = dy[f * patches() + p];
        d_bias[f] += dy[f * patches() + p];
      }
    }
  }
  const auto product = kernels(Backend::cpu).float_product;
  product(call.exec, {.rows = filters,
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
  product(call.exec, {.rows = rows,
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
  for (std::size_t s = 0; s < samples; ++s) {
    float* dx = call.dx.row(s);
    const float* from = d_patches + s * kept_per_sample();
    std::fill(dx, dx + input().size(), 0.0f);
    for_each_run([&](std::size_t place, std::size_t length, std::size_t to) {
      for (std::size_t i = 0; i < length; ++i) dx[to + i] += from[place + i];
    });
  }
}

}  // namespace mq
