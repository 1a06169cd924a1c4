/// What every device model promises (devices/device_model.h), tested for each model of the registry.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "meltquench/core/config.h"
#include "meltquench/core/json.h"
#include "meltquench/core/storage.h"
#include "meltquench/devices/device.h"

namespace mq {
namespace {

template <class... Models>
testing::Types<Models...> as_types(ModelList<Models...>);
#ifdef MQ_CONTRACT_OF  // one model of a registry of many: tests/extending
using AllModels = testing::Types<MQ_CONTRACT_OF>;
#else
using AllModels = decltype(as_types(DeviceModels{}));
#endif

struct NameOfModel {
  template <class Model>
  static std::string GetName(int) {
    return std::string(Model::kName);
  }
};

template <class Model>
class Contract : public testing::Test {};
TYPED_TEST_SUITE(Contract, AllModels, NameOfModel);

constexpr std::uint32_t kCells = 4096;
constexpr double kTimes[] = {0.0, 1.0, 3600.0, 365 * 86400.0};

/// Targets over the whole range, both ends included.
float target_of(std::uint32_t i, float g_min, float g_max) {
  return i == kCells - 1 ? g_max : g_min + (g_max - g_min) * static_cast<float>(i) / (kCells - 1);
}

/// Conductance after programming cells i, i + 1, ... and reading them at `time`.
template <class Model, class F>
F program_and_read(const typename Model::Params& params, const RngKey& key, std::uint32_t i, double time) {
  using U = typename LaneTraits<F>::UInt;
  float targets[LaneTraits<F>::kWidth];
  for (std::uint32_t n = 0; n < std::size(targets); ++n)
    targets[n] = target_of(i + n, params.g_min, params.g_max);
  Rng<F> fabrication(key, ascending_from<U>(i)), device(key, ascending_from<U>(i), U(1u));
  Rng<F> programming(key.at_event(1), ascending_from<U>(i)), reading(key.at_event(2), ascending_from<U>(i));
  auto cell = Model::template fabricate<F>(params, fabrication);
  Model::template program<F>(params, cell, load<F>(targets), device, programming);
  const Moment<F> moment = Model::at(params, time).template rounded<F>();
  return Model::template read<F>(params, cell, moment, reading.normal());
}

/// Every factor named *_scale at 0: no noise, no drift.
template <class Params>
Params without_noise() {
  Params params;
  for (const FieldInfo& info : field_infos<Params>()) {
    if (!info.name.ends_with("_scale")) continue;
    Value table = Value::table();
    table.set_key(info.name, 0.0);
    from_value(params, table, "device");
  }
  return params;
}

TYPED_TEST(Contract, ConductancesAreFiniteAndNotNegative) {
  const typename TypeParam::Params params;
  for (const double time : kTimes) {
    for (std::uint32_t i = 0; i < kCells; ++i) {
      const float g = program_and_read<TypeParam, float>(params, RngKey(1, Purpose::sampling), i, time);
      ASSERT_TRUE(std::isfinite(g));
      ASSERT_GE(g, 0.0f);
      ASSERT_LT(g, 2.0f * params.g_max);  // noise of 20 standard deviations
    }
  }
}

TYPED_TEST(Contract, WithoutNoiseEveryCellKeepsItsTargetForEver) {
  const auto params = without_noise<typename TypeParam::Params>();
  for (const double time : kTimes) {
    for (std::uint32_t i = 0; i < kCells; ++i) {
      const float g = program_and_read<TypeParam, float>(params, RngKey(1, Purpose::sampling), i, time);
      ASSERT_EQ(g, target_of(i, params.g_min, params.g_max));
    }
  }
}

TYPED_TEST(Contract, ANoiselessReadIsTheConductance) {
  const auto params = without_noise<typename TypeParam::Params>();
  for (const double time : kTimes) {
    const Moment<float> moment = TypeParam::at(params, time).template rounded<float>();
    Rng<float> rng(RngKey(1, Purpose::sampling), 0u);
    auto cell = TypeParam::template fabricate<float>(params, rng);
    TypeParam::template program<float>(params, cell, params.g_max, rng, rng);
    const float g = TypeParam::template conductance<float>(params, cell, moment);
    EXPECT_EQ(TypeParam::template read<float>(params, cell, moment, 1.0f), g);
    EXPECT_EQ(TypeParam::read_noise(params), 0.0f);
  }
}

TYPED_TEST(Contract, TheReferenceReadIsTheStartOfTime) {
  const typename TypeParam::Params params;
  EXPECT_EQ(TypeParam::at(params, 0.0).log_age, 0.0);
  EXPECT_EQ(TypeParam::at(params, 0.0f).log_age, 0.0f);
  for (std::size_t t = 1; t < std::size(kTimes); ++t) {
    EXPECT_GE(TypeParam::at(params, kTimes[t]).log_age, TypeParam::at(params, kTimes[t - 1]).log_age);
  }
}

TYPED_TEST(Contract, TheSameKeyGivesTheSameCell) {
  const typename TypeParam::Params params;
  const RngKey key(4, Purpose::sampling);
  for (std::uint32_t i = 0; i < kCells; i += 17) {
    EXPECT_EQ((program_and_read<TypeParam, float>(params, key, i, 3600.0)),
              (program_and_read<TypeParam, float>(params, key, i, 3600.0)));
  }
}

TYPED_TEST(Contract, LanesAndSingleCellsHaveTheSameBits) {
  const typename TypeParam::Params params;
  const RngKey key(5, Purpose::sampling);
  for (const double time : kTimes) {
    for (std::uint32_t i = 0; i < kCells; i += 4) {
      float lanes[4], single[4];
      store(lanes, program_and_read<TypeParam, FloatLanes<4>>(params, key, i, time));
      for (std::uint32_t n = 0; n < 4; ++n) {
        single[n] = program_and_read<TypeParam, float>(params, key, i + n, time);
      }
      ASSERT_EQ(std::memcmp(lanes, single, sizeof(lanes)), 0) << i;
    }
  }
}

TYPED_TEST(Contract, DefaultsPassTheirOwnChecks) {
  EXPECT_NO_THROW(check_fields(typename TypeParam::Params{}, "device"));
  EXPECT_FALSE(std::string(TypeParam::kSummary).empty());
  for (const FieldInfo& info : field_infos<typename TypeParam::Params>())
    EXPECT_TRUE(info.sentence.ends_with('.'));
}

/// Every number times 7/8, so that nothing is a default or a round figure.
Value scaled(const Value& value) {
  if (value.is_number()) return value.as_number() * 0.875;
  Value result = value;
  if (result.is_array()) {
    for (Value& element : result.as_array()) element = scaled(element);
  }
  if (result.is_table()) {
    for (auto& entry : result.as_table()) entry.value = scaled(entry.value);
  }
  return result;
}

TYPED_TEST(Contract, ParametersSurviveTomlAndHdf5) {
  const DeviceParams defaults = typename TypeParam::Params{};
  const DeviceParams params =
      device_from_value(scaled(device_to_value(defaults, Quantities::in_si)), "device");
  ASSERT_NE(device_to_value(params), device_to_value(defaults));

  const DeviceParams from_toml =
      device_from_value(parse_toml(to_toml(device_to_value(params)), "device.toml"), "device");
  EXPECT_EQ(device_to_value(from_toml, Quantities::in_si), device_to_value(params, Quantities::in_si));

  const auto path = std::filesystem::temp_directory_path() /
                    ("mq_contract_" + std::string(TypeParam::kName) + std::to_string(::getpid()) + ".h5");
  {
    H5Writer file(path, "device", 1);
    file.set_attribute("/", "device", device_to_value(from_toml));
    file.commit();
  }
  const Value stored = parse_json(H5Reader(path, "device", 1).attribute("/", "device").as_text());
  std::filesystem::remove(path);
  const DeviceParams from_hdf5 = device_from_value(stored, "device");
  EXPECT_EQ(device_to_value(from_hdf5, Quantities::in_si), device_to_value(params, Quantities::in_si));
  EXPECT_EQ(model_name(from_hdf5), TypeParam::kName);
}

TYPED_TEST(Contract, TheRegistryKnowsTheModel) {
  const DeviceParams params = typename TypeParam::Params{};
  const typename TypeParam::Params own;
  EXPECT_EQ(model_name(params), TypeParam::kName);
  EXPECT_EQ(g_min(params), own.g_min);
  EXPECT_EQ(g_max(params), own.g_max);
  EXPECT_EQ(cell_fields(params), kCellFields<TypeParam>);
  EXPECT_EQ(model_summary(TypeParam::kName), TypeParam::kSummary);
  EXPECT_EQ(model_fields(TypeParam::kName).size(), field_infos<typename TypeParam::Params>().size());
}

#ifndef MQ_CONTRACT_OF
template <class Model>
class PulseContract : public testing::Test {};
template <class List, class... Models>
struct PulsedOf {
  using Types = List;
};
template <class... Found, class First, class... Rest>
struct PulsedOf<testing::Types<Found...>, First, Rest...>
    : PulsedOf<
          std::conditional_t<PulsedModel<First>, testing::Types<Found..., First>, testing::Types<Found...>>,
          Rest...> {};
template <class... Models>
PulsedOf<testing::Types<>, Models...> pulsed_of(ModelList<Models...>);
using PulsedModels = decltype(pulsed_of(DeviceModels{}))::Types;
TYPED_TEST_SUITE(PulseContract, PulsedModels, NameOfModel);

template <class Model, class F>
typename Model::template Cell<F> new_cell(const typename Model::Params& params, std::uint32_t i) {
  Rng<F> rng(RngKey(6, Purpose::fabrication), ascending_from<typename LaneTraits<F>::UInt>(i));
  return Model::template fabricate<F>(params, rng);
}

TYPED_TEST(PulseContract, NoPulseChangesNoBit) {
  const typename TypeParam::Params params;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    auto cell = new_cell<TypeParam, float>(params, i);
    for (const float z : {-3.0f, 0.0f, 3.0f}) {
      const auto before = cell;
      TypeParam::template pulse<float>(params, cell, z > 0.0f, 0.0f, z);
      ASSERT_EQ(std::memcmp(&before, &cell, sizeof(cell)), 0);
    }
  }
}

TYPED_TEST(PulseContract, ManyPulsesLeaveAConductanceThatCanBe) {
  const typename TypeParam::Params params;
  for (std::uint32_t i = 0; i < 512; ++i) {
    auto cell = new_cell<TypeParam, float>(params, i);
    Rng<float> rng(RngKey(8, Purpose::pulse_steps), i);
    for (std::uint32_t n = 0; n < 12; ++n) {
      TypeParam::template pulse<float>(params, cell, n % 3 == 0, 31.0f * float(n), rng.normal());
      const float g = TypeParam::template conductance<float>(params, cell, Moment<float>{});
      ASSERT_TRUE(std::isfinite(g));
      ASSERT_GE(g, 0.0f);
      ASSERT_LT(g, 2.0f * params.g_max);
    }
  }
}

/// What one noiseless pulse does to new cells.
template <class Model>
std::vector<double> moves(const typename Model::Params& params, bool is_up) {
  std::vector<double> moved(kCells);
  for (std::uint32_t i = 0; i < kCells; ++i) {
    auto cell = new_cell<Model, float>(params, i);
    const double before = Model::template conductance<float>(params, cell, Moment<float>{});
    Model::template pulse<float>(params, cell, is_up, 1.0f, 0.0f);
    moved[i] = Model::template conductance<float>(params, cell, Moment<float>{}) - before;
  }
  return moved;
}

TYPED_TEST(PulseContract, TheMeanStepIsTheMeanOverNewCells) {
  const typename TypeParam::Params params;
  const std::vector<double> up = moves<TypeParam>(params, true), down = moves<TypeParam>(params, false);
  const bool is_one = is_one_sided<TypeParam>(params);
  double sum = 0.0, squares = 0.0;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    const double moved = is_one ? up[i] : 0.5 * (up[i] - down[i]);
    sum += moved, squares += moved * moved;
  }
  const double mean = sum / kCells, sigma = std::sqrt(std::max(squares / kCells - mean * mean, 0.0));
  EXPECT_GT(mean, 0.0);
  EXPECT_NEAR(mean, TypeParam::mean_step(params), 5.0 * sigma / std::sqrt(double(kCells)) + 1e-5 * mean);
}

