/// Every way to write weights into cells gives the product of the weights that are read back.
#include "arrays.h"

namespace mq {
namespace {

struct Case {
  const char* name;
  MappingParams how;
};

const Case kCases[] = {
    {"one-sided pair", {}},
    {"two-sided pair", {.sides = PairSides::both}},
    {"digital subtraction", {.subtraction = Subtraction::digital}},
    {"two-sided, digital subtraction", {.sides = PairSides::both, .subtraction = Subtraction::digital}},
    {"offset", {.kind = MappingKind::offset}},
    {"offset, reference column", {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column}},
    {"full scale per column", {.scale = WeightScale::column}},
    {"4 slices of 2 bits", {.slices = 4, .slice_bits = 2}},
    {"two-sided slices", {.sides = PairSides::both, .slices = 2, .slice_bits = 3}},
    {"7 slices of 1 bit, digital subtraction",
     {.subtraction = Subtraction::digital, .slices = 7, .slice_bits = 1}},
    {"offset slices", {.kind = MappingKind::offset, .slices = 4, .slice_bits = 2}},
    {"offset slices, reference column, per column",
     {.kind = MappingKind::offset,
      .zero = ZeroRemoval::reference_column,
      .scale = WeightScale::column,
      .slices = 2,
      .slice_bits = 4}},
    {"one cell of 4 bits", {.slice_bits = 4}},
};

// Tiles that hold all of the matrix, and tiles that do not divide it.
constexpr int kTiles[][2] = {{256, 256}, {17, 13}};

double largest(const DoubleMatrix& m) { return m.cwiseAbs().maxCoeff(); }

template <class T>
DoubleMatrix as_matrix(const std::vector<T>& y, std::size_t columns) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto c = static_cast<Eigen::Index>(columns);
  return Eigen::Map<const Matrix>(y.data(), static_cast<Eigen::Index>(y.size()) / c, c)
      .template cast<double>();
}

Hardware hardware_of(const Case& mapping, const int (&tile)[2]) {
  Hardware hardware = ideal_io("ideal", tile[0], tile[1]);
  hardware.mapping = mapping.how;
  return hardware;
}

TEST(Mappings, ReadBackTheWeightsThatTheyCanHold) {
  const std::vector<float> w = uniforms(40 * 50, 1, 0.2f);
  for (const Case& mapping : kCases) {
    const Exec exec;
    TileArray array(exec, hardware_of(mapping, kTiles[1]), {}, 40, 50);
    array.program(exec, matrix(w, 40));
    const std::vector<double> back = array.read_weights(exec);
    const WeightMapping how = array.mapping();
    // Half a level of a weight in slices; two roundings of a conductance to float else.
    const double error = how.slice_bits > 0 ? 0.5 / how.levels() : 0x1p-22;
    double sum = 0.0;
    for (std::size_t i = 0; i < w.size(); ++i) {
      ASSERT_LE(std::abs(back[i] - w[i]), (error + 1e-6) * how.w_max) << mapping.name;
      sum += std::abs(back[i] - w[i]);
    }
    if (how.slice_bits > 0) {
      EXPECT_GT(sum / double(w.size()), 0.1 * error * how.w_max) << mapping.name;
    }
  }
}

TEST(Mappings, MultiplyAsDoublePrecisionDoesOnTheReference) {
  const std::vector<float> w = uniforms(40 * 50, 1, 0.2f);
  std::vector<double> x;
  for (const float value : uniforms(20 * 50, 2)) x.push_back(value + 1e-9);  // no float
  const Exec exec{.backend = Backend::reference};
  for (const Case& mapping : kCases) {
    for (const auto& tile : kTiles) {
      TileArray array(exec, hardware_of(mapping, tile), {}, 40, 50);
      array.program(exec, matrix(w, 40));
      const DoubleMatrix exact = exact_product(x, array.read_weights(exec), 50);
      const DoubleMatrix y = as_matrix(product(array, exec, x), 40);
      EXPECT_LE(largest(y - exact) / largest(exact), 1e-12) << mapping.name;
    }
  }
}

TEST(Mappings, MultiplyToSinglePrecisionOnTheCpu) {
  const std::vector<float> w = uniforms(40 * 50, 1, 0.2f), x = uniforms(20 * 50, 2);
  for (const Case& mapping : kCases) {
    for (const auto& tile : kTiles) {
      TileArray array({}, hardware_of(mapping, tile), {}, 40, 50);
      array.program({}, matrix(w, 40));
      const DoubleMatrix exact = exact_product(x, array.read_weights({}), 50);
      const DoubleMatrix y = as_matrix(product(array, {}, x), 40);
      EXPECT_LE(largest(y - exact) / largest(exact), 1e-6) << mapping.name;
    }
  }
}

TEST(Mappings, DevicesThatCountUnequallyHoldTheSameWeights) {
  const std::vector<float> w = uniforms(40 * 50, 1, 0.2f), x = uniforms(20 * 50, 2);
  for (const Fill fill : {Fill::max, Fill::equal, Fill::mixed}) {
    Hardware h = ideal_io("ideal", 17, 13);
    h.programming.devices = 3;
    h.programming.fill = fill;
    h.programming.significance = 4.0f;
    TileArray array({}, h, {}, 40, 50);
    array.program({}, matrix(w, 40));
    const std::vector<double> back = array.read_weights({});
    for (std::size_t i = 0; i < w.size(); ++i) ASSERT_NEAR(back[i], w[i], 1e-6);
    const DoubleMatrix exact = exact_product(x, back, 50);
    const DoubleMatrix y = as_matrix(product(array, {}, x), 40);
    EXPECT_LE(largest(y - exact) / largest(exact), 1e-6);
  }
}

}  // namespace
}  // namespace mq
