// The stand-in's tensor core against a plain matrix product, with fragments built from another description
// than its own: the thread-value layouts of CUTLASS (BSD-3-Clause), include/cute/atom/mma_traits_sm80.hpp,
// MMA_Traits<SM80_16x8x32_S32S8S8S32_TN>. There a lane T holds its V-th element at the sum of digit * stride,
// counted down the columns of a[16, 32], of b transposed [8, 32] and of d[16, 8].
#include <array>

#include "planted.h"

namespace mq {
namespace {

constexpr unsigned kM = 16, kN = 8, kK = 32;

struct Digit {
  unsigned size, stride;
};
unsigned offset(unsigned index, std::initializer_list<Digit> digits) {
  unsigned sum = 0;
  for (const Digit& digit : digits) {
    sum += index % digit.size * digit.stride;
    index /= digit.size;
  }
  return sum;
}
unsigned place_in_a(unsigned lane, unsigned v) {
  return offset(lane, {{4, 64}, {8, 1}}) + offset(v, {{4, 16}, {2, 8}, {2, 256}});
}
unsigned place_in_b(unsigned lane, unsigned v) {
  return offset(lane, {{4, 32}, {8, 1}}) + offset(v, {{4, 8}, {2, 128}});
}
unsigned place_in_d(unsigned lane, unsigned v) {
  return offset(lane, {{4, 32}, {8, 1}}) + offset(v, {{2, 16}, {2, 8}});
}

/// Fragments lie as [lane][register].
__global__ void multiply_kernel(const std::uint32_t* a, const std::uint32_t* b, std::int32_t* d,
                                bool a_is_signed, bool b_is_signed) {
  const unsigned lane = threadIdx.x;
  std::uint32_t a_part[4], b_part[2];
  std::int32_t d_part[4];
  for (unsigned r = 0; r < 4; ++r) a_part[r] = a[lane * 4 + r];
  for (unsigned r = 0; r < 2; ++r) b_part[r] = b[lane * 2 + r];
  for (unsigned r = 0; r < 4; ++r) d_part[r] = d[lane * 4 + r];
  on_cpu::mma_m16n8k32(d_part, a_part, b_part, a_is_signed, b_is_signed);
  for (unsigned r = 0; r < 4; ++r) d[lane * 4 + r] = d_part[r];
}

class OnCpuTensorCore : public PlantedKernels {};

TEST_F(OnCpuTensorCore, MultipliesAsTheLayoutsOfCutlassSay) {
  const RngKey key(11, Purpose::sampling);
  const auto random = [&](std::uint32_t i) {
    return static_cast<std::uint32_t>(Rng<float>(key, i).uniform() * 16777216.0f);
  };
  for (const bool a_is_signed : {false, true}) {
    for (const bool b_is_signed : {false, true}) {
      const auto value = [](std::uint32_t byte, bool is_signed) {
        return is_signed ? std::int32_t(static_cast<std::int8_t>(byte)) : std::int32_t(byte);
      };
      std::array<std::int32_t, kM * kK> a{};
      std::array<std::int32_t, kN * kK> b{};
      std::array<std::int32_t, kM * kN> d{};
      std::vector<std::uint32_t> a_parts(32 * 4), b_parts(32 * 2);
      std::vector<std::int32_t> d_parts(32 * 4), expected(32 * 4);
      for (unsigned lane = 0; lane < 32; ++lane) {
        for (unsigned v = 0; v < 16; ++v) {
          const std::uint32_t byte = random(lane * 16 + v) & 0xff;
          a[place_in_a(lane, v)] = value(byte, a_is_signed);
          a_parts[lane * 4 + v / 4] |= byte << 8 * (v % 4);
        }
        for (unsigned v = 0; v < 8; ++v) {
          const std::uint32_t byte = random(1000 + lane * 8 + v) & 0xff;
          b[place_in_b(lane, v)] = value(byte, b_is_signed);
          b_parts[lane * 2 + v / 4] |= byte << 8 * (v % 4);
        }
        for (unsigned v = 0; v < 4; ++v) {
          d_parts[lane * 4 + v] = static_cast<std::int32_t>(random(2000 + lane * 4 + v)) - 8388608;
          d[place_in_d(lane, v)] = d_parts[lane * 4 + v];
        }
      }
      for (unsigned m = 0; m < kM; ++m) {
        for (unsigned n = 0; n < kN; ++n) {
          for (unsigned k = 0; k < kK; ++k) d[m + kM * n] += a[m + kM * k] * b[n + kN * k];
        }
      }
      for (unsigned i = 0; i < 128; ++i) expected[i] = d[place_in_d(i / 4, i % 4)];
      for_thread_orders([&](std::uint64_t) {
        Buffer<std::int32_t> sums = on_backend(kCuda, d_parts);
        MQ_LAUNCH(multiply_kernel, 1u, 32u, kCuda, on_backend(kCuda, a_parts).data(),
                  on_backend(kCuda, b_parts).data(), sums.data(), a_is_signed, b_is_signed);
        EXPECT_EQ(on_host(sums), expected) << "a signed: " << a_is_signed << ", b signed: " << b_is_signed;
      });
    }
  }
}

}  // namespace
}  // namespace mq
