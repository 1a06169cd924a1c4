/// Pulsed update on CUDA: contract in kernels/pulse_cells.h.
///
/// A block owns 8 bit lines by 32 word lines, a warp one of the bit lines, a thread one cell, which stays in
/// registers. Trains of 32 samples at a time lie in shared memory. Where coincidences are frequent, a thread
/// goes through them in groups of four samples that share a Philox block; where they are rare, the warp first
/// collects its pairs (cell, sample), draws their normals with all threads busy, and each thread then applies
/// its own. Both ways give the same bits.
#include "meltquench/devices/device.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/pulse_cells.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr std::uint32_t kColumns = 32, kRows = 8;  ///< of a block
constexpr std::uint32_t kSamples = 32;             ///< staged at once; the bits of a word
/// Pairs of a warp, of 32 x 32, up to which collecting them pays: eight rounds of draws instead of 32 blocks
/// for each thread.
constexpr std::uint32_t kPairs = 256;
constexpr unsigned kAllLanes = 0xffffffffu;

struct Staged {
  std::uint32_t x[kSamples][kColumns];
  std::uint32_t d[kSamples][kRows];
  std::uint32_t pairs[kRows][kPairs];  ///< sample << 5 | lane, then the bits of their normals
};

template <class Model>
struct Update {
  typename Model::Params params;
  PulseCells op;
  CellFields<Model> cells;
  std::uint32_t column_blocks;
  bool is_noisy, is_one_sided;
};

/// One pair (cell, sample).
struct Pair {
  std::uint32_t count, differ;
};
template <class Model>
__device__ Pair pair_of(const Update<Model>& u, std::uint32_t x, std::uint32_t d) {
  const std::uint32_t differ = sign_of(u.op, x, d);
  return {popcount(acting(u.is_one_sided, x & d, differ)), differ};
}

/// Trains of samples [first, first + 32) into shared memory; what lies outside the mini-batch or the array
/// has no pulses.
template <class Model>
__device__ void stage(const Update<Model>& u, Staged& staged, std::uint64_t first, std::uint32_t row0,
                      std::uint32_t column0) {
  const auto train = [&](const std::uint32_t* trains, std::size_t stride, std::size_t lines,
                         std::uint32_t sample, std::uint32_t line) {
    const std::uint64_t s = first + sample;
    const bool is_there = s >= u.op.first_sample && s - u.op.first_sample < u.op.batch && line < lines;
    return is_there ? trains[(s - u.op.first_sample) * stride + line] : 0u;
  };
  for (std::uint32_t i = threadIdx.x; i < kSamples * kColumns; i += kRows * kColumns) {
    const std::uint32_t sample = i / kColumns, column = i % kColumns;
    staged.x[sample][column] = train(u.op.x, u.op.x_stride, u.op.inputs, sample, column0 + column);
  }
  const std::uint32_t sample = threadIdx.x / kRows, row = threadIdx.x % kRows;
  staged.d[sample][row] = train(u.op.d, u.op.d_stride, u.op.outputs, sample, row0 + row);
}

template <class Model>
__device__ void single_steps(const Update<Model>& u, typename Model::template Cell<float>& cell,
                             std::uint32_t index, std::uint32_t sample, std::uint32_t count,
                             std::uint32_t differ) {
  RngKey key = u.op.key;
  for (std::uint32_t left = count; left > 0; ++key.event) {
    float z[4] = {};
    if (u.is_noisy) pulse_normals<float>(key, index, sample, z);
    MQ_UNROLL
    for (int n = 0; n < 4; ++n) {
      const std::uint32_t one = left > 0 ? 1u : 0u;
      pulse_once<Model, float>(u.params, cell, one, differ, z[n]);
      left -= one;
    }
  }
}

/// Group after group of four samples.
template <class Model>
__device__ void pulse_densely(const Update<Model>& u, const Staged& staged, std::uint32_t first_group,
                              typename Model::template Cell<float>& cell, std::uint32_t index) {
  const std::uint32_t lane = threadIdx.x % kColumns, warp = threadIdx.x / kColumns;
  for (std::uint32_t g = 0; g < kSamples / 4; ++g) {
    Pair pairs[4];
    std::uint32_t any = 0;
    MQ_UNROLL
    for (std::uint32_t q = 0; q < 4; ++q) {
      pairs[q] = pair_of(u, staged.x[4 * g + q][lane], staged.d[4 * g + q][warp]);
      any |= pairs[q].count;
    }
    if (any == 0) continue;
    if (u.op.steps == PulseSteps::single) {
      for (std::uint32_t q = 0; q < 4; ++q) {
        const Pair pair = pair_of(u, staged.x[4 * g + q][lane], staged.d[4 * g + q][warp]);
        single_steps(u, cell, index, 4 * (first_group + g) + q, pair.count, pair.differ);
      }
      continue;
    }
    float z[4] = {};
    if (u.is_noisy) pulse_normals<float>(u.op.key, index, first_group + g, z);
    MQ_UNROLL
    for (std::uint32_t q = 0; q < 4; ++q) {
      pulse_once<Model, float>(u.params, cell, pairs[q].count, pairs[q].differ, z[q]);
    }
  }
}

