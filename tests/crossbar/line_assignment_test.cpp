#include "meltquench/crossbar/line_assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "meltquench/core/random.h"

namespace mq {
namespace {

using Columns = std::vector<std::uint32_t>;

double cost_of(const Columns& columns, const std::vector<double>& cost, std::size_t count) {
  double sum = 0.0;
  for (std::size_t r = 0; r < columns.size(); ++r) sum += cost[r * count + columns[r]];
  return sum;
}

/// Of all ways to give `rows` rows a column each.
double least_of_all(std::size_t rows, std::size_t count, const std::vector<double>& cost) {
  Columns order(count);
  std::iota(order.begin(), order.end(), 0u);
  double least = cost_of({order.begin(), order.begin() + static_cast<std::ptrdiff_t>(rows)}, cost, count);
  while (std::next_permutation(order.begin(), order.end())) {
    least = std::min(
        least, cost_of({order.begin(), order.begin() + static_cast<std::ptrdiff_t>(rows)}, cost, count));
  }
  return least;
}

/// Uniform, or of few different values, so that many assignments are equally good.
std::vector<double> costs(std::size_t size, std::uint32_t stream, bool are_few) {
  std::vector<double> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    const float u = Rng<float>(RngKey(9, Purpose::sampling, stream), static_cast<std::uint32_t>(i)).uniform();
    values[i] = are_few ? std::floor(3.0 * u) : double(u) - 0.5;
  }
  return values;
}

TEST(LineAssignment, IsAsCheapAsTheBestOfAllPermutations) {
  std::uint32_t stream = 0;
  for (std::size_t rows = 0; rows <= 7; ++rows) {
    for (std::size_t columns = std::max<std::size_t>(rows, 1); columns <= 7; ++columns) {
      for (const bool are_few : {false, true}) {
        const std::vector<double> cost = costs(rows * columns, ++stream, are_few);
        const Columns found = least_assignment({cost.data(), rows, columns});
        ASSERT_EQ(found.size(), rows);
        EXPECT_EQ(std::set<std::uint32_t>(found.begin(), found.end()).size(), rows);
        EXPECT_NEAR(cost_of(found, cost, columns), least_of_all(rows, columns, cost), 1e-12);
      }
    }
  }
}

TEST(LineAssignment, OfALargeMatrixHasPricesThatProveIt) {
  // Costs u_r + v_c + s with s >= 0, and s = 0 on a hidden permutation: nothing can be cheaper.
  constexpr std::size_t kSize = 120;
  const std::vector<double> u = costs(kSize, 1000, false), v = costs(kSize, 1001, false),
                            s = costs(kSize * kSize, 1002, false);
  std::vector<double> cost(kSize * kSize);
  double least = 0.0;
  for (std::size_t i = 0; i < cost.size(); ++i) {
    const std::size_t r = i / kSize, c = i % kSize;
    const bool is_hidden = c == (7 * r + 3) % kSize;
    cost[i] = u[r] + v[c] + (is_hidden ? 0.0 : s[i] + 0.5);
    if (is_hidden) least += cost[i];
  }
  const Columns found = least_assignment({cost.data(), kSize, kSize});
  EXPECT_NEAR(cost_of(found, cost, kSize), least, 1e-11);
  for (std::size_t r = 0; r < kSize; ++r) EXPECT_EQ(found[r], (7 * r + 3) % kSize);
}

TEST(LineAssignment, OfNoRowsIsEmpty) { EXPECT_TRUE(least_assignment({nullptr, 0, 5}).empty()); }

}  // namespace
}  // namespace mq
