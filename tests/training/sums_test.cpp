#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <vector>

#include "meltquench/core/random.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/training/data_order.h"
#include "meltquench/training/hardware_aware.h"
#include "meltquench/training/layers.h"
#include "meltquench/training/optimizer_step.h"

namespace mq {
namespace {

TEST(DataOrder, IsAPermutationThatDependsOnSeedAndEpochAlone) {
  const auto order = data_order(3, 0, 1000);
  EXPECT_EQ(std::set(order.begin(), order.end()).size(), 1000u);
  EXPECT_EQ(*std::max_element(order.begin(), order.end()), 999u);
  EXPECT_EQ(data_order(3, 0, 1000), order);
  EXPECT_NE(data_order(3, 1, 1000), order);
  EXPECT_NE(data_order(4, 0, 1000), order);
  EXPECT_TRUE(data_order(3, 0, 0).empty());
}

TEST(DataOrder, PutsEveryElementEverywhereEquallyOften) {
  // 12 000 permutations of four: each of 16 counts is binomial with mean 3000.
  int counts[4][4] = {};
  for (std::uint32_t epoch = 0; epoch < 12000; ++epoch) {
    const auto order = data_order(8, epoch, 4);
    for (std::size_t place = 0; place < 4; ++place) ++counts[place][order[place]];
  }
  for (auto& row : counts) {
    for (int count : row) EXPECT_NEAR(count, 3000, 5 * std::sqrt(12000 * 0.25 * 0.75));
  }
}

/// A parameter or two and what moves them; gradients are multiples of the fixed-point unit.
struct Moved {
  std::vector<float> w;
  OptimizerState state;

