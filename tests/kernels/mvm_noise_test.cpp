/// Noise that is drawn once per output must be what noise per cell adds up to (kernels/mvm.h).
#include <gtest/gtest.h>

#include <cmath>

#include "mvm_layer.h"

namespace mq {
namespace {

constexpr std::size_t kRows = 20'000;

/// Many products of one and the same input vector.
TestLayer repeated(LayerOptions options) {
  options.batch = kRows;
  options.outputs = 17, options.tile_outputs = 17;
  options.inputs = 40, options.tile_inputs = 40;
  TestLayer layer(options);
  for (std::size_t row = 1; row < kRows; ++row) {
    for (std::size_t j = 0; j < 40; ++j) {
      layer.x[row * 40 + j] = layer.x[j];
      if (!layer.codes.empty()) layer.codes[row * 40 + j] = layer.codes[j];
    }
  }
  return layer;
}

struct Moments {
  std::vector<double> mean, variance;
  double mean_covariance = 0.0;  ///< of neighbouring outputs, over all pairs
  double pair_covariance = 0.0;  ///< of outputs 8 apart, which share a block of random words
  double row_covariance = 0.0;   ///< of neighbouring rows, over all outputs

  explicit Moments(const std::vector<float>& y, std::size_t outputs) : mean(outputs), variance(outputs) {
    const std::size_t rows = y.size() / outputs;
    const double n = static_cast<double>(rows);
    for (std::size_t i = 0; i < y.size(); ++i) mean[i % outputs] += y[i] / n;
    for (std::size_t i = 0; i < y.size(); ++i)
      variance[i % outputs] += std::pow(y[i] - mean[i % outputs], 2) / n;
    const auto z = [&](std::size_t row, std::size_t o) {
      return (y[row * outputs + o] - mean[o]) / std::sqrt(variance[o]);
    };
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t o = 0; o < outputs; ++o) {
        if (o > 0) mean_covariance += z(row, o) * z(row, o - 1) / n / static_cast<double>(outputs - 1);
        if (o >= 8) pair_covariance += z(row, o) * z(row, o - 8) / n / static_cast<double>(outputs - 8);
        if (row > 0) row_covariance += z(row, o) * z(row - 1, o) / n / static_cast<double>(outputs);
      }
    }
  }
};

/// sigma^2 sum |w| x^2 + output noise, of each output for the input of row 0.
std::vector<double> expected_variance(const TestLayer& layer) {
  std::vector<double> variance;
  for (std::size_t o = 0; o < layer.options.outputs; ++o) {
    double sum = 0.0;
    for (std::size_t j = 0; j < layer.options.inputs; ++j) {
      sum += std::abs(layer.w[o * layer.options.inputs + j]) * std::pow(layer.x[j], 2);
    }
    variance.push_back(sum * std::pow(layer.options.read_sigma, 2) + std::pow(layer.options.output_sigma, 2));
  }
  return variance;
}

TEST(MvmNoise, HasTheMeanVarianceAndIndependenceOfTheory) {
  // 2e4 products; five standard errors. 7-bit magnitudes and 8-bit inputs may shift a variance by 1 %.
  const LayerOptions cases[] = {{.dac_bits = 8, .output_sigma = 0.1f},
                                {.dac_bits = 8, .read_sigma = 0.1f},
                                {.dac_bits = 0, .read_sigma = 0.1f},
                                {.dac_bits = 12, .output_sigma = 0.1f, .read_sigma = 0.1f}};
  for (const LayerOptions& options : cases) {
    const TestLayer layer = repeated(options);
    LayerOptions silent = options;
    silent.output_sigma = silent.read_sigma = 0.0f;
    const std::vector<float> exact = repeated(silent).run(kernels(Backend::cpu), 1, 0, 1);
    const std::vector<double> variance = expected_variance(layer);
    const Moments m(layer.run(kernels(Backend::cpu)), 17);
    const double n = kRows, error = 5.0 / std::sqrt(n);
    for (std::size_t o = 0; o < 17; ++o) {
      EXPECT_NEAR(m.mean[o], exact[o], error * std::sqrt(variance[o]));
      EXPECT_NEAR(m.variance[o] / variance[o], 1.0,
                  error * std::sqrt(2.0) + (options.read_sigma > 0.0f ? 0.01 : 0.0));
    }
    EXPECT_NEAR(m.mean_covariance, 0.0, error / std::sqrt(16.0));
    EXPECT_NEAR(m.pair_covariance, 0.0, error / std::sqrt(9.0));
    EXPECT_NEAR(m.row_covariance, 0.0, error / std::sqrt(17.0));
  }
}

TEST(MvmNoise, IsWhatReadNoiseOfEveryCellAddsUpTo) {
  // The other way: every cell of every product gets a normal of its own with variance sigma^2 |w|. Mean and
  // variance of both ways agree within five standard errors of two samples of 2e4, and the third moments
  // vanish in both.
  const TestLayer layer = repeated({.dac_bits = 0, .read_sigma = 0.1f});
  std::vector<float> per_cell(kRows * 17);
  for (std::uint32_t row = 0; row < kRows; ++row) {
    for (std::uint32_t o = 0; o < 17; ++o) {
      Rng<float> rng(RngKey(77, Purpose::sampling), row, o);
      double sum = 0.0;
      for (std::uint32_t j = 0; j < 40; ++j) {
        if (j % 32 == 0) rng = Rng<float>(RngKey(77, Purpose::sampling).at_event(j), row, o);
        const double w = layer.w[o * 40 + j];
        sum += (w + 0.1 * std::sqrt(std::abs(w)) * rng.normal()) * layer.x[j];
      }
      per_cell[row * 17 + o] = static_cast<float>(sum);
    }
  }
  const Moments cells(per_cell, 17), outputs(layer.run(kernels(Backend::cpu)), 17);
  const double error = 5.0 * std::sqrt(2.0 / kRows);
  for (std::size_t o = 0; o < 17; ++o) {
    EXPECT_NEAR(outputs.mean[o], cells.mean[o], error * std::sqrt(cells.variance[o]));
    EXPECT_NEAR(outputs.variance[o] / cells.variance[o], 1.0, error * std::sqrt(2.0));
  }
  EXPECT_NEAR(cells.mean_covariance, 0.0, error);
}

TEST(MvmNoise, OfTilesThatShareOutputsAddsUp) {
  LayerOptions options{.outputs = 17,
                       .inputs = 48,
                       .tile_outputs = 17,
                       .tile_inputs = 16,
                       .batch = kRows,
                       .output_sigma = 0.1f};
  options.is_extreme = true;  // all rows alike
  const Moments m(TestLayer(options).run(kernels(Backend::cpu)), 17);
  for (const double v : m.variance) EXPECT_NEAR(v / 0.03, 1.0, 5.0 * std::sqrt(2.0 / kRows));  // three tiles
}

TEST(MvmNoise, IsAnotherOneForEveryKeyAndRow) {
  TestLayer layer({.batch = 16, .output_sigma = 0.1f});
  const std::vector<float> first = layer.run(kernels(Backend::cpu));
  EXPECT_EQ(layer.run(kernels(Backend::cpu)), first);
  layer.first_row += 1;
  EXPECT_NE(layer.run(kernels(Backend::cpu)), first);
}

}  // namespace
}  // namespace mq
