#include "meltquench/training/trainer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/random.h"
#include "meltquench/core/stop.h"
#include "meltquench/training/evaluate.h"
#include "meltquench/training/layers.h"

namespace mq {
namespace {

/// Three classes around three random points, with noise.
struct Points {
  static constexpr std::size_t kSize = 20, kCount = 200;
  std::vector<float> images;
  std::vector<std::uint8_t> labels;

  Points() {
    const RngKey key(4, Purpose::sampling);
    for (std::uint32_t n = 0; n < kCount; ++n) {
      const std::uint32_t label = n % 3;
      labels.push_back(static_cast<std::uint8_t>(label));
      for (std::uint32_t i = 0; i < kSize; ++i) {
        Rng<float> centre(key.at_event(1), i, label), noise(key.at_event(2), i, n);
        images.push_back(centre.normal() + 0.8f * noise.normal());
      }
    }
  }
  Samples samples() const { return {{images.data(), kCount, kSize}, labels}; }
};

/// With `range` > 0, inputs of its layers learn ranges that start there.
Network small_network(float range = 0.0f) {
  Network network({Points::kSize});
  if (range > 0.0f) network.append<InputRange>("fc1.input", range, 6, true);
  network.append<Linear>("fc1", std::size_t(40)).append<Relu>("relu1");
  if (range > 0.0f) network.append<InputRange>("fc2.input", range, 6, true);
  network.append<Linear>("fc2", std::size_t(3));
  network.initialize(1);
  return network;
}

TrainParams hardware_aware() {
  return {.epochs = 4,
          .batch_size = 32,
          .shards = 5,
          .learning_rate = 0.01,
          .weight_noise = 0.05f,
          .weight_clip = 2.5f};
}

std::vector<float> weights_of(const Network& network) {
  return {network.parameters().begin(), network.parameters().end()};
}

std::vector<float> trained(const TrainParams& params, int threads, std::uint64_t seed = 3) {
  const Points points;
  Network network = small_network();
  Trainer trainer({.threads = threads}, network, points.samples(), params, seed);
  trainer.run();
  return weights_of(network);
}

std::filesystem::path temporary_file(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("mq-trainer-" + std::to_string(getpid()) + "-" + name);
}

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Trainer, LearnsPlainlyAndHardwareAware) {
  const Points points;
  for (Variant variant : {Variant::plain, Variant::hardware_aware}) {
    for (Optimizer optimizer : {Optimizer::sgd, Optimizer::adam}) {
      TrainParams params = hardware_aware();
      params.optimizer = optimizer;
      params.epochs = 10;
      Network network = small_network();
      const double before = evaluate({}, network, points.samples()).accuracy();
      Trainer trainer({}, network, points.samples(), params.of(variant), 1);
      trainer.run();
      EXPECT_LT(before, 0.7);
      EXPECT_GT(evaluate({}, network, points.samples()).accuracy(), 0.97);
      ASSERT_EQ(trainer.state().history.size(), 10u);
      EXPECT_LT(trainer.state().history.back().loss, 0.5 * trainer.state().history.front().loss);
    }
  }
}

TEST(Trainer, LearnsRangesOfInputsForAnyNumberOfThreads) {
  const Points points;
  const auto train = [&](float range, double decay, int threads) {
    TrainParams params = hardware_aware();
    params.epochs = 20;
    params.weight_decay = decay;
    Network network = small_network(range);
    EXPECT_EQ(network.layer(0).parameters(), 1u);
    EXPECT_EQ(network.offset(0), 0u);
    EXPECT_EQ(network.parameters()[0], range);
    Trainer trainer({.threads = threads}, network, points.samples(), params, 3);
    trainer.run();
    EXPECT_GT(evaluate({}, network, points.samples()).accuracy(), 0.95);
    return weights_of(network);
  };
  // Inputs are about 1.3 large, so most are cut at first.
  const std::vector<float> narrow = train(0.3f, 0.0, 1);
  EXPECT_GT(narrow[0], 0.5f);
  EXPECT_EQ(train(0.3f, 0.0, 3), narrow);
  // Nothing reaches a range of 8, and what nothing reaches only decays.
  EXPECT_EQ(train(8.0f, 0.0, 1)[0], 8.0f);
  EXPECT_LT(train(8.0f, 0.5, 1)[0], 7.0f);
}

TEST(Trainer, GivesTheSameWeightsForAnyNumberOfThreads) {
  for (Variant variant : {Variant::plain, Variant::hardware_aware}) {
    const std::vector<float> one = trained(hardware_aware().of(variant), 1);
    EXPECT_EQ(trained(hardware_aware().of(variant), 2), one);
    EXPECT_EQ(trained(hardware_aware().of(variant), 3), one);
    EXPECT_EQ(trained(hardware_aware().of(variant), 16), one);
    EXPECT_NE(trained(hardware_aware().of(variant), 1, 4), one);
  }
}

TEST(Trainer, GivesNearlyTheSameWeightsForAnyNumberOfShards) {
  TrainParams params = hardware_aware().of(Variant::plain);
  params.optimizer = Optimizer::sgd;
  params.epochs = 1;
  const std::vector<float> five = trained(params, 1);
  params.shards = 1;
  const std::vector<float> one = trained(params, 1);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], five[i], 1e-6);
}

