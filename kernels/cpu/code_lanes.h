/// Lanes of codes on the CPU: storing them as 16 bits, and what is counted over them.
#pragma once

#include <cstdint>
#include <cstring>

#include "meltquench/core/lanes.h"

namespace mq::MQ_BACKEND {

MQ_HD void store_short(std::int16_t* p, std::int32_t a) { *p = static_cast<std::int16_t>(a); }
template <int N>
MQ_HD void store_short(std::int16_t* p, IntLanes<N> a) {
  typedef std::int16_t Shorts __attribute__((vector_size(2 * N)));
  const Shorts narrow = __builtin_convertvector(a.v, Shorts);
  std::memcpy(p, &narrow, sizeof(narrow));
}

template <class I>
MQ_HD I magnitude_of(I code) {
  const I sign = code >> 31;
  return (code ^ sign) - sign;
}

template <class F>
MQ_HD std::int64_t sum_of_lanes(typename LaneTraits<F>::Int lanes) {
  std::int32_t each[LaneTraits<F>::kWidth];
  store(each, lanes);
  std::int64_t sum = 0;
  for (const std::int32_t lane : each) sum += lane;
  return sum;
}

}  // namespace mq::MQ_BACKEND
