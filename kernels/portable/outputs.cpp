/// Loops over outputs, and over cells for their read noise: contracts in kernels/affine_outputs.h and
/// read_noise.h.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

#if defined(__CUDACC__) || defined(MQ_CUDA_ON_CPU)
using RowFloat = float;
#else
using RowFloat = WideFloat;
#endif

/// Calls body(F, o) for the columns [first, last) of a row, in lanes where there are enough.
template <class Body>
MQ_HD void in_lanes(std::uint32_t first, std::uint32_t last, const Body& body) {
  constexpr std::uint32_t kWidth = LaneTraits<RowFloat>::kWidth;
  std::uint32_t o = first;
  for (; o + kWidth <= last; o += kWidth) body(RowFloat(0.0f), o);
  if constexpr (kWidth > 1) {
    for (; o < last; ++o) body(0.0f, o);
  }
}

struct AffineRow {
  AffineOutputs op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    float* y = op.y + std::size_t(row) * op.outputs;
    in_lanes(first, last, [&](auto zero, std::uint32_t o) {
      using F = decltype(zero);
      F value = load<F>(y + o);
      if (op.row != nullptr) value = value * F(op.row[row]);
      if (op.scale != nullptr) value = value * load<F>(op.scale + o);
      if (op.offset != nullptr) value = value + load<F>(op.offset + o);
      store(y + o, value);
    });
  }
};

struct CellVariance {
  CellVariances op;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    F g = load<F>(op.g + i);
    if (op.base != nullptr) g = g - load<F>(op.base + i);
    F deviation = fma(g, F(op.scale), F(op.offset));
    if (op.before != nullptr) {
      const F before = load<F>(op.before + i), share = load<F>(op.after + i) / before;
      deviation = deviation * select(before > F(0.0f), share, F(1.0f));
    }
    const F before = op.adds ? load<F>(op.to + i) : F(0.0f);
    store(op.to + i, fma(deviation, deviation, before));
  }
};

struct MapCode {
  MapCodes op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    for (std::size_t i = std::size_t(row) * kRow + first; i < std::size_t(row) * kRow + last; ++i) {
      if (i >= op.size) return;
      const std::int32_t code = op.codes[i];
      op.to[i] = op.table[code < 0 ? -code : code];
    }
  }
  static constexpr std::uint32_t kRow = 4096;
};

struct NoisyRow {
  AddReadNoise op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    float* y = op.y + std::size_t(row) * op.outputs;
    const float* variance = op.variance + std::size_t(row) * op.outputs;
    in_lanes(first, last, [&](auto zero, std::uint32_t o) {
      using F = decltype(zero);
      using U = typename LaneTraits<F>::UInt;
      const auto place = static_cast<std::uint32_t>(op.first_row + row);
      Rng<F> rng(op.key, ascending_from<U>(o), U(place));
      store(y + o, fma(sqrt(load<F>(variance + o)), rng.normal(), load<F>(y + o)));
    });
  }
};

}  // namespace

void affine_outputs(const Exec& exec, const AffineOutputs& op) {
  for_each_row(exec, op.batch, op.outputs, AffineRow{op});
}

void cell_variances(const Exec& exec, const CellVariances& op) { for_each(exec, op.size, CellVariance{op}); }

void map_codes(const Exec& exec, const MapCodes& op) {
  for_each_row(exec, (op.size + MapCode::kRow - 1) / MapCode::kRow, MapCode::kRow, MapCode{op});
}

void add_read_noise(const Exec& exec, const AddReadNoise& op) {
  for_each_row(exec, op.batch, op.outputs, NoisyRow{op});
}

}  // namespace mq::MQ_BACKEND
