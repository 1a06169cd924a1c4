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

double normal_of(const MvmLayer& op, const MvmTerm& term, std::uint32_t output, std::size_t row) {
  float z, spare;
  mvm_normals<float>(op, term, output / 16 * 16 + output % 8, op.first_row + row, z, spare);
  return output % 16 < 8 ? z : spare;
}

struct Sums {
  double mean = 0.0;     ///< sum_j w_j x_j
  double squares = 0.0;  ///< sum_j m_j x_j^2
};

Sums sums_of(const MvmLayer& op, const MvmTerm& term, Direction direction, std::uint32_t output,
             std::size_t row, const double* x) {
  const std::uint32_t inputs = inputs_of(term, direction);
  if (op.codes == nullptr) {
    Sums sums;
    for (std::uint32_t j = 0; j < inputs; ++j) {
      const double w = term.floats[float_index(term, direction, output, j)];
      const double value = x[row * op.x_stride + term.first_input + j];
      sums.mean += w * value;
      sums.squares += std::abs(w) * value * value;
    }
    return sums;
  }
  std::int64_t mean = 0, squares = 0;
  const std::int16_t* codes = op.codes + row * op.code_stride + term.first_input;
  const int shift = square_shift(op.code_limit);
  for (std::uint32_t j = 0; j < inputs; ++j) {
    const std::size_t at = integer_index(term, direction, output, j);
    mean += std::int64_t(term.codes[at]) * codes[j];
    if (term.magnitudes != nullptr) {
      squares += std::int64_t(term.magnitudes[at]) * ((std::int64_t(codes[j]) * codes[j]) >> shift);
    }
  }
  return {static_cast<double>(mean), static_cast<double>(squares)};
}

/// One output of one row: all terms of its block.
double total_of(const MvmLayer& op, Direction direction, std::size_t row, std::size_t out, const double* x,
                std::int64_t& clips) {
  const auto output = static_cast<std::uint32_t>(out % op.block);
  double total = 0.0, value = 0.0, variance = 0.0;
  for (std::size_t t = 0; t < op.terms_per_block; ++t) {
    const MvmTerm& term = op.terms[out / op.block * op.terms_per_block + t];
    const Sums sums = sums_of(op, term, direction, outputs_of(term, direction) == 1 ? 0 : output, row, x);
    value += sums.mean * term.scale;
    variance += sums.squares * term.read_variance + term.output_variance;
    if (term.is_held) continue;
    if (variance > 0.0) value += std::sqrt(variance) * normal_of(op, term, output, row);
    if (term.adc_codes_per_unit > 0.0f) {
      const double code = std::nearbyint(value * term.adc_codes_per_unit);
      clips += std::abs(code) > term.adc_limit;
      value = std::clamp(code, -double(term.adc_limit), double(term.adc_limit));
    }
    total += value * term.multiplier;
    value = variance = 0.0;
  }
  return total * op.y_lsb;
}

void multiply(const MvmLayer& op, Direction direction) {
  std::vector<double> x, y(op.batch * op.outputs);
  if (op.x != nullptr) x.assign(op.x, op.x + op.batch * op.x_stride);
  mvm_in_double(op, direction, x.data(), y.data());
  for (std::size_t i = 0; i < y.size(); ++i) op.y[i] = static_cast<float>(y[i]);
}

}  // namespace

void mvm_in_double(const MvmLayer& op, Direction direction, const double* x, double* y) {
  std::int64_t clips = 0;
  for (std::size_t row = 0; row < op.batch; ++row) {
    for (std::size_t out = 0; out < op.outputs; ++out) {
      y[row * op.outputs + out] = total_of(op, direction, row, out, x, clips);
    }
  }
  op.counts->adc_clips += clips;
}

void mvm(const Exec&, const MvmLayer& op) { multiply(op, Direction::forward); }

void mvm_transposed(const Exec&, const MvmLayer& op) { multiply(op, Direction::transposed); }

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
