#include "meltquench/crossbar/code_histograms.h"

#include "arrays.h"

namespace mq {
namespace {

const Exec kExec;
constexpr std::size_t kOutputs = 40, kInputs = 60, kBatch = 50;

/// 40 x 60 weights on tiles of 32 inputs and 24 outputs: 2 x 2 of them, with edges.
Hardware hardware_of_codes() {
  Hardware h = ideal_io("pcm-like", 32, 24);
  h.tile.output_noise = 0.02f;
  h.tile.read_noise = 0.01f;
  h.dac = {.bits = 6, .range = 0.9};
  h.adc = {.bits = 7, .range = 2.0};
  return h;
}

TileArray programmed(const Hardware& hardware) {
  TileArray array(kExec, hardware, {.seed = 5, .layer = 1, .chip = 2}, kOutputs, kInputs);
  array.program(kExec, matrix(uniforms(kOutputs * kInputs, 1), kOutputs));
  return array;
}

struct Counted {
  std::vector<float> y;
  std::vector<CodeHistogram> histograms = {};
  Counters before, after = {};
};

Counted count(TileArray& array, const std::vector<float>& x, MvmPlace place = {}, const Exec& exec = kExec) {
  Counted counted{.y = std::vector<float>(x.size() / kInputs * kOutputs), .before = array.counters()};
  counted.histograms = code_histograms(array, exec, {x.data(), x.size() / kInputs, kInputs},
                                       {counted.y.data(), x.size() / kInputs, kOutputs}, place);
  counted.after = array.counters();
  return counted;
}

/// Hardware whose conversions differ in kind and number.
std::vector<std::pair<const char*, Hardware>> kinds_of_hardware() {
  const Hardware plain = hardware_of_codes();
  Hardware digits = plain, held = plain, apart = plain, slices = plain, reference = plain, zero = plain,
           bound = plain, errors = plain;
  digits.dac.digit_bits = 2;
  digits.dac.splits_sign = true;
  digits.adc.range = 0.5;
  held.dac.digit_bits = 2;
  held.dac.accumulation = Accumulation::analog;
  apart.mapping.subtraction = Subtraction::digital;
  slices.mapping.slices = 2;
  slices.mapping.slice_bits = 3;
  reference.mapping = {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column};
  zero.mapping = {.kind = MappingKind::offset};
  bound.adc.bound_management = BoundManagement::iterative;
  errors.adc.kind = AdcKind::sar;
  errors.adc.mismatch = 0.02f;
  errors.adc.noise = 0.4f;
  return {{"plain", plain}, {"digits", digits}, {"held", held},
          {"apart", apart}, {"slices", slices}, {"reference", reference},
          {"zero", zero},   {"bound", bound},   {"errors", errors}};
}

TEST(CodeHistograms, TheProductIsThatOfMvmToTheBit) {
  const std::vector<float> x = uniforms(kBatch * kInputs, 2);
  for (const auto& [what, hardware] : kinds_of_hardware()) {
    TileArray array = programmed(hardware), other = programmed(hardware);
    array.advance_to(kExec, kDay);
    other.advance_to(kExec, kDay);
    array.compensate_drift(DriftCompensation::global);
    other.compensate_drift(DriftCompensation::global);
    const MvmPlace place{.first_row = 7, .call = 3};
    const Counted counted = count(array, x, place);
    EXPECT_EQ(counted.y, product(other, kExec, x, place)) << what;
    EXPECT_EQ(counted.after, other.counters()) << what;
    EXPECT_EQ(product(array, kExec, x, place), counted.y) << what << ", the fused product afterwards";
  }
}

TEST(CodeHistograms, TotalsAreTheConversionsAndClipsThatCountersCount) {
  const std::vector<float> x = uniforms(kBatch * kInputs, 2);
  for (const auto& [what, hardware] : kinds_of_hardware()) {
    TileArray array = programmed(hardware);
    const Counted counted = count(array, x);
    std::int64_t conversions = 0, clips = 0;
    for (const CodeHistogram& one : counted.histograms) {
      conversions += one.conversions();
      clips += one.clipped;
      EXPECT_EQ(one.limit(), 63) << what;
    }
    EXPECT_EQ(conversions, counted.after.adc_conversions - counted.before.adc_conversions) << what;
    EXPECT_EQ(clips, counted.after.adc_clips - counted.before.adc_clips) << what;
    EXPECT_GT(clips, 0) << what;
  }
}

TEST(CodeHistograms, EveryConversionStandsForTileSlicePhaseAndOutputs) {
  Hardware hardware = hardware_of_codes();
  hardware.dac.digit_bits = 3;  // 2 phases of 5 bits
  hardware.mapping.slices = 2;
  hardware.mapping.slice_bits = 3;
  TileArray array = programmed(hardware);
  const Counted counted = count(array, uniforms(3 * kInputs, 2));
  ASSERT_EQ(counted.histograms.size(), 4u * 2u * 2u);
  for (std::size_t i = 0; i < counted.histograms.size(); ++i) {
    const CodeHistogram& one = counted.histograms[i];
    EXPECT_EQ(one.tile, i / 4);
    EXPECT_EQ(one.plane, i / 2 % 2);
    EXPECT_EQ(one.role, (PlaneRole{PlaneKind::difference, int(i / 2 % 2)}));
    EXPECT_EQ(one.phase, i % 2);
    EXPECT_EQ(one.first_output, i / 4 < 2 ? 0u : 24u);
    EXPECT_EQ(one.outputs, i / 4 < 2 ? 24u : 16u);
    EXPECT_EQ(one.conversions(), 3 * std::int64_t(one.outputs));
    EXPECT_EQ(one.range, 2.0);
  }
  hardware.mapping = {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column};
  hardware.dac.digit_bits = 0;
  TileArray offset = programmed(hardware);
  const Counted shared = count(offset, uniforms(3 * kInputs, 2));
  ASSERT_EQ(shared.histograms.size(), 4u * 2u);
  EXPECT_EQ(shared.histograms[1].role.kind, PlaneKind::minus);
  EXPECT_EQ(shared.histograms[1].outputs, 1u);
  EXPECT_EQ(shared.histograms[1].conversions(), 3);
}

TEST(CodeHistograms, OutputsAreTheirMeanCodesTimesSteps) {
  // Without noise and clipping, the sum of all outputs is that of all codes; a tile in each row of the grid.
  Hardware hardware = ideal_io("ideal", int(kInputs), 24);
  hardware.adc = {.bits = 10, .range = 20.0};
  TileArray array = programmed(hardware);
  const Counted counted = count(array, uniforms(kBatch * kInputs, 2));
  ASSERT_EQ(counted.histograms.size(), 2u);
  for (const CodeHistogram& one : counted.histograms) {
    double sum = 0.0;
    for (std::size_t row = 0; row < kBatch; ++row) {
      for (std::size_t o = 0; o < one.outputs; ++o) sum += counted.y[row * kOutputs + one.first_output + o];
    }
    const double mean = sum / double(one.conversions());
    EXPECT_NEAR(one.mean_code() * one.range / 511.0, mean, 1e-6);
    EXPECT_EQ(one.clipped, 0);
    EXPECT_GT(one.codes_used(), 100u);
  }
}

TEST(CodeHistograms, ClipsAreThoseOfTheOutputsThatLeaveTheRange) {
  // Identity: output o is x[o]. Only output 2 leaves the range, once to either side; 1 just reaches it.
  Hardware hardware = ideal_io("ideal", 4, 4);
  hardware.adc = {.bits = 3, .range = 0.75};
  TileArray array(kExec, hardware, {}, 3, 3);
  array.program(kExec, matrix({1, 0, 0, 0, 1, 0, 0, 0, 1}, 3));
  const std::vector<float> x = {0.0f, 0.75f, 1.0f, 0.25f, -0.75f, -1.0f, 0.5f, 0.0f, 0.0f};
  std::vector<float> y(9);
  const std::vector<CodeHistogram> all = code_histograms(array, kExec, {x.data(), 3, 3}, {y.data(), 3, 3});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].clipped, 2);
  EXPECT_EQ(all[0].counts, (std::vector<std::int64_t>{2, 0, 0, 3, 1, 1, 2}));
  EXPECT_DOUBLE_EQ(all[0].clipped_share(), 2.0 / 9.0);
  EXPECT_DOUBLE_EQ(all[0].mean_code(), (-3.0 * 2 + 1 + 2 + 3 * 2) / 9.0);
  EXPECT_EQ(all[0].codes_used(), 5u);
}

