#include "meltquench/devices/current_law.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "meltquench/core/idle_keys.h"

namespace mq {
namespace {

/// One of each kind, alone and behind access devices.
std::vector<CurrentParams> all_kinds() {
  std::vector<CurrentParams> all;
  for (const CurrentKind law : {CurrentKind::ohmic, CurrentKind::polynomial, CurrentKind::sinh}) {
    for (const double r : {0.0, 15e3}) {
      for (const double saturation : {0.0, 20e-6}) {
        if (r == 0.0 && saturation > 0.0) continue;
        all.push_back({.law = law,
                       .sinh_voltage = 0.1,
                       .negative_factor = 0.7,
                       .access_resistance = r,
                       .access_saturation = saturation});
      }
    }
  }
  return all;
}

TEST(CurrentLaw, StartsWithTheConductanceAndIsZeroAtZeroVolts) {
  for (const CurrentParams& p : all_kinds()) {
    for (const double g : {0.0, 1e-7, 60e-6, 225e-6}) {
      EXPECT_EQ(cell_current(p, g, 0.0).current, 0.0);
      const double small = cell_current(p, g, 1e-9).current / 1e-9;
      EXPECT_NEAR(small, linear_conductance(p, g), 1e-7 * g);
      EXPECT_NEAR(cell_current(p, g, -1e-9).current / -1e-9, linear_conductance(p, g * p.negative_factor),
                  1e-7 * g);
    }
  }
}

TEST(CurrentLaw, SlopeIsTheDerivativeOfTheCurrentAndNeverNegative) {
  for (const CurrentParams& p : all_kinds()) {
    for (const double g : {1e-6, 50e-6, 100e-6, 225e-6, 1e-3}) {
      for (double v = -0.495; v < 0.5; v += 0.01) {
        const double h = 1e-6;
        const double slope =
            (cell_current(p, g, v + h).current - cell_current(p, g, v - h).current) / (2 * h);
        EXPECT_NEAR(cell_current(p, g, v).slope, slope, 1e-6 * g * std::cosh(5.0)) << g << " " << v;
        EXPECT_GE(cell_current(p, g, v).slope, 0.0) << g << " " << v;
      }
    }
  }
}

TEST(CurrentLaw, PolynomialHasThePublishedCoefficients) {
  const CurrentParams milo{.law = CurrentKind::polynomial};
  // By hand, from log10(1e-4) = -4.
  const double n2 = 7.063e-3 - 4 * 5.711e-3 + 16 * 1.541e-3 - 64 * 1.388e-4;
  const double n3 = 1.2968e-3 - 4 * 6.7919e-4 + 16 * 8.871e-5;
  EXPECT_NEAR(cell_current(milo, 1e-4, 0.3).current, 1e-4 * 0.3 + n2 * 0.09 + n3 * 0.027, 1e-15);
  // Outside the data the shape is that of the nearest cell inside.
  EXPECT_NEAR(cell_current(milo, 5e-6, 0.3).current, 0.1 * cell_current(milo, 50e-6, 0.3).current, 1e-15);
  EXPECT_NEAR(cell_current(milo, 450e-6, 0.3).current, 2 * cell_current(milo, 225e-6, 0.3).current, 1e-15);
}

TEST(CurrentLaw, SinhIsThatOfTheStandardLibrary) {
  const CurrentParams p{.law = CurrentKind::sinh, .sinh_voltage = 0.1};
  for (double v = -1.0; v <= 1.0; v += 0.0127) {
    const double exact = 1e-5 * 0.1 * std::sinh(v / 0.1);
    EXPECT_NEAR(cell_current(p, 1e-5, v).current, exact, 2e-15 * std::abs(exact)) << v;
    const float single = cell_current(p, 1e-5f, static_cast<float>(v)).current;
    EXPECT_NEAR(single, exact, 3e-6 * std::abs(exact)) << v;
  }
}

TEST(CurrentLaw, CellAndAccessDevicePassTheSameCurrent) {
  for (CurrentParams p : all_kinds()) {
    if (p.access_resistance == 0.0) continue;
    for (const double v : {-2.0, -0.2, 0.05, 0.5, 3.0}) {
      const double i = cell_current(p, 100e-6, v).current;
      // The voltage of the access device follows from the current, that of the cell is what remains.
      const double r = p.access_resistance, limit = p.access_saturation;
      const double w = limit > 0.0 ? r * limit * std::atanh(i / limit) : r * i;
      p.access_resistance = 0.0;
      const CurrentPoint<double> cell = cell_current(p, 100e-6, v - w);
      p.access_resistance = r;
      // How far an error of the current moves that of the cell.
      const double sense = cell.slope * r / (limit > 0.0 ? 1.0 - i / limit * (i / limit) : 1.0);
      EXPECT_NEAR(cell.current, i, 1e-13 * std::abs(i) * (1.0 + sense)) << v;
      EXPECT_LE(std::abs(i), limit > 0.0 ? limit : 1.0);
    }
  }
}

TEST(CurrentLaw, LinearCellsBehindATransistorAreCompressed) {
  const CurrentParams p{.access_resistance = 15e3};
  EXPECT_TRUE(p.is_linear());
  EXPECT_NEAR(cell_current(p, 25e-6, 0.2).current, 0.2 * linear_conductance(p, 25e-6), 1e-18);
  EXPECT_NEAR(linear_conductance(p, 25e-6), 25e-6 / 1.375, 1e-18);
  EXPECT_FALSE((CurrentParams{.law = CurrentKind::sinh}).is_linear());
  EXPECT_FALSE((CurrentParams{.negative_factor = 0.9}).is_linear());
}

TEST(CurrentLaw, ChecksItsParameters) {
  EXPECT_NE((CurrentParams{.fit_low = 1.0, .fit_high = 0.5}).problem(), "");
  EXPECT_EQ(CurrentParams{}.problem(), "");
}

TEST(CurrentLaw, KnowsThatNothingSaturatesWithoutAnAccessDevice) {
  CurrentParams p{.access_saturation = 1e-6};
  std::vector<IdleKey> idle;
  settle(
      p, CurrentParams{}, nullptr, "current", [](std::string_view) { return std::string_view(); }, idle);
  ASSERT_EQ(idle.size(), 1u);
  EXPECT_EQ(idle[0].path, "current.access_saturation");
  EXPECT_EQ(idle[0].where, "current.access_resistance > 0");
}

}  // namespace
}  // namespace mq
