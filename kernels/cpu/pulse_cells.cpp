/// Pulsed update on the CPU: contract in kernels/pulse_cells.h.
///
/// Two ways, the same bits. Dense: lanes are neighbouring cells, which stay in registers for a block of
/// samples; a group of four samples costs one Philox block per cell, unless no lane saw a coincidence.
/// Sparse: first the pairs (cell, sample) with coincidences are written to a list, sample by sample; their
/// normals are drawn with all lanes busy; then the list is applied in its order, which is the order of
/// samples for each cell.
#include "meltquench/kernels/pulse_cells.h"

#include <array>

#include "meltquench/core/thread_team.h"
#include "meltquench/devices/device.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr std::size_t kBlock = 64;   ///< samples whose trains of one bit line are looked at together
constexpr std::size_t kList = 2048;  ///< pairs that are collected before they are applied
/// Mean coincidences per pair below which collecting pairs pays; measured, see bench/pulse.cpp.
constexpr double kSparse = 0.15;

using Word = typename LaneTraits<WideFloat>::UInt;
constexpr std::size_t kWidth = LaneTraits<WideFloat>::kWidth;

/// The trains of a block of samples, in whole groups of four: absent samples have no pulses.
struct Samples {
  std::uint32_t first_group = 0;
  std::size_t groups = 0;
  std::array<const std::uint32_t*, kBlock> x;  ///< word lines, per sample
  std::array<std::size_t, kBlock> x_pulses;    ///< their pulses, of all word lines together
};

/// The trains of one bit line in a block of samples.
struct BitLine {
  std::array<std::uint32_t, kBlock> d;
  double expected_pulses = 0.0;  ///< if pulses of x and d meet at random
};

MQ_HD bool any_pulse(std::uint32_t common) { return common != 0; }
template <int N>
MQ_HD bool any_pulse(UIntLanes<N> common) {
#if defined(__AVX2__)
  if constexpr (N == 8) return _mm256_testz_si256(__m256i(common.v), __m256i(common.v)) == 0;
#endif
  std::uint32_t all = 0;
  for (int i = 0; i < N; ++i) all |= common.v[i];
  return all != 0;
}

[[maybe_unused]] MQ_HD std::uint32_t lane(std::uint32_t a, std::size_t) { return a; }
template <int N>
MQ_HD std::uint32_t lane(UIntLanes<N> a, std::size_t i) {
  return a.v[i];
}

/// Pairs with coincidences, in the order in which they are applied.
struct PairList {
  // Whole vectors are written, of which the next overwrites what is beyond `size`.
  alignas(64) std::array<std::uint32_t, kList + 16> cell, sample, count, differ;
  alignas(64) std::array<float, kList + 16> z;
  std::size_t size = 0;
};

#if defined(__AVX2__) && !defined(MQ_SCALAR)
/// For each mask of 8 lanes, the lanes that are set, from low to high.
constexpr std::array<std::array<std::uint8_t, 8>, 256> kSetLanes = [] {
  std::array<std::array<std::uint8_t, 8>, 256> table{};
  for (unsigned mask = 0; mask < 256; ++mask) {
    unsigned n = 0;
    for (unsigned lane = 0; lane < 8; ++lane) {
      if (mask >> lane & 1u) table[mask][n++] = static_cast<std::uint8_t>(lane);
    }
  }
  return table;
}();
#endif

/// Appends the pairs of cells `first`, `first` + 1, ... that have coincidences.
MQ_HD void append(PairList& list, std::uint32_t first, std::uint32_t sample, Word common, Word differ) {
#if defined(__AVX2__) && !defined(MQ_SCALAR)
  const __m256i is_zero = _mm256_cmpeq_epi32(__m256i(common.v), _mm256_setzero_si256());
  const unsigned mask = 255u & ~static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(is_zero)));
  const __m256i lanes =
      _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(kSetLanes[mask].data())));
  const auto to = [&](std::uint32_t* p, __m256i v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + list.size), v);
  };
  to(list.cell.data(), _mm256_add_epi32(lanes, _mm256_set1_epi32(static_cast<int>(first))));
  to(list.sample.data(), _mm256_set1_epi32(static_cast<int>(sample)));
  to(list.count.data(), _mm256_permutevar8x32_epi32(__m256i(common.v), lanes));
  to(list.differ.data(), _mm256_permutevar8x32_epi32(__m256i(differ.v), lanes));
  list.size += static_cast<std::size_t>(__builtin_popcount(mask));
