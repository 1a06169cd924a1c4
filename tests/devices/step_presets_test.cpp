/// The constants of the update presets, against the figures that they are published with.
#include <gtest/gtest.h>

#include "step_samples.h"

namespace mq {
namespace {

/// A preset as its source states it: weights between `low` and `high`, of which conductances are a choice.
struct InWeights {
  double low, high;
};

template <class Model>
typename Model::Params preset_of(std::string_view name, InWeights w, double dw) {
  const DeviceParams device = device_from_preset(name);
  EXPECT_EQ(model_name(device), Model::kName) << name;
  const auto p = std::get<typename Model::Params>(device);
  const double per_weight = (double(p.g_max) - p.g_min) / (w.high - w.low);
  EXPECT_NEAR(p.step / per_weight, dw, 1e-5 * dw) << name;
  EXPECT_NEAR(p.zero, -w.low / (w.high - w.low), 1e-6) << name;
  // Bounds five standard deviations below the mean are still conductances.
  EXPECT_GE(p.g_min - 5.0 * p.bound_spread * p.low_bound_ratio * 0.5 * (p.g_max - p.g_min), 0.0) << name;
  return p;
}

TEST(StepPresets, ReramEs) {
  const auto p = preset_of<ExponentialStep>("reram-es", {-1.0, 1.0}, 0.00135);
  EXPECT_EQ(p.asymmetry, 0.259359f);
  EXPECT_EQ(p.asymmetry_spread, 0.05f);
  EXPECT_EQ(p.step_spread, 0.2f);
  EXPECT_EQ(p.bound_spread, 0.3f);
  EXPECT_EQ(p.cycle_noise, 5.0f);
  EXPECT_EQ(p.write_noise, 75.0f);
  EXPECT_EQ(p.gamma_up, 5.0f);
  EXPECT_EQ(p.gamma_down, 5.0f);
  EXPECT_EQ(p.amplitude_up, -1.18445f);
  EXPECT_EQ(p.amplitude_down, -0.081404f);
  EXPECT_EQ(p.slope, -0.5f);
  EXPECT_EQ(p.offset, -0.5f);
  EXPECT_FALSE(p.one_sided);
}

TEST(StepPresets, ReramSb) {
  const auto p = preset_of<SoftBounds>("reram-sb", {-0.75, 1.25}, 0.002);
  EXPECT_EQ(p.step_spread, 0.3f);
  EXPECT_EQ(p.asymmetry_spread, 0.01f);
  EXPECT_NEAR(p.bound_spread, 0.3 / 1.25 * 1.25, 1e-7);  // dtod 0.3 / 1.25 of 1.25, over half the range, 1
  EXPECT_EQ(p.low_bound_ratio, 1.0f);
  EXPECT_EQ(p.cycle_noise, 3.75f);
  EXPECT_EQ(p.cycle_noise_law, CycleNoise::of_zero);
  EXPECT_EQ(p.write_noise, 56.0f);
  EXPECT_TRUE(p.centred);
}

TEST(StepPresets, ReramArrays) {
  struct Array {
    const char* name;
    double dw, log_spread, high, low, cycle, write;
  };
  for (const Array& a : {Array{"reram-om", 0.0949, 0.7829, 0.3499, 0.5695, 0.4158, 1.4113},
                         Array{"reram-hfo2", 0.4622, 0.7125, 0.4295, 0.5990, 0.2174, 0.5841}}) {
    const auto p = preset_of<SoftBounds>(a.name, {-1.0, 1.0}, a.dw);
    EXPECT_EQ(p.step_spread_law, StepSpread::log_normal) << a.name;
    EXPECT_FLOAT_EQ(p.step_spread, float(a.log_spread)) << a.name;
    EXPECT_FLOAT_EQ(p.bound_spread, float(a.high)) << a.name;
    EXPECT_NEAR(p.bound_spread * p.low_bound_ratio, a.low, 1e-5) << a.name;
    EXPECT_FLOAT_EQ(p.cycle_noise, float(a.cycle)) << a.name;
    EXPECT_FLOAT_EQ(p.write_noise, float(a.write)) << a.name;
    EXPECT_EQ(p.reference_spread, 0.05f) << a.name;
    EXPECT_TRUE(p.centred) << a.name;
  }
}

TEST(StepPresets, Ecram) {
  const auto p = preset_of<LinearStep>("ecram", {-0.8276, 1.1724}, 0.002);
  EXPECT_EQ(p.gamma_up, 0.1153f);
  EXPECT_EQ(p.gamma_down, 0.5085f);
  EXPECT_EQ(p.step_spread, 0.1f);
  EXPECT_EQ(p.cycle_noise, 0.3f);
}

TEST(StepPresets, EcramMo) {
  const auto p = preset_of<LinearStep>("ecram-mo", {-0.8276, 1.1724}, 2.8214e-4);
  EXPECT_EQ(p.gamma_up, 0.4152f);
  EXPECT_EQ(p.gamma_down, 0.7342f);
  EXPECT_EQ(p.step_spread, 0.1f);
  EXPECT_EQ(p.cycle_noise, 2.0f);
}

TEST(StepPresets, Capacitor) {
  const auto p = preset_of<LinearStep>("capacitor", {-1.0, 1.0}, 0.005);
  EXPECT_EQ(p.gamma_up, 0.05f);
  EXPECT_EQ(p.gamma_down, 0.05f);
  EXPECT_EQ(p.asymmetry_spread, 0.06f);
  EXPECT_EQ(p.step_spread, 0.1f);
  EXPECT_EQ(p.bound_spread, 0.07f);
  EXPECT_EQ(p.cycle_noise, 0.3f);
}

TEST(StepPresets, Idealized) {
  const auto p = preset_of<ConstantStep>("idealized", {-1.0, 1.0}, 0.0002);
  EXPECT_EQ(p.asymmetry, 0.0f);
  EXPECT_EQ(p.asymmetry_spread, 0.0f);
}

TEST(StepPresets, PcmOneSided) {
  const auto p = preset_of<ExponentialStep>("pcm-one-sided", {0.0, 2.0}, 0.01);
  const double per_weight = 10.0_uS;
  EXPECT_TRUE(p.one_sided);
  EXPECT_EQ(p.amplitude_up, -27.235f);
  EXPECT_EQ(p.amplitude_down, -2.235f);
  EXPECT_EQ(p.gamma_up, 2.5f);
  EXPECT_EQ(p.slope, -1.0f);
  EXPECT_EQ(p.offset, 0.0f);
  EXPECT_EQ(p.step_spread, 0.2f);
  EXPECT_EQ(p.asymmetry_spread, 0.05f);
  EXPECT_EQ(p.bound_spread, 0.2f);  // 10 % of 2, over half the range
  EXPECT_EQ(p.cycle_noise, 0.6f);
  EXPECT_NEAR(p.noise_add / per_weight, 0.042, 1e-7);
  EXPECT_EQ(p.noise_slope, 0.108f);
  EXPECT_NEAR(p.reset / per_weight, 0.01, 1e-7);
  EXPECT_NEAR(p.reset_spread / per_weight, 0.02, 1e-7);
  EXPECT_NEAR(p.reset_noise / per_weight, 0.01, 1e-7);
  EXPECT_NEAR(ExponentialStep::mean_step(p) / per_weight, 0.282, 0.0005);
}

TEST(StepPresets, Nandakumar2018) {
  const auto p = std::get<AccumulativePcm::Params>(device_from_preset("nandakumar-2018"));
  EXPECT_EQ(p.step_offset, 0.880_uS);
  EXPECT_EQ(p.step_slope, -0.084f);
  EXPECT_EQ(p.step_memory, 1.40_uS);
  EXPECT_EQ(p.noise_offset, 0.260_uS);
  EXPECT_EQ(p.noise_slope, 0.091f);
  EXPECT_EQ(p.noise_memory, 2.15_uS);
  EXPECT_EQ(p.memory_pulses, 2.6f);
  EXPECT_EQ(p.t0, 38.6f);
  EXPECT_EQ(p.nu_mean, 0.04f);
  EXPECT_EQ(p.read_slope, 0.03f);
  EXPECT_EQ(p.read_floor, 0.13_uS);
  EXPECT_EQ(p.g_max, 20.0_uS);
  const auto averaged = std::get<AccumulativePcm::Params>(device_from_preset("nandakumar-2018-averaged"));
  EXPECT_EQ(averaged.step_offset, 0.892_uS);
  EXPECT_EQ(averaged.noise_offset, 0.575_uS);
  EXPECT_EQ(averaged.noise_slope, 0.09f);
  EXPECT_EQ(averaged.step_memory, 0.0f);
}

}  // namespace
}  // namespace mq
