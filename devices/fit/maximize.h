/// Maximum of a likelihood of a handful of parameters, and the covariance of the place where it lies.
///
/// Steps are those of E. K. Berndt, B. H. Hall, R. E. Hall and J. A. Hausman, Ann. Econ. Soc. Meas. 3, 653
/// (1974): the sum of outer products of the scores stands for the Fisher information, so that gradients are
/// all that a likelihood must give.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace mq {

/// A small symmetric matrix, stored whole.
struct SymmetricMatrix {
  std::size_t size = 0;
  std::vector<double> values{};

  explicit SymmetricMatrix(std::size_t n = 0) : size(n), values(n * n, 0.0) {}
  double& operator()(std::size_t row, std::size_t column) { return values[row * size + column]; }
  double operator()(std::size_t row, std::size_t column) const { return values[row * size + column]; }
  /// Adds weight v v^T.
  void add_outer(std::span<const double> v, double weight = 1.0);
};

/// The inverse. A parameter of which the matrix says nothing (0 on the diagonal) gets an infinite variance
/// and is left out; `ridge` is added to the diagonal after it is scaled to 1.
SymmetricMatrix inverse(const SymmetricMatrix& matrix, double ridge = 0.0);
/// matrix vector.
std::vector<double> multiply(const SymmetricMatrix& matrix, std::span<const double> vector);

/// A log likelihood with its scores: gradient, and the sum over cells of outer products of their gradients.
struct Scores {
  double value = 0.0;  ///< -inf where the parameters make no sense
  std::vector<double> gradient{};
  SymmetricMatrix information{};

  explicit Scores(std::size_t n = 0) : gradient(n, 0.0), information(n) {}
  /// Adds the score of one cell or device.
  void add(double log_likelihood, std::span<const double> score);
};

using ScoreFunction = std::function<Scores(std::span<const double>)>;

struct Maximum {
  std::vector<double> at;
  Scores scores{};               ///< there
  SymmetricMatrix covariance{};  ///< inverse of the information
  int steps = 0;
  bool has_converged = false;
};

/// Climbs from `start` until a step promises less than `tolerance` of log likelihood; stays there, and has
/// not converged, if the value is not finite there.
Maximum maximize(const ScoreFunction& function, std::vector<double> start, int most_steps = 60,
                 double tolerance = 1e-4);

/// Covariance that also holds where the data do not follow the likelihood exactly: H^-1 J H^-1 with H the
/// second derivatives, taken from differences of gradients, and J the sum of outer products (P. J. Huber,
/// Proc. Fifth Berkeley Symp. 1, 221 (1967)). Falls back on nothing: a direction in which H is not negative
/// has infinite variance.
SymmetricMatrix sandwich_covariance(const ScoreFunction& function, const Maximum& maximum);

/// Solution of least squares: rows of `design` [rows, columns], weights 1 / variance.
struct LeastSquares {
  std::vector<double> at;
  SymmetricMatrix covariance{};
  double chi2 = 0.0;
};
LeastSquares least_squares(std::span<const double> design, std::span<const double> values,
                           std::span<const double> weights);

}  // namespace mq
