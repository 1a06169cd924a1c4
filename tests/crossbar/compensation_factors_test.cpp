#include "arrays.h"
#include "meltquench/crossbar/drift_compensation.h"

namespace mq {
namespace {

std::vector<float> normals(std::size_t size, std::uint32_t stream) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = Rng<float>(RngKey(11, Purpose::sampling, stream), static_cast<std::uint32_t>(i)).normal();
  }
  return values;
}

OutputMoments statistics(const std::vector<float>& y, std::size_t outputs) {
  OutputMoments statistics(outputs);
  statistics.add({y.data(), y.size() / outputs, outputs});
  return statistics;
}

TEST(CompensationFactors, UndoADecayOfAllOutputs) {
  const std::vector<double> before = {1.0, 2.0, 5.0}, after = {0.5, 1.0, 2.5};
  EXPECT_EQ(output_factors(before, after), (std::vector<double>{2.0, 2.0, 2.0}));
}

TEST(CompensationFactors, OfOutputsUndoDecaysThatDiffer) {
  const std::vector<double> before = {1.0, 2.0, 5.0}, after = {0.5, 1.6, 5.0};
  EXPECT_EQ(output_factors(before, after), (std::vector<double>{2.0, 1.25, 1.0}));
}

TEST(CompensationFactors, LeaveOutputsAloneThatAnswerNothing) {
  EXPECT_EQ(output_factors(std::vector{0.0, 1.0}, std::vector{3.0, 0.0}), (std::vector{1.0, 1.0}));
}

TEST(CompensationFactors, RefuseResponsesOfAnotherArray) {
  EXPECT_EQ(
      message_of([] {
        output_factors(std::vector{1.0}, std::vector{1.0, 1.0});
      }),
      "drift compensation was set up for 1 outputs but got 2; pass the responses of one array, all of its "
      "outputs at a time");
}

TEST(AveragedRead, LosesNoiseAsTheRootOfTheNumberOfReads) {
  // 64 outputs of 256 cells at 1 with noise of spread 0.1. The mean of 256 cells over n reads errs by
  // 0.1 / sqrt(256 n); 64 of them tell a spread within 1 / sqrt(128) = 9 % at one standard error.
  constexpr std::size_t kOutputs = 64, kInputs = 256;
  AveragedRead read(kOutputs, kInputs);
  for (std::uint32_t n = 1; n <= 16; ++n) {
    std::vector<float> response = normals(kOutputs * kInputs, n);
    for (float& value : response) value = 1.0f + 0.1f * value;
    read.add({response.data(), kOutputs, kInputs});
    if (n != 1 && n != 16) continue;
    double square = 0.0;
    for (const double magnitude : read.magnitudes())
      square += (magnitude - 1.0) * (magnitude - 1.0) / kOutputs;
    EXPECT_NEAR(std::sqrt(square) * std::sqrt(256.0 * n) / 0.1, 1.0, 5.0 / std::sqrt(128.0)) << n << " reads";
  }
}

TEST(AveragedRead, DoesNotTakeNoiseForSignal) {
  // Cells at 0 with noise of spread 1: one read has mean |noise| = sqrt(2 / pi), 100 reads a tenth of that.
  // 4096 cells tell it within 0.603 / 64 at one standard error.
  AveragedRead read(1, 4096);
  for (std::uint32_t n = 1; n <= 100; ++n) {
    const std::vector<float> response = normals(4096, n);
    read.add({response.data(), 1, 4096});
    if (n == 1) {
      EXPECT_NEAR(read.magnitudes()[0], 0.798, 5.0 * 0.603 / 64);
    }
  }
  EXPECT_NEAR(read.magnitudes()[0], 0.0798, 5.0 * 0.0603 / 64);
}

TEST(AveragedRead, HasTheMagnitudesOfOneReadExactly) {
  AveragedRead read(2, 2);
  EXPECT_EQ(read.magnitudes(), (std::vector{0.0, 0.0}));
  const std::vector<float> response = {1.0f, -3.0f, 0.0f, 0.5f};
  read.add(matrix(response, 2));
  EXPECT_EQ(read.magnitudes(), (std::vector{2.0, 0.25}));
  EXPECT_EQ(
      message_of([&] { read.add(matrix(response, 1)); }),
      "drift compensation was set up for 2 outputs but got 1; pass the responses of one array, all of its "
      "outputs at a time");
}

