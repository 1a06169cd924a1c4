#include <algorithm>

#include "backends.h"

namespace mq {
namespace {

/// A layer of random conductances and inputs; bits of 0: no converter.
struct Layer {
  std::size_t outputs = 33, inputs = 47, tile_outputs = 33, tile_inputs = 47, batch = 7;
  int dac_bits = 8, adc_bits = 0;
  float read_noise = 0.0f, output_noise = 0.0f;
  std::uint64_t first_row = 0;
  bool is_full_scale = false;  // the largest sums that can be
  Direction direction = Direction::forward;
  // Planes of inputs, each a term of every tile.
  std::uint32_t digit_bits = 0, digits = 1;
  bool splits_sign = false, holds = false;  // holds: all planes of a tile are one conversion
};

struct Product {
  std::vector<float> y;
  std::int64_t clips;
};

class LayerOnBackend {
 public:
  LayerOnBackend(const Exec& exec, const Layer& layer) : exec_(exec), layer_(layer), counts_(exec, 1) {
    from_ = layer.inputs, from_block_ = layer.tile_inputs;
    op_.outputs = layer.outputs, op_.block = layer.tile_outputs;
    if (layer.direction == Direction::transposed) {
      std::swap(from_, op_.outputs);
      std::swap(from_block_, op_.block);
    }
    const std::size_t tiles = (from_ + from_block_ - 1) / from_block_;
    op_.phases = layer.digits * (layer.splits_sign ? 2 : 1);
    op_.terms_per_block = tiles * op_.phases;
    op_.x_stride = from_;
    op_.counts = counts_.data();
    op_.batch = layer.batch;
    op_.y_lsb = layer.adc_bits > 0 ? 0x1p-20 : 1.0;
    op_.key = RngKey(99, Purpose::mvm_noise, 2).at_event(3).at_place(0, 17);
    op_.first_row = layer.first_row;
    x_ = on_backend(exec, layer.is_full_scale ? std::vector<float>(layer.batch * from_, 1.0f)
                                              : uniform_floats(layer.batch * from_, -1.05f, 1.05f, 5));
    if (layer.dac_bits > 0)
      quantize();
    else
      op_.x = x_.data();
    const std::size_t padded = layer.dac_bits > 0 ? padded_inputs(from_block_) : from_block_;
    std::vector<MvmTerm> terms;
    for (std::size_t b = 0; b < op_.blocks(); ++b) {
      for (std::size_t t = 0; t < tiles; ++t) {
        MvmTerm term = layer.direction == Direction::forward ? tile(b, t) : tile(t, b);
        for (std::size_t p = 0; p < op_.phases; ++p) {
          term.first_input = static_cast<std::uint32_t>((p * tiles + t) * padded);
          term.phase = static_cast<std::uint16_t>(p);
          term.slice = static_cast<std::uint16_t>(t % 16);
          term.is_held = layer.holds && p + 1 < op_.phases;
          terms.push_back(term);
          term.multiplier *= -2.0;
        }
      }
    }
    terms_ = on_backend(exec, terms);
    op_.terms = terms_.data();
  }

  Product run() {
    Buffer<float> y(exec_, layer_.batch * op_.outputs);
    op_.y = y.data();
    const KernelTable& table = kernels(exec_.backend);
    (layer_.direction == Direction::forward ? table.mvm : table.mvm_transposed)(exec_, op_);
    return {on_host(y), on_host(counts_)[0].adc_clips};
  }

 private:
  void quantize() {
    op_.code_stride = op_.terms_per_block * padded_inputs(from_block_);
    codes_ = Buffer<std::int16_t>(exec_, layer_.batch * op_.code_stride);
    squares_ = Buffer<std::int16_t>(exec_, layer_.batch * op_.code_stride);
    const auto limit = static_cast<float>((1 << (layer_.dac_bits - 1)) - 1);
    const QuantizeInputs quantize{.x = x_.data(),
                                  .batch = layer_.batch,
                                  .inputs = from_,
                                  .block = from_block_,
                                  .codes_per_unit = limit,
                                  .code_limit = limit,
                                  .codes = codes_.data(),
                                  .code_stride = op_.code_stride,
                                  .counts = counts_.data(),
                                  .squares = squares_.data(),
                                  .digit_bits = layer_.digit_bits,
                                  .digits = layer_.digits,
                                  .splits_sign = layer_.splits_sign};
    op_.code_limit = quantize.largest_code();
    kernels(exec_.backend).quantize_inputs(exec_, quantize);
    op_.codes = codes_.data();
    op_.squares = squares_.data();
  }

