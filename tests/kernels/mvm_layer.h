/// A layer of tiles with random weights and inputs, for the tests of the grouped MVM.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "tables.h"

namespace mq {

struct LayerOptions {
  std::size_t outputs = 40, inputs = 50, tile_outputs = 33, tile_inputs = 17, batch = 13;
  int dac_bits = 8;           ///< 0: float inputs
  int adc_bits = 0;           ///< 0: no ADC
  float output_sigma = 0.0f;  ///< in units of y
  float read_sigma = 0.0f;    ///< variance = read_sigma^2 sum |w| x^2
  float adc_range = 4.0f;
  bool is_extreme = false;  ///< largest codes everywhere
  Direction direction = Direction::forward;
};

/// Owns what an MvmLayer borrows. Weights and inputs lie in (-1, 1); y = w x, or w^T x. `to` are the outputs
/// of the product, `from` its inputs: rows and columns of w, or columns and rows.
class TestLayer {
 public:
  explicit TestLayer(const LayerOptions& o)
      : options(o),
        to(is_forward() ? o.outputs : o.inputs),
        from(is_forward() ? o.inputs : o.outputs),
        to_block(is_forward() ? o.tile_outputs : o.tile_inputs),
        from_block(is_forward() ? o.tile_inputs : o.tile_outputs) {
    op_.outputs = to;
    op_.block = to_block;
    op_.terms_per_block = (from + from_block - 1) / from_block;
    op_.x_stride = from;
    op_.code_limit = o.dac_bits > 0 ? (1 << (o.dac_bits - 1)) - 1 : 0;
    op_.key = RngKey(3, Purpose::mvm_noise, 2).at_moment(1).at_event(4).at_place(0, 6);
    w = uniforms(o.outputs * o.inputs, 11);
    x = uniforms(o.batch * from, 12);
    if (o.is_extreme) {
      for (float& value : w) value = 1.0f;
      for (float& value : x) value = -1.0f;
    }
    make_codes();
    make_tiles();
  }

  /// y of rows [first, first + count) on one table; `clips` gets the clipped conversions.
  std::vector<float> run(const KernelTable& table, int threads = 1, std::size_t first = 0,
                         std::size_t count = ~0u, std::int64_t* clips = nullptr) const {
    MvmLayer op = op_;
    op.batch = std::min(count, options.batch - first);
    op.first_row = first_row + first;
    std::vector<std::int16_t> squares;
    for (const std::int16_t code : codes)
      squares.push_back(static_cast<std::int16_t>(code * code >> square_shift(op.code_limit)));
    if (options.dac_bits > 0) {
      op.codes = codes.data() + first * op.code_stride;
      op.squares = squares.data() + first * op.code_stride;
    } else {
      op.x = x.data() + first * from;
    }
    op.terms = terms.data();
    std::vector<float> y(op.batch * op.outputs, NAN);
    op.y = y.data();
    ConverterCounts counts;
    op.counts = &counts;
    (is_forward() ? table.mvm : table.mvm_transposed)(Exec{.threads = threads}, op);
    if (clips != nullptr) *clips = counts.adc_clips;
    return y;
  }

  bool is_forward() const { return options.direction == Direction::forward; }
  /// Weight and input as the product sees them: codes where there is a DAC.
  double weight(std::size_t output, std::size_t input) const {
    const MvmTerm& t = terms[output / to_block * op_.terms_per_block + input / from_block];
    const auto o = static_cast<std::uint32_t>(output % to_block),
               j = static_cast<std::uint32_t>(input % from_block);
    return options.dac_bits > 0 ? t.codes[integer_index(t, options.direction, o, j)]
                                : t.floats[float_index(t, options.direction, o, j)];
  }
  double input(std::size_t row, std::size_t j) const {
    if (options.dac_bits == 0) return x[row * from + j];
    return codes[row * op_.code_stride + j / from_block * padded_inputs(from_block) + j % from_block];
  }

