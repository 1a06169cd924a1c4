#include "meltquench/experiment/experiment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/overrides.h"
#include "meltquench/core/stop.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kQuick = R"(
name = "quick"
[data]
name = "synthetic"
train_images = 400
test_images = 200
[model]
layers = [16]
[train]
epochs = 2
batch_size = 50
[tile]
rows = 32
columns = 24
[eval]
times = ["25 s", "1 day"]
chips = 3
calibration_images = 100
)";

class Experiment : public ::testing::Test {
 protected:
  Experiment() { fs::remove_all(folder_); }
  ~Experiment() override { fs::remove_all(folder_); }

  std::vector<SweepPoint> points(const std::vector<std::string>& overrides = {},
                                 const std::vector<std::string>& axes = {}) {
    Value config = parse_toml(kQuick, "quick.toml");
    apply_overrides(config, overrides);
    return sweep_points(config, axes);
  }
  RunOptions options(int threads = 1, const std::string& output = "a") {
    RunOptions result;
    result.output = folder_ / output;
    result.exec.threads = threads;
    return result;
  }

  fs::path folder_ = fs::temp_directory_path() / ("mq-experiment-" + std::to_string(::getpid()));
};

/// Asks for a stop after some evaluations.
class StopAfter : public ProgressSink {
 public:
  explicit StopAfter(std::uint64_t steps) : steps_(steps) {}
  void update(const ProgressState& state) override {
    if (state.task == "Evaluating chips" && state.done >= steps_) request_stop();
  }

 private:
  std::uint64_t steps_;
};

TEST_F(Experiment, LeavesAllItsFilesAndNoOthers) {
  const RunOutcome outcome = run_experiment(points(), options());
  EXPECT_EQ(outcome.trials, 6u);
  EXPECT_EQ(outcome.computed, 6u);
  EXPECT_EQ(outcome.rows.size(), 8u);  // 2 variants, 2 compensations, 2 times
  std::set<std::string> files;
  for (const auto& entry : fs::directory_iterator(outcome.folder)) files.insert(entry.path().filename());
  EXPECT_EQ(files, (std::set<std::string>{"arrays.h5", "config.toml", "manifest.json", "report.html",
                                          "results.csv", "trials.jsonl"}));
  EXPECT_EQ(read_complete_lines(outcome.folder / "trials.jsonl").size(), 6u);
}

TEST_F(Experiment, GivesTheSameDigestForAnyThreadsAndBatches) {
  const std::string digest = run_experiment(points(), options(1, "a")).digest;
  EXPECT_EQ(run_experiment(points(), options(2, "b")).digest, digest);
  EXPECT_EQ(run_experiment(points({"eval.batch_size=1"}), options(3, "c")).digest, digest);
  EXPECT_EQ(run_experiment(points({"eval.batch_size=512"}), options(2, "d")).digest, digest);
  EXPECT_NE(run_experiment(points({"seed=8"}), options(2, "e")).digest, digest);
}

TEST_F(Experiment, OfEveryMappingAndPeripheryGivesTheSameDigestForAnyThreadsAndBatches) {
  const std::vector<std::string> kinds[] = {
      {"mapping.kind=offset", "dac.digit_bits=2"},
      {"mapping.kind=offset", "mapping.zero=reference-column", "mapping.scale=column", "adc.offset=0.5"},
      {"mapping.slices=2", "mapping.slice_bits=3", "mapping.subtraction=digital", "wires.word_line=1Ohm"},
      {"adc.kind=sar", "adc.mismatch=0.02", "adc.bound_management=iterative", "dac.scaling=absmax"},
      {"tile.read_noise_law=nanosecond", "dac.input_noise=0.01", "periphery.s_shape=0.1"},
      {"wires.topology=gated", "wires.word_line=1Ohm", "wires.bit_line=1Ohm", "dac.digit_bits=1"},
  };
  for (std::vector<std::string> overrides : kinds) {
    const std::string digest = run_experiment(points(overrides), options(1, "a")).digest;
    overrides.push_back("eval.batch_size=7");
    EXPECT_EQ(run_experiment(points(overrides), options(3, "b")).digest, digest) << overrides.front();
  }
}

