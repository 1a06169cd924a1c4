#include "meltquench/devices/cmo.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/devices/device.h"

namespace mq {
namespace {

constexpr double kDay = 86400.0;

Cmo::Cell<float> programmed(const Cmo::Params& p, float target, std::uint32_t i) {
  Rng<float> device(RngKey(31, Purpose::programming), i), rng(RngKey(32, Purpose::programming), i);
  Cmo::Cell<float> cell{};
  Cmo::program(p, cell, target, device, rng);
  return cell;
}

std::string message_of(const std::string& keys) {
  try {
    device_from_value(parse_toml("device = { model = \"cmo\", " + keys + " }", "run.toml").at("device"),
                      "device");
  } catch (const ConfigError& error) {
    const std::string text = error.what();
    return text.substr(0, text.find('\n'));
  }
  return "accepted";
}

TEST(Cmo, AnUnknownAcceptanceIsRefused) {
  // In aihwkit 0.02 is not a key and silently gives the model of 0.2 %.
  EXPECT_EQ(message_of("acceptance = \"0.2 %\""), "accepted");
  EXPECT_EQ(message_of("acceptance = \"2 %\""), "accepted");
  for (const char* unknown : {"acceptance = 0.02", "acceptance = 2", "acceptance = \"0.02\""}) {
    const std::string message = message_of(unknown);
    EXPECT_NE(message.find("device.acceptance"), std::string::npos) << message;
    EXPECT_NE(message.find("0.2 %"), std::string::npos) << message;
  }
  const auto loose = std::get<Cmo::Params>(device_from_preset("cmo-loose"));
  const auto tight = std::get<Cmo::Params>(device_from_preset("cmo-tight"));
  EXPECT_EQ(loose.acceptance, Acceptance::within_2_percent);
  EXPECT_EQ(tight.acceptance, Acceptance::within_0_2_percent);
}

TEST(Cmo, TheRelaxationIsALineOverTheLogarithmOfTime) {
  Cmo::Params p;
  p.prog_noise_scale = p.relaxation_noise_scale = 0.0f;
  for (const double time : {0.0, 9.0, 3600.0, kDay, 365 * kDay}) {
    const Moment<float> moment = Cmo::at(p, time).rounded<float>();
    const double expected = 50.0 - 0.08900206 * std::log(time + 1.0);
    EXPECT_NEAR(Cmo::conductance(p, programmed(p, 50.0_uS, 1), moment) / 1.0_uS, expected, 2e-5) << time;
  }
}

TEST(Cmo, TheTimeOfTheReferenceReadDoesNotChangeTheLaw) {
  // The law counts from programming: what t0 = 1 s sees after 99 s, t0 = 60 s sees after 40 s.
  Cmo::Params early, late;
  late.t0 = 60.0_s;
  const auto cell = programmed(early, 50.0_uS, 3);
  EXPECT_NEAR(Cmo::conductance(early, cell, Cmo::at(early, 99.0).rounded<float>()),
              Cmo::conductance(late, cell, Cmo::at(late, 40.0).rounded<float>()), 1e-12f);
}

TEST(Cmo, StaysInTheRangeOfTheDevice) {
  Cmo::Params p;
  p.acceptance = Acceptance::within_2_percent;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    Rng<float> reading(RngKey(33, Purpose::read_noise), i);
    for (const float target : {9.0_uS, 50.0_uS, 88.2_uS}) {
      const float g =
          Cmo::read(p, programmed(p, target, i), Cmo::at(p, kDay).rounded<float>(), reading.normal());
      EXPECT_GE(g, p.g_min);
      EXPECT_LE(g, p.g_max);
    }
  }
}

}  // namespace
}  // namespace mq
