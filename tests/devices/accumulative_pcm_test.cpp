/// The accumulative and the one-sided PCM against published curves and their own recursion.
#include <gtest/gtest.h>

#include <map>

#include "step_samples.h"

namespace mq {
namespace {

struct Expected {
  int pulses;
  double mean, sigma;
};

/// Mean and standard deviation of cells after n single pulses up, from their fabrication, against published
/// figures of as many cells: five standard errors of both, and half a printed digit.
template <class Model>
void expect_curve(const typename Model::Params& p, std::uint32_t cells, double unit,
                  const std::vector<Expected>& curve, double half_digit) {
  std::map<int, Moments> seen;
  for (const Expected& point : curve) seen[point.pulses] = {};
  const int last = curve.back().pulses;
  for (std::uint32_t i = 0; i < cells; ++i) {
    Rng<float> device(RngKey(21, Purpose::fabrication), i), rng(RngKey(21, Purpose::pulse_steps), i);
    auto cell = Model::template fabricate<float>(p, device);
    for (int n = 1; n <= last; ++n) {
      Model::template pulse<float>(p, cell, true, 1.0f, rng.normal());
      if (seen.contains(n)) seen[n].add(cell.g / unit);
    }
  }
  for (const Expected& point : curve) {
    const Moments& m = seen[point.pulses];
    const double error = 5.0 * std::sqrt(2.0) * m.sigma() / std::sqrt(m.n);
    EXPECT_NEAR(m.mean(), point.mean, error + half_digit) << point.pulses << " pulses";
    EXPECT_NEAR(m.sigma(), point.sigma, error / std::sqrt(2.0) + 0.005) << point.pulses << " pulses";
  }
}

constexpr std::uint32_t kCells = 40000;

TEST(AccumulativePcm, FollowsTheCurveOfTheModelWithItsHistory) {
  const auto p = std::get<AccumulativePcm::Params>(device_from_preset("nandakumar-2018"));
  expect_curve<AccumulativePcm>(p, kCells, 1.0_uS,
                                {{1, 2.06, 1.52},
                                 {2, 3.43, 1.97},
                                 {5, 5.92, 2.37},
                                 {10, 7.82, 2.45},
                                 {20, 9.40, 2.66},
                                 {50, 10.35, 2.94}},
                                0.005);
}

TEST(AccumulativePcm, FollowsTheCurveOfTheModelAveragedOverHistories) {
  const auto p = std::get<AccumulativePcm::Params>(device_from_preset("nandakumar-2018-averaged"));
  expect_curve<AccumulativePcm>(p, kCells, 1.0_uS,
                                {{1, 1.00, 0.55},
                                 {2, 1.81, 0.83},
                                 {5, 3.85, 1.45},
                                 {10, 6.25, 2.19},
                                 {20, 8.82, 3.09},
                                 {50, 10.35, 3.55}},
                                0.005);
}

TEST(ExponentialStep, AsAOneSidedPcmFollowsThePublishedCurveWithAllItsSpreads) {
  const auto p = std::get<ExponentialStep::Params>(device_from_preset("pcm-one-sided"));
  // Weights 0 to 2 are 0 to 20 uS.
  expect_curve<ExponentialStep>(
      p, kCells, 10.0_uS,
      {{1, 0.293, 0.19}, {5, 0.707, 0.21}, {10, 0.957, 0.26}, {20, 1.258, 0.35}, {50, 1.558, 0.37}}, 0.0005);
}

/// A cell far from its limits: clipping would hide the recursion.
AccumulativePcm::Params unclipped() {
  AccumulativePcm::Params p;
  p.g_min = 0.0_S;
  p.g_max = 1e-3f;
  return p;
}

TEST(AccumulativePcm, AFixedPointIsWhereTheMeanStepVanishes) {
  AccumulativePcm::Params p = all_scales_off<AccumulativePcm::Params>();
  auto cell = new_cells<AccumulativePcm>(p, 1).front();
  for (int n = 0; n < 200; ++n) AccumulativePcm::pulse(p, cell, true, 1.0f, 0.0f);
  EXPECT_NEAR(cell.g, 0.880_uS / 0.084, 1e-4 * 10.5_uS);
}

TEST(AccumulativePcm, ATrainHasTheMeanAndTheVarianceOfItsRecursion) {
  const AccumulativePcm::Params p = unclipped();
  for (const int count : {1, 2, 7, 31}) {
    auto at_mean = new_cells<AccumulativePcm>(p, 1).front();
    at_mean.g = 20.0_uS;
    at_mean.memory = 0.8f;
    auto above = at_mean;
    double mean = at_mean.g, variance = 0.0, memory = 0.8;
    const double a = 1.0 - 0.084, q = a * a + 0.091 * 0.091;
    for (int n = 0; n < count; ++n) {
      memory *= std::exp(-1.0 / 2.6);
      const double sigma = 0.260e-6 + 0.091 * mean + 2.15e-6 * memory;
      variance = q * variance + sigma * sigma;
      mean = a * mean + 0.880e-6 + 1.40e-6 * memory;
    }
    AccumulativePcm::pulse(p, at_mean, true, float(count), 0.0f);
    AccumulativePcm::pulse(p, above, true, float(count), 2.0f);
    EXPECT_NEAR(at_mean.g, mean, 1e-5 * mean) << count;
    EXPECT_NEAR(above.g, mean + 2.0 * std::sqrt(variance), 1e-5 * mean) << count;
    EXPECT_NEAR(at_mean.memory, memory, 1e-6);
  }
}

TEST(AccumulativePcm, ATrainHasTheMomentsOfItsPulsesOneByOne) {
  // 20000 cells, five pulses: sampled against the recursion that a train uses.
  const AccumulativePcm::Params p = unclipped();
  Moments moved;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    auto cell = new_cells<AccumulativePcm>(p, 1).front();
    cell.g = 20.0_uS;
    Rng<float> rng(RngKey(22, Purpose::pulse_steps), i);
    for (int n = 0; n < 5; ++n) AccumulativePcm::pulse(p, cell, true, 1.0f, rng.normal());
    moved.add(cell.g);
  }
  auto train = new_cells<AccumulativePcm>(p, 1).front();
  train.g = 20.0_uS;
  auto above = train;
  AccumulativePcm::pulse(p, train, true, 5.0f, 0.0f);
  AccumulativePcm::pulse(p, above, true, 5.0f, 1.0f);
  const double sigma = double(above.g) - train.g;
  EXPECT_NEAR(moved.mean(), train.g, 5.0 * sigma / std::sqrt(20000.0));
  EXPECT_NEAR(moved.sigma(), sigma, 5.0 * sigma / std::sqrt(40000.0) * 1.1);
}

TEST(AccumulativePcm, APulseActsOnTheDriftedCellAndRestartsItsDrift) {
  AccumulativePcm::Params p = all_scales_off<AccumulativePcm::Params>();
  p.nu_mean_scale = 1.0f;
  auto cell = new_cells<AccumulativePcm>(p, 1).front();
  cell.g = 8.0_uS;
  cell.age = 1e5f;
  const double drifted = 8.0_uS * std::pow((1e5 + 38.6) / 38.6, -0.04);
  const double step = 0.880e-6 - 0.084 * drifted + 1.40e-6 * std::exp(-1.0 / 2.6);
  auto waiting = cell;
  AccumulativePcm::pulse(p, waiting, true, 0.0f, 0.0f);
  EXPECT_EQ(waiting.age, 1e5f);
  EXPECT_EQ(waiting.g, 8.0_uS);
  AccumulativePcm::pulse(p, cell, true, 1.0f, 0.0f);
  EXPECT_EQ(cell.age, 0.0f);
  EXPECT_NEAR(cell.g, drifted + step, 1e-5 * drifted);
  const Moment<float> later = AccumulativePcm::at(p, 3600.0f);
  EXPECT_NEAR(AccumulativePcm::conductance(p, cell, later), cell.g * std::pow(3638.6 / 38.6, -0.04),
              1e-5 * drifted);
}

TEST(AccumulativePcm, TheDriftExponentSplitsIntoDeviceAndCycle) {
  // 20000 devices, two programmings each: covariance share * sigma^2, variance sigma^2.
  AccumulativePcm::Params p;
  p.nu_sigma = 0.004f;
  p.nu_device_share = 0.3f;
  Moments once, product;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    double nu[2];
    for (std::uint32_t n = 0; n < 2; ++n) {
      Rng<float> device(RngKey(23, Purpose::fabrication), i, 1u),
          cycle(RngKey(23, Purpose::programming).at_event(n), i);
      auto cell = AccumulativePcm::Cell<float>{};
      AccumulativePcm::program<float>(p, cell, 5.0_uS, device, cycle);
      nu[n] = (cell.nu - 0.04) / 0.004;
    }
    once.add(nu[0]);
    product.add(nu[0] * nu[1]);
  }
  EXPECT_NEAR(once.mean(), 0.0, 5.0 / std::sqrt(20000.0));
  EXPECT_NEAR(once.sigma(), 1.0, 5.0 / std::sqrt(40000.0));
  EXPECT_NEAR(product.mean(), 0.3, 5.0 * product.sigma() / std::sqrt(20000.0));
}

