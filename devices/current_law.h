/// The current of a cell over its voltage, and its slope: what Newton's method needs where cells are not
/// ohmic.
///
/// `g` [S] is the slope at 0 V, for positive polarity, of the cell alone; read_calibration.h says how it
/// follows from the conductance that programming and drift speak of. The laws, before polarity and access
/// device:
///
///     ohmic        I = g V
///     polynomial   I = g V + n2 V^2 + n3 V^3, n2 and n3 polynomials in log10(g / 1 S)
///     sinh         I = g V0 sinh(V / V0): conduction limited by traps below threshold switching
///
/// Negative currents are multiplied by `negative_factor`. An access device in series takes its share of the
/// voltage: w = r I while it does not saturate, else I = I_sat tanh(w / (r I_sat)).
///
/// Sources: polynomial and its defaults: V. Milo et al., IEEE Trans. Electron Devices 68, 3832 (2021), HfO2
/// resistive memory of 50 to 225 uS up to 0.5 V, coefficients as in Sandia CrossSim. sinh: D. Ielmini and
/// Y. Zhang, J. Appl. Phys. 102, 054517 (2007), amorphous phase-change memory. tanh: W. R. Curtice, IEEE
/// Trans. Microwave Theory Tech. 28, 448 (1980).
#pragma once

#include <array>
#include <string>

#include "meltquench/core/fields.h"
#include "meltquench/core/math.h"

namespace mq {

enum class CurrentKind { ohmic, polynomial, sinh };
constexpr auto names(CurrentKind) { return std::array<std::string_view, 3>{"ohmic", "polynomial", "sinh"}; }

/// What the conductance of a device model means.
enum class ConductanceReference {
  read_voltage,  ///< current over voltage at dac.v_read, access device included: what a measurement gives
  zero_voltage,  ///< the slope at 0 V of the cell alone
};
constexpr auto names(ConductanceReference) {
  return std::array<std::string_view, 2>{"read-voltage", "zero-voltage"};
}

/// How products solve arrays of cells that are not linear where wires have resistance.
enum class NonlinearWires {
  newton,      ///< one circuit for every input vector, on the host
  linearised,  ///< wires take what they take of the currents of linear cells, at v_read
};
constexpr auto names(NonlinearWires) { return std::array<std::string_view, 2>{"newton", "linearised"}; }

struct CurrentParams {
  CurrentKind law = CurrentKind::ohmic;
  ConductanceReference reference = ConductanceReference::read_voltage;
  NonlinearWires wires = NonlinearWires::newton;
  std::array<double, 4> quadratic = {7.063e-3, 5.711e-3, 1.541e-3, 1.388e-4};
  std::array<double, 3> cubic = {1.2968e-3, 6.7919e-4, 8.871e-5};
  double fit_low = 50e-6, fit_high = 225e-6;
  double sinh_voltage = 0.25;
  double negative_factor = 1.0;
  double access_resistance = 0.0;
  double access_saturation = 0.0;