/// The samples whose bits are set in `met`, in their order; the warp shares the work of drawing. `total` is
/// the number of pairs of the warp, `before` that of the lanes below this one.
template <class Model>
__device__ void pulse_sparsely(const Update<Model>& u, Staged& staged, std::uint32_t first_group,
                               typename Model::template Cell<float>& cell, std::uint32_t index,
                               std::uint32_t met, std::uint32_t before, std::uint32_t total) {
  const std::uint32_t lane = threadIdx.x % kColumns, warp = threadIdx.x / kColumns;
  std::uint32_t* pairs = staged.pairs[warp];
  if (u.is_noisy) {
    std::uint32_t at = before;
    for (std::uint32_t left = met; left != 0; left &= left - 1) {
      pairs[at++] = static_cast<std::uint32_t>(__ffs(static_cast<int>(left)) - 1) << 5 | lane;
    }
    __syncwarp();
    for (std::uint32_t n = lane; n < total; n += kColumns) {
      const std::uint32_t sample = pairs[n] >> 5, owner = pairs[n] & 31u;
      const auto block = philox(index - lane + owner, u.op.key.event, first_group + sample / 4,
                                u.op.key.place, u.op.key.key);
      const bool is_later = (sample & 2u) != 0;
      float even, odd;
      box_muller<float>(is_later ? block.w[2] : block.w[0], is_later ? block.w[3] : block.w[1], even, odd);
      pairs[n] = to_bits((sample & 1u) != 0 ? odd : even);
    }
    __syncwarp();
  }
  std::uint32_t at = before;
  for (std::uint32_t left = met; left != 0; left &= left - 1) {
    const auto s = static_cast<std::uint32_t>(__ffs(static_cast<int>(left)) - 1);
    const Pair pair = pair_of(u, staged.x[s][lane], staged.d[s][warp]);
    pulse_once<Model, float>(u.params, cell, pair.count, pair.differ,
                             u.is_noisy ? from_bits(pairs[at]) : 0.0f);
    ++at;
  }
}

template <class Model>
__global__ void __launch_bounds__(kRows* kColumns)
    pulse_cells_kernel(const __grid_constant__ Update<Model> u) {
  __shared__ Staged staged;
  const std::uint32_t lane = threadIdx.x % kColumns, warp = threadIdx.x / kColumns;
  const std::uint32_t row0 = blockIdx.x / u.column_blocks * kRows,
                      column0 = blockIdx.x % u.column_blocks * kColumns;
  const auto inputs = static_cast<std::uint32_t>(u.op.inputs);
  const bool is_cell = row0 + warp < u.op.outputs && column0 + lane < inputs;
  const std::uint32_t index = (row0 + warp) * inputs + column0 + lane;
  typename Model::template Cell<float> cell{};
  if (is_cell) cell = u.cells.template load<float>(index);
  std::uint64_t pulses = 0;

  const std::uint64_t last = std::uint64_t(u.op.first_sample) + u.op.batch;
  for (std::uint64_t first = u.op.first_sample / 4 * 4; first < last; first += kSamples) {
    __syncthreads();  // until everybody is done with the trains before
    stage(u, staged, first, row0, column0);
    __syncthreads();

    std::uint32_t met = 0;
    for (std::uint32_t s = 0; s < kSamples; ++s) {
      const std::uint32_t count = pair_of(u, staged.x[s][lane], staged.d[s][warp]).count;
      met |= (count != 0 ? 1u : 0u) << s;
      pulses += count;
    }
    std::uint32_t before = popcount(met);  // pairs of lanes up to this one
    for (unsigned step = 1; step < kColumns; step *= 2) {
      const std::uint32_t below = __shfl_up_sync(kAllLanes, before, step);
      before += lane >= step ? below : 0;
    }
    const std::uint32_t total = __shfl_sync(kAllLanes, before, kColumns - 1);
    before -= popcount(met);
    const auto first_group = static_cast<std::uint32_t>(first / 4);
    if (total == 0) continue;
    if (total <= kPairs && u.op.steps == PulseSteps::aggregated) {
      pulse_sparsely(u, staged, first_group, cell, index, met, before, total);
    } else {
      pulse_densely(u, staged, first_group, cell, index);
    }
  }
  if (is_cell) u.cells.template store_first<kPulsedFields<Model>, float>(index, cell);
  for (unsigned step = kColumns / 2; step > 0; step /= 2) {
    pulses += __shfl_down_sync(kAllLanes, pulses, step);
  }
  if (lane == 0) add_to(u.op.pulses, static_cast<std::int64_t>(pulses));
}

}  // namespace

void pulse_cells(const Exec& exec, const PulseCells& op) {
  require_pulses(*op.cells.params);
  if (op.outputs * op.inputs * op.batch == 0) return;
  visit_model(*op.cells.params, [&]<class Model>(const typename Model::Params& params) {
    if constexpr (PulsedModel<Model>) {
      const auto columns = static_cast<std::uint32_t>((op.inputs + kColumns - 1) / kColumns);
      const auto rows = static_cast<std::uint32_t>((op.outputs + kRows - 1) / kRows);
      const Update<Model> update{params,
                                 op,
                                 CellFields<Model>(op.cells),
                                 columns,
                                 Model::pulse_noise(params) != 0.0f,
                                 is_one_sided<Model>(params)};
      MQ_LAUNCH(pulse_cells_kernel<Model>, rows * columns, kRows * kColumns, exec, update);
    }
  });
}

}  // namespace mq::MQ_BACKEND
