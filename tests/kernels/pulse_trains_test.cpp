#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "tables.h"

namespace mq {
namespace {

constexpr RngKey kKey = RngKey(17, Purpose::pulse_trains, 4).at_event(3).at_place(2, 5);

std::vector<std::uint32_t> trains(const KernelTable& table, const std::vector<float>& values,
                                  std::size_t lines, float gain, int length = kLongestTrain, int threads = 1,
                                  std::uint32_t first_sample = 0) {
  std::vector<std::uint32_t> result(values.size(), 0xabcdu);
  table.make_pulse_trains(Exec{.threads = threads}, {.values = values.data(),
                                                     .batch = values.size() / lines,
                                                     .lines = lines,
                                                     .gain = gain,
                                                     .length = length,
                                                     .key = kKey,
                                                     .first_sample = first_sample,
                                                     .trains = result.data()});
  return result;
}

/// One pulse after the other: slot k compares the 16-bit number made of bit k of sixteen words with p.
std::uint32_t train_by_slots(float value, float gain, int length, std::uint32_t line, std::uint32_t sample) {
  const double p = std::min(1.0, double(std::abs(value) * gain));
  const auto threshold = static_cast<std::uint32_t>(std::nearbyint(p * 65536.0));
  std::uint32_t words[16];
  for (std::uint32_t b = 0; b < 4; ++b) {
    const auto block = philox(line, kKey.event | b, sample, kKey.place, kKey.key);
    for (std::uint32_t w = 0; w < 4; ++w) words[4 * b + w] = block.w[w];
  }
  std::uint32_t train = std::signbit(value) ? 0x80000000u : 0u;
  for (int k = 0; k < length; ++k) {
    std::uint32_t number = 0;
    for (int bit = 0; bit < 16; ++bit) number |= (words[bit] >> k & 1u) << bit;
    if (number < threshold) train |= 1u << k;
  }
  return train;
}

TEST(PulseTrains, CompareEverySlotWithItsOwnNumber) {
  const std::size_t lines = 45, batch = 20;
  std::vector<float> values = uniforms(lines * batch, 3);
  values[0] = 0.0f, values[1] = 1.0f, values[2] = -1.0f, values[3] = 5.0f, values[4] = -0.0f;
  for (const int length : {1, 7, 31}) {
    const auto made = trains(kernels(Backend::cpu), values, lines, 1.0f, length, 1, 9);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(made[i], train_by_slots(values[i], 1.0f, length, std::uint32_t(i % lines),
                                        9 + std::uint32_t(i / lines)))
          << i;
    }
  }
}

TEST(PulseTrains, HaveTheSameBitsOnEveryTableAndThreadCount) {
  for (const std::size_t lines : {1, 8, 15, 16, 257}) {
    const std::vector<float> values = uniforms(lines * 33, 4);
    const auto expected = trains(kernels(Backend::reference), values, lines, 0.5f);
    for (const KernelTable* table : cpu_tables()) {
      for (const int threads : {1, 2})
        EXPECT_EQ(trains(*table, values, lines, 0.5f, 31, threads), expected) << table->name << ", " << lines;
    }
  }
}

TEST(PulseTrains, FireWithTheirProbability) {
  // 20000 trains of 31 independent slots for each p, 0 and 1 exactly.
  const std::size_t n = 20000;
  for (const double p : {0.0, 1e-4, 0.0019, 0.02, 0.25, 0.5, 0.77, 0.999, 1.0}) {
    const std::vector<float> values(n, static_cast<float>(-p / 0.5));
    double sum = 0.0, squares = 0.0;
    for (const std::uint32_t train : trains(kernels(Backend::cpu), values, n, 0.5f)) {
      EXPECT_EQ(train >> 31, 1u);
      const double count = std::popcount(train & kPulseSlots);
      sum += count;
      squares += (count - 31.0 * p) * (count - 31.0 * p);
    }
    const double variance = 31.0 * p * (1.0 - p);
    const double fourth = variance + 3.0 * variance * variance;  // of a binomial, about
    EXPECT_NEAR(sum / n, 31.0 * p, 5.0 * std::sqrt(variance / n) + 31.0 / 131072.0) << p;
    EXPECT_NEAR(squares / n, variance, 5.0 * std::sqrt(fourth / n) + 1e-12) << p;
  }
}

TEST(PulseTrains, OfOtherLinesSamplesAndEventsAreIndependent) {
  const std::size_t lines = 4000;
  const std::vector<float> values(2 * lines, 0.5f);
  const auto made = trains(kernels(Backend::cpu), values, lines, 1.0f);
  double next_line = 0.0, next_sample = 0.0;
  for (std::size_t i = 0; i + 1 < lines; ++i) {
    next_line += std::popcount(made[i] & made[i + 1] & kPulseSlots);
    next_sample += std::popcount(made[i] & made[i + lines] & kPulseSlots);
  }
  const double n = double(lines - 1), mean = 31.0 / 4.0, error = 5.0 * std::sqrt(31.0 * 3.0 / 16.0 / n);
  EXPECT_NEAR(next_line / n, mean, error);
  EXPECT_NEAR(next_sample / n, mean, error);
}

TEST(PulseTrains, ADataSetMayBeCutIntoCalls) {
  const std::vector<float> values = uniforms(6 * 20, 8);
  const auto whole = trains(kernels(Backend::cpu), values, 20, 1.0f);
  const std::vector<float> second(values.begin() + 80, values.end());
  const auto part = trains(kernels(Backend::cpu), second, 20, 1.0f, 31, 1, 4);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 80));
}

}  // namespace
}  // namespace mq
