/// The effective matrix on CUDA: contract in kernels/wires.h, method in kernels/wire_plan.h.
///
/// A thread walks along one line for one right-hand side; right-hand sides are neighbours in memory, so all
/// accesses of a warp are to neighbouring words but those to what right-hand sides share, which are to one. A
/// chunk of right-hand sides iterates until the last of it has converged; those that have take steps of 0.
#include <vector>

#include "meltquench/core/buffer.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cuda/scratch.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/wire_plan.h"
#include "meltquench/kernels/wire_solver.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr std::size_t kMostBytes = std::size_t(1) << 30;  // of the vectors of a chunk, where 32 sides fit

struct GatherConductance {
  WirePlan plan;
  const float* from;
  float* to;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    to[i] = from[plan.element(i / plan.sources, i % plan.sources)];
  }
};

struct FactorizeSource {
  WirePlan plan;
  WirePlanes planes;
  double* scratch;

  template <class F>
  MQ_HD void operator()(std::uint32_t s) const {
    factorize_source(plan, planes, s, scratch);
  }
};

struct FactorizeCross {
  WirePlan plan;
  WirePlanes planes;
  double* scratch;

  template <class F>
  MQ_HD void operator()(std::uint32_t c) const {
    factorize_cross(plan, planes, c, scratch);
  }
};

/// The right-hand sides first, first + 1, ..., of which there are `sides`.
struct Chunk {
  WirePlan plan;
  WirePlanes planes;
  float *residual, *eliminated, *product, *applied;     // r, y or z, S z, S p: [cross][source][side]
  float *current, *direction, *change, *gamma, *delta;  // [cross][side]
  WireStep<float>* steps;                               // [side]
  std::int64_t* count;
  std::uint32_t first, sides;

  MQ_HD std::size_t node(std::uint32_t c, std::uint32_t s) const { return std::size_t(c) * plan.sources + s; }
  MQ_HD std::size_t at(std::uint32_t c, std::uint32_t s, std::uint32_t side) const {
    return node(c, s) * sides + side;
  }
};

/// The source at 1 V, one cross at 0 V: what the cross gives back, for one side.
struct StartCross {
  Chunk chunk;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const WirePlan& plan = chunk.plan;
    const std::uint32_t c = i / chunk.sides, side = i % chunk.sides, source = chunk.first + side;
    const float *const g = chunk.planes.g + chunk.node(c, 0), *const factor = chunk.planes.cross_factor +
                                                                              chunk.node(c, 0);
    const float own = g[source] * chunk.planes.source_profile[chunk.node(c, source)];
    chunk.change[i] = own;
    chunk.current[i] = own * chunk.planes.cross_profile[chunk.node(c, source)];
    chunk.direction[i] = 0.0f;
    float y = own, behind = factor[source];
    chunk.product[chunk.at(c, source, side)] = y;
    for (std::uint32_t s = source; s-- > 0;) {
      y = eliminate(0.0f, behind, y);
      chunk.product[chunk.at(c, s, side)] = y;
      behind = factor[s];
    }
    float x = 0.0f;
    for (std::uint32_t s = 0; s < plan.sources; ++s) {
      const float left = s <= source ? chunk.product[chunk.at(c, s, side)] : 0.0f;
      x = substitute(left, factor[s], plan.cross_floats.before(s), x);
      chunk.residual[chunk.at(c, s, side)] = g[s] * x;
    }
  }
};

struct StartStep {
  Chunk chunk;
  float tolerance;

  template <class F>
  MQ_HD void operator()(std::uint32_t side) const {
    float power = 0.0f;
    for (std::uint32_t c = chunk.plan.crosses; c-- > 0;)
      power = power + abs(chunk.change[c * chunk.sides + side]);
    chunk.steps[side].start(power, tolerance);
  }
};

/// From the tail of one source to its head, for one side: the step, and the elimination of what is missing.
struct WalkFromTails {
  Chunk chunk;
  int steps_done;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const std::uint32_t s = i / chunk.sides, side = i % chunk.sides;
    const float alpha = chunk.steps[side].alpha, beta = chunk.steps[side].beta;
    float y = 0.0f, behind = 0.0f;
    for (std::uint32_t c = chunk.plan.crosses; c-- > 0;) {
      const std::size_t at = chunk.at(c, s, side);
      float r = chunk.residual[at];
      if (steps_done > 0) {
        float applied = chunk.product[at];
        if (steps_done > 1) applied = fma(beta, chunk.applied[at], applied);
        chunk.applied[at] = applied;
        r = fma(-alpha, applied, r);
        chunk.residual[at] = r;
      }
      y = eliminate(r, behind, y);
      chunk.eliminated[at] = y;
      behind = chunk.planes.source_factor[chunk.node(c, s)];
    }
  }
};

