/// How tiles are written: program-and-verify, faults, and several devices per polarity.
#include <unistd.h>

#include <filesystem>

#include "arrays.h"
#include "meltquench/crossbar/chip.h"

namespace mq {
namespace {

const Exec kExec;
constexpr std::size_t kOutputs = 64, kInputs = 96;

Hardware verified(const char* preset = "pcm-like") {
  Hardware h = ideal_io(preset);
  h.programming.method = ProgrammingMethod::write_verify;
  return h;
}

TileArray programmed(const Hardware& hardware, const std::vector<float>& w, const Exec& exec = kExec) {
  TileArray array(exec, hardware, {.seed = 5}, kOutputs, w.size() / kOutputs);
  array.program(exec, matrix(w, kOutputs), 1.0f);
  return array;
}

/// Standard deviation of the weights that a product sees from those that were asked for.
double deviation(TileArray& array, const std::vector<float>& w) {
  const std::vector<double> seen = array.read_weights(kExec);
  double squares = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) squares += (seen[i] - w[i]) * (seen[i] - w[i]);
  return std::sqrt(squares / static_cast<double>(w.size()));
}

/// A model without read noise and drift, to see programming alone.
Hardware quiet(Fill fill, int devices, ProgrammingMethod method = ProgrammingMethod::one_shot) {
  Pcm::Params pcm;
  pcm.read_noise_scale = pcm.nu_mean_scale = pcm.nu_sigma_scale = 0.0f;
  pcm.prog_noise = {1.0_uS, 0.0f, 0.0f, 0.0f};  // the same everywhere
  Hardware h = ideal_io("pcm-like");
  h.device = pcm;
  h.programming.method = method;
  h.programming.devices = devices;
  h.programming.fill = fill;
  return h;
}

TEST(Programming, ByVerifyIsMorePreciseAndSaysWhatItTook) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  Hardware h = verified();
  std::get<Pcm::Params>(h.device).read_noise_scale = 0.0f;
  TileArray array = programmed(h, w);
  h.programming.method = ProgrammingMethod::one_shot;
  TileArray once = programmed(h, w);
  EXPECT_LT(deviation(array, w), 0.6 * deviation(once, w));

  ASSERT_EQ(array.programming_reports().size(), 1u);
  const WriteVerifyReport& report = array.programming_reports()[0];
  EXPECT_EQ(report.cells, static_cast<std::int64_t>(2 * w.size()));
  EXPECT_GE(report.converged_share(), 0.99);
  EXPECT_EQ(report.iterations.size(), 31u);
  std::int64_t cells = 0, iterations = 0;
  for (std::size_t n = 0; n < report.iterations.size(); ++n) {
    cells += report.iterations[n];
    iterations += static_cast<std::int64_t>(n) * report.iterations[n];
  }
  EXPECT_EQ(cells, report.cells);
  EXPECT_EQ(iterations, report.pulses);
  EXPECT_EQ(report.reads, report.pulses) << "a melting pulse needs no read before it";
  // Pulses of 20 pJ to 50 pJ; word lines take between one iteration and the limit each.
  EXPECT_GT(report.energy, double(report.pulses) * 20e-12);
  EXPECT_LT(report.energy, double(report.pulses) * 51e-12);
  const double step = double(h.programming.pulse.width) + h.programming.t_read;
  EXPECT_GE(report.time, kInputs * step * 5);
  EXPECT_LE(report.time, kInputs * step * 30 * 1.001);
  const Counters counters = array.counters();
  EXPECT_EQ(counters.pulses, report.pulses);
  EXPECT_EQ(counters.verify_steps, report.reads);
  EXPECT_EQ(counters.unconverged, report.cells - report.converged);
  EXPECT_NEAR(double(counters.programming_fj) * 1e-15, report.energy, 1e-15);
  EXPECT_NEAR(double(counters.programming_ns) * 1e-9, report.time, 1e-9);
}

TEST(Programming, HasTheSameBitsForAnyThreadCountAndDoesNotDependOnOtherTiles) {
  Hardware h = verified("hermes-1");
  h.faults = {.stuck_low = 0.01f, .failing = 0.02f, .endurance = 1e4f};
  h.programming.devices = 2;
  h.programming.fill = Fill::mixed;
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  TileArray one = programmed(h, w), two = programmed(h, w, {.threads = 3});
  EXPECT_EQ(one.read_weights(kExec), two.read_weights(kExec));

  // The first tile of a wider matrix is written as it would be alone.
  h.tile.rows = static_cast<int>(kInputs);
  std::vector<float> wide(kOutputs * 2 * kInputs, 0.5f);
  for (std::size_t o = 0; o < kOutputs; ++o) std::copy_n(&w[o * kInputs], kInputs, &wide[o * 2 * kInputs]);
  TileArray split = programmed(h, wide);
  const std::vector<double> all = split.read_weights(kExec), alone = one.read_weights(kExec);
  for (std::size_t i = 0; i < alone.size(); ++i)
    ASSERT_EQ(all[i / kInputs * 2 * kInputs + i % kInputs], alone[i]);
}

