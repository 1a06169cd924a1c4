/// Numbers do not depend on the locale of the process, which a host program may have set.
#include <gtest/gtest.h>

#include <clocale>
#include <locale>

#include "meltquench/core/config.h"
#include "meltquench/core/json.h"
#include "meltquench/experiment/sweep_grid.h"

namespace mq {
namespace {

class Commas : public std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

/// Decimal commas and points between thousands: for C++ streams always, for C where such a locale is there.
class CommaLocale {
 public:
  CommaLocale() : before_(std::locale::global(std::locale(std::locale::classic(), new Commas))) {
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"}) {
      if (std::setlocale(LC_ALL, name) != nullptr) break;
    }
  }
  ~CommaLocale() {
    std::setlocale(LC_ALL, "C");
    std::locale::global(before_);
  }

 private:
  std::locale before_;
};

std::string all_of_a_sweep() {
  const Value config = parse_toml(
      "seed = 1000\n[device]\nprog_noise_scale = 0.5\nread_noise_scale = 1_000.25\ng_max = \"12.5 uS\"\n"
      "[data]\ntrain_images = 12_000\n[sweep]\n\"wires.word_line\" = [\"2.5 Ohm\"]\n",
      "s.toml");
  const std::vector<std::string> axes = {"dac.asymmetry=lin(0.05, 0.1, 3)", "device.t0=log(1.5 s, 6 s, 3)",
                                         "adc.noise=range(0.5, 1500.5, 1000)", "tile.output_noise=0.25"};
  std::string text = to_toml(config) + to_json(config);
  for (const SweepPoint& point : sweep_points(config, axes)) {
    text += point.label() + "\n" + point.key + "\n" + to_toml(point.config.to_value());
  }
  return text;
}

TEST(Locale, ChangesNoNumberOfAConfigOrASweep) {
  const std::string plain = all_of_a_sweep();
  ASSERT_NE(plain.find("dac.asymmetry=0.075"), std::string::npos);
  ASSERT_NE(plain.find("read_noise_scale = 1000.25"), std::string::npos);
  const CommaLocale here;
  EXPECT_EQ(all_of_a_sweep(), plain);
  EXPECT_EQ(parse_json("{\"x\": 2.5, \"n\": 123456}", "x").at("x"), Value(2.5));
  EXPECT_EQ(parse_json("{\"x\": 2.5, \"n\": 123456}", "x").at("n"), Value(123456));
}

}  // namespace
}  // namespace mq
