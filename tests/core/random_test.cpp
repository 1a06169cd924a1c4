#include "meltquench/core/random.h"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <type_traits>
#include <vector>

namespace mq {
namespace {

/// Five standard errors of a mean of n values whose standard deviation is s.
double five_errors(double s, double n) { return 5.0 * s / std::sqrt(n); }

TEST(Philox, GivesTheKnownAnswersOfRandom123) {
  // The three lines "philox4x32 10" of the file kat_vectors in Random123's examples.
  const std::uint32_t vectors[][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e,
       0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb,
       0x5001e420, 0x24126ea1},
  };
  for (const auto& v : vectors) {
    const auto block = philox(v[0], v[1], v[2], v[3], std::uint64_t(v[5]) << 32 | v[4]);
    for (int w = 0; w < 4; ++w) EXPECT_EQ(block.w[w], v[6 + w]);
  }
}

TEST(Philox, AgreesWithRandom123On65536Blocks) {
  int differing = 0;
  for (std::uint32_t n = 0; n < 65536; ++n) {
    const std::uint64_t a = mix64(n), b = mix64(a), key = mix64(b);
    const r123::Philox4x32::ctr_type counter = {
        {std::uint32_t(a), std::uint32_t(a >> 32), std::uint32_t(b), n}};
    const r123::Philox4x32::key_type words = {{std::uint32_t(key), std::uint32_t(key >> 32)}};
    const auto expected = r123::Philox4x32()(counter, words);
    const auto block = philox(counter[0], counter[1], counter[2], counter[3], key);
    for (int w = 0; w < 4; ++w) differing += block.w[w] != expected[w];
  }
  EXPECT_EQ(differing, 0);
}

TEST(Random, TheLayoutOfKeysIsFixed) {
  // Golden values: a change here changes the result of every experiment.
  const RngKey key(7, Purpose::programming, 3);
  EXPECT_EQ(key.key, 0xf5ca2d8383846d24u);
  EXPECT_EQ(key.at_moment(0x4046000000000000u).key, 0x6c3141c9816c3cddu);
  EXPECT_EQ(key.at_event(0xabcdef, 0x5).event, 0xabcdef50u);
  EXPECT_EQ(key.at_place(0x1234, 0x5678).place, 0x12345678u);
  EXPECT_EQ(RngKey(7, Purpose::pulse_trains).key, 0xc9c3c00533e0c1eau);
  EXPECT_EQ(RngKey(7, Purpose::pulse_steps).key, 0x617f0d0b8f577782u);
  EXPECT_EQ(RngKey(7, Purpose::converters).key, 0x7f46d19b32854955u);
  EXPECT_EQ(RngKey(7, Purpose::converter_noise).key, 0xdf9c18af0a869d91u);
  EXPECT_EQ(RngKey(7, Purpose::input_noise).key, 0x43a7d593d8cc516bu);
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafu);  // first output of SplitMix64 with seed 0
}

TEST(Random, TheNumbersOfACellAreFixed) {
  const RngKey key = RngKey(7, Purpose::programming, 3).at_event(2, 1).at_place(5, 9);
  Rng<float> rng(key, 1000u, 17u);
  for (const std::uint32_t bits :
       {0xbf99d473u, 0x3ece3a35u, 0x3f8eeef0u, 0xbeb65363u, 0xbfc71ec8u, 0x3f18298cu})
    EXPECT_EQ(to_bits(rng.normal()), bits);
  Rng<float> other(key, 1000u, 17u);
  for (const std::uint32_t bits : {0x3ee54dd6u, 0x3ee5a5dau, 0x3f00ce15u, 0x3f736c17u, 0x3e7fe9c4u})
    EXPECT_EQ(to_bits(other.uniform()), bits);
}

TEST(Random, WordsOfTheCounterAreIndexEventRowAndPlace) {
  const RngKey key = RngKey(1, Purpose::sampling).at_event(77, 3).at_place(2, 4);
  Rng<float> rng(key, 11u, 22u);
  for (int n = 0; n < 4; ++n) rng.uniform();
  const auto second = philox(11u, 77u << 8 | 3u << 4 | 1u, 22u, 2u << 16 | 4u, key.key);
  EXPECT_EQ(rng.uniform(), fma(to_float(as_signed(second.w[0] >> 9)), 0x1p-23f, 0x1p-24f));
}

TEST(Random, NormalsAndUniformsMayBeMixed) {
  // An odd word is left over after one uniform: the next pair of normals must not reach beyond its block.
  const RngKey key(5, Purpose::sampling);
  Rng<float> rng(key, 3u);
  rng.uniform();
  rng.normal(), rng.normal();
  const float third = rng.normal();
  const auto next = philox(3u, 1u, 0u, 0u, key.key);
  float z0, z1;
  box_muller<float>(next.w[0], next.w[1], z0, z1);
  EXPECT_EQ(third, z0);
}

