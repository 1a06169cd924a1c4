/// The effective matrix: contract in kernels/wires.h, method in kernels/wire_plan.h.
///
/// Right-hand sides are lanes. A group of them walks over the array twice per iteration, cross by cross, so
/// that each vector is read and written once per walk: arrays are larger than caches.
#include <cstdlib>
#include <new>

#include "meltquench/core/stop.h"
#include "meltquench/core/thread_team.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/wire_plan.h"
#include "meltquench/kernels/wire_solver.h"

namespace mq::MQ_BACKEND {
namespace {

using F = WideFloat;
constexpr std::size_t kWidth = LaneTraits<F>::kWidth;

/// Memory that lives as long as this; null where there was none.
template <class T>
struct Memory {
  T* data;

  explicit Memory(std::size_t size)
      : data(static_cast<T*>(std::aligned_alloc(64, (size * sizeof(T) + 63) / 64 * 64))) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { std::free(data); }
};

MQ_HD std::uint32_t smaller(std::uint32_t a, std::uint32_t b) { return a < b ? a : b; }

/// A group of right-hand sides: the sources from `first` on, one per lane.
struct Group {
  const WirePlan& plan;
  const WirePlanes& planes;
  F *residual, *eliminated, *product, *applied;  // r, y, S z, S p: [cross][source]
  F *z, *row;                                    // [source], of one cross
  F *current, *direction, *change;               // [cross]: what is wanted, by p, by z
  std::uint32_t first = 0;
  WireStep<F> step{};

  static std::size_t size(const WirePlan& plan) {
    return 4 * std::size_t(plan.sources) * plan.crosses + 2 * std::size_t(plan.sources) +
           3 * std::size_t(plan.crosses);
  }
  Group(const WirePlan& of, const WirePlanes& with, F* memory) : plan(of), planes(with) {
    const std::size_t sources = plan.sources, crosses = plan.crosses, nodes = sources * crosses;
    residual = memory;
    eliminated = residual + nodes;
    product = eliminated + nodes;
    applied = product + nodes;
    z = applied + nodes;
    row = z + sources;
    current = row + sources;
    direction = current + crosses;
    change = direction + crosses;
  }

  void solve(std::uint32_t from, float tolerance, int most_iterations) {
    first = from;
    start(tolerance);
    for (int iteration = 0; iteration < most_iterations; ++iteration) {
      walk_from_heads();
      if (!any_of(step.is_active > F(0.0f))) return;
      if (iteration == 0) {
        walk_from_tails<true>();
      } else {
        walk_from_tails<false>();
      }
    }
  }

  /// Writes the currents; returns how many right-hand sides have not converged.
  std::int64_t write(const EffectiveMatrix& op) const {
    float active[kWidth], failed[kWidth];
    store(active, step.is_active);
    store(failed, step.has_failed);
    std::int64_t count = 0;
    const std::uint32_t last = smaller(first + std::uint32_t(kWidth), plan.sources);
    for (std::uint32_t s = first; s < last; ++s) {
      count += active[s - first] > 0.0f || failed[s - first] > 0.0f ? 1 : 0;
    }
    for (std::uint32_t c = 0; c < plan.crosses; ++c) {
      float lanes[kWidth];
      store(lanes, current[c]);
      for (std::uint32_t s = first; s < last; ++s) op.effective[plan.element(c, s)] = lanes[s - first];
    }
    return count;
  }

 private:
  /// The source at 1 V, the crosses at 0 V; the residual is what these give back.
  void start(float tolerance) {
    const std::uint32_t sources = plan.sources, last = smaller(first + std::uint32_t(kWidth), sources);
    F power(0.0f);
    for (std::uint32_t c = plan.crosses; c-- > 0;) {
      const std::size_t at = std::size_t(c) * sources;
      const float *const g = planes.g + at, *const factor = planes.cross_factor + at;
      float own[kWidth] = {}, profile[kWidth] = {};
      for (std::uint32_t s = first; s < last; ++s) {
        own[s - first] = g[s] * planes.source_profile[at + s];
        profile[s - first] = planes.cross_profile[at + s];
      }
      current[c] = load<F>(own) * load<F>(profile);
      direction[c] = F(0.0f);
      power = power + abs(load<F>(own));

      F y(0.0f);
      float behind = 0.0f;
      for (std::uint32_t s = last; s-- > 0;) {
        float injected[kWidth] = {};
        if (s >= first) injected[s - first] = own[s - first];
        y = eliminate(load<F>(injected), F(behind), y);
        row[s] = y;
        behind = factor[s];
      }
      F x(0.0f);
      for (std::uint32_t s = 0; s < sources; ++s) {
        x = substitute(s < last ? row[s] : F(0.0f), factor[s], plan.cross_floats.before(s), x);
        residual[at + s] = F(g[s]) * x;
        eliminate_source(c, at + s);
      }
    }
    step.start(power, tolerance);
  }

  MQ_HD void eliminate_source(std::uint32_t c, std::size_t at) {
    const bool is_last = c + 1 == plan.crosses;
    const std::size_t behind = is_last ? at : at + plan.sources;
    eliminated[at] = is_last ? eliminate(residual[at], F(0.0f), F(0.0f))
                             : eliminate(residual[at], F(planes.source_factor[behind]), eliminated[behind]);
  }

