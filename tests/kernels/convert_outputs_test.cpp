#include "meltquench/kernels/convert_outputs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "tables.h"

namespace mq {
namespace {

constexpr AdcKind kKinds[] = {AdcKind::uniform, AdcKind::ramp,     AdcKind::sar,
                              AdcKind::cco,     AdcKind::pipeline, AdcKind::cyclic};

AdcLaw law_of(AdcKind kind, std::uint32_t bits) {
  return {.kind = kind, .bits = bits, .limit = static_cast<float>((1 << (bits - 1)) - 1)};
}

/// Converters with a spread, or without any where there are no planes.
struct Converters {
  AdcLaw adc;
  std::size_t outputs = 0;
  std::vector<float> planes;

  Converters(const AdcLaw& law, std::size_t n) : adc(law), outputs(n) {}
  Converters(const AdcLaw& law, std::size_t n, const ConverterSpread& spread, std::uint64_t seed = 3,
             const KernelTable& table = kernels(Backend::cpu))
      : adc(law), outputs(n), planes(converter_fields(law) * n) {
    table.fabricate_converters({}, {.adc = adc,
                                    .spread = spread,
                                    .outputs = n,
                                    .stride = n,
                                    .planes = planes.data(),
                                    .key = RngKey(seed, Purpose::converters).at_place(1, 0)});
  }
};

struct Converted {
  std::vector<double> totals;
  std::vector<std::uint32_t> clipped;
  std::vector<std::int64_t> histogram;
  ConverterCounts counts;
};

/// Codes of y[batch, outputs], given in LSB.
Converted convert(const Converters& converters, const std::vector<float>& y, const OutputLaw& output = {},
                  const KernelTable& table = kernels(Backend::cpu), int threads = 1) {
  Converted to;
  ConvertOutputs op;
  op.outputs = converters.outputs;
  op.batch = y.size() / op.outputs;
  op.y = y.data();
  op.y_stride = op.totals_stride = op.outputs;
  op.output = output;
  op.adc = converters.adc;
  op.converters = converters.planes.empty() ? nullptr : converters.planes.data();
  op.converter_stride = op.outputs;
  op.key = RngKey(9, Purpose::converter_noise).at_event(2);
  to.totals.resize(y.size());
  to.clipped.resize(op.batch);
  to.histogram.resize(2 * std::size_t(converters.adc.limit) + 1);
  op.totals = to.totals.data();
  op.clipped = to.clipped.data();
  op.histogram = to.histogram.data();
  op.counts = &to.counts;
  table.convert_outputs({.threads = threads}, op);
  return to;
}

/// The same inputs for every one of `outputs` converters.
std::vector<float> ramp(std::size_t steps, std::size_t outputs, float low, float high) {
  std::vector<float> y;
  for (std::size_t i = 0; i < steps; ++i) {
    const float v = low + (high - low) * static_cast<float>(i) / static_cast<float>(steps - 1);
    y.insert(y.end(), outputs, v);
  }
  return y;
}

constexpr ConverterSpread kSpread{.output_offset = 0.02f,
                                  .s_shape = 0.3f,
                                  .output_gain = 0.02f,
                                  .offset = 0.8f,
                                  .gain = 0.02f,
                                  .inl = 0.5f,
                                  .mismatch = 0.1f,
                                  .comparator = 0.03f};

TEST(ConvertOutputs, EveryArchitectureWithoutErrorsIsTheUniformAdcOfTheFusedProduct) {
  // Random inputs and all ties; planes without spread, and none.
  for (const AdcKind kind : kKinds) {
    for (const std::uint32_t bits : {2u, 5u, 8u, 12u}) {
      for (const bool redundant : {true, false}) {
        AdcLaw law = law_of(kind, bits);
        law.has_redundancy = redundant;
        std::vector<float> y = uniforms(4000, bits, -1.2f * law.limit, 1.2f * law.limit);
        for (int tie = -2 * int(law.limit) - 5; tie <= 2 * int(law.limit) + 5 && tie < 2000; ++tie) {
          y.push_back(0.5f * static_cast<float>(tie));
        }
        y.resize(y.size() / 8 * 8);
        for (const Converters& c : {Converters(law, 8), Converters(law, 8, {})}) {
          const Converted to = convert(c, y);
          for (std::size_t i = 0; i < y.size(); ++i) {
            float wanted = std::min(std::max(std::nearbyint(y[i]), -law.limit), law.limit);
            if (kind == AdcKind::cco) wanted = std::min(std::max(std::trunc(y[i]), -law.limit), law.limit);
            ASSERT_EQ(to.totals[i], wanted) << y[i] << " kind " << int(kind) << " bits " << bits;
          }
        }
      }
    }
  }
}

/// Means and correlation of two fields of converters.
struct Moments {
  double mean_a = 0.0, mean_b = 0.0, deviation_a = 0.0, correlation = 0.0;

