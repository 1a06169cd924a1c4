#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/devices/device.h"
#include "tables.h"

namespace mq {
namespace {

constexpr RngKey kKey = RngKey(3, Purpose::pulse_steps, 2).at_event(5, 1).at_place(7, 9);

/// All cells alike.
template <class Params>
Params without_spread(Params p) {
  p.step_spread_scale = p.asymmetry_spread_scale = p.bound_spread_scale = 0.0f;
  return p;
}

struct Sizes {
  std::size_t outputs, inputs, batch;
};

/// Trains of uniform values in +-1, a share of which are zero.
std::vector<std::uint32_t> random_trains(std::size_t batch, std::size_t lines, float gain,
                                         std::uint32_t stream, int length = kLongestTrain) {
  const std::vector<float> values = uniforms(batch * lines, stream);
  std::vector<std::uint32_t> trains(values.size());
  kernels(Backend::cpu)
      .make_pulse_trains({}, {.values = values.data(),
                              .batch = batch,
                              .lines = lines,
                              .gain = gain,
                              .length = length,
                              .key = RngKey(stream, Purpose::pulse_trains),
                              .trains = trains.data()});
  return trains;
}

struct Updated {
  std::vector<float> cells;
  std::int64_t pulses = 0;

  friend bool operator==(const Updated&, const Updated&) = default;
};

/// New cells after one mini-batch.
Updated update(const KernelTable& table, const DeviceParams& params, Sizes n,
               const std::vector<std::uint32_t>& x, const std::vector<std::uint32_t>& d, PulseSteps steps,
               int threads = 1, std::uint32_t first_sample = 0, std::size_t split = 0,
               bool is_mirrored = false) {
  const Exec exec{.threads = threads};
  const std::size_t size = n.outputs * n.inputs;
  Updated result{std::vector<float>(size * static_cast<std::size_t>(cell_fields(params)))};
  const CellsView view{&params, result.cells.data(), size};
  table.fabricate_cells(exec, view, RngKey(1, Purpose::fabrication));
  PulseCells op{.cells = view,
                .outputs = n.outputs,
                .inputs = n.inputs,
                .batch = split > 0 ? split : n.batch,
                .x = x.data(),
                .x_stride = n.inputs,
                .d = d.data(),
                .d_stride = n.outputs,
                .steps = steps,
                .is_mirrored = is_mirrored,
                .key = kKey,
                .first_sample = first_sample,
                .pulses = &result.pulses};
  table.pulse_cells(exec, op);
  if (split > 0) {
    op.batch = n.batch - split;
    op.first_sample += static_cast<std::uint32_t>(split);
    op.x += split * n.inputs;
    op.d += split * n.outputs;
    table.pulse_cells(exec, op);
  }
  return result;
}

const DeviceParams kModels[] = {ConstantStep::Params{}, SoftBounds::Params{}};

/// Every model that takes pulses, and a two-sided and a one-sided form of the others.
std::vector<DeviceParams> all_pulsed() {
  std::vector<DeviceParams> all;
  for_each_model([&]<class Model>() {
    if constexpr (PulsedModel<Model>) all.push_back(typename Model::Params{});
  });
  for (const char* preset : {"reram-sb", "reram-om", "pcm-one-sided"})
    all.push_back(device_from_preset(preset));
  LookupStep::Params lookup;
  lookup.one_sided = false;
  all.push_back(lookup);
  return all;
}

/// Compares all tables and thread counts with the reference, for gains from none over a few to many
/// coincidences: the tuned kernel collects pairs for the first ones.
void expect_same_bits(const DeviceParams& params, Sizes n) {
  for (const PulseSteps steps : {PulseSteps::aggregated, PulseSteps::single}) {
    for (const float gain : {0.0f, 0.05f, 0.3f, 1.0f, 3.0f}) {
      const auto x = random_trains(n.batch, n.inputs, gain, 11);
      const auto d = random_trains(n.batch, n.outputs, gain, 12);
      const Updated expected = update(kernels(Backend::reference), params, n, x, d, steps);
      for (const KernelTable* table : cpu_tables()) {
        for (const int threads : {1, 3}) {
          EXPECT_TRUE(update(*table, params, n, x, d, steps, threads) == expected)
              << table->name << ", " << model_name(params) << ", gain " << gain << ", batch " << n.batch;
        }
      }
    }
  }
}

TEST(PulseCells, HaveTheSameBitsOnEveryTableThreadCountAndDensity) {
  for (const DeviceParams& params : kModels) {
    for (const Sizes n : {Sizes{1, 1, 1}, Sizes{5, 37, 7}, Sizes{3, 300, 70}, Sizes{9, 8, 130}}) {
      expect_same_bits(params, n);
    }
  }
}

TEST(PulseCells, OfEveryModelHaveTheSameBitsOnEveryTable) {
  for (const DeviceParams& params : all_pulsed()) expect_same_bits(params, {3, 37, 21});
}

TEST(PulseCells, DoNotCareHowAMiniBatchIsSplitIntoCalls) {
  const Sizes n{6, 50, 23};
  for (const float gain : {0.1f, 1.0f}) {
    const auto x = random_trains(n.batch, n.inputs, gain, 1), d = random_trains(n.batch, n.outputs, gain, 2);
    for (const PulseSteps steps : {PulseSteps::aggregated, PulseSteps::single}) {
      for (const KernelTable* table : cpu_tables()) {
        const Updated whole = update(*table, SoftBounds::Params{}, n, x, d, steps, 1, 3);
        for (const std::size_t split : {1, 4, 9, 22}) {
          EXPECT_TRUE(update(*table, SoftBounds::Params{}, n, x, d, steps, 1, 3, split) == whole) << split;
        }
      }
    }
  }
}

/// An oracle that knows only the equations: doubles, and the draws that the contract names.
template <class Params>
double by_the_equations(const Params& p, const std::vector<float>& new_cells, std::size_t size, std::size_t i,
                        const std::vector<int>& counts, bool is_soft, bool is_single) {
  double g = new_cells[i];
  // Soft bounds keep the share of the way to the bound that a pulse covers, behind what all devices keep.
  const double up = new_cells[(is_soft ? 6 : 2) * size + i], down = new_cells[(is_soft ? 7 : 3) * size + i];
  const double low = new_cells[4 * size + i], high = new_cells[5 * size + i];
  const auto index = static_cast<std::uint32_t>(i);
  for (std::size_t s = 0; s < counts.size(); ++s) {
    const int c = std::abs(counts[s]);
    const auto sample = static_cast<std::uint32_t>(s);
    Rng<float> pulses(kKey, index, sample), samples(kKey, index, sample / 4);
    for (std::uint32_t n = 0; n < sample % 4; ++n) samples.normal();
    for (int n = 0; n < (is_single ? c : 1); ++n) {
      const double many = is_single ? 1.0 + p.cycle_noise * pulses.normal()
                                    : c + p.cycle_noise * std::sqrt(c) * samples.normal();
      const double step = counts[s] > 0 ? up * (is_soft ? high - g : 1.0) : -down * (is_soft ? g - low : 1.0);
      g = std::clamp(g + step * many, low, high);
    }
  }
  return g;
}

TEST(PulseCells, FollowTheEquationsInDoublePrecision) {
  const Sizes n{4, 60, 33};
  const std::size_t size = n.outputs * n.inputs;
  const auto x = random_trains(n.batch, n.inputs, 0.7f, 5), d = random_trains(n.batch, n.outputs, 0.7f, 6);
  for (const PulseSteps steps : {PulseSteps::aggregated, PulseSteps::single}) {
    for (const bool is_soft : {false, true}) {
      ConstantStep::Params constant;
      SoftBounds::Params soft;
      constant.step = soft.step = 0.4_uS;  // large, so that cells meet their bounds
      const DeviceParams params = is_soft ? DeviceParams(soft) : DeviceParams(constant);
      std::vector<float> fresh(size * static_cast<std::size_t>(cell_fields(params)));
      kernels(Backend::cpu)
          .fabricate_cells({}, {&params, fresh.data(), size}, RngKey(1, Purpose::fabrication));
      const Updated updated = update(kernels(Backend::cpu), params, n, x, d, steps);
      std::int64_t pulses = 0;
      for (std::size_t i = 0; i < size; ++i) {
        std::vector<int> counts;
        for (std::size_t b = 0; b < n.batch; ++b) {
          const std::uint32_t a = x[b * n.inputs + i % n.inputs], e = d[b * n.outputs + i / n.inputs];
          int count = 0;
          for (int k = 0; k < 31; ++k) count += (a >> k & 1u) != 0 && (e >> k & 1u) != 0;
          counts.push_back((a >> 31) == (e >> 31) ? count : -count);
          pulses += count;
        }
        EXPECT_NEAR(updated.cells[i],
                    by_the_equations(constant, fresh, size, i, counts, is_soft, steps == PulseSteps::single),
                    2e-5 * constant.g_max);
      }
      EXPECT_EQ(updated.pulses, pulses);
    }
  }
}

/// Mean and variance over cells.
struct Moments {
  double mean = 0.0, variance = 0.0, n = 0.0;

