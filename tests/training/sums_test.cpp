#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <vector>

#include "meltquench/core/random.h"
#include "meltquench/training/data_order.h"
#include "meltquench/training/fixed_point.h"
#include "meltquench/training/hardware_aware.h"
#include "meltquench/training/layers.h"
#include "meltquench/training/optimizer_step.h"

namespace mq {
namespace {

TEST(FixedPoint, ConvertsToTheNearestIntegerAndBackExactly) {
  const std::vector<float> values{0.0f,     1.0f,     -1.0f,   0x1p-40f, -0x1p-40f, 0x1.8p-40f,
                                  0x1p-41f, 0x1p-60f, 1023.9f, -512.0f,  3e-7f,     0x1.fffffep-17f};
  std::vector<std::int64_t> sums(values.size(), 5);
  ASSERT_TRUE(add_fixed_point(values, sums));
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(sums[i] - 5, std::llrint(double(values[i]) * 0x1p40)) << values[i];
    sums[i] -= 5;
  }
  std::vector<float> back(values.size());
  from_fixed_point(sums, back);
  EXPECT_EQ(back[0], 0.0f);
  EXPECT_EQ(back[2], -1.0f);
  EXPECT_EQ(back[8], 1023.9f);
  EXPECT_EQ(back[11], 0x1.fffffep-17f);
}

TEST(FixedPoint, SumsAreTheSameInAnyOrder) {
  constexpr std::size_t kParts = 50, kSize = 1000;
  std::vector<std::vector<float>> parts(kParts, std::vector<float>(kSize));
  for (std::size_t p = 0; p < kParts; ++p) {
    for (std::size_t i = 0; i < kSize; ++i) {
      Rng<float> rng(RngKey(1, Purpose::sampling), static_cast<std::uint32_t>(i),
                     static_cast<std::uint32_t>(p));
      parts[p][i] = rng.normal() * std::ldexp(1.0f, static_cast<int>(p) - 45);
    }
  }
  std::vector<std::int64_t> forwards(kSize), backwards(kSize);
  for (std::size_t p = 0; p < kParts; ++p) ASSERT_TRUE(add_fixed_point(parts[p], forwards));
  for (std::size_t p = kParts; p-- > 0;) ASSERT_TRUE(add_fixed_point(parts[p], backwards));
  EXPECT_EQ(forwards, backwards);
}

TEST(FixedPoint, RefusesWhatDoesNotFit) {
  for (float wrong : {1024.0f, -1024.0f, 1e30f, INFINITY, -INFINITY, NAN}) {
    for (std::size_t place : {0, 3, 8}) {
      std::vector<float> values(9, 1.0f);
      values[place] = wrong;
      std::vector<std::int64_t> sums(9);
      EXPECT_FALSE(add_fixed_point(values, sums)) << wrong;
    }
  }
}

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

TEST(OptimizerStep, OfSgdIsMomentumOnGradientPlusDecay) {
  const TrainParams params{.optimizer = Optimizer::sgd, .learning_rate = 0.5, .momentum = 0.5};
  OptimizerState state(Optimizer::sgd, 1);
  std::vector<float> w{1.0f}, g{0.25f};
  apply_step(begin_step(params, 0.5, state), 0.5f, g, 0, 1, w, state);
  EXPECT_EQ(state.first[0], 0.75f);  // 0.25 + 0.5 * 1
  EXPECT_EQ(w[0], 0.625f);           // 1 - 0.5 * 0.75
  apply_step(begin_step(params, 0.5, state), 0.0f, g, 0, 1, w, state);
  EXPECT_EQ(state.first[0], 0.625f);  // 0.5 * 0.75 + 0.25
  EXPECT_EQ(w[0], 0.3125f);
}

TEST(OptimizerStep, OfAdamFollowsThePaper) {
  const TrainParams params{.optimizer = Optimizer::adam};
  OptimizerState state(Optimizer::adam, 2);
  std::vector<float> w{1.0f, -2.0f};
  double m[2] = {}, v[2] = {}, expected[2] = {1.0, -2.0};
  const double rate = 0.01, decay = 0.1;
  for (int t = 1; t <= 5; ++t) {
    const std::vector<float> g{0.3f * static_cast<float>(t), -1e-3f};
    apply_step(begin_step(params, rate, state), float(decay), g, 0, 2, w, state);
    for (int i = 0; i < 2; ++i) {
      m[i] = 0.9 * m[i] + 0.1 * double(g[std::size_t(i)]);
      v[i] = 0.999 * v[i] + 0.001 * double(g[std::size_t(i)]) * double(g[std::size_t(i)]);
      const double m_hat = m[i] / (1 - std::pow(0.9, t)), v_hat = v[i] / (1 - std::pow(0.999, t));
      expected[i] -= rate * (m_hat / (std::sqrt(v_hat) + 1e-8) + decay * expected[i]);
      EXPECT_NEAR(w[std::size_t(i)], expected[i], 2e-6);
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

TEST(WeightNoise, IsGaussianRelativeToTheLargestWeightAndSparesBiases) {
  Network network = one_layer(400, 250);
  std::vector<float> noisy(network.parameters().size());
  add_weight_noise({}, network, 0.1f, 1, 0, noisy);
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
  std::vector<float> one(network.parameters().size()), other(one.size());
  add_weight_noise({.threads = 1}, network, 0.1f, 1, 7, one);
  add_weight_noise({.threads = 3}, network, 0.1f, 1, 7, other);
  EXPECT_EQ(one, other);
  add_weight_noise({}, network, 0.1f, 1, 8, other);
  EXPECT_NE(one, other);
  add_weight_noise({}, network, 0.1f, 2, 7, other);
  EXPECT_NE(one, other);
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
  EXPECT_NEAR(standard_deviation({}, {w.data, w.size()}), sigma, 1e-12);
  const float kept = w.data[0];
  clip_weights({}, network, 2.0f);
  EXPECT_FLOAT_EQ(w.data[17], static_cast<float>(2.0 * sigma));
  EXPECT_FLOAT_EQ(w.data[18], static_cast<float>(-2.0 * sigma));
  EXPECT_EQ(w.data[0], kept);
}

}  // namespace
}  // namespace mq