#else
  for (std::size_t i = 0; i < kWidth; ++i) {
    list.cell[list.size] = first + static_cast<std::uint32_t>(i);
    list.sample[list.size] = sample;
    list.count[list.size] = lane(common, i);
    list.differ[list.size] = lane(differ, i);
    list.size += lane(common, i) != 0;
  }
#endif
}

MQ_HD void append_one(PairList& list, std::uint32_t cell, std::uint32_t sample, std::uint32_t common,
                      std::uint32_t differ) {
  list.cell[list.size] = cell;
  list.sample[list.size] = sample;
  list.count[list.size] = common;
  list.differ[list.size] = differ;
  list.size += common != 0;
}

template <class Model>
class Update {
 public:
  Update(const typename Model::Params& params, const PulseCells& op)
      : params_(params),
        op_(op),
        cells_(op.cells),
        is_noisy_(Model::pulse_noise(params) != 0.0f),
        is_one_sided_(is_one_sided<Model>(params)),
        steps_one_by_one_(op.steps == PulseSteps::single) {}

  /// All samples of the block on row o; returns the number of coincidences.
  std::int64_t row(std::size_t o, const Samples& samples, const BitLine& line) const {
    if (!steps_one_by_one_ && line.expected_pulses < kSparse * double(kBlock * op_.inputs)) {
      return sparse_row(o, samples, line);
    }
    std::int64_t pulses = 0;
    std::size_t j = 0;
    for (; j + kWidth <= op_.inputs; j += kWidth) pulses += cells_of_row<WideFloat>(o, j, samples, line);
    for (; j < op_.inputs; ++j) pulses += cells_of_row<float>(o, j, samples, line);
    return pulses;
  }

 private:
  template <class F>
  MQ_HD std::int64_t cells_of_row(std::size_t o, std::size_t j, const Samples& samples,
                                  const BitLine& line) const {
    using U = typename LaneTraits<F>::UInt;
    const auto first = static_cast<std::uint32_t>(o * op_.inputs + j);
    const U index = ascending_from<U>(first);
    auto cell = cells_.template load<F>(first);
    U pulses = U(0u);
    for (std::size_t g = 0; g < samples.groups; ++g) {
      U common[4], differ[4], any = U(0u);
      MQ_UNROLL
      for (std::size_t q = 0; q < 4; ++q) {
        const U x = load<U>(samples.x[4 * g + q] + j), d = U(line.d[4 * g + q]);
        differ[q] = sign_of(op_, x, d);
        common[q] = acting(is_one_sided_, x & d, differ[q]);
        any = any | common[q];
      }
      if (!any_pulse(any)) continue;
      const std::uint32_t group = samples.first_group + static_cast<std::uint32_t>(g);
      if (steps_one_by_one_) {
        for (std::uint32_t q = 0; q < 4; ++q) {
          pulses = pulses + single_steps<F>(cell, index, 4 * group + q, popcount(common[q]), differ[q]);
        }
        continue;
      }
      F z[4] = {F(0.0f), F(0.0f), F(0.0f), F(0.0f)};
      if (is_noisy_) pulse_normals<F>(op_.key, index, group, z);
      MQ_UNROLL
      for (std::size_t q = 0; q < 4; ++q) {
        const U count = popcount(common[q]);
        pulses = pulses + count;
        pulse_once<Model, F>(params_, cell, count, differ[q], z[q]);
      }
    }
    cells_.template store_first<kPulsedFields<Model>, F>(first, cell);
    return sum(pulses);
  }

