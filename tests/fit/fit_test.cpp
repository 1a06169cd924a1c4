#include "meltquench/devices/fit/fit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/devices/fit/csv.h"
#include "meltquench/devices/fit/synthesize.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

Measurements drift_of(const std::string& preset, int cells, std::uint64_t seed) {
  const DeviceParams device = device_from_preset(preset);
  return parse_measurements(
      reads_to_csv(synthesize_drift(device, drift_experiment(device, cells, 60.0, seed))), "drift.csv");
}

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Fit, WritesAPresetThatBehavesLikeTheDevice) {
  const FitResult fit = fit_device(drift_of("pcm-like", 10'000, 2), {});
  ASSERT_TRUE(fit.has_converged);
  const std::string toml = fit_to_toml(fit);
  EXPECT_NE(toml.find("summary = \"Fitted to 50000 rows of drift.csv.\""), std::string::npos) << toml;
  EXPECT_NE(toml.find("#   nu_mean.low = 0.04"), std::string::npos) << toml;
  EXPECT_NE(toml.find("degrees of freedom, p = "), std::string::npos);
  Value table = parse_toml(toml, "my-device.toml");
  table.erase_key("summary");
  const DeviceParams fitted = device_from_value(table, "device"), truth = device_from_preset("pcm-like");
  EXPECT_EQ(device_to_value(fitted), fit.device);

  // The same cells, drawn from both: mean and spread an hour and a year later, 20 000 cells each.
  for (const double target : {0.06, 0.2, 0.5, 1.0}) {
    const DriftExperiment experiment{
        .cells = 20'000, .levels = {target}, .read_times = {3600.0, 3.15e7}, .seed = 9};
    const CellReads a = synthesize_drift(truth, experiment), b = synthesize_drift(fitted, experiment);
    for (std::size_t k = 0; k < 2; ++k) {
      double mean_a = 0, mean_b = 0, square_a = 0, square_b = 0;
      for (std::size_t i = k; i < a.size(); i += 2) {
        mean_a += a.g[i] / 20'000, mean_b += b.g[i] / 20'000;
        square_a += a.g[i] * a.g[i] / 20'000, square_b += b.g[i] * b.g[i] / 20'000;
      }
      EXPECT_NEAR(mean_b / mean_a, 1.0, 0.02) << target;
      EXPECT_NEAR(std::sqrt((square_b - mean_b * mean_b) / (square_a - mean_a * mean_a)), 1.0, 0.08)
          << target;
    }
  }
  EXPECT_EQ(fit.panels.size(), 5u);
}

TEST(Fit, JoinsProgrammingDriftAndSpectra) {
  const DeviceParams device = device_from_preset("pcm-like");
  Measurements all = drift_of("pcm-like", 3000, 3);
  all.append(parse_measurements(
      programming_to_csv(synthesize_programming(device, 5000, {0.1, 0.3, 0.5, 0.7, 1.0}, 0.02, 4)),
      "program.csv"));
  all.append(parse_measurements(spectra_to_csv(synthesize_spectra(device, {0.1, 0.3, 0.5, 0.7, 1.0}, 5)),
                                "psd.csv"));
  const FitResult fit = fit_device(all, {.g_max = 25e-6});
  EXPECT_EQ(fit.files, (std::vector<std::string>{"drift.csv", "program.csv", "psd.csv"}));
  int found = 0;
  for (const Estimate& e : fit.estimates) {
    const auto near = [&](double truth) {
      ++found;
      EXPECT_NEAR(e.value, truth, 5.0 * e.standard_error) << e.name;
    };
    if (e.name == "yield") near(0.98);
    if (e.name == "gamma") near(1.0);
    if (e.name == "read_noise.slope") near(-0.65);
    if (e.name == "nu_mean.low") near(0.049);
    if (e.name == "prog_noise[0]") near(0.26348e-6);
  }
  EXPECT_EQ(found, 5);
}

TEST(Fit, LeavesOutCellsThatFailed) {
  Measurements all = drift_of("pcm-like", 4000, 6);
  for (std::size_t i = 0; i < all.reads.size(); ++i) {
    if (all.reads.cell[i] % 50 == 0) all.reads.g[i] = 0.4e-6;  // stuck, whatever the target
  }
  const FitResult fit = fit_device(all, {.g_max = 25e-6});
  for (const Estimate& e : fit.estimates) {
    if (e.name == "nu_mean.low") {
      EXPECT_NEAR(e.value, 0.049, 5.0 * e.standard_error);
    }
    if (e.name == "nu_sigma.low") {
      EXPECT_NEAR(e.value, 0.008, 5.0 * e.standard_error);
    }
  }
  ASSERT_FALSE(fit.notes.empty());
  EXPECT_NE(fit.notes[0].find("cells did not converge"), std::string::npos) << fit.notes[0];
}

TEST(Fit, OfOneTargetHasNoLaws) {
  const DeviceParams device = device_from_preset("pcm-like");
  DriftExperiment experiment = drift_experiment(device, 2000, 0.0, 3);
  experiment.levels = {0.5};
  const FitResult fit = fit_device({.reads = synthesize_drift(device, experiment)}, {.g_max = 25e-6});
  EXPECT_TRUE(fit.has_converged);
  ASSERT_EQ(fit.estimates.size(), 4u);  // one write, mean and spread of nu, amplitude of the read noise
  EXPECT_EQ(fit.estimates[1].name, "nu_mean.low");
  EXPECT_NEAR(fit.estimates[1].value, 0.049, 5.0 * fit.estimates[1].standard_error);
}

TEST(Fit, SaysWhatIsMissing) {
  const Measurements drift = drift_of("pcm-like", 100, 1);
  EXPECT_NE(message_of([&] { fit_device(drift, {.model = "pmc"}); }).find("did you mean pcm?"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              fit_device(drift, {.model = "soft-bounds"});
            }).find("is fitted to conductance over pulses; none of the files holds that"),
            std::string::npos);
  EXPECT_NE(
      message_of([&] { fit_device(drift, {.preset = "gokmen-vlasov"}); }).find("a fit of 'pcm' starts from"),
      std::string::npos);
  const Measurements few =
      parse_measurements("cell,target_uS,time_s,g_uS\n0,5,20,4.9\n0,5,200,4.5\n", "few.csv");
  EXPECT_NE(message_of([&] { fit_device(few, {}); }).find("at least 8 cells per target"), std::string::npos);
  const Measurements written = parse_measurements("cell,target_uS,g_uS\n0,5,4.9\n", "few.csv");
  EXPECT_NE(message_of([&] { fit_device(written, {}); }).find("at least 20"), std::string::npos);
  const Measurements pulses = parse_measurements("cell,pulse,g_uS\n0,0,0.1\n0,1,1.1\n", "few.csv");
  EXPECT_NE(message_of([&] { fit_device(pulses, {}); }).find("at least 50"), std::string::npos);
}

TEST(PresetFile, IsReadFromBesideTheConfig) {
  const fs::path folder = fs::temp_directory_path() / ("mq-preset-" + std::to_string(getpid()));
  fs::create_directory(folder);
  std::ofstream(folder / "mine.toml") << "summary = \"Mine.\"\nmodel = \"pcm\"\ng_max = \"30 uS\"\n";
  std::ofstream(folder / "loop.toml") << "preset = \"loop.toml\"\n";
  std::ofstream(folder / "bad.toml") << "model = \"pcm\"\ng_mox = 1\n";
  const auto config = [&](const std::string& text) {
    std::ofstream(folder / "run.toml") << text << "\n";
    return load_toml(folder / "run.toml");
  };
  const auto device = [&](const std::string& text) {
    return device_from_value(config(text).at("device"), "device");
  };
  EXPECT_FLOAT_EQ(g_max(device("device = 'mine.toml'")), 30e-6f);
  EXPECT_FLOAT_EQ(g_max(device("device = { preset = 'mine.toml', g_max = '20 uS' }")), 20e-6f);
  EXPECT_NE(message_of([&] {
              device("device = 'none.toml'");
            }).find("device: there is no preset file 'none.toml' beside the config"),
            std::string::npos);
  EXPECT_NE(message_of([&] { device("device = 'loop.toml'"); }).find("must not start from another file"),
            std::string::npos);
  EXPECT_NE(message_of([&] { device("device = 'bad.toml'"); }).find("g_mox"), std::string::npos);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace mq