TEST(Random, ExtremeWordsGiveFiniteNormalsAndUniformsInsideTheInterval) {
  for (const std::uint32_t a : {0u, 0xffffffffu}) {
    for (const std::uint32_t b : {0u, 0x40000000u, 0xffffffffu}) {
      float z0, z1;
      box_muller<float>(a, b, z0, z1);
      EXPECT_LE(std::hypot(z0, z1), 5.77f);
    }
  }
  // The formula of Rng::uniform at its ends; one bit more and the upper end would be 1.
  EXPECT_GT(fma(to_float(0), 0x1p-23f, 0x1p-24f), 0.0f);
  EXPECT_LT(fma(to_float(0xffffffffu >> 9), 0x1p-23f, 0x1p-24f), 1.0f);
}

/// Words whose radius exceeds `r`; the radius falls as the word rises.
template <Tail kTail>
double words_beyond(float r) {
  std::uint64_t low = 0, high = std::uint64_t(1) << 32;
  while (low < high) {
    const std::uint64_t middle = (low + high) / 2;
    float cosine, sine;  // of turn 0: the radius itself
    box_muller<float, kTail>(static_cast<std::uint32_t>(middle), 0u, cosine, sine);
    if (cosine > r) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return static_cast<double>(low);
}

TEST(Tail, HasTheProbabilityOfANormalRadiusAsFarAsItsBitsReach) {
  // P(radius > r) = exp(-r^2 / 2), counted over all 2^32 words: to one step of the bits used, and to the
  // 2e-7 r^2 that a float radius of that size may be off.
  for (const float r : {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 5.5f, 5.7f}) {
    const double expected = 0x1p32 * std::exp(-0.5 * r * r), error = expected * 4e-7 * r * r;
    EXPECT_NEAR(words_beyond<Tail::bits_23>(r), expected, error + 512.0) << r;
    EXPECT_NEAR(words_beyond<Tail::bits_32>(r), expected, error + 1.0) << r;
  }
  for (const float r : {6.0f, 6.5f, 6.7f}) {
    EXPECT_EQ(words_beyond<Tail::bits_23>(r), 0.0) << r;
    EXPECT_NEAR(words_beyond<Tail::bits_32>(r), 0x1p32 * std::exp(-0.5 * r * r), 1.0) << r;
  }
  EXPECT_GT(words_beyond<Tail::bits_32>(6.75f), 0.0);
  EXPECT_EQ(words_beyond<Tail::bits_32>(6.77f), 0.0);
}

TEST(Tail, OfEitherKindHasAsManyOutliersAsTheNormalDistribution) {
  // |z| > 4 has a probability of 6.334e-5; 2^22 normals, five standard errors.
  const double n = 0x1p22, p = 6.334e-5;
  const auto outliers = []<Tail kTail>(std::integral_constant<Tail, kTail>) {
    double count = 0.0;
    for (std::uint32_t index = 0; index < 1u << 20; ++index) {
      Rng<float, kTail> rng(RngKey(99, Purpose::sampling), index);
      for (int i = 0; i < 4; ++i) count += std::abs(rng.normal()) > 4.0f;
    }
    return count;
  };
  EXPECT_NEAR(outliers(std::integral_constant<Tail, Tail::bits_23>{}), n * p, 5.0 * std::sqrt(n * p));
  EXPECT_NEAR(outliers(std::integral_constant<Tail, Tail::bits_32>{}), n * p, 5.0 * std::sqrt(n * p));
}

TEST(Tail, NormalsWithThirtyTwoBitsAreFixed) {
  const std::uint32_t golden[][3] = {// word of the radius, normals
                                     {0u, 0x3ff47037u, 0x40cfa1efu},
                                     {0x123u, 0x3fcfa479u, 0x40b0608du},
                                     {0x45678u, 0x3f9e8bb9u, 0x4086ac50u},
                                     {0xfffffff0u, 0x80000000u, 0x80000000u}};
  for (const auto& [word, first, second] : golden) {
    float z0, z1;
    box_muller<float, Tail::bits_32>(word, 0x3456789au, z0, z1);
    EXPECT_EQ(to_bits(z0), first);
    EXPECT_EQ(to_bits(z1), second);
  }
  for (const std::uint32_t a : {0u, 0xffffffffu}) {
    float z0, z1;
    box_muller<float, Tail::bits_32>(a, 0u, z0, z1);
    EXPECT_LE(std::abs(z0), 6.77f);
  }
}

/// 2^20 normals over neighbouring indices.
std::vector<double> many_normals() {
  std::vector<double> z;
  const RngKey key(2024, Purpose::sampling);
  for (std::uint32_t index = 0; index < 1u << 18; ++index) {
    Rng<float> rng(key, index);
    for (int n = 0; n < 4; ++n) z.push_back(rng.normal());
  }
  return z;
}

TEST(Normals, HaveTheMomentsOfTheStandardNormal) {
  const std::vector<double> z = many_normals();
  const double n = static_cast<double>(z.size());
  double moment[5] = {};
  for (const double v : z) {
    for (int k = 1; k <= 4; ++k) moment[k] += std::pow(v, k) / n;
  }
  EXPECT_NEAR(moment[1], 0.0, five_errors(1.0, n));
  EXPECT_NEAR(moment[2], 1.0, five_errors(std::sqrt(2.0), n));
  EXPECT_NEAR(moment[3], 0.0, five_errors(std::sqrt(15.0), n));
  EXPECT_NEAR(moment[4], 3.0, five_errors(std::sqrt(96.0), n));
}

TEST(Normals, FollowTheNormalDistribution) {
  std::vector<double> z = many_normals();
  std::sort(z.begin(), z.end());
  const double n = static_cast<double>(z.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double p = 0.5 * std::erfc(-z[i] / std::sqrt(2.0));
    distance = std::max(
        {distance, std::abs(p - static_cast<double>(i) / n), std::abs(p - static_cast<double>(i + 1) / n)});
  }
  // Kolmogorov-Smirnov; 2.74 has the probability of five standard errors, 6e-7.
  EXPECT_LT(distance * std::sqrt(n), 2.74);
}

TEST(Normals, OfNeighboursAreIndependent) {
  constexpr std::uint32_t kCells = 1 << 18;
  const RngKey key = RngKey(1, Purpose::read_noise, 1).at_event(1, 0).at_place(1, 1);
  struct Neighbour {
    const char* what;
    RngKey key;
    std::uint32_t index_step, row;
  };
  const Neighbour neighbours[] = {
      {"next cell", key, 1, 0},
      {"next row", key, 0, 1},
      {"next event", key.at_event(2, 0), 0, 0},
      {"other array", key.at_event(1, 1), 0, 0},
      {"next tile", key.at_place(2, 1), 0, 0},
      {"next chip", key.at_place(1, 2), 0, 0},
      {"next seed", RngKey(2, Purpose::read_noise, 1).at_event(1, 0).at_place(1, 1), 0, 0},
      {"other purpose", RngKey(1, Purpose::mvm_noise, 1).at_event(1, 0).at_place(1, 1), 0, 0},
      {"next layer", RngKey(1, Purpose::read_noise, 2).at_event(1, 0).at_place(1, 1), 0, 0},
      {"other moment", key.at_moment(1), 0, 0},
  };
  for (const Neighbour& other : neighbours) {
    double product = 0.0, squares = 0.0;
    for (std::uint32_t i = 0; i < kCells; ++i) {
      Rng<float> a(key, i), b(other.key, i + other.index_step, other.row);
      const double x = a.normal(), y = b.normal();
      product += x * y;
      squares += (x * x - 1.0) * (y * y - 1.0);
    }
    EXPECT_NEAR(product / kCells, 0.0, five_errors(1.0, kCells)) << other.what;
    EXPECT_NEAR(squares / kCells, 0.0, five_errors(2.0, kCells)) << other.what;
  }
}

TEST(Normals, OfOneCellAreIndependentOfEachOther) {
  constexpr std::uint32_t kCells = 1 << 18;
  double product[3] = {};
  for (std::uint32_t i = 0; i < kCells; ++i) {
    Rng<float> rng(RngKey(8, Purpose::programming), i);
    const double first = rng.normal();
    for (double& sum : product) sum += first * rng.normal();
  }
  for (const double sum : product) EXPECT_NEAR(sum / kCells, 0.0, five_errors(1.0, kCells));
}

TEST(Uniforms, FillTheIntervalEvenly) {
  constexpr std::uint32_t kCells = 1 << 18;
  constexpr int kBins = 256, kDraws = 4;
  const double n = double(kCells) * kDraws;
  std::vector<double> bins(kBins);
  double sum = 0.0;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    Rng<float> rng(RngKey(3, Purpose::data_order), i);
    for (int d = 0; d < kDraws; ++d) {
      const float u = rng.uniform();
      ASSERT_GT(u, 0.0f);
      ASSERT_LT(u, 1.0f);
      sum += u;
      bins[static_cast<std::size_t>(u * kBins)] += 1.0;
    }
  }
  EXPECT_NEAR(sum / n, 0.5, five_errors(std::sqrt(1.0 / 12.0), n));
  double chi_square = 0.0;
  for (const double count : bins) chi_square += std::pow(count - n / kBins, 2) / (n / kBins);
  EXPECT_NEAR(chi_square, kBins - 1, five_errors(std::sqrt(2.0 * (kBins - 1)), 1.0));
}

}  // namespace
}  // namespace mq
