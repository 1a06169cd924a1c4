/// Random numbers as a function of what they are for: nothing is stored, nothing depends on who computes.
///
/// Generator: Philox4x32-10, J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
/// doi:10.1145/2063384.2063405. Normals: Box-Muller, G. E. P. Box and M. E. Muller, Ann. Math. Stat. 29, 610
/// (1958); a radius has 23 random bits, so |z| <= 5.77, or 32 bits, so |z| <= 6.76 (Tail).
///
/// Layout, fixed by a golden-value test. The 64-bit key is mixed from (seed, purpose, layer, moment). The
/// counter is
///
///     word 0   index    cell in its array, or output
///     word 1   event    24 bits: n-th programming, call, step | array 4 bits | block 4 bits
///     word 2   row      sample x patch x phase: a place in the data set, never in a batch
///     word 3   place    tile 16 bits | chip 16 bits
///
/// `block` counts the four-word draws of one (index, event, row, place); `array` tells apart the polarities
/// and slices that share a tile.
#pragma once

#include <cstdint>

#include "meltquench/core/contract.h"
#include "meltquench/core/math.h"

namespace mq {

/// What a random number is for. Values are part of the layout: never renumber.
enum class Purpose : std::uint32_t {
  fabrication = 1,
  programming = 2,
  read_noise = 3,    ///< per cell, held from one time step to the next
  mvm_noise = 4,     ///< per product: output noise and short-term read noise
  weight_noise = 5,  ///< hardware-aware training
  weight_init = 6,
  data_order = 7,
  sampling = 8,               ///< tests, benchmarks and synthetic data
  pulse_trains = 9,           ///< which pulses of an update's trains fire
  pulse_steps = 10,           ///< cycle-to-cycle noise of the steps that pulses cause
  mvm_transposed_noise = 11,  ///< as mvm_noise, from outputs to inputs
  cell_noise = 12,            ///< steps of read noise that is correlated in time, and of telegraph noise
  write_noise = 13,           ///< what a write leaves between the state of a cell and what it shows
  pulse_response = 16,        ///< how a cell answers programming pulses, from device to device
  write_verify = 17,          ///< pulses and verify reads of program-and-verify
  faults = 18,                ///< which cells are stuck or fail, and when they wear out
  converters = 19,            ///< offsets, gains and mismatch of ADCs and output stages
  converter_noise = 20,       ///< noise and stochastic rounding of conversions
  input_noise = 21,           ///< noise of the drivers of word lines
};

/// SplitMix64's finaliser: G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014, doi:10.1145/2660193.2660195.
MQ_HD constexpr std::uint64_t mix64(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Everything that a group of random numbers has in common.
struct RngKey {
  std::uint64_t key = 0;
  std::uint32_t event = 0;  // shifted: event << 8 | array << 4
  std::uint32_t place = 0;  // tile << 16 | chip

  MQ_HD constexpr RngKey() {}
  MQ_HD constexpr RngKey(std::uint64_t seed, Purpose purpose, std::uint32_t layer = 0)
      : key(mix64(mix64(seed) ^ (std::uint64_t(purpose) << 32 | layer))) {}

  /// The key of the same purpose at another moment, e.g. the bits of a time.
  MQ_HD constexpr RngKey at_moment(std::uint64_t moment) const {
    RngKey r = *this;
    r.key = mix64(key ^ mix64(moment));
    return r;
  }
  /// Expects event < 2^24, array < 16.
  MQ_HD constexpr RngKey at_event(std::uint32_t n, std::uint32_t array = 0) const {
    RngKey r = *this;
    r.event = (n & 0xffffffu) << 8 | (array & 15u) << 4;
    return r;
  }
  /// Expects tile < 2^16, chip < 2^16.
  MQ_HD constexpr RngKey at_place(std::uint32_t tile, std::uint32_t chip) const {
    RngKey r = *this;
    r.place = tile << 16 | (chip & 0xffffu);
    return r;
  }
};

/// Four words per lane.
template <class U>
struct PhiloxBlock {
  U w[4];
};

MQ_HD void philox_round(std::uint32_t (&c)[4], std::uint32_t k0, std::uint32_t k1) {
  const std::uint64_t p0 = std::uint64_t(0xD2511F53u) * c[0];
  const std::uint64_t p1 = std::uint64_t(0xCD9E8D57u) * c[2];
  c[0] = std::uint32_t(p1 >> 32) ^ c[1] ^ k0;
  c[1] = std::uint32_t(p1);
  c[2] = std::uint32_t(p0 >> 32) ^ c[3] ^ k1;
  c[3] = std::uint32_t(p0);
}

/// Philox4x32 with 10 rounds.
MQ_HD PhiloxBlock<std::uint32_t> philox(std::uint32_t c0, std::uint32_t c1, std::uint32_t c2,
                                        std::uint32_t c3, std::uint64_t key) {
  std::uint32_t c[4] = {c0, c1, c2, c3};
  std::uint32_t k0 = std::uint32_t(key), k1 = std::uint32_t(key >> 32);
  MQ_UNROLL
  for (int round = 0; round < 10; ++round) {
    philox_round(c, k0, k1);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c[0], c[1], c[2], c[3]}};
}

#if defined(__AVX512F__)
/// As the 8 lanes below, in registers of twice the width. (g++ 12 warns of the plain forms of some AVX-512
/// intrinsics, hence operators and full masks.)
MQ_HD PhiloxBlock<UIntLanes<16>> philox_16(UIntLanes<16> c0, UIntLanes<16> c1, UIntLanes<16> c2,
                                           UIntLanes<16> c3, std::uint64_t key) {
  typedef std::uint64_t V __attribute__((vector_size(64)));
  const auto multiply = [](V a, std::uint32_t m) {
    return V(_mm512_maskz_mul_epu32(0xff, __m512i(a), __m512i(V{} + m)));
  };
  V a0 = V(c0.v), a1 = V(c1.v), a2 = V(c2.v), a3 = V(c3.v);
  V b0 = a0 >> 32, b1 = a1 >> 32, b2 = a2 >> 32, b3 = a3 >> 32;
  std::uint32_t k0 = std::uint32_t(key), k1 = std::uint32_t(key >> 32);
  MQ_UNROLL
  for (int round = 0; round < 10; ++round) {
    const V p0 = multiply(a0, 0xD2511F53u), p1 = multiply(a2, 0xCD9E8D57u);
    const V q0 = multiply(b0, 0xD2511F53u), q1 = multiply(b2, 0xCD9E8D57u);
    a0 = (p1 >> 32) ^ a1 ^ k0;
    a2 = (p0 >> 32) ^ a3 ^ k1;
    b0 = (q1 >> 32) ^ b1 ^ k0;
    b2 = (q0 >> 32) ^ b3 ^ k1;
    a1 = p1, a3 = p0, b1 = q1, b3 = q0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const auto merge = [](V even, V odd) {
    return UIntLanes<16>(
        UIntLanes<16>::V(_mm512_mask_blend_epi32(0xAAAA, __m512i(even), __m512i(odd << 32))));
  };
  return {{merge(a0, b0), merge(a1, b1), merge(a2, b2), merge(a3, b3)}};
}
#endif

template <int N>
MQ_HD PhiloxBlock<UIntLanes<N>> philox(UIntLanes<N> c0, UIntLanes<N> c1, UIntLanes<N> c2, UIntLanes<N> c3,
                                       std::uint64_t key) {
#if defined(__AVX512F__)
  if constexpr (N == 16) return philox_16(c0, c1, c2, c3, key);
#endif
#if defined(__AVX2__)
  if constexpr (N == 8) {
    // 32 x 32 -> 64 bit products exist for even lanes only, so even and odd lanes run as two streams of
    // 64-bit lanes whose upper halves are never read; they are merged once, after the last round.
    const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
    __m256i a0 = __m256i(c0.v), a1 = __m256i(c1.v), a2 = __m256i(c2.v), a3 = __m256i(c3.v);
    __m256i b0 = _mm256_srli_epi64(a0, 32), b1 = _mm256_srli_epi64(a1, 32);
    __m256i b2 = _mm256_srli_epi64(a2, 32), b3 = _mm256_srli_epi64(a3, 32);
    std::uint32_t k0 = std::uint32_t(key), k1 = std::uint32_t(key >> 32);
    MQ_UNROLL
    for (int round = 0; round < 10; ++round) {
      const __m256i key0 = _mm256_set1_epi32(int(k0)), key1 = _mm256_set1_epi32(int(k1));
      const __m256i p0 = _mm256_mul_epu32(a0, m0), p1 = _mm256_mul_epu32(a2, m1);
      const __m256i q0 = _mm256_mul_epu32(b0, m0), q1 = _mm256_mul_epu32(b2, m1);
      a0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), a1), key0);
      a2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), a3), key1);
      b0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(q1, 32), b1), key0);
      b2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(q0, 32), b3), key1);
      a1 = p1, a3 = p0, b1 = q1, b3 = q0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    const auto merge = [](__m256i even, __m256i odd) {
      return UIntLanes<N>(
          typename UIntLanes<N>::V(_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA)));
    };
    return {{merge(a0, b0), merge(a1, b1), merge(a2, b2), merge(a3, b3)}};
  }
