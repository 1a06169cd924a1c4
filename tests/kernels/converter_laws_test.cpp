/// Transfer curves of ADCs against the formulas that docs/theory/converters.md states, converter by
/// converter.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "meltquench/kernels/convert_outputs.h"
#include "tables.h"

namespace mq {
namespace {

constexpr std::size_t kConverters = 6, kSteps = 1001;
constexpr double kLimit = 127.0;

/// What distinguishes converter `o`: its planes, as floats in double.
struct Plane {
  const std::vector<float>& planes;
  std::size_t o;
  double operator[](std::uint32_t field) const { return double(planes[field * kConverters + o]); }
};

using Formula = std::function<double(double v, const Plane& plane)>;

/// Converts a ramp over 1.1 times the range with 8 bits and compares with what `formula` makes of v [LSB],
/// code by code. Within 1e-3 of a step either code is right: the kernel computes in single precision.
void expect_curve(AdcLaw law, const ConverterSpread& spread, const Formula& formula, bool truncates = false) {
  law.bits = 8;
  law.limit = static_cast<float>(kLimit);
  std::vector<float> planes(converter_fields(law) * kConverters), y;
  kernels(Backend::cpu)
      .fabricate_converters({}, {.adc = law,
                                 .spread = spread,
                                 .outputs = kConverters,
                                 .stride = kConverters,
                                 .planes = planes.data(),
                                 .key = RngKey(4, Purpose::converters)});
  for (std::size_t i = 0; i < kSteps; ++i) {
    y.insert(y.end(), kConverters, static_cast<float>(1.1 * kLimit * (double(i) / 500.0 - 1.0)));
  }
  std::vector<double> codes(y.size());
  ConvertOutputs op;
  op.batch = kSteps;
  op.outputs = op.y_stride = op.totals_stride = op.converter_stride = kConverters;
  op.y = y.data();
  op.adc = law;
  op.converters = planes.data();
  op.totals = codes.data();
  kernels(Backend::cpu).convert_outputs({}, op);
  std::size_t differs_from_ideal = 0;
  const auto code_of = [&](double v) {
    return std::clamp(truncates ? std::trunc(v) : std::nearbyint(v), -kLimit, kLimit);
  };
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double v = formula(double(y[i]), {planes, i % kConverters});
    ASSERT_TRUE(codes[i] == code_of(v - 1e-3) || codes[i] == code_of(v + 1e-3))
        << "input " << y[i] << " of converter " << i % kConverters << " gives " << codes[i] << ", not " << v;
    differs_from_ideal += codes[i] != code_of(double(y[i]));
  }
  EXPECT_GT(differs_from_ideal, y.size() / 50) << "the formula says nothing";
}

TEST(ConverterLaws, IntegralNonlinearityIsABowAndAnSWithTheStatedPeaks) {
  expect_curve({.kind = AdcKind::uniform}, {.inl = 3.0f}, [](double v, const Plane& p) {
    const double u = std::clamp(v / kLimit, -1.0, 1.0), peak = 2.0 / std::sqrt(27.0);
    return v + p[kBow] * (1.0 - u * u) + p[kSBow] * u * (1.0 - u * u) / peak;
  });
}

TEST(ConverterLaws, GainErrorsScaleAndOffsetsShiftWhatIsConverted) {
  expect_curve({.kind = AdcKind::uniform}, {.gain = 0.05f},
               [](double v, const Plane& p) { return v * p[kAdcGain]; });
  expect_curve({.kind = AdcKind::uniform}, {.offset = 2.0f},
               [](double v, const Plane& p) { return v + p[kAdcOffset]; });
  expect_curve({.kind = AdcKind::uniform}, {.offset = 2.0f, .gain = 0.05f},
               [](double v, const Plane& p) { return v * p[kAdcGain] + p[kAdcOffset]; });
}

TEST(ConverterLaws, ACcoCompressesLargeInputsAsStated) {
  for (const double beta : {0.05, 0.5}) {
    expect_curve(
        {.kind = AdcKind::cco, .compression = static_cast<float>(beta)}, {},
        [&](double v, const Plane&) {
          const double u = v / kLimit;
          return kLimit * (1.0 + beta) * u / (1.0 + beta * std::abs(u));
        },
        true);
  }
}

TEST(ConverterLaws, TheTwoOscillatorsOfACcoHaveGainsOfTheirOwn) {
  const auto gain = [](double v, const Plane& p) { return p[kFirstOfKind + (v < 0.0 ? 1 : 0)]; };
  expect_curve(
      {.kind = AdcKind::cco}, {.mismatch = 0.05f}, [&](double v, const Plane& p) { return v * gain(v, p); },
      true);
  expect_curve(
      {.kind = AdcKind::cco, .compression = 0.3f}, {.mismatch = 0.05f},
      [&](double v, const Plane& p) {
        const double u = v * gain(v, p) / kLimit;
        return kLimit * 1.3 * u / (1.0 + 0.3 * std::abs(u));
      },
      true);
}

TEST(ConverterLaws, AnAmplifierOfAPipelineShrinksEveryResidue) {
  // r' = (2 r - d) / (1 + 2 / A); the code is the sum of all decisions, the last of three levels.
  for (const AdcKind kind : {AdcKind::pipeline, AdcKind::cyclic}) {
    expect_curve({.kind = kind, .inverse_op_amp = 0.02f}, {}, [](double v, const Plane&) {
      double r = std::clamp(v / 128.0, -1.0, 1.0), code = 0.0;
      for (int stage = 0; stage < 7; ++stage) {
        const double d = r >= 0.25 ? 1.0 : r < -0.25 ? -1.0 : 0.0;
        code = 2.0 * code + d;
        r = (2.0 * r - d) / 1.04;
      }
      return code + std::clamp(r, -1.0, 1.0);
    });
  }
}

TEST(ConverterLaws, OneWrongCapacitorOfEveryStageOfAPipelineAndOfACyclicAdc) {
  for (const AdcKind kind : {AdcKind::pipeline, AdcKind::cyclic}) {
    expect_curve({.kind = kind}, {.mismatch = 0.05f}, [&](double v, const Plane& p) {
      double r = std::clamp(v / 128.0, -1.0, 1.0), code = 0.0;
      for (std::uint32_t stage = 0; stage < 7; ++stage) {
        const double e = p[kFirstOfKind + (kind == AdcKind::pipeline ? 3 * stage : 0)];
        const double d = r >= 0.25 ? 1.0 : r < -0.25 ? -1.0 : 0.0;
        code = 2.0 * code + d;
        r = (2.0 + e) * r - (1.0 + e) * d;
      }
      return code + std::clamp(r, -1.0, 1.0);
    });
  }
}

}  // namespace
}  // namespace mq
