/// Stochastic pulse trains of an update: one word per line and sample.
///
/// Bit k < `length` of a word is set if the line fires in time slot k, which it does with probability
/// p = min(1, gain |value|), independently of every other bit; bit 31 is the sign of the value. T. Gokmen and
/// Y. Vlasov, Front. Neurosci. 10, 333 (2016), doi:10.3389/fnins.2016.00333.
///
/// p is rounded to t / 2^16. 16 bits, because p below half a step never fires: with 8 bits that would be the
/// 0.2 % of full scale where most gradients lie, with 16 it is less than 3e-4 pulses per train. All slots are
/// compared with their random numbers at once, bit-sliced: word k of 16 holds bit k of the random numbers of
/// all slots. From the lowest bit up, a slot fires if its bit is below that of t, or equal and it fired so
/// far; so P(fires) = t / 2^16 exactly.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/random.h"

namespace mq {

inline constexpr int kLongestTrain = 31;
inline constexpr std::uint32_t kPulseSlots = 0x7fffffffu;  ///< the bits of a word that are pulses

/// trains[batch, lines] from values[batch, lines]. A train depends on key, line, sample and value alone.
struct PulseTrains {
  const float* values = nullptr;  ///< finite
  std::size_t batch = 0;
  std::size_t lines = 0;
  float gain = 1.0f;           ///< probability per unit of |value|; >= 0
  int length = kLongestTrain;  ///< time slots, 1 to 31
  RngKey key{};                ///< block 0
  std::uint32_t first_sample = 0;
  std::uint32_t* trains = nullptr;
};

/// The trains of as many lines as F has lanes.
template <class F, class U = typename LaneTraits<F>::UInt>
MQ_HD U pulse_train(const PulseTrains& op, U line, std::uint32_t sample, F value) {
  const F p = min(abs(value) * F(op.gain), 1.0f);
  const U t = as_unsigned(to_int(rint(p * F(65536.0f))));
  U fires = U(0u);
  MQ_UNROLL
  for (std::uint32_t k = 0; k < 16; k += 4) {
    const auto random = philox(line, U(op.key.event | k / 4), U(sample), U(op.key.place), op.key.key);
    MQ_UNROLL
    for (int i = 0; i < 4; ++i) {
      const U bit = U(0u) - ((t >> (static_cast<int>(k) + i)) & 1u);
      const U r = random.w[i];
      fires = (bit & ~r) | (fires & (bit | ~r));
    }
  }
  fires = fires | (U(0u) - (t >> 16));  // p = 1
  return (fires & (kPulseSlots >> (kLongestTrain - op.length))) | (to_bits(value) & ~kPulseSlots);
}

}  // namespace mq
