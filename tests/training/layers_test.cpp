#include "meltquench/training/layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/random.h"
#include "meltquench/training/data_order.h"
#include "meltquench/training/loss.h"
#include "meltquench/training/network.h"

namespace mq {
namespace {

std::vector<float> random_values(std::size_t size, std::uint32_t event) {
  std::vector<float> values(size);
  const RngKey key = RngKey(11, Purpose::sampling).at_event(event);
  for (std::size_t i = 0; i < size; ++i) values[i] = Rng<float>(key, static_cast<std::uint32_t>(i)).normal();
  return values;
}

/// Runs one layer as the first of a network would, so that its gradient by the input can be seen too.
struct Probe {
  const Layer& layer;
  std::size_t samples;
  std::vector<float> parameters, x, y, kept, scratch;

  Probe(const Layer& l, std::size_t n) : layer(l), samples(n) {
    const auto shape = l.weights();
    parameters = random_values(l.parameters(), 1);
    l.initialize(parameters);
    x = random_values(n * l.input().size(), 2);
    y.resize(n * l.output().size());
    kept.resize(n * l.kept_per_sample());
    scratch.resize(n * l.scratch_per_sample());
    if (shape) weighted_.push_back({"probe", 0, *shape, 0});
  }

  std::vector<float> forward() {
    DigitalProduct product(weighted_, parameters);
    layer.forward({.exec = exec_,
                   .product = product,
                   .parameters = parameters.data(),
                   .x = {x.data(), samples, layer.input().size()},
                   .y = {y.data(), samples, layer.output().size()},
                   .kept = kept.data(),
                   .scratch = scratch.data()});
    return y;
  }
  void backward(const std::vector<float>& dy, std::vector<float>& dx, std::vector<float>& gradient) {
    dx.assign(x.size(), -99.0f);
    gradient.assign(parameters.size(), -99.0f);
    layer.backward({.exec = exec_,
                    .parameters = parameters.data(),
                    .x = {x.data(), samples, layer.input().size()},
                    .y = {y.data(), samples, layer.output().size()},
                    .dy = {dy.data(), samples, layer.output().size()},
                    .dx = {dx.data(), samples, layer.input().size()},
                    .kept = kept.data(),
                    .scratch = scratch.data(),
                    .gradient = gradient.data()});
  }

