/// Integer sums on tensor cores: weights of a term times bytes of inputs.
#pragma once

#include "meltquench/kernels/cuda/mma.h"
#include "meltquench/kernels/cuda/mvm_inputs.h"
#include "meltquench/kernels/cuda/panels.h"

namespace mq::MQ_BACKEND {

/// 32 bits hold the sums below over so many steps: |high w * low x + low w * high x| <= 2 * 128 * 255 per
/// input, low w * low x <= 255 * 255, and 32768 * 65280 < 2^31; magnitudes <= 127 times bytes are less.
inline constexpr std::uint32_t kSafeSteps = 1024;

/// Inputs whose products, each at most 32767 * 127, sum up within 32 bits: 512 * 32767 * 127 < 2^31.
inline constexpr std::uint32_t kShortSum = 512;

/// sum_j w_j c_j, ordered by powers of 256 of the bytes' places. With one slice of codes `high` and `low` are
/// those of the weights.
template <int kSlices>
struct MeanSums {
  std::int32_t top[kSlices == 2 ? 4 : 1] = {};
  std::int32_t high[4] = {}, low[4] = {};

  __device__ void add(const FourWords& w_high, const FourWords& w_low, const ByteFragment& x) {
    if constexpr (kSlices == 1) {
      multiply_fragments<true, true>(high, w_high, x.low);
      multiply_fragments<false, true>(low, w_low, x.low);
    } else {
      multiply_fragments<true, true>(top, w_high, x.high);
      multiply_fragments<true, false>(high, w_high, x.low);
      multiply_fragments<false, true>(high, w_low, x.high);
      multiply_fragments<false, false>(low, w_low, x.low);
    }
  }
  __device__ std::int64_t sum(int e) const {
    std::int64_t sum = std::int64_t(high[e]) * 256 + low[e];
    if constexpr (kSlices == 2) sum += std::int64_t(top[e]) * 65536;
    return sum;
  }
  /// The sum of so many inputs, rounded once. Short sums, |w c| <= 32767 * 127 each, fit 32 bits, whose
  /// conversion is several times as fast.
  __device__ float rounded(int e, std::uint32_t inputs) const {
    if (kSlices == 1 && inputs <= kShortSum) return static_cast<float>(high[e] * 256 + low[e]);
    return static_cast<float>(sum(e));
  }
};

/// sum_j m_j c_j^2.
struct SquareSums {
  std::int32_t high[4] = {}, low[4] = {};

  __device__ void add(const FourWords& magnitudes, const ByteFragment& x) {
    multiply_fragments<false, false>(low, magnitudes, x.low);
    multiply_fragments<false, false>(high, magnitudes, x.high);
  }
  __device__ std::int64_t sum(int e) const { return std::int64_t(high[e]) * 256 + low[e]; }
  /// As above: m c^2 <= 127 * 32767 each.
  __device__ float rounded(int e, std::uint32_t inputs) const {
    if (inputs <= kShortSum) return static_cast<float>(high[e] * 256 + low[e]);
    return static_cast<float>(sum(e));
  }
};

/// The weights of kM times 16 outputs of a product, from the first of `group` groups on.
template <Direction kDirection, int kM>
class Weights;

/// Forward a group is kM panels, and lanes find their fragments as they lie there.
template <int kM>
class Weights<Direction::forward, kM> {
 public:
  static constexpr std::uint32_t kGap = 8;

