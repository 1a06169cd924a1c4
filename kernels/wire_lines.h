/// How one resistive line is solved: Gaussian elimination in terms of resistances, so that a resistance of 0
/// is no special case, and without a subtraction, so that nothing cancels however far cells and wires are
/// apart.
///
/// A line is turned so that its terminal stands before node 0. With conductance g_j from node j to the other
/// lines, rho_j the resistance from node j to the node before it, and s_j what the part of the line from node
/// j on conducts:
///
///     s_j = g_j + f_(j+1) s_(j+1),   f_j = 1 / (1 + rho_j s_j)      factors; the last s adds the tail
///     y_j = b_j + f_(j+1) y_(j+1)                                   elimination of currents b
///     x_j = f_j (rho_j y_j + x_(j-1))                               potentials; x_(-1) is the terminal's
///
/// f_0 (y_0 - s_0 x_(-1)) leaves through the terminal at the head, tail * (x_last - terminal) at the other
/// end. This is the elimination of W. K. Grassmann, M. I. Taksar and D. P. Heyman, Oper. Res. 33, 1107
/// (1985), doi:10.1287/opre.33.5.1107, for a tridiagonal matrix.
#pragma once

#include <cstddef>

#include "meltquench/core/contract.h"
#include "meltquench/core/math.h"
#include "meltquench/kernels/wires.h"

namespace mq {

/// A WireLine turned so that its head has a terminal.
struct TurnedLine {
  double head = 0.0;       ///< from node 0 to its terminal [Ohm]
  double segment = 0.0;    ///< [Ohm]
  double tail = 0.0;       ///< from the last node to the terminal behind it [S]; 0: open
  bool is_turned = false;  ///< node j is cell n - 1 - j

  MQ_HD double before(std::size_t node) const { return node == 0 ? head : segment; }
  MQ_HD std::size_t cell(std::size_t node, std::size_t nodes) const {
    return is_turned ? nodes - 1 - node : node;
  }
};

MQ_HD TurnedLine turned(const WireLine& line) {
  const bool has_first = line.first != WireLine::kOpen, has_last = line.last != WireLine::kOpen;
  MQ_EXPECTS((has_first || has_last) && line.segment >= 0.0 && line.first >= 0.0 && line.last >= 0.0);
  if (!has_last) return {.head = line.first, .segment = line.segment};
  if (!has_first) return {.head = line.last, .segment = line.segment, .is_turned = true};
  if (line.segment == 0.0) {  // one node with two terminals of one potential
    const double sum = line.first + line.last;
    return {.head = sum > 0.0 ? line.first * line.last / sum : 0.0, .segment = 0.0};
  }
  MQ_EXPECTS(line.last > 0.0);
  return {.head = line.first, .segment = line.segment, .tail = 1.0 / line.last};
}

/// y_j, from the node behind.
template <class F>
MQ_HD F eliminate(F b, std::type_identity_t<F> factor_behind, std::type_identity_t<F> y_behind) {
  return fma(factor_behind, y_behind, b);
}
/// x_j, from the node before.
template <class F>
MQ_HD F substitute(F y, float factor, float rho, std::type_identity_t<F> x_before) {
  return fma(F(factor), x_before, F(factor * rho) * y);
}

}  // namespace mq
