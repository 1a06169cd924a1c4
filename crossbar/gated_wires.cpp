#include "meltquench/crossbar/gated_wires.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "meltquench/core/error.h"

namespace mq {
namespace {

/// What both rails see of the part of a column that lies behind them: conductances to ground and between the
/// rails [S], and the currents that flow out of it when both rails are held at 0 V [A].
struct Port {
  double source = 0.0, bit = 0.0, between = 0.0;
  double source_current = 0.0, bit_current = 0.0;
};

/// A terminal without any resistance would be an infinite conductance; 1e-18 Ohm changes no digit, as nothing
/// is ever subtracted from it.
double terminal(double r) { return std::max(r, 1e-18); }

double determinant(const Port& y) { return y.source * y.bit + y.between * (y.source + y.bit); }

/// Determinant of 1 + Y Z for rails of resistance p (source line) and q (bit line).
double series_determinant(const Port& y, double p, double q) {
  return 1.0 + p * (y.source + y.between) + q * (y.bit + y.between) + p * q * determinant(y);
}

/// The port at the other end of a segment: Y' = (1 + Y Z)^-1 Y, i' = (1 + Y Z)^-1 i.
Port behind_segment(const Port& y, double p, double q) {
  const double scale = 1.0 / series_determinant(y, p, q), d = determinant(y);
  const double source_gain = (1.0 + q * (y.bit + y.between)) * scale;
  const double bit_gain = (1.0 + p * (y.source + y.between)) * scale;
  const double cross = y.between * scale;
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

class Ladder {
 public:
  Ladder(const GatedWires& wires, double v_source)
      : p_(wires.r_source_line),
        q_(wires.r_bit_line),
        drive_(1.0 / terminal(wires.r_driver + wires.r_source_line)),
        sense_(1.0 / terminal(wires.r_sense + wires.r_bit_line)),
        v_source_(v_source),
        end_(wires.source_end) {}

  /// The port of what lies before the first cell.
  Port start() const { return end_ == SourceEnd::near ? Port{} : driven({}); }
  Port next(const Port& y) const { return behind_segment(y, p_, q_); }
  /// Both rails at the last cell, whose port is y.
  Rails last(Port y) const {
    if (end_ != SourceEnd::far) y = driven(y);
    y.bit += sense_;
    const double scale = 1.0 / determinant(y);
    return {((y.bit + y.between) * y.source_current + y.between * y.bit_current) * scale,
            (y.between * y.source_current + (y.source + y.between) * y.bit_current) * scale};
  }
  Rails previous(const Port& y, Rails behind) const { return across_segment(y, p_, q_, behind); }
  double current(Rails last) const { return last.bit * sense_; }

 private:
  Port driven(Port y) const {
    y.source += drive_;
    y.source_current += drive_ * v_source_;
    return y;
  }

  double p_, q_, drive_, sense_, v_source_;
  SourceEnd end_;
};

void check_gated(const GatedWires& wires, double v_source, MatrixView<const float> g,
                 MatrixView<const std::uint8_t> gates) {
  check_fields(wires, "wires");
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

}  // namespace

void gated_currents(const Exec& exec, const GatedWires& wires, double v_source, MatrixView<const float> g,
                    MatrixView<const std::uint8_t> gates, MatrixView<double> currents) {
  check_gated(wires, v_source, g, gates);
  if (currents.rows != gates.rows || currents.columns != g.rows) {
    throw ShapeError("the currents must be [" + std::to_string(gates.rows) + ", " + std::to_string(g.rows) +
                     "]: a row for each vector of gates, a column for each output");
  }
  const Ladder ladder(wires, v_source);
  const auto outputs = static_cast<std::ptrdiff_t>(g.rows);
#pragma omp parallel for schedule(static) num_threads(exec.threads)
  for (std::ptrdiff_t o = 0; o < outputs; ++o) {
    const float* cells = g.data + static_cast<std::size_t>(o) * g.columns;
    for (std::size_t sample = 0; sample < gates.rows; ++sample) {
      const std::uint8_t* open = gates.data + sample * gates.columns;
      Port y = ladder.start();
      for (std::size_t i = 0; i < g.columns; ++i) {
        if (i > 0) y = ladder.next(y);
        y.between += open[i] != 0 ? double(cells[i]) : 0.0;
      }
      const std::size_t to = sample * currents.columns + static_cast<std::size_t>(o);
      currents.data[to] = g.columns > 0 ? ladder.current(ladder.last(y)) : 0.0;
    }
  }
}

double solve_gated_column(const GatedWires& wires, double v_source, std::size_t n, const double* conductances,
                          const double* offsets, double* source_line, double* bit_line) {
  if (n == 0) return 0.0;
  const Ladder ladder(wires, v_source);
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
  const double current = ladder.current(rails);
  for (std::size_t i = n; i-- > 0;) {
    if (i + 1 < n) rails = ladder.previous(ports[i], rails);
    if (source_line != nullptr) source_line[i] = rails.source;
    if (bit_line != nullptr) bit_line[i] = rails.bit;
  }
  return current;
}

GatedVoltages gated_voltages(const GatedWires& wires, double v_source, MatrixView<const float> g,
                             const std::vector<std::uint8_t>& gates) {
  check_gated(wires, v_source, g, {gates.data(), 1, gates.size()});
  GatedVoltages found{std::vector<double>(g.size()), std::vector<double>(g.size()),
                      std::vector<double>(g.rows)};
  std::vector<double> cells(g.columns);
  for (std::size_t o = 0; o < g.rows; ++o) {
    for (std::size_t i = 0; i < g.columns; ++i) cells[i] = gates[i] != 0 ? double(g(o, i)) : 0.0;
    found.currents[o] =
        solve_gated_column(wires, v_source, g.columns, cells.data(), nullptr,
                           found.source_line.data() + o * g.columns, found.bit_line.data() + o * g.columns);
  }
  return found;
}

}  // namespace mq
