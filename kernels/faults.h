/// Which cells of an array are faulty, and the lines that writing and reading need of it.
#pragma once

#include <cstddef>

#include "meltquench/devices/faults.h"

namespace mq {

struct FindFaults {
  ArrayFaults faults;
  const float* wear = nullptr;  ///< [size] weighted pulses so far; null: none
  std::size_t size = 0;
  float* found = nullptr;  ///< [size] as `fault_of` says
};

/// What writing does about faults; a default one knows of none.
struct WriteFaults {
  const float* found = nullptr;  ///< [cells] of FindFaults; null: all cells work
  float failing_spread = 0.0f;   ///< of what failing cells hold [S]
  float* wear = nullptr;         ///< [cells] weighted pulses, added to; null: cells do not wear
  float reset_weight = 0.0f;     ///< SET pulses that wear as much as a RESET pulse
};

/// The conductance after a write: g, or that of a failed write where `found` says so.
template <class F>
MQ_HD F with_failures(const WriteFaults& faults, F found, F g, F g_target, F z, float g_min, float g_max) {
  return select(found == F(kFailingCell), failed_write(g_target, z, faults.failing_spread, g_min, g_max), g);
}

}  // namespace mq
