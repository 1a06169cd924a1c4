/// The oracle: every product is a plain sum in 64-bit integers or doubles, in the order of the equations in
/// mvm.h.
#include "meltquench/kernels/reference/mvm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/mvm_epilogue.h"

namespace mq::reference {
namespace {

double normal_of(const MvmLayer& op, const TilePlane& tile, std::size_t output, std::size_t row) {
  RngKey key = op.key;
  key.place = tile.tile << 16 | (key.place & 0xffffu);
  float z, spare;
  const auto o = static_cast<std::uint32_t>(output);
  mvm_normals<float>(key, o / 16 * 16 + o % 8, op.first_row + row, z, spare);
  return o % 16 < 8 ? z : spare;
}

struct Sums {
  double mean = 0.0;     ///< sum_j w_j x_j
  double squares = 0.0;  ///< sum_j m_j x_j^2
};

Sums sums_of(const MvmLayer& op, const TilePlane& tile, std::size_t c, std::size_t output, std::size_t row,
             const double* x) {
  if (op.codes == nullptr) {
    Sums sums;
    for (std::size_t j = 0; j < tile.inputs; ++j) {
      const double w = tile.floats[float_panel_index(output, j, tile.inputs)];
      const double value = x[row * op.inputs + c * op.tile_inputs + j];
      sums.mean += w * value;
      sums.squares += std::abs(w) * value * value;
    }
    return sums;
  }
  std::int64_t mean = 0, squares = 0;
  const std::int16_t* codes = op.codes + row * op.code_stride + c * padded_inputs(op.tile_inputs);
  const int shift = square_shift(op.code_limit);
  for (std::size_t j = 0; j < tile.inputs; ++j) {
    const std::size_t at = integer_panel_index(output, j, tile.inputs);
    mean += std::int64_t(tile.codes[at]) * codes[j];
    if (tile.magnitudes != nullptr) {
      squares += std::int64_t(tile.magnitudes[at]) * ((std::int64_t(codes[j]) * codes[j]) >> shift);
    }
  }
  return {static_cast<double>(mean), static_cast<double>(squares)};
}

}  // namespace

void mvm_in_double(const MvmLayer& op, const double* x, double* y) {
  std::int64_t clips = 0;
  for (std::size_t row = 0; row < op.batch; ++row) {
    for (std::size_t out = 0; out < op.outputs; ++out) {
      const std::size_t tile_row = out / op.tile_outputs, output = out % op.tile_outputs;
      double total = 0.0;
      for (std::size_t c = 0; c < op.grid_inputs(); ++c) {
        const TilePlane& tile = op.tiles[tile_row * op.grid_inputs() + c];
        const Sums sums = sums_of(op, tile, c, output, row, x);
        double value = sums.mean * tile.scale;
        const double variance = sums.squares * tile.read_variance + tile.output_variance;
        if (variance > 0.0) value += std::sqrt(variance) * normal_of(op, tile, output, row);
        if (tile.adc_codes_per_unit > 0.0f) {
          const double code = std::nearbyint(value * tile.adc_codes_per_unit);
          clips += std::abs(code) > tile.adc_limit;
          value = std::clamp(code, -double(tile.adc_limit), double(tile.adc_limit));
        }
        total += value * tile.multiplier;
      }
      y[row * op.outputs + out] = total * op.y_lsb;
    }
  }
  op.counts->adc_clips += clips;
}

void mvm(const Exec&, const MvmLayer& op) {
  std::vector<double> x, y(op.batch * op.outputs);
  if (op.x != nullptr) x.assign(op.x, op.x + op.batch * op.inputs);
  mvm_in_double(op, x.data(), y.data());
  for (std::size_t i = 0; i < y.size(); ++i) op.y[i] = static_cast<float>(y[i]);
}

void float_product(const Exec&, const FloatProduct& op) {
  for (std::size_t i = 0; i < op.rows; ++i) {
    for (std::size_t j = 0; j < op.columns; ++j) {
      double sum = op.adds ? op.c[i * op.c_row + j] : 0.0;
      for (std::size_t k = 0; k < op.depth; ++k) {
        sum += double(op.a[i * op.a_row + k * op.a_column]) * op.b[k * op.b_row + j * op.b_column];
      }
      op.c[i * op.c_row + j] = static_cast<float>(sum);
    }
  }
}

}  // namespace mq::reference
