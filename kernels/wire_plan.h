/// What the backends share of the effective matrix: formulas of one node, one line and one step.
///
/// The lines of which one at a time has its terminal at 1 V are the *sources*; the others, whose currents are
/// wanted, are the *crosses*. Node (c, s), where cross c meets source s, is element c * sources + s of a
/// plane; both sets of lines are turned. A right-hand side is a source. Vectors of the iteration are
/// [node][right-hand side], so that right-hand sides are lanes on the CPU and threads of a warp on CUDA.
///
/// The iteration is that of wire_solver.h on the sources, without potentials: it only carries the currents of
/// the crosses along. It starts from the source at 1 V with all crosses at 0 V.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/kernels/wire_lines.h"

namespace mq {

/// A TurnedLine as kernels use it.
struct LineFloats {
  float head, segment, tail;

  MQ_HD float before(std::uint32_t node) const { return node == 0 ? head : segment; }
};
MQ_HD LineFloats floats_of(const TurnedLine& line) {
  return {static_cast<float>(line.head), static_cast<float>(line.segment), static_cast<float>(line.tail)};
}

struct WirePlan {
  std::uint32_t sources = 0, crosses = 0;
  TurnedLine source, cross;
  LineFloats source_floats, cross_floats;
  std::size_t first =
      0;  ///< element (c, s) of a plane is element first + c * cross_stride + s * source_stride
  std::ptrdiff_t source_stride = 0, cross_stride = 0;  ///< of matrices [outputs, inputs]

  MQ_HD std::size_t element(std::uint32_t c, std::uint32_t s) const {
    return first + static_cast<std::size_t>(c * cross_stride + s * source_stride);
  }
};

MQ_HD WirePlan plan_of(const EffectiveMatrix& op) {
  const TurnedLine word = turned(op.wires.word), bit = turned(op.wires.bit);
  // Outputs are nodes of a word line, inputs are nodes of a bit line.
  const auto inputs = static_cast<std::ptrdiff_t>(op.inputs);
  const std::ptrdiff_t along_word = word.is_turned ? -inputs : inputs, along_bit = bit.is_turned ? -1 : 1;
  WirePlan plan;
  plan.first = word.cell(0, op.outputs) * op.inputs + bit.cell(0, op.inputs);
  const bool has_fewer_outputs = op.outputs <= op.inputs;
  plan.sources = static_cast<std::uint32_t>(has_fewer_outputs ? op.outputs : op.inputs);
  plan.crosses = static_cast<std::uint32_t>(has_fewer_outputs ? op.inputs : op.outputs);
  plan.source = has_fewer_outputs ? bit : word;
  plan.cross = has_fewer_outputs ? word : bit;
  plan.source_stride = has_fewer_outputs ? along_word : along_bit;
  plan.cross_stride = has_fewer_outputs ? along_bit : along_word;
  plan.source_floats = floats_of(plan.source);
  plan.cross_floats = floats_of(plan.cross);
  return plan;
}

/// More iterations than these are a sign that rounding errors of floats pass the tolerance of 1e-6
/// (docs/theory/wires.md has the measurement).
inline constexpr int kFloatIterations = 7;

/// Whether floats resolve the current of each cell, whose largest conductance is given, as a difference of
/// potentials.
MQ_HD bool floats_may_do(const WirePlan& plan, float largest_g) {
  const double source = plan.source.head + plan.source.segment * plan.crosses,
               cross = plan.cross.head + plan.cross.segment * plan.sources;
  return static_cast<double>(largest_g) * (source > cross ? source : cross) <= 1.0;
}

/// Planes that are computed once, from conductances.
struct WirePlanes {
  float* g;
  float *source_factor, *cross_factor;  ///< f of each node on its source and on its cross
  /// Potential of each node on its source, or its cross, if the terminals of that line are at 1 V and all
  /// other lines at 0 V.
  float *source_profile, *cross_profile;
};

/// The factors and the profile of one line whose nodes are `stride` apart in each plane and in `scratch`. In
/// double precision, rounded once.
MQ_HD void factorize_line(const TurnedLine& line, std::uint32_t nodes, std::size_t stride, const float* g,
                          float* factor, float* profile, double* scratch) {
  double s = line.tail, y = line.tail, f = 1.0;
  for (std::uint32_t j = nodes; j-- > 0;) {
    const std::size_t at = j * stride;
    s = f * s + static_cast<double>(g[at]);
    y = f * y;  // of the current that the tail injects
    f = 1.0 / (1.0 + (j == 0 ? line.head : line.segment) * s);
    scratch[at] = f;
    factor[at] = static_cast<float>(f);
    profile[at] = static_cast<float>(y);
  }
  double x = 1.0;
  for (std::uint32_t j = 0; j < nodes; ++j) {
    const std::size_t at = j * stride;
    const double rho = j == 0 ? line.head : line.segment;
    x = scratch[at] * (rho * static_cast<double>(profile[at]) + x);
    profile[at] = static_cast<float>(x);
  }
}

MQ_HD void factorize_source(const WirePlan& plan, const WirePlanes& planes, std::uint32_t s,
                            double* scratch) {
  factorize_line(plan.source, plan.crosses, plan.sources, planes.g + s, planes.source_factor + s,
                 planes.source_profile + s, scratch + s);
}
MQ_HD void factorize_cross(const WirePlan& plan, const WirePlanes& planes, std::uint32_t c, double* scratch) {
  const std::size_t row = std::size_t(c) * plan.sources;
  factorize_line(plan.cross, plan.sources, 1, planes.g + row, planes.cross_factor + row,
                 planes.cross_profile + row, scratch + row);
}

/// Where one right-hand side stands. All sums are over the nodes of a cross in their order, then over
/// crosses.
template <class F>
struct WireStep {
  F limit;       ///< of gamma: below it the next step is the last
  F is_active;   ///< 1, or 0 once it has converged or can get no further
  F has_failed;  ///< 1 if it could get no further
  F gamma, alpha, beta;

  MQ_HD void start(F power, float tolerance) {
    limit = F(tolerance * tolerance) * power;
    is_active = F(1.0f);
    has_failed = gamma = alpha = beta = F(0.0f);
  }
  /// Of a single right-hand side: whether it has not converged.
  MQ_HD bool is_unfinished() const { return is_active > F(0.0f) || has_failed > F(0.0f); }
  /// The step for new sums gamma = r z and delta = z S z.
  MQ_HD void advance(F new_gamma, F delta) {
    const F is_first = select(gamma > F(0.0f), F(0.0f), F(1.0f));
    beta = select(is_first > F(0.0f), F(0.0f), new_gamma / select(gamma > F(0.0f), gamma, F(1.0f)));
    const F curvature =
        select(is_first > F(0.0f), delta, delta - beta * new_gamma / select(alpha > F(0.0f), alpha, F(1.0f)));
    const F steps = select(curvature > F(0.0f), select(new_gamma > F(0.0f), is_active, F(0.0f)), F(0.0f));
    alpha = select(steps > F(0.0f), new_gamma / select(curvature > F(0.0f), curvature, F(1.0f)), F(0.0f));
    beta = select(steps > F(0.0f), beta, F(0.0f));
    gamma = new_gamma;
    // A step that is not possible though it is needed: sums of floats have become too inaccurate.
    has_failed =
        select(new_gamma > limit, select(steps > F(0.0f), has_failed, has_failed + is_active), has_failed);
    is_active = select(new_gamma > limit, steps, F(0.0f));
  }
};

}  // namespace mq