  /// Tile (r, c) as a term of its first plane of inputs.
  MvmTerm tile(std::size_t r, std::size_t c) {
    const std::size_t outputs = std::min(layer_.tile_outputs, layer_.outputs - r * layer_.tile_outputs);
    const std::size_t inputs = std::min(layer_.tile_inputs, layer_.inputs - c * layer_.tile_inputs);
    const auto index =
        static_cast<std::uint32_t>(r * ((layer_.inputs + layer_.tile_inputs - 1) / layer_.tile_inputs) + c);
    const std::vector<float> weights = layer_.is_full_scale
                                           ? std::vector<float>(outputs * inputs, 1.0f)
                                           : uniform_floats(outputs * inputs, -1.0f, 1.0f, 100 + index);
    const Buffer<float> plane = on_backend(exec_, weights);
    const std::size_t size = panel_size(outputs, inputs);
    PackPlane pack{.plane = plane.data(),
                   .outputs = outputs,
                   .inputs = inputs,
                   .codes_per_siemens = kWeightLimit,
                   .magnitudes_per_siemens = kMagnitudeLimit};
    pack.codes = panels_.emplace_back(exec_, size).data();
    pack.magnitudes = panels_.emplace_back(exec_, size).data();
    pack.floats = floats_.emplace_back(exec_, size).data();
    kernels(exec_.backend).pack_plane(exec_, pack);

    MvmTerm tile{.codes = pack.codes,
                 .magnitudes = pack.magnitudes,
                 .floats = pack.floats,
                 .outputs = static_cast<std::uint32_t>(outputs),
                 .inputs = static_cast<std::uint32_t>(inputs),
                 .tile = index};
    const float limit = static_cast<float>(std::max(op_.code_limit, 1));
    tile.scale = op_.codes != nullptr ? 1.0f / (limit * kWeightLimit) : 1.0f;
    const float per_square = op_.codes != nullptr ? static_cast<float>(1 << square_shift(op_.code_limit)) /
                                                        (limit * limit * kMagnitudeLimit)
                                                  : 1.0f;
    tile.read_variance = layer_.read_noise * layer_.read_noise * per_square;
    tile.output_variance = layer_.output_noise * layer_.output_noise;
    tile.multiplier = 1.0 + 0.1 * index;  // drift compensation
    if (layer_.adc_bits > 0) {
      tile.adc_limit = static_cast<float>((1 << (layer_.adc_bits - 1)) - 1);
      tile.adc_codes_per_unit = tile.adc_limit / 3.0f;  // cuts off a few outputs
      tile.multiplier = 1000.0 + index;
    }
    return tile;
  }

