/// What program-and-verify came to: convergence, pulses, energy and time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {

struct WriteVerifyReport {
  std::int64_t cells = 0;                ///< that had a target
  std::int64_t converged = 0;            ///< of these: verified, and neither stuck nor failing
  std::vector<std::int64_t> iterations;  ///< [limit + 1] how many cells took 0, 1, ... iterations
  std::int64_t pulses = 0;
  std::int64_t reads = 0;
  double energy = 0.0;  ///< of pulses and reads [J]
  double time = 0.0;    ///< [s]: word lines one after the other, each as long as its slowest cell

  double converged_share() const { return cells > 0 ? double(converged) / double(cells) : 1.0; }
  /// Tiles share one programmer: times add as everything else does.
  WriteVerifyReport& operator+=(const WriteVerifyReport& other);
};

/// Writes one array [outputs, inputs] of a tile until it verifies; result pointers of `op` are not looked at.
/// Adds to `report`, except for its time: `line_seconds` [inputs] becomes as long as the slowest cell of each
/// word line, so that arrays on the same lines are written at the same time.
void write_and_verify(const Exec& exec, WriteVerifyCells op, std::size_t outputs, std::size_t inputs,
                      WriteVerifyReport& report, std::vector<double>& line_seconds);

}  // namespace mq
