/// Pulsed update of an array: cells [outputs, inputs] move where trains of their lines coincide.
///
/// For sample after sample, cell (o, j) sees c = popcount(x[j] & d[o]) coincidences, up if x[j] and d[o] have
/// equal signs, else down, and `Model::pulse` says what they do. With trains of length L and probabilities px
/// and pd, E[c] = L px pd. A cell sees its samples in their order, so the result does not depend on how a
/// mini-batch is split into calls, nor on threads, lanes, or whether a kernel skips or gathers cells.
///
/// Normals, one per pair (cell, sample) or pulse: the four of a Philox block go to the same cell and
/// - `aggregated`: samples 4n to 4n + 3 of the mini-batch: draw s % 4 of Rng(key, cell, s / 4);
/// - `single`: pulse n of sample s is draw n of Rng(key, cell, s).
/// So lanes are neighbouring cells and every backend uses all of a block. A pair without coincidences leaves
/// its draw unused.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/random.h"
#include "meltquench/kernels/cells.h"
#include "meltquench/kernels/pulse_trains.h"

namespace mq {

/// How the coincidences of one sample act on a cell.
enum class PulseSteps {
  aggregated,  ///< as one step, with the slope that the cell has before it
  single,      ///< one after the other, each with its own noise; slower
};

/// Expects cells of a PulsedModel. Throws ConfigError for others.
struct PulseCells {
  CellsView cells{};  ///< [outputs, inputs], row-major
  std::size_t outputs = 0;
  std::size_t inputs = 0;
  std::size_t batch = 0;
  const std::uint32_t* x = nullptr;  ///< trains of the word lines [batch, inputs], rows `x_stride` apart
  std::size_t x_stride = 0;
  const std::uint32_t* d = nullptr;  ///< trains of the bit lines [batch, outputs], rows `d_stride` apart
  std::size_t d_stride = 0;
  PulseSteps steps = PulseSteps::aggregated;
  bool is_mirrored = false;  ///< equal signs of x and d act as down: the minus side of a one-sided pair
  RngKey key{};              ///< block 0
  std::uint32_t first_sample = 0;
  std::int64_t* pulses = nullptr;  ///< on the backend: the number of coincidences is added
};

/// The first four normals of Rng(key, cell, row): those of samples 4 `row` to 4 `row` + 3, or, with the
/// number of a block added to key.event, of four pulses of sample `row`.
template <class F, class U = typename LaneTraits<F>::UInt>
MQ_HD void pulse_normals(const RngKey& key, U cell, std::uint32_t row, F (&z)[4]) {
  const auto block = philox(cell, U(key.event), U(row), U(key.place), key.key);
  box_muller<F>(block.w[0], block.w[1], z[0], z[1]);
  box_muller<F>(block.w[2], block.w[3], z[2], z[3]);
}

/// Coincidences of x and d that move a cell: `differ` as `sign_of` gives it. Of a one-sided model those down
/// do nothing, and are not counted.
template <class U>
MQ_HD U acting(bool is_one_sided, U common, U differ) {
  return common & kPulseSlots & ~((U(0u) - (differ >> 31)) & (is_one_sided ? 0xffffffffu : 0u));
}

/// x ^ d, of which only bit 31 is looked at: clear for up.
template <class U>
MQ_HD U sign_of(const PulseCells& op, U x, U d) {
  return x ^ d ^ (op.is_mirrored ? 0x80000000u : 0u);
}

/// What `count` coincidences of one sample do to cells.
template <class Model, class F, class U = typename LaneTraits<F>::UInt>
MQ_HD void pulse_once(const typename Model::Params& params, typename Model::template Cell<F>& cell, U count,
                      U differ, F z) {
  Model::template pulse<F>(params, cell, as_signed(differ) >= typename LaneTraits<F>::Int(0),
                           to_float(as_signed(count)), z);
}

}  // namespace mq