/// Back from its head: z = M^-1 r, which takes the place of what was eliminated.
struct WalkFromHeads {
  Chunk chunk;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const std::uint32_t s = i / chunk.sides, side = i % chunk.sides;
    float z = 0.0f;
    for (std::uint32_t c = 0; c < chunk.plan.crosses; ++c) {
      const std::size_t at = chunk.at(c, s, side);
      z = substitute(chunk.eliminated[at], chunk.planes.source_factor[chunk.node(c, s)],
                     chunk.plan.source_floats.before(c), z);
      chunk.eliminated[at] = z;
    }
  }
};

/// One cross for one side: S z, the cross's share of the sums, and its current by z.
struct SolveCross {
  Chunk chunk;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const WirePlan& plan = chunk.plan;
    const std::uint32_t c = i / chunk.sides, side = i % chunk.sides;
    const float *const g = chunk.planes.g + chunk.node(c, 0), *const factor = chunk.planes.cross_factor +
                                                                              chunk.node(c, 0);
    float y = 0.0f, behind = 0.0f;
    for (std::uint32_t s = plan.sources; s-- > 0;) {
      const std::size_t at = chunk.at(c, s, side);
      y = eliminate(g[s] * chunk.eliminated[at], behind, y);
      chunk.product[at] = y;
      behind = factor[s];
    }
    float x = 0.0f, gamma = 0.0f, delta = 0.0f;
    for (std::uint32_t s = 0; s < plan.sources; ++s) {
      const std::size_t at = chunk.at(c, s, side);
      x = substitute(chunk.product[at], factor[s], plan.cross_floats.before(s), x);
      const float r = chunk.residual[at], z = chunk.eliminated[at], sz = fma(-g[s], x, r);
      gamma = fma(r, z, gamma);
      delta = fma(sz, z, delta);
      chunk.product[at] = sz;
    }
    chunk.gamma[i] = gamma;
    chunk.delta[i] = delta;
    chunk.change[i] = fma(behind, y, plan.cross_floats.tail * x);
  }
};

/// The step of one side; counts those that go on.
struct TakeStep {
  Chunk chunk;

  template <class F>
  MQ_HD void operator()(std::uint32_t side) const {
    float gamma = 0.0f, delta = 0.0f;
    for (std::uint32_t c = 0; c < chunk.plan.crosses; ++c) {
      gamma = gamma + chunk.gamma[c * chunk.sides + side];
      delta = delta + chunk.delta[c * chunk.sides + side];
    }
    WireStep<float> step = chunk.steps[side];
    step.advance(gamma, delta);
    chunk.steps[side] = step;
    add_in_any_order(chunk.count, step.is_active > 0.0f ? 1 : 0);
  }
};

struct MoveCurrent {
  Chunk chunk;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const WireStep<float>& step = chunk.steps[i % chunk.sides];
    const float direction = fma(step.beta, chunk.direction[i], chunk.change[i]);
    chunk.direction[i] = direction;
    chunk.current[i] = fma(step.alpha, direction, chunk.current[i]);
  }
};

/// Writes one current; counts the sides that have not converged.
struct WriteCurrent {
  Chunk chunk;
  float* effective;

  template <class F>
  MQ_HD void operator()(std::uint32_t i) const {
    const std::uint32_t c = i / chunk.sides, side = i % chunk.sides;
    effective[chunk.plan.element(c, chunk.first + side)] = chunk.current[i];
    if (c == 0) add_in_any_order(chunk.count, chunk.steps[side].is_unfinished() ? 1 : 0);
  }
};

std::int64_t taken(const Exec& exec, std::int64_t* count) {
  std::int64_t value = 0;
  device_memory().to_host(exec, &value, count, sizeof(value));
  device_memory().clear(exec, count, sizeof(value));
  return value;
}

