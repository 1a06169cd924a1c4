#include "meltquench/crossbar/ranges.h"

#include <algorithm>

#include "meltquench/kernels/kernel_table.h"

namespace mq {

void RangeFinder::look_at(const Exec& exec, MatrixView<const float> x, MatrixView<const float> w) {
  MQ_EXPECTS(x.columns == grid_.inputs && w.rows == grid_.outputs && w.columns == grid_.inputs);
  // The data are on the host, so a GPU's kernels cannot look at them.
  const KernelTable& table = kernels(exec.backend == Backend::cuda ? Backend::cpu : exec.backend);
  ranges_.dac = std::max(ranges_.dac, table.largest_magnitude(exec, x.data, x.size()));
  std::vector<float> partial(x.rows * grid_.tile_outputs);
  for (std::size_t r = 0; r < grid_.rows(); ++r) {
    for (std::size_t c = 0; c < grid_.columns(); ++c) {
      const std::size_t outputs = grid_.outputs_of(r);
      table.float_product(exec, {.rows = x.rows,
                                 .columns = outputs,
                                 .depth = grid_.inputs_of(c),
                                 .a = x.data + c * grid_.tile_inputs,
                                 .a_row = x.columns,
                                 .a_column = 1,
                                 .b = w.data + r * grid_.tile_outputs * w.columns + c * grid_.tile_inputs,
                                 .b_row = 1,
                                 .b_column = w.columns,
                                 .c = partial.data(),
                                 .c_row = outputs,
                                 .adds = false});
      float& range = ranges_.adc[r * grid_.columns() + c];
      range = std::max(range, table.largest_magnitude(exec, partial.data(), x.rows * outputs));
    }
  }
}

Ranges RangeFinder::ranges() const {
  Ranges result = ranges_;
  if (result.dac == 0.0f) result.dac = 1.0f;
  for (float& range : result.adc) {
    if (range == 0.0f) range = 1.0f;
  }
  return result;
}

}  // namespace mq
