/// Grouped MVM of a layer's tiles on the CPU: packed panels, 16-bit multiply-add, noise and ADC in the same
/// pass, forward and transposed.
///
/// Work is cut into (a few panels of outputs, block of rows). The terms that share outputs are summed inside
/// one piece of work, so threads never meet; each term's panels stay in the first cache while the rows pass.
#include <new>

#include "meltquench/core/thread_team.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cpu/mvm_amx.h"
#include "meltquench/kernels/cpu/mvm_strip.h"
#include "meltquench/kernels/cpu/mvm_tile.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/mvm_epilogue.h"

namespace mq::MQ_BACKEND {
namespace {

#if defined(__AMX_INT8__)
constexpr std::int64_t kRowBlock = 288;  // splitting the panels into bytes pays over many rows
#else
constexpr std::int64_t kRowBlock = 96;  // with two panels: sums of 24 KiB
#endif
constexpr std::size_t kWorthThreads = std::size_t(1)
                                      << 21;  // multiply-adds: about what waking a thread costs

/// The normals of some panels, remembered for the pair of rows that shares them.
class PanelNormals {
 public:
  PanelNormals(const MvmLayer& op, const MvmTerm& term, std::size_t panel, int panels)
      : op_(op),
        term_(term),
        key_(key_of(op, term)),
        first_(static_cast<std::uint32_t>(panel * 8)),
        chunks_((panels * 8 + kWidth - 1) / kWidth) {}