/// Two "processes" whose shards are computed in one: the trainer must not care who computed a shard.
class TwoProcesses final : public GradientSync {
 public:
  explicit TwoProcesses(ShardRange own) : own_(own) {}
  ShardRange own_shards(std::size_t) const override { return own_; }
  void sum(std::span<std::int64_t> sums) override {
    if (other.empty()) {
      other.assign(sums.begin(), sums.end());
    } else {
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += other[i];
    }
  }
  std::vector<std::int64_t> other;

 private:
  ShardRange own_;
};

template <class... Sync>
void one_step(const Exec& exec, Network& network, const Points& points, const TrainParams& params,
              Sync&... sync) {
  Trainer trainer(exec, network, points.samples(), params, 3, sync...);
  trainer.step();
  trainer.update_network();
}

TEST(Trainer, SumsTheShardsOfSeveralProcessesToTheSameBits) {
  const Points points;
  TrainParams params = hardware_aware();
  Network alone = small_network();
  one_step({}, alone, points, params);

  Network first = small_network(), second = small_network();
  TwoProcesses first_sync({0, 2}), second_sync({2, 5});
  one_step({}, first, points, params, first_sync);
  second_sync.other = first_sync.other;
  one_step({.threads = 2}, second, points, params, second_sync);
  EXPECT_EQ(weights_of(second), weights_of(alone));
  EXPECT_NE(weights_of(first), weights_of(alone));
}

TEST(Trainer, ResumesToTheBytesOfAnUninterruptedTraining) {
  const Points points;
  for (const auto& [optimizer, range] : {std::pair{Optimizer::sgd, 0.0f}, {Optimizer::adam, 0.5f}}) {
    TrainParams params = hardware_aware();
    params.optimizer = optimizer;
    const auto whole = temporary_file("whole.h5"), part = temporary_file("part.h5"),
               end = temporary_file("end.h5");
    Network network = small_network(range);
    Trainer trainer({}, network, points.samples(), params, 3);
    trainer.run();
    trainer.save(whole);

    Network interrupted = small_network(range);
    Trainer before({}, interrupted, points.samples(), params, 3);
    for (int i = 0; i < 9; ++i) before.step();  // in the middle of the second epoch
    before.save(part);
    Network resumed = small_network(range);
    resumed.initialize(99);  // must not matter
    Trainer after({.threads = 2}, resumed, points.samples(), params, 3);
    after.load(part);
    EXPECT_EQ(weights_of(resumed), weights_of(interrupted));
    after.run();
    after.save(end);
    EXPECT_EQ(weights_of(resumed), weights_of(network));
    const auto bytes = [](const std::filesystem::path& path) {
      std::ifstream in(path, std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(in), {});
    };
    EXPECT_FALSE(bytes(whole).empty());
    EXPECT_TRUE(bytes(whole) == bytes(end));
    for (const auto& path : {whole, part, end}) std::filesystem::remove(path);
  }
}

TEST(Trainer, StopsBetweenTwoStepsOnRequest) {
  const Points points;
  Network network = small_network();
  Trainer trainer({}, network, points.samples(), hardware_aware(), 3);
  EXPECT_THROW(trainer.run([&](const TrainReport& report) {
    if (report.step == 5) request_stop();
  }),
               Interrupted);
  clear_stop_request();
  EXPECT_EQ(trainer.state().step, 5u);
  EXPECT_NE(weights_of(network), weights_of(small_network()));  // as they were when it stopped
  trainer.run();
  EXPECT_EQ(weights_of(network), trained(hardware_aware(), 1));
}