  Moments(const float* a, const float* b, std::size_t n) {
    double aa = 0.0, bb = 0.0, ab = 0.0;
    for (std::size_t i = 0; i < n; ++i) mean_a += a[i] / double(n), mean_b += b[i] / double(n);
    for (std::size_t i = 0; i < n; ++i) {
      aa += (a[i] - mean_a) * (a[i] - mean_a);
      bb += (b[i] - mean_b) * (b[i] - mean_b);
      ab += (a[i] - mean_a) * (b[i] - mean_b);
    }
    deviation_a = std::sqrt(aa / double(n));
    correlation = ab / std::sqrt(aa * bb);
  }
};

TEST(ConvertOutputs, SarAndRampNeverGoBackWhateverTheirMismatchAndAPipelineDoes) {
  for (const auto& [kind, is_monotone] :
       {std::pair(AdcKind::sar, true), {AdcKind::ramp, true}, {AdcKind::pipeline, false}}) {
    const Converters c(law_of(kind, 7), 16, {.mismatch = 0.2f});
    const Converted to = convert(c, ramp(3000, 16, -70.0f, 70.0f));
    bool goes_back = false;
    for (std::size_t i = 16; i < to.totals.size(); ++i) goes_back |= to.totals[i] < to.totals[i - 16];
    EXPECT_EQ(goes_back, !is_monotone) << int(kind);
  }
}

TEST(ConvertOutputs, ConvertersOfATileAreIndependentOfEachOtherAndHaveTheSpreadThatWasAskedFor) {
  // Neighbours 2 i and 2 i + 1 of 8000 converters, and two fields of one: correlations within 5 standard
  // errors, 4000^(-1/2). In other simulators all converters of a layer are alike, or a spread is ignored.
  constexpr std::size_t kConverters = 8000;
  const double error = 1.0 / std::sqrt(kConverters / 2.0);
  for (const AdcKind kind : kKinds) {
    const AdcLaw law = law_of(kind, 4);
    const Converters c(law, kConverters, kSpread);
    for (std::uint32_t field = 0; field < converter_fields(law); ++field) {
      if (kind == AdcKind::ramp && (field <= kFirstOfKind + 1 || field + 1 == converter_fields(law)))
        continue;
      std::vector<float> even, odd;
      for (std::size_t o = 0; o < kConverters; o += 2) {
        even.push_back(c.planes[field * kConverters + o]);
        odd.push_back(c.planes[field * kConverters + o + 1]);
      }
      const Moments neighbours(even.data(), odd.data(), even.size());
      EXPECT_NEAR(neighbours.correlation, 0.0, 5.0 * error) << int(kind) << " field " << field;
      EXPECT_GT(neighbours.deviation_a, 0.0) << int(kind) << " field " << field;
    }
    const float* p = c.planes.data();
    EXPECT_NEAR(Moments(p + kAdcOffset * kConverters, p + kAdcGain * kConverters, kConverters).correlation,
                0.0, 5.0 * error);
    const double deviations[] = {0.02, 0.3, 0.02, 0.8, 0.02, 0.5, 0.5};
    for (std::uint32_t field = 0; field < kFirstOfKind; ++field) {
      const Moments m(p + field * kConverters, p, kConverters);
      EXPECT_NEAR(m.deviation_a / deviations[field], 1.0, 5.0 / std::sqrt(2.0 * kConverters)) << field;
    }
  }
}

TEST(ConvertOutputs, TheMiddleStepOfASarVariesByTheRootOfItsCapacitors) {
  // The middle step is C_high - sum of the others but the last unit: variance sigma^2 (2^b - 1), to first
  // order; its width in LSB over 4000 converters, 5 standard errors.
  constexpr std::size_t kConverters = 4000;
  const Converters c(law_of(AdcKind::sar, 8), kConverters, {.mismatch = 0.01f});
  double square = 0.0;
  for (std::size_t o = 0; o < kConverters; ++o) {
    double step = c.planes[(kFirstOfKind + 7) * kConverters + o] - 1.0;
    for (std::uint32_t bit = 0; bit < 7; ++bit) step -= c.planes[(kFirstOfKind + bit) * kConverters + o];
    square += step * step / kConverters;
  }
  EXPECT_NEAR(square / (1e-4 * 255.0), 1.0, 5.0 * std::sqrt(2.0 / kConverters) + 0.02);
}

TEST(ConvertOutputs, TheCapacitorsOfASarAndItsLastUnitAreTheReference) {
  // All but the last unit of 256: it varies by 1 %, at most 6 standard errors in 4000 converters.
  constexpr std::size_t kConverters = 4000;
  const Converters c(law_of(AdcKind::sar, 8), kConverters, {.mismatch = 0.01f});
  for (std::size_t o = 0; o < kConverters; ++o) {
    double sum = 0.0;
    for (std::uint32_t bit = 0; bit < 8; ++bit) sum += c.planes[(kFirstOfKind + bit) * kConverters + o];
    ASSERT_NEAR(sum, 255.0, 0.065) << o;
  }
}

TEST(ConvertOutputs, OnlyTheLinearityErrorsThatWereAskedForAppear) {
  // Thresholds of a ramp with mismatch s: steps vary by s, first and last threshold stand where they should.
  constexpr std::size_t kConverters = 500;
  const AdcLaw law = law_of(AdcKind::ramp, 6);
  const Converters c(law, kConverters, {.mismatch = 0.1f});
  double square = 0.0;
  const auto threshold = [&](std::uint32_t t, std::size_t o) {
    return double(c.planes[(kFirstOfKind + t) * kConverters + o]);
  };
  for (std::size_t o = 0; o < kConverters; ++o) {
    EXPECT_FLOAT_EQ(threshold(1, o), -30.5);
    EXPECT_FLOAT_EQ(threshold(62, o), 30.5);
    for (std::uint32_t t = 2; t < 63; ++t) {
      square += std::pow(threshold(t, o) - threshold(t - 1, o) - 1.0, 2) / (61.0 * kConverters);
    }
  }
  EXPECT_NEAR(square / (0.01 * 60.0 / 61.0), 1.0, 5.0 * std::sqrt(2.0 / (61.0 * kConverters)) + 0.005);
}

TEST(ConvertOutputs, AWrongCapacitorOfTheFirstStageMakesOneJump) {
  // 8 bits, e = 0.04: where the first decision changes, at a quarter of the reference, the residue is wrong
  // by 2^6 e = 2.56 steps: 32.64 below, 64 - 33.92 above. An amplifier with the gain 100 makes 64 * 2 / 100
  // more.
  AdcLaw law = law_of(AdcKind::pipeline, 8);
  Converters c(law, 1, {});
  c.planes[kFirstOfKind] = 0.04f;
  EXPECT_EQ(convert(c, {31.9999f, 32.0f}).totals, (std::vector<double>{33, 30}));
  law.inverse_op_amp = 0.01f;
  law.kind = AdcKind::cyclic;
  const Converted to = convert(Converters(law, 1), {31.9999f, 32.0f});
  EXPECT_GT(to.totals[1], to.totals[0]) << "a gain that is too low jumps the other way";
}

TEST(ConvertOutputs, ComparatorsMayErrOnlyWhereStagesHaveRedundancy) {
  for (const bool has_redundancy : {true, false}) {
    AdcLaw law = law_of(AdcKind::pipeline, 7);
    law.has_redundancy = has_redundancy;
    const Converters c(law, 16, {.comparator = 0.04f});
    const std::vector<float> y = uniforms(1600, 4, -50.0f, 50.0f);
    const std::vector<double> codes = convert(c, y).totals;
    int wrong = 0;
    for (std::size_t i = 0; i < y.size(); ++i) wrong += codes[i] != std::nearbyint(y[i]);
    EXPECT_EQ(wrong == 0, has_redundancy) << wrong;
  }
}

TEST(ConvertOutputs, CodesClipsAndFlagsDoNotDependOnTheOrderOfOutputs) {
  // (5, -5) and (-5, 5) at a limit of 2: in another simulator the second cut undid the first in one order.
  const Converters three({.kind = AdcKind::uniform, .bits = 3, .limit = 2.0f}, 2);
  const Converted to = convert(three, {5.0f, -5.0f, -5.0f, 5.0f, 1.0f, -2.0f});
  EXPECT_EQ(to.totals, (std::vector<double>{2, -2, -2, 2, 1, -2}));
  EXPECT_EQ(to.clipped, (std::vector<std::uint32_t>{2, 2, 0}));
  EXPECT_EQ(to.histogram, (std::vector<std::int64_t>{3, 0, 0, 1, 2}));
  EXPECT_EQ(to.counts.adc_clips, 4);

  // A converter is what it is, whoever stands beside it.
  for (const AdcKind kind : kKinds) {
    const Converters few(law_of(kind, 5), 10, kSpread), many(law_of(kind, 5), 37, kSpread);
    for (std::uint32_t field = 0; field < converter_fields(few.adc); ++field) {
      for (std::size_t o = 0; o < 10; ++o) {
        ASSERT_EQ(few.planes[field * 10 + o], many.planes[field * 37 + o]) << int(kind) << " " << field;
      }
    }
  }
}

TEST(ConvertOutputs, HasTheSameBitsOnEveryTableAndThreadCount) {
  for (const AdcKind kind : {AdcKind::uniform, AdcKind::ramp, AdcKind::sar, AdcKind::cco, AdcKind::pipeline,
                             AdcKind::cyclic, AdcKind::ideal}) {
    AdcLaw law = law_of(kind, 6);
    law.noise = 0.4f;
    law.is_stochastic = true;
    law.compression = 0.1f;
    law.inverse_op_amp = 1e-3f;
    const std::vector<float> y = uniforms(400 * 37, 5, -1.3f * law.limit, 1.3f * law.limit);
    const OutputLaw output{.s_shape = 0.2f, .asymmetry = 0.05f, .gain = 1.1f};
    const auto run = [&](const KernelTable& table, int threads) {
      return convert(Converters(law, 37, kSpread, 3, table), y, output, table, threads);
    };
    const Converted expected = run(kernels(Backend::reference), 1);
    for (const KernelTable* table : cpu_tables()) {
      for (const int threads : {1, 3}) {
        const Converted to = run(*table, threads);
        EXPECT_EQ(to.totals, expected.totals) << table->name << int(kind);
        EXPECT_EQ(to.clipped, expected.clipped) << table->name << int(kind);
        EXPECT_EQ(to.histogram, expected.histogram) << table->name << int(kind);
        EXPECT_EQ(to.counts.adc_clips, expected.counts.adc_clips) << table->name << int(kind);
      }
    }
  }
}

TEST(ConvertOutputs, StochasticRoundingIsRightOnTheAverage) {
  // 40000 conversions of 2.3 and of -2.3: mean v, variance f (1 - f), 5 standard errors; a CCO likewise.
  for (const AdcKind kind : {AdcKind::uniform, AdcKind::sar, AdcKind::cco}) {
    AdcLaw law = law_of(kind, 5);
    law.is_stochastic = true;
    for (const float v : {2.3f, -2.3f}) {
      const Converted to = convert(Converters(law, 8), std::vector<float>(40000, v));
      double mean = 0.0;
      for (const double code : to.totals) {
        ASSERT_TRUE(std::abs(code) == 2.0 || std::abs(code) == 3.0);
        mean += code / 40000.0;
      }
      EXPECT_NEAR(mean, v, 5.0 * std::sqrt(0.3 * 0.7 / 40000.0)) << int(kind);
    }
  }
}

TEST(ConvertOutputs, NoiseOfConversionsHasTheDeviationThatWasAskedFor) {
  AdcLaw law{.kind = AdcKind::ideal, .limit = 10.0f, .noise = 0.5f};
  const Converted to = convert(Converters(law, 8), std::vector<float>(40000, 1.0f));
  double mean = 0.0, square = 0.0;
  for (const double y : to.totals) mean += y / 40000.0, square += (y - 1.0) * (y - 1.0) / 40000.0;
  EXPECT_NEAR(mean, 1.0, 5.0 * 0.5 / 200.0);
  EXPECT_NEAR(square, 0.25, 5.0 * 0.25 * std::sqrt(2.0 / 40000.0));
}

TEST(ConvertOutputs, TheOutputStageActsInTheStatedOrder) {
  // An ideal ADC with full scale 4: offset, S-shape, asymmetry, gain.
  const AdcLaw law{.kind = AdcKind::ideal, .limit = 4.0f};
  const Converters c(law, 2, {.output_offset = 0.1f, .s_shape = 0.5f, .output_gain = 0.2f});
  const OutputLaw output{.s_shape = 0.3f, .asymmetry = 0.25f, .gain = 1.5f};
  const std::vector<float> y{3.0f, -3.0f};
  const Converted to = convert(c, y, output);
  for (std::size_t o = 0; o < 2; ++o) {
    double v = double(y[o]) + 4.0 * c.planes[kOutputOffset * 2 + o];
    v /= 1.0 + std::abs(0.3 * c.planes[kSShapeFactor * 2 + o] / 4.0 * v);
    if (v < 0.0) v *= 0.75;
    EXPECT_NEAR(to.totals[o], v * 1.5 * c.planes[kOutputGain * 2 + o], 1e-5);
  }
  EXPECT_NE(c.planes[kSShapeFactor * 2], c.planes[kSShapeFactor * 2 + 1]) << "the spread is not ignored";
}

TEST(ConvertOutputs, EachOutputCanHaveARangeALineFactorAndAMultiplierOfItsOwn) {
  const std::vector<float> y{1.0f, 1.0f, 1.0f}, per_unit{4.0f, 8.0f, 20.0f}, line{1.0f, 0.5f, 1.0f};
  const std::vector<double> multipliers{3.0, 2.0, 1.0};
  std::vector<double> totals{100.0, 100.0, 100.0};
  ConvertOutputs op;
  op.batch = 1;
  op.outputs = op.y_stride = op.totals_stride = 3;
  op.y = y.data();
  op.codes_per_units = per_unit.data();
  op.line_factors = line.data();
  op.adc = law_of(AdcKind::uniform, 5);
  op.multipliers = multipliers.data();
  op.totals = totals.data();
  kernels(Backend::cpu).convert_outputs({}, op);
  EXPECT_EQ(totals, (std::vector<double>{112.0, 108.0, 115.0}));
  op.adds = false;
  kernels(Backend::cpu).convert_outputs({}, op);
  EXPECT_EQ(totals, (std::vector<double>{12.0, 8.0, 15.0}));

  std::vector<float> finished(3);
  const float factor = 2.0f;
  kernels(Backend::cpu)
      .finish_outputs({}, {.batch = 1,
                           .outputs = 3,
                           .totals = totals.data(),
                           .y_lsb = 0.25,
                           .row_factors = &factor,
                           .y = finished.data()});
  EXPECT_EQ(finished, (std::vector<float>{6.0f, 4.0f, 7.5f}));
}

TEST(ConvertOutputs, OnlySamplesOfTheRoundAreConverted) {
  const std::vector<float> y{1.0f, 2.0f, 3.0f};
  const std::vector<std::uint32_t> rounds{0, 1, 0};
  std::vector<double> totals(3, -9.0);
  ConvertOutputs op;
  op.batch = 3;
  op.outputs = op.y_stride = op.totals_stride = 1;
  op.y = y.data();
  op.adc = law_of(AdcKind::uniform, 5);
  op.totals = totals.data();
  op.adds = false;
  op.rounds = rounds.data();
  op.round = 1;
  kernels(Backend::cpu).convert_outputs({}, op);
  EXPECT_EQ(totals, (std::vector<double>{-9.0, 2.0, -9.0}));
}

}  // namespace
}  // namespace mq
