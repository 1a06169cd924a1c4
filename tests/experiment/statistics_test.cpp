#include "meltquench/experiment/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace mq {
namespace {

TEST(StudentT, AgreesWithTablesForTheTwoSidedIntervalsOf95And99Percent) {
  // Two-sided critical values to 12 digits, from the regularised incomplete beta function in 30-digit
  // arithmetic; rounded to three decimals they are the table of E. S. Pearson and H. O. Hartley, Biometrika
  // Tables I (1966), 12.
  struct Entry {
    std::int64_t dof;
    double at_95;
    double at_99;
  };
  constexpr Entry kTable[] = {{1, 12.7062047362, 63.6567411629},   {2, 4.30265272975, 9.92484320092},
                              {3, 3.18244630528, 5.84090930973},   {4, 2.7764451052, 4.60409487135},
                              {5, 2.57058183564, 4.03214298356},   {7, 2.36462425159, 3.49948329735},
                              {9, 2.2621571628, 3.24983554159},    {10, 2.22813885199, 3.16927267262},
                              {15, 2.13144954556, 2.94671288348},  {20, 2.08596344727, 2.84533970979},
                              {24, 2.06389856163, 2.79693950477},  {29, 2.04522964213, 2.75638590367},
                              {30, 2.0422724563, 2.74999565357},   {40, 2.02107539031, 2.70445926743},
                              {60, 2.00029782201, 2.66028302886},  {99, 1.98421695159, 2.62640545728},
                              {120, 1.97993040508, 2.61742114511}, {1000, 1.96233908083, 2.58075469807}};
  for (const Entry& entry : kTable) {
    EXPECT_NEAR(student_t_critical(0.95, entry.dof), entry.at_95, 1e-9) << entry.dof;
    EXPECT_NEAR(student_t_critical(0.99, entry.dof), entry.at_99, 1e-9) << entry.dof;
  }
  EXPECT_NEAR(normal_critical(0.95), 1.95996398454005, 1e-12);
  EXPECT_NEAR(normal_critical(0.99), 2.57582930354890, 1e-12);
}

TEST(StudentT, HasClosedFormsForOneAndTwoDegreesOfFreedom) {
  for (const double p : {0.001, 0.1, 0.5, 0.9, 0.999, 0.999999}) {
    const double cauchy = std::tan(p * std::acos(0.0));
    EXPECT_NEAR(student_t_critical(p, 1) / cauchy, 1, 1e-9) << p;
    const double two = p * std::sqrt(2 / (1 - p * p));
    EXPECT_NEAR(student_t_critical(p, 2) / two, 1, 1e-9) << p;
  }
}

TEST(StudentT, FallsTowardsTheNormalDistributionAsDegreesOfFreedomGrow) {
  double before = INFINITY;
  for (std::int64_t dof = 1; dof <= 120; ++dof) {
    const double t = student_t_critical(0.95, dof);
    EXPECT_LT(t, before) << dof;
    before = t;
  }
  EXPECT_GT(before, normal_critical(0.95));
  EXPECT_NEAR(student_t_critical(0.95, 1000000), normal_critical(0.95), 3e-6);
}

TEST(MeanInterval, IsTheTextbookIntervalOfASmallSample) {
  const std::vector<double> samples = {4, 5, 6, 7, 8};  // mean 6, s = sqrt(2.5), t(0.95, 4) = 2.7764451052
  const MeanInterval interval = mean_interval(samples);
  const double half = 2.7764451052 * std::sqrt(2.5 / 5);
  EXPECT_DOUBLE_EQ(interval.mean, 6);
  EXPECT_NEAR(interval.low, 6 - half, 1e-9);
  EXPECT_NEAR(interval.high, 6 + half, 1e-9);
}

TEST(MeanInterval, HasNoWidthToTellForOneSample) {
  const MeanInterval interval = mean_interval(std::vector<double>{0.9});
  EXPECT_EQ(interval.mean, 0.9);
  EXPECT_TRUE(std::isnan(interval.low));
  EXPECT_TRUE(std::isnan(interval.high));
}

TEST(Statistics, OfNothingAreNotANumber) {
  const std::vector<double> none;
  EXPECT_TRUE(std::isnan(mean(none)));
  EXPECT_TRUE(std::isnan(sample_standard_deviation(none)));
  EXPECT_TRUE(std::isnan(median(none)));
}

TEST(Statistics, StandardDeviationSurvivesALargeMean) {
  EXPECT_NEAR(sample_standard_deviation(std::vector<double>{1e9 + 1, 1e9 + 2, 1e9 + 3}), 1.0, 1e-12);
}

TEST(Percentile, LiesLinearlyBetweenOrderStatistics) {
  const std::vector<double> samples = {40, 10, 30, 20};
  EXPECT_DOUBLE_EQ(percentile(samples, 0), 10);
  EXPECT_DOUBLE_EQ(percentile(samples, 100), 40);
  EXPECT_DOUBLE_EQ(percentile(samples, 40), 22);
  EXPECT_DOUBLE_EQ(median(samples), 25);
  EXPECT_DOUBLE_EQ(percentile(std::vector<double>{7}, 95), 7);
}

}  // namespace
}  // namespace mq
