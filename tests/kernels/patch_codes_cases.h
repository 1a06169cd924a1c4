/// quantize_patches, and what its result must be: gather_patches, then quantize_inputs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "meltquench/core/buffer.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {

struct PatchCodesCase {
  Windows windows;
  std::size_t block;
  float limit;

  std::size_t patches() const { return std::size_t(windows.samples) * windows.rows * windows.columns; }
  std::size_t inputs() const { return std::size_t(windows.channels) * windows.size * windows.size; }
  std::size_t pixels() const {
    return std::size_t(windows.samples) * windows.channels * windows.height * windows.width;
  }
  std::string text() const {
    return std::to_string(windows.size) + " x " + std::to_string(windows.size) + ", stride " +
           std::to_string(windows.stride) + ", padding " + std::to_string(windows.padding) + ", block " +
           std::to_string(block) + ", limit " + std::to_string(limit);
  }
};

/// Windows with and without padding, overlap and gaps; rows wider than the lanes of any instruction set and
/// not; patches in one block and in several; runs longer than one move.
inline std::vector<PatchCodesCase> patch_codes_cases() {
  const auto over = [](std::uint32_t channels, std::uint32_t height, std::uint32_t width, std::uint32_t size,
                       std::uint32_t stride, std::uint32_t padding) {
    return Windows{.samples = 3,
                   .channels = channels,
                   .height = height,
                   .width = width,
                   .rows = (height + 2 * padding - size) / stride + 1,
                   .columns = (width + 2 * padding - size) / stride + 1,
                   .size = size,
                   .stride = stride,
                   .padding = padding};
  };
  return {{over(1, 28, 28, 5, 1, 2), 256, 127.0f}, {over(2, 9, 21, 3, 2, 1), 256, 2047.0f},
          {over(3, 8, 7, 3, 1, 0), 10, 127.0f},    {over(1, 5, 4, 1, 3, 0), 1, 1.0f},
          {over(2, 12, 11, 9, 2, 4), 200, 127.0f}, {over(1, 3, 3, 2, 4, 3), 3, 7.0f}};
}

struct PatchCodes {
  std::vector<std::int16_t> codes, squares;
  std::int64_t clips, sum;
  bool operator==(const PatchCodes&) const = default;
};

inline PatchCodes patch_codes(const KernelTable& table, const Exec& exec, const PatchCodesCase& c,
                              const std::vector<float>& images, bool gathers_first) {
  const Buffer<float> on(exec, std::span<const float>(images));
  QuantizeInputs op{.x = on.data(),
                    .batch = c.patches(),
                    .inputs = c.inputs(),
                    .block = c.block,
                    .codes_per_unit = c.limit,
                    .code_limit = c.limit};
  op.code_stride = op.plane_stride();
  const std::vector<std::int16_t> stale(op.batch * op.code_stride, 99);
  Buffer<std::int16_t> codes(exec, std::span<const std::int16_t>(stale)),
      squares(exec, std::span<const std::int16_t>(stale));
  Buffer<ConverterCounts> counts(exec, 1);
  op.codes = codes.data();
  op.squares = squares.data();
  op.counts = counts.data();
  if (gathers_first) {
    Buffer<float> patches(exec, op.batch * op.inputs);
    table.training.gather_patches(exec,
                                  {.windows = c.windows, .images = on.data(), .patches = patches.data()});
    op.x = patches.data();
    table.quantize_inputs(exec, op);
  } else {
    const std::vector<std::int16_t> used(pixel_scratch(c.windows), 77);
    Buffer<std::int16_t> pixels(exec, std::span<const std::int16_t>(used));
    table.quantize_patches(exec, {.windows = c.windows, .codes = op, .pixels = pixels.data()});
  }
  PatchCodes result{std::vector<std::int16_t>(stale.size()), std::vector<std::int16_t>(stale.size()), 0, 0};
  codes.copy_to(result.codes);
  squares.copy_to(result.squares);
  ConverterCounts counted;
  counts.copy_to({&counted, 1});
  result.clips = counted.dac_clips;
  result.sum = counted.sum_of_codes;
  return result;
}

}  // namespace mq
