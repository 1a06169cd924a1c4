#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "arrays.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 40, kInputs = 60, kBatch = 24;

/// Cells that are all alike.
Hardware even_cells(const char* model, int rows = 256, int columns = 256) {
  Hardware h = ideal_io("ideal", rows, columns);
  Value device = Value::table();
  device.set_key("model", model);
  device.set_key("step_spread_scale", 0.0);
  device.set_key("asymmetry_spread_scale", 0.0);
  device.set_key("bound_spread_scale", 0.0);
  h.device = device_from_value(device, "device");
  return h;
}

TileArray programmed(const Exec& exec, const Hardware& hardware) {
  TileArray array(exec, hardware, {.seed = 5}, kOutputs, kInputs);
  std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  for (float& weight : w) weight *= 0.2f;
  array.program(exec, matrix(w, kOutputs), 1.0f);
  return array;
}

void update(TileArray& array, const Exec& exec, const std::vector<float>& x, const std::vector<float>& d,
            const PulsedUpdate& how) {
  array.update(exec, {x.data(), x.size() / kInputs, kInputs}, {d.data(), d.size() / kOutputs, kOutputs}, how);
}

TEST(PulsedUpdate, MovesWeightsByTheRateTimesTheProduct) {
  const Exec exec;
  const std::vector<float> x = uniforms(kBatch * kInputs, 2), d = uniforms(kBatch * kOutputs, 3);
  const double rate = 0.002;
  TileArray array = programmed(exec, even_cells("constant-step"));
  const std::vector<double> before = array.read_weights(exec);
  const float gain = array.update_gain(rate);
  EXPECT_NEAR(array.weight_step() * 31.0 * gain * gain, rate, 1e-6 * rate);
  const int updates = 60;
  for (int n = 0; n < updates; ++n) {
    update(array, exec, x, d, {.x_gain = gain, .d_gain = gain, .event = static_cast<std::uint32_t>(n)});
  }
  const std::vector<double> after = array.read_weights(exec);
  int far = 0;
  double sum = 0.0, size = double(kOutputs * kInputs);
  for (std::size_t o = 0; o < kOutputs; ++o) {
    for (std::size_t j = 0; j < kInputs; ++j) {
      double mean = 0.0, variance = 0.0;
      for (std::size_t b = 0; b < kBatch; ++b) {
        const double xd = double(x[b * kInputs + j]) * d[b * kOutputs + o];
        const double meet = double(gain) * gain * std::abs(xd), step = array.weight_step();
        mean += rate * xd;
        variance += 31.0 * meet * (1.0 - meet + 0.09) * step * step;
      }
      const std::size_t i = o * kInputs + j;
      const double error = (after[i] - before[i] - updates * mean) / std::sqrt(updates * variance);
      far += std::abs(error) > 5.0;
      sum += error * error;
    }
  }
  EXPECT_EQ(far, 0);  // of 2400
  // Five standard errors of the mean of 2400 squares would be 0.144 if they were independent; cells of a line
  // share its trains, so allow for one line in two.
  EXPECT_NEAR(sum / size, 1.0, 0.2);
}

TEST(PulsedUpdate, GivesTheSameWeightsOnEveryThreadCountAndCut) {
  const std::vector<float> x = uniforms(kBatch * kInputs, 2), d = uniforms(kBatch * kOutputs, 3, 0.5f);
  const auto weights = [&](int threads, std::size_t split) {
    const Exec exec{.threads = threads};
    Hardware h = ideal_io("gokmen-vlasov", 32, 16);
    TileArray array = programmed(exec, h);
    const std::vector<float> x1(x.begin(), x.begin() + std::ptrdiff_t(split * kInputs)),
        x2(x.begin() + std::ptrdiff_t(split * kInputs), x.end());
    const std::vector<float> d1(d.begin(), d.begin() + std::ptrdiff_t(split * kOutputs)),
        d2(d.begin() + std::ptrdiff_t(split * kOutputs), d.end());
    update(array, exec, x1, d1, {.event = 4});
    update(array, exec, x2, d2, {.event = 4, .first_sample = static_cast<std::uint32_t>(split)});
    return array.read_weights(exec);
  };
  const auto expected = weights(1, 0);
  EXPECT_EQ(weights(3, 0), expected);
  EXPECT_EQ(weights(1, 7), expected);
}

