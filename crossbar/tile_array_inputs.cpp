/// The inputs of products: scaled sample by sample, converted to codes, disturbed by their drivers.
#include <cmath>

#include "meltquench/crossbar/product_shape.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {

/// How x becomes codes, and where `op` finds them.
QuantizeInputs TileArray::codes_for(const Exec& exec, Direction direction, const float* x, MvmLayer& op) {
  const ProductShape sizes(grid_, direction);
  op.code_limit = phase_limit();
  op.code_stride = phases_.count() * sizes.tiles * padded_inputs(sizes.input_block);
  const std::size_t size = op.batch * op.code_stride;
  QuantizeInputs inputs;
  inputs.x = x;
  inputs.batch = op.batch;
  inputs.inputs = sizes.inputs;
  inputs.block = sizes.input_block;
  inputs.codes_per_unit =
      static_cast<float>(largest_code(hardware_.dac.bits) / double(products(direction).ranges.dac));
  inputs.code_limit = static_cast<float>(largest_code(hardware_.dac.bits));
  inputs.digit_bits = phases_.digit_bits;
  inputs.digits = phases_.digits;
  inputs.splits_sign = phases_.splits_sign;
  inputs.codes = grown(exec, codes_, size);
  inputs.code_stride = op.code_stride;
  if (hardware_.tile.reads_noisily()) inputs.squares = grown(exec, squares_, size);
  inputs.counts = op.counts;
  op.codes = inputs.codes;
  op.squares = inputs.squares;
  return inputs;
}

bool TileArray::scales_rows(Direction direction) const {
  const InputScaling how = hardware_.dac.scaling;
  return direction == Direction::forward && (how == InputScaling::absmax || how == InputScaling::average);
}

const float* TileArray::scale_rows(const Exec& exec, MatrixView<const float> x, const float*& factors) {
  const KernelTable& table = kernels(backend_);
  const bool is_average = hardware_.dac.scaling == InputScaling::average;
  row_factors_ = Buffer<float>(exec, x.rows);
  ScaleRows op{.x = x.data, .rows = x.rows, .columns = x.columns, .factors = row_factors_.data()};
  op.to = grown(exec, scaled_, x.size());
  if (is_average) {
    std::vector<float> largest(x.rows);
    table.scale_rows(exec, {.x = x.data, .rows = x.rows, .columns = x.columns, .factors = op.factors});
    row_factors_.copy_to(largest);
    for (float& factor : largest) {
      factor = static_cast<float>(average_input_.next(factor, hardware_.dac.average_decay));
    }
    row_factors_.copy_from(largest);
    op.finds_factors = false;
  }
  table.scale_rows(exec, op);
  factors = row_factors_.data();
  return op.to;
}

void TileArray::disturb_inputs(const Exec& exec, int round, MvmLayer& op) {
  const std::size_t size = op.batch * op.code_stride;
  DisturbInputs disturb{.codes = op.codes,
                        .batch = op.batch,
                        .code_stride = op.code_stride,
                        .deviation = driver_.deviation,
                        .asymmetry = hardware_.dac.asymmetry,
                        .shift = driver_.shift};
  disturb.key = RngKey(address_.seed, Purpose::input_noise, address_.layer)
                    .at_moment(op.key.key ^ static_cast<std::uint64_t>(round))
                    .at_event(op.key.event >> 8)
                    .at_place(0, address_.chip);
  disturb.first_row = op.first_row;
  disturb.finer = grown(exec, fine_codes_, size);
  if (hardware_.tile.reads_noisily()) disturb.squares = grown(exec, squares_, size);
  disturb.largest = driver_.limit;
  kernels(backend_).disturb_inputs(exec, disturb);
  op.codes = disturb.finer;
  op.squares = disturb.squares;
  op.code_limit = driver_.limit;
}

}  // namespace mq
