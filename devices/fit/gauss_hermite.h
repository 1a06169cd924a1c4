/// Nodes and weights of Gauss-Hermite quadrature: integral of exp(-t^2) f(t) dt = sum of weight f(node).
#pragma once

#include <utility>
#include <vector>

namespace mq {

/// {nodes, weights}, exact for polynomials up to degree 2 n - 1. By the eigenvalues of the Jacobi matrix: G.
/// H. Golub and J. H. Welsch, Math. Comp. 23, 221 (1969).
std::pair<std::vector<double>, std::vector<double>> gauss_hermite(int n);

}  // namespace mq
