#include "meltquench/core/lanes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iterator>
#include <vector>

#include "lane_functions.h"

namespace mq {

/// In lanes_v3_test.cpp: 8 lanes with AVX2 and FMA; false if that file was built without them.
bool call_for_arrays_v3(int which, std::size_t size, const float* a, const float* b, const float* c,
                        std::uint32_t* x, std::uint32_t* y);

namespace {

constexpr std::size_t kSize = 1 << 16;

/// Floats of a domain: random bits, so that all exponents and signs occur, and a few values where errors like
/// to hide.
std::vector<float> arguments(Domain domain, std::uint32_t which) {
  const float special[] = {0.0f, -0.0f, 1.0f,       -1.0f,  0.5f,    1.5f,
                           2.5f, -2.5f, 8388608.5f, 1e-45f, -1e-38f, 3.4e38f};
  std::vector<float> values(kSize);
  for (std::uint32_t n = 0; n < kSize; ++n) {
    const std::uint32_t word = philox(n, which, 0, 0, 99).w[0];
    float& value = values[n];
    switch (domain) {
      case Domain::finite:
        value = from_bits((word & 0x7f800000u) == 0x7f800000u ? word ^ 0x00800000u : word);
        if (n < std::size(special)) value = special[(n + which) % std::size(special)];
        break;
      case Domain::positive_normal:
        value = from_bits(0x00800000u + word % 0x7f000000u);
        break;
      case Domain::exponent:
        value = static_cast<float>(word) * 0x1p-32f * 240.0f - 120.0f;
        break;
      case Domain::int32:
        value = static_cast<float>(static_cast<std::int32_t>(word)) * 0.99f;
        break;
    }
  }
  return values;
}

struct Results {
  std::vector<std::uint32_t> x = std::vector<std::uint32_t>(kSize), y = x;

  friend bool operator==(const Results&, const Results&) = default;
};

class LaneWidths : public testing::TestWithParam<int> {
 protected:
  template <class Call>
  Results results(const Call& call) const {
    const Domain domain = kLaneFunctions[GetParam()].domain;
    static const auto kArguments = [](Domain d) {
      return std::array<std::vector<float>, 3>{arguments(d, 1), arguments(d, 2), arguments(d, 3)};
    };
    const auto in = kArguments(domain);
    Results r;
    call(GetParam(), kSize, in[0].data(), in[1].data(), in[2].data(), r.x.data(), r.y.data());
    for (auto* words : {&r.x, &r.y}) {
      for (std::uint32_t& word : *words) {
        if ((word & 0x7fffffffu) > 0x7f800000u && GetParam() < 11)
          word = 0x7fc00000u;  // 0 / 0: any NaN will do
      }
    }
    return r;
  }
};

TEST_P(LaneWidths, GiveTheSameBits) {
  const Results scalar = results(call_for_arrays<float>);
  EXPECT_NE(scalar.x, scalar.y);
  EXPECT_EQ(scalar, results(call_for_arrays<FloatLanes<4>>)) << "4 lanes";
  EXPECT_EQ(scalar, results(call_for_arrays<FloatLanes<8>>)) << "8 lanes without AVX2";
}

TEST_P(LaneWidths, GiveTheSameBitsWithAvx2) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "no x86-64 here";
#else
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    GTEST_SKIP() << "no AVX2 and FMA here";
  bool exists = true;
  const Results v3 = results([&](auto... arguments) { exists = call_for_arrays_v3(arguments...); });
  EXPECT_TRUE(exists) << "the build must give lanes_v3_test.cpp the flag -march=x86-64-v3";
  EXPECT_EQ(results(call_for_arrays<float>), v3);
#endif
}

INSTANTIATE_TEST_SUITE_P(All, LaneWidths, testing::Range(0, kLaneFunctionCount), [](const auto& info) {
  std::string name = kLaneFunctions[info.param].name;
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
});

TEST(Lanes, AScalarTurnsIntoEqualLanesAndNegativeZeroStaysNegative) {
  float lanes[4];
  store(lanes, FloatLanes<4>(-0.0f));
  for (const float lane : lanes) EXPECT_EQ(to_bits(lane), 0x80000000u);
  store(lanes, -FloatLanes<4>(0.0f));
  for (const float lane : lanes) EXPECT_EQ(to_bits(lane), 0x80000000u);
}

TEST(Lanes, FmaRoundsOnce) {
  const float a =
      1.0f + 0x1p-12f;  // a * a = 1 + 2^-11 + 2^-24: the last term is lost if the product is rounded
  EXPECT_EQ(fma(a, a, -(1.0f + 0x1p-11f)), 0x1p-24f);
  EXPECT_EQ(a * a - (1.0f + 0x1p-11f), 0.0f);
}

TEST(Lanes, RintSendsTiesToEven) {
  const float ties[][2] = {{0.5f, 0},   {1.5f, 2},   {2.5f, 2},       {-0.5f, 0},
                           {-1.5f, -2}, {-2.5f, -2}, {0.49999997f, 0}};
  for (const auto& [x, rounded] : ties) EXPECT_EQ(rint(x), rounded) << x;
}

TEST(Lanes, LoadsAndStoresNeedNoAlignment) {
  float memory[10], copy[10] = {};
  for (int i = 0; i < 10; ++i) memory[i] = static_cast<float>(i);
  store(copy + 1, load<FloatLanes<8>>(memory + 1) + FloatLanes<8>(1.0f));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(copy[1 + i], memory[1 + i] + 1.0f);
  EXPECT_EQ(copy[0], 0.0f);
  EXPECT_EQ(copy[9], 0.0f);
}

TEST(Lanes, AscendingCountsLanes) {
  std::uint32_t lanes[8];
  store(lanes, ascending_from<UIntLanes<8>>(0xfffffffeu));
  for (std::uint32_t i = 0; i < 8; ++i) EXPECT_EQ(lanes[i], 0xfffffffeu + i);
  EXPECT_EQ(ascending_from<std::uint32_t>(5), 5u);
}

}  // namespace
}  // namespace mq