TEST(AccumulativePcm, AGainOfDevicesLeavesTheTotalSpreadOfOneStep) {
  // step_spread takes from the cycle-to-cycle noise what it adds between devices (20000 devices).
  AccumulativePcm::Params p = unclipped();
  p.reset_noise_scale = 0.0f;
  const auto sigma_of = [&](float spread) {
    p.step_spread = spread;
    Moments moved;
    for (std::uint32_t i = 0; i < 20000; ++i) {
      Rng<float> device(RngKey(24, Purpose::fabrication), i), rng(RngKey(24, Purpose::pulse_steps), i);
      auto cell = AccumulativePcm::fabricate<float>(p, device);
      cell.g = 20.0_uS;  // far from the lower limit
      AccumulativePcm::pulse(p, cell, true, 1.0f, rng.normal());
      moved.add(cell.g);
    }
    return moved.sigma();
  };
  const double without = sigma_of(0.0f), with = sigma_of(0.2f);
  EXPECT_NEAR(with, without, 5.0 * std::sqrt(2.0) * without / std::sqrt(40000.0));
}

TEST(AccumulativePcm, ReadsHaveTheNoiseOfTheirConductance) {
  const AccumulativePcm::Params p;
  AccumulativePcm::Cell<float> cell{};
  cell.g = 8.0_uS;
  EXPECT_NEAR(AccumulativePcm::read<float>(p, cell, AccumulativePcm::at(p, 0.0f), 1.0f),
              8.0_uS * 1.03 + 0.13_uS, 1e-12);
}

}  // namespace
}  // namespace mq
