/// The kernel tables that this machine can run, and arrays to feed them.
#pragma once

#include <cstdint>
#include <vector>

#include "meltquench/kernels/kernel_table.h"

namespace mq {

/// One per instruction set that this machine can run; all must give the same bits.
inline std::vector<const KernelTable*> cpu_tables() {
  std::vector<const KernelTable*> tables;
  for (const std::string_view isa : cpu_instruction_sets()) tables.push_back(&cpu_kernels(isa));
  return tables;
}

/// Uniform in (low, high), a function of `stream`.
inline std::vector<float> uniforms(std::size_t size, std::uint32_t stream, float low = -1.0f,
                                   float high = 1.0f) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    Rng<float> rng(RngKey(2024, Purpose::sampling, stream), static_cast<std::uint32_t>(i));
    values[i] = low + (high - low) * rng.uniform();
  }
  return values;
}

}  // namespace mq
