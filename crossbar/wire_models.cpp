#include "meltquench/crossbar/wire_models.h"

#include <algorithm>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/core/random.h"
#include "meltquench/crossbar/wire_circuit.h"

namespace mq {
namespace {

/// Potentials of one line whose node k has a conductance `loads[k]` to 0 V and takes in `amps[k]`; terminals
/// at `volts`. Strides let it run along rows and columns. Nothing is subtracted on the way, so wires without
/// resistance are exact.
class LineSolver {
 public:
  explicit LineSolver(const WireLine& line) : line_(line) {}

  /// Fills potentials[k * stride], k < n.
  void solve(std::size_t n, std::size_t stride, const double* loads, const double* amps, double volts,
             double* potentials) {
    g_.resize(n);
    i_.resize(n);
    double g = terminal(line_.first), i = g * volts;
    for (std::size_t k = 0; k < n; ++k) {
      if (k > 0) {
        const double kept = 1.0 / (1.0 + line_.segment * g);
        g *= kept;
        i *= kept;
      }
      if (loads != nullptr) g += loads[k * stride];
      if (amps != nullptr) i += amps[k * stride];
      g_[k] = g;
      i_[k] = i;
    }
    const double last = terminal(line_.last);
    double v = (i + last * volts) / (g + last);
    potentials[(n - 1) * stride] = v;
    for (std::size_t k = n - 1; k-- > 0;) {
      v = (v + line_.segment * i_[k]) / (1.0 + line_.segment * g_[k]);
      potentials[k * stride] = v;
    }
  }

  /// What leaves through terminals at 0 V.
  double sensed(std::size_t n, std::size_t stride, const double* potentials) const {
    return potentials[0] * terminal(line_.first) + potentials[(n - 1) * stride] * terminal(line_.last);
  }

 private:
  /// Conductance; a terminal without resistance has 1e-18 Ohm, an open end infinitely many.
  static double terminal(double r) { return 1.0 / std::max(r, 1e-18); }

  WireLine line_;
  std::vector<double> g_, i_;
};

/// Word and bit lines with the cells between them, [outputs, inputs].
class LinePasses {
 public:
  LinePasses(const WireNetwork& network, MatrixView<const double> g, std::span<const double> volts)
      : g_(g),
        volts_(volts),
        word_line_(network.word),
        bit_line_(network.bit),
        word_(g.size()),
        bit_(g.size()),
        amps_(g.size()),
        currents_(g.rows) {}

  void solve_words(const double* loads) {
    for (std::size_t i = 0; i < g_.columns; ++i) {
      word_line_.solve(g_.rows, g_.columns, loads != nullptr ? loads + i : nullptr, amps_.data() + i,
                       volts_[i], word_.data() + i);
    }
  }
  void solve_bits(const double* loads) {
    for (std::size_t o = 0; o < g_.rows; ++o) {
      const std::size_t first = o * g_.columns;
      bit_line_.solve(g_.columns, 1, loads != nullptr ? loads + first : nullptr, amps_.data() + first, 0.0,
                      bit_.data() + first);
      currents_[o] = bit_line_.sensed(g_.columns, 1, bit_.data() + first);
    }
  }

  std::vector<double> sweep() {
    for (std::size_t k = 0; k < g_.size(); ++k) amps_[k] = -g_.data[k] * volts_[k % g_.columns];
    solve_words(nullptr);
    for (double& a : amps_) a = -a;
    solve_bits(nullptr);
    std::fill(currents_.begin(), currents_.end(), 0.0);
    for (std::size_t k = 0; k < g_.size(); ++k)
      currents_[k / g_.columns] += g_.data[k] * (word_[k] - bit_[k]);
    return currents_;
  }

  std::vector<double> alternate(int times) {
    for (int time = 0; time < times; ++time) {
      for (std::size_t k = 0; k < g_.size(); ++k) amps_[k] = g_.data[k] * bit_[k];
      solve_words(g_.data);
      for (std::size_t k = 0; k < g_.size(); ++k) amps_[k] = g_.data[k] * word_[k];
      solve_bits(g_.data);
    }
    return currents_;
  }

