/// What one warp of a large product does: the sums of a term over all its inputs, and where their results
/// lie. `C` is the product's cut (mvm.cu): kM panels of 16 outputs x kN tiles of 8 columns.
#pragma once

#include "meltquench/kernels/cuda/mvm_sums.h"

namespace mq::MQ_BACKEND {

/// What a warp multiplies in one step: kParts fragments of weights per panel, bytes of inputs per column
/// tile.
template <class C, int kParts>
struct Operands {
  FourWords weights[kParts][C::kM];
  ByteFragment inputs[C::kN];
};

/// Calls multiply(operands) for each step; `load` fills them.
template <class C, int kParts, class Load, class Multiply>
__device__ inline void for_each_step(std::uint32_t steps, const Load& load, const Multiply& multiply) {
  Operands<C, kParts> next;
  if constexpr (C::kFewWarps) load(0, next);
  MQ_NO_UNROLL
  for (std::uint32_t step = 0; step < steps; ++step) {
    Operands<C, kParts> now;
    if constexpr (C::kFewWarps) {
      now = next;
      if (step + 1 < steps) load(step + 1, next);
    } else {
      load(step, now);
    }
    multiply(now);
  }
}

/// sum += products of one term, for the column tiles from `first_tile` on.
template <class C>
__device__ inline void sum_codes(const MvmTerm& term, const Weights<C::kDirection, C::kM>& weights,
                                 const SlicedInputs& inputs, std::uint32_t first_tile, std::uint32_t steps,
                                 MeanSums<C::kSlices> (&sums)[C::kM][C::kN]) {
  const std::uint32_t* x = inputs.template at<C::kSlices>(inputs.codes, first_tile, term);
  const auto load = [&](std::uint32_t step, Operands<C, 2>& to) {
    weights.load_codes(term, step, to.weights[0], to.weights[1]);
    load_step<C::kSlices>(x, step, to.inputs);
  };
  for_each_step<C, 2>(steps, load, [&](const Operands<C, 2>& now) {
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN; ++i) {
      const int m = i / C::kN, n = i % C::kN;
      sums[m][n].add(now.weights[0][m], now.weights[1][m], now.inputs[n]);
    }
  });
}

template <class C>
__device__ inline void sum_squares(const MvmTerm& term, const Weights<C::kDirection, C::kM>& weights,
                                   const SlicedInputs& inputs, std::uint32_t first_tile, std::uint32_t steps,
                                   SquareSums (&sums)[C::kM][C::kN]) {
  const std::uint32_t* x = inputs.template at<2>(inputs.squares, first_tile, term);
  const auto load = [&](std::uint32_t step, Operands<C, 1>& to) {
    weights.load_magnitudes(term, step, to.weights[0]);
    load_step<2>(x, step, to.inputs);
  };
  for_each_step<C, 1>(steps, load, [&](const Operands<C, 1>& now) {
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN; ++i) {
      sums[i / C::kN][i % C::kN].add(now.weights[0][i / C::kN], now.inputs[i % C::kN]);
    }
  });
}

/// What a warp has converted and what it is converting, [quad, element][lane]. It lies in shared memory,
/// where a loop can find it by number: unrolled for registers, noise and ADC would not fit the instruction
/// cache and leave room for few warps. Every lane sees only what is its own.
template <class C>
struct WarpResults {
  static constexpr int kQuads = C::kM * C::kN;

  double total[C::kOneTerm ? 1 : kQuads * 4][32];
  float y[kQuads * 4][32], variance[kQuads * 4][32];

  __device__ void clear_totals(std::uint32_t lane) {
    MQ_UNROLL
    for (int i = 0; !C::kOneTerm && i < kQuads * 4; ++i) total[i][lane] = 0.0;
  }
  __device__ Conversion<float> conversion(int i, std::uint32_t lane) const {
    return {y[i][lane], variance[i][lane]};
  }
};

/// Adds one term to the conversions of a warp, or begins them with it.
template <class C>
__device__ inline void add_term(const MvmTerm& term, std::uint32_t group, const SlicedInputs& inputs,
                                std::uint32_t first_tile, std::uint32_t lane, bool begins,
                                WarpResults<C>& results) {
  const Weights<C::kDirection, C::kM> weights(term, group);
  const std::uint32_t depth = inputs_of(term, C::kDirection);
  const auto steps = static_cast<std::uint32_t>(steps_of(depth));
  {
    MeanSums<C::kSlices> sums[C::kM][C::kN];
    sum_codes<C>(term, weights, inputs, first_tile, steps, sums);
    __syncwarp();  // keeps the compiler from loading results, and so taking up registers, before the sums
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN * 4; ++i) {
      Conversion<float> conversion;
      if (!begins) conversion = results.conversion(i, lane);
      conversion.add_sum(term, sums[i / 4 / C::kN][i / 4 % C::kN].rounded(i % 4, depth));
      results.y[i][lane] = conversion.y;
    }
  }
  if (term.read_variance > 0.0f) {
    SquareSums sums[C::kM][C::kN];
    sum_squares<C>(term, weights, inputs, first_tile, steps, sums);
    __syncwarp();  // keeps the compiler from loading results, and so taking up registers, before the sums
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN * 4; ++i) {
      Conversion<float> conversion;
      if (!begins) conversion = results.conversion(i, lane);
      conversion.add_variance(term, sums[i / 4 / C::kN][i / 4 % C::kN].rounded(i % 4, depth));
      results.variance[i][lane] = conversion.variance;
    }
  } else if (begins || term.output_variance > 0.0f) {
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN * 4; ++i) {
      Conversion<float> conversion;
      if (!begins) conversion = results.conversion(i, lane);
      conversion.add_variance(term);
      results.variance[i][lane] = conversion.variance;
    }
  }
}

}  // namespace mq::MQ_BACKEND
