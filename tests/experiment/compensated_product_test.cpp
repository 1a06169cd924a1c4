#include "meltquench/experiment/compensated_product.h"

#include <gtest/gtest.h>

#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/models/model.h"

namespace mq {
namespace {

constexpr double kYear = 365 * 86400.0;
constexpr std::size_t kImages = 300;

std::vector<float> uniforms(std::size_t size, std::uint32_t stream) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = Rng<float>(RngKey(3, Purpose::sampling, stream), static_cast<std::uint32_t>(i)).uniform();
  }
  return values;
}

/// A network of two layers, and of convolutions, on a chip that is read for reference.
class CompensatedProducts : public testing::Test {
 protected:
  explicit CompensatedProducts(Network built = mlp({1, 4, 8}, std::vector{24}, 6))
      : network(std::move(built)), images(uniforms(kImages * network.input().size(), 1)) {
    network.initialize(5);
    Hardware everywhere;
    everywhere.device = device_from_preset("hermes-2");
    everywhere.tile.rows = 16;
    hardware = HardwareConfig(everywhere);
    chip.emplace(exec, hardware, layer_shapes(network), 7, 0);
    chip->set_ranges(calibrate_ranges(exec, network, hardware, view()));
    std::vector<MatrixView<const float>> weights;
    for (std::size_t i = 0; i < network.weighted_layers().size(); ++i) weights.push_back(network.weights(i));
    chip->program(exec, weights);
    product.emplace(exec, network, *chip, view());
  }
  MatrixView<const float> view() const { return {images.data(), kImages, network.input().size()}; }

  OutputMoments outputs(WeightProduct* how, std::size_t batch = kImages) {
    OutputMoments statistics(network.output().size());
    for (std::size_t first = 0; first < kImages; first += batch) {
      Workspace workspace;
      const std::size_t count = std::min(batch, kImages - first);
      statistics.add(network.forward(exec, view().slice_rows(first, count), workspace,
                                     {.first_sample = first, .product = how, .keeps_activations = false}));
    }
    return statistics;
  }

  Exec exec;
  Network network;
  std::vector<float> images;
  HardwareConfig hardware;
  std::optional<Chip> chip;
  std::optional<CompensatedProduct> product;
};

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double square = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(square / static_cast<double>(a.size()));
}

const std::vector<EvalCompensation> kAll = {EvalCompensation::none, EvalCompensation::global,
                                            EvalCompensation::per_output, EvalCompensation::affine};

TEST_F(CompensatedProducts, RestoreMeansAndSpreadsOfTheOutputs) {
  product->refer(kAll);
  const OutputMoments before = outputs(&*product);
  chip->advance_to(exec, kYear);
  std::vector<double> of_means, of_spreads;
  for (const EvalCompensation kind : kAll) {
    product->compensate(kind);
    const OutputMoments after = outputs(&*product);
    of_means.push_back(distance(before.means(), after.means()));
    of_spreads.push_back(distance(before.deviations(), after.deviations()));
  }
  EXPECT_LT(of_means[1], 0.7 * of_means[0]);
  EXPECT_LT(of_means[2], 0.7 * of_means[0]);
  EXPECT_LT(of_means[3], 0.2 * of_means[1]);
  EXPECT_LT(of_spreads[3], 0.2 * of_spreads[1]);
}

TEST_F(CompensatedProducts, DoNotDependOnBatches) {
  product->refer(kAll);
  chip->advance_to(exec, kYear);
  for (const EvalCompensation kind : kAll) {
    product->compensate(kind);
    EXPECT_EQ(outputs(&*product, 7).means(), outputs(&*product).means());
  }
}

TEST_F(CompensatedProducts, AreThoseOfTheChipWithoutCompensation) {
  product->refer(kAll);
  chip->advance_to(exec, kYear);
  product->compensate(EvalCompensation::affine);
  product->compensate(EvalCompensation::none);
  ChipProduct plain(exec, *chip);
  EXPECT_EQ(outputs(&*product).means(), outputs(&plain).means());
}

TEST_F(CompensatedProducts, CountTheProductsOfCalibration) {
  const auto mvms = [&] { return chip->counters().mvms; };
  const std::int64_t first = 2, second = 2;  // tiles of 16 word lines for 32 and 24 inputs
  const std::vector<EvalCompensation> factors = {EvalCompensation::global, EvalCompensation::per_output};
  product->refer(factors);
  EXPECT_EQ(mvms(), 0);
  product->refer(kAll);
  EXPECT_EQ(mvms(), 300 * (first + second));
  chip->advance_to(exec, kYear);
  product->compensate(EvalCompensation::affine);
  EXPECT_EQ(mvms(), 300 * (first + second) + 300 * first + 300 * (first + second));
}

TEST_F(CompensatedProducts, CompareExactResponsesOrTheMeanOfSeveralReads) {
  // Factors from reads come closer to the exact ones with the number of reads; exact ones are the ratio of
  // what cells conduct.
  const std::vector<EvalCompensation> kinds = {EvalCompensation::global};
  CompensatedProduct exact(exec, network, *chip, view(), {.is_exact = true});
  CompensatedProduct many(exec, network, *chip, view(), {.count = 64});
  for (CompensatedProduct* one : {&*product, &exact, &many}) one->refer(kinds);
  const std::vector<double> before = chip->array(0).mean_responses(exec, {.is_exact = true});
  chip->advance_to(exec, kYear);
  const std::vector<double> now = chip->array(0).mean_responses(exec, {.is_exact = true});
  const auto factors = [&](CompensatedProduct& by) {
    by.compensate(EvalCompensation::global);
    return chip->array(0).compensation();
  };
  const std::vector<double> wanted = output_factors(before, now);
  EXPECT_EQ(factors(exact), wanted);
  const double one_off = distance(factors(*product), wanted), many_off = distance(factors(many), wanted);
  EXPECT_GT(one_off, 0.0);
  EXPECT_LT(many_off, 0.5 * one_off);
}

TEST_F(CompensatedProducts, RefuseTooFewImages) {
  CompensatedProduct one(exec, network, *chip, view().slice_rows(0, 1));
  try {
    one.refer(kAll);
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "eval.compensation = affine takes at least 2 calibration images but got 1; raise "
                 "eval.calibration_images");
  }
}

class CompensatedConvolutions : public CompensatedProducts {
 protected:
  CompensatedConvolutions() : CompensatedProducts(lenet5({1, 16, 16}, 4)) {}
};

TEST_F(CompensatedConvolutions, RestoreTheMeansOfTheOutputs) {
  product->refer(kAll);
  const OutputMoments before = outputs(&*product);
  chip->advance_to(exec, kYear);
  product->compensate(EvalCompensation::none);
  const double raw = distance(before.means(), outputs(&*product).means());
  product->compensate(EvalCompensation::affine);
  EXPECT_LT(distance(before.means(), outputs(&*product).means()), 0.2 * raw);
}

}  // namespace
}  // namespace mq
