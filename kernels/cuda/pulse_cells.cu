/// Pulsed update on CUDA: contract in kernels/pulse_cells.h. One thread owns one cell, so neighbours read
/// neighbours, and goes through the samples in groups of four, which share a Philox block.
#include "meltquench/devices/device.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/pulse_cells.h"

namespace mq::MQ_BACKEND {
namespace {

template <class Model>
struct PulseCell {
  typename Model::Params params;
  PulseCells op;
  CellFields<Model> cells;
  bool is_noisy;

  template <class F>
  __device__ void operator()(std::uint32_t i) const {
    const auto inputs = static_cast<std::uint32_t>(op.inputs);
    const std::uint32_t o = i / inputs, j = i % inputs;
    auto cell = cells.template load<F>(i);
    std::int64_t pulses = 0;
    const std::uint64_t first = op.first_sample, last = first + op.batch;
    for (std::uint64_t group = first / 4; 4 * group < last; ++group) {
      std::uint32_t count[4], differ[4], any = 0;
      MQ_UNROLL
      for (std::uint32_t q = 0; q < 4; ++q) {
        const std::uint64_t sample = 4 * group + q;
        const bool is_there = sample >= first && sample < last;
        const std::uint32_t x = is_there ? op.x[(sample - first) * op.x_stride + j] : 0;
        const std::uint32_t d = is_there ? op.d[(sample - first) * op.d_stride + o] : 0;
        count[q] = popcount(x & d & kPulseSlots);
        differ[q] = x ^ d;
        any |= count[q];
        pulses += count[q];
      }
      if (any == 0) continue;
      if (op.steps == PulseSteps::single) {
        for (std::uint32_t q = 0; q < 4; ++q) {
          single_steps(cell, i, 4 * static_cast<std::uint32_t>(group) + q, count[q], differ[q]);
        }
        continue;
      }
      F z[4] = {};
      if (is_noisy) pulse_normals<F>(op.key, i, static_cast<std::uint32_t>(group), z);
      MQ_UNROLL
      for (std::uint32_t q = 0; q < 4; ++q) pulse_once<Model, F>(params, cell, count[q], differ[q], z[q]);
    }
    cells.template store<F>(i, cell);
    add_to(reinterpret_cast<AtomicSum*>(op.pulses), pulses);
  }

 private:
  __device__ void single_steps(typename Model::template Cell<float>& cell, std::uint32_t i,
                               std::uint32_t sample, std::uint32_t count, std::uint32_t differ) const {
    std::uint32_t left = count;
    for (RngKey key = op.key; left > 0; ++key.event) {
      float z[4] = {};
      if (is_noisy) pulse_normals<float>(key, i, sample, z);
      MQ_UNROLL
      for (int n = 0; n < 4; ++n) {
        const std::uint32_t one = left > 0;
        pulse_once<Model, float>(params, cell, one, differ, z[n]);
        left -= one;
      }
    }
  }
};

}  // namespace

void pulse_cells(const Exec& exec, const PulseCells& op) {
  require_pulses(*op.cells.params);
  visit_model(*op.cells.params, [&]<class Model>(const typename Model::Params& params) {
    if constexpr (PulsedModel<Model>) {
      for_each(exec, op.outputs * op.inputs,
               PulseCell<Model>{params, op, CellFields<Model>(op.cells), Model::pulse_noise(params) != 0.0f});
    }
  });
}

}  // namespace mq::MQ_BACKEND
