#include "meltquench/crossbar/line_assignment.h"

#include <algorithm>
#include <limits>

#include "meltquench/core/contract.h"
#include "meltquench/core/stop.h"

namespace mq {
namespace {

constexpr std::uint32_t kNobody = 0xffffffffu;
constexpr double kFar = std::numeric_limits<double>::infinity();

/// Prices make cost[r, c] - row_price[r] - column_price[c] at least 0, and 0 where r has c; the price of a
/// free column is 0.
class Assignment {
 public:
  explicit Assignment(MatrixView<const double> cost)
      : cost_(cost),
        row_price_(cost.rows),
        column_price_(cost.columns),
        distance_(cost.columns),
        reached_(cost.columns),
        row_of_(cost.columns, kNobody),
        column_of_(cost.rows, kNobody),
        before_(cost.columns) {}

  std::vector<std::uint32_t> solve() {
    for (std::uint32_t r = 0; r < cost_.rows; ++r) take_cheapest(r);
    for (std::uint32_t r = 0; r < cost_.rows; ++r) {
      throw_if_stopped();
      if (column_of_[r] == kNobody) insert(r);
    }
    return column_of_;
  }

 private:
  const double* costs(std::uint32_t row) const { return cost_.data + row * cost_.columns; }

  void take_cheapest(std::uint32_t r) {
    const double* cost = costs(r);
    std::size_t best = 0;
    for (std::size_t c = 1; c < cost_.columns; ++c) {
      const bool is_free = row_of_[best] != kNobody && row_of_[c] == kNobody;
      if (cost[c] < cost[best] || (cost[c] == cost[best] && is_free)) best = c;
    }
    row_price_[r] = cost[best];
    if (row_of_[best] == kNobody) give(r, static_cast<std::uint32_t>(best));
  }

  void give(std::uint32_t r, std::uint32_t c) {
    row_of_[c] = r;
    column_of_[r] = c;
  }

  /// Finds the nearest free column from row `start`, alternating between columns and the rows that have
  /// them, and moves every row on the way one column on.
  void insert(std::uint32_t start) {
    std::fill(distance_.begin(), distance_.end(), kFar);
    std::fill(reached_.begin(), reached_.end(), kFar);
    visited_.clear();
    std::uint32_t row = start, column = kNobody;
    double length = 0.0;
    while (true) {
      look_from(row, length);
      column = nearest();
      length = distance_[column];
      if (row_of_[column] == kNobody) break;
      reached_[column] = length;
      distance_[column] = kFar;
      visited_.push_back(column);
      row = row_of_[column];
    }
    row_price_[start] += length;
    for (const std::uint32_t c : visited_) {
      row_price_[row_of_[c]] += length - reached_[c];
      column_price_[c] -= length - reached_[c];
    }
    while (true) {
      const std::uint32_t r = before_[column], next = column_of_[r];
      give(r, column);
      if (r == start) return;
      column = next;
    }
  }

  /// Columns that are nearer through `row`, which is `length` away; those that were visited stay as they are.
  void look_from(std::uint32_t row, double length) {
    const double* cost = costs(row);
    const double base = length - row_price_[row];
    for (std::size_t c = 0; c < cost_.columns; ++c) {
      const double through = base + cost[c] - column_price_[c];
      const bool is_nearer = through < distance_[c] && reached_[c] == kFar;
      distance_[c] = is_nearer ? through : distance_[c];
      before_[c] = is_nearer ? row : before_[c];
    }
  }

  /// Of columns that are equally near a free one, which ends the search.
  std::uint32_t nearest() const {
    std::size_t best = 0;
    for (std::size_t c = 1; c < cost_.columns; ++c) {
      if (distance_[c] > distance_[best]) continue;
      if (distance_[c] < distance_[best] || (row_of_[best] != kNobody && row_of_[c] == kNobody)) best = c;
    }
    return static_cast<std::uint32_t>(best);
  }

  MatrixView<const double> cost_;
  std::vector<double> row_price_, column_price_, distance_, reached_;
  std::vector<std::uint32_t> row_of_, column_of_, before_, visited_;
};

}  // namespace

std::vector<std::uint32_t> least_assignment(MatrixView<const double> cost) {
  MQ_EXPECTS(cost.rows <= cost.columns);
  return Assignment(cost).solve();
}

}  // namespace mq