TYPED_TEST(PulseContract, PulsesDownLowerACellUnlessItIsOneSided) {
  const typename TypeParam::Params params;
  const std::vector<double> down = moves<TypeParam>(params, false);
  for (const double moved : down) {
    if (is_one_sided<TypeParam>(params)) {
      ASSERT_EQ(moved, 0.0);
    } else {
      ASSERT_LE(moved, 0.0);
    }
  }
}

TYPED_TEST(PulseContract, PulsesLeaveTheMembersAloneThatKernelsDoNotWriteBack) {
  const typename TypeParam::Params params;
  for (std::uint32_t i = 0; i < 64; ++i) {
    auto cell = new_cell<TypeParam, float>(params, i);
    float before[kCellFields<TypeParam>], after[kCellFields<TypeParam>];
    std::memcpy(before, &cell, sizeof(cell));
    TypeParam::template pulse<float>(params, cell, i % 2 == 0, 3.0f, 0.5f);
    std::memcpy(after, &cell, sizeof(cell));
    for (int m = kPulsedFields<TypeParam>; m < kCellFields<TypeParam>; ++m) ASSERT_EQ(before[m], after[m]);
  }
}

TYPED_TEST(PulseContract, WeightZeroLiesInTheRange) {
  const DeviceParams params = typename TypeParam::Params{};
  EXPECT_GE(weight_zero(params), double(g_min(params)));
  EXPECT_LT(weight_zero(params), double(g_max(params)));
  EXPECT_EQ(is_one_sided(params), is_one_sided<TypeParam>(typename TypeParam::Params{}));
}

