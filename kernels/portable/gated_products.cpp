/// Products of gated arrays in floats: contract in kernels/gated_products.h, method in
/// kernels/gated_ladder.h.
///
/// On the CPU outputs are lanes, some vectors of them at a time, since the steps of a ladder wait for each
/// other; which gates of a sample are open is found once for all of them. On CUDA outputs are threads, so
/// that those of a warp read neighbouring cells and take the same turns.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/gated_cells.h"
#include "meltquench/kernels/gated_ladder.h"

namespace mq::MQ_BACKEND {
namespace {

#if !defined(__CUDACC__) && !defined(MQ_CUDA_ON_CPU)
#if defined(__AVX512F__) && !defined(MQ_SCALAR)
using OutputFloat = FloatLanes<16>;  // nothing here is a permutation or an integer: all of it gains
#else
using OutputFloat = WideFloat;
#endif
#endif

/// Nodes between two rescalings of sums that grow slowly.
constexpr std::uint32_t kBlock = 64;

/// A ladder for each of `kGroups` neighbouring groups of outputs.
template <class F, LadderShape kShape, int kGroups>
struct Columns {
  Ladder<F, kShape> ladders[kGroups];
  std::uint32_t passed = 0;

  MQ_HD void start(const LadderPlan& plan) {
    for (auto& ladder : ladders) ladder.start(plan);
  }
  MQ_HD void open(const LadderPlan& plan, std::uint32_t node, const float* cells) {
    const float n = static_cast<float>(node - passed), p = n * plan.x, q = n * plan.y;
    for (int i = 0; i < kGroups; ++i) {
      ladders[i].pass(p, q);
      ladders[i].add_rung(load<F>(cells + i * LaneTraits<F>::kWidth));
    }
    passed = node;
    if (plan.rescales_often) rescale();
  }
  MQ_HD void rescale() {
    for (auto& ladder : ladders) ladder.rescale();
  }
  MQ_HD F finish(const LadderPlan& plan, std::size_t inputs, int group) {
    return ladders[group].finish(plan, static_cast<std::uint32_t>(inputs) - 1 - passed);
  }
};

template <class F, int kGroups>
struct Columns<F, LadderShape::tied_head, kGroups> {
  TiedLadder<F> ladders[kGroups];
  std::uint32_t passed = 0;

  MQ_HD void start(const LadderPlan& plan) {
    const F x = F(TiedLadder<F>::conductance(plan.head)), y = F(TiedLadder<F>::conductance(plan.y_head));
    for (auto& ladder : ladders) ladder.start(x, y);
  }
  MQ_HD void open(const LadderPlan& plan, std::uint32_t node, const float* cells) {
    const float n = static_cast<float>(node - passed);
    for (int i = 0; i < kGroups; ++i) {
      ladders[i].pass(F(n * plan.x), F(n * plan.y));
      ladders[i].add_rung(load<F>(cells + i * LaneTraits<F>::kWidth));
    }
    passed = node;
  }
  MQ_HD void rescale() {}
  MQ_HD F finish(const LadderPlan& plan, std::size_t inputs, int group) {
    const float n = static_cast<float>(static_cast<std::uint32_t>(inputs) - 1 - passed);
    return ladders[group].finish(F(TiedLadder<F>::conductance(fma(n, plan.x, plan.x_tail))),
                                 F(TiedLadder<F>::conductance(fma(n, plan.y, plan.y_tail))));
  }
};

template <LadderShape kShape>
struct GatedRow {
  GatedProducts op;
  LadderPlan plan;
  float scale;  // units of y per 1 / gated_unit
  std::size_t stride;

