/// The oracle of the pulsed update: one cell after the other, sample after sample, every draw through Rng.
#include "meltquench/kernels/pulse_cells.h"

#include <bit>

#include "meltquench/devices/device.h"
#include "meltquench/kernels/backend.h"

namespace mq::reference {
namespace {

template <PulsedModel Model>
std::int64_t pulse_cell(const typename Model::Params& params, const PulseCells& op, std::size_t o,
                        std::size_t j) {
  const auto index = static_cast<std::uint32_t>(o * op.inputs + j);
  const CellFields<Model> cells(op.cells);
  auto cell = cells.template load<float>(index);
  std::int64_t pulses = 0;
  for (std::size_t b = 0; b < op.batch; ++b) {
    const std::uint32_t x = op.x[b * op.x_stride + j], d = op.d[b * op.d_stride + o];
    const std::uint32_t sample = op.first_sample + static_cast<std::uint32_t>(b);
    const bool is_up = (x ^ d) >> 31 == (op.is_mirrored ? 1u : 0u);
    const bool acts = is_up || !is_one_sided<Model>(params);
    const int count = acts ? std::popcount(x & d & kPulseSlots) : 0;
    pulses += count;
    if (op.steps == PulseSteps::single) {
      Rng<float> rng(op.key, index, sample);
      for (int n = 0; n < count; ++n) Model::pulse(params, cell, is_up, 1.0f, rng.normal());
    } else if (count > 0) {
      Rng<float> rng(op.key, index, sample / 4);
      for (std::uint32_t n = 0; n < sample % 4; ++n) rng.normal();
      Model::pulse(params, cell, is_up, static_cast<float>(count), rng.normal());
    }
  }
  cells.template store_first<kPulsedFields<Model>, float>(index, cell);
  return pulses;
}

}  // namespace

void pulse_cells(const Exec&, const PulseCells& op) {
  require_pulses(*op.cells.params);
  std::int64_t pulses = 0;
  visit_model(*op.cells.params, [&]<class Model>(const typename Model::Params& params) {
    if constexpr (PulsedModel<Model>) {
      for (std::size_t o = 0; o < op.outputs; ++o) {
        for (std::size_t j = 0; j < op.inputs; ++j) pulses += pulse_cell<Model>(params, op, o, j);
      }
    }
  });
  *op.pulses += pulses;
}

}  // namespace mq::reference
