/// Distributions of noise against the laws that the headers of all models state: Kolmogorov-Smirnov distances
/// of 20 000 draws. What a model of its own adds, as programming noise, is in inference_noise_test.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "meltquench/devices/registry.h"
#include "normal_sample.h"

namespace mq {
namespace {

constexpr std::uint32_t kDraws = 20'000;

template <class List>
struct TypesOf;
template <class... Models>
struct TypesOf<ModelList<Models...>> {
  using Type = testing::Types<Models...>;
};

template <class Model>
class NoiseLaws : public testing::Test {
 protected:
  using Params = typename Model::Params;
  using Cell = typename Model::template Cell<float>;

  static Cell fabricated(const Params& params, std::uint32_t i) {
    Rng<float> rng(RngKey(5, Purpose::fabrication), i);
    return Model::template fabricate<float>(params, rng);
  }
  static Cell programmed(const Params& params) {
    Cell cell = fabricated(params, 0);
    Rng<float> device(RngKey(5, Purpose::fabrication), 0, 1u),
        programming(RngKey(5, Purpose::programming), 0);
    Model::template program<float>(params, cell, 0.5f * (params.g_min + params.g_max), device, programming);
    return cell;
  }
  static float normal(std::uint32_t i) { return Rng<float>(RngKey(7, Purpose::sampling), i).normal(); }
};
TYPED_TEST_SUITE(NoiseLaws, typename TypesOf<DeviceModels>::Type);

TYPED_TEST(NoiseLaws, ReadsOfACellAreNormalAboutItsConductance) {
  const typename TypeParam::Params params;
  const auto cell = this->programmed(params);
  for (const double time : {0.0, 86400.0}) {
    const Moment<float> moment = TypeParam::at(params, time).template rounded<float>();
    const double g = TypeParam::template conductance<float>(params, cell, moment);
    const double one = TypeParam::template read<float>(params, cell, moment, 1.0f) - g;
    std::vector<double> errors;
    for (std::uint32_t i = 0; i < kDraws; ++i)
      errors.push_back((TypeParam::template read<float>(params, cell, moment, this->normal(i)) - g) / 1e-6);
    if (one == 0.0) {
      for (const double error : errors) ASSERT_EQ(error, 0.0) << "noise of a model that reads exactly";
    } else {
      expect_normal(errors, 0.0, std::abs(one) / 1e-6, std::string(TypeParam::kName) + " read");
    }
  }
}

TYPED_TEST(NoiseLaws, PulsesAddNormalNoiseOfTheStatedDeviation) {
  if constexpr (PulsedModel<TypeParam>) {
    const typename TypeParam::Params params;
    const auto cell = this->programmed(params);
    const auto pulsed = [&](float count, float z) {
      auto moved = cell;
      TypeParam::template pulse<float>(params, moved, true, count, z);
      return (double(moved.g) - cell.g) / 1e-6;
    };
    for (const float count : {1.0f, 4.0f}) {
      const double mean = pulsed(count, 0.0f), deviation = pulsed(count, 1.0f) - mean;
      ASSERT_GT(deviation, 0.0);
      std::vector<double> changes;
      for (std::uint32_t i = 0; i < kDraws; ++i) changes.push_back(pulsed(count, this->normal(i)));
      expect_normal(changes, mean, deviation, std::string(TypeParam::kName) + " pulse");
      if constexpr (std::is_base_of_v<StepParams, typename TypeParam::Params>) {
        EXPECT_NEAR(deviation / (std::sqrt(double(count)) * (pulsed(1.0f, 1.0f) - pulsed(1.0f, 0.0f))), 1.0,
                    0.01);
      }
    }
  } else {
    GTEST_SKIP() << "pulses do not move this model";
  }
}

TYPED_TEST(NoiseLaws, DevicesHaveStepsAndBoundsOfTheStatedDistributions) {
  if constexpr (std::is_base_of_v<StepParams, typename TypeParam::Params>) {
    // gain and asymmetry are independent normals; the share of steps that |.| folds at 0 is below the limit
    // of the distance.
    typename TypeParam::Params params;
    params.step_spread_law = StepSpread::normal;
    params.step_spread = 0.2f, params.asymmetry_spread = 0.1f, params.asymmetry = 0.0f;
    params.g_min = 5e-6f, params.g_max = 25e-6f, params.zero = 0.5f, params.bound_spread = 0.2f,
    params.low_bound_ratio = 1.0f;
    std::vector<double> up, down, high, low;
    for (std::uint32_t i = 0; i < kDraws; ++i) {
      const auto cell = this->fabricated(params, i);
      up.push_back(cell.step_up / double(params.step)), down.push_back(cell.step_down / double(params.step));
      high.push_back(cell.g_high / 1e-6), low.push_back(cell.g_low / 1e-6);
    }
    const auto law = [](double mean, double deviation) {
      return [=](double v) { return normal_distribution((v - mean) / deviation); };
    };
    EXPECT_LT(ks_distance(up, law(1.0, std::hypot(0.2, 0.1))), ks_limit(kDraws));
    EXPECT_LT(ks_distance(down, law(1.0, std::hypot(0.2, 0.1))), ks_limit(kDraws));
    EXPECT_LT(ks_distance(high, law(25.0, 2.0)), ks_limit(kDraws));
    EXPECT_LT(ks_distance(low, law(5.0, 2.0)), ks_limit(kDraws));
  } else {
    GTEST_SKIP() << "no device of steps";
  }
}

}  // namespace
}  // namespace mq