  void step(const TrainParams& params, double rate, float decay, const std::vector<float>& gradient) {
    std::vector<std::int64_t> sums(w.size());
    std::int64_t beyond = 0;
    const TrainingKernels& ops = kernels(Backend::cpu).training;
    ops.add_fixed_point(
        {}, {.size = w.size(), .values = gradient.data(), .sums = sums.data(), .beyond = &beyond});
    EXPECT_EQ(beyond, 0);
    ParameterStep op = begin_step(params, rate, state);
    op.size = w.size();
    op.decay = decay;
    op.sums = sums.data();
    op.parameters = w.data();
    op.first = state.first.data();
    op.second = state.second.data();
    ops.step_parameters({}, op);
  }
};

TEST(OptimizerStep, OfSgdIsMomentumOnGradientPlusDecay) {
  const TrainParams params{.optimizer = Optimizer::sgd, .learning_rate = 0.5, .momentum = 0.5};
  Moved moved{{1.0f}, OptimizerState(Optimizer::sgd, 1)};
  moved.step(params, 0.5, 0.5f, {0.25f});
  EXPECT_EQ(moved.state.first[0], 0.75f);  // 0.25 + 0.5 * 1
  EXPECT_EQ(moved.w[0], 0.625f);           // 1 - 0.5 * 0.75
  moved.step(params, 0.5, 0.0f, {0.25f});
  EXPECT_EQ(moved.state.first[0], 0.625f);  // 0.5 * 0.75 + 0.25
  EXPECT_EQ(moved.w[0], 0.3125f);
}

TEST(OptimizerStep, OfAdamFollowsThePaper) {
  const TrainParams params{.optimizer = Optimizer::adam};
  Moved moved{{1.0f, -2.0f}, OptimizerState(Optimizer::adam, 2)};
  double m[2] = {}, v[2] = {}, expected[2] = {1.0, -2.0};
  const double rate = 0.01, decay = 0.1;
  for (int t = 1; t <= 5; ++t) {
    const std::vector<float> g{0.3f * static_cast<float>(t), -1e-3f};
    moved.step(params, rate, float(decay), g);
    for (int i = 0; i < 2; ++i) {
      m[i] = 0.9 * m[i] + 0.1 * double(g[std::size_t(i)]);
      v[i] = 0.999 * v[i] + 0.001 * double(g[std::size_t(i)]) * double(g[std::size_t(i)]);
      const double m_hat = m[i] / (1 - std::pow(0.9, t)), v_hat = v[i] / (1 - std::pow(0.999, t));
      expected[i] -= rate * (m_hat / (std::sqrt(v_hat) + 1e-8) + decay * expected[i]);
      EXPECT_NEAR(moved.w[std::size_t(i)], expected[i], 2e-6);
    }
  }
}

TEST(LearningRate, FollowsItsSchedule) {
  TrainParams params{.epochs = 10,
                     .learning_rate = 0.1,
                     .schedule = Schedule::constant,
                     .step_epochs = 4,
                     .step_factor = 0.5};
  EXPECT_EQ(learning_rate(params, 999, 100), 0.1);
  params.schedule = Schedule::cosine;
  EXPECT_EQ(learning_rate(params, 0, 100), 0.1);
  EXPECT_NEAR(learning_rate(params, 500, 100), 0.05, 1e-8);
  EXPECT_NEAR(learning_rate(params, 250, 100), 0.05 * (1 + std::cos(std::acos(-1.0) / 4)), 1e-8);
  EXPECT_LT(learning_rate(params, 999, 100), 1e-6);
  params.schedule = Schedule::step;
  EXPECT_EQ(learning_rate(params, 399, 100), 0.1);
  EXPECT_EQ(learning_rate(params, 400, 100), 0.05);
  EXPECT_EQ(learning_rate(params, 999, 100), 0.025);
}

Network one_layer(std::size_t inputs, std::size_t outputs) {
  Network network({inputs});
  network.append<Linear>("fc1", outputs);
  network.initialize(2);
  return network;
}

std::vector<float> noisy_weights(const Network& network, std::uint64_t seed, std::uint64_t step,
                                 int threads = 1) {
  const Exec exec{.threads = threads};
  WeightNoise noise(exec, network);
  const auto noisy = noise.apply(exec, network, network.parameters(), 0.1f, seed, step);
  return {noisy.begin(), noisy.end()};
}

TEST(WeightNoise, IsGaussianRelativeToTheLargestWeightAndSparesBiases) {
  Network network = one_layer(400, 250);
  const std::vector<float> noisy = noisy_weights(network, 1, 0);
  const auto w = network.weights(0);
  float largest = 0.0f;
  for (std::size_t i = 0; i < w.size(); ++i) largest = std::max(largest, std::abs(w.data[i]));
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double z = (double(noisy[i]) - double(w.data[i])) / (0.1 * double(largest));
    sum += z;
    squares += z * z;
  }
  const double n = 1e5;  // draws; five standard errors
  EXPECT_NEAR(sum / n, 0.0, 5.0 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1.0, 5.0 * std::sqrt(2.0 / n));
  for (std::size_t i = w.size(); i < noisy.size(); ++i) EXPECT_EQ(noisy[i], network.parameters()[i]);
}

TEST(WeightNoise, DependsOnSeedAndStepAndNotOnThreads) {
  const Network network = one_layer(301, 333);
  const std::vector<float> one = noisy_weights(network, 1, 7);
  EXPECT_EQ(noisy_weights(network, 1, 7, 3), one);
  EXPECT_NE(noisy_weights(network, 1, 8), one);
  EXPECT_NE(noisy_weights(network, 2, 7), one);
}

TEST(WeightClip, LimitsToMultiplesOfTheStandardDeviation) {
  Network network = one_layer(100, 50);
  const auto w = network.weights(0);
  w.data[17] = 3.0f;
  w.data[18] = -3.0f;
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    sum += double(w.data[i]);
    squares += double(w.data[i]) * double(w.data[i]);
  }
  const double n = double(w.size()), sigma = std::sqrt(squares / n - sum * sum / n / n);
  const float kept = w.data[0];
  WeightClip({}, network).apply({}, network, network.parameters(), 2.0f, nullptr);
  EXPECT_FLOAT_EQ(w.data[17], static_cast<float>(2.0 * sigma));
  EXPECT_FLOAT_EQ(w.data[18], static_cast<float>(-2.0 * sigma));
  EXPECT_EQ(w.data[0], kept);
}

}  // namespace
}  // namespace mq
