#include "meltquench/experiment/trained_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "meltquench/core/error.h"
#include "meltquench/core/file_lock.h"
#include "meltquench/core/files.h"
#include "meltquench/core/log.h"
#include "meltquench/core/progress.h"
#include "meltquench/experiment/analog_network.h"
#include "meltquench/training/evaluate.h"
#include "meltquench/training/trainer.h"

namespace mq {
namespace {

void train(Trainer& trainer, const std::filesystem::path& file, std::string task, ProgressSink& sink) {
  std::unique_ptr<Progress> progress;
  try {
    trainer.run([&](const TrainReport& report) {
      if (progress == nullptr) {
        progress = std::make_unique<Progress>(sink, task, report.steps);
        progress->advance(report.step - 1);
      }
      progress->advance();
      if (report.is_epoch_end) trainer.save(file);
    });
  } catch (const Interrupted&) {
    trainer.save(file);
    throw;
  }
}

/// One process trains a network, the others wait for it and say so.
FileLock lock_training(const std::filesystem::path& folder, const std::filesystem::path& file,
                       Variant variant, ProgressSink& sink, Log* log) {
  std::unique_ptr<Progress> waiting;
  return FileLock::lock(folder, file.filename().string(), [&](const std::string& holder) {
    const std::string what = fmt::format("{}, which trains the {} network", holder, name(variant));
    if (log != nullptr) {
      log->info("waits for " + what + "; stop with Ctrl-C");
    } else {
      waiting = std::make_unique<Progress>(sink, "Waiting for " + what, 0);
    }
  });
}

}  // namespace

std::filesystem::path network_file(const std::filesystem::path& folder, const std::string& training_key,
                                   Variant variant) {
  return folder / (training_key.substr(0, 8) + "-" + std::string(name(variant)) + ".h5");
}

TrainedNetwork trained_network(const Exec& exec, const RunConfig& config, Variant variant,
                               const DatasetPair& data, const std::filesystem::path& folder,
                               ProgressSink& progress, Log* log) {
  const TrainParams params = config.train.of(variant);
  const InputLimit limit{params.input_range, params.input_bits, params.learn_input_range};
  TrainedNetwork trained{make_network(config.model, data.train.shape, data.train.classes, limit), {}, 0.0};
  trained.network.initialize(config.seed);
  Trainer trainer(exec, trained.network, data.train.samples(), params, config.seed);
  const std::filesystem::path file = network_file(folder, config.training_key(), variant);
  if (std::filesystem::exists(file)) trainer.load(file);
  if (!trainer.is_finished()) {
    ensure_writable_folder(folder);
    const FileLock lock = lock_training(folder, file, variant, progress, log);
    if (std::filesystem::exists(file)) trainer.load(file);  // another process may have gone on meanwhile
    if (!trainer.is_finished()) {
      train(trainer, file, "Training, " + std::string(name(variant)), progress);
      trainer.save(file);
    }
  }
  trained.digital_accuracy = evaluate(digital_exec(exec), trained.network, data.test.samples()).accuracy();
  const Samples calibration = data.train.first(static_cast<std::size_t>(config.eval.calibration_images));
  trained.ranges = calibrate_ranges(exec, trained.network, config.hardware, calibration.images);
  if (log != nullptr) {
    log->info(std::string(name(variant)) + " network: digital test accuracy " +
              format_number(std::round(trained.digital_accuracy * 1e4) / 1e2) + " %");
  }
  return trained;
}

}  // namespace mq