#endif
  PhiloxBlock<UIntLanes<N>> r;
  for (int i = 0; i < N; ++i) {
    const auto block = philox(c0.v[i], c1.v[i], c2.v[i], c3.v[i], key);
    for (int w = 0; w < 4; ++w) r.w[w].v[i] = block.w[w];
  }
  return r;
}

/// How far normals reach: how many bits of a word make the radius, and so the smallest probability in it.
enum class Tail {
  bits_23,  ///< |z| <= 5.77: what lies beyond has a probability of 8e-9
  bits_32,  ///< |z| <= 6.76: 1.4e-11
};

/// Two independent standard normals from two words. The radius is sqrt(-2 ln((k + 1/2) / 2^bits)) with the
/// upper bits of the first word as k.
template <class F, Tail kTail = Tail::bits_23, class U = typename LaneTraits<F>::UInt>
MQ_HD void box_muller(U a, U b, F& z0, F& z1) {
  F u;
  if constexpr (kTail == Tail::bits_23) {
    u = fma(to_float(as_signed(a >> 9)), 0x1p-23f, 0x1p-24f);
  } else {
    const F rest = fma(to_float(as_signed(a & 0xffu)), 0x1p-32f, 0x1p-33f);
    u = fma(to_float(as_signed(a >> 8)), 0x1p-24f, rest);
  }
  const F radius = sqrt(log(u) * -2.0f);
  F sine, cosine;
  sincos_turn(b, sine, cosine);
  z0 = radius * cosine;
  z1 = radius * sine;
}

