/// Config -> train -> program -> age -> evaluate -> results -> report, for one point or a sweep of many.
///
/// The folder `<output>/<name>-<key8>/` holds config.toml, trials.jsonl (one durable line per finished chip:
/// the truth), results.csv, arrays.h5, manifest.json and report.html (derived, written whole). Running the
/// same thing again computes only what is missing. Trained networks are kept in `<output>/models/` and shared
/// by runs that train alike. Processes that run the same thing at once share it: each chip is computed and
/// each network trained by one of them, all end with all results, and what a killed one leaves the others
/// finish.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/core/log.h"
#include "meltquench/core/progress.h"
#include "meltquench/experiment/report.h"
#include "meltquench/experiment/sweep_grid.h"

namespace mq {

struct RunOptions {
  std::filesystem::path output = "runs";
  Exec exec{.threads = 1};
  ProgressSink* progress = nullptr;  ///< null: silent
  Log* log = nullptr;                ///< null: silent
};

struct RunOutcome {
  std::filesystem::path folder;
  std::vector<AccuracyRow> rows;  ///< per point, variant, compensation and time
  std::string digest = {};        ///< SHA-256 over arrays.h5 and results.csv
  std::size_t trials = 0;         ///< chips evaluated, this time or earlier
  std::size_t computed = 0;       ///< of them this time and by this process
};

/// Runs all points and writes all files. Throws Interrupted when a stop was requested: what is finished is
/// saved, and the same call goes on from there.
RunOutcome run_experiment(const std::vector<SweepPoint>& points, const RunOptions& options);

/// What `run_experiment` would do: points, trials, those already done, tiles, bytes of memory per chip,
/// folder.
struct RunPlan {
  std::filesystem::path folder;
  std::size_t points = 0, trials = 0, done = 0, trainings = 0;
  std::size_t tiles = 0;           ///< of one chip of the largest point
  std::size_t bytes_per_chip = 0;  ///< cells and planes
};
RunPlan plan_experiment(const std::vector<SweepPoint>& points, const RunOptions& options);

/// Writes results.csv, arrays.h5, manifest.json and report.html of a finished folder again from its journal.
/// Throws MissingError if this is no such folder, StateError if trials are missing.
RunOutcome rewrite_report(const std::filesystem::path& folder, const RunOptions& options);

}  // namespace mq