  /// Panels beyond the last are the last one again: their outputs do not exist.
  __device__ Weights(const MvmTerm& term, std::uint32_t group) {
    const std::uint32_t panels = (term.outputs + 15) / 16, lane = threadIdx.x % 32;
    const auto steps = static_cast<std::uint32_t>(steps_of(term.inputs));
    MQ_UNROLL
    for (std::uint32_t m = 0; m < kM; ++m) {
      const std::uint32_t panel = group * kM + m < panels ? group * kM + m : panels - 1;
      at_[m] = panel * steps * 32 + lane;
    }
  }
  __device__ void load_codes(const MvmTerm& term, std::uint32_t step, FourWords (&high)[kM],
                             FourWords (&low)[kM]) const {
    const FourWords* codes = reinterpret_cast<const FourWords*>(in_device_memory(term.codes));
    MQ_UNROLL
    for (int m = 0; m < kM; ++m) {
      const FourWords* fragment = codes + std::size_t(at_[m] / 32 + step) * 64 + at_[m] % 32;
      high[m] = fragment[0], low[m] = fragment[32];
    }
  }
  __device__ void load_magnitudes(const MvmTerm& term, std::uint32_t step,
                                  FourWords (&magnitudes)[kM]) const {
    MQ_UNROLL
    for (int m = 0; m < kM; ++m)
      magnitudes[m] = reinterpret_cast<const FourWords*>(
          in_device_memory(term.magnitudes))[std::size_t(at_[m]) + step * 32];
  }
  /// The first output of this lane's quad.
  __device__ static std::uint32_t output(std::uint32_t group, std::uint32_t m) {
    return (group * kM + m) * 16 + threadIdx.x % 32 / 4;
  }

 private:
  std::uint32_t at_[kM];
};

/// The other way a step is two panels and a group one step: 32 inputs of W. A word of a panel holds four
/// inputs of one output; four words of neighbouring outputs, transposed, are four words of four outputs each.
/// A lane gets four neighbouring inputs so: rows g and g + 8 of the first result are the inputs 4 g and 4 g +
/// 1, those of the second one 4 g + 2 and 4 g + 3.
template <>
class Weights<Direction::transposed, 2> {
 public:
  static constexpr std::uint32_t kGap = 1;

  __device__ Weights(const MvmTerm& term, std::uint32_t group)
      : panels_((term.outputs + 15) / 16),
        steps_(static_cast<std::uint32_t>(steps_of(term.inputs))),
        group_(group < steps_ ? group : steps_ - 1) {
    const std::uint32_t g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    first_word_ = (t % 2 * 16 + g % 4) * 4 + t / 2 + g / 4 * 2;
  }
  __device__ void load_codes(const MvmTerm& term, std::uint32_t step, FourWords (&high)[2],
                             FourWords (&low)[2]) const {
    const std::uint32_t* words = reinterpret_cast<const std::uint32_t*>(in_device_memory(term.codes));
    load(words, 2 * kFragmentBytes, step, high);
    load(words + kFragmentBytes / 4, 2 * kFragmentBytes, step, low);
  }
  __device__ void load_magnitudes(const MvmTerm& term, std::uint32_t step, FourWords (&magnitudes)[2]) const {
    load(reinterpret_cast<const std::uint32_t*>(in_device_memory(term.magnitudes)), kFragmentBytes, step,
         magnitudes);
  }
  __device__ static std::uint32_t output(std::uint32_t group, std::uint32_t m) {
    return group * 32 + threadIdx.x % 32 / 4 * 4 + m * 2;
  }

 private:
  __device__ void load(const std::uint32_t* words, std::size_t fragment_bytes, std::uint32_t step,
                       FourWords (&w)[2]) const {
    MQ_UNROLL
    for (std::uint32_t half = 0; half < 2; ++half) {
      const std::uint32_t panel = 2 * step + half;
      std::uint32_t four[4] = {};  // outputs; zeros where the last panel has no partner
      if (panel < panels_) {
        const std::uint32_t* from =
            words + (std::size_t(panel) * steps_ + group_) * (fragment_bytes / 4) + first_word_;
        MQ_UNROLL
        for (std::uint32_t i = 0; i < 4; ++i) four[i] = from[16 * i];
      }
      const std::uint32_t a = __byte_perm(four[0], four[1], 0x5140),
                          b = __byte_perm(four[2], four[3], 0x5140),
                          c = __byte_perm(four[0], four[1], 0x7362),
                          d = __byte_perm(four[2], four[3], 0x7362);
      w[0].w[2 * half] = __byte_perm(a, b, 0x5410);
      w[0].w[2 * half + 1] = __byte_perm(a, b, 0x7632);
      w[1].w[2 * half] = __byte_perm(c, d, 0x5410);
      w[1].w[2 * half + 1] = __byte_perm(c, d, 0x7632);
    }
  }

  std::uint32_t panels_, steps_, group_, first_word_;
};

}  // namespace mq::MQ_BACKEND
