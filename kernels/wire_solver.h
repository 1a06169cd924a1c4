/// Potentials of one array with resistive lines, in double precision.
///
/// Conjugate gradients on the word lines, bit lines eliminated: with M = R + D (lines and cells of the word
/// lines) and C + D (of the bit lines), both of which are solved exactly line by line, S = M - D (C + D)^-1 D
/// is preconditioned by M. A cell conducts far less than a segment, so the two are nearly equal: 3 to 25
/// iterations. The single-reduction form of A. T. Chronopoulos and C. W. Gear, J. Comput. Appl. Math. 25, 153
/// (1989), doi:10.1016/0377-0427(89)90045-9, never applies M: what it needs are sums of cell currents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meltquench/kernels/wire_lines.h"

namespace mq {

/// What drives a network; whatever is empty is 0.
struct WireSources {
  std::span<const double> word_volts{};  ///< [inputs] of the terminals of the word lines
  std::span<const double> bit_volts{};   ///< [outputs] of the terminals of the bit lines
  std::span<const double> word_amps{};   ///< [outputs, inputs] injected where a cell meets its word line
  std::span<const double> bit_amps{};    ///< [outputs, inputs] injected where it meets its bit line
};

struct WireAccuracy {
  double tolerance = 1e-10;  ///< of the residual
  int most_iterations = 2000;
};

/// How a solution was reached. The residual is the norm of the currents that are missing at the nodes,
/// relative to the norm of the currents of the cells, or to a thousandth of that of conductance times
/// potential where this is more; it is computed from the solution.
struct WireConvergence {
  int iterations = 0;
  double residual = 0.0;
  bool has_converged = false;
};

class WireSolver {
 public:
  /// Expects outputs > 0 and inputs > 0.
  WireSolver(const WireNetwork& network, std::size_t outputs, std::size_t inputs);

  std::size_t outputs() const { return outputs_; }
  std::size_t inputs() const { return inputs_; }

  /// Conductances [outputs, inputs] of the cells, in S, as in EffectiveMatrix. Comes before the first
  /// `solve`.
  void set_conductances(std::span<const double> g);

  struct Potentials {
    std::span<double> word;  ///< [outputs, inputs] where cells meet their word line [V]
    std::span<double> bit;   ///< [outputs, inputs] where they meet their bit line [V]; on entry a guess
    std::span<double> word_current;  ///< [inputs] that leaves the array through terminals [A]
    std::span<double> bit_current;   ///< [outputs] likewise
  };
  WireConvergence solve(const WireSources& sources, const WireAccuracy& accuracy, const Potentials& result);

 private:
  /// [node of a word line][node of a bit line, padded to stride_], both lines turned.
  using Plane = std::vector<double>;

  std::size_t place(std::size_t node, std::size_t column) const;
  void read(std::span<const double> from, Plane& to) const;
  void write(const Plane& from, std::span<double> to) const;
  void take(const WireSources& sources);
  void solve_words(const Plane& bit, Plane& word);
  void solve_bits(const Plane& word, Plane& bit);
  int iterate(double wanted, int most);
  double norm_of_currents(const Plane& a, const Plane* b);
  void write_currents(const Potentials& result) const;

  TurnedLine word_, bit_;
  std::size_t outputs_, inputs_, stride_;
  Plane g_, word_factor_, bit_factor_;      // f of each node
  std::vector<double> word_sum_, bit_sum_;  // s_0 of each line
  std::vector<double> word_volts_, bit_volts_;
  Plane word_amps_, bit_amps_;  // empty: 0
  Plane u_, v_, before_, r_, z_, s_, p_, w_;
  std::vector<double> word_head_, bit_head_;  // y_0 of each line
  std::vector<double> scratch_;
};

/// The effective matrix in double precision, rounded at the end; memory is the host's. Returns how many of
/// its rows or columns did not converge. The same bits whatever the number of threads.
std::int64_t effective_matrix_in_double(const EffectiveMatrix& op, int threads);

}  // namespace mq
