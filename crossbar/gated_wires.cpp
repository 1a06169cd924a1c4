#include "meltquench/crossbar/gated_wires.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/thread_team.h"

namespace mq {
namespace {

/// Two columns side by side. The steps along a column wait for each other, so several columns at a time are
/// what keeps a core busy.
using Pair = double __attribute__((vector_size(16)));

/// What both rails see of the part of a column that lies behind them: conductances to ground and between the
/// rails [S], and the currents that flow out of it when both rails are held at 0 V [A].
template <class F>
struct PortOf {
  F source, bit, between;
  F source_current, bit_current;
};
using Port = PortOf<double>;

/// A terminal without any resistance would be an infinite conductance; 1e-18 Ohm changes no digit, as nothing
/// is ever subtracted from it.
double terminal(double r) { return std::max(r, 1e-18); }

template <class F>
F determinant(const PortOf<F>& y) {
  return y.source * y.bit + y.between * (y.source + y.bit);
}

/// Determinant of 1 + Y Z for rails of resistance p (source line) and q (bit line).
template <class F>
F series_determinant(const PortOf<F>& y, double p, double q) {
  return 1.0 + p * (y.source + y.between) + q * (y.bit + y.between) + (p * q) * determinant(y);
}

/// The port at the other end of a segment: Y' = (1 + Y Z)^-1 Y, i' = (1 + Y Z)^-1 i.
template <class F>
PortOf<F> behind_segment(const PortOf<F>& y, double p, double q) {
  const F scale = 1.0 / series_determinant(y, p, q), d = determinant(y);
  const F source_gain = (1.0 + q * (y.bit + y.between)) * scale;
  const F bit_gain = (1.0 + p * (y.source + y.between)) * scale;
  const F cross = y.between * scale;
  return {.source = (y.source + q * d) * scale,
          .bit = (y.bit + p * d) * scale,
          .between = cross,
          .source_current = source_gain * y.source_current + q * cross * y.bit_current,
          .bit_current = p * cross * y.source_current + bit_gain * y.bit_current};
}

struct Rails {
  double source, bit;
};

/// Voltages in front of a segment from those behind it: v = (1 + Z Y)^-1 (v' + Z i).
Rails across_segment(const Port& y, double p, double q, Rails behind) {
  const double scale = 1.0 / series_determinant(y, p, q);
  const double a = behind.source + p * y.source_current, b = behind.bit + q * y.bit_current;
  return {((1.0 + q * (y.bit + y.between)) * a + p * y.between * b) * scale,
          (q * y.between * a + (1.0 + p * (y.source + y.between)) * b) * scale};
}

/// y with its nodes tied to the terminals at one end: `source` [Ohm] to v, `bit` [Ohm] to 0 V.
Port tied(Port y, double source, double bit, double v) {
  const double drive = 1.0 / terminal(source);  // 0 for an open end
  y.source += drive;
  y.source_current += drive * v;
  y.bit += 1.0 / terminal(bit);
  return y;
}

class Ladder {
 public:
  Ladder(const GatedNetwork& network, double v_source) : network_(network), v_source_(v_source) {}

  /// The port of what lies before the first cell.
  Port start() const { return tied(Port{}, network_.source.first, network_.bit.first, v_source_); }
  template <class F>
  PortOf<F> next(const PortOf<F>& y) const {
    return behind_segment(y, network_.source.segment, network_.bit.segment);
  }
  /// Both rails at the last cell, whose port is y.
  Rails last(Port y) const {
    y = tied(y, network_.source.last, network_.bit.last, v_source_);
    const double scale = 1.0 / determinant(y);
    return {((y.bit + y.between) * y.source_current + y.between * y.bit_current) * scale,
            (y.between * y.source_current + (y.source + y.between) * y.bit_current) * scale};
  }
  Rails previous(const Port& y, Rails behind) const {
    return across_segment(y, network_.source.segment, network_.bit.segment, behind);
  }
  bool senses_first() const { return network_.bit.first != WireLine::kOpen; }
  double current_first(Rails first) const { return first.bit / terminal(network_.bit.first); }
  double current_last(Rails last) const { return last.bit / terminal(network_.bit.last); }

 private:
  GatedNetwork network_;
  double v_source_;
};

void check_line(const WireLine& line, const char* name) {
  if (!(line.segment >= 0.0 && line.first >= 0.0 && line.last >= 0.0 && std::isfinite(line.segment))) {
    throw ConfigError(std::string("a resistance of the ") + name + " is negative or no number");
  }
  if (std::isinf(line.first) && std::isinf(line.last)) {
    throw ConfigError(std::string("both ends of the ") + name + " are open; give one of them a terminal");
  }
}

void check_gated(const GatedNetwork& network, double v_source, MatrixView<const float> g,
                 MatrixView<const std::uint8_t> gates) {
  check_line(network.source, "source line");
  check_line(network.bit, "bit line");
  if (!std::isfinite(v_source)) throw ConfigError("the voltage of the source lines must be a finite number");
  if (gates.columns != g.columns) {
    throw ShapeError("there are " + std::to_string(gates.columns) + " gates for " +
                     std::to_string(g.columns) +
                     " inputs; give one gate for each column of the conductances");
  }
  if (!std::all_of(g.data, g.data + g.size(), [](float s) { return s >= 0.0f && std::isfinite(s); })) {
    throw ConfigError("a conductance is negative or no finite number; cells are passive");
  }
  if (!std::all_of(gates.data, gates.data + gates.size(), [](std::uint8_t gate) { return gate <= 1; })) {
    throw ConfigError("a gate is neither 0 nor 1; cut inputs of more bits into phases");
  }
}

/// Columns that are solved at a time.
constexpr std::size_t kTogether = 4;

class Columns {
 public:
  Columns(const GatedNetwork& network, double v_source, MatrixView<const float> g)
      : network_(network), v_source_(v_source), ladder_(network, v_source), g_(g) {}

