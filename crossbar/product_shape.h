/// A grid as a product sees it: blocks of outputs, and the tiles that share each.
#pragma once

#include <utility>

#include "meltquench/core/buffer.h"
#include "meltquench/crossbar/ranges.h"
#include "meltquench/kernels/mvm.h"

namespace mq {

struct ProductShape {
  std::size_t outputs, inputs, block, input_block, tiles;

  ProductShape(const TileGrid& grid, Direction direction)
      : outputs(grid.outputs),
        inputs(grid.inputs),
        block(grid.tile_outputs),
        input_block(grid.tile_inputs),
        tiles(grid.columns()) {
    if (direction == Direction::forward) return;
    std::swap(outputs, inputs);
    std::swap(block, input_block);
    tiles = grid.rows();
  }
  std::size_t blocks() const { return (outputs + block - 1) / block; }
};

/// At least `size` elements at data().
template <class T>
T* grown(const Exec& exec, Buffer<T>& memory, std::size_t size) {
  if (memory.size() < size) memory = Buffer<T>::uncleared(exec, size);
  return memory.data();
}

}  // namespace mq
