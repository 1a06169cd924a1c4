/// Planes and inputs on the CPU: largest magnitude, packing into panels, DAC codes.
#include <cstring>

#include "meltquench/core/thread_team.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cpu/code_lanes.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/quantize.h"

namespace mq::MQ_BACKEND {
namespace {

using Wide = WideFloat;
constexpr std::size_t kWidth = LaneTraits<Wide>::kWidth;
constexpr std::size_t kWorthThreads = 16384;  // inputs: below, starting threads costs more than it saves

/// Sums over one block of inputs, which has fewer than 2^16: they fit.
template <class F>
struct Counts {
  using I = typename LaneTraits<F>::Int;
  F clips = F(0.0f);
  I codes = I(0);

  MQ_HD std::int64_t clips_in_all() const { return sum_of_lanes<F>(to_int(clips)); }
  MQ_HD std::int64_t codes_in_all() const { return sum_of_lanes<F>(codes); }
};

/// One block of one row, in all planes.
class BlockOfCodes {
 public:
  MQ_HD BlockOfCodes(const QuantizeInputs& op, std::size_t x, std::size_t at)
      : op_(op), x_(op.x + x), at_(at), shift_(square_shift(op.largest_code())) {}

  template <class F>
  MQ_HD void quantize(std::size_t j, Counts<F>& counts) const {
    using I = typename LaneTraits<F>::Int;
    F clipped;
    const I code = to_int(dac_code(load<F>(x_ + j), op_.codes_per_unit, op_.code_limit, clipped));
    counts.clips = counts.clips + clipped;
    for (std::uint32_t p = 0; p < op_.planes(); ++p) {
      const I part = plane_code(op_, code, p);
      counts.codes = counts.codes + magnitude_of(part);
      const std::size_t to = at_ + p * op_.plane_stride() + j;
      store_short(op_.codes + to, part);
      if (op_.squares != nullptr) store_short(op_.squares + to, square_of(part, shift_));
    }
  }
  MQ_HD void clear(std::size_t first, std::size_t end) const {
    for (std::uint32_t p = 0; p < op_.planes(); ++p) {
      const std::size_t to = at_ + p * op_.plane_stride() + first;
      std::memset(op_.codes + to, 0, (end - first) * sizeof(std::int16_t));
      if (op_.squares != nullptr) std::memset(op_.squares + to, 0, (end - first) * sizeof(std::int16_t));
    }
  }

 private:
  const QuantizeInputs& op_;
  const float* x_;
  std::size_t at_;
  int shift_;
};

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
  const int threads = op.batch * op.inputs < kWorthThreads ? 1 : exec.threads;
  std::int64_t clips = 0, sum = 0;
  parallel_ranges(threads, static_cast<std::int64_t>(op.batch), [&](std::int64_t from, std::int64_t to, int) {
    std::int64_t own_clips = 0, own_sum = 0;
    for (auto row = static_cast<std::size_t>(from); row < static_cast<std::size_t>(to); ++row) {
      for (std::size_t b = 0; b < blocks; ++b) {
        const std::size_t first = b * op.block;
        const std::size_t count = op.inputs - first < op.block ? op.inputs - first : op.block;
        const BlockOfCodes block(op, row * op.inputs + first,
                                 row * op.code_stride + b * padded_inputs(op.block));
        std::size_t j = 0;
        Counts<Wide> lanes;
        for (; j + kWidth <= count; j += kWidth) block.quantize(j, lanes);
        Counts<float> rest;
        for (; j < count; ++j) block.quantize(j, rest);
        if (j < padded_inputs(op.block)) block.clear(j, padded_inputs(op.block));
        own_clips += rest.clips_in_all() + lanes.clips_in_all();
        own_sum += rest.codes_in_all() + lanes.codes_in_all();
      }
    }
    add_from_any_thread(&clips, own_clips);
    add_from_any_thread(&sum, own_sum);
  });
  op.counts->dac_clips += clips;
  op.counts->sum_of_codes += sum;
}

}  // namespace mq::MQ_BACKEND
