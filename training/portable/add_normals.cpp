/// The contract is in training/hardware_aware.h; this file is built once per instruction set, with the same
/// bits.
#include <cstddef>
#include <cstdint>

#include "meltquench/core/host_device.h"
#include "meltquench/core/lanes.h"
#include "meltquench/core/random.h"

namespace mq::MQ_BACKEND {

void add_normals(const RngKey& key, float scale, const float* from, float* to, std::size_t first,
                 std::size_t last) {
  using F = FloatLanes<8>;
  std::size_t i = first;
  for (; i + 32 <= last; i += 32) {
    Rng<F> rng(key, ascending_from<UIntLanes<8>>(static_cast<std::uint32_t>(i / 4)));
    MQ_UNROLL
    for (std::size_t j = i; j < i + 32; j += 8) store(to + j, fma(F(scale), rng.normal(), load<F>(from + j)));
  }
  if (i == last) return;
  for (std::size_t lane = 0; lane < 8 && i + lane < last; ++lane) {
    Rng<float> rng(key, static_cast<std::uint32_t>(i / 4 + lane));
    for (std::size_t j = i + lane; j < last; j += 8) to[j] = fma(scale, rng.normal(), from[j]);
  }
}

}  // namespace mq::MQ_BACKEND
