/// Products of gated arrays in doubles, by elimination of one node after the other.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/gated_cells.h"
#include "meltquench/kernels/gated_ladder.h"

namespace mq::MQ_BACKEND {
namespace {

/// 0 for an end without terminal.
double conductance(double ohm) { return ohm == WireLine::kOpen ? 0.0 : TiedLadder<double>::conductance(ohm); }

double conducted(const GatedProducts& op, const std::int16_t* codes, std::size_t output, std::int16_t code) {
  const std::size_t stride = padded_outputs(op.outputs);
  const double unit = gated_unit(op.network, op.inputs);
  const WireLine &source = op.network.source, &bit = op.network.bit;
  TiedLadder<double> ladder;
  ladder.start(conductance(source.first), conductance(bit.first));
  for (std::size_t i = 0; i < op.inputs; ++i) {
    if (i > 0) ladder.pass(source.segment, bit.segment);
    if (codes[i] == code) ladder.add_rung(double(op.cells[i * stride + output]) / unit);
  }
  return ladder.finish(conductance(source.last), conductance(bit.last));
}

}  // namespace

void pack_gated(const Exec& exec, const PackGated& op) { pack_gated_cells(exec, op); }

void gated_products(const Exec& exec, const GatedProducts& op) {
  if (op.inputs == 0) return;
  for_each_row(exec, op.batch, op.outputs, [&](std::uint32_t row, std::uint32_t first, std::uint32_t last) {
    const std::int16_t* codes = op.codes + row * op.code_stride;
    for (std::uint32_t o = first; o < last; ++o) {
      const double sum = conducted(op, codes, o, 1) - conducted(op, codes, o, -1);
      float& y = op.y[row * op.outputs + o];
      y = static_cast<float>(double(op.scale) * sum + (op.adds ? double(y) : 0.0));
    }
  });
}

}  // namespace mq::MQ_BACKEND
