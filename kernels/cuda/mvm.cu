/// Grouped MVM of a layer's tiles on CUDA, in its plain form: one thread makes one output of one row, term
/// after term.
///
/// The operations and their order are those of kernels/cpu/mvm.cpp, hence the same bits: integer sums are
/// exact, float sums run over ascending inputs, doubles over ascending terms.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/mvm_epilogue.h"

namespace mq::MQ_BACKEND {
namespace {

/// sum_j w_j x_j and, with read noise, sum_j |w_j| x_j^2.
struct Sums {
  float mean = 0.0f, squares = 0.0f;
};

template <Direction kDirection>
struct MvmOutput {
  MvmLayer op;
  int shift;  // of squared codes

  template <class F>
  __device__ void operator()(std::uint32_t i) const {
    const auto outputs = static_cast<std::uint32_t>(op.outputs), block = static_cast<std::uint32_t>(op.block);
    const std::uint32_t row = i / outputs, output = i % outputs % block;
    const MvmTerm* terms = op.terms + i % outputs / block * op.terms_per_block;
    double total = 0.0;
    std::int64_t clipped = 0;
    Conversion<F> sum;
    bool has_noise = false;
    for (std::size_t t = 0; t < op.terms_per_block; ++t) {
      const MvmTerm& term = terms[t];
      const bool reads_noisily = term.read_variance > 0.0f;
      const Sums sums = op.codes != nullptr ? integer_sums(term, row, output, reads_noisily)
                                            : float_sums(term, row, output, reads_noisily);
      if (reads_noisily) {
        sum.add(term, sums.mean, sums.squares);
      } else {
        sum.add(term, sums.mean);
      }
      has_noise = has_noise || is_noisy(term);
      if (term.is_held) continue;
      F y = has_noise ? add_noise(sum.y, sum.variance, normal(term, row, output)) : sum.y;
      if (term.adc_codes_per_unit > 0.0f) {
        bool is_clipped = false;
        y = adc_code(y, term.adc_codes_per_unit, term.adc_limit, is_clipped);
        clipped += is_clipped;
      }
      total += static_cast<double>(y) * term.multiplier;
      sum = {};
      has_noise = false;
    }
    op.y[i] = static_cast<float>(total * op.y_lsb);
    add_to(&op.counts->adc_clips, clipped);
  }

 private:
  __device__ Sums integer_sums(const MvmTerm& term, std::uint32_t row, std::uint32_t output,
                               bool reads_noisily) const {
    const std::int16_t* x = op.codes + row * op.code_stride + term.first_input;
    std::int64_t mean = 0, squares = 0;
    for (std::uint32_t j = 0; j < inputs_of(term, kDirection); ++j) {
      const std::size_t at = integer_index(term, kDirection, output, j);
      const std::int32_t code = x[j];
      mean += std::int64_t(code) * term.codes[at];
      if (reads_noisily) squares += std::int64_t(code * code >> shift) * term.magnitudes[at];
    }
    return {static_cast<float>(mean), static_cast<float>(squares)};
  }

  __device__ Sums float_sums(const MvmTerm& term, std::uint32_t row, std::uint32_t output,
                             bool reads_noisily) const {
    const float* x = op.x + row * op.x_stride + term.first_input;
    Sums sums;
    for (std::uint32_t j = 0; j < inputs_of(term, kDirection); ++j) {
      const float w = term.floats[float_index(term, kDirection, output, j)];
      sums.mean = fma(x[j], w, sums.mean);
      if (reads_noisily) sums.squares = fma(x[j] * x[j], abs(w), sums.squares);
    }
    return sums;
  }

  __device__ float normal(const MvmTerm& term, std::uint32_t row, std::uint32_t output) const {
    float z, spare;
    mvm_normals(op, term, output / 16 * 16 + output % 8, op.first_row + row, z, spare);
    return output % 16 < 8 ? z : spare;
  }
};

template <Direction kDirection>
void multiply(const Exec& exec, const MvmLayer& op) {
  const int shift = op.codes != nullptr ? square_shift(op.code_limit) : 0;
  for_each(exec, op.batch * op.outputs, MvmOutput<kDirection>{op, shift});
}

}  // namespace

void mvm(const Exec& exec, const MvmLayer& op) { multiply<Direction::forward>(exec, op); }

void mvm_transposed(const Exec& exec, const MvmLayer& op) { multiply<Direction::transposed>(exec, op); }

}  // namespace mq::MQ_BACKEND
