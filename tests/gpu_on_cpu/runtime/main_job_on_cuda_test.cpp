// The main job at a small size with the backend cuda: data, training, programming, ageing, evaluation, files.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/experiment/experiment.h"
#include "on_cpu.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

/// 144 inputs on 2 x 2 tiles of the first layer, both kinds of training, noise and converters.
constexpr std::string_view kSmallJob = R"(
name = "small"
[data]
name = "synthetic"
train_images = 60
test_images = 30
[model]
layers = [12]
[train]
epochs = 1
batch_size = 20
[tile]
rows = 96
columns = 8
[eval]
times = ["25 s", "1 day"]
chips = 1
calibration_images = 20
batch_size = 15
)";

class MainJobOnCuda : public testing::Test {
 protected:
  MainJobOnCuda() {
    fs::remove_all(folder_);
    on_cpu::reset_device();
  }
  ~MainJobOnCuda() override {
    fs::remove_all(folder_);
    on_cpu::reset_device();
  }
  void TearDown() override { EXPECT_EQ(on_cpu::live_allocations(), 0u); }

  /// Into a folder of its own, unless it is to go on in the one of the run before.
  RunOutcome run(Backend backend, bool goes_on = false) {
    if (!goes_on) ++runs_;
    RunOptions options;
    options.output = folder_ / std::to_string(runs_);
    options.exec.backend = backend;
    return run_experiment(sweep_points(parse_toml(kSmallJob, "small.toml"), {}), options);
  }
  const std::string& digest_of_cpu() {
    if (!digest_of_cpu_) digest_of_cpu_ = run(Backend::cpu).digest;
    return *digest_of_cpu_;
  }
  std::string sentence_of_run() {
    try {
      run(Backend::cuda);
    } catch (const ResourceError& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

 private:
  const fs::path folder_ = fs::temp_directory_path() / ("mq-main-job-on-cuda-" + std::to_string(::getpid()));
  int runs_ = 0;
  std::optional<std::string> digest_of_cpu_;
};

/// `count` numbers from 1 to `last`, dense at the start, where every place is its own.
std::vector<int> spread(std::size_t last, int count) {
  std::vector<int> numbers;
  for (int i = 0; i < count; ++i) {
    const double share = double(i) / (count - 1);
    const int n = 1 + static_cast<int>(share * share * double(last - 1));
    if (numbers.empty() || n > numbers.back()) numbers.push_back(n);
  }
  return numbers;
}

TEST_F(MainJobOnCuda, GivesTheDigestOfTheCpu) {
  const RunOutcome outcome = run(Backend::cuda);
  EXPECT_EQ(outcome.digest, digest_of_cpu());
  EXPECT_EQ(outcome.computed, 2u);
  EXPECT_EQ(on_cpu::findings(), "");
  EXPECT_GT(on_cpu::kernels(), 50u);
}

TEST_F(MainJobOnCuda, GivesTheSameDigestWhenStreamsRunLateAndThreadsInAnotherOrder) {
  for (const std::uint64_t seed : {1u, 2u}) {
    on_cpu::set_stream_order(seed);
    on_cpu::set_thread_order(seed);
    EXPECT_EQ(run(Backend::cuda).digest, digest_of_cpu()) << "order " << seed;
  }
  EXPECT_EQ(on_cpu::findings(), "");
}

TEST_F(MainJobOnCuda, AnyAllocationMayFailAndTheSameRunThenGoesOn) {
  run(Backend::cuda);
  const std::size_t count = on_cpu::allocations();
  ASSERT_GT(count, 30u);
  for (const int n : spread(count, 12)) {
    on_cpu::reset_device();
    on_cpu::fail_allocation(n);
    const std::string sentence = sentence_of_run();
    EXPECT_EQ(sentence.find("not enough memory on CUDA device 0 for a buffer of "), 0u)
        << n << ": " << sentence;
    ASSERT_EQ(on_cpu::live_allocations(), 0u) << "allocation " << n;
  }
  EXPECT_EQ(run(Backend::cuda, /*goes_on=*/true).digest, digest_of_cpu());
}

TEST_F(MainJobOnCuda, AnyKernelMayDieAndTheDeviceStaysDead) {
  run(Backend::cuda);
  const std::size_t count = on_cpu::kernels();
  for (const int n : spread(count, 6)) {
    on_cpu::reset_device();
    on_cpu::fail_kernel(n);
    for (int again = 0; again < 2; ++again) {
      const std::string sentence = sentence_of_run();
      EXPECT_NE(sentence.find("unspecified launch failure; what it computed is lost."), std::string::npos)
          << n << ": " << sentence;
      ASSERT_EQ(on_cpu::live_allocations(), 0u) << "kernel " << n;
    }
  }
  on_cpu::reset_device();
  EXPECT_EQ(run(Backend::cuda, /*goes_on=*/true).digest, digest_of_cpu());
}

TEST_F(MainJobOnCuda, ALaunchThatIsRefusedIsASentence) {
  for (const int n : {1, 20}) {
    on_cpu::fail_launch(n);
    EXPECT_EQ(sentence_of_run(),
              "CUDA device 0 failed while starting a kernel: too many resources requested for launch; what "
              "it computed "
              "is lost. Start again, and choose the backend cpu if it fails again");
  }
}

}  // namespace
}  // namespace mq