  Exec exec_;
  Layer layer_;
  MvmLayer op_;
  Buffer<float> x_;
  Buffer<ConverterCounts> counts_;
  std::size_t from_ = 0, from_block_ = 0;  // inputs of the product
  Buffer<std::int16_t> codes_, squares_;
  Buffer<MvmTerm> terms_;
  std::vector<Buffer<std::int16_t>> panels_;
  std::vector<Buffer<float>> floats_;
};

Product compare(const Layer& layer, const std::string& what) {
  const Product cpu = LayerOnBackend(kCpu, layer).run();
  Product cuda = LayerOnBackend(kCuda, layer).run();
  expect_same_bits(cpu.y, cuda.y, what);
  EXPECT_EQ(cpu.clips, cuda.clips) << what;
  return cuda;
}

TEST_F(OnCuda, ProductsHaveTheBitsOfTheCpuWithAndWithoutConvertersAndNoise) {
  for (const int dac_bits : {0, 2, 8, 12}) {
    for (const int adc_bits : {0, 8}) {
      for (const float read_noise : {0.0f, 0.05f}) {
        for (const float output_noise : {0.0f, 0.1f}) {
          compare({.dac_bits = dac_bits,
                   .adc_bits = adc_bits,
                   .read_noise = read_noise,
                   .output_noise = output_noise},
                  std::to_string(dac_bits) + "-bit DAC, " + std::to_string(adc_bits) +
                      "-bit ADC, read noise " + std::to_string(read_noise) + ", output noise " +
                      std::to_string(output_noise));
        }
      }
    }
  }
}

TEST_F(OnCuda, ProductsOfAnyShapeAndGridHaveTheBitsOfTheCpu) {
  const std::size_t shapes[][5] = {// outputs, inputs, tile outputs, tile inputs, batch
                                   {1, 1, 1, 1, 1},     {10, 128, 10, 128, 3}, {17, 3, 16, 2, 5},
                                   {40, 70, 16, 32, 4}, {100, 65, 33, 21, 13}, {64, 64, 64, 64, 61}};
  for (const auto& [outputs, inputs, tile_outputs, tile_inputs, batch] : shapes) {
    for (const int bits : {0, 8}) {
      compare({outputs, inputs, tile_outputs, tile_inputs, batch, bits, bits, 0.05f, 0.1f},
              std::to_string(outputs) + " x " + std::to_string(inputs) + " in tiles of " +
                  std::to_string(tile_outputs) + " x " + std::to_string(tile_inputs) + ", " +
                  std::to_string(bits) + " bits");
    }
  }
}

TEST_F(OnCuda, TransposedProductsHaveTheBitsOfTheCpu) {
  const std::size_t shapes[][5] = {// outputs, inputs, tile outputs, tile inputs, batch
                                   {1, 1, 1, 1, 1},     {10, 128, 10, 128, 3}, {17, 3, 16, 2, 5},
                                   {40, 70, 16, 32, 4}, {100, 65, 33, 21, 13}, {64, 64, 64, 64, 61}};
  for (const auto& [outputs, inputs, tile_outputs, tile_inputs, batch] : shapes) {
    for (const int bits : {0, 8, 12}) {
      Layer layer{outputs, inputs, tile_outputs, tile_inputs, batch, bits, bits, 0.05f, 0.1f};
      layer.direction = Direction::transposed;
      compare(layer, std::to_string(outputs) + " x " + std::to_string(inputs) + " transposed, " +
                         std::to_string(bits) + " bits");
    }
  }
}

// Sizes that take the paths for large products: rectangles of outputs and columns per warp, with odd edges.
TEST_F(OnCuda, LargeProductsHaveTheBitsOfTheCpu) {
  const Layer one_tile{.outputs = 1000,
                       .inputs = 45,
                       .tile_outputs = 1000,
                       .tile_inputs = 45,
                       .batch = 520,
                       .adc_bits = 8,
                       .read_noise = 0.05f,
                       .output_noise = 0.1f,
                       .first_row = 3};
  compare(one_tile, "one tile");
  Layer layer = one_tile;
  layer.dac_bits = 12;
  compare(layer, "one tile, 12 bits");
  layer.tile_inputs = 20, layer.tile_outputs = 500;
  compare(layer, "many tiles, 12 bits");
  layer.dac_bits = one_tile.dac_bits;
  compare(layer, "many tiles");
  layer.tile_outputs = 490, layer.outputs = 500, layer.batch = 265;
  compare(layer, "fewer of them");
  layer.dac_bits = 12;
  compare(layer, "12 bits");
  compare({.outputs = 520,
           .inputs = 530,
           .tile_outputs = 520,
           .tile_inputs = 530,
           .batch = 265,
           .is_full_scale = true},
          "more inputs than a sum of 32 bits takes");
}

TEST_F(OnCuda, LargeTransposedProductsHaveTheBitsOfTheCpu) {
  Layer layer{.outputs = 75,
              .inputs = 1000,
              .tile_outputs = 40,
              .tile_inputs = 510,
              .batch = 265,
              .adc_bits = 8,
              .read_noise = 0.05f,
              .output_noise = 0.1f,
              .first_row = 2,
              .direction = Direction::transposed};
  compare(layer, "8 bits");
  layer.dac_bits = 12;
  compare(layer, "12 bits");
}

TEST_F(OnCuda, PlanesOfInputsAndHeldConversionsHaveTheBitsOfTheCpu) {
  struct Case {
    int dac_bits;
    std::uint32_t digit_bits, digits;
    bool splits_sign, holds;
  };
  for (const Case& c : {Case{8, 0, 1, true, false}, Case{8, 1, 7, false, false}, Case{8, 4, 2, true, true},
                        Case{12, 3, 4, false, true}}) {
    Layer layer{.outputs = 70, .inputs = 50, .tile_outputs = 40, .tile_inputs = 30, .batch = 11};
    layer.dac_bits = c.dac_bits, layer.adc_bits = 8;
    layer.read_noise = 0.05f, layer.output_noise = 0.1f, layer.first_row = 1;
    layer.digit_bits = c.digit_bits, layer.digits = c.digits;
    layer.splits_sign = c.splits_sign, layer.holds = c.holds;
    const std::string what =
        std::to_string(c.digits) + " digits of " + std::to_string(c.digit_bits) + " bits";
    compare(layer, what);
    layer.direction = Direction::transposed;
    compare(layer, what + ", transposed");
    if (c.digits != 2) continue;
    layer.direction = Direction::forward;
    layer.outputs = layer.tile_outputs = 300, layer.inputs = layer.tile_inputs = 20, layer.batch = 420;
    compare(layer, what + ", a large product");
  }
}

TEST_F(OnCuda, ProductsOfEveryBatchAroundATileHaveTheBitsOfTheCpu) {
  for (const std::size_t batch : {1, 2, 7, 8, 9, 63, 64, 65, 130}) {
    Layer layer{.batch = batch, .adc_bits = 8, .read_noise = 0.05f, .output_noise = 0.1f};
    compare(layer, "batch " + std::to_string(batch));
    layer.dac_bits = 0, layer.first_row = 5;
    compare(layer, "batch " + std::to_string(batch) + " without a DAC");
  }
}

// More inputs than 32-bit sums hold: warps share them out.
TEST_F(OnCuda, SumsOverVeryManyInputsAreExact) {
  for (const int dac_bits : {8, 12}) {
    Layer layer{.outputs = 3, .inputs = 40000, .tile_outputs = 3, .tile_inputs = 40000, .batch = 2};
    layer.dac_bits = dac_bits, layer.read_noise = 0.05f, layer.is_full_scale = true;
    compare(layer, std::to_string(dac_bits) + " bits, forward");
    std::swap(layer.outputs, layer.inputs);
    std::swap(layer.tile_outputs, layer.tile_inputs);
    layer.direction = Direction::transposed;
    compare(layer, std::to_string(dac_bits) + " bits, transposed");
  }
}

TEST_F(OnCuda, ClippedConversionsAreCounted) {
  const Product product = compare({.inputs = 300, .tile_inputs = 100, .batch = 20, .adc_bits = 6}, "clips");
  EXPECT_GT(product.clips, 0);
}

TEST_F(OnCuda, SumsBeyond32BitsAreExact) {
  const Layer layer{.inputs = 999, .tile_inputs = 999, .batch = 2, .dac_bits = 12, .is_full_scale = true};
  const Product product = compare(layer, "full scale");
  EXPECT_EQ(product.y[0], 999.0f);  // 999 * 2047 * 32767 = 6.7e10 in units of the scale
  compare({.inputs = 999,
           .tile_inputs = 999,
           .batch = 2,
           .dac_bits = 12,
           .read_noise = 0.1f,
           .is_full_scale = true},
          "full scale with read noise");
}

TEST_F(OnCuda, NoiseBelongsToThePlaceInTheDataSetAndNotToTheBatch) {
  Layer layer{.batch = 6, .output_noise = 0.2f};
  for (const std::uint64_t first : {std::uint64_t(1), std::uint64_t(1) << 32}) {
    layer.first_row = first;
    compare(layer, "rows from " + std::to_string(first));
  }
  Layer one_row = layer;
  one_row.batch = 1;
  const std::vector<float> six = LayerOnBackend(kCuda, layer).run().y,
                           one = LayerOnBackend(kCuda, one_row).run().y;
  EXPECT_TRUE(std::equal(one.begin(), one.end(), six.begin()));
}

}  // namespace
}  // namespace mq