TEST(PulsedUpdate, IsSeenByTheNextProductAndCounted) {
  const Exec exec;
  TileArray array = programmed(exec, even_cells("soft-bounds"));
  const std::int64_t writes = array.counters().pulses;
  const std::vector<float> x(kInputs, 1.0f), d(kOutputs, -1.0f);
  const std::vector<float> before = product(array, exec, x);
  update(array, exec, x, d, {.pulses = 10});
  EXPECT_EQ(array.counters().pulses - writes, std::int64_t(10 * kInputs * kOutputs));
  const std::vector<float> after = product(array, exec, x);
  const std::vector<double> w = array.read_weights(exec);
  for (std::size_t o = 0; o < kOutputs; ++o) {
    EXPECT_LT(after[o], before[o]);
    double sum = 0.0;
    for (std::size_t j = 0; j < kInputs; ++j) sum += w[o * kInputs + j];
    EXPECT_NEAR(after[o], sum, 1e-4);
  }
}

TEST(PulsedUpdate, TilesOfALineShareItsTrains) {
  // With cells that are alike and no cycle-to-cycle noise, cutting the matrix changes nothing.
  const std::vector<float> x = uniforms(kBatch * kInputs, 2), d = uniforms(kBatch * kOutputs, 3);
  const auto weights = [&](int rows, int columns) {
    const Exec exec;
    Hardware h = even_cells("soft-bounds", rows, columns);
    std::get<SoftBounds::Params>(h.device).cycle_noise_scale = 0.0f;
    TileArray array = programmed(exec, h);
    update(array, exec, x, d, {});
    return array.read_weights(exec);
  };
  EXPECT_EQ(weights(16, 12), weights(256, 256));
}

TEST(PulsedUpdate, SurvivesSavingAndLoading) {
  const Exec exec;
  const Hardware h = even_cells("soft-bounds", 32, 32);
  TileArray array = programmed(exec, h);
  update(array, exec, uniforms(kBatch * kInputs, 2), uniforms(kBatch * kOutputs, 3), {});
  const auto path =
      std::filesystem::temp_directory_path() / ("mq_pulsed_" + std::to_string(::getpid()) + ".h5");
  {
    H5Writer file(path, "array", 1);
    array.save(file, "/array");
    file.commit();
  }
  TileArray loaded(exec, h, {.seed = 5}, kOutputs, kInputs);
  loaded.load(exec, H5Reader(path, "array", 1), "/array");
  std::filesystem::remove(path);
  EXPECT_EQ(loaded.read_weights(exec), array.read_weights(exec));
  EXPECT_EQ(loaded.counters(), array.counters());
}

TEST(PulsedUpdate, MistakesAreSentences) {
  const Exec exec;
  const std::vector<float> x(kInputs, 1.0f), d(kOutputs, 1.0f);
  TileArray pcm(exec, ideal_io("pcm-like"), {}, kOutputs, kInputs);
  EXPECT_TRUE(
      message_of([&] { update(pcm, exec, x, d, {}); })
          .starts_with("the device model 'pcm' has no pulsed update: its cells can only be programmed; "
                       "choose device.model = 'constant-step', "));
  TileArray fresh(exec, even_cells("soft-bounds"), {}, kOutputs, kInputs);
  EXPECT_EQ(message_of([&] { update(fresh, exec, x, d, {}); }),
            "this array was never programmed: its cells hold no weights; call program() first");
  TileArray array = programmed(exec, even_cells("soft-bounds"));
  EXPECT_EQ(message_of([&] {
              array.update(exec, {x.data(), 1, 59}, {d.data(), 1, 40}, {});
            }),
            "the array learns from x[batch, 60] and d[batch, 40] but got x[1, 59] and d[1, 40]");
  EXPECT_EQ(message_of([&] { update(array, exec, x, d, {.pulses = 32}); }),
            "a train has 1 to 31 pulses, not 32");
  EXPECT_EQ(message_of([&] { update(array, exec, x, d, {.d_gain = -1.0f}); }),
            "the gain of a pulse train, a probability per unit, cannot be -1");
  EXPECT_EQ(message_of([&] { array.program(exec, matrix(std::vector<float>(2400, 0.5f), 40), 0.25f); }),
            "w_max = 0.25 cannot hold weights up to 0.5; give the largest weight that learning may reach");
}

}  // namespace
}  // namespace mq
