#include "meltquench/training/weight_product.h"

#include "meltquench/kernels/kernel_table.h"

namespace mq {

void WeightProduct::multiply_patches(const Exec& exec, std::size_t weighted_layer, std::uint64_t first_row,
                                     const PatchRows& patches, MatrixView<float> y) {
  const Windows& w = patches.windows;
  kernels(exec.backend)
      .training.gather_patches(exec, {.windows = w, .images = patches.images, .patches = patches.memory});
  const std::size_t inputs = std::size_t(w.channels) * w.size * w.size;
  multiply(exec, weighted_layer, first_row, {patches.memory, y.rows, inputs}, y);
}

}  // namespace mq