TEST(Trainer, RefusesACheckpointOfAnotherTraining) {
  const Points points;
  const auto file = temporary_file("other.h5");
  Network network = small_network();
  Trainer trainer({}, network, points.samples(), hardware_aware(), 3);
  trainer.step();
  trainer.save(file);

  TrainParams other = hardware_aware();
  other.learning_rate = 0.02;
  Network changed = small_network();
  const std::vector<float> before = weights_of(changed);
  EXPECT_NE(message_of([&] {
              Trainer({}, changed, points.samples(), other, 3).load(file);
            }).find("is a checkpoint of another training: it differs in the [train] table"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              Trainer({}, changed, points.samples(), hardware_aware(), 4).load(file);
            }).find("differs in the seed"),
            std::string::npos);
  Network wide({Points::kSize});
  wide.append<Linear>("fc1", std::size_t(41)).append<Linear>("fc2", std::size_t(3));
  EXPECT_NE(message_of([&] {
              Trainer({}, wide, points.samples(), hardware_aware(), 3).load(file);
            }).find("it has no layer fc1 with weights [41, 20]"),
            std::string::npos);
  EXPECT_EQ(weights_of(changed), before);

  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  EXPECT_THROW(trainer.load(file), DataError);
  std::filesystem::remove(file);
  EXPECT_THROW(trainer.load(file), MissingError);
}

TEST(Trainer, SaysSoWhenTrainingDiverges) {
  const Points points;
  TrainParams params = hardware_aware().of(Variant::plain);
  params.optimizer = Optimizer::sgd;
  params.learning_rate = 1e6;
  Network network = small_network();
  Trainer trainer({}, network, points.samples(), params, 3);
  const std::string message = message_of([&] { trainer.run(); });
  EXPECT_NE(message.find("the training diverged in step"), std::string::npos) << message;
  EXPECT_NE(message.find("lower train.learning_rate"), std::string::npos);
}

TEST(Trainer, RefusesALibraryWhereItCannotBeHad) {
  const Points points;
  Network network = small_network();
  TrainParams params = hardware_aware();
  params.gemm = Gemm::cublas;
  EXPECT_EQ(
      message_of([&] { Trainer({}, network, points.samples(), params, 3); }),
      "train.gemm = \"cublas\" needs the backend cuda, but this is the backend cpu; choose the backend cuda "
      "or train.gemm = \"exact\"");
}

TEST(Trainer, RefusesSamplesAndParametersThatMakeNoSense) {
  const Points points;
  Network network = small_network();
  Samples wrong = points.samples();
  std::vector<std::uint8_t> labels = points.labels;
  labels[7] = 3;
  wrong.labels = labels;
  EXPECT_EQ(message_of([&] { Trainer({}, network, wrong, hardware_aware(), 3); }),
            "sample 7 has the label 3 but the network has outputs for 3 classes, 0 to 2");
  TrainParams params = hardware_aware();
  params.batch_size = 0;
  EXPECT_NE(message_of([&] { Trainer({}, network, points.samples(), params, 3); }).find("train.batch_size"),
            std::string::npos);
}

TEST(Evaluate, DoesNotDependOnBatchOrThreadsAndRefusesInfiniteOutputs) {
  const Points points;
  Network network = small_network();
  const LossSums whole = evaluate({}, network, points.samples(), {.batch = 1000});
  for (auto [batch, threads] : {std::pair<std::size_t, int>{1, 1}, {7, 3}, {64, 2}}) {
    const LossSums sums = evaluate({.threads = threads}, network, points.samples(), {.batch = batch});
    EXPECT_EQ(sums.loss, whole.loss);
    EXPECT_EQ(sums.correct, whole.correct);
    EXPECT_EQ(sums.samples, 200);
  }
  network.bias(1)[0] = INFINITY;
  EXPECT_NE(
      message_of([&] { evaluate({}, network, points.samples()); }).find("not finite for 200 of 200 images"),
      std::string::npos);
}

}  // namespace
}  // namespace mq
