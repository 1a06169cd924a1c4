#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "backends.h"
#include "meltquench/core/config.h"
#include "meltquench/core/overrides.h"
#include "meltquench/experiment/experiment.h"
#include "meltquench/kernels/library_product.h"
#include "meltquench/training/evaluate.h"
#include "meltquench/training/layers.h"
#include "meltquench/training/trainer.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

fs::path temporary(const std::string& name) {
  return fs::path(testing::TempDir()) / ("mq-cuda-" + std::to_string(::getpid()) + "-" + name);
}

/// Every kind of layer once, and images that mean nothing.
struct SmallJob {
  static constexpr std::size_t kCount = 45, kSize = 2 * 9 * 10;
  std::vector<float> images = uniform_floats(kCount * kSize, -1.0f, 1.0f, 40);
  std::vector<std::uint8_t> labels;

  SmallJob() {
    for (std::size_t i = 0; i < kCount; ++i) labels.push_back(static_cast<std::uint8_t>(i * i % 5));
  }
  Samples samples() const { return {{images.data(), kCount, kSize}, labels}; }

  static Network network() {
    Network network({2, 9, 10});
    network.append<InputRange>("range1", 0.8f, 5)
        .append<Conv2d>("conv1", ConvolutionParams{.filters = 4, .kernel = 3, .padding = 1})
        .append<Relu>("relu1")
        .append<MaxPool2d>("pool1", 3, 2)
        .append<Conv2d>("conv2", ConvolutionParams{.filters = 3, .kernel = 2})
        .append<AvgPool2d>("pool2", 2, 1)
        .append<InputRange>("range2", 1.5f, 0, true)
        .append<Linear>("fc1", std::size_t(12))
        .append<Relu>("relu2")
        .append<Linear>("fc2", std::size_t(5));
    network.initialize(6);
    return network;
  }
  static TrainParams params(Optimizer optimizer) {
    return {.epochs = 2,
            .batch_size = 20,
            .shards = 3,
            .optimizer = optimizer,
            .learning_rate = 0.01,
            .weight_decay = optimizer == Optimizer::sgd ? 0.01 : 0.0,
            .weight_noise = 0.05f,
            .weight_clip = 2.0f};
  }
};

std::vector<float> parameters_of(const Network& network) {
  return {network.parameters().begin(), network.parameters().end()};
}

std::vector<float> trained_on(const Exec& exec, const TrainParams& params) {
  const SmallJob job;
  Network network = SmallJob::network();
  Trainer(exec, network, job.samples(), params, 3).run();
  return parameters_of(network);
}

TEST_F(OnCuda, TrainingGivesTheParametersOfTheCpu) {
  for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::adam}) {
    for (const Variant variant : {Variant::plain, Variant::hardware_aware}) {
      const TrainParams params = SmallJob::params(optimizer).of(variant);
      const std::vector<float> cpu = trained_on(kCpu, params);
      EXPECT_NE(cpu, parameters_of(SmallJob::network()));
      expect_same_bits(cpu, trained_on(kCuda, params), "parameters, " + std::string(name(variant)));
    }
  }
}

TEST_F(OnCuda, EvaluationCountsAsOnTheCpu) {
  const SmallJob job;
  const Network network = SmallJob::network();
  const LossSums cpu = evaluate(kCpu, network, job.samples(), {.batch = 7});
  for (const std::size_t batch : {std::size_t(7), std::size_t(100)}) {
    const LossSums cuda = evaluate(kCuda, network, job.samples(), {.batch = batch});
    EXPECT_EQ(cuda.loss, cpu.loss);
    EXPECT_EQ(cuda.correct, cpu.correct);
    EXPECT_EQ(cuda.samples, cpu.samples);
  }
}

TEST_F(OnCuda, ACheckpointOfOneBackendGoesOnOnTheOtherToTheSameBytes) {
  const SmallJob job;
  const TrainParams params = SmallJob::params(Optimizer::adam);
  const auto finish = [&](const Exec& first, const Exec& second) {
    const fs::path file = temporary("part.h5");
    Network network = SmallJob::network();
    Trainer before(first, network, job.samples(), params, 3);
    for (int i = 0; i < 4; ++i) before.step();  // in the second epoch of three steps
    before.save(file);
    Network resumed = SmallJob::network();
    Trainer after(second, resumed, job.samples(), params, 3);
    after.load(file);
    after.run();
    after.save(file);
    std::string bytes = bytes_of(file);
    fs::remove(file);
    return bytes;
  };
  const std::string cpu = finish(kCpu, kCpu);
  EXPECT_FALSE(cpu.empty());
  EXPECT_TRUE(finish(kCuda, kCpu) == cpu);
  EXPECT_TRUE(finish(kCpu, kCuda) == cpu);
}