  LayerOptions options;
  std::size_t to, from, to_block, from_block;
  std::vector<float> w, x;
  std::vector<std::int16_t> codes;
  std::vector<MvmTerm> terms;
  std::uint64_t first_row = 1000;

 private:
  void make_codes() {
    if (options.dac_bits == 0) return;
    op_.code_stride = op_.terms_per_block * padded_inputs(from_block);
    codes.assign(options.batch * op_.code_stride, 0);
    const float limit = static_cast<float>(op_.code_limit);
    ConverterCounts counts;
    kernels(Backend::cpu)
        .quantize_inputs(Exec{}, {.x = x.data(),
                                  .batch = options.batch,
                                  .inputs = from,
                                  .block = from_block,
                                  .codes_per_unit = limit,
                                  .code_limit = limit,
                                  .codes = codes.data(),
                                  .code_stride = op_.code_stride,
                                  .counts = &counts});
  }

  void make_tiles() {
    const bool has_dac = options.dac_bits > 0;
    panels_.resize(op_.blocks() * op_.terms_per_block);
    for (std::size_t t = 0; t < panels_.size(); ++t) {
      const std::size_t block = t / op_.terms_per_block, term_of_block = t % op_.terms_per_block;
      const std::size_t r = (is_forward() ? block : term_of_block) * options.tile_outputs,
                        c = (is_forward() ? term_of_block : block) * options.tile_inputs;
      const std::size_t outputs = std::min(options.tile_outputs, options.outputs - r);
      const std::size_t inputs = std::min(options.tile_inputs, options.inputs - c);
      std::vector<float> plane;
      for (std::size_t o = 0; o < outputs; ++o) {
        for (std::size_t j = 0; j < inputs; ++j) plane.push_back(w[(r + o) * options.inputs + c + j]);
      }
      Panels& p = panels_[t];
      const std::size_t size = panel_size(outputs, inputs);
      if (has_dac) p.codes.resize(size), p.magnitudes.resize(size);
      if (!has_dac) p.floats.resize(size);
      kernels(Backend::cpu)
          .pack_plane(Exec{}, {.plane = plane.data(),
                               .outputs = outputs,
                               .inputs = inputs,
                               .codes_per_siemens = 32767.0f,
                               .magnitudes_per_siemens = 127.0f,
                               .codes = p.codes.data(),
                               .magnitudes = p.magnitudes.data(),
                               .floats = p.floats.data()});
      MvmTerm tile;
      tile.codes = p.codes.data();
      tile.magnitudes = p.magnitudes.data();
      tile.floats = p.floats.data();
      tile.outputs = static_cast<std::uint32_t>(outputs);
      tile.inputs = static_cast<std::uint32_t>(inputs);
      tile.tile = static_cast<std::uint32_t>(t);
      tile.first_input =
          static_cast<std::uint32_t>(term_of_block * (has_dac ? padded_inputs(from_block) : from_block));
      tile.scale = has_dac ? static_cast<float>(1.0 / (32767.0 * op_.code_limit)) : 1.0f;
      const double per_square =
          has_dac ? std::ldexp(1.0, square_shift(op_.code_limit)) / (127.0 * op_.code_limit * op_.code_limit)
                  : 1.0;
      tile.read_variance = static_cast<float>(options.read_sigma * options.read_sigma * per_square);
      tile.output_variance = options.output_sigma * options.output_sigma;
      if (options.adc_bits > 0) {
        tile.adc_limit = static_cast<float>((1 << (options.adc_bits - 1)) - 1);
        tile.adc_codes_per_unit = tile.adc_limit / options.adc_range;
        tile.multiplier = 1000.0 + static_cast<double>(t);  // as if each tile had a range of its own
      }
      terms.push_back(tile);
    }
    op_.y_lsb = options.adc_bits > 0 ? 1e-3 * options.adc_range / terms[0].adc_limit : 1.0;
  }

  struct Panels {
    std::vector<std::int16_t> codes, magnitudes;
    std::vector<float> floats;
  };
  std::vector<Panels> panels_;
  MvmLayer op_;
};

}  // namespace mq
