/// Circuits node by node, solved by dense LU: the oracle for solvers that use the structure of an array.
#pragma once

#include <Eigen/Dense>
#include <cstdint>
#include <vector>

#include "meltquench/core/random.h"

namespace mq {

class Nodal {
 public:
  explicit Nodal(std::size_t nodes)
      : conductances_(
            Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(nodes), static_cast<Eigen::Index>(nodes))),
        currents_(Eigen::VectorXd::Zero(static_cast<Eigen::Index>(nodes))) {}

  void connect(std::size_t a, std::size_t b, double g) {
    conductances_(index(a), index(a)) += g;
    conductances_(index(b), index(b)) += g;
    conductances_(index(a), index(b)) -= g;
    conductances_(index(b), index(a)) -= g;
  }
  /// Through g to a terminal at `volts`.
  void tie(std::size_t node, double volts, double g) {
    conductances_(index(node), index(node)) += g;
    currents_(index(node)) += g * volts;
  }
  Eigen::VectorXd solve() const { return conductances_.partialPivLu().solve(currents_); }

 private:
  static Eigen::Index index(std::size_t node) { return static_cast<Eigen::Index>(node); }

  Eigen::MatrixXd conductances_;
  Eigen::VectorXd currents_;
};

/// Conductances [S], log-uniform from 1 nS to 1 mS; one in eight each is 0 S and 1 S.
inline std::vector<float> cells_of_all_kinds(std::size_t size, std::uint32_t stream) {
  std::vector<float> g(size);
  for (std::size_t i = 0; i < size; ++i) {
    Rng<float> rng(RngKey(2024, Purpose::sampling, stream), static_cast<std::uint32_t>(i));
    const float kind = rng.uniform(), level = rng.uniform();
    g[i] = kind < 0.125f ? 0.0f : kind < 0.25f ? 1.0f : std::pow(10.0f, 6.0f * level - 9.0f);
  }
  return g;
}

}  // namespace mq
