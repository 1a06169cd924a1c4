/// Loss, fixed-point gradient sums, optimizer steps, clipping. Contracts: kernels/training_ops.h.
#include "meltquench/core/math.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

MQ_HD double square_root(double a) {
#if defined(__CUDA_ARCH__)
  return __dsqrt_rn(a);
#else
  return __builtin_sqrt(a);
#endif
}

MQ_HD std::int64_t bits_of(double a) {
#if defined(__CUDA_ARCH__)
  return __double_as_longlong(a);
#else
  return std::bit_cast<std::int64_t>(a);
#endif
}

/// Nearest integer, ties to even. Expects 0 <= a < 2^62.
MQ_HD std::int64_t nearest_integer(double a) {
  const auto whole = static_cast<std::int64_t>(a);
  const double rest = a - static_cast<double>(whole);
  return whole + (rest > 0.5 || (rest == 0.5 && (whole & 1) != 0) ? 1 : 0);
}

/// p[0], p[stride], ... in the lanes of F, and back.
template <class F>
MQ_HD F load_strided(const float* p, std::size_t stride) {
  if constexpr (LaneTraits<F>::kWidth == 1) {
    return *p;
  } else {
    F lanes;
    for (int l = 0; l < LaneTraits<F>::kWidth; ++l) lanes.v[l] = p[static_cast<std::size_t>(l) * stride];
    return lanes;
  }
}
template <class F>
MQ_HD void store_strided(float* p, std::size_t stride, F lanes) {
  if constexpr (LaneTraits<F>::kWidth == 1) {
    *p = lanes;
  } else {
    for (int l = 0; l < LaneTraits<F>::kWidth; ++l) p[static_cast<std::size_t>(l) * stride] = lanes.v[l];
  }
}

struct LossOfRow {
  SoftmaxLoss op;

  template <class F>
  MQ_HD void operator()(std::uint32_t first) const {
    constexpr int kWidth = LaneTraits<F>::kWidth;
    const std::size_t classes = op.classes;
    const float* z = op.outputs + first * classes;
    F largest = load_strided<F>(z, classes), best(0.0f);  // floats carry places below 2^24
    for (std::size_t i = 1; i < classes; ++i) {
      const F value = load_strided<F>(z + i, classes);
      best = select(largest < value, F(static_cast<float>(i)), best);
      largest = select(largest < value, value, largest);
    }
    F sum(0.0f), probe(0.0f);  // the probe is no number as soon as one output is none
    for (std::size_t i = 0; i < classes; ++i) {
      const F value = load_strided<F>(z + i, classes);
      sum = sum + exp(value - largest);
      probe = probe + value * F(0.0f);
    }
    float z_of_label[kWidth], losses[kWidth], probes[kWidth], places[kWidth];
    for (int l = 0; l < kWidth; ++l) {
      z_of_label[l] = z[static_cast<std::size_t>(l) * classes + op.labels[first + static_cast<unsigned>(l)]];
    }
    store(losses, F(log(sum) + (largest - load<F>(z_of_label))));
    store(probes, probe);
    store(places, best);
    count(first, kWidth, losses, probes, places);
    if (op.d_outputs == nullptr) return;
    const F share = F(op.scale) / sum;
    for (std::size_t i = 0; i < classes; ++i) {
      float target[kWidth];
      for (int l = 0; l < kWidth; ++l) {
        target[l] = op.labels[first + static_cast<unsigned>(l)] == i ? -op.scale : 0.0f;
      }
      const F value = load_strided<F>(z + i, classes);
      store_strided(op.d_outputs + first * classes + i, classes,
                    F(fma(exp(value - largest), share, load<F>(target))));
    }
  }

 private:
  MQ_HD void count(std::uint32_t first, int width, const float* losses, const float* probes,
                   const float* places) const {
    const bool is_training = op.d_outputs != nullptr;
    const double limit = is_training ? kLargestTrainingLoss : kLargestEvaluationLoss;
    std::int64_t loss = 0, correct = 0, not_finite = 0;
    for (int l = 0; l < width; ++l) {
      const auto row_loss = static_cast<double>(losses[l]);
      const bool is_finite = probes[l] == 0.0f;  // an evaluation judges outputs: their margin may be any
      if (is_finite && (row_loss <= limit || !is_training)) {
        // A loss of two margins beyond float's range is inf.
        loss += nearest_integer((row_loss > 0.0 ? (row_loss < limit ? row_loss : limit) : 0.0) / kLossUnit);
      } else {
        ++not_finite;
      }
      const float label = static_cast<float>(op.labels[first + static_cast<unsigned>(l)]);
      correct += places[l] == label ? 1 : 0;
    }
    add_in_any_order(op.counts + kLoss, loss);
    add_in_any_order(op.counts + kCorrect, correct);
    add_in_any_order(op.counts + kSamples, width);
    add_in_any_order(op.counts + kNotFinite, not_finite);
  }
};

