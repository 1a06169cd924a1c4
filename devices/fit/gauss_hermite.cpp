#include "meltquench/devices/fit/gauss_hermite.h"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <numbers>

namespace mq {

std::pair<std::vector<double>, std::vector<double>> gauss_hermite(int n) {
  Eigen::MatrixXd jacobi = Eigen::MatrixXd::Zero(n, n);
  for (int i = 1; i < n; ++i) jacobi(i, i - 1) = jacobi(i - 1, i) = std::sqrt(0.5 * i);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(jacobi);
  std::pair<std::vector<double>, std::vector<double>> result;
  for (int i = 0; i < n; ++i) {
    const double first = solver.eigenvectors()(0, i);
    result.first.push_back(solver.eigenvalues()(i));
    result.second.push_back(std::sqrt(std::numbers::pi) * first * first);
  }
  return result;
}

}  // namespace mq
