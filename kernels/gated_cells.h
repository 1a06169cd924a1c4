/// Loops of pack_gated: contract in kernels/gated_products.h.
#pragma once

#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/gated_products.h"

namespace mq::MQ_BACKEND {

/// One input of all outputs, in the order of gated_products.
struct PackGatedInput {
  PackGated op;
  float unit;

  MQ_HD void operator()(std::uint32_t input, std::uint32_t first, std::uint32_t last) const {
    const std::size_t stride = padded_outputs(op.outputs);
    for (std::uint32_t o = first; o < last; ++o) {
      op.cells[input * stride + o] = o < op.outputs ? op.g[o * op.inputs + input] * unit : 0.0f;
    }
  }
};

/// All inputs of one output: cells that are read one at a time.
struct ReadAlone {
  PackGated op;

  MQ_HD static double resistance(const WireLine& line, std::uint32_t cell, std::size_t cells) {
    const double first = line.first + line.segment * cell,
                 last = line.last + line.segment * static_cast<double>(cells - 1 - cell);
    if (line.first == WireLine::kOpen) return last;
    if (line.last == WireLine::kOpen) return first;
    return first + last > 0.0 ? first * last / (first + last) : 0.0;
  }
  MQ_HD void operator()(std::uint32_t output, std::uint32_t first, std::uint32_t last) const {
    for (std::uint32_t i = first; i < last; ++i) {
      const double path =
          resistance(op.network.source, i, op.inputs) + resistance(op.network.bit, i, op.inputs);
      const std::size_t at = output * op.inputs + i;
      op.alone[at] = static_cast<float>(double(op.g[at]) / (1.0 + double(op.g[at]) * path));
    }
  }
};

inline void pack_gated_cells(const Exec& exec, const PackGated& op) {
  if (op.cells != nullptr) {
    const auto unit = static_cast<float>(gated_unit(op.network, op.inputs));
    for_each_row(exec, op.inputs, padded_outputs(op.outputs), PackGatedInput{op, unit});
  }
  if (op.alone != nullptr) for_each_row(exec, op.outputs, op.inputs, ReadAlone{op});
}

}  // namespace mq::MQ_BACKEND
