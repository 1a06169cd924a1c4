/// Sums of products against the laws that they stand for.
#include "meltquench/crossbar/current_expansion.h"

#include <gtest/gtest.h>

#include <cmath>

#include "arrays.h"
#include "laws.h"
#include "meltquench/devices/read_calibration.h"

namespace mq {
namespace {

Hardware hardware_of(const CurrentParams& law) {
  Hardware h;
  h.device = Ideal::Params{.g_min = 0.0f, .g_max = 100e-6f};
  h.current = law;
  return h;
}

/// The sum of products for a cell and an input.
double sum(const CurrentExpansion& expansion, Direction direction, double g, double u) {
  const auto terms = static_cast<std::size_t>(expansion.terms());
  std::vector<double> inputs(terms);
  std::vector<float> cells(terms);
  expansion.inputs(direction, u, inputs);
  const auto one = static_cast<float>(g);
  expansion.cells({}, {&one, 1}, expansion.terms(), cells);
  double total = 0.0;
  for (std::size_t t = 0; t < terms; ++t) total += double(cells[t]) * inputs[t];
  return total;
}

TEST(CurrentExpansion, IsTheLawToTheStatedToleranceBetweenThePointsThatMadeIt) {
  for (const NamedLaw& of : nonlinear_laws()) {
    for (const InputCoding coding : {InputCoding::level, InputCoding::duration}) {
      Hardware h = hardware_of(of.law);
      h.dac.coding = coding;
      const CurrentExpansion expansion(h);
      if (of.level_terms > 0 && coding == InputCoding::level) {
        EXPECT_EQ(expansion.terms(), of.level_terms) << of.name;
      }
      EXPECT_LE(expansion.terms(), coding == InputCoding::level ? 8 : 2) << of.name;
      double worst = 0.0;
      for (double g = 0.3e-6; g < 130e-6; g *= 1.37) {
        for (double u = -1.0; u <= 1.0; u += 0.0173) {
          const bool is_level = coding == InputCoding::level;
          const double v = is_level ? 0.2 * u : std::copysign(0.2, u);
          const double slope = slope_at_zero(of.law, float(g), 0.2).value();
          const double y = cell_current(of.law, slope, v).current / 0.2 * (is_level ? 1.0 : std::abs(u));
          EXPECT_NEAR(expansion.response(float(g), u), y, 1e-11 * std::abs(y) + 1e-30);
          worst = std::max(worst, std::abs(sum(expansion, Direction::forward, g, u) - y));
          // The other way, the other polarity of cells.
          EXPECT_NEAR(sum(expansion, Direction::transposed, g, u), -sum(expansion, Direction::forward, g, -u),
                      1e-15);
        }
      }
      EXPECT_LT(worst / 100e-6, kExpansionTolerance) << of.name << ", " << expansion.terms() << " terms";
    }
  }
}

TEST(CurrentExpansion, TreatsManyCellsAsItTreatsEachOfThem) {
  for (const NamedLaw& of : nonlinear_laws()) {
    const CurrentExpansion expansion(hardware_of(of.law));
    const auto terms = static_cast<std::size_t>(expansion.terms());
    std::vector<float> g;  // both signs, 0, and small ones
    for (int i = -5000; i <= 5000; ++i)
      g.push_back(120e-6f * float(i) / 5000.0f * std::abs(float(i)) / 5000.0f);
    std::vector<float> all(terms * g.size()), one(terms);
    expansion.cells({}, g, expansion.terms(), all);
    for (std::size_t i = 0; i < g.size(); i += 7) {
      expansion.cells({}, {&g[i], 1}, expansion.terms(), one);
      for (std::size_t t = 0; t < terms; ++t) {
        const double bound = 1e-8 * std::abs(double(g[i])) + 1e-7 * std::abs(double(one[t]));
        EXPECT_NEAR(all[t * g.size() + i], one[t], bound) << of.name << ", " << g[i] << ", term " << t;
      }
    }
  }
}

TEST(CurrentExpansion, LeavesACellItsConductanceAtTheReadVoltage) {
  for (const NamedLaw& of : nonlinear_laws()) {
    if (of.law.reference == ConductanceReference::zero_voltage) continue;
    const CurrentExpansion expansion(hardware_of(of.law));
    for (const double g : {1e-7, 1e-5, 7e-5, 1.2e-4}) {
      EXPECT_NEAR(expansion.response(g, 1.0) / g, 1.0, 1e-11) << of.name;
      EXPECT_NEAR(sum(expansion, Direction::forward, g, 1.0) / g, 1.0, 1e-6) << of.name;
    }
  }
}

TEST(CurrentExpansion, KnowsWhichInputsCountAsTheyAre) {
  struct Case {
    CurrentKind law;
    int digit_bits;
    bool splits_sign;
    InputCoding coding;
    int terms;
    bool is_proportional;
  };
  const auto sinh = CurrentKind::sinh, polynomial = CurrentKind::polynomial;
  const auto level = InputCoding::level, duration = InputCoding::duration;
  for (const Case& c :
       {Case{sinh, 0, false, level, 1, false}, Case{sinh, 1, false, level, 1, true},
        Case{sinh, 0, false, duration, 1, true}, Case{polynomial, 1, false, level, 2, false},
        Case{polynomial, 1, true, level, 1, true}, Case{polynomial, 0, true, duration, 1, true},
        Case{polynomial, 2, true, level, 3, false}}) {
    Hardware h = hardware_of({.law = c.law});
    h.dac.digit_bits = c.digit_bits;
    h.dac.splits_sign = c.splits_sign;
    h.dac.coding = c.coding;
    const CurrentExpansion expansion(h);
    EXPECT_EQ(expansion.terms(), c.terms);
    EXPECT_EQ(expansion.is_proportional(), c.is_proportional);
  }
}

TEST(CurrentExpansion, SaysWhatALawCannotHave) {
  const auto message = [](const CurrentParams& law, double v_read = 0.2) {
    Hardware h = hardware_of(law);
    h.dac.v_read = v_read;
    return message_of([&] { CurrentExpansion expansion(h); });
  };
  EXPECT_EQ(message({.law = CurrentKind::sinh, .access_resistance = 15e3}),
            "no cell of the law in [current] has 100 uS at 200 mV behind an access device of 15 kOhm; lower "
            "current.access_resistance, raise current.access_saturation, or set current.reference = "
            "\"zero-voltage\"");
  EXPECT_NE(message({.law = CurrentKind::polynomial, .quadratic = {-1.0, 0.0, 0.0, 0.0}}).find("[current]"),
            std::string::npos);
  EXPECT_EQ(message({.law = CurrentKind::sinh, .sinh_voltage = 0.01}, 20.0),
            "no cell of the law in [current] has 100 uS at 20 V; change the law, or set current.reference = "
            "\"zero-voltage\"");
}

}  // namespace
}  // namespace mq
