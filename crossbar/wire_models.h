/// Cheap models of wires whose inputs drive word lines, and how far each is from the exact circuit.
///
///     ideal       no wires: what all others are compared with
///     sweep       the wires carry the currents that cells would pass without wires; one pass of the fixed
///                 point that other simulators iterate, useless once wires take much of the voltage
///     lines       every line is solved exactly, once: word lines with all bit lines at 0 V, then bit lines
///     with
///                 the word lines held there
///     two_lines   the same twice: word lines once more with the bit lines where they came to lie
///     polynomial  the drop is a cubic in the mean current of an output, without a word line in it
///
/// `lines` is the first term of the Neumann series of the nodal equations: with lines R, C and cells D, u =
/// (R + D)^-1 (sources + D v) and v = (C + D)^-1 D u, started at v = 0. Its error is of the order of the
/// contraction per mode, g^2 / ((lambda_R + g)(lambda_C + g)). It has an effective matrix, W[o, i] = beta[o,
/// i] g[o, i] alpha[o, i], alpha what a word line keeps of its voltage and beta what a bit line delivers of a
/// current, in time proportional to the number of cells.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/wires.h"

namespace mq {

enum class WireModel { ideal, sweep, lines, two_lines };
constexpr auto names(WireModel) {
  return std::array<std::string_view, 4>{"ideal", "sweep", "lines", "two-lines"};
}

/// Output currents [outputs], A, of conductances g[outputs, inputs], S, at volts[inputs]. Throws ShapeError
/// if there are not as many voltages as inputs.
std::vector<double> model_currents(WireModel model, const WireNetwork& network, MatrixView<const double> g,
                                   std::span<const double> volts);

/// The effective matrix [outputs, inputs], S, of the model `lines`.
std::vector<double> lines_matrix(const WireNetwork& network, MatrixView<const double> g);

/// Parameters of the model `polynomial`: what is made of the ideal sums y of relative weights |w| <= 1 and
/// inputs |x| <= 1, n of them. Per output a = n / g_ratio * sum |w_j| |x_j| and c = a (0.05 a^2 - 0.2 a +
/// 0.5); y loses strength * c * sum w_j x_j (1 - (1 - j/n)^2).
/// Source: the analog tile of IBM aihwkit (`ir_drop`, `ir_drop_g_ratio`); M. J. Rasch et al., Nat. Commun.
/// 14, 5282 (2023), use it.
struct PolynomialDrop {
  double strength = 1.0;
  double g_ratio = 1.0 / (0.35 * 5e-6);  ///< conductance of a segment over g_max: 0.35 Ohm, 5 uS
};
/// Output of one column: w[n] relative weights and x[n] relative inputs.
double polynomial_output(const PolynomialDrop& drop, std::span<const double> w, std::span<const double> x);

/// One comparison: a square array whose cells are uniform in [0, 1] g_max, or |N(0, 0.2)| g_max and at most
/// g_max as those of trained networks, and inputs uniform in [0, 1].
struct WireModelCase {
  std::size_t size = 64;
  double relative_segment = 2.5e-5;  ///< resistance of a segment times g_max
  bool is_trained = false;
};
struct WireModelErrors {
  WireModelCase of;
  std::vector<double>
      rms;  ///< per WireModel: root mean square of what outputs are off, relative to the exact
};
/// The errors against the exact circuit, for one draw of cells and inputs.
WireModelErrors wire_model_errors(const WireModelCase& of);
/// The cases that docs/theory/circuits.md shows.
std::vector<WireModelCase> wire_model_cases();

}  // namespace mq