  /// With a terminal at input 0 the voltages there are needed as well.
  bool can_go_together() const { return !ladder_.senses_first(); }

  /// Output currents [4] of the columns from `first` on; `open` [inputs] is 0.0 or 1.0.
  void solve_together(std::size_t first, const double* open, double* currents) const {
    const Port start = ladder_.start();
    const auto both = [](double x) { return Pair{x, x}; };
    PortOf<Pair> a{both(start.source), both(start.bit), both(start.between), both(start.source_current),
                   both(start.bit_current)};
    PortOf<Pair> b = a;
    const float *c0 = g_.row(first), *c1 = g_.row(first + 1), *c2 = g_.row(first + 2),
                *c3 = g_.row(first + 3);
    for (std::size_t i = 0; i < g_.columns; ++i) {
      if (i > 0) a = ladder_.next(a), b = ladder_.next(b);
      a.between += Pair{open[i] * double(c0[i]), open[i] * double(c1[i])};
      b.between += Pair{open[i] * double(c2[i]), open[i] * double(c3[i])};
    }
    for (int lane = 0; lane < 2; ++lane) {
      currents[lane] = current(a, lane);
      currents[2 + lane] = current(b, lane);
    }
  }

  double solve_one(std::size_t column, const double* open) const {
    std::vector<double> cells(g_.columns);
    for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = open[i] * double(g_.row(column)[i]);
    return solve_gated_column(network_, v_source_, cells.size(), cells.data(), nullptr, nullptr, nullptr);
  }

 private:
  double current(const PortOf<Pair>& y, int lane) const {
    return ladder_.current_last(ladder_.last(
        {y.source[lane], y.bit[lane], y.between[lane], y.source_current[lane], y.bit_current[lane]}));
  }

  GatedNetwork network_;
  double v_source_;
  Ladder ladder_;
  MatrixView<const float> g_;
};

}  // namespace

GatedNetwork gated_network_of(const WireParams& params) {
  const WireNetwork lines = network_of(params);
  return {.source = lines.word, .bit = lines.bit};
}

void gated_currents(const Exec& exec, const GatedNetwork& network, double v_source, MatrixView<const float> g,
                    MatrixView<const std::uint8_t> gates, MatrixView<double> currents) {
  check_gated(network, v_source, g, gates);
  if (currents.rows != gates.rows || currents.columns != g.rows) {
    throw ShapeError("the currents must be [" + std::to_string(gates.rows) + ", " + std::to_string(g.rows) +
                     "]: a row for each vector of gates, a column for each output");
  }
  if (g.columns == 0) {
    std::fill_n(currents.data, currents.size(), 0.0);
    return;
  }
  const Columns columns(network, v_source, g);
  const std::size_t full = columns.can_go_together() ? g.rows / kTogether : 0;
  const auto groups = static_cast<std::ptrdiff_t>(full + (g.rows - full * kTogether));
  for (std::size_t sample = 0; sample < gates.rows; ++sample) {
    const std::vector<double> open(gates.row(sample), gates.row(sample) + gates.columns);
    double* out = currents.row(sample);
    throw_if_stopped();
    parallel_for(exec.threads, groups, [&](std::int64_t group) {
      const auto n = static_cast<std::size_t>(group);
      if (n < full) {
        columns.solve_together(n * kTogether, open.data(), out + n * kTogether);
      } else {
        const std::size_t o = full * kTogether + (n - full);
        out[o] = columns.solve_one(o, open.data());
      }
    });
  }
}

double solve_gated_column(const GatedNetwork& network, double v_source, std::size_t n,
                          const double* conductances, const double* offsets, double* source_line,
                          double* bit_line) {
  if (n == 0) return 0.0;
  const Ladder ladder(network, v_source);
  std::vector<Port> ports(n);
  for (std::size_t i = 0; i < n; ++i) {
    Port y = i == 0 ? ladder.start() : ladder.next(ports[i - 1]);
    y.between += conductances[i];
    if (offsets != nullptr) {
      y.source_current -= offsets[i];
      y.bit_current += offsets[i];
    }
    ports[i] = y;
  }
  Rails rails = ladder.last(ports[n - 1]);
  double current = ladder.current_last(rails);
  for (std::size_t i = n; i-- > 0;) {
    if (i + 1 < n) rails = ladder.previous(ports[i], rails);
    if (source_line != nullptr) source_line[i] = rails.source;
    if (bit_line != nullptr) bit_line[i] = rails.bit;
  }
  if (ladder.senses_first()) current += ladder.current_first(rails);
  return current;
}

GatedVoltages gated_voltages(const GatedNetwork& network, double v_source, MatrixView<const float> g,
                             const std::vector<std::uint8_t>& gates) {
  check_gated(network, v_source, g, {gates.data(), 1, gates.size()});
  GatedVoltages found{std::vector<double>(g.size()), std::vector<double>(g.size()),
                      std::vector<double>(g.rows)};
  std::vector<double> cells(g.columns);
  for (std::size_t o = 0; o < g.rows; ++o) {
    for (std::size_t i = 0; i < g.columns; ++i) cells[i] = gates[i] != 0 ? double(g(o, i)) : 0.0;
    found.currents[o] =
        solve_gated_column(network, v_source, g.columns, cells.data(), nullptr,
                           found.source_line.data() + o * g.columns, found.bit_line.data() + o * g.columns);
  }
  return found;
}

}  // namespace mq
