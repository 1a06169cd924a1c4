/// Program-and-verify of one array of cells: what goes in, and what it took per cell.
#pragma once

#include <cstddef>

#include "meltquench/core/random.h"
#include "meltquench/devices/programming.h"
#include "meltquench/kernels/cells.h"
#include "meltquench/kernels/faults.h"

namespace mq {

/// Writes cells towards g_target [S] until they verify or are given up; one with a target below 0 stays as it
/// is. Cells of a PulsedModel move by their own pulses from where they stand, those of other models by
/// melting pulses (devices/programming_pulse.h). Of the latter, a programming draws what `Model::program`
/// draws beside the conductance, as one-shot writing with the same keys does. Throws ConfigError for a model
/// that is no HoldingModel.
struct WriteVerifyCells {
  CellsView cells{};
  const float* g_target = nullptr;  ///< [cells.size]
  ProgrammingParams how;
  RngKey key{};          ///< pulses and verify reads of this programming
  RngKey programming{};  ///< what else this programming draws
  RngKey device{};       ///< of the fabrication: the same at every programming
  RngKey response{};     ///< how a cell answers pulses: likewise
  WriteFaults faults{};
  const float* age = nullptr;  ///< [cells.size] time from the write to the epoch [s]; null: 0
  // Results, [cells.size] each:
  float* iterations = nullptr;    ///< pulses (or trains of them), each with a read; 0 to how.iterations
  float* reads = nullptr;         ///< verify reads
  float* pulses = nullptr;        ///< single pulses
  float* energy = nullptr;        ///< of both [J]
  float* is_converged = nullptr;  ///< 1 for a working cell that verified, else 0
};

}  // namespace mq