 private:
  Exec exec_;
  std::vector<WeightedLayer> weighted_;
};

/// Compares the gradients of L = sum dy * y with central differences in every input and parameter. Inputs are
/// at least 0.05 away from 0 and from each other, so that no difference straddles the kink of a rectifier or
/// a maximum.
void check_gradients(const Layer& layer, double tolerance = 2e-3) {
  Probe probe(layer, 3);
  const auto order = data_order(1, 0, probe.x.size());
  for (std::size_t i = 0; i < probe.x.size(); ++i) {
    probe.x[i] = 0.1f * (static_cast<float>(order[i]) - static_cast<float>(probe.x.size() / 2) + 0.5f);
  }
  const std::vector<float> dy = random_values(probe.samples * layer.output().size(), 3);
  std::vector<float> dx, gradient;
  probe.forward();
  probe.backward(dy, dx, gradient);
  const auto loss = [&] {
    double sum = 0.0;
    const std::vector<float> y = probe.forward();
    for (std::size_t i = 0; i < y.size(); ++i) sum += double(y[i]) * double(dy[i]);
    return sum;
  };
  const auto difference = [&](float& value) {
    const float saved = value, step = 0x1p-7f;
    value = saved + step;
    const double above = loss();
    value = saved - step;
    const double below = loss();
    value = saved;
    return (above - below) / (2.0 * double(step));
  };
  for (std::size_t i = 0; i < dx.size(); ++i)
    ASSERT_NEAR(dx[i], difference(probe.x[i]), tolerance) << "input " << i;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    ASSERT_NEAR(gradient[i], difference(probe.parameters[i]), tolerance) << "parameter " << i;
  }
}

TEST(Linear, HasTheGradientsOfCentralDifferences) { check_gradients(Linear("fc1", {2, 3, 2}, 5)); }

TEST(Conv2d, HasTheGradientsOfCentralDifferences) {
  check_gradients(Conv2d("conv1", {2, 5, 6}, {.filters = 3, .kernel = 3}));
  check_gradients(Conv2d("conv1", {2, 5, 6}, {.filters = 3, .kernel = 3, .stride = 2, .padding = 1}));
  check_gradients(Conv2d("conv1", {1, 4, 4}, {.filters = 2, .kernel = 5, .stride = 1, .padding = 3}));
}

TEST(Relu, HasTheGradientsOfCentralDifferences) { check_gradients(Relu("relu1", {40})); }

TEST(Pooling, HasTheGradientsOfCentralDifferences) {
  check_gradients(MaxPool2d("pool1", {2, 5, 6}, 2, 2));
  check_gradients(AvgPool2d("pool1", {2, 5, 6}, 2, 2));
  check_gradients(AvgPool2d("pool1", {2, 5, 6}, 3, 1));
}

TEST(InputRange, ClipsRoundsAndPassesGradientsInsideTheRange) {
  const InputRange layer("range", {6}, 2.0f, 3);  // three steps on each side
  Probe probe(layer, 1);
  probe.x = {-5.0f, -2.0f, -0.3f, 0.4f, 1.2f, 2.5f};
  const float step = 2.0f / 3.0f;
  EXPECT_EQ(probe.forward(), (std::vector<float>{-2.0f, -2.0f, 0.0f, step, 2.0f * step, 2.0f}));
  std::vector<float> dx, gradient;
  probe.backward({1, 2, 3, 4, 5, 6}, dx, gradient);
  EXPECT_EQ(dx, (std::vector<float>{0, 2, 3, 4, 5, 0}));
}

TEST(InputRange, LearnsFromWhatItClips) {
  check_gradients(InputRange("range", {3, 4, 2}, 0.4f, 0, true));
  const InputRange layer("range", {6}, 2.0f, 3, true);
  Probe probe(layer, 1);
  layer.initialize(probe.parameters);
  EXPECT_EQ(probe.parameters, std::vector<float>{2.0f});
  probe.parameters = {1.0f};
  probe.x = {-5.0f, -1.0f, -0.3f, 0.4f, 1.2f, 2.5f};
  const float step = 1.0f / 3.0f;
  EXPECT_EQ(probe.forward(), (std::vector<float>{-1.0f, -1.0f, -step, step, 1.0f, 1.0f}));
  std::vector<float> dx, gradient;
  probe.backward({1, 2, 3, 4, 5, 6}, dx, gradient);
  EXPECT_EQ(dx, (std::vector<float>{0, 2, 3, 4, 0, 0}));
  EXPECT_EQ(gradient, std::vector<float>{-1.0f + 5.0f + 6.0f});
  probe.parameters = {-3.0f};  // no range at all: the smallest one stands for it
  EXPECT_EQ(probe.forward()[5], kSmallestRange);
}

TEST(Conv2d, AgreesWithANaiveLoop) {
  for (const ConvolutionParams params :
       {ConvolutionParams{4, 3, 1, 0}, {4, 3, 2, 1}, {2, 5, 3, 2}, {3, 1, 1, 0}}) {
    const SampleShape in{3, 9, 7};
    const Conv2d layer("conv1", in, params);
    Probe probe(layer, 2);
    const std::vector<float> y = probe.forward();
    const SampleShape out = layer.output();
    for (std::size_t s = 0; s < 2; ++s) {
      for (std::size_t f = 0; f < out.channels; ++f) {
        for (std::size_t i = 0; i < out.height; ++i) {
          for (std::size_t j = 0; j < out.width; ++j) {
            double sum = probe.parameters[out.channels * in.channels * params.kernel * params.kernel + f];
            for (std::size_t c = 0; c < in.channels; ++c) {
              for (std::size_t u = 0; u < params.kernel; ++u) {
                for (std::size_t v = 0; v < params.kernel; ++v) {
                  const std::size_t row = i * params.stride + u, column = j * params.stride + v;
                  if (row < params.padding || row - params.padding >= in.height) continue;
                  if (column < params.padding || column - params.padding >= in.width) continue;
                  sum +=
                      double(
                          probe.parameters[((f * in.channels + c) * params.kernel + u) * params.kernel + v]) *
                      double(probe.x[((s * in.channels + c) * in.height + row - params.padding) * in.width +
                                     column - params.padding]);
                }
              }
            }
            ASSERT_NEAR(y[((s * out.channels + f) * out.height + i) * out.width + j], sum, 2e-5);
          }
        }
      }
    }
  }
}

TEST(Layers, RefuseShapesThatMakeNoSenseWithASentence) {
  const auto message = [](const std::function<void()>& make) -> std::string {
    try {
      make();
    } catch (const ShapeError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message([] {
              Conv2d("conv1", {1, 4, 4}, {.filters = 2, .kernel = 5});
            }),
            "the convolution conv1 has filters of 5 x 5 but its padded input is only 4 x 4; use smaller "
            "filters or more "
            "padding");
  EXPECT_EQ(message([] {
              MaxPool2d("pool1", {1, 1, 4}, 2, 2);
            }),
            "the pooling layer pool1 has windows of 2 x 2 but its input is only 1 x 4; use smaller windows");
  EXPECT_EQ(message([] { Linear("fc1", {10}, 0); }),
            "the linear layer fc1 has 10 inputs and 0 outputs; both must be at least 1");
}

TEST(Loss, IsTheCrossEntropyOfTheSoftmaxAndItsGradientTheDifference) {
  const std::size_t rows = 4, classes = 5;
  std::vector<float> z = random_values(rows * classes, 5), dz(z.size());
  const std::vector<std::uint8_t> labels{0, 4, 2, 2};
  const LossSums sums =
      softmax_cross_entropy({z.data(), rows, classes}, labels, 0.25f, {dz.data(), rows, classes});
  double expected = 0.0;
  for (std::size_t r = 0; r < rows; ++r) {
    double sum = 0.0;
    for (std::size_t i = 0; i < classes; ++i) sum += std::exp(double(z[r * classes + i]));
    expected -= std::log(std::exp(double(z[r * classes + labels[r]])) / sum);
    for (std::size_t i = 0; i < classes; ++i) {
      const double p = std::exp(double(z[r * classes + i])) / sum;
      EXPECT_NEAR(dz[r * classes + i], 0.25 * (p - (i == labels[r] ? 1.0 : 0.0)), 1e-6);
    }
  }
  EXPECT_NEAR(sums.mean_loss(), expected / rows, 1e-6);
  EXPECT_EQ(sums.samples, 4);
  EXPECT_EQ(sums.not_finite, 0);
}

TEST(Loss, StaysExactForLargeOutputsAndCountsThoseThatAreNotFinite) {
  const std::vector<float> z{1000.0f, 0.0f, 0.0f, NAN, INFINITY, 0.0f, 0.0f, 1e4f};
  const std::vector<std::uint8_t> labels{0, 0, 0, 0};
  const LossSums sums = softmax_cross_entropy({z.data(), 4, 2}, labels, 1.0f, {});
  EXPECT_EQ(sums.not_finite, 2);
  EXPECT_NEAR(sums.mean_loss(), 5000.0, 1e-3);  // of the losses 0 and 10 000
}

TEST(Loss, JudgesTheOutputsOfAnEvaluationAndTheLossOfTraining) {
  // A wrong label with margins of 5 000, 2e6, 1e20 and 6e38, which float cannot hold; a class that is masked.
  const std::vector<float> z{0.0f, 5000.0f, 0.0f, 2e6f, 0.0f, 1e20f, -3e38f, 3e38f, -1e9f, 0.0f, 1.0f, 1.0f};
  const std::vector<std::uint8_t> labels{0, 0, 0, 0, 1, 0};
  const LossSums evaluated = softmax_cross_entropy({z.data(), 6, 2}, labels, 1.0f, {});
  EXPECT_EQ(evaluated.not_finite, 0);
  EXPECT_EQ(evaluated.correct, 2);  // of equal outputs the first one counts
  EXPECT_NEAR(evaluated.mean_loss(), (5000.0 + 3 * kLargestEvaluationLoss + std::log(2.0)) / 6, 1e-6);
  std::vector<float> dz(z.size());
  const LossSums trained = softmax_cross_entropy({z.data(), 6, 2}, labels, 1.0f, {dz.data(), 6, 2});
  EXPECT_EQ(trained.not_finite, 3);
}

TEST(Network, GivesASampleTheSameBitsInAnyBatchAndWithAnyThreads) {
  Network network({1, 12, 12});
  network.append<Conv2d>("conv1", ConvolutionParams{.filters = 5, .kernel = 3, .padding = 1})
      .append<Relu>("relu1")
      .append<MaxPool2d>("pool1", 2, 2)
      .append<Linear>("fc1", std::size_t(20))
      .append<Relu>("relu2")
      .append<Linear>("fc2", std::size_t(7));
  network.initialize(3);
  const std::vector<float> images = random_values(23 * 144, 6);
  Workspace workspace;
  const auto run = [&](std::size_t first, std::size_t count, int threads) {
    const auto y =
        network.forward({.threads = threads}, {images.data() + first * 144, count, 144}, workspace);
    return std::vector<float>(y.data, y.data + y.size());
  };
  const std::vector<float> whole = run(0, 23, 1);
  EXPECT_EQ(run(0, 23, 2), whole);
  EXPECT_EQ(run(0, 23, 3), whole);
  std::vector<float> pieces;
  for (auto [first, count] : {std::pair<std::size_t, std::size_t>{0, 1}, {1, 15}, {16, 7}}) {
    const auto part = run(first, count, 1);
    pieces.insert(pieces.end(), part.begin(), part.end());
  }
  EXPECT_EQ(pieces, whole);
  Workspace small;
  const auto y = network.forward({}, {images.data(), 23, 144}, small, {.keeps_activations = false});
  EXPECT_EQ(std::vector<float>(y.data, y.data + y.size()), whole);
}

TEST(Network, CutsLargeConvolutionsIntoImagesWithoutChangingABit) {
  // 7 images with 57 600 values of patches each: two at a time where nobody goes back.
  Network network({1, 52, 52});
  network.append<Conv2d>("conv1", ConvolutionParams{.filters = 3, .kernel = 5});
  network.initialize(3);
  const std::vector<float> images = random_values(7 * 52 * 52, 6);
  Workspace workspace, small;
  const auto whole = network.forward({}, {images.data(), 7, 52 * 52}, workspace);
  for (const int threads : {1, 3}) {
    const auto cut = network.forward({.threads = threads}, {images.data(), 7, 52 * 52}, small,
                                     {.keeps_activations = false});
    EXPECT_TRUE(std::ranges::equal(std::span(cut.data, cut.size()), std::span(whole.data, whole.size())));
  }
}

TEST(Network, HasTheGradientsOfCentralDifferences) {
  Network network({1, 6, 6});
  network.append<Conv2d>("conv1", ConvolutionParams{.filters = 3, .kernel = 3})
      .append<AvgPool2d>("pool1", 2, 2)
      .append<Linear>("fc1", std::size_t(6))
      .append<Linear>("fc2", std::size_t(4));
  network.initialize(5);
  const std::vector<float> images = random_values(3 * 36, 7);
  const std::vector<std::uint8_t> labels{1, 3, 0};
  Workspace workspace;
  std::vector<float> d_outputs(12), gradient(network.parameters().size());
  const auto loss = [&] {
    const auto outputs = network.forward({}, {images.data(), 3, 36}, workspace);
    return softmax_cross_entropy(outputs, labels, 1.0f / 3.0f, {d_outputs.data(), 3, 4}).mean_loss();
  };
  loss();
  network.backward({}, {d_outputs.data(), 3, 4}, workspace, gradient);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    float& value = network.parameters()[i];
    const float saved = value, step = 0x1p-6f;
    value = saved + step;
    const double above = loss();
    value = saved - step;
    const double below = loss();
    value = saved;
    ASSERT_NEAR(gradient[i], (above - below) / (2.0 * double(step)), 1e-3) << i;
  }
}

class CountingProduct final : public WeightProduct {
 public:
  explicit CountingProduct(const Network& network)
      : digital_(network.weighted_layers(), network.parameters()) {}
  void multiply(const Exec& exec, std::size_t layer, std::uint64_t first_row, MatrixView<const float> x,
                MatrixView<float> y) override {
    calls.push_back({layer, first_row, x.rows});
    digital_.multiply(exec, layer, first_row, x, y);
    for (std::size_t i = 0; i < y.size(); ++i) y.data[i] += 1.0f;
  }
  struct Call {
    std::size_t layer;
    std::uint64_t first_row;
    std::size_t rows;
    bool operator==(const Call&) const = default;
  };
  std::vector<Call> calls;

