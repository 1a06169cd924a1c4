/// Every function over lanes, applied to arrays of floats. Included by two files that are built for different
/// instruction sets, so everything here has internal linkage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "meltquench/core/math.h"
#include "meltquench/core/random.h"

namespace mq {
namespace {

/// Which floats a function may be given.
enum class Domain { finite, positive_normal, exponent, int32 };

struct LaneFunction {
  const char* name;
  Domain domain;
};
constexpr LaneFunction kLaneFunctions[] = {
    {"add", Domain::finite},
    {"subtract", Domain::finite},
    {"multiply", Domain::finite},
    {"divide", Domain::finite},
    {"negate", Domain::finite},
    {"less", Domain::finite},
    {"greater", Domain::finite},
    {"less_equal", Domain::finite},
    {"greater_equal", Domain::finite},
    {"equal", Domain::finite},
    {"fma", Domain::finite},
    {"sqrt", Domain::positive_normal},
    {"rint", Domain::finite},
    {"to_int", Domain::int32},
    {"bit operations", Domain::finite},
    {"shifts", Domain::finite},
    {"integers", Domain::finite},
    {"min, max", Domain::finite},
    {"clamp, abs", Domain::finite},
    {"log", Domain::positive_normal},
    {"exp", Domain::exponent},
    {"pow", Domain::positive_normal},
    {"sincos_turn", Domain::finite},
    {"philox", Domain::finite},
    {"box_muller", Domain::finite},
    {"Rng::normal", Domain::finite},
    {"Rng::uniform", Domain::finite},
    {"box_muller of 32 bits", Domain::finite},
};
constexpr int kLaneFunctionCount = static_cast<int>(std::size(kLaneFunctions));

/// One call at the lanes from a, b and c on; two results, as bits.
template <class F>
MQ_HD void call_lane_function(int which, F a, F b, F c, std::uint32_t* x, std::uint32_t* y) {
  using U = typename LaneTraits<F>::UInt;
  const U i = to_bits(a), j = to_bits(b), k = to_bits(c);
  U p = i, q = j;
  const auto give = [&](F first, F second) {
    p = to_bits(first);
    q = to_bits(second);
  };
  switch (which) {
    case 0:
      give(a + b, b + c);
      break;
    case 1:
      give(a - b, b - c);
      break;
    case 2:
      give(a * b, b * c);
      break;
    case 3:
      give(a / b, b / c);
      break;
    case 4:
      give(-a, -b);
      break;
    case 5:
      give(select(a < b, b, c), select(a < a, b, c));
      break;
    case 6:
      give(select(a > b, b, c), select(a > a, b, c));
      break;
    case 7:
      give(select(a <= b, b, c), select(a <= a, b, c));
      break;
    case 8:
      give(select(a >= b, b, c), select(a >= a, b, c));
      break;
    case 9:
      give(select(a == b, b, c), select(a == a, b, c));
      break;
    case 10:
      give(fma(a, b, c), fma(b, F(0.1f), F(-3.0f)));
      break;
    case 11:
      give(sqrt(a), sqrt(b));
      break;
    case 12:
      give(rint(a), rint(b * F(0.5f)));
      break;
    case 13:
      give(to_float(to_int(a)), to_float(to_int(b)));
      break;
    case 14:
      p = (i & j) | (k ^ ~i), q = i ^ (j | ~k);
      break;
    case 15:
      p = (i << 3) ^ (j >> 5), q = as_unsigned(as_signed(k) >> 7);
      break;
    case 16:
      p = i * j + k, q = i - j * 3u;
      break;
    case 17:
      give(min(a, b), max(b, c));
      break;
    case 18:
      give(clamp(a, F(-1e3f), F(1e-3f)), abs(b));
      break;
    case 19:
      give(log(a), log(b));
      break;
    case 20:
      give(exp(a), exp(b));
      break;
    case 21:
      give(pow(a, F(-0.65f)), pow(b, F(0.05f)));
      break;
    case 22: {
      F sine, cosine;
      sincos_turn(i, sine, cosine);
      give(sine, cosine);
      break;
    }
    case 23: {
      const auto block = philox(i, j, k, U(7u), 0x0123456789abcdefu);
      p = block.w[0] ^ (block.w[1] << 1), q = block.w[2] ^ (block.w[3] << 1);
      break;
    }
    case 24: {
      F z0, z1;
      box_muller<F>(i, j, z0, z1);
      give(z0, z1);
      break;
    }
    case 25: {
      Rng<F> rng(RngKey(3, Purpose::sampling).at_event(5, 2).at_place(9, 4), i, j);
      F last = rng.normal(), sum = last;
      for (int n = 0; n < 6; ++n) last = rng.normal(), sum = sum + last;
      give(last, sum);
      break;
    }
    case 26: {
      Rng<F> rng(RngKey(3, Purpose::sampling).at_event(5, 2).at_place(9, 4), i, j);
      const F first = rng.uniform(), z = rng.normal();
      give(first + rng.normal(), z + rng.normal() + rng.uniform());
      break;
    }
    default: {
      F z0, z1;
      box_muller<F, Tail::bits_32>(i, j, z0, z1);
      give(z0, z1);
      break;
    }
  }
  store(x, p);
  store(y, q);
}

/// The same for arrays whose size is a multiple of the width.
template <class F>
MQ_HD void call_for_arrays(int which, std::size_t size, const float* a, const float* b, const float* c,
                           std::uint32_t* x, std::uint32_t* y) {
  for (std::size_t n = 0; n < size; n += LaneTraits<F>::kWidth) {
    call_lane_function<F>(which, load<F>(a + n), load<F>(b + n), load<F>(c + n), x + n, y + n);
  }
}

}  // namespace
}  // namespace mq