/// The random numbers of the cells or outputs `index`; a short-lived value, made where it is used.
template <class F, Tail kTail = Tail::bits_23>
class Rng {
 public:
  using U = typename LaneTraits<F>::UInt;

  MQ_HD Rng(const RngKey& key, U index, U row = U(0u)) : key_(key), index_(index), row_(row) {}

  /// Standard normal.
  MQ_HD F normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    if (used_ > 2) refill();  // after an odd number of uniforms the last word is left unused
    F z;
    box_muller<F, kTail>(block_.w[used_], block_.w[used_ + 1], z, spare_);
    used_ += 2;
    has_spare_ = true;
    return z;
  }
  /// Uniform in (0, 1): (k + 1/2) / 2^23. With 24 bits the largest value would round to 1.
  MQ_HD F uniform() {
    if (used_ == 4) refill();
    return fma(to_float(as_signed(block_.w[used_++] >> 9)), 0x1p-23f, 0x1p-24f);
  }

 private:
  MQ_HD void refill() {
    MQ_EXPECTS(blocks_ < 16);
    block_ = philox(index_, U(key_.event | blocks_), row_, U(key_.place), key_.key);
    ++blocks_;
    used_ = 0;
  }

  RngKey key_;
  U index_, row_;
  PhiloxBlock<U> block_;
  F spare_;
  unsigned blocks_ = 0;
  int used_ = 4;
  bool has_spare_ = false;
};

}  // namespace mq
