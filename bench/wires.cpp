/// Speed of arrays with resistive lines, one core: cells uniform in 0.1 to 25 uS, 1 Ohm per segment.
///
///   exact_wires/N        one solution in double precision, factors included, residual 1e-10
///   vs_cholesky          time / time of Eigen's SimplicialLDLT (factors and one solution) for the same
///                        equations; up to 256, beyond which it needs minutes and gigabytes
///   effective_matrix/N   the effective matrix in floats, tolerance 1e-6
///   gated_products/N     an array whose inputs open transistors, 64 samples with half of the gates open;
///   items
///                        are cells times samples
///   peak_fmas            fused multiply-adds that the core could have done per node and right-hand side
#include <benchmark/benchmark.h>

#include <Eigen/Sparse>
#include <cmath>
#include <vector>

#include "meltquench/bench/report.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/kernels/wire_solver.h"

namespace mq {
namespace {

const WireNetwork kWires{.word = {1.0, 1.0}, .bit = {1.0, WireLine::kOpen, 1.0}};

std::vector<float> conductances(std::size_t n) {
  std::vector<float> g = uniform(n * n, 5);
  for (float& x : g) x = 0.1e-6f + 24.9e-6f * std::abs(x);
  return g;
}

/// Nodes of word lines, then of bit lines; one triangle.
Eigen::SparseMatrix<double> nodal_equations(std::size_t n, const std::vector<double>& g) {
  const auto bit = static_cast<int>(n * n), width = static_cast<int>(n);
  std::vector<Eigen::Triplet<double>> entries;
  std::vector<double> diagonal(2 * n * n, 0.0);
  const auto join = [&](int a, int b, double conductance) {
    diagonal[static_cast<std::size_t>(a)] += conductance;
    diagonal[static_cast<std::size_t>(b)] += conductance;
    entries.emplace_back(b, a, -conductance);
  };
  for (int o = 0; o < width; ++o) {
    for (int i = 0; i < width; ++i) {
      const int k = o * width + i;
      join(k, bit + k, g[static_cast<std::size_t>(k)]);
      if (o + 1 < width) join(k, k + width, 1.0);
      if (i + 1 < width) join(bit + k, bit + k + 1, 1.0);
    }
    diagonal[static_cast<std::size_t>(o)] += 1.0;                          // driver of word line o
    diagonal[static_cast<std::size_t>(bit + (o + 1) * width - 1)] += 1.0;  // where bit line o is sensed
  }
  for (std::size_t k = 0; k < diagonal.size(); ++k) {
    entries.emplace_back(static_cast<int>(k), static_cast<int>(k), diagonal[k]);
  }
  Eigen::SparseMatrix<double> matrix(2 * bit, 2 * bit);
  matrix.setFromTriplets(entries.begin(), entries.end());
  return matrix;
}

void exact_wires(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const std::vector<float> cells = conductances(n);
  const std::vector<double> g(cells.begin(), cells.end()), volts(n, 0.2);
  std::vector<double> word(n * n), bit(n * n), word_current(n), bit_current(n);
  WireSolver solver(kWires, n, n);
  WireConvergence how;
  const auto call = [&] {
    std::fill(bit.begin(), bit.end(), 0.0);
    solver.set_conductances(g);
    how = solver.solve({.word_volts = volts}, {.tolerance = 1e-10}, {word, bit, word_current, bit_current});
  };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  report_items(state, double(2 * n * n), seconds);
  state.counters["ms"] = seconds * 1e3;
  state.counters["iterations"] = how.iterations;
  state.counters["residual"] = how.residual;
  if (n > 256) return;
  const Eigen::SparseMatrix<double> matrix = nodal_equations(n, g);
  Eigen::VectorXd sources = Eigen::VectorXd::Zero(matrix.rows());
  sources.head(static_cast<Eigen::Index>(n)).setConstant(0.2);
  Eigen::VectorXd x;
  const double cholesky = best_seconds([&] {
    const Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> factors(matrix);
    x = factors.solve(sources);
  });
  state.counters["vs_cholesky"] = seconds / cholesky;
  const Eigen::Map<const Eigen::VectorXd> ours(word.data(), static_cast<Eigen::Index>(word.size()));
  state.counters["difference"] = (ours - x.head(ours.size())).lpNorm<Eigen::Infinity>() / 0.2;
}
BENCHMARK(exact_wires)->Arg(128)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond)->Iterations(1);

void effective_matrix(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const std::vector<float> g = conductances(n);
  std::vector<float> effective(n * n);
  const auto call = [&] {
    benchmark::DoNotOptimize(
        kernels(Backend::cpu)
            .effective_matrix(
                {},
                {.wires = kWires, .outputs = n, .inputs = n, .g = g.data(), .effective = effective.data()}));
  };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  report_items(state, double(n) * double(n) * double(n), seconds);
  state.counters["ms"] = seconds * 1e3;
}
BENCHMARK(effective_matrix)->Arg(128)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond)->Iterations(1);

void gated_products(benchmark::State& state) {
  constexpr std::size_t kBatch = 64;
  const auto n = static_cast<std::size_t>(state.range(0));
  const GatedNetwork network{.source = {1.0, 1.0}, .bit = {1.0, WireLine::kOpen, 1.0}};
  const std::vector<float> g = conductances(n);
  std::vector<float> cells(padded_outputs(n) * n), y(kBatch * n);
  std::vector<std::int16_t> codes;
  for (const float x : uniform(kBatch * n, 6)) codes.push_back(x > 0.0f);
  const KernelTable& table = kernels(Backend::cpu);
  table.pack_gated({}, {.network = network, .g = g.data(), .outputs = n, .inputs = n, .cells = cells.data()});
  const auto call = [&] {
    table.gated_products({}, {.network = network,
                              .cells = cells.data(),
                              .largest = 25e-6f,
                              .outputs = n,
                              .inputs = n,
                              .codes = codes.data(),
                              .code_stride = n,
                              .batch = kBatch,
                              .y = y.data()});
  };
  for (auto _ : state) call();
  const double seconds = best_seconds(call), items = double(kBatch) * double(n) * double(n);
  report_items(state, items, seconds);
  state.counters["ns"] = seconds / items * 1e9;
}
BENCHMARK(gated_products)->Arg(128)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace mq