TEST(OutputMoments, AreThoseOfTheRowsInAnyBatch) {
  const std::vector<float> y = uniforms(3 * 101, 5);
  const OutputMoments whole = statistics(y, 3);
  OutputMoments parts(3);
  parts.add({y.data(), 40, 3});
  parts.add({y.data() + 120, 61, 3});
  EXPECT_EQ(whole.means(), parts.means());
  EXPECT_EQ(whole.deviations(), parts.deviations());
  double mean = 0.0, square = 0.0;
  for (std::size_t row = 0; row < 101; ++row) mean += double(y[3 * row + 1]) / 101;
  for (std::size_t row = 0; row < 101; ++row) square += std::pow(double(y[3 * row + 1]) - mean, 2) / 101;
  EXPECT_NEAR(whole.means()[1], mean, 1e-14);
  EXPECT_NEAR(whole.deviations()[1], std::sqrt(square), 1e-14);
}

TEST(OutputMoments, KeepASmallSpreadOnALargeMean) {
  OutputMoments statistics(1);
  for (const float value : {4096.0f, 4096.5f, 4097.0f}) statistics.add({&value, 1, 1});
  EXPECT_NEAR(statistics.deviations()[0], std::sqrt(1.0 / 6.0), 1e-12);
}

TEST(AffineCorrection, GivesOutputsTheirMeanAndSpreadBack) {
  // Each output decays by a factor of its own and moves by an offset of its own.
  constexpr std::size_t kOutputs = 4, kRows = 50;
  const std::vector<float> before = uniforms(kOutputs * kRows, 7);
  std::vector<float> after = before;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto o = static_cast<float>(i % kOutputs);
    after[i] = after[i] * (0.9f - 0.1f * o) + 0.2f * o;
  }
  match_statistics(statistics(before, kOutputs), statistics(after, kOutputs))
      .apply({after.data(), kRows, kOutputs});
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-6) << i;
}

TEST(AffineCorrection, OnlyMovesAnOutputThatDoesNotVary) {
  const std::vector<float> before = {1.0f, 1.0f, 1.0f}, after = {0.25f, 0.25f, 0.25f};
  const AffineCorrection correction = match_statistics(statistics(before, 1), statistics(after, 1));
  EXPECT_EQ(correction.scale[0], 1.0f);
  EXPECT_EQ(correction.offset[0], 0.75f);
}

TEST(AffineCorrection, TakesAtLeastTwoInputs) {
  const std::vector<float> one = {1.0f};
  EXPECT_EQ(
      message_of([&] { match_statistics(statistics(one, 1), statistics(one, 1)); }),
      "matching the spread of outputs takes at least 2 calibration inputs but got 1; calibrate with more, or "
      "compensate by a factor alone");
}

/// Root of the mean squared error of products that are divided by `scale`, after a correction.
double error(const std::vector<float>& y, const DoubleMatrix& exact) {
  double square = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) square += std::pow(y[i] - exact.data()[i], 2);
  return std::sqrt(square / double(y.size()));
}

TEST(AffineCorrection, IsBetterThanOneFactorWhereOutputsDriftApart) {
  // hermes-2 cells drift by their state, so outputs of small and of large weights decay differently.
  const Exec exec;
  constexpr std::size_t kOutputs = 16, kInputs = 128, kCalibration = 200;
  std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] *= i / kInputs % 2 == 0 ? 1.0f : 0.1f;
  TileArray array(exec, ideal_io("hermes-2"), {.seed = 2}, kOutputs, kInputs);
  array.program(exec, matrix(w, kOutputs));
  const std::vector<float> calibration = uniforms(kCalibration * kInputs, 3), x = uniforms(100 * kInputs, 4);
  const OutputMoments then = statistics(product(array, exec, calibration), kOutputs);
  array.advance_to(exec, kYear);
  const AffineCorrection correction =
      match_statistics(then, statistics(product(array, exec, calibration), kOutputs));
  std::vector<float> affine = product(array, exec, x);
  correction.apply({affine.data(), 100, kOutputs});
  array.compensate_drift(DriftCompensation::global);
  const std::vector<float> global = product(array, exec, x);
  const DoubleMatrix exact = exact_product(x, w, kInputs);
  EXPECT_LT(error(affine, exact), 0.95 * error(global, exact));
}

}  // namespace
}  // namespace mq