  /// z[panels * kGroups].
  MQ_HD void draw(std::uint64_t row, F* z) {
    if (row >> 1 != pair_) {
      pair_ = row >> 1;
      for (int c = 0; c < chunks_; ++c) {
        const U index = ascending_from<U>(first_ + static_cast<std::uint32_t>(c * kWidth));
        blocks_[c] = philox(index, U(key_.event), U(pair_of_rows(op_, term_, row)), U(key_.place), key_.key);
      }
    }
    const int word = (row & 1) != 0 ? 2 : 0;
    for (int c = 0; c < chunks_; ++c) {
      F a, b;  // outputs 0 to 7 and 8 to 15 of a panel
      box_muller<F>(blocks_[c].w[word], blocks_[c].w[word + 1], a, b);
#if defined(__AVX512F__)
      z[2 * c] = F(__builtin_shufflevector(a.v, b.v, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
      z[2 * c + 1] =
          F(__builtin_shufflevector(a.v, b.v, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31));
#else
      constexpr int kPerHalf = 8 / kWidth;
      const int at = c / kPerHalf * kGroups + c % kPerHalf;
      z[at] = a;
      z[at + kPerHalf] = b;
#endif
    }
  }

 private:
  const MvmLayer& op_;
  const MvmTerm& term_;
  RngKey key_;
  std::uint32_t first_;
  int chunks_;
  std::uint64_t pair_ = ~std::uint64_t(0);
  PhiloxBlock<U> blocks_[kMostPanels * 8 / kWidth + 1];
};

/// What a term does at the end of its sums.
struct Role {
  bool continues;          // the conversion of a held term
  bool has_noise;          // the conversion, not only this term
  bool is_first, is_last;  // of the digital sum
};

/// Some panels of outputs for a block of rows.
class PanelTask {
 public:
  PanelTask(const MvmLayer& op, Direction direction, std::size_t block, std::size_t panel, int panels)
      : op_(op),
        direction_(direction),
        terms_(op.terms + block * op.terms_per_block),
        panel_(panel),
        panels_(panels),
        output_(block * op.block + panel * kPanel) {
    const std::size_t left = op.outputs - output_, in_block = op.block - panel * kPanel;
    const std::size_t most = static_cast<std::size_t>(panels) * kPanel;
    valid_ = static_cast<int>(left < in_block ? left : in_block);
    if (valid_ > static_cast<int>(most)) valid_ = static_cast<int>(most);
  }

  /// Bytes of scratch for a term: panels turned around, and panels of bytes for a matrix unit.
  static std::size_t scratch_bytes(const MvmLayer& op, Direction direction, const MvmTerm& term, int panels) {
    const bool is_turned = direction == Direction::transposed;
    const std::size_t depth = is_turned ? padded_outputs(term.outputs) : padded_inputs(term.inputs);
    const std::size_t size = static_cast<std::size_t>(panels) * kPanel * depth;
    return (is_turned ? size * sizeof(float) : 0) + (takes_bytes(op) ? 3 * size * sizeof(std::int16_t) : 0);
  }

  std::int64_t run(std::int64_t first, std::int64_t end, void* scratch) {
    bool was_held = false, has_noise = false;
    std::size_t conversions = 0;
    for (std::size_t t = 0; t < op_.terms_per_block; ++t) {
      const MvmTerm& term = terms_[t];
      has_noise = has_noise || is_noisy(term);
      const Role role{was_held, has_noise, conversions == 0, t + 1 == op_.terms_per_block};
      add_term(term, role, first, end, scratch);
      was_held = term.is_held;
      if (was_held) continue;
      has_noise = false;
      ++conversions;
    }
    if (takes_bytes(op_)) release_bytes();
    std::int64_t clips = 0;
    for (int i = 0; i < kWidth; ++i) clips += clips_.v[i];
    return clips;
  }

 private:
  /// The panels of a term: in its plane, or turned around in `strip`.
  template <class T>
  const T* panels_of(const MvmTerm& term, const T* plane, T* strip, std::size_t& stride) {
    if (direction_ == Direction::forward) {
      stride = padded_inputs(term.inputs) * kPanel;
      return plane + panel_ * stride;
    }
    stride = padded_outputs(term.outputs) * kPanel;
    for (int p = 0; p < panels_; ++p) {
      fill_strip(plane, term.outputs, term.inputs, panel_ + static_cast<std::size_t>(p),
                 strip + static_cast<std::size_t>(p) * stride);
    }
    return strip;
  }

  /// Where a term's panels are, whichever of them its product needs.
  struct Panels {
    const std::int16_t *codes = nullptr, *magnitudes = nullptr;
    const float* floats = nullptr;
    std::size_t stride = 0;
    BytePanels code_bytes{}, magnitude_bytes{};  // for a matrix unit
  };

  Panels find_panels(const MvmTerm& term, void* scratch) {
    Panels to;
    if (op_.codes == nullptr) {
      to.floats = panels_of(term, term.floats, static_cast<float*>(scratch), to.stride);
      return to;
    }
    auto* strip = static_cast<std::int16_t*>(scratch);
    to.codes = panels_of(term, term.codes, strip, to.stride);
    const std::size_t size = static_cast<std::size_t>(panels_) * to.stride;
    const bool is_noisy = term.read_variance > 0.0f;
    if (is_noisy) to.magnitudes = panels_of(term, term.magnitudes, strip + size, to.stride);
    if (takes_bytes(op_)) {
      std::int16_t* bytes = strip + (direction_ == Direction::transposed ? 2 * size : 0);
      to.code_bytes = split_weights(to.codes, size, bytes);
      if (is_noisy) to.magnitude_bytes = shift_magnitudes(to.magnitudes, size, bytes + 2 * size);
    }
    return to;
  }

  /// Sums of some rows; `squares` where the term reads noisily.
  void multiply_rows(const MvmTerm& term, const Panels& panels, std::int64_t row, int rows, F* sums,
                     F* squares) {
    const std::size_t inputs = inputs_of(term, direction_);
    if (op_.codes == nullptr) {
      const float* x = op_.x + static_cast<std::size_t>(row) * op_.x_stride + term.first_input;
      multiply<Floats>(rows, panels_, {x, op_.x_stride, panels.floats, panels.stride, inputs}, sums);
      if (squares != nullptr)
        multiply<FloatSquares>(rows, panels_, {x, op_.x_stride, panels.floats, panels.stride, inputs},
                               squares);
      return;
    }
    const std::size_t at = static_cast<std::size_t>(row) * op_.code_stride + term.first_input;
    const std::size_t pairs = padded_inputs(inputs) / 2;
    const TileOperands<std::int16_t> codes{op_.codes + at, op_.code_stride, panels.codes, panels.stride,
                                           pairs};
    const TileOperands<std::int16_t> variances{squares == nullptr ? nullptr : op_.squares + at,
                                               op_.code_stride, panels.magnitudes, panels.stride, pairs};
    if (takes_bytes(op_)) {
      multiply_codes_by_bytes(rows, panels_, codes, panels.code_bytes, sums);
      if (squares != nullptr)
        multiply_squares_by_bytes(rows, panels_, variances, panels.magnitude_bytes, squares);
      return;
    }
    multiply_to_floats(rows, panels_, codes, std::int64_t(op_.code_limit) * kWeightLimit, sums);
    if (squares != nullptr)
      multiply_to_floats(rows, panels_, variances, std::int64_t(32767) * kMagnitudeLimit, squares);
  }

  void add_term(const MvmTerm& term, const Role& role, std::int64_t first, std::int64_t end, void* scratch) {
    const Panels panels = find_panels(term, scratch);
    const bool reads_noisily = term.read_variance > 0.0f;
    PanelNormals normals(op_, term, panel_, panels_);
    for (std::int64_t row = first; row < end;) {
      const int rows = rows_at_a_time(op_, end - row);
      F sums[kMostSumsOfRows], squares[kMostSumsOfRows];
      multiply_rows(term, panels, row, rows, sums, reads_noisily ? squares : nullptr);
      for (int r = 0; r < rows; ++r) {
        const int n = r * panels_ * kGroups;
        finish_row(term, role, normals, row + r, static_cast<std::size_t>(row + r - first), sums + n,
                   reads_noisily ? squares + n : nullptr);
      }
      row += rows;
    }
  }

  /// Noise, ADC and digital sum of one row; `place` counts the rows of the task.
  void finish_row(const MvmTerm& term, const Role& role, PanelNormals& normals, std::int64_t row,
                  std::size_t place, const F* sums, const F* squares) {
    const int vectors = panels_ * kGroups;
    const bool draws = role.has_noise && !term.is_held;
    F z[kMostPanels * kGroups + 1];
    if (draws) normals.draw(op_.first_row + static_cast<std::uint64_t>(row), z);
    float* y_out = op_.y + static_cast<std::size_t>(row) * op_.outputs + output_;
    for (int n = 0; n < vectors; ++n) {
      const std::size_t at =
          place * kPanel * static_cast<std::size_t>(panels_) + static_cast<std::size_t>(n * kWidth);
      Conversion<F> conversion;
      if (role.continues) conversion = {load<F>(held_y_ + at), load<F>(held_variance_ + at)};
      if (squares != nullptr) {
        conversion.add(term, sums[n], squares[n]);
      } else {
        conversion.add(term, sums[n]);
      }
      if (term.is_held) {
        store(held_y_ + at, conversion.y);
        store(held_variance_ + at, conversion.variance);
        continue;
      }
      F y = draws ? add_noise(conversion.y, conversion.variance, z[n]) : conversion.y;
      const int left = valid_ - n * kWidth;
      if (term.adc_codes_per_unit > 0.0f) {
        LaneTraits<F>::Mask is_clipped;
        y = adc_code(y, term.adc_codes_per_unit, term.adc_limit, is_clipped);
        const auto is_counted = as_signed(ascending_from<U>(0)) < I(left);
        clips_ = clips_ - I(is_clipped.v & is_counted.v);
      }
      if (left > 0) add_to_total(term, role, y, at, left, y_out + n * kWidth);
    }
  }

  /// In halves, whose doubles fill a register: left to itself g++ 12 takes them one by one.
  void add_to_total(const MvmTerm& term, const Role& role, F y, std::size_t at, int left, float* out) {
    constexpr int kHalf = kWidth / 2;
    typedef float Floats __attribute__((vector_size(kHalf * 4)));
    typedef double Doubles __attribute__((vector_size(kHalf * 8)));
    Floats halves[2];
    std::memcpy(halves, &y.v, sizeof(halves));
    MQ_UNROLL
    for (int h = 0; h < 2; ++h) {
      double* total = totals_ + at + h * kHalf;
      Doubles sum{};
      if (!role.is_first) std::memcpy(&sum, total, sizeof(sum));
      sum = sum + __builtin_convertvector(halves[h], Doubles) * term.multiplier;
      if (role.is_last) {
        halves[h] = __builtin_convertvector(sum * op_.y_lsb, Floats);
        if (left >= kWidth) std::memcpy(out + h * kHalf, &halves[h], sizeof(halves[h]));
      } else {
        std::memcpy(total, &sum, sizeof(sum));
      }
    }
    if (role.is_last && left < kWidth)
      std::memcpy(out, halves, static_cast<std::size_t>(left) * sizeof(float));
  }

  static constexpr std::size_t kMostOutputs = kRowBlock * kTilePanels * kPanel;
  static_assert(kMostOutputs >= kMostPanels * kPanel);

  const MvmLayer& op_;
  Direction direction_;
  const MvmTerm* terms_;
  std::size_t panel_;
  int panels_;
  std::size_t output_;
  int valid_;
  I clips_ = I(0);
  double totals_[kMostOutputs];
  float held_y_[kMostOutputs], held_variance_[kMostOutputs];
};

/// Panels of a block that one piece of work takes.
int panels_per_task(const MvmLayer& op, Direction direction) {
  return op.batch == 1 && direction == Direction::forward ? kWidePanels : kTilePanels;
}

void multiply_layer(const Exec& exec, const MvmLayer& op, Direction direction) {
  if (op.batch == 0) return;
  const int most = panels_per_task(op, direction);
  const std::size_t panels = padded_outputs(op.block) / kPanel;
  const std::size_t tasks_per_block =
      (panels + static_cast<std::size_t>(most) - 1) / static_cast<std::size_t>(most);
  const std::int64_t batch = static_cast<std::int64_t>(op.batch);
  const std::int64_t row_blocks = (batch + kRowBlock - 1) / kRowBlock;
  // Blocks of nearly equal size, of whole tiles and pairs of rows.
  const std::int64_t rows = (batch + row_blocks * kTileRows - 1) / (row_blocks * kTileRows) * kTileRows;
  const std::int64_t tasks = row_blocks * static_cast<std::int64_t>(op.blocks() * tasks_per_block);
  const std::size_t work = op.batch * op.outputs * op.terms_per_block * inputs_of(op.terms[0], direction);
  const int threads = work < kWorthThreads ? 1 : exec.threads;
  std::int64_t clips = 0;
  const auto run = [&](std::int64_t task) {
    std::int64_t clips_of_task = 0;
    const std::size_t group = static_cast<std::size_t>(task / row_blocks);
    const std::size_t block = group / tasks_per_block;
    const std::int64_t first = task % row_blocks * rows;
    const std::int64_t end = first + rows < batch ? first + rows : batch;
    const std::size_t left = op.outputs - block * op.block;
    const std::size_t outputs = left < op.block ? left : op.block;
    const std::size_t panel_end = padded_outputs(outputs) / kPanel;
    std::size_t panel = group % tasks_per_block * static_cast<std::size_t>(most);
    const std::size_t task_end = panel + static_cast<std::size_t>(most);
    while (panel < task_end && panel < panel_end && first < end) {
      const std::size_t limit = task_end < panel_end ? task_end : panel_end;
      const int count = panels_of_pass(limit - panel, most);
      void* scratch = nullptr;
      if (direction == Direction::transposed || takes_bytes(op)) {
        std::size_t bytes = 0;
        for (std::size_t t = 0; t < op.terms_per_block; ++t) {
          const MvmTerm& term = op.terms[block * op.terms_per_block + t];
          const std::size_t needed = PanelTask::scratch_bytes(op, direction, term, count);
          bytes = bytes > needed ? bytes : needed;
        }
        Scratch& own = own_scratch();
        if (!own.reserve(bytes)) throw std::bad_alloc();
        scratch = own.data();
      }
      clips_of_task += PanelTask(op, direction, block, panel, count).run(first, end, scratch);
      panel += static_cast<std::size_t>(count);
    }
    return clips_of_task;
  };
  parallel_ranges(threads, tasks, [&](std::int64_t first, std::int64_t last, int) {
    std::int64_t own = 0;
    for (std::int64_t task = first; task < last; ++task) own += run(task);
    add_from_any_thread(&clips, own);
  });
  op.counts->adc_clips += clips;
}

}  // namespace

void mvm(const Exec& exec, const MvmLayer& op) { multiply_layer(exec, op, Direction::forward); }

void mvm_transposed(const Exec& exec, const MvmLayer& op) { multiply_layer(exec, op, Direction::transposed); }

}  // namespace mq::MQ_BACKEND
