/// Planes and inputs on CUDA: largest magnitude, packing into panels, DAC codes.
///
/// What a kernel counts is summed in integers, a maximum is one of bit patterns: no order of threads matters.
#include "meltquench/core/buffer.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cuda/mma.h"
#include "meltquench/kernels/cuda/panels.h"
#include "meltquench/kernels/cuda/reduce.h"
#include "meltquench/kernels/quantize.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr unsigned kThreads = 256;

/// Blocks for `size` pieces of work: a thread takes several where there are many, so that few blocks meet at
/// an accumulator.
unsigned blocks_for(std::size_t size) {
  constexpr std::size_t kMost = 1024;
  const std::size_t blocks = (size + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMost ? blocks : kMost);
}

bool is_aligned(const void* p, std::size_t bytes) { return reinterpret_cast<std::uintptr_t>(p) % bytes == 0; }

struct alignas(16) FourFloats {
  float v[4];
};
/// `vectors` of four floats at p, and `size` floats in all.
__global__ void __launch_bounds__(kThreads)
    largest_magnitude_kernel(const float* p, std::size_t vectors, std::size_t size,
                             std::uint32_t* largest_bits) {
  __shared__ std::uint32_t scratch[kThreads / 32];
  const std::size_t first = std::size_t(blockIdx.x) * kThreads + threadIdx.x,
                    stride = std::size_t(gridDim.x) * kThreads;
  float largest = 0.0f;
  for (std::size_t i = first; i < vectors; i += stride) {
    const FourFloats four = reinterpret_cast<const FourFloats*>(p)[i];
    for (const float x : four.v) largest = max(abs(x), largest);
  }
  for (std::size_t i = 4 * vectors + first; i < size; i += stride) largest = max(abs(p[i]), largest);
  raise_to_block_max<kThreads>(largest_bits, to_bits(largest), scratch);
}

/// What one lane holds of a fragment of codes and magnitudes.
struct PackedLane {
  FourWords high{}, low{}, magnitudes{};
};

/// Packs the weights of one lane of one fragment; returns the sum of |weight code|.
__device__ inline std::int32_t pack_lane(const PackPlane& op, std::uint32_t panel, std::uint32_t step,
                                         std::uint32_t lane, PackedLane& packed) {
  std::int32_t sum = 0;
  MQ_UNROLL
  for (std::uint32_t word = 0; word < 4; ++word) {
    const std::uint32_t o = panel * std::uint32_t(kPanel) + lane / 4 + word % 2 * 8,
                        first = step * std::uint32_t(kStep) + lane % 4 * 4 + word / 2 * 16;
    MQ_UNROLL
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t j = first + i;
      const float g = o < op.outputs && j < op.inputs ? op.plane[std::size_t(o) * op.inputs + j] : 0.0f;
      const std::int32_t code = weight_code(g, op.codes_per_siemens);
      sum += code < 0 ? -code : code;
      packed.high.w[word] |= (static_cast<std::uint32_t>(code) >> 8 & 0xffu) << 8 * i;
      packed.low.w[word] |= (static_cast<std::uint32_t>(code) & 0xffu) << 8 * i;
      packed.magnitudes.w[word] |= static_cast<std::uint32_t>(magnitude_code(g, op.magnitudes_per_siemens))
                                   << 8 * i;
      if (op.floats != nullptr && j < padded_inputs(op.inputs))
        op.floats[float_panel_index(o, j, op.inputs)] = g;
    }
  }
  return sum;
}

