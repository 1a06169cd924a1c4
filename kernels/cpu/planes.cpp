/// Planes and inputs on the CPU: largest magnitude, packing into panels, DAC codes.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/quantize.h"

namespace mq::MQ_BACKEND {
namespace {

using Wide = WideFloat;
constexpr std::size_t kWidth = LaneTraits<Wide>::kWidth;

}  // namespace

float largest_magnitude(const Exec&, const float* p, std::size_t n) {
  Wide a(0.0f), b(0.0f), c(0.0f), d(0.0f);  // four, so that one comparison need not wait for the one before
  std::size_t i = 0;
  for (; i + 4 * kWidth <= n; i += 4 * kWidth) {
    a = max(abs(load<Wide>(p + i)), a);
    b = max(abs(load<Wide>(p + i + kWidth)), b);
    c = max(abs(load<Wide>(p + i + 2 * kWidth)), c);
    d = max(abs(load<Wide>(p + i + 3 * kWidth)), d);
  }
  float lanes[kWidth];
  store(lanes, max(max(a, b), max(c, d)));
  float result = 0.0f;
  for (; i < n; ++i) result = max(abs(p[i]), result);
  for (const float lane : lanes) result = max(lane, result);
  return result;
}

void find_largest(const Exec& exec, const float* p, std::size_t n, float* largest) {
  *largest = largest_magnitude(exec, p, n);
}

std::int64_t pack_plane(const Exec&, const PackPlane& op) {
  const std::size_t outputs = padded_outputs(op.outputs), inputs = padded_inputs(op.inputs);
  std::int64_t sum = 0;
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t j = 0; j < inputs; ++j) {
      const bool is_inside = o < op.outputs && j < op.inputs;
      const float g = is_inside ? op.plane[o * op.inputs + j] : 0.0f;
      const std::int16_t code = weight_code(g, op.codes_per_siemens);
      sum += code < 0 ? -code : code;
      const std::size_t at = integer_panel_index(o, j, op.inputs);
      if (op.codes != nullptr) op.codes[at] = code;
      if (op.magnitudes != nullptr) op.magnitudes[at] = magnitude_code(g, op.magnitudes_per_siemens);
      if (op.floats != nullptr) op.floats[float_panel_index(o, j, op.inputs)] = g;
    }
  }
  return sum;
}

void quantize_inputs(const Exec& exec, const QuantizeInputs& op) {
  const std::size_t blocks = (op.inputs + op.block - 1) / op.block;
  std::int64_t clips = 0, sum = 0;
#pragma omp parallel for schedule(static) num_threads(exec.threads) reduction(+ : clips, sum) if (exec.threads > 1)
  for (std::size_t row = 0; row < op.batch; ++row) {
    for (std::size_t b = 0; b < blocks; ++b) {
      const std::size_t first = b * op.block;
      const std::size_t count = op.inputs - first < op.block ? op.inputs - first : op.block;
      const float* x = op.x + row * op.inputs + first;
      std::int16_t* codes = op.codes + row * op.code_stride + b * padded_inputs(op.block);
      std::int32_t block_clips = 0, block_sum = 0;  // |code| < 2^15 and a block has fewer than 2^16 inputs
      for (std::size_t j = 0; j < count; ++j) {
        bool is_clipped;
        const float code = dac_code(x[j], op.codes_per_unit, op.code_limit, is_clipped);
        block_clips += is_clipped;
        block_sum += static_cast<std::int32_t>(abs(code));
        codes[j] = static_cast<std::int16_t>(code);
      }
      for (std::size_t j = count; j < padded_inputs(op.block); ++j) codes[j] = 0;
      clips += block_clips;
      sum += block_sum;
    }
  }
  op.counts->dac_clips += clips;
  op.counts->sum_of_codes += sum;
}

}  // namespace mq::MQ_BACKEND