TEST_F(OnCuda, ATrainingThatDivergesNamesTheStepOfTheCpu) {
  const auto message_on = [](const Exec& exec) -> std::string {
    const SmallJob job;
    TrainParams params = SmallJob::params(Optimizer::sgd).of(Variant::plain);
    params.learning_rate = 1e4;
    params.batch_size = 5;
    Network network = SmallJob::network();
    Trainer trainer(exec, network, job.samples(), params, 3);
    try {
      trainer.run();
    } catch (const StateError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message_on(kCuda), message_on(kCpu));
  EXPECT_NE(message_on(kCuda).find("the training diverged in step"), std::string::npos) << message_on(kCuda);
}

/// Counts what waits for the device.
struct CountedMemory {
  static inline int copies = 0;
  static inline const MemoryOps* real = nullptr;
};

TEST_F(OnCuda, NoStepBetweenTwoLooksWaitsForTheDevice) {
  const SmallJob job;
  TrainParams params = SmallJob::params(Optimizer::adam);
  params.batch_size = 4;  // 12 steps per epoch
  Network network = SmallJob::network();
  Trainer trainer(kCuda, network, job.samples(), params, 3);
  trainer.step();  // brings the order of the epoch, and its memory grows
  CountedMemory::real = &memory_ops(Backend::cuda);
  static MemoryOps counted;
  counted = *CountedMemory::real;
  counted.allocate = [](const Exec& exec, std::size_t bytes) {
    ++CountedMemory::copies;
    return CountedMemory::real->allocate(exec, bytes);
  };
  counted.to_backend = [](const Exec& exec, void* to, const void* from, std::size_t bytes) {
    ++CountedMemory::copies;
    CountedMemory::real->to_backend(exec, to, from, bytes);
  };
  counted.to_host = [](const Exec& exec, void* to, const void* from, std::size_t bytes) {
    ++CountedMemory::copies;
    CountedMemory::real->to_host(exec, to, from, bytes);
  };
  register_memory_ops(Backend::cuda, counted);
  for (int i = 0; i < 10; ++i) trainer.step();
  const int in_between = CountedMemory::copies;
  trainer.step();
  register_memory_ops(Backend::cuda, *CountedMemory::real);
  EXPECT_EQ(in_between, 0);
  EXPECT_EQ(CountedMemory::copies, 2);  // at the end of the epoch: its counts and the parameters
}

/// On a real device with cuBLAS; on the stand-in there is none.
TEST_F(OnCuda, TrainingByALibraryComesCloseOrIsRefusedWithASentence) {
  TrainParams params = SmallJob::params(Optimizer::sgd).of(Variant::plain);
  params.gemm = Gemm::cublas;
  if (library_product(Backend::cuda) == nullptr) {
    try {
      trained_on(kCuda, params);
      FAIL() << "trained by a library that is not there";
    } catch (const ConfigError& error) {
      EXPECT_STREQ(
          error.what(),
          "train.gemm = \"cublas\" needs cuBLAS, which this build or this machine lacks; build and run "
          "where the CUDA Toolkit has it, or use train.gemm = \"exact\"");
    }
    return;
  }
  const std::vector<float> by_library = trained_on(kCuda, params);
  params.gemm = Gemm::exact;
  const std::vector<float> exact = trained_on(kCuda, params);
  for (std::size_t i = 0; i < exact.size(); ++i) ASSERT_NEAR(by_library[i], exact[i], 1e-4) << i;
}

/// Which products go to the library, and with which strides: one that computes as the backend does.
TEST_F(OnCuda, EveryProductOfATrainingGoesToTheLibraryThatIsAskedFor) {
  static int products = 0;
  const LibraryProduct real = library_product(Backend::cuda);
  register_library_product(Backend::cuda, [](const Exec& exec, const FloatProduct& op) {
    ++products;
    EXPECT_TRUE(op.a_row == 1 || op.a_column == 1);
    EXPECT_TRUE(op.b_row == 1 || op.b_column == 1);
    kernels(exec.backend).float_product(exec, op);
  });
  TrainParams params = SmallJob::params(Optimizer::sgd);
  const std::vector<float> exact = trained_on(kCuda, params);
  EXPECT_EQ(products, 0);
  params.gemm = Gemm::cublas;
  expect_same_bits(exact, trained_on(kCuda, params), "parameters");
  register_library_product(Backend::cuda, real);
  // 2 epochs x 3 steps x 3 shards; 4 layers forward, 4 gradients, 3 passed back.
  EXPECT_EQ(products, 2 * 3 * 3 * 11);
}

TEST_F(OnCuda, ARunHasTheDigestOfTheCpu) {
  const auto run_on = [](const Exec& exec, const char* model) {
    Value config = Value::table();
    const auto set = [&](const char* key, const char* value) {
      apply_override(config, std::string(key) + "=" + value);
    };
    set("data.name", "synthetic");
    set("data.train_images", "60");
    set("data.test_images", "40");
    set("model.layers", model);
    set("train.epochs", "1");
    set("train.batch_size", "20");
    set("tile.rows", "64");
    set("tile.columns", "64");
    set("eval.times", "[\"25 s\", \"1 day\"]");
    set("eval.chips", "2");
    set("eval.calibration_images", "20");
    set("eval.batch_size", "16");
    RunOptions options;
    options.exec = exec;
    options.output = temporary(std::string("run-") + std::string(name(exec.backend)));
    const RunOutcome outcome = run_experiment(sweep_points(config), options);
    std::string results = outcome.digest + "\n" + bytes_of(outcome.folder / "results.csv");
    fs::remove_all(options.output);
    return results;
  };
  const std::string cpu = run_on(kCpu, "[12]"), cuda = run_on(kCuda, "[12]");
  EXPECT_GT(cpu.size(), 100u);
  EXPECT_EQ(cuda, cpu);
}

}  // namespace
}  // namespace mq
