/// Everything that a training needs to go on as if it had never stopped, and its file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "meltquench/training/loss.h"
#include "meltquench/training/network.h"
#include "meltquench/training/optimizer_step.h"

namespace mq {

struct EpochResult {
  double loss = 0.0;      ///< mean over the training images, as seen by the steps (noise included)
  double accuracy = 0.0;  ///< 0 to 1
};

struct TrainingState {
  std::uint32_t epoch = 0;  ///< epochs done
  std::uint64_t step = 0;   ///< steps done of the epoch after them
  LossSums sums;            ///< of these steps
  OptimizerState optimizer;
  std::vector<EpochResult> history;  ///< of the epochs done
};

/// What must be equal for a training to go on from a file.
struct TrainingIdentity {
  std::string params;  ///< resolved `[train]` table as JSON
  std::uint64_t seed = 0;
  std::uint64_t samples = 0;
};

/// Writes weights, optimizer and place in the data, whole or not at all. Throws StorageError.
void save_training(const std::filesystem::path& path, const Network& network, const TrainingState& state,
                   const TrainingIdentity& identity);

/// Reads them back. Throws MissingError, DataError for a damaged file, and ConfigError if the file belongs to
/// another training; network and state are then unchanged.
void load_training(const std::filesystem::path& path, Network& network, TrainingState& state,
                   const TrainingIdentity& identity);

}  // namespace mq