TEST(Programming, MovesPulsedDevicesByTheirOwnPulses) {
  Hardware h = verified("gokmen-vlasov");
  h.programming.verify_noise = 0.0f;
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  TileArray array = programmed(h, w);
  const WriteVerifyReport& report = array.programming_reports()[0];
  EXPECT_GT(report.reads, report.cells) << "they are read where they stand first";
  EXPECT_GT(report.converged_share(), 0.5) << "bounds of single devices keep the others from their targets";
}

TEST(Programming, FindsPulsedCellsWhereDriftHasTakenThem) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  Hardware h = verified("nandakumar-2018");
  h.programming.margin = 0.05f;
  h.programming.verify_noise = 0.0f;  // so that what verified once does so again, unless it drifted
  TileArray array = programmed(h, w);
  const std::int64_t at_first = array.counters().pulses;
  array.program(kExec, matrix(w, kOutputs), 1.0f);
  const std::int64_t at_once = array.counters().pulses - at_first;
  array.advance_to(kExec, kDay);
  array.program(kExec, matrix(w, kOutputs), 1.0f);
  // Cells that never verify are tried again each time; those that drifted come on top.
  const auto after_a_day = static_cast<double>(array.counters().pulses - at_first - at_once);
  EXPECT_GT(after_a_day, 1.3 * static_cast<double>(at_once));
}

TEST(Programming, NeedsAProcess) {
  EXPECT_NE(message_of([] { TileArray(kExec, verified("sonos"), {}, 2, 2); }).find("one-shot"),
            std::string::npos);
}

TEST(Faults, ReadAsStuckAndNeverConverge) {
  Hardware h = verified("pcm-like");
  h.faults.stuck_high = 0.05f;
  const std::vector<float> w(kOutputs * kInputs, 0.5f);
  TileArray array = programmed(h, w);
  array.advance_to(kExec, kYear);
  const std::vector<float> g = array.tiles()[0].conductances(kExec, Polarity::plus, array.now());
  const double stuck = static_cast<double>(std::count(g.begin(), g.end(), g_max(h.device)));
  const double n = static_cast<double>(g.size());
  EXPECT_NEAR(stuck / n, 0.05, 5 * std::sqrt(0.05 * 0.95 / n));
  const WriteVerifyReport& report = array.programming_reports()[0];
  EXPECT_NEAR(report.converged_share(), 0.95, 5 * std::sqrt(0.05 * 0.95 / (2 * n)) + 0.001);
}

TEST(Faults, WearCellsOutAsTheyAreWritten) {
  Hardware h = ideal_io("ideal");
  h.faults = {.endurance = 110.0f, .shape = 2.0f, .worn_low = 0.0f};  // ten writes of 11 weighted pulses
  const std::vector<float> w(kOutputs * kInputs, 0.5f);
  TileArray array(kExec, h, {.seed = 5}, kOutputs, kInputs);
  for (int writes = 1; writes <= 10; ++writes) {
    array.program(kExec, matrix(w, kOutputs), 1.0f);
    const std::vector<float> g = array.tiles()[0].conductances(kExec, Polarity::plus, array.now());
    const double worn = static_cast<double>(std::count(g.begin(), g.end(), g_max(h.device)));
    const double n = static_cast<double>(g.size()), expected = 1.0 - std::exp(-std::pow(writes / 10.0, 2.0));
    EXPECT_NEAR(worn / n, expected, 5 * std::sqrt(expected * (1 - expected) / n)) << writes;
  }
}

TEST(Faults, OfAChipSurviveItsFile) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("mq_programming_" + std::to_string(::getpid()) + ".h5");
  Hardware h = verified();
  h.faults = {.stuck_random = 0.05f, .endurance = 500.0f};
  h.programming.devices = 3;
  h.programming.fill = Fill::mixed;
  const std::vector<LayerShape> layers{{"fc", 20, 30}};
  const std::vector<float> w = uniforms(600, 1);
  Chip chip(kExec, HardwareConfig(h), layers, 3, 1), again(kExec, HardwareConfig(h), layers, 3, 1);
  chip.program(kExec, {matrix(w, 20)});
  chip.program(kExec, {matrix(w, 20)});
  chip.save(file);
  again.load(kExec, file);
  std::filesystem::remove(file);
  EXPECT_EQ(again.array(0).read_weights(kExec), chip.array(0).read_weights(kExec));
  EXPECT_EQ(again.counters(), chip.counters());
  chip.program(kExec, {matrix(w, 20)});
  again.program(kExec, {matrix(w, 20)});
  EXPECT_EQ(again.array(0).read_weights(kExec), chip.array(0).read_weights(kExec)) << "wear goes on";
}

