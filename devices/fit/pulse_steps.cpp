#include "meltquench/devices/fit/pulse_steps.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace mq {

std::map<std::int64_t, std::vector<PulseStep>> steps_by_cell(const PulseReads& pulses) {
  std::vector<std::size_t> order(pulses.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  const auto place = [&](std::size_t i) {
    return std::tuple(pulses.cell[i], pulses.sequence[i], pulses.pulse[i]);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return place(a) < place(b); });
  std::map<std::int64_t, std::vector<PulseStep>> steps;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::size_t before = order[i - 1], after = order[i];
    if (pulses.cell[before] != pulses.cell[after] || pulses.sequence[before] != pulses.sequence[after] ||
        pulses.pulse[before] + 1 != pulses.pulse[after]) {
      continue;
    }
    steps[pulses.cell[after]].push_back({.g = pulses.g[before],
                                         .change = pulses.g[after] - pulses.g[before],
                                         .is_up = pulses.direction[after] > 0,
                                         .sequence = pulses.sequence[after],
                                         .pulse = pulses.pulse[after]});
  }
  return steps;
}

long rows_of(const std::vector<PulseStep>& steps) {
  long rows = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool goes_on =
        i > 0 && steps[i - 1].sequence == steps[i].sequence && steps[i - 1].pulse + 1 == steps[i].pulse;
    rows += goes_on ? 1 : 2;
  }
  return rows;
}

}  // namespace mq
