/// Every noise of every inference preset against its law: moments, and the Kolmogorov-Smirnov distance.
///
/// 50 000 draws each. Laws are read from the parameters, which other tests compare with the publications, and
/// evaluated at one conductance far from where it is cut.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "meltquench/devices/device.h"
#include "normal_sample.h"

namespace mq {
namespace {

constexpr std::uint32_t kCells = 50'000;
constexpr double kDay = 86400.0;

/// Cells of a model that are programmed to one target.
template <class Model>
std::vector<typename Model::template Cell<float>> programmed(const typename Model::Params& p, float target) {
  std::vector<typename Model::template Cell<float>> cells(kCells);
  for (std::uint32_t i = 0; i < kCells; ++i) {
    Rng<float> device(RngKey(41, Purpose::programming), i), rng(RngKey(42, Purpose::programming), i);
    Model::program(p, cells[i], target, device, rng);
  }
  return cells;
}

/// What one read adds to each of the cells.
template <class Model>
std::vector<double> read_errors(const typename Model::Params& p,
                                const std::vector<typename Model::template Cell<float>>& cells, double time) {
  const Moment<float> moment = Model::at(p, time).template rounded<float>();
  std::vector<double> errors;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    Rng<float> rng(RngKey(43, Purpose::read_noise), i);
    errors.push_back(double(Model::read(p, cells[i], moment, rng.normal())) -
                     double(Model::conductance(p, cells[i], moment)));
  }
  return errors;
}

template <class Model>
std::vector<double> conductances(const typename Model::Params& p,
                                 const std::vector<typename Model::template Cell<float>>& cells,
                                 double time) {
  const Moment<float> moment = Model::at(p, time).template rounded<float>();
  std::vector<double> g;
  for (const auto& cell : cells) g.push_back(Model::conductance(p, cell, moment));
  return g;
}

class InferenceNoise : public testing::TestWithParam<std::string> {};

TEST_P(InferenceNoise, OfPcmHasItsLaws) {
  const auto p = std::get<Pcm::Params>(device_from_preset(GetParam()));
  const float x = 0.5f, target = x * p.g_max;
  const auto cells = programmed<Pcm>(p, target);
  double sigma = 0.0;
  for (int k = 3; k >= 0; --k) sigma = sigma * x + p.prog_noise[k];
  expect_normal(conductances<Pcm>(p, cells, 0.0), target, sigma * p.g_max / p.g_reference, "programming");
  std::vector<double> nu;
  for (const auto& cell : cells) nu.push_back(cell.nu);
  expect_normal(nu, p.nu_mean(x), p.nu_sigma(x), "drift exponent");
  // Read noise of equal cells: the amplitude depends on what was programmed.
  Pcm::Params exact = p;
  exact.prog_noise_scale = 0.0f;
  for (const double time : {0.0, kDay}) {
    exact.nu_sigma_scale = 0.0f;
    const double growth = std::sqrt(std::log((time + p.t0 + p.t_read) / (2.0 * p.t_read)));
    const double g = target * std::pow((time + p.t0) / p.t0, -double(p.nu_mean(x)));
    expect_normal(read_errors<Pcm>(exact, programmed<Pcm>(exact, target), time), 0.0,
                  g * p.read_noise(x) * growth, "read");
  }
}
INSTANTIATE_TEST_SUITE_P(Pcm, InferenceNoise, testing::Values("pcm-like", "hermes-1", "hermes-2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

class SpreadNoise : public testing::TestWithParam<std::string> {};

TEST_P(SpreadNoise, HasItsLaws) {
  const auto p = std::get<Spread::Params>(device_from_preset(GetParam()));
  const float target = 0.75f * p.g_max;
  const auto cells = programmed<Spread>(p, target);
  const double scale = double(p.g_max) / double(p.g_reference);
  const float g = target / static_cast<float>(scale), x = g / p.g_unit;
  const SpreadLaw* laws[] = {&p.spread_1, &p.spread_2, &p.spread_3};
  for (int k = 0; k < 3; ++k) {
    if (k > 0 && p.times[k] == p.times[k - 1]) continue;
    const double sigma = (*laws[k])(g, x) * scale;
    const double time = std::max(double(p.times[k]) - double(p.t0), 0.0);
    expect_normal(conductances<Spread>(p, cells, time), target, sigma, "age " + std::to_string(p.times[k]));
  }
  if (Spread::read_noise(p) == 0.0f) {
    for (const double error : read_errors<Spread>(p, cells, 0.0)) ASSERT_EQ(error, 0.0);
  } else {
    expect_normal(read_errors<Spread>(p, cells, 0.0), 0.0, p.read_noise(g, x) * scale, "read");
  }
}
INSTANTIATE_TEST_SUITE_P(Presets, SpreadNoise,
                         testing::Values("rram-wan", "rram-wan-crosssim", "rram-milo", "sonos",
                                         "pcm-joshi-crosssim", "language-model"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

class CmoNoise : public testing::TestWithParam<std::string> {};

TEST_P(CmoNoise, HasItsLaws) {
  const auto p = std::get<Cmo::Params>(device_from_preset(GetParam()));
  const bool is_tight = GetParam() == "cmo-tight";
  const float target = 50.0_uS;
  Cmo::Params only_writes = p, only_relaxation = p, exact = p;
  only_writes.relaxation_scale = only_writes.relaxation_noise_scale = 0.0f;
  only_relaxation.prog_noise_scale = 0.0f;
  exact.prog_noise_scale = exact.relaxation_scale = exact.relaxation_noise_scale = 0.0f;
  const double write = is_tight ? 0.00081107 + 0.00106879 * 50.0 : 0.0112185 + 0.0112903 * 50.0;
  expect_normal(conductances<Cmo>(only_writes, programmed<Cmo>(only_writes, target), 0.0), target,
                write * 1e-6, "programming");
  for (const double time : {0.0, kDay}) {
    const double log_tau = std::log(time + 1.0);
    expect_normal(conductances<Cmo>(only_relaxation, programmed<Cmo>(only_relaxation, target), time),
                  target - 0.08900206e-6 * log_tau, (0.04201137 * log_tau + 0.41183342) * 1e-6, "relaxation");
    const double growth = std::sqrt(std::log((time + 1.0 + 1e-6) / 2e-6));
    expect_normal(read_errors<Cmo>(exact, programmed<Cmo>(exact, target), time), 0.0,
                  0.0277316e-6 * std::log10(50.0) * growth, "read");
  }
}
INSTANTIATE_TEST_SUITE_P(Presets, CmoNoise, testing::Values("cmo-tight", "cmo-loose"), [](const auto& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
});

}  // namespace
}  // namespace mq