TEST_F(Experiment, ComputesNothingTwice) {
  const RunOutcome first = run_experiment(points(), options());
  const RunOutcome second = run_experiment(points(), options());
  EXPECT_EQ(second.computed, 0u);
  EXPECT_EQ(second.digest, first.digest);
  EXPECT_EQ(rewrite_report(first.folder, options()).digest, first.digest);
}

TEST_F(Experiment, GoesOnWhereItWasStoppedAndGivesTheSameDigest) {
  const std::vector<std::string> axes = {"adc.bits=4,6"};
  const std::string digest = run_experiment(points({}, axes), options(1, "whole")).digest;
  StopAfter stop(13);  // in the fourth chip
  RunOptions stopped = options(1, "parts");
  stopped.progress = &stop;
  EXPECT_THROW(run_experiment(points({}, axes), stopped), Interrupted);
  clear_stop_request();
  EXPECT_EQ(plan_experiment(points({}, axes), options(1, "parts")).done, 3u);
  const RunOutcome rest = run_experiment(points({}, axes), options(2, "parts"));
  EXPECT_EQ(rest.computed, 12u - 3u);
  EXPECT_EQ(rest.digest, digest);
}

TEST_F(Experiment, TrainsOnceForASweepOverHardware) {
  const RunPlan before = plan_experiment(points({}, {"adc.bits=4,6"}), options());
  EXPECT_EQ(before.trainings, 2u);
  EXPECT_EQ(before.trials, 12u);
  EXPECT_EQ(before.tiles, 6u);  // 144 inputs in 5 tiles of 32 word lines, then 16 inputs in one
  run_experiment(points({}, {"adc.bits=4"}), options());
  EXPECT_EQ(plan_experiment(points({}, {"adc.bits=4,6"}), options()).trainings, 0u);
}

TEST_F(Experiment, MakesTheSamePointsFromItsResolvedConfig) {
  const std::vector<SweepPoint> before =
      points({"device=hermes-1"}, {"adc.bits=4,6", "device.g_max=10 uS,12 uS"});
  const RunOutcome outcome = run_experiment(before, options());
  const std::vector<SweepPoint> after = sweep_points(load_toml(outcome.folder / "config.toml"));
  ASSERT_EQ(after.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(after[i].config.key(), before[i].config.key());
}

TEST_F(Experiment, MakesTheSamePointsWhereTablesAndDevicesAreSwept) {
  const std::vector<std::string> set = {"device.prog_noise_scale=2", "adc.noise=0.5", "eval.chips=1",
                                        "train.epochs=1", "train.variants=[\"plain\"]"};
  const std::vector<SweepPoint> before =
      points(set, {"adc={kind=\"sar\", mismatch=0.02},{kind=\"ramp\"}", "device=hermes-1,pcm-like"});
  const RunOutcome outcome = run_experiment(before, options());
  const std::vector<SweepPoint> after = sweep_points(load_toml(outcome.folder / "config.toml"));
  ASSERT_EQ(after.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(after[i].key, before[i].key) << after[i].label();
  EXPECT_EQ(rewrite_report(outcome.folder, options()).computed, 0u);
}

TEST_F(Experiment, RefusesAFolderThatIsNoRun) {
  fs::create_directories(folder_);
  EXPECT_THROW(rewrite_report(folder_, options()), MissingError);
}

TEST_F(Experiment, RefusesAnOutputFolderThatCannotBeMade) {
  fs::create_directories(folder_);
  write_file_atomically(folder_ / "a", "a file is in the way");
  EXPECT_THROW(run_experiment(points(), options()), StorageError);
}

TEST_F(Experiment, NamesTheLineOfAJournalThatIsDamaged) {
  const RunOutcome outcome = run_experiment(points(), options());
  append_line_durably(outcome.folder / "trials.jsonl", "{\"point\": 3}");
  try {
    run_experiment(points(), options());
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("line 7"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace mq
