/// The claims about the main job, examples/fashion-mnist.toml: two networks, 25 chips each, one year.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "meltquench/experiment/experiment.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

constexpr double kYear = 31536000.0;

class MainJob : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const fs::path folder = fs::temp_directory_path() / ("mq-main-job-" + std::to_string(::getpid()));
    RunOptions options;
    options.output = folder;
    options.exec.threads = available_threads();
    const fs::path config = fs::path(MQ_SOURCE_DIR) / "examples" / "fashion-mnist.toml";
    rows() = run_experiment(sweep_points(load_config(config, {})), options).rows;
    fs::remove_all(folder);
  }

  static std::vector<AccuracyRow>& rows() {
    static std::vector<AccuracyRow> all;
    return all;
  }
  static const AccuracyRow& row(const std::string& variant, const std::string& compensation, double time) {
    for (const AccuracyRow& row : rows()) {
      if (row.variant == variant && row.compensation == compensation && row.time == time) return row;
    }
    throw std::runtime_error("no such row");
  }
  /// Points of accuracy that the chips lose on average against the same network without analog hardware.
  static double loss(const AccuracyRow& row) { return 100.0 * (row.digital - row.mean); }
};

TEST_F(MainJob, TrainsBothNetworksWell) {
  EXPECT_GE(row("plain", "none", 25.0).digital, 0.875);
  EXPECT_GE(row("hardware-aware", "none", 25.0).digital, 0.880);
  EXPECT_EQ(rows().size(), 20u);
  for (const AccuracyRow& each : rows()) EXPECT_EQ(each.chips, 25);
}

TEST_F(MainJob, TheHardwareAwareNetworkLosesLittleInAYear) {
  EXPECT_LE(loss(row("hardware-aware", "global", 25.0)), 0.3);
  EXPECT_LE(loss(row("hardware-aware", "none", 25.0)), 0.3);
  EXPECT_LE(loss(row("hardware-aware", "global", kYear)), 0.5);
}

TEST_F(MainJob, TheHardwareAwareNetworkLosesLessThanThePlainOneAtEveryTime) {
  for (const char* compensation : {"none", "global"}) {
    for (const double time : {25.0, 3600.0, 86400.0, 2592000.0, kYear}) {
      EXPECT_LT(loss(row("hardware-aware", compensation, time)), loss(row("plain", compensation, time)))
          << compensation << " " << time;
    }
  }
}

TEST_F(MainJob, ThePlainNetworkWithoutCompensationLosesMoreThanTenPointsInAYear) {
  EXPECT_GT(loss(row("plain", "none", kYear)), 10.0);
}

}  // namespace
}  // namespace mq