  /// One pulse after the other, in lanes that still have one.
  template <class F, class U>
  MQ_HD U single_steps(typename Model::template Cell<F>& cell, U index, std::uint32_t sample, U count,
                       U differ) const {
    U left = count;
    for (RngKey key = op_.key; any_pulse(left); ++key.event) {
      F z[4] = {F(0.0f), F(0.0f), F(0.0f), F(0.0f)};
      if (is_noisy_) pulse_normals<F>(key, index, sample, z);
      MQ_UNROLL
      for (int n = 0; n < 4; ++n) {
        const U one = min_one(left);
        pulse_once<Model, F>(params_, cell, one, differ, z[n]);
        left = left - one;
      }
    }
    return count;
  }

  /// 1 where a <= 31 is not 0, else 0.
  template <class U>
  MQ_HD static U min_one(U a) {
    return (a + 31u) >> 5;
  }

  MQ_HD static std::int64_t sum(std::uint32_t a) { return a; }
  template <int N>
  MQ_HD static std::int64_t sum(UIntLanes<N> a) {
    std::int64_t total = 0;
    for (int i = 0; i < N; ++i) total += a.v[i];
    return total;
  }

  std::int64_t sparse_row(std::size_t o, const Samples& samples, const BitLine& line) const {
    PairList list;
    std::int64_t pulses = 0;
    const auto first = static_cast<std::uint32_t>(o * op_.inputs);
    for (std::size_t s = 0; s < 4 * samples.groups; ++s) {
      const std::uint32_t d = line.d[s], sample = 4 * samples.first_group + static_cast<std::uint32_t>(s);
      if ((d & kPulseSlots) == 0) continue;
      const std::uint32_t* x = samples.x[s];
      std::size_t j = 0;
      while (j < op_.inputs) {
        // As many cells as fit into the list, however many of them have coincidences.
        const std::size_t room = kList - list.size, end = op_.inputs - j < room ? op_.inputs : j + room;
        for (; j + kWidth <= end; j += kWidth) {
          const Word of_x = load<Word>(x + j), differ = sign_of(op_, of_x, Word(d));
          append(list, first + static_cast<std::uint32_t>(j), sample,
                 acting(is_one_sided_, of_x & Word(d), differ), differ);
        }
        for (; j < end && op_.inputs - j < kWidth; ++j) {
          const std::uint32_t differ = sign_of(op_, x[j], d);
          append_one(list, first + static_cast<std::uint32_t>(j), sample,
                     acting(is_one_sided_, x[j] & d, differ), differ);
        }
        if (kList - list.size < kWidth) pulses += apply(list);
      }
    }
    return pulses + apply(list);
  }

  /// Empties the list; returns the number of coincidences.
  std::int64_t apply(PairList& list) const {
    Word pulses = Word(0u);
    for (std::size_t n = list.size; n < list.size + kWidth; ++n) {
      list.cell[n] = list.sample[n] = list.count[n] = 0;  // lanes behind the end
    }
    for (std::size_t n = 0; n < list.size; n += kWidth) {
      const Word count = popcount(load<Word>(list.count.data() + n));
      pulses = pulses + count;
      store(list.count.data() + n, count);
      if (is_noisy_) {
        store(list.z.data() + n,
              normal_of_pair(load<Word>(list.cell.data() + n), load<Word>(list.sample.data() + n)));
      }
    }
    for (std::size_t n = 0; n < list.size; ++n) {
      auto cell = cells_.template load<float>(list.cell[n]);
      pulse_once<Model, float>(params_, cell, list.count[n], list.differ[n], is_noisy_ ? list.z[n] : 0.0f);
      cells_.template store_first<kPulsedFields<Model>, float>(list.cell[n], cell);
    }
    list.size = 0;
    return sum(pulses);
  }

