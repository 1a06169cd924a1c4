/// Every way to write weights into cells gives the product of the weights that are read back.
#include <filesystem>

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

TEST(Mappings, ThatCannotBeHadAreRefusedWithAReason) {
  const auto refusal = [](const auto& change) {
    Hardware h = ideal_io("ideal");
    change(h);
    return message_of([&] {
      check_acting(h);
      TileArray({}, h, {}, 4, 4);
    });
  };
  EXPECT_EQ(refusal([](Hardware& h) { h.mapping.slices = 2; }),
            "mapping: slices need slice_bits, the bits of a cell, to be at least 1");
  EXPECT_EQ(refusal([](Hardware& h) {
              h.mapping.slices = 3, h.mapping.slice_bits = 2;
              h.programming.devices = 4;
            }),
            "mapping.slices = 3 with programming.devices = 4 makes 12 cells per side of a weight; at most 8 "
            "can be had");
  EXPECT_EQ(
      refusal([](Hardware& h) {
        h.device = device_from_preset("reram-sb");
        h.mapping.sides = PairSides::both;
      }),
      "the device model 'soft-bounds' learns by pulses and has a mapping of its own; use mapping.kind = "
      "\"differential\" with sides = \"one\" and slice_bits = 0");
  EXPECT_EQ(refusal([](Hardware& h) { h.tile.read_noise_law = ReadNoiseLaw::device; }),
            "tile.read_noise_law = \"device\" needs inputs that are codes; set dac.bits, or use the law "
            "square-root");
  EXPECT_EQ(
      refusal([](Hardware& h) {
        h.tile.read_noise_law = ReadNoiseLaw::nanosecond;
        h.tile.read_noise = 0.1f;
        h.dac.bits = 8;
      }),
      "tile.read_noise = 0.1 cannot act here: it acts where tile.read_noise_law is square-root, constant "
      "or proportional; leave it out, or change that");
  EXPECT_EQ(
      refusal([](Hardware& h) { h.dac.splits_sign = true; }),
      "dac.splits_sign = true cannot act here: it acts where dac.bits > 0; leave it out, or change that");
}

TEST(Mappings, WhoseCurrentsDoNotAddToWeightsHaveNoTransposedProducts) {
  for (const MappingParams how :
       {MappingParams{.kind = MappingKind::offset}, MappingParams{.scale = WeightScale::column}}) {
    Hardware h = ideal_io("ideal");
    h.mapping = how;
    TileArray array({}, h, {}, 4, 3);
    array.program({}, matrix(uniforms(12, 1), 4));
    std::vector<float> e(4), d(3);
    EXPECT_EQ(message_of([&] {
                array.mvm_transposed({}, {e.data(), 1, 4}, {d.data(), 1, 3});
              }),
              "products from outputs to inputs need cells whose currents add to weights; use mapping.kind = "
              "\"differential\" and mapping.scale = \"tensor\"");
  }
}

TEST(Mappings, ComeBackFromAFileAsTheyWere) {
  const std::vector<float> w = uniforms(20 * 30, 1), x = uniforms(6 * 30, 2);
  for (const Case& mapping : kCases) {
    Hardware h = hardware_of(mapping, kTiles[1]);
    h.device = device_from_preset("pcm-like");
    TileArray array({}, h, {.seed = 5}, 20, 30), loaded({}, h, {.seed = 5}, 20, 30);
    array.program({}, matrix(w, 20));
    array.advance_to({}, kDay);
    const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "mappings_test.h5";
    H5Writer writer(file, "array", 1);
    array.save(writer, "/array");
    writer.commit();
    loaded.load({}, H5Reader(file, "array", 1), "/array");
    EXPECT_EQ(product(loaded, {}, x), product(array, {}, x)) << mapping.name;
    std::filesystem::remove(file);
  }
}

}  // namespace
}  // namespace mq