  template <class Values>
  explicit Moments(const Values& values) : n(double(values.size())) {
    for (const double v : values) mean += v / n;
    for (const double v : values) variance += (v - mean) * (v - mean) / (n - 1.0);
  }
};

TEST(PulseCells, OnAverageMoveByTheProductOfValues) {
  // Expected: batch * L px pd step. Pairs of lines are independent, but cells of a line share its train: so
  // many batches, and one cell of each row and column.
  const double px = 0.35, pd = 0.22, length = 31.0, noise = 0.3;
  const std::size_t lines = 512, batch = 64;
  ConstantStep::Params p;
  p.step = 0.1_nS;
  p.cycle_noise = static_cast<float>(noise);
  const DeviceParams params = without_spread(p);
  const auto trains = [&](double probability, std::uint32_t stream) {
    const std::vector<float> values(batch * lines, 0.5f);
    std::vector<std::uint32_t> result(values.size());
    kernels(Backend::cpu)
        .make_pulse_trains({}, {.values = values.data(),
                                .batch = batch,
                                .lines = lines,
                                .gain = static_cast<float>(2.0 * probability),
                                .key = RngKey(stream, Purpose::pulse_trains),
                                .trains = result.data()});
    return result;
  };
  const auto x = trains(px, 1);
  auto d = trains(pd, 2);
  const auto diagonal = [&](const Updated& u) {
    std::vector<double> moved;
    for (std::size_t i = 0; i < lines; ++i) moved.push_back((u.cells[i * lines + i] - 15.0_uS) / 0.1_nS);
    return moved;
  };
  const Moments up(
      diagonal(update(kernels(Backend::cpu), params, {lines, lines, batch}, x, d, PulseSteps::aggregated)));
  const double mean = double(batch) * length * px * pd;
  const double variance = double(batch) * length * (px * pd * (1.0 - px * pd) + px * pd * noise * noise);
  EXPECT_NEAR(up.mean, mean, 5.0 * std::sqrt(variance / up.n));
  EXPECT_NEAR(up.variance, variance, 5.0 * variance * std::sqrt(2.0 / up.n));

  for (std::uint32_t& train : d) train ^= ~kPulseSlots;  // the other sign
  const Moments down(
      diagonal(update(kernels(Backend::cpu), params, {lines, lines, batch}, x, d, PulseSteps::aggregated)));
  EXPECT_NEAR(down.mean, -mean, 5.0 * std::sqrt(variance / down.n));
}

TEST(PulseCells, AggregatedAndSingleStepsAgreeInMeanAndSpread) {
  // Steps of 1/1200 of the range: what differs is the curvature of soft bounds within one train.
  const Sizes n{64, 128, 8};
  const auto x = random_trains(n.batch, n.inputs, 0.7f, 21), d = random_trains(n.batch, n.outputs, 0.7f, 22);
  for (const DeviceParams& params : kModels) {
    const auto moved = [&](PulseSteps steps) {
      const Updated u = update(kernels(Backend::cpu), params, n, x, d, steps);
      std::vector<double> values;
      for (std::size_t i = 0; i < n.outputs * n.inputs; ++i) values.push_back(u.cells[i] - 15.0_uS);
      return Moments(values);
    };
    const Moments a = moved(PulseSteps::aggregated), s = moved(PulseSteps::single);
    // The same trains and cells: only the cycle-to-cycle noise is drawn anew. Its share of the variance is
    // below noise^2, 0.09, and of the rms so below 5 %.
    EXPECT_NEAR(a.mean, s.mean, 5.0 * std::sqrt(2.0 * 0.09 * s.variance / s.n)) << model_name(params);
    EXPECT_NEAR(std::sqrt(a.variance / s.variance), 1.0, 5.0 * std::sqrt(0.09 / s.n) + 0.002);
  }
}

TEST(PulseCells, WithSingleNoiselessStepsFollowTheClosedForm) {
  // aihwkit's soft bounds: w_n = b (1 - (1 - step / b)^n).
  SoftBounds::Params p;
  p.step = 50.0_nS;
  p.cycle_noise_scale = 0.0f;
  const DeviceParams params = without_spread(p);
  const std::size_t batch = 40;
  const std::vector<std::uint32_t> x(batch, 0x7u), d(batch, 0x7fffffffu);
  const Updated u = update(kernels(Backend::cpu), params, {1, 1, batch}, x, d, PulseSteps::single);
  EXPECT_EQ(u.pulses, 120);
  const double b = 5.0_uS;
  EXPECT_NEAR(u.cells[0], 15.0_uS + b * (1.0 - std::pow(1.0 - 50.0_nS / b, 120)), 1e-5 * b);
}

TEST(PulseCells, ThatSeeManyPulsesEndAtTheirBounds) {
  const Sizes n{2, 40, 2000};
  const std::vector<std::uint32_t> x(n.batch * n.inputs, kPulseSlots);
  ConstantStep::Params constant;
  SoftBounds::Params soft;
  constant.step_spread = soft.step_spread = 0.1f;  // a device with hardly any step would take for ever
  for (const DeviceParams& params : {DeviceParams(constant), DeviceParams(soft)}) {
    for (const bool goes_up : {true, false}) {
      const std::vector<std::uint32_t> d(n.batch * n.outputs, goes_up ? kPulseSlots : 0xffffffffu);
      const Updated u = update(kernels(Backend::cpu), params, n, x, d, PulseSteps::aggregated);
      const std::size_t size = n.outputs * n.inputs;
      for (std::size_t i = 0; i < size; ++i) {
        const float bound = u.cells[(goes_up ? 5 : 4) * size + i];
        EXPECT_NEAR(u.cells[i], bound, 1e-3 * 15.0_uS) << model_name(params);
        EXPECT_LE(u.cells[i], u.cells[5 * size + i]);
        EXPECT_GE(u.cells[i], u.cells[4 * size + i]);
      }
    }
  }
}

TEST(PulseCells, OfAOneSidedPairLearnUpwardsOnBothSides) {
  // Plus and mirrored minus side see each coincidence once between them, and no cell goes down.
  const Sizes n{6, 50, 9};
  const DeviceParams params = device_from_preset("pcm-one-sided");
  DeviceParams both_ways = params;
  std::get<ExponentialStep::Params>(both_ways).one_sided = false;
  for (const float gain : {0.1f, 1.0f}) {
    const auto x = random_trains(n.batch, n.inputs, gain, 1), d = random_trains(n.batch, n.outputs, gain, 2);
    auto flipped = d;
    for (std::uint32_t& train : flipped) train ^= ~kPulseSlots;
    for (const PulseSteps steps : {PulseSteps::aggregated, PulseSteps::single}) {
      const Updated all = update(kernels(Backend::cpu), both_ways, n, x, d, steps);
      std::vector<const KernelTable*> tables = cpu_tables();
      tables.push_back(&kernels(Backend::reference));
      for (const KernelTable* table : tables) {
        const Updated plus = update(*table, params, n, x, d, steps);
        const Updated minus = update(*table, params, n, x, d, steps, 1, 0, 0, true);
        EXPECT_EQ(plus.pulses + minus.pulses, all.pulses) << table->name;
        EXPECT_TRUE(minus == update(*table, params, n, x, flipped, steps)) << table->name;
      }
    }
  }
}

TEST(PulseCells, ShowNewWriteNoiseWhereTheyWerePulsedAndOnlyThere) {
  // aihwkit: visible weight = hidden weight + write noise, drawn when a device is pulsed.
  const Sizes n{8, 40, 3};
  const std::size_t size = n.outputs * n.inputs;
  SoftBounds::Params p;
  p.write_noise = 10.0f;
  p.cycle_noise_scale = 0.0f;
  const DeviceParams params = p;
  const KernelTable& table = kernels(Backend::cpu);
  const auto x = random_trains(n.batch, n.inputs, 0.2f, 31), d = random_trains(n.batch, n.outputs, 0.2f, 32);
  const auto seen = [&](const std::vector<float>& cells, double time) {
    std::vector<float> copy = cells, plane(size);
    table.settle_cells({}, {.cells = {&params, copy.data(), size},
                            .time = time,
                            .key = RngKey(4, Purpose::read_noise),
                            .writes = RngKey(4, Purpose::write_noise),
                            .plane = plane.data()});
    return plane;
  };
  const Updated fresh =
      update(table, params, n, std::vector<std::uint32_t>(x.size()), d, PulseSteps::aggregated);
  const Updated after = update(table, params, n, x, d, PulseSteps::aggregated);
  const std::vector<float> before = seen(fresh.cells, 0.0), then = seen(after.cells, 0.0);
  EXPECT_EQ(seen(after.cells, 50.0), then);  // reads draw nothing
  std::size_t pulsed = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const bool was_pulsed = after.cells[size + i] != 0.0f;
    pulsed += was_pulsed;
    const float noise_before = before[i] - fresh.cells[i], noise_then = then[i] - after.cells[i];
    if (was_pulsed) {
      EXPECT_NE(noise_before, noise_then) << i;
    } else {
      EXPECT_EQ(before[i], then[i]) << i;
    }
  }
  EXPECT_GT(pulsed, size / 20);
  EXPECT_LT(pulsed, size - size / 20);
}

TEST(PulseCells, ThatOnlyTakeProgrammingAreRefusedByName) {
  const DeviceParams params = Pcm::Params{};
  const std::vector<std::uint32_t> trains(1, 1u);
  std::vector<const KernelTable*> tables = cpu_tables();
  tables.push_back(&kernels(Backend::reference));
  for (const KernelTable* table : tables) {
    try {
      update(*table, params, {1, 1, 1}, trains, trains, PulseSteps::aggregated);
      FAIL() << table->name;
    } catch (const ConfigError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("the device model 'pcm' has no pulsed update"));
    }
  }
}

}  // namespace
}  // namespace mq
