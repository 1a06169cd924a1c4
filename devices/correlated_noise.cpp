#include "meltquench/devices/correlated_noise.h"

#include <cmath>
#include <numbers>

#include "meltquench/core/error.h"

namespace mq {

NoiseProcesses noise_processes(const CellNoiseParams& params, double t_read) {
  const double f_low = 1.0 / params.longest, f_high = 0.5 / t_read;
  if (!(f_high > f_low)) {
    throw ConfigError("cell_noise.longest = " + format_quantity(params.longest, Unit::second) +
                      " must be longer than two read pulses of " + format_quantity(t_read, Unit::second));
  }
  const double range = std::log(f_high / f_low);
  const int total = static_cast<int>(std::ceil(2.0 * std::log10(f_high / f_low)));
  const double distance = range / total;
  NoiseProcesses processes;
  processes.weight = std::sqrt(distance);
  for (int k = 0; k < total; ++k) {
    const double rate = 2.0 * std::numbers::pi * f_low * std::exp((k + 0.5) * distance);
    if (rate * params.resolution > 10.0) break;
    if (processes.count == NoiseProcesses::kMost) {
      throw ConfigError("cell_noise: from longest = " + format_quantity(params.longest, Unit::second) +
                        " down to resolution = " + format_quantity(params.resolution, Unit::second) +
                        " takes more than " + std::to_string(NoiseProcesses::kMost) +
                        " processes; bring the two closer together");
    }
    processes.rate[processes.count++] = rate;
  }
  processes.white = std::sqrt(distance * (total - processes.count));
  return processes;
}

TelegraphLaw::TelegraphLaw(const CellNoiseParams& params)
    : share(static_cast<float>(params.telegraph_share)),
      step(static_cast<float>(params.telegraph_amplitude)),
      spread(static_cast<float>(params.telegraph_spread)),
      log_fastest(static_cast<float>(std::log(params.telegraph_fastest))),
      log_slowest(static_cast<float>(std::log(params.telegraph_slowest))) {}

}  // namespace mq