TEST(DevicesPerPolarity, DivideTheErrorByTheSquareRootOfTheirNumberIfFilledEqually) {
  // Independent errors of N devices add in squares and full scale is N times as large. All cells err by 1 uS
  // but for the cut at 0, so weights of one sign far from 0 are looked at.
  const std::vector<float> w(kOutputs * kInputs, 0.6f);
  std::vector<double> errors;
  for (const int devices : {1, 4}) {
    TileArray array = programmed(quiet(Fill::equal, devices), w);
    const std::vector<float> g = array.tiles()[0].conductances(kExec, Polarity::plus, array.now());
    double squares = 0.0;
    for (const float one : g) squares += std::pow(one / (devices * 25.0e-6) - 0.6, 2);
    errors.push_back(std::sqrt(squares / static_cast<double>(g.size())));
  }
  EXPECT_NEAR(errors[0], 1.0 / 25.0, 5 * errors[0] / std::sqrt(2.0 * kOutputs * kInputs));
  EXPECT_NEAR(errors[1] / errors[0], 0.5, 5 * 0.5 / std::sqrt(kOutputs * kInputs));
}

TEST(DevicesPerPolarity, MixedFillCorrectsWhatTheOthersMissed) {
  // With max fill all N devices of a polarity err; with mixed fill only the last one does, as far as it
  // reaches.
  const std::vector<float> w(kOutputs * kInputs, 0.625f);  // 2.5 of 4 devices
  const auto error = [&](Fill fill) {
    TileArray array = programmed(quiet(fill, 4), w);
    const std::vector<float> g = array.tiles()[0].conductances(kExec, Polarity::plus, array.now());
    double squares = 0.0;
    for (const float one : g) squares += std::pow(one - 2.5 * 25.0e-6, 2) / static_cast<double>(g.size());
    return std::sqrt(squares);
  };
  const double five = 5.0 / std::sqrt(2.0 * kOutputs * kInputs);
  // Three devices err by 1 uS; the empty one is cut at 0, which leaves a mean of 0.40 uS and a spread of 0.58
  // uS.
  EXPECT_NEAR(error(Fill::max) * 1e6, std::sqrt(3.0 + 0.5), 2.0 * five);
  EXPECT_NEAR(error(Fill::mixed) * 1e6, 1.0, five);
}

TEST(DevicesPerPolarity, OneDeviceIsTheSameWhateverTheFill) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  const Hardware h = ideal_io("pcm-like");
  TileArray plain = programmed(h, w);
  for (const Fill fill : {Fill::equal, Fill::mixed}) {
    Hardware other = h;
    other.programming.fill = fill;
    TileArray array = programmed(other, w);
    EXPECT_EQ(array.read_weights(kExec), plain.read_weights(kExec));
  }
}

TEST(DevicesPerPolarity, CountInTheBytesOfAWeight) {
  Hardware h = ideal_io("pcm-like");
  const std::size_t one = bytes_per_weight(h);
  h.programming.devices = 2;
  const std::size_t two = bytes_per_weight(h);
  h.faults.endurance = 1e9f;
  EXPECT_EQ(two - one, 2 * sizeof(float) * static_cast<std::size_t>(cell_fields(h.device)));
  EXPECT_EQ(bytes_per_weight(h) - two, 2 * 2 * sizeof(float));
}

TEST(DevicesPerPolarity, TakePulsesInTurnsWhenTheyLearn) {
  Hardware h = ideal_io("ideal");
  h.device = ConstantStep::Params{};
  h.programming.devices = 2;
  h.programming.fill = Fill::equal;
  TileArray array(kExec, h, {.seed = 5}, 1, 1);
  const std::vector<float> w{0.0f}, x{1.0f}, d{1.0f};
  array.program(kExec, matrix(w, 1), 1.0f);
  const auto g = [&](int device) { return array.tiles()[0].cells(Polarity::plus, device).member(0)[0]; };
  const float before[2] = {g(0), g(1)};
  array.update(kExec, {x.data(), 1, 1}, {d.data(), 1, 1}, {.pulses = 1, .event = 0});
  EXPECT_NE(g(0), before[0]);
  EXPECT_EQ(g(1), before[1]);
  array.update(kExec, {x.data(), 1, 1}, {d.data(), 1, 1}, {.pulses = 1, .event = 1});
  EXPECT_NE(g(1), before[1]);
}

}  // namespace
}  // namespace mq