/// One lane of one fragment after the other; `lanes` of them.
__global__ void __launch_bounds__(kThreads)
    pack_plane_kernel(const __grid_constant__ PackPlane op, std::uint32_t lanes, std::int64_t* sum_of_codes) {
  __shared__ std::int64_t scratch[kThreads / 32];
  const auto steps = static_cast<std::uint32_t>(steps_of(op.inputs));
  std::int64_t sum = 0;
  for (std::uint32_t i = blockIdx.x * kThreads + threadIdx.x; i < lanes; i += gridDim.x * kThreads) {
    const std::uint32_t fragment = i / 32, lane = i % 32;
    PackedLane packed;
    sum += pack_lane(op, fragment / steps, fragment % steps, lane, packed);
    if (op.codes != nullptr) {
      FourWords* codes = reinterpret_cast<FourWords*>(op.codes) + std::size_t(fragment) * 64 + lane;
      codes[0] = packed.high;
      codes[32] = packed.low;
    }
    if (op.magnitudes != nullptr) reinterpret_cast<FourWords*>(op.magnitudes)[i] = packed.magnitudes;
  }
  add_block_sum<kThreads>(sum_of_codes, sum, scratch);
}

/// Four inputs of a row, which lie in one block, [j, j + 4) of it and [first, first + 4) of the row; zeros
/// behind its end. `reads_fours` where x can be read so, too.
struct RowInputs {
  bool reads_fours;

  __device__ FourFloats read(const QuantizeInputs& op, std::uint32_t row, std::size_t first,
                             std::uint32_t j) const {
    const float* x = op.x + row * op.inputs + first;
    FourFloats values{};
    if (reads_fours && j + 4 <= op.block && first + 4 <= op.inputs) {
      values = *reinterpret_cast<const FourFloats*>(x);
    } else {
      MQ_UNROLL
      for (std::uint32_t k = 0; k < 4; ++k) {
        if (j + k < op.block && first + k < op.inputs) values.v[k] = x[k];
      }
    }
    return values;
  }
};

/// The same of a patch.
struct PatchInputs {
  Windows w;

  __device__ FourFloats read(const QuantizeInputs& op, std::uint32_t row, std::size_t first,
                             std::uint32_t j) const {
    const std::uint32_t windows = w.rows * w.columns, window = row % windows;
    // Beyond the upper and the left edge these wrap, and are larger than any image.
    const std::uint32_t top = window / w.columns * w.stride - w.padding,
                        left = window % w.columns * w.stride - w.padding;
    const float* images = op.x + std::size_t(row / windows) * w.channels * w.height * w.width;
    FourFloats values{};
    MQ_UNROLL
    for (std::uint32_t k = 0; k < 4; ++k) {
      const auto place = static_cast<std::uint32_t>(first) + k;
      const std::uint32_t run = place / w.size, channel = run / w.size;
      const std::uint32_t y = top + run % w.size, x = left + place % w.size;
      if (j + k < op.block && place < op.inputs && y < w.height && x < w.width)
        values.v[k] = images[(std::size_t(channel) * w.height + y) * w.width + x];
    }
    return values;
  }
};

/// What all threads of a launch do, four inputs at a time.
template <class Inputs>
__device__ inline void quantize(const QuantizeInputs& op, const Inputs& inputs, std::uint32_t fours,
                                int shift, std::int64_t (&scratch)[2][kThreads / 32]) {
  const auto row_fours = static_cast<std::uint32_t>(op.plane_stride() / 4),
             block_fours = static_cast<std::uint32_t>(padded_inputs(op.block) / 4);
  std::int64_t clips = 0, sum = 0;
  for (std::uint32_t i = blockIdx.x * kThreads + threadIdx.x; i < fours; i += gridDim.x * kThreads) {
    const std::uint32_t row = i / row_fours, at = i % row_fours, j = at % block_fours * 4;
    const FourFloats values = inputs.read(op, row, std::size_t(at / block_fours) * op.block + j, j);
    std::int32_t codes[4];
    MQ_UNROLL
    for (int k = 0; k < 4; ++k) {
      float clipped = 0.0f;
      codes[k] = to_int(dac_code(values.v[k], op.codes_per_unit, op.code_limit, clipped));
      clips += to_int(clipped);
    }
    for (std::uint32_t plane = 0; plane < op.planes(); ++plane) {
      TwoWords packed{}, squares{};
      MQ_UNROLL
      for (int k = 0; k < 4; ++k) {
        const std::int32_t code = plane_code(op, codes[k], plane);
        sum += code < 0 ? -code : code;
        packed.w[k / 2] |= (static_cast<std::uint32_t>(code) & 0xffffu) << 16 * (k % 2);
        squares.w[k / 2] |= static_cast<std::uint32_t>(square_of(code, shift)) << 16 * (k % 2);
      }
      const std::size_t to = row * (op.code_stride / 4) + std::size_t(plane) * row_fours + at;
      reinterpret_cast<TwoWords*>(op.codes)[to] = packed;
      if (op.squares != nullptr) reinterpret_cast<TwoWords*>(op.squares)[to] = squares;
    }
  }
  add_block_sum<kThreads>(&op.counts->dac_clips, clips, scratch[0]);
  add_block_sum<kThreads>(&op.counts->sum_of_codes, sum, scratch[1]);
}

