/// Speed of the float product, against OpenBLAS.
#include "meltquench/bench/report.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {
namespace {

void float_product(benchmark::State& state) {
  const std::size_t n = 512;
  const std::vector<float> a = uniform(n * n, 1), b = uniform(n * n, 2);
  std::vector<float> c(n * n);
  const FloatProduct op{.rows = n,
                        .columns = n,
                        .depth = n,
                        .a = a.data(),
                        .a_row = n,
                        .a_column = 1,
                        .b = b.data(),
                        .b_row = 1,
                        .b_column = n,
                        .c = c.data(),
                        .c_row = n,
                        .adds = false};
  const auto call = [&] { kernels(Backend::cpu).float_product({}, op); };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  state.counters["of_peak"] = double(n * n * n) / seconds / fma_peak();
  report_openblas(state, n, n, seconds);
}
BENCHMARK(float_product)->Name("float_product/512");

}  // namespace
}  // namespace mq
