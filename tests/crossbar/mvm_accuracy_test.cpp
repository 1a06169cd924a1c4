/// How exact products are: ideal cells against double precision, phase-change memory against published
/// models.
#include <cmath>

#include "arrays.h"

namespace mq {
namespace {

struct Size {
  std::size_t outputs, inputs;
  int rows, columns;  // of a tile
};
// Tiles that hold everything, that divide the matrix, and that do not.
const Size kSizes[] = {
    {128, 128, 256, 256}, {64, 96, 32, 16}, {100, 130, 33, 17}, {1, 3, 4, 4}, {17, 33, 32, 16}};

TEST(IdealCells, ReadBackTheirWeightsToTheLastBit) {
  for (const Size& s : kSizes) {
    for (const float w_max : {1.0f, 0.037f, 11.0f}) {
      std::vector<float> w = uniforms(s.outputs * s.inputs, 1, 0.3f);
      float largest = 0.0f;
      for (float& value : w) value *= w_max, largest = std::max(largest, std::abs(value));
      const Exec exec;
      TileArray array(exec, ideal_io("ideal", s.rows, s.columns), {}, s.outputs, s.inputs);
      array.program(exec, matrix(w, s.outputs));
      const std::vector<double> back = array.read_weights(exec);
      for (std::size_t i = 0; i < w.size(); ++i) ASSERT_LE(std::abs(back[i] - w[i]), largest * 0x1p-23);
    }
  }
}

TEST(IdealCells, MultiplyAsDoublePrecisionDoesOnTheReference) {
  for (const Size& s : kSizes) {
    const std::vector<float> w = uniforms(s.outputs * s.inputs, 1, 0.3f);
    std::vector<double> x;
    for (const float value : uniforms(20 * s.inputs, 2)) x.push_back(value + 1e-9);  // no float
    const Exec exec{.backend = Backend::reference};
    TileArray array(exec, ideal_io("ideal", s.rows, s.columns), {}, s.outputs, s.inputs);
    array.program(exec, matrix(w, s.outputs));
    const DoubleMatrix exact = exact_product(x, array.read_weights(exec), s.inputs);
    const DoubleMatrix y = as_matrix(product(array, exec, x), s.outputs);
    EXPECT_LE(largest(y - exact) / largest(exact), 1e-12) << s.outputs << " x " << s.inputs;
  }
}

TEST(IdealCells, MultiplyToSinglePrecisionOnTheCpu) {
  for (const Size& s : kSizes) {
    const std::vector<float> w = uniforms(s.outputs * s.inputs, 1, 0.3f), x = uniforms(50 * s.inputs, 2);
    const Exec exec;
    TileArray array(exec, ideal_io("ideal", s.rows, s.columns), {}, s.outputs, s.inputs);
    array.program(exec, matrix(w, s.outputs));
    const DoubleMatrix exact = exact_product(x, array.read_weights(exec), s.inputs);
    const DoubleMatrix y = as_matrix(product(array, exec, x), s.outputs);
    EXPECT_LE(largest(y - exact) / largest(exact), 1e-6) << s.outputs << " x " << s.inputs;
  }
}

TEST(IdealCells, StayAsTheyAreForAYear) {
  const std::vector<float> w = uniforms(64 * 64, 1), x = uniforms(64, 2);
  const Exec exec;
  TileArray array(exec, ideal_io("ideal"), {}, 64, 64);
  array.program(exec, matrix(w, 64));
  const std::vector<float> fresh = product(array, exec, x);
  array.advance_to(exec, kYear);
  EXPECT_EQ(product(array, exec, x), fresh);
}

TEST(Pcm512, HasTheErrorOfThePublishedModelsWithAndWithoutCompensation) {
  // Relative L2 error of 512 products with one 512 x 512 matrix, ideal converters, both sides of a pair
  // programmed and noisy; W uniform in +-1 with 30 % zeros, x uniform in +-1 with 50 % zeros. The figures
  // were computed independently from the equations of aihwkit's PCMLikeNoiseModel and its HERMES models, at
  // t0, 1 h, 1 d, 30 d and 360 d.
  struct Row {
    const char* preset;
    double raw[5], compensated[5];
  };
  const Row table[] = {{"pcm-like", {.081, .240, .346, .444, .507}, {.081, .095, .111, .132, .149}},
                       {"hermes-1", {.159, .187, .257, .336, .391}, {.159, .169, .196, .237, .271}},
                       {"hermes-2", {.100, .137, .221, .311, .371}, {.100, .110, .141, .186, .223}}};
  const double times[] = {0.0, kHour, kDay, kMonth, 360 * kDay};
  constexpr std::size_t kSize = 512;
  const std::vector<float> w = uniforms(kSize * kSize, 3, 0.3f), x = uniforms(kSize * kSize, 4, 0.5f);
  const DoubleMatrix exact = exact_product(x, w, kSize);
  const Exec exec;
  for (const Row& row : table) {
    TileArray array(exec, ideal_io(row.preset, 512, 512), {.seed = 7}, kSize, kSize);
    array.program(exec, matrix(w, kSize));
    for (int t = 0; t < 5; ++t) {
      array.advance_to(exec, times[t]);
      const auto error = [&](DriftCompensation how) {
        array.compensate_drift(how);
        return (as_matrix(product(array, exec, x), kSize) - exact).norm() / exact.norm();
      };
      EXPECT_NEAR(error(DriftCompensation::none), row.raw[t], 0.005)
          << row.preset << ", " << times[t] << " s";
      EXPECT_NEAR(error(DriftCompensation::global), row.compensated[t], 0.005)
          << row.preset << ", " << times[t] << " s";
    }
  }
}

}  // namespace
}  // namespace mq