TYPED_TEST(PulseContract, LanesAndSingleCellsMoveAlike) {
  const typename TypeParam::Params params;
  for (std::uint32_t i = 0; i < kCells; i += 4) {
    auto lanes = new_cell<TypeParam, FloatLanes<4>>(params, i);
    float counts[4], normals[4], expected[4], g[4];
    for (std::uint32_t n = 0; n < 4; ++n) {
      counts[n] = static_cast<float>((i + n) % 32);
      normals[n] = Rng<float>(RngKey(9, Purpose::pulse_steps), i + n).normal();
      auto cell = new_cell<TypeParam, float>(params, i + n);
      TypeParam::template pulse<float>(params, cell, n < 2, counts[n], normals[n]);
      expected[n] = TypeParam::template conductance<float>(params, cell, Moment<float>{});
    }
    const float sides[4] = {1.0f, 1.0f, -1.0f, -1.0f};
    const auto is_up = load<FloatLanes<4>>(sides) > FloatLanes<4>(0.0f);
    TypeParam::template pulse<FloatLanes<4>>(params, lanes, is_up, load<FloatLanes<4>>(counts),
                                             load<FloatLanes<4>>(normals));
    store(g, TypeParam::template conductance<FloatLanes<4>>(params, lanes, Moment<FloatLanes<4>>{}));
    ASSERT_EQ(std::memcmp(g, expected, sizeof(g)), 0) << i;
  }
}

TYPED_TEST(PulseContract, TheRegistryKnowsThatPulsesMoveIt) {
  const DeviceParams params = typename TypeParam::Params{};
  EXPECT_TRUE(takes_pulses(params));
  EXPECT_EQ(mean_step(params), TypeParam::mean_step(typename TypeParam::Params{}));
}

#endif  // MQ_CONTRACT_OF

}  // namespace
}  // namespace mq
