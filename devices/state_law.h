/// How a property of a cell (drift exponent, read noise) depends on its relative conductance x = g / g_max.
///
/// Published fits of phase-change memory are logarithmic at low conductance and polynomial above:
///     x < split:  clip(slope ln x + offset, low, high)   (logarithmic)
///             or  clip(offset x^slope, low, high)        (power)
///     else:       p0 + p1 x + p2 x^2 + p3 x^3
/// A measured curve takes the place of both (table). x is floored at 1e-7, as in the fits' own code.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/core/math.h"

namespace mq {

enum class LawShape { logarithmic, power, table };
constexpr auto names(LawShape) { return std::array<std::string_view, 3>{"logarithmic", "power", "table"}; }

struct StateLaw {
  LawShape shape = LawShape::logarithmic;
  float slope = 0.0f, offset = 0.0f;
  float low = 0.0f, high = 1e3f;
  float split = 1e3f;
  std::array<float, 4> polynomial{};
  PiecewiseTable table{1, {0.0f}, {0.0f}};

  static constexpr auto describe() {
    constexpr auto is_formula = [](const StateLaw& p) { return p.shape != LawShape::table; };
    constexpr auto is_table = [](const StateLaw& p) { return p.shape == LawShape::table; };
    return fields(
        field("shape", &StateLaw::shape, "Form of the law below `split`, or `table` for a measured curve."),
        field("slope", &StateLaw::slope, any, "Factor of ln x (logarithmic) or exponent of x (power).")
            .acts_where("its shape is logarithmic or power", is_formula),
        field("offset", &StateLaw::offset, any, "Value at x = 1 before clipping.")
            .acts_where("its shape is logarithmic or power", is_formula),
        field("low", &StateLaw::low, any, "Smallest value below `split`.")
            .acts_where("its shape is logarithmic or power", is_formula),
        field("high", &StateLaw::high, any, "Largest value below `split`.")
            .acts_where("its shape is logarithmic or power", is_formula),
        field("split", &StateLaw::split, non_negative,
              "Relative conductance from which the polynomial holds.")
            .acts_where("its shape is logarithmic or power", is_formula),
        field("polynomial", &StateLaw::polynomial, Unit::one, any,
              "p0 to p3 of the polynomial above `split`.")
            .acts_where("its shape is logarithmic or power", is_formula),
        field("table", &StateLaw::table, Unit::one, Unit::one, "Measured curve over x, linear in between.")
            .acts_where("its shape is table", is_table));
  }
  std::string problem() const { return low > high ? "low must not be above high" : ""; }

  /// Whether it is 0 for every x.
  bool is_zero() const {
    if (shape == LawShape::table) {
      return std::all_of(table.y, table.y + table.size, [](float y) { return y == 0.0f; });
    }
    const bool starts_at_zero =
        split == 0.0f || (slope == 0.0f && offset == 0.0f && low <= 0.0f && high >= 0.0f);
    return starts_at_zero && polynomial == std::array<float, 4>{};
  }

  /// Expects x >= 0.
  template <class F>
  MQ_HD F operator()(F x) const {
    if (shape == LawShape::table) return table(x);
    const F log_x = log(max(x, 1e-7f));
    const F raw =
        shape == LawShape::logarithmic ? fma(F(slope), log_x, F(offset)) : F(offset) * exp(log_x * F(slope));
    const F below = clamp(raw, F(low), F(high));
    F above = fma(F(polynomial[3]), x, F(polynomial[2]));
    above = fma(above, x, F(polynomial[1]));
    above = fma(above, x, F(polynomial[0]));
    return select(x < F(split), below, above);
  }
};

}  // namespace mq
