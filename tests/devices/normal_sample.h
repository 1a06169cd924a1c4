/// A sample against a normal law: moments and the Kolmogorov-Smirnov distance.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace mq {

inline double normal_distribution(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// Largest distance between the distribution of a sample and a law.
inline double ks_distance(std::vector<double> sample, const std::function<double(double)>& law) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double expected = law(sample[i]);
    distance =
        std::max({distance, std::abs(expected - double(i) / n), std::abs(expected - double(i + 1) / n)});
  }
  return distance;
}

/// The distance that a sample of the law itself exceeds once in 1.7 million times: what five standard errors
/// are to a mean. (Kolmogorov's asymptotic law, 2 exp(-2 n d^2).)
inline double ks_limit(std::size_t n) { return 2.68 / std::sqrt(static_cast<double>(n)); }

/// Moments within five standard errors, distance within its limit.
inline void expect_normal(const std::vector<double>& sample, double mean, double deviation,
                          const std::string& what) {
  const auto n = static_cast<double>(sample.size());
  double first = 0.0, second = 0.0;
  for (const double v : sample) first += v / n;
  for (const double v : sample) second += (v - first) * (v - first) / n;
  EXPECT_NEAR(first, mean, 5.0 * deviation / std::sqrt(n) + 1e-6 * std::abs(mean)) << what;
  EXPECT_NEAR(std::sqrt(second), deviation, 5.0 * deviation / std::sqrt(2.0 * n)) << what;
  const auto law = [&](double v) { return normal_distribution((v - mean) / deviation); };
  EXPECT_LT(ks_distance(sample, law), ks_limit(sample.size())) << what;
}

}  // namespace mq
