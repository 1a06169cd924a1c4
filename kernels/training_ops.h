/// What training and evaluation do between their products, element by element or row by row.
///
/// All arrays are row-major and lie on the backend. Sums of floats are chains in the stated order and sums
/// over samples are integers, so every backend, instruction set and number of threads gives the same bits.
/// "One CPU thread": such an operation does not spread over `exec.threads`, because its callers already run
/// side by side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/exec.h"

namespace mq {

/// to[r, :] = images[order[r], :] and labels_to[r] = labels[order[r]].
struct GatherRows {
  std::size_t rows = 0, columns = 0;
  const float* images = nullptr;
  const std::uint8_t* labels = nullptr;
  const std::uint32_t* order = nullptr;
  float* to = nullptr;
  std::uint8_t* labels_to = nullptr;
};

/// y[r, c] += bias[c].
struct AddBias {
  std::size_t rows = 0, columns = 0;
  const float* bias = nullptr;
  float* y = nullptr;
};

/// sums[c] = 0 + x[0, c] + x[1, c] + ...
struct SumRows {
  std::size_t rows = 0, columns = 0;
  const float* x = nullptr;
  float* sums = nullptr;
};

/// Forward: y = x where x > 0, else 0. Backward: dx = dy where x > 0, else 0.
struct Rectify {
  std::size_t size = 0;
  const float* x = nullptr;
  const float* dy = nullptr;  ///< backward
  float* to = nullptr;        ///< y, or dx
};

/// The least that a learned range can be.
inline constexpr float kSmallestRange = 1e-6f;

/// Forward: x clipped to +-range and, with steps > 0, rounded to that many steps on each side of 0. Backward:
/// dx = dy where |x| <= range, else 0. By the range: dy where x > range, -dy where x < -range, else 0; their
/// sum is the gradient (J. Choi et al., arXiv:1805.06085, 2018, with two signs).
struct LimitInputs {
  std::size_t size = 0;
  float range = 1.0f, steps = 0.0f;
  const float* learned = nullptr;  ///< on the backend; not null: the range is max(*learned, kSmallestRange)
  const float* x = nullptr;
  const float* dy = nullptr;  ///< backward
  float* to = nullptr;        ///< y, dx, or the parts of the gradient by the range
};

/// Square windows over images [samples, channels, height, width]: window (i, j) of [rows, columns] begins at
/// pixel (i * stride - padding, j * stride - padding). Pixels outside of an image are zeros.
struct Windows {
  std::uint32_t samples = 0, channels = 0, height = 0, width = 0;
  std::uint32_t rows = 0, columns = 0;
  std::uint32_t size = 1, stride = 1, padding = 0;
};

/// patches[sample, window, channel, i, j] = the pixels of the windows.
struct GatherPatches {
  Windows windows;
  const float* images = nullptr;
  float* patches = nullptr;
};

/// The transpose: a pixel is 0 + its places in the patches, windows ascending.
struct AddPatches {
  Windows windows;
  const float* patches = nullptr;
  float* images = nullptr;
};

/// to[sample, column, row] = from[sample, row, column] + bias[column].
struct TransposeSamples {
  std::size_t samples = 0, rows = 0, columns = 0;
  const float* from = nullptr;
  const float* bias = nullptr;  ///< null: none
  float* to = nullptr;
};

/// Pooling without padding. Maximum: of equal pixels the first one counts. Mean: the sum of the pixels,
/// ascending, times 1 / size^2.
struct PoolForward {
  Windows windows;
  const float* x = nullptr;
  float* y = nullptr;
};

/// A pixel of dx is 0 + what its windows give it, windows ascending: dy for a maximum, dy / size^2 for means.
struct PoolBackward {
  Windows windows;
  const float* x = nullptr;  ///< read for maxima only
  const float* dy = nullptr;
  float* dx = nullptr;
};

/// Unit of summed losses.
inline constexpr double kLossUnit = 0x1p-32;

/// A larger loss of a sample ends training: it has diverged.
inline constexpr double kLargestTrainingLoss = 1e6;
/// What a sample adds to the loss at most where nothing is trained: outputs may be as far apart as they like,
/// and 2e5 such samples fit into a sum.
inline constexpr double kLargestEvaluationLoss = 1e4;

/// Places of what softmax_loss adds up.
enum LossCount : std::size_t {
  kLoss,       ///< sum of -ln p(label), in units of kLossUnit
  kCorrect,    ///< rows whose largest output (the first of equal ones) is that of their label
  kSamples,    ///< rows
  kNotFinite,  ///< rows with an output that is no finite number, or with d_outputs a loss beyond
               ///< kLargestTrainingLoss; they add nothing to kLoss
  kLossCounts
};

/// Softmax cross-entropy of outputs[rows, classes]; d_outputs, unless it is null, is scale * (softmax -
/// one-hot). Sums of exponentials ascend over classes. Expects labels < classes. One CPU thread.
struct SoftmaxLoss {
  std::size_t rows = 0, classes = 0;
  const float* outputs = nullptr;
  const std::uint8_t* labels = nullptr;
  float scale = 1.0f;
  float* d_outputs = nullptr;
  std::int64_t* counts = nullptr;  ///< [kLossCounts], added to
};

/// Gradients are summed as 64-bit integers: over shards, threads and processes in any order. One unit is
/// 2^-40 = 9.1e-13, the same for every parameter and step.
inline constexpr double kGradientUnit = 0x1p-40;
/// Largest magnitude of one addend; so many of them fit into a sum.
inline constexpr float kGradientLimit = 1024.0f;
inline constexpr int kMaxShards = 4096;

/// sums[i] += values[i] in units of kGradientUnit, rounded to nearest, ties to even. If some value is no
/// number or its magnitude is kGradientLimit or more, *beyond rises and `sums` is in no useful state. One CPU
/// thread.
struct AddFixedPoint {
  std::size_t size = 0;
  const float* values = nullptr;
  std::int64_t* sums = nullptr;
  std::int64_t* beyond = nullptr;
};

/// to[i] += from[i].
struct AddIntegers {
  std::size_t size = 0;
  const std::int64_t* from = nullptr;
  std::int64_t* to = nullptr;
};

/// What a step counts: LossCount, then shards with a gradient beyond the limit.
inline constexpr std::size_t kBeyond = kLossCounts, kStepCounts = kLossCounts + 1;
/// What an epoch counts: LossCount, the step that failed (counted from 1; 0: none has), and whether it was
/// its loss that was not finite rather than a gradient.
inline constexpr std::size_t kFailedStep = kLossCounts, kFailedByLoss = kLossCounts + 1,
                             kEpochCounts = kLossCounts + 2;

/// Adds what a step counted to its epoch, unless this step or one before it failed; remembers the first
/// failure.
struct CloseStep {
  const std::int64_t* step = nullptr;  ///< [kStepCounts]
  std::int64_t number = 0;             ///< of the step in its epoch, from 1
  std::int64_t* epoch = nullptr;       ///< [kEpochCounts]
};

enum class StepRule { sgd, adam };
inline constexpr double kAdamBeta1 = 0.9, kAdamBeta2 = 0.999, kAdamEpsilon = 1e-8;

/// One optimizer step with gradients g = sums * kGradientUnit, rounded once to double and once to float;
/// nothing if *failed is not 0.
/// sgd: first = momentum first + (g + decay w), w -= rate first.
/// adam: first += (1 - beta1) (g - first), second += (1 - beta2) (g g - second),
///       w -= rate (first scale1 / (sqrt(second scale2) + epsilon) + decay w).
struct ParameterStep {
  std::size_t size = 0;
  StepRule rule = StepRule::sgd;
  float learning_rate = 0.0f, decay = 0.0f;
  float momentum = 0.0f;                          ///< sgd
  float first_scale = 1.0f, second_scale = 1.0f;  ///< adam: 1 / (1 - beta^steps)
  const std::int64_t* sums = nullptr;
  const std::int64_t* failed = nullptr;  ///< null: nothing can have
  float* parameters = nullptr;
  float* first = nullptr;
  float* second = nullptr;  ///< adam
};

/// Elements per partial sum of a standard deviation.
inline constexpr std::size_t kDeviationChunk = 8192;
constexpr std::size_t deviation_scratch(std::size_t size) {
  return 8 * ((size + kDeviationChunk - 1) / kDeviationChunk) + 1;
}

/// Clips values to +-sigmas * their standard deviation; nothing if *failed is not 0. The deviation is formed
/// in double: per chunk four interleaved chains of values and squares (what is left over joins the first),
/// added up over chains, then over chunks; sqrt(max(0, squares / size - mean^2)).
struct ClipToDeviation {
  std::size_t size = 0;
  float sigmas = 1.0f;
  float* values = nullptr;
  const std::int64_t* failed = nullptr;  ///< null: nothing can have
  double* scratch = nullptr;             ///< [deviation_scratch(size)]; the last is then the deviation
};

struct TrainingKernels {
  void (*gather_rows)(const Exec&, const GatherRows& op);
  void (*add_bias)(const Exec&, const AddBias& op);
  void (*sum_rows)(const Exec&, const SumRows& op);
  void (*rectify)(const Exec&, const Rectify& op);
  void (*rectify_backward)(const Exec&, const Rectify& op);
  void (*limit_inputs)(const Exec&, const LimitInputs& op);
  void (*limit_inputs_backward)(const Exec&, const LimitInputs& op);
  void (*limit_range_backward)(const Exec&, const LimitInputs& op);
  void (*gather_patches)(const Exec&, const GatherPatches& op);
  void (*add_patches)(const Exec&, const AddPatches& op);
  void (*transpose_samples)(const Exec&, const TransposeSamples& op);
  void (*max_pool)(const Exec&, const PoolForward& op);
  void (*max_pool_backward)(const Exec&, const PoolBackward& op);
  void (*mean_pool)(const Exec&, const PoolForward& op);
  void (*mean_pool_backward)(const Exec&, const PoolBackward& op);
  void (*softmax_loss)(const Exec&, const SoftmaxLoss& op);
  void (*add_fixed_point)(const Exec&, const AddFixedPoint& op);
  void (*add_integers)(const Exec&, const AddIntegers& op);
  void (*close_step)(const Exec&, const CloseStep& op);
  void (*step_parameters)(const Exec&, const ParameterStep& op);
  /// *largest = the largest |p[i]|, on the backend; 0 if n = 0.
  void (*find_largest)(const Exec&, const float* p, std::size_t n, float* largest);
  void (*clip_to_deviation)(const Exec&, const ClipToDeviation& op);
};

}  // namespace mq