  /// The draw that `pulse_normals` gives to each pair: half a block, of which one normal is used.
  MQ_HD WideFloat normal_of_pair(Word cell, Word sample) const {
    const auto block = philox(cell, Word(op_.key.event), sample >> 2, Word(op_.key.place), op_.key.key);
    const Word later = Word(0u) - ((sample >> 1) & 1u), odd = Word(0u) - (sample & 1u);
    WideFloat z0, z1;
    box_muller<WideFloat>((block.w[0] & ~later) | (block.w[2] & later),
                          (block.w[1] & ~later) | (block.w[3] & later), z0, z1);
    return from_bits((to_bits(z0) & ~odd) | (to_bits(z1) & odd));
  }

  typename Model::Params params_;
  const PulseCells& op_;
  CellFields<Model> cells_;
  bool is_noisy_, is_one_sided_, steps_one_by_one_;
};

std::size_t pulses_of(const std::uint32_t* trains, std::size_t lines) {
  std::size_t pulses = 0, j = 0;
  for (; j + kWidth <= lines; j += kWidth) {
    const Word count = popcount(load<Word>(trains + j) & kPulseSlots);
    for (std::size_t i = 0; i < kWidth; ++i) pulses += lane(count, i);
  }
  for (; j < lines; ++j) pulses += popcount(trains[j] & kPulseSlots);
  return pulses;
}

/// Samples [begin, end) of the mini-batch, counted from its own first sample; begin lies in group
/// `first_group`, and end at most kBlock samples behind the start of that group.
Samples samples_of(const PulseCells& op, std::uint64_t begin, std::uint64_t end) {
  Samples s;
  s.first_group = static_cast<std::uint32_t>(begin / 4);
  s.groups = static_cast<std::size_t>((end + 3) / 4 - begin / 4);
  for (std::size_t i = 0; i < 4 * s.groups; ++i) {
    const std::uint64_t sample = begin / 4 * 4 + i;
    const bool is_there = sample >= begin && sample < end;
    s.x[i] = op.x + (is_there ? sample - op.first_sample : 0) * op.x_stride;
    s.x_pulses[i] = is_there ? pulses_of(s.x[i], op.inputs) : 0;
  }
  return s;
}

BitLine bit_line(const PulseCells& op, const Samples& samples, std::uint64_t begin, std::uint64_t end,
                 std::size_t o) {
  BitLine line;
  for (std::size_t i = 0; i < 4 * samples.groups; ++i) {
    const std::uint64_t sample = begin / 4 * 4 + i;
    const bool is_there = sample >= begin && sample < end;
    line.d[i] = is_there ? op.d[(sample - op.first_sample) * op.d_stride + o] : 0;
    line.expected_pulses += double(popcount(line.d[i] & kPulseSlots)) * double(samples.x_pulses[i]);
  }
  line.expected_pulses *= double(kBlock) / (kLongestTrain * 4.0 * double(samples.groups));
  return line;
}

}  // namespace

void pulse_cells(const Exec& exec, const PulseCells& op) {
  require_pulses(*op.cells.params);
  const std::uint64_t last = std::uint64_t(op.first_sample) + op.batch;
  std::int64_t pulses = 0;
  visit_model(*op.cells.params, [&]<class Model>(const typename Model::Params& params) {
    if constexpr (PulsedModel<Model>) {
      const Update<Model> update(params, op);
      const auto rows = static_cast<std::int64_t>(op.outputs);
      for (std::uint64_t begin = op.first_sample; begin < last;) {
        const std::uint64_t block_end = begin / 4 * 4 + kBlock, end = block_end < last ? block_end : last;
        const Samples samples = samples_of(op, begin, end);
        parallel_ranges(exec.threads, rows, [&](std::int64_t first, std::int64_t after, int) {
          std::int64_t own = 0;
          for (auto row = static_cast<std::size_t>(first); row < static_cast<std::size_t>(after); ++row) {
            own += update.row(row, samples, bit_line(op, samples, begin, end, row));
          }
          add_from_any_thread(&pulses, own);
        });
        begin = end;
      }
    }
  });
  *op.pulses += pulses;
}

}  // namespace mq::MQ_BACKEND