  /// From the heads of the sources on: z = M^-1 r, S z, and the step that follows from them.
  void walk_from_heads() {
    const std::uint32_t sources = plan.sources;
    for (std::uint32_t s = 0; s < sources; ++s) z[s] = F(0.0f);
    F gamma(0.0f), delta(0.0f);
    for (std::uint32_t c = 0; c < plan.crosses; ++c) {
      const std::size_t at = std::size_t(c) * sources;
      const float *const g = planes.g + at, *const factor = planes.cross_factor + at,
                         *const source_factor = planes.source_factor + at;
      const float rho = plan.source_floats.before(c);
      F y(0.0f);
      float behind = 0.0f;
      for (std::uint32_t s = sources; s-- > 0;) {
        z[s] = substitute(eliminated[at + s], source_factor[s], rho, z[s]);
        y = eliminate(F(g[s]) * z[s], F(behind), y);
        row[s] = y;
        behind = factor[s];
      }
      F x(0.0f), gamma_of_cross(0.0f), delta_of_cross(0.0f);
      for (std::uint32_t s = 0; s < sources; ++s) {
        x = substitute(row[s], factor[s], plan.cross_floats.before(s), x);
        const F r = residual[at + s], sz = fma(F(-g[s]), x, r);
        gamma_of_cross = fma(r, z[s], gamma_of_cross);
        delta_of_cross = fma(sz, z[s], delta_of_cross);
        product[at + s] = sz;
      }
      gamma = gamma + gamma_of_cross;
      delta = delta + delta_of_cross;
      change[c] = fma(F(behind), y, F(plan.cross_floats.tail) * x);
    }
    step.advance(gamma, delta);
    for (std::uint32_t c = 0; c < plan.crosses; ++c) {
      direction[c] = fma(step.beta, direction[c], change[c]);
      current[c] = fma(step.alpha, direction[c], current[c]);
    }
  }

  /// Back from their tails: the step, and the elimination of what is still missing.
  template <bool kIsFirst>
  void walk_from_tails() {
    const std::uint32_t sources = plan.sources;
    for (std::uint32_t c = plan.crosses; c-- > 0;) {
      const std::size_t end = (std::size_t(c) + 1) * sources;
      for (std::size_t at = end - sources; at < end; ++at) {
        if constexpr (kIsFirst) {
          applied[at] = product[at];
        } else {
          applied[at] = fma(step.beta, applied[at], product[at]);
        }
        residual[at] = fma(-step.alpha, applied[at], residual[at]);
        eliminate_source(c, at);
      }
    }
  }
};

std::int64_t solve_in_floats(const Exec& exec, const EffectiveMatrix& op, const WirePlan& plan) {
  const std::size_t nodes = std::size_t(plan.sources) * plan.crosses;
  const Memory<float> floats(5 * nodes);
  const Memory<double> scratch(nodes);
  if (floats.data == nullptr || scratch.data == nullptr) throw std::bad_alloc();
  float* const f = floats.data;
  const WirePlanes planes{f, f + nodes, f + 2 * nodes, f + 3 * nodes, f + 4 * nodes};
  for (std::uint32_t c = 0; c < plan.crosses; ++c) {
    for (std::uint32_t s = 0; s < plan.sources; ++s)
      planes.g[std::size_t(c) * plan.sources + s] = op.g[plan.element(c, s)];
  }
  for (std::uint32_t s = 0; s < plan.sources; ++s) factorize_source(plan, planes, s, scratch.data);
  for (std::uint32_t c = 0; c < plan.crosses; ++c) factorize_cross(plan, planes, c, scratch.data);

  const int most_iterations = op.most_iterations < kFloatIterations ? op.most_iterations : kFloatIterations;
  const auto groups = static_cast<std::int64_t>((plan.sources + kWidth - 1) / kWidth);
  const int threads = exec.threads > 1 ? exec.threads : 1;
  std::int64_t failed = 0;
  parallel_ranges(threads, groups, [&](std::int64_t from, std::int64_t to, int) {
    const Memory<F> memory(Group::size(plan));
    if (memory.data == nullptr) throw std::bad_alloc();
    std::int64_t own = 0;
    for (std::int64_t i = from; i < to; ++i) {
      throw_if_stopped();
      Group group(plan, planes, memory.data);
      const auto first = static_cast<std::uint32_t>(i) * std::uint32_t(kWidth);
      group.solve(first, op.tolerance, most_iterations);
      own += group.write(op);
    }
    add_from_any_thread(&failed, own);
  });
  return failed;
}

}  // namespace

std::int64_t effective_matrix(const Exec& exec, const EffectiveMatrix& op) {
  if (op.outputs == 0 || op.inputs == 0) return 0;
  const WirePlan plan = plan_of(op);
  const float largest = largest_magnitude(exec, op.g, op.outputs * op.inputs);
  if (floats_may_do(plan, largest) && solve_in_floats(exec, op, plan) == 0) return 0;
  return effective_matrix_in_double(op, exec.threads);
}

}  // namespace mq::MQ_BACKEND
