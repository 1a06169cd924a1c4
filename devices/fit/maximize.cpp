#include "meltquench/devices/fit/maximize.h"

#include <Eigen/Dense>
#include <cmath>
#include <limits>

#include "meltquench/core/contract.h"
#include "meltquench/core/stop.h"

namespace mq {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// A likelihood with kinks, where a cell changes sides, stops short of its maximum by about the score of one
// cell: a hundredth of a log likelihood is a seventh of a standard error.
constexpr double kKink = 1e-2;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

void SymmetricMatrix::add_outer(std::span<const double> v, double weight) {
  MQ_EXPECTS(v.size() == size);
  for (std::size_t row = 0; row < size; ++row) {
    const double factor = weight * v[row];
    if (factor == 0.0) continue;
    for (std::size_t column = 0; column < size; ++column) values[row * size + column] += factor * v[column];
  }
}

SymmetricMatrix inverse(const SymmetricMatrix& matrix, double ridge) {
  std::vector<std::size_t> known;
  for (std::size_t i = 0; i < matrix.size; ++i) {
    if (matrix(i, i) > 0.0) known.push_back(i);
  }
  const auto n = static_cast<Eigen::Index>(known.size());
  Matrix scaled(n, n);
  Eigen::VectorXd scale(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const std::size_t at = known[static_cast<std::size_t>(i)];
    scale(i) = 1.0 / std::sqrt(matrix(at, at));
  }
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j < n; ++j) {
      scaled(i, j) = matrix(known[static_cast<std::size_t>(i)], known[static_cast<std::size_t>(j)]) *
                     scale(i) * scale(j);
    }
    scaled(i, i) += ridge;
  }
  const Matrix inverted = scaled.ldlt().solve(Matrix::Identity(n, n));
  SymmetricMatrix result(matrix.size);
  for (std::size_t i = 0; i < matrix.size; ++i) result(i, i) = kInfinity;
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j < n; ++j) {
      result(known[static_cast<std::size_t>(i)], known[static_cast<std::size_t>(j)]) =
          inverted(i, j) * scale(i) * scale(j);
    }
  }
  return result;
}

std::vector<double> multiply(const SymmetricMatrix& matrix, std::span<const double> vector) {
  std::vector<double> result(matrix.size, 0.0);
  for (std::size_t row = 0; row < matrix.size; ++row) {
    for (std::size_t column = 0; column < matrix.size; ++column) {
      if (vector[column] != 0.0) result[row] += matrix(row, column) * vector[column];
    }
  }
  return result;
}

void Scores::add(double log_likelihood, std::span<const double> score) {
  throw_if_stopped();  // a call per cell or less
  value += log_likelihood;
  for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += score[i];
  information.add_outer(score);
}

Maximum maximize(const ScoreFunction& function, std::vector<double> start, int most_steps, double tolerance) {
  Maximum best{.at = std::move(start)};
  best.scores = function(best.at);
  const bool has_start = std::isfinite(best.scores.value);
  while (has_start && best.steps < most_steps && !best.has_converged) {
    ++best.steps;
    const std::vector<double> step = multiply(inverse(best.scores.information, 1e-9), best.scores.gradient);
    double promised = 0.0;
    for (std::size_t i = 0; i < step.size(); ++i) promised += 0.5 * step[i] * best.scores.gradient[i];
    if (promised < tolerance) {
      best.has_converged = true;
      break;
    }
    bool has_climbed = false;
    for (double part = 1.0; part > 0.04 && !has_climbed; part *= 0.5) {
      std::vector<double> next = best.at;
      for (std::size_t i = 0; i < next.size(); ++i) next[i] += part * step[i];
      Scores scores = function(next);
      if (std::isfinite(scores.value) && scores.value > best.scores.value) {
        best.at = std::move(next);
        best.scores = std::move(scores);
        has_climbed = true;
      }
    }
    if (!has_climbed) {
      best.has_converged = promised < kKink;
      break;
    }
  }
  best.covariance = inverse(best.scores.information);
  return best;
}

SymmetricMatrix sandwich_covariance(const ScoreFunction& function, const Maximum& maximum) {
  const std::size_t n = maximum.at.size();
  SymmetricMatrix curvature(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double variance = maximum.covariance(i, i);
    if (!std::isfinite(variance) || variance <= 0.0) continue;
    const double step = 0.1 * std::sqrt(variance);
    std::vector<double> up = maximum.at, down = maximum.at;
    up[i] += step, down[i] -= step;
    const Scores above = function(up), below = function(down);
    for (std::size_t j = 0; j < n; ++j) {
      curvature(i, j) -= 0.25 * (above.gradient[j] - below.gradient[j]) / step;
      curvature(j, i) -= 0.25 * (above.gradient[j] - below.gradient[j]) / step;
    }
  }
  const SymmetricMatrix bread = inverse(curvature);
  const auto size = static_cast<Eigen::Index>(n);
  Matrix b(size, size), j(size, size);
  for (Eigen::Index r = 0; r < size; ++r) {
    for (Eigen::Index c = 0; c < size; ++c) {
      const auto row = static_cast<std::size_t>(r), column = static_cast<std::size_t>(c);
      b(r, c) = std::isfinite(bread(row, column)) ? bread(row, column) : 0.0;
      j(r, c) = maximum.scores.information(row, column);
    }
  }
  const Matrix product = b * j * b;
  SymmetricMatrix covariance(n);
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      covariance(r, c) = product(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c));
    }
    if (!std::isfinite(bread(r, r))) covariance(r, r) = kInfinity;
  }
  return covariance;
}

LeastSquares least_squares(std::span<const double> design, std::span<const double> values,
                           std::span<const double> weights) {
  const std::size_t rows = values.size(), columns = design.size() / rows;
  SymmetricMatrix normal(columns);
  std::vector<double> right(columns, 0.0);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto line = design.subspan(row * columns, columns);
    normal.add_outer(line, weights[row]);
    for (std::size_t c = 0; c < columns; ++c) right[c] += weights[row] * line[c] * values[row];
  }
  LeastSquares result;
  result.covariance = inverse(normal, 1e-13);
  result.at = multiply(result.covariance, right);
  for (std::size_t row = 0; row < rows; ++row) {
    double model = 0.0;
    for (std::size_t c = 0; c < columns; ++c) model += design[row * columns + c] * result.at[c];
    result.chi2 += weights[row] * (values[row] - model) * (values[row] - model);
  }
  return result;
}

}  // namespace mq