__global__ void __launch_bounds__(kThreads)
    quantize_kernel(const __grid_constant__ QuantizeInputs op, std::uint32_t fours, bool reads_fours,
                    int shift) {
  __shared__ std::int64_t scratch[2][kThreads / 32];
  quantize(op, RowInputs{reads_fours}, fours, shift, scratch);
}

__global__ void __launch_bounds__(kThreads)
    quantize_patches_kernel(const __grid_constant__ QuantizePatches op, std::uint32_t fours, int shift) {
  __shared__ std::int64_t scratch[2][kThreads / 32];
  quantize(op.codes, PatchInputs{op.windows}, fours, shift, scratch);
}

}  // namespace

void find_largest(const Exec& exec, const float* p, std::size_t n, float* largest) {
  device_memory().clear(exec, largest, sizeof(float));
  if (n == 0) return;
  const std::size_t vectors = is_aligned(p, sizeof(FourFloats)) ? n / 4 : 0;
  MQ_LAUNCH(largest_magnitude_kernel, blocks_for((n + 3) / 4), kThreads, exec, p, vectors, n,
            reinterpret_cast<std::uint32_t*>(largest));
}

float largest_magnitude(const Exec& exec, const float* p, std::size_t n) {
  Buffer<float> on_device(exec, 1);
  find_largest(exec, p, n, on_device.data());
  float largest = 0.0f;
  on_device.copy_to({&largest, 1});
  return largest;
}

std::int64_t pack_plane(const Exec& exec, const PackPlane& op) {
  const std::size_t lanes = padded_outputs(op.outputs) / kPanel * steps_of(op.inputs) * 32;
  MQ_EXPECTS(lanes <= 0xf0000000u);  // a thread counts beyond the last
  if (lanes == 0) return 0;
  Buffer<std::int64_t> sum(exec, 1);
  MQ_LAUNCH(pack_plane_kernel, blocks_for(lanes), kThreads, exec, op, static_cast<std::uint32_t>(lanes),
            sum.data());
  std::int64_t total = 0;
  sum.copy_to({&total, 1});
  return total;
}

void quantize_inputs(const Exec& exec, const QuantizeInputs& op) {
  const std::size_t fours = op.batch * (op.plane_stride() / 4);
  MQ_EXPECTS(fours <= 0xf0000000u);  // a thread counts beyond the last
  if (fours == 0) return;
  const bool reads_fours = is_aligned(op.x, sizeof(FourFloats)) && op.inputs % 4 == 0 && op.block % 4 == 0;
  MQ_LAUNCH(quantize_kernel, blocks_for(fours), kThreads, exec, op, static_cast<std::uint32_t>(fours),
            reads_fours, square_shift(op.largest_code()));
}

void quantize_patches(const Exec& exec, const QuantizePatches& op) {
  const std::size_t fours = op.codes.batch * (op.codes.plane_stride() / 4);
  MQ_EXPECTS(fours <= 0xf0000000u && op.codes.inputs <= 0xf0000000u);
  if (fours == 0) return;
  MQ_LAUNCH(quantize_patches_kernel, blocks_for(fours), kThreads, exec, op, static_cast<std::uint32_t>(fours),
            square_shift(op.codes.largest_code()));
}

}  // namespace mq::MQ_BACKEND