  static constexpr auto describe() {
    constexpr auto is_polynomial = [](const CurrentParams& p) { return p.law == CurrentKind::polynomial; };
    constexpr auto is_sinh = [](const CurrentParams& p) { return p.law == CurrentKind::sinh; };
    constexpr auto has_access = [](const CurrentParams& p) { return p.access_resistance > 0.0; };
    constexpr auto is_seen = [](const CurrentParams& p) {
      return !p.is_linear() || p.reference == ConductanceReference::zero_voltage;
    };
    constexpr auto differs = [](const CurrentParams& p) {
      return !p.is_linear() || p.access_resistance > 0.0;
    };
    using enum Unit;
    return fields(
        field("law", &CurrentParams::law, "How the current of a cell grows with its voltage."),
        field("reference", &CurrentParams::reference,
              "What a conductance means: read-voltage: current over voltage at dac.v_read, access device "
              "included; zero-voltage: the slope at 0 V of the cell alone.")
            .acts_where("cells are not linear (current.law, negative_factor, access_saturation) or "
                        "current.access_resistance > 0",
                        differs),
        field("wires", &CurrentParams::wires,
              "Products of cells that are not linear, with wires: newton: the exact circuit of every input "
              "vector, slow; linearised: wires act as on linear cells."),
        field("quadratic", &CurrentParams::quadratic, any,
              "Coefficients of n2 [A/V^2] in powers of log10(g / 1 S), ascending.")
            .acts_where("current.law is polynomial", is_polynomial),
        field("cubic", &CurrentParams::cubic, any, "The same of n3 [A/V^3].")
            .acts_where("current.law is polynomial", is_polynomial),
        field("fit_low", &CurrentParams::fit_low, siemens, between(1e-12, 1.0),
              "Smallest conductance of the polynomial's data; below it n2 / g and n3 / g stay as there.")
            .acts_where("current.law is polynomial", is_polynomial),
        field("fit_high", &CurrentParams::fit_high, siemens, between(1e-12, 1.0),
              "Largest conductance of the polynomial's data; likewise.")
            .acts_where("current.law is polynomial", is_polynomial),
        field("sinh_voltage", &CurrentParams::sinh_voltage, volt, between(0.01, 1000), "V0 of the law sinh.")
            .acts_where("current.law is sinh", is_sinh),
        field("negative_factor", &CurrentParams::negative_factor, between(1e-3, 1e3),
              "What negative currents are multiplied by: 1 for cells without a preferred direction."),
        field("access_resistance", &CurrentParams::access_resistance, ohm, between(0, 1e9),
              "On-resistance of the access device in series with the cell; 0: none.")
            .acts_where("cells are not linear (current.law, negative_factor, access_saturation) or "
                        "current.reference is zero-voltage",
                        is_seen),
        field("access_saturation", &CurrentParams::access_saturation, ampere, between(0, 1.0),
              "Current at which the access device saturates; 0: it never does.")
            .acts_where("current.access_resistance > 0", has_access));
  }
  std::string problem() const {
    if (fit_low > fit_high) return "fit_low must not exceed fit_high";
    return "";
  }

  /// Whether a cell with its access device is a conductance (`linear_conductance`).
  bool is_linear() const {
    return law == CurrentKind::ohmic && negative_factor == 1.0 && access_saturation == 0.0;
  }
  /// Whether cells are the conductances that device models speak of.
  bool is_absent() const {
    return is_linear() && (access_resistance == 0.0 || reference == ConductanceReference::read_voltage);
  }
};

/// Current [A] and its slope dI/dV [S], which is never negative.
template <class F>
struct CurrentPoint {
  F current, slope;
};

/// I = g V
template <class F>
struct OhmicLaw {
  F g;
  MQ_HD CurrentPoint<F> operator()(F v) const { return {g * v, g}; }
};

/// I = g V + n2 V^2 + n3 V^3
template <class F>
struct PolynomialLaw {
  F g, n2, n3;

