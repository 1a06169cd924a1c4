/// The 8-lane code with AVX2 and FMA, for the comparison in lanes_test.cpp. The build gives this file these
/// instructions, so it holds nothing else; it is called after the processor was asked for them.
#include "lane_functions.h"

namespace mq {

bool call_for_arrays_v3(int which, std::size_t size, const float* a, const float* b, const float* c,
                        std::uint32_t* x, std::uint32_t* y) {
  call_for_arrays<FloatLanes<8>>(which, size, a, b, c, x, y);
#if defined(__AVX2__) && defined(__FMA__)
  return true;
#else
  return false;
#endif
}

}  // namespace mq
