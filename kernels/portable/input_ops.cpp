/// Scaling of samples and errors of drivers: contracts in kernels/input_ops.h.
#include "meltquench/kernels/input_ops.h"

#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/mvm.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr std::uint32_t kPiece = 32;  // columns of one index: a thread on CUDA

struct ClearFactor {
  ScaleRows op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    store(op.factors + i, F(0.0f));
  }
};

/// The columns of pieces [first, last) of a row.
struct RaiseFactor {
  ScaleRows op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const std::size_t end = std::size_t(last) * kPiece < op.columns ? std::size_t(last) * kPiece : op.columns;
    const float* x = op.x + row * op.columns;
    float largest = 0.0f;
    for (std::size_t c = std::size_t(first) * kPiece; c < end; ++c) largest = max(abs(x[c]), largest);
    raise_from_any_thread(op.factors + row, largest);
  }
};

struct DivideRow {
  ScaleRows op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const float factor = op.factors[row] > 0.0f ? op.factors[row] : 1.0f;
    const std::size_t at = row * op.columns;
    for (std::uint32_t c = first; c < last; ++c) op.to[at + c] = op.x[at + c] / factor;
  }
};

/// The codes of the groups [first, last) of 32 in a row.
struct DisturbRow {
  DisturbInputs op;
  float steps;  // per DAC step
  int square;   // shift of squares

  /// Codes [i, i + lanes) of a row.
  template <class F>
  MQ_HD void disturb(std::size_t row, std::size_t i, F z) const {
    constexpr std::size_t kWidth = LaneTraits<F>::kWidth;
    const std::size_t at = row * op.code_stride + i;
    float codes[kWidth];
    for (std::size_t l = 0; l < kWidth; ++l) codes[l] = i + l < op.code_stride ? op.codes[at + l] : 0.0f;
    F c = load<F>(codes);
    c = select(c < F(0.0f), c * F(1.0f - op.asymmetry), c);
    store(codes, rint(fma(z, op.deviation, c) * F(steps)));
    for (std::size_t l = 0; l < kWidth && i + l < op.code_stride; ++l) {
      const std::int32_t code = to_int(codes[l]);
      op.finer[at + l] = static_cast<std::int16_t>(code);
      if (op.squares != nullptr) op.squares[at + l] = static_cast<std::int16_t>(code * code >> square);
    }
  }

  /// Codes of the lanes that start at `lane` of each eighth of a group.
  template <class F>
  MQ_HD void disturb_group(std::uint32_t row, std::uint32_t group, std::uint32_t lane) const {
    using UInt = typename LaneTraits<F>::UInt;
    F z[4] = {F(0.0f), F(0.0f), F(0.0f), F(0.0f)};
    if (op.deviation > 0.0f) {  // the four draws of an Rng
      const auto block =
          philox(ascending_from<UInt>(group * 8 + lane), UInt(op.key.event),
                 UInt(static_cast<std::uint32_t>(op.first_row + row)), UInt(op.key.place), op.key.key);
      box_muller<F>(block.w[0], block.w[1], z[0], z[1]);
      box_muller<F>(block.w[2], block.w[3], z[2], z[3]);
    }
    MQ_UNROLL
    for (std::uint32_t draw = 0; draw < 4; ++draw) {
      disturb(row, std::size_t(group) * 32 + 8 * draw + lane, z[draw]);
    }
  }

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    constexpr std::uint32_t kWidth = LaneTraits<WideFloat>::kWidth;
    for (std::uint32_t i = first; i < last; i += kWidth) disturb_group<WideFloat>(row, i / 8, i % 8);
  }
};

/// The inputs of one term of one row; rows of `for_each_row` are rows times terms.
struct ShapeRow {
  ShapeInputs op;
  std::uint32_t terms;
  int square;  // shift of squares

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const std::uint32_t sample = row / terms, term = row % terms;
    const std::size_t from = sample * op.columns, to = row * op.columns;
    if (op.codes != nullptr) {
      const std::int16_t* codes = op.code_table + term * (2 * std::size_t(op.code_limit) + 1) + op.code_limit;
      for (std::uint32_t c = first; c < last; ++c) {
        const std::int32_t code = codes[op.codes[from + c]];
        op.to_codes[to + c] = static_cast<std::int16_t>(code);
        if (op.squares != nullptr && term == 0) {
          op.squares[to + c] = static_cast<std::int16_t>(code * code >> square);
        }
      }
      return;
    }
    const float* table = op.table + term * (2 * std::size_t(op.half) + 1);
    const float half = static_cast<float>(op.half);
    std::int64_t cuts = 0;
    for (std::uint32_t c = first; c < last; ++c) {
      const float x = op.x[from + c] / op.full_scale;
      cuts += abs(x) > 1.0f;
      const float place = fma(clamp(x, -1.0f, 1.0f), half, half);
      const std::int32_t most = static_cast<std::int32_t>(2 * op.half) - 1;
      std::int32_t i = static_cast<std::int32_t>(place);
      i = i > most ? most : i;
      const float share = place - static_cast<float>(i);
      op.to[to + c] = op.full_scale * fma(share, table[i + 1] - table[i], table[i]);
    }
    if (cuts > 0 && term == 0) add_from_any_thread(&op.counts->dac_clips, cuts);
  }
};

}  // namespace

void scale_rows(const Exec& exec, const ScaleRows& op) {
  if (op.finds_factors) {
    for_each(exec, op.rows, ClearFactor{op});
    for_each_row(exec, op.rows, (op.columns + kPiece - 1) / kPiece, RaiseFactor{op});
  }
  if (op.to != nullptr) for_each_row(exec, op.rows, op.columns, DivideRow{op});
}

void disturb_inputs(const Exec& exec, const DisturbInputs& op) {
  MQ_EXPECTS(op.first_row + op.batch <= std::uint64_t(1) << 32 && op.largest <= 32767);
  const float steps = static_cast<float>(1u << op.shift);
  for_each_row(exec, op.batch, (op.code_stride + 31) / 32 * 8,
               DisturbRow{op, steps, square_shift(op.largest)});
}

void shape_inputs(const Exec& exec, const ShapeInputs& op) {
  MQ_EXPECTS(op.terms > 0 && op.code_limit <= 32767 && op.square_limit <= 32767);
  for_each_row(exec, op.batch * op.terms, op.columns,
               ShapeRow{op, static_cast<std::uint32_t>(op.terms), square_shift(op.square_limit)});
}

}  // namespace mq::MQ_BACKEND
