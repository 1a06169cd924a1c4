/// Grouped MVM of a layer's tiles on CUDA, in its plain form: one thread makes one output of one row, tile
/// after tile.
///
/// The operations and their order are those of kernels/cpu/mvm.cpp, hence the same bits: integer sums are
/// exact, float sums run over ascending inputs, doubles over ascending tiles.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/mvm_epilogue.h"

namespace mq::MQ_BACKEND {
namespace {

/// sum_j w_j x_j and, with read noise, sum_j |w_j| x_j^2.
struct Sums {
  float mean = 0.0f, squares = 0.0f;
};

struct MvmOutput {
  MvmLayer op;
  std::uint32_t grid_inputs;
  int shift;  // of squared codes

  template <class F>
  __device__ void operator()(std::uint32_t i) const {
    const auto outputs = static_cast<std::uint32_t>(op.outputs),
               tile_outputs = static_cast<std::uint32_t>(op.tile_outputs);
    const std::uint32_t row = i / outputs, tile_row = i % outputs / tile_outputs,
                        output = i % outputs % tile_outputs;
    double total = 0.0;
    std::int64_t clipped = 0;
    for (std::uint32_t c = 0; c < grid_inputs; ++c) {
      const TilePlane& tile = op.tiles[tile_row * grid_inputs + c];
      const bool reads_noisily = tile.read_variance > 0.0f;
      const Sums sums = op.codes != nullptr ? integer_sums(tile, row, c, output, reads_noisily)
                                            : float_sums(tile, row, c, output, reads_noisily);
      F y = sums.mean * static_cast<float>(tile.scale);
      if (reads_noisily || tile.output_variance > 0.0f) {
        const F variance = reads_noisily ? fma(sums.squares, tile.read_variance, tile.output_variance)
                                         : tile.output_variance;
        y = add_noise(y, variance, normal(tile, row, output));
      }
      if (tile.adc_codes_per_unit > 0.0f) {
        bool is_clipped = false;
        y = adc_code(y, tile.adc_codes_per_unit, tile.adc_limit, is_clipped);
        clipped += is_clipped;
      }
      total += static_cast<double>(y) * tile.multiplier;
    }
    op.y[i] = static_cast<float>(total * op.y_lsb);
    add_to(&op.counts->adc_clips, clipped);
  }

 private:
  __device__ Sums integer_sums(const TilePlane& tile, std::uint32_t row, std::uint32_t c,
                               std::uint32_t output, bool reads_noisily) const {
    const std::int16_t* x = op.codes + row * op.code_stride + c * padded_inputs(op.tile_inputs);
    std::int64_t mean = 0, squares = 0;
    for (std::uint32_t j = 0; j < tile.inputs; ++j) {
      const std::size_t at = integer_panel_index(output, j, tile.inputs);
      const std::int32_t code = x[j];
      mean += std::int64_t(code) * tile.codes[at];
      if (reads_noisily) squares += std::int64_t(code * code >> shift) * tile.magnitudes[at];
    }
    return {static_cast<float>(mean), static_cast<float>(squares)};
  }

  __device__ Sums float_sums(const TilePlane& tile, std::uint32_t row, std::uint32_t c, std::uint32_t output,
                             bool reads_noisily) const {
    const float* x = op.x + row * op.inputs + c * op.tile_inputs;
    Sums sums;
    for (std::uint32_t j = 0; j < tile.inputs; ++j) {
      const float w = tile.floats[float_panel_index(output, j, tile.inputs)];
      sums.mean = fma(x[j], w, sums.mean);
      if (reads_noisily) sums.squares = fma(x[j] * x[j], abs(w), sums.squares);
    }
    return sums;
  }

  __device__ float normal(const TilePlane& tile, std::uint32_t row, std::uint32_t output) const {
    RngKey key = op.key;
    key.place = tile.tile << 16 | (key.place & 0xffffu);
    float z, spare;
    mvm_normals(key, output / 16 * 16 + output % 8, op.first_row + row, z, spare);
    return output % 16 < 8 ? z : spare;
  }
};

}  // namespace

void mvm(const Exec& exec, const MvmLayer& op) {
  const int shift = op.codes != nullptr ? square_shift(op.code_limit) : 0;
  for_each(exec, op.batch * op.outputs, MvmOutput{op, static_cast<std::uint32_t>(op.grid_inputs()), shift});
}

}  // namespace mq::MQ_BACKEND
