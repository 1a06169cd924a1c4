/// Laws of currents for the tests of nonlinear cells.
#pragma once

#include <string>
#include <vector>

#include "meltquench/devices/current_law.h"

namespace mq {

struct NamedLaw {
  std::string name;
  CurrentParams law;
  int level_terms;  // of the expansion for inputs that are voltages, at 0.2 V and up to 100 uS; 0: not known
};

inline std::vector<NamedLaw> nonlinear_laws() {
  const auto sinh = CurrentKind::sinh;
  const auto polynomial = CurrentKind::polynomial;
  return {
      {"sinh", {.law = sinh}, 1},
      {"polar sinh", {.law = sinh, .negative_factor = 0.8}, 1},
      {"polar ohmic", {.negative_factor = 0.8}, 1},
      {"polynomial", {.law = polynomial}, 3},
      {"sinh, slope at 0 V", {.law = sinh, .reference = ConductanceReference::zero_voltage}, 1},
      {"polynomial, slope at 0 V", {.law = polynomial, .reference = ConductanceReference::zero_voltage}, 3},
      {"sinh behind a resistance", {.law = sinh, .access_resistance = 2e3}, 0},
      {"saturating access", {.access_resistance = 1e3, .access_saturation = 60e-6}, 0},
      {"polar polynomial behind a saturating access",
       {.law = polynomial, .negative_factor = 0.9, .access_resistance = 1e3, .access_saturation = 80e-6},
       0}};
}

}  // namespace mq
