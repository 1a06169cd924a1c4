/// Read noise with memory: moves the processes of every cell by one step and adds them up.
///
/// Cell i at moment `key` draws, from Rng(key, i), one normal per process and one for all that need no
/// memory; from Rng(key, i, 1) the uniform of its defect, which is itself drawn from Rng(device, i, 2):
///     r_k <- keep_k r_k + fresh_k xi_k
///     deviate = weight sum r_k + white xi + step (level - occupancy)
#pragma once

#include <cstddef>

#include "meltquench/core/random.h"
#include "meltquench/devices/correlated_noise.h"

namespace mq {

struct CellNoise {
  std::size_t size = 0;
  int processes = 0;
  float keep[NoiseProcesses::kMost]{}, fresh[NoiseProcesses::kMost]{};
  float weight = 0.0f, white = 0.0f;
  float* states = nullptr;  ///< [processes, size], standard normals
  TelegraphLaw telegraph{};
  float* levels = nullptr;      ///< [size] 0 or 1; null: no telegraph noise
  float seconds = 0.0f;         ///< that the step takes
  bool starts = false;          ///< cells are new: the step forgets what was
  const float* only = nullptr;  ///< [size]: cells whose value is below 0 stay as they are; null: none does
  RngKey key{};                 ///< of this step
  RngKey device{};              ///< of the fabrication
  float* deviates = nullptr;    ///< [size] result
};

}  // namespace mq