  MQ_HD std::size_t input(std::uint32_t node) const { return plan.is_turned ? op.inputs - 1 - node : node; }
  MQ_HD void set(float* y, float conducted) const {
    *y = op.adds ? fma(scale, conducted, *y) : scale * conducted;
  }

#if defined(__CUDACC__) || defined(MQ_CUDA_ON_CPU)
  MQ_HD float conducted(const std::int16_t* codes, std::uint32_t o, std::int16_t code,
                        bool& has_others) const {
    Columns<float, kShape, 1> columns;
    columns.start(plan);
    const auto nodes = static_cast<std::uint32_t>(op.inputs);
    for (std::uint32_t node = 0; node < nodes; ++node) {
      if (node % kBlock == 0) columns.rescale();
      const std::size_t i = input(node);
      const std::int16_t found = codes[i];
      if (found == code) {
        columns.open(plan, node, op.cells + i * stride + o);
      } else {
        has_others = has_others || found != 0;
      }
    }
    return columns.finish(plan, op.inputs, 0);
  }
  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const std::int16_t* codes = op.codes + row * op.code_stride;
    for (std::uint32_t o = first; o < last; ++o) {
      bool has_negative = false, is_known = false;
      float sum = conducted(codes, o, 1, has_negative);
      if (has_negative) sum = sum - conducted(codes, o, -1, is_known);
      set(op.y + row * op.outputs + o, sum);
    }
  }
#else
  /// Bit j of word b: the gate of node 64 b + j is open.
  struct OpenGates {
    std::uint64_t words[kMostGates / kBlock];
    bool has_any = false;
  };
  void find(const std::int16_t* codes, std::int16_t code, OpenGates& gates) const {
    const auto nodes = static_cast<std::uint32_t>(op.inputs);
    std::uint64_t any = 0;
    for (std::uint32_t node = 0; node < nodes; node += kBlock) {
      const std::uint32_t n = nodes - node < kBlock ? nodes - node : kBlock;
      std::uint64_t word = 0;
      for (std::uint32_t j = 0; j < n; ++j) {
        word |= static_cast<std::uint64_t>(codes[input(node + j)] == code) << j;
      }
      gates.words[node / kBlock] = word;
      any |= word;
    }
    gates.has_any = any != 0;
  }
  template <class F, int kGroups>
  void conduct(const OpenGates& gates, std::size_t o, F* conducted) const {
    Columns<F, kShape, kGroups> columns;
    columns.start(plan);
    const auto nodes = static_cast<std::uint32_t>(op.inputs);
    for (std::uint32_t node = 0; node < nodes; node += kBlock) {
      columns.rescale();
      for (std::uint64_t word = gates.words[node / kBlock]; word != 0; word &= word - 1) {
        const std::uint32_t open = node + static_cast<std::uint32_t>(__builtin_ctzll(word));
        columns.open(plan, open, op.cells + input(open) * stride + o);
      }
    }
    for (int i = 0; i < kGroups; ++i) conducted[i] = columns.finish(plan, op.inputs, i);
  }
  template <class F, int kGroups>
  void write(const OpenGates& plus, const OpenGates& minus, std::size_t o, float* y) const {
    constexpr int kWidth = LaneTraits<F>::kWidth;
    F sums[kGroups], taken[kGroups];
    float values[kGroups * kWidth];
    conduct<F, kGroups>(plus, o, sums);
    if (minus.has_any) conduct<F, kGroups>(minus, o, taken);
    for (int i = 0; i < kGroups; ++i) {
      if (minus.has_any) sums[i] = sums[i] - taken[i];
      store(values + i * kWidth, sums[i]);
    }
    const std::size_t rest = op.outputs - o, count = kGroups * kWidth;
    for (std::size_t i = 0; i < (rest < count ? rest : count); ++i) set(y + o + i, values[i]);
  }
  void operator()(std::uint32_t row, std::uint32_t, std::uint32_t) const {
    OpenGates plus, minus;
    const std::int16_t* codes = op.codes + row * op.code_stride;
    find(codes, 1, plus);
    find(codes, -1, minus);
    constexpr int kGroups = 4;
    constexpr std::size_t kAtOnce = kGroups * LaneTraits<OutputFloat>::kWidth;
    float* y = op.y + row * op.outputs;
    std::size_t o = 0;
    for (; o < op.outputs && o + kAtOnce <= stride; o += kAtOnce) {
      write<OutputFloat, kGroups>(plus, minus, o, y);
    }
    for (; o < op.outputs; o += LaneTraits<OutputFloat>::kWidth) write<OutputFloat, 1>(plus, minus, o, y);
  }
#endif
};

template <LadderShape kShape>
void multiply(const Exec& exec, const GatedProducts& op, const LadderPlan& plan) {
  const auto scale = static_cast<float>(double(op.scale) / plan.unit);
  for_each_row(exec, op.batch, op.outputs, GatedRow<kShape>{op, plan, scale, padded_outputs(op.outputs)});
}

}  // namespace

void pack_gated(const Exec& exec, const PackGated& op) { pack_gated_cells(exec, op); }

void gated_products(const Exec& exec, const GatedProducts& op) {
  if (op.batch == 0 || op.outputs == 0 || op.inputs == 0) return;
  MQ_EXPECTS(op.inputs <= kMostGates &&
             double(op.largest) * path_resistance(op.network, op.inputs) <= kLargestGatedRatio);
  const LadderPlan plan = ladder_plan(op.network, op.inputs, op.largest);
  switch (plan.shape) {
    case LadderShape::one_head:
      return multiply<LadderShape::one_head>(exec, op, plan);
    case LadderShape::open_head:
      return multiply<LadderShape::open_head>(exec, op, plan);
    case LadderShape::tied_head:
      return multiply<LadderShape::tied_head>(exec, op, plan);
  }
}

}  // namespace mq::MQ_BACKEND