/// Of values beyond the limit sums are wrong, which `beyond` tells; they must not be undefined as well.
MQ_HD std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

/// Adding 1.5 * 2^52 to a double leaves the rounded integer in its low bits: no slow instruction is needed.
struct AddFixedPointElements {
  AddFixedPoint op;

  MQ_HD void operator()(std::uint32_t, std::uint32_t first, std::uint32_t last) const {
    constexpr double kMagic = 0x1.8p52;
    constexpr std::int64_t kMagicBits = 0x4338000000000000;
    constexpr std::uint32_t kLimitBits = 0x44800000u;  // of kGradientLimit
    const float* values = op.values;
    std::int64_t* sums = op.sums;
    // Bits of magnitudes are ordered as the magnitudes are, with infinity and NaN above all numbers.
    std::uint32_t beyond = 0;
    for (std::uint32_t i = first; i < last; ++i) {
      beyond |= (to_bits(values[i]) & 0x7fffffffu) >= kLimitBits ? 1u : 0u;
      const double shifted = static_cast<double>(values[i]) * (1.0 / kGradientUnit) + kMagic;
      sums[i] = wrapping_sum(sums[i], wrapping_sum(bits_of(shifted), -kMagicBits));
    }
    if (beyond != 0) add_in_any_order(op.beyond, 1);
  }
};

struct AddInteger {
  AddIntegers op;

  template <class F>
  MQ_HD void operator()(std::uint32_t first) const {
    for (std::uint32_t i = first; i < first + LaneTraits<F>::kWidth; ++i) {
      op.to[i] = wrapping_sum(op.to[i], op.from[i]);
    }
  }
};

struct CloseOneStep {
  CloseStep op;

  template <class F>
  MQ_HD void operator()(std::uint32_t) const {
    std::int64_t* epoch = op.epoch;
    if (epoch[kFailedStep] != 0) return;
    if (op.step[kNotFinite] > 0 || op.step[kBeyond] > 0) {
      epoch[kFailedStep] = op.number;
      epoch[kFailedByLoss] = op.step[kNotFinite] > 0 ? 1 : 0;
    } else {
      for (std::size_t i = 0; i < kLossCounts; ++i) epoch[i] += op.step[i];
    }
  }
};

struct StepParameter {
  ParameterStep op;

  template <class F>
  MQ_HD void operator()(std::uint32_t first) const {
    if (op.failed != nullptr && *op.failed != 0) return;
    float gradients[LaneTraits<F>::kWidth];
    for (int l = 0; l < LaneTraits<F>::kWidth; ++l) {
      gradients[l] =
          static_cast<float>(static_cast<double>(op.sums[first + static_cast<unsigned>(l)]) * kGradientUnit);
    }
    const F g = load<F>(gradients), w = load<F>(op.parameters + first);
    F m = load<F>(op.first + first);
    if (op.rule == StepRule::sgd) {
      m = F(op.momentum) * m + (g + F(op.decay) * w);
      store(op.first + first, m);
      store(op.parameters + first, w - F(op.learning_rate) * m);
      return;
    }
    constexpr auto kNew1 = static_cast<float>(1.0 - kAdamBeta1), kNew2 = static_cast<float>(1.0 - kAdamBeta2);
    constexpr auto kEpsilon = static_cast<float>(kAdamEpsilon);
    F v = load<F>(op.second + first);
    m = m + F(kNew1) * (g - m);
    v = v + F(kNew2) * (g * g - v);
    store(op.first + first, m);
    store(op.second + first, v);
    const F step = m * F(op.first_scale) / (sqrt(v * F(op.second_scale)) + F(kEpsilon)) + F(op.decay) * w;
    store(op.parameters + first, w - F(op.learning_rate) * step);
  }
};

/// Scratch: [chunk][chain] of these, then the limit.
struct Moments {
  double sum, squares;
};