 private:
  MatrixView<const double> g_;
  std::span<const double> volts_;
  LineSolver word_line_, bit_line_;
  std::vector<double> word_, bit_, amps_, currents_;
};

}  // namespace

std::vector<double> model_currents(WireModel model, const WireNetwork& network, MatrixView<const double> g,
                                   std::span<const double> volts) {
  if (volts.size() != g.columns) {
    throw ShapeError("there are " + std::to_string(volts.size()) + " voltages for " +
                     std::to_string(g.columns) + " inputs; give one for each");
  }
  if (model == WireModel::sweep) return LinePasses(network, g, volts).sweep();
  if (model == WireModel::lines) return LinePasses(network, g, volts).alternate(1);
  if (model == WireModel::two_lines) return LinePasses(network, g, volts).alternate(2);
  std::vector<double> currents(g.rows, 0.0);
  for (std::size_t k = 0; k < g.size(); ++k) currents[k / g.columns] += g.data[k] * volts[k % g.columns];
  return currents;
}

std::vector<double> lines_matrix(const WireNetwork& network, MatrixView<const double> g) {
  std::vector<double> alpha(g.size()), beta(g.size());
  LineSolver word(network.word), bit(network.bit);
  for (std::size_t i = 0; i < g.columns; ++i) {
    word.solve(g.rows, g.columns, g.data + i, nullptr, 1.0, alpha.data() + i);
  }
  for (std::size_t o = 0; o < g.rows;
       ++o) {  // by reciprocity: potentials of a bit line with terminals at 1 V
    const std::size_t first = o * g.columns;
    bit.solve(g.columns, 1, g.data + first, nullptr, 1.0, beta.data() + first);
  }
  for (std::size_t k = 0; k < g.size(); ++k) alpha[k] *= beta[k] * g.data[k];
  return alpha;
}

double polynomial_output(const PolynomialDrop& drop, std::span<const double> w, std::span<const double> x) {
  if (w.size() != x.size()) {
    throw ShapeError("there are " + std::to_string(w.size()) + " weights for " + std::to_string(x.size()) +
                     " inputs");
  }
  const auto n = static_cast<double>(w.size());
  double ideal = 0.0, total = 0.0, placed = 0.0;
  for (std::size_t j = 0; j < w.size(); ++j) {
    const double far = 1.0 - static_cast<double>(j) / n;
    ideal += w[j] * x[j];
    total += std::abs(w[j] * x[j]);
    placed += w[j] * x[j] * (1.0 - far * far);
  }
  const double a = n / drop.g_ratio * total, c = a * (0.05 * a * a - 0.2 * a + 0.5);
  return ideal - drop.strength * c * placed;
}

std::vector<WireModelCase> wire_model_cases() {
  return {{64, 2.5e-5, false}, {128, 2.5e-5, false},  {256, 2.5e-5, false},
          {256, 2.5e-5, true}, {256, 1.25e-4, false}, {256, 1.25e-4, true}};
}

WireModelErrors wire_model_errors(const WireModelCase& of) {
  const double g_max = 1e-5;  // only its product with the resistance matters
  std::vector<double> g(of.size * of.size), volts(of.size);
  const RngKey key(1, Purpose::sampling, static_cast<std::uint32_t>(of.size));
  for (std::size_t k = 0; k < g.size() + of.size; ++k) {
    Rng<float> rng(key, static_cast<std::uint32_t>(k));
    if (k >= g.size()) {
      volts[k - g.size()] = double(rng.uniform());
    } else if (of.is_trained) {
      g[k] = g_max * std::min(1.0, 0.2 * std::abs(double(rng.normal())));
    } else {
      g[k] = g_max * double(rng.uniform());
    }
  }
  const double r = of.relative_segment / g_max;
  const WireParams wires{.word_line = r, .bit_line = r};
  const MatrixView<const double> cells{g.data(), of.size, of.size};
  const WireSolution exact = WireCircuit(wires, cells).solve(volts);
  double norm = 0.0;
  for (const double i : exact.bit_current) norm += i * i;
  WireModelErrors errors{of, {}};
  for (std::size_t m = 0; m < names(WireModel{}).size(); ++m) {
    const std::vector<double> found =
        model_currents(static_cast<WireModel>(m), network_of(wires), cells, volts);
    double sum = 0.0;
    for (std::size_t o = 0; o < found.size(); ++o) {
      sum += (found[o] - exact.bit_current[o]) * (found[o] - exact.bit_current[o]);
    }
    errors.rms.push_back(std::sqrt(sum / norm));
  }
  return errors;
}

}  // namespace mq
