/// Planes and inputs on CUDA: largest magnitude, packing into panels, DAC codes.
///
/// What a kernel counts is summed by integer atomics, a maximum is one of bit patterns: no order of threads
/// matters.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/quantize.h"

namespace mq::MQ_BACKEND {
namespace {

/// Elements that one thread adds up before it meets the others: it takes every `threads`-th one, so that
/// neighbours read neighbours.
struct Share {
  static constexpr std::size_t kPerThread = 16;
  std::size_t size, threads;

  explicit Share(std::size_t n) : size(n), threads((n + kPerThread - 1) / kPerThread) {}
};

struct RaiseToMagnitudes {
  Share share;
  const float* p;
  std::uint32_t* largest_bits;

  template <class F>
  __device__ void operator()(std::uint32_t first) const {
    F largest = 0.0f;
    for (std::size_t i = first; i < share.size; i += share.threads) largest = max(abs(p[i]), largest);
    raise_to(largest_bits, largest);
  }
};

struct PackElements {
  Share share;
  PackPlane op;
  std::int64_t* sum_of_codes;

  template <class F>
  __device__ void operator()(std::uint32_t first) const {
    std::int64_t sum = 0;
    for (std::size_t i = first; i < share.size; i += share.threads)
      sum += pack(static_cast<std::uint32_t>(i));
    add_to(sum_of_codes, sum);
  }

 private:
  __device__ std::int32_t pack(std::uint32_t i) const {
    const auto inputs = static_cast<std::uint32_t>(padded_inputs(op.inputs));
    const std::uint32_t o = i / inputs, j = i % inputs;
    const float g = o < op.outputs && j < op.inputs ? op.plane[o * op.inputs + j] : 0.0f;
    const std::int16_t code = weight_code(g, op.codes_per_siemens);
    const std::size_t at = integer_panel_index(o, j, op.inputs);
    if (op.codes != nullptr) op.codes[at] = code;
    if (op.magnitudes != nullptr) op.magnitudes[at] = magnitude_code(g, op.magnitudes_per_siemens);
    if (op.floats != nullptr) op.floats[float_panel_index(o, j, op.inputs)] = g;
    return code < 0 ? -code : code;
  }
};

struct QuantizeElements {
  Share share;
  QuantizeInputs op;
  int shift;  // of squares

  template <class F>
  __device__ void operator()(std::uint32_t first) const {
    std::int64_t clips = 0, sum = 0;
    for (std::size_t i = first; i < share.size; i += share.threads) {
      float clipped = 0.0f;
      const auto stride = static_cast<std::uint32_t>(op.plane_stride());
      const std::uint32_t row = static_cast<std::uint32_t>(i) / stride,
                          at = static_cast<std::uint32_t>(i) % stride;
      const std::int32_t code = quantize(row, at, clipped);
      clips += static_cast<std::int32_t>(clipped);
      for (std::uint32_t p = 0; p < op.planes(); ++p) {
        const std::int32_t part = plane_code(op, code, p);
        const std::size_t to = row * op.code_stride + p * stride + at;
        op.codes[to] = static_cast<std::int16_t>(part);
        if (op.squares != nullptr) op.squares[to] = static_cast<std::int16_t>(square_of(part, shift));
        sum += part < 0 ? -part : part;
      }
    }
    add_to(&op.counts->dac_clips, clips);
    add_to(&op.counts->sum_of_codes, sum);
  }

 private:
  __device__ std::int32_t quantize(std::uint32_t row, std::uint32_t at, float& clipped) const {
    const auto block = static_cast<std::uint32_t>(op.block);
    const auto padded = static_cast<std::uint32_t>(padded_inputs(block));
    const std::uint32_t b = at / padded, j = at % padded;
    const std::size_t input = std::size_t(b) * block + j;
    if (j >= block || input >= op.inputs) return 0;
    return to_int(dac_code(op.x[row * op.inputs + input], op.codes_per_unit, op.code_limit, clipped));
  }
};

}  // namespace

float largest_magnitude(const Exec& exec, const float* p, std::size_t n) {
  Buffer<std::uint32_t> bits(exec, 1);
  const Share share(n);
  for_each(exec, share.threads, RaiseToMagnitudes{share, p, bits.data()});
  std::uint32_t largest = 0;
  bits.copy_to({&largest, 1});
  return from_bits(largest);
}

std::int64_t pack_plane(const Exec& exec, const PackPlane& op) {
  Buffer<std::int64_t> sum(exec, 1);
  const Share share(panel_size(op.outputs, op.inputs));
  for_each(exec, share.threads, PackElements{share, op, sum.data()});
  std::int64_t total = 0;
  sum.copy_to({&total, 1});
  return total;
}

void quantize_inputs(const Exec& exec, const QuantizeInputs& op) {
  const Share share(op.batch * op.plane_stride());
  for_each(exec, share.threads, QuantizeElements{share, op, square_shift(op.largest_code())});
}

}  // namespace mq::MQ_BACKEND