/// Row: a chunk. Columns: its four chains, which a CPU follows side by side.
struct SumChains {
  std::size_t size;
  const float* values;
  Moments* moments;

  MQ_HD void operator()(std::uint32_t chunk, std::uint32_t first, std::uint32_t) const {
    const std::size_t begin = chunk * kDeviationChunk;
    const std::size_t end = begin + kDeviationChunk < size ? begin + kDeviationChunk : size;
    Moments* to = moments + chunk * 4;
#if defined(__CUDACC__) || defined(MQ_CUDA_ON_CPU)
    Moments chain{};
    std::size_t i = begin;
    for (; i + 4 <= end; i += 4) add(values[i + first], chain);
    for (; first == 0 && i < end; ++i) add(values[i], chain);
    to[first] = chain;
#else
    static_cast<void>(first);
    typedef float Floats __attribute__((vector_size(16)));
    typedef double Doubles __attribute__((vector_size(32)));
    Doubles sum{}, squares{};
    std::size_t i = begin;
    for (; i + 4 <= end; i += 4) {
      Floats four;
      std::memcpy(&four, values + i, sizeof(four));
      const Doubles value = __builtin_convertvector(four, Doubles);
      sum += value;
      squares += value * value;
    }
    for (int l = 0; l < 4; ++l) to[l] = {sum[l], squares[l]};
    for (; i < end; ++i) add(values[i], to[0]);
#endif
  }

 private:
  MQ_HD static void add(float x, Moments& chain) {
    const auto value = static_cast<double>(x);
    chain.sum += value;
    chain.squares += value * value;
  }
};

struct FindDeviation {
  std::size_t size, chunks;
  const Moments* moments;
  double* deviation;

  template <class F>
  MQ_HD void operator()(std::uint32_t) const {
    double sum = 0.0, squares = 0.0;
    for (std::size_t c = 0; c < chunks; ++c) {
      double chunk_sum = 0.0, chunk_squares = 0.0;
      for (std::size_t l = 0; l < 4; ++l) {
        chunk_sum += moments[c * 4 + l].sum;
        chunk_squares += moments[c * 4 + l].squares;
      }
      sum += chunk_sum;
      squares += chunk_squares;
    }
    const double count = static_cast<double>(size), mean = sum / count;
    const double variance = squares / count - mean * mean;
    *deviation = square_root(variance > 0.0 ? variance : 0.0);
  }
};

struct ClipElement {
  float sigmas;
  float* values;
  const std::int64_t* failed;
  const double* deviation;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    if (failed != nullptr && *failed != 0) return;
    const F limit(static_cast<float>(static_cast<double>(sigmas) * *deviation));
    const F value = load<F>(values + i), above = select(value < -limit, -limit, value);
    store(values + i, select(limit < above, limit, above));
  }
};

/// The same on one thread of the CPU.
Exec serial(const Exec& exec) {
  Exec alone = exec;
  alone.threads = 1;
  return alone;
}

}  // namespace

void softmax_loss(const Exec& exec, const SoftmaxLoss& op) { for_each(serial(exec), op.rows, LossOfRow{op}); }

void add_fixed_point(const Exec& exec, const AddFixedPoint& op) {
  for_each_row(serial(exec), 1, op.size, AddFixedPointElements{op});
}

void add_integers(const Exec& exec, const AddIntegers& op) { for_each(exec, op.size, AddInteger{op}); }

void close_step(const Exec& exec, const CloseStep& op) { for_each(exec, 1, CloseOneStep{op}); }

void step_parameters(const Exec& exec, const ParameterStep& op) {
  for_each(exec, op.size, StepParameter{op});
}

void clip_to_deviation(const Exec& exec, const ClipToDeviation& op) {
  static_assert(sizeof(Moments) == 2 * sizeof(double));
  const std::size_t chunks = (op.size + kDeviationChunk - 1) / kDeviationChunk;
  auto* moments = reinterpret_cast<Moments*>(op.scratch);
  double* deviation = op.scratch + deviation_scratch(op.size) - 1;
  for_each_row(exec, chunks, 4, SumChains{op.size, op.values, moments});
  for_each(exec, 1, FindDeviation{op.size, chunks, moments, deviation});
  for_each(exec, op.size, ClipElement{op.sigmas, op.values, op.failed, deviation});
}

}  // namespace mq::MQ_BACKEND