 private:
  DigitalProduct digital_;
};

TEST(Network, HandsEveryProductWithWeightsToTheWeightProduct) {
  Network network({1, 4, 4});
  network.append<Conv2d>("conv1", ConvolutionParams{.filters = 2, .kernel = 3})
      .append<Linear>("fc1", std::size_t(3));
  network.initialize(1);
  const std::vector<float> images = random_values(5 * 16, 8);
  Workspace workspace;
  CountingProduct product(network);
  const auto y =
      network.forward({}, {images.data(), 5, 16}, workspace, {.first_sample = 10, .product = &product});
  const std::vector<float> with(y.data, y.data + y.size());
  EXPECT_EQ(product.calls, (std::vector<CountingProduct::Call>{{0, 40, 20}, {1, 10, 5}}));
  const auto z = network.forward({}, {images.data(), 5, 16}, workspace);
  EXPECT_NE(std::vector<float>(z.data, z.data + z.size()), with);
}

TEST(Network, RefusesLayersThatDoNotFitWithASentence) {
  Network network({1, 4, 4});
  network.append<Linear>("fc1", std::size_t(8));
  try {
    network.append(std::make_unique<Linear>("fc2", SampleShape{9}, 3));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(
        error.what(),
        "the layer fc2 takes samples of 9 but the layer before it gives 8; the shapes must be equal");
  }
  EXPECT_THROW(network.append<Linear>("fc1", std::size_t(3)), StateError);
  Workspace workspace;
  const std::vector<float> image(15);
  try {
    network.forward({}, {image.data(), 1, 15}, workspace);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "images have 15 values each but the network takes 16 (1 x 4 x 4)");
  }
}

TEST(Network, InitializesWeightsUniformlyWithTheVarianceOfHe) {
  Network network({400});
  network.append<Linear>("fc1", std::size_t(250));
  network.initialize(9);
  const auto w = network.weights(0);
  const double bound = std::sqrt(6.0 / 400.0);
  double squares = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    ASSERT_LE(std::abs(w.data[i]), bound);
    squares += double(w.data[i]) * double(w.data[i]);
  }
  // 100 000 draws; the variance of u^2 for u uniform in +-b is 4/45 b^4. Five standard errors.
  const double n = 1e5;
  EXPECT_NEAR(squares / n, 2.0 / 400.0, 5.0 * std::sqrt(4.0 / 45.0 / n) * bound * bound);
  for (float b : network.bias(0)) EXPECT_EQ(b, 0.0f);
}

}  // namespace
}  // namespace mq