std::int64_t solve(const Exec& exec, const EffectiveMatrix& op, const Chunk& chunk) {
  const std::size_t along_crosses = std::size_t(chunk.plan.crosses) * chunk.sides,
                    along_sources = std::size_t(chunk.plan.sources) * chunk.sides;
  for_each(exec, along_crosses, StartCross{chunk});
  for_each(exec, chunk.sides, StartStep{chunk, op.tolerance});
  const int most_iterations = op.most_iterations < kFloatIterations ? op.most_iterations : kFloatIterations;
  for (int iteration = 0; iteration < most_iterations; ++iteration) {
    for_each(exec, along_sources, WalkFromTails{chunk, iteration});
    for_each(exec, along_sources, WalkFromHeads{chunk});
    for_each(exec, along_crosses, SolveCross{chunk});
    for_each(exec, chunk.sides, TakeStep{chunk});
    for_each(exec, along_crosses, MoveCurrent{chunk});
    if (taken(exec, chunk.count) == 0) break;
  }
  for_each(exec, along_crosses, WriteCurrent{chunk, op.effective});
  return taken(exec, chunk.count);
}

std::int64_t solve_in_floats(const Exec& exec, const EffectiveMatrix& op, const WirePlan& plan) {
  const std::size_t nodes = std::size_t(plan.sources) * plan.crosses;
  std::size_t sides = kMostBytes / (4 * nodes * sizeof(float)) / 32 * 32;
  if (sides < 32) sides = 32;
  if (sides > plan.sources) sides = plan.sources;

  const Scratch scratch(exec, nodes * sizeof(double)), shared(exec, 5 * nodes * sizeof(float)),
      vectors(exec, 4 * nodes * sides * sizeof(float)),
      rows(exec, 5 * std::size_t(plan.crosses) * sides * sizeof(float)),
      steps(exec, sides * sizeof(WireStep<float>));
  Buffer<std::int64_t> count(exec, 1);
  float* const f = static_cast<float*>(shared.data());
  const WirePlanes planes{f, f + nodes, f + 2 * nodes, f + 3 * nodes, f + 4 * nodes};
  double* const doubles = static_cast<double*>(scratch.data());
  for_each(exec, nodes, GatherConductance{plan, op.g, planes.g});
  for_each(exec, plan.sources, FactorizeSource{plan, planes, doubles});
  for_each(exec, plan.crosses, FactorizeCross{plan, planes, doubles});

  std::int64_t failed = 0;
  for (std::size_t first = 0; first < plan.sources; first += sides) {
    const std::size_t count_of_sides = sides < plan.sources - first ? sides : plan.sources - first,
                      vector = nodes * count_of_sides, row = plan.crosses * count_of_sides;
    float *const v = static_cast<float*>(vectors.data()), *const r = static_cast<float*>(rows.data());
    failed += solve(exec, op,
                    {.plan = plan,
                     .planes = planes,
                     .residual = v,
                     .eliminated = v + vector,
                     .product = v + 2 * vector,
                     .applied = v + 3 * vector,
                     .current = r,
                     .direction = r + row,
                     .change = r + 2 * row,
                     .gamma = r + 3 * row,
                     .delta = r + 4 * row,
                     .steps = static_cast<WireStep<float>*>(steps.data()),
                     .count = count.data(),
                     .first = static_cast<std::uint32_t>(first),
                     .sides = static_cast<std::uint32_t>(count_of_sides)});
  }
  return failed;
}

std::int64_t solve_on_host(const Exec& exec, const EffectiveMatrix& op) {
  const std::size_t bytes = op.outputs * op.inputs * sizeof(float);
  std::vector<float> g(op.outputs * op.inputs), effective(g.size());
  device_memory().to_host(exec, g.data(), op.g, bytes);
  EffectiveMatrix on_host = op;
  on_host.g = g.data();
  on_host.effective = effective.data();
  const std::int64_t failed = effective_matrix_in_double(on_host, exec.threads);
  device_memory().to_backend(exec, op.effective, effective.data(), bytes);
  return failed;
}

}  // namespace

std::int64_t effective_matrix(const Exec& exec, const EffectiveMatrix& op) {
  if (op.outputs == 0 || op.inputs == 0) return 0;
  const WirePlan plan = plan_of(op);
  const float largest = largest_magnitude(exec, op.g, op.outputs * op.inputs);
  if (floats_may_do(plan, largest) && solve_in_floats(exec, op, plan) == 0) return 0;
  return solve_on_host(exec, op);
}

}  // namespace mq::MQ_BACKEND