TEST(CodeHistograms, ThreadsAndBatchesCountTheSame) {
  const std::vector<float> x = uniforms(kBatch * kInputs, 2);
  TileArray array = programmed(hardware_of_codes());
  const Counted whole = count(array, x), parallel = count(array, x, {}, {.threads = 4});
  std::vector<float> y(kBatch * kOutputs);
  std::vector<CodeHistogram> parts;
  {
    const CodeCounter counter(array, kExec);
    EXPECT_THROW(CodeCounter(array, kExec), StateError);
    for (std::size_t first = 0; first < kBatch; first += 20) {
      const std::size_t rows = std::min<std::size_t>(20, kBatch - first);
      array.mvm(kExec, {x.data() + first * kInputs, rows, kInputs},
                {y.data() + first * kOutputs, rows, kOutputs}, {.first_row = first});
    }
    parts = counter.histograms();
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (const Counted* other : {&whole, &parallel}) {
      EXPECT_EQ(parts[i].counts, other->histograms[i].counts) << i;
      EXPECT_EQ(parts[i].clipped, other->histograms[i].clipped) << i;
    }
  }
}

TEST(CodeHistograms, ShowTheRangesOfOutputsThatHaveTheirOwn) {
  Hardware hardware = hardware_of_codes();
  hardware.adc = {.bits = 7, .range_per = RangeGroup::column};
  TileArray array = programmed(hardware), other = programmed(hardware);
  Ranges ranges{.dac = 0.9f, .adc = std::vector<float>(4, 3.0f)};
  for (std::size_t i = 0; i < 4 * 24; ++i)
    ranges.columns.push_back(1.0f + 0.02f * static_cast<float>(i % 24));
  array.set_ranges(ranges);
  other.set_ranges(ranges);
  const std::vector<float> x = uniforms(kBatch * kInputs, 2);
  const Counted counted = count(array, x);
  EXPECT_EQ(counted.y, product(other, kExec, x));
  EXPECT_EQ(counted.histograms[2].ranges,
            std::vector<float>(ranges.columns.begin(), ranges.columns.begin() + 16));
  EXPECT_EQ(counted.histograms[2].range, 3.0);
}

TEST(CodeHistograms, NeedConvertersAndWeights) {
  std::vector<float> x(kInputs), y(kOutputs);
  const MatrixView<const float> in{x.data(), 1, kInputs};
  const MatrixView<float> out{y.data(), 1, kOutputs};
  Hardware hardware = hardware_of_codes();
  TileArray empty(kExec, hardware, {}, kOutputs, kInputs);
  EXPECT_THROW(code_histograms(empty, kExec, in, out), StateError);
  hardware.adc = {.bits = 0};
  TileArray ideal = programmed(hardware);
  EXPECT_EQ(message_of([&] { code_histograms(ideal, kExec, in, out); }),
            "adc.bits = 0: outputs are not converted, so there are no codes to count; set adc.bits");
}

}  // namespace
}  // namespace mq
