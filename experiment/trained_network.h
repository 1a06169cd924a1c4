/// Trained networks, kept as files so that runs which train alike share them.
#pragma once

#include <filesystem>

#include "meltquench/experiment/run_config.h"
#include "meltquench/training/network.h"

namespace mq {

class ProgressSink;
class Log;

/// A network of one variant and what it can do without analog hardware.
struct TrainedNetwork {
  Network network;
  std::vector<Ranges> ranges;
  double digital_accuracy = 0.0;
};

/// `<folder>/<training key, 8 digits>-<variant>.h5`.
std::filesystem::path network_file(const std::filesystem::path& folder, const std::string& training_key,
                                   Variant variant);

/// Loads the network's checkpoint from `folder` and trains what is missing; checkpoints after every epoch and
/// when a stop was requested (then throws Interrupted). While another process trains it, waits for that one
/// and says so. Ranges are calibrated for the hardware of `config`.
TrainedNetwork trained_network(const Exec& exec, const RunConfig& config, Variant variant,
                               const DatasetPair& data, const std::filesystem::path& folder,
                               ProgressSink& progress, Log* log);

}  // namespace mq