  MQ_HD static PolynomialLaw of(const CurrentParams& p, F g) {
    if (!(g > F(0))) return {F(0), F(0), F(0)};
    const F fitted = g < F(p.fit_low) ? F(p.fit_low) : g > F(p.fit_high) ? F(p.fit_high) : g;
    const F x = F(0.43429448190325183) * log(fitted), share = g / fitted;
    const F n2 =
        F(p.quadratic[0]) + x * (F(p.quadratic[1]) + x * (F(p.quadratic[2]) + x * F(p.quadratic[3])));
    const F n3 = F(p.cubic[0]) + x * (F(p.cubic[1]) + x * F(p.cubic[2]));
    return {g, share * n2, share * n3};
  }
  MQ_HD CurrentPoint<F> operator()(F v) const {
    return {v * (g + v * (n2 + v * n3)), g + v * (F(2) * n2 + v * F(3) * n3)};
  }
};

/// I = g V0 sinh(V / V0)
template <class F>
struct SinhLaw {
  F g, v0;
  MQ_HD CurrentPoint<F> operator()(F v) const {
    const F x = v / v0, up = exp(x), down = F(1) / up;
    const F z = x * x;  // near 0 the two exponentials would cancel
    const F series =
        F(1) + z / F(6) * (F(1) + z / F(20) * (F(1) + z / F(42) * (F(1) + z / F(72) * (F(1) + z / F(110)))));
    const F sine = x > F(-0.25) && x < F(0.25) ? x * series : F(0.5) * (up - down);
    return {g * v0 * sine, g * F(0.5) * (up + down)};
  }
};

/// Negative currents of another law times a factor.
template <class Law, class F>
struct PolarLaw {
  Law law;
  F negative_factor;
  MQ_HD CurrentPoint<F> operator()(F v) const {
    const CurrentPoint<F> point = law(v);
    const F factor = v < F(0) ? negative_factor : F(1);
    return {factor * point.current, factor * point.slope};
  }
};

/// The access device alone: on-resistance r [Ohm], saturation current [A] or 0.
template <class F>
struct AccessLaw {
  F r, saturation;
  MQ_HD CurrentPoint<F> operator()(F w) const {
    if (!(saturation > F(0))) return {w / r, F(1) / r};
    const F x = w / (r * saturation);
    const F e = exp(F(-2) * (x < F(0) ? -x : x));
    const F size = (F(1) - e) / (F(1) + e);
    // 1 - tanh^2 without cancellation
    return {saturation * (x < F(0) ? -size : size), F(4) * e / (r * (F(1) + e) * (F(1) + e))};
  }
};

/// A cell behind its access device at the voltage v of both. The cell takes the share u for which both pass
/// the same current: the only root in [0, v] of an increasing function, found by Newton's method, which
/// halves the bracket where it would leave it.
template <class Law, class F>
MQ_HD CurrentPoint<F> behind_access(const Law& cell, const AccessLaw<F>& access, F v) {
  F low = v < F(0) ? v : F(0), high = v < F(0) ? F(0) : v;
  F u = v / (F(1) + access.r * cell(F(0)).slope);
  const F close = (sizeof(F) == 8 ? F(4e-16) : F(2e-7)) * (high - low);
  CurrentPoint<F> in_cell{}, in_access{};
  for (int step = 0; step < 100; ++step) {
    in_cell = cell(u);
    in_access = access(v - u);
    const F excess = in_cell.current - in_access.current;
    (excess > F(0) ? high : low) = u;
    const F slope = in_cell.slope + in_access.slope;
    F next = slope > F(0) ? u - excess / slope : low;
    if (!(next > low && next < high)) next = F(0.5) * (low + high);
    if (excess == F(0) || (next - u <= close && u - next <= close)) break;
    u = next;
  }
  const F sum = in_cell.slope + in_access.slope;
  return {in_cell.current, sum > F(0) ? in_cell.slope * (in_access.slope / sum) : F(0)};
}

/// Calls `f(law)` with the law of a cell of conductance g, polarity included and without its access device.
template <class F, class Function>
MQ_HD auto with_law(const CurrentParams& p, F g, Function&& f) {
  const F negative = F(p.negative_factor);
  switch (p.law) {
    case CurrentKind::polynomial:
      return f(PolarLaw<PolynomialLaw<F>, F>{PolynomialLaw<F>::of(p, g), negative});
    case CurrentKind::sinh:
      return f(PolarLaw<SinhLaw<F>, F>{{g, F(p.sinh_voltage)}, negative});
    case CurrentKind::ohmic:
      break;
  }
  return f(PolarLaw<OhmicLaw<F>, F>{{g}, negative});
}

/// Current and slope of a cell of conductance g >= 0 [S] with its access device at v [V]. F: float or double.
template <class F>
MQ_HD CurrentPoint<F> cell_current(const CurrentParams& p, F g, F v) {
  return with_law(p, g, [&](const auto& law) -> CurrentPoint<F> {
    if (!(p.access_resistance > 0.0)) return law(v);
    return behind_access(law, AccessLaw<F>{F(p.access_resistance), F(p.access_saturation)}, v);
  });
}

/// Conductance at 0 V of a cell with its access device; for linear laws, that at any voltage.
template <class F>
MQ_HD F linear_conductance(const CurrentParams& p, F g) {
  return g / (F(1) + F(p.access_resistance) * g);
}

}  // namespace mq
