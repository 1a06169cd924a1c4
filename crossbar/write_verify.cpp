#include "meltquench/crossbar/write_verify.h"

#include <algorithm>

#include "meltquench/core/buffer.h"
#include "meltquench/core/contract.h"

namespace mq {

WriteVerifyReport& WriteVerifyReport::operator+=(const WriteVerifyReport& other) {
  cells += other.cells;
  converged += other.converged;
  iterations.resize(std::max(iterations.size(), other.iterations.size()));
  for (std::size_t i = 0; i < other.iterations.size(); ++i) iterations[i] += other.iterations[i];
  pulses += other.pulses;
  reads += other.reads;
  energy += other.energy;
  time += other.time;
  return *this;
}

void write_and_verify(const Exec& exec, WriteVerifyCells op, std::size_t outputs, std::size_t inputs,
                      WriteVerifyReport& report, std::vector<double>& line_seconds) {
  const std::size_t n = op.cells.size;
  MQ_EXPECTS(n == outputs * inputs && line_seconds.size() == inputs);
  // What each cell took comes back, and is summed here in the order of the cells: on every backend alike.
  Buffer<float> results(exec, 5 * n);
  float* const first = results.data();
  op.iterations = first, op.reads = first + n, op.pulses = first + 2 * n, op.energy = first + 3 * n,
  op.is_converged = first + 4 * n;
  kernels(exec.backend).write_verify_cells(exec, op);
  std::vector<float> host(results.size());
  results.copy_to(host);
  const auto limit = static_cast<std::size_t>(op.how.iterations);
  report.iterations.resize(std::max(report.iterations.size(), limit + 1));
  for (std::size_t i = 0; i < n; ++i) {
    const float iterations = host[i], reads = host[n + i], pulses = host[2 * n + i];
    if (reads == 0.0f) continue;  // left alone
    ++report.cells;
    report.converged += host[4 * n + i] > 0.0f;
    ++report.iterations[static_cast<std::size_t>(iterations)];
    report.pulses += static_cast<std::int64_t>(pulses);
    report.reads += static_cast<std::int64_t>(reads);
    report.energy += host[3 * n + i];
    double& line = line_seconds[i % inputs];
    line = std::max(line, double(pulses) * op.how.pulse.width + double(reads) * op.how.t_read);
  }
}

}  // namespace mq
