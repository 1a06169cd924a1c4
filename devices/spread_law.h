/// How the spread of a conductance depends on the conductance, as published tables of memory cells give it.
///
///     polynomial   sigma = p0 + p1 x + p2 x^2 + p3 x^3 + p4 x^4,  another such polynomial from x = split on
///     saturating   sigma = limit (1 - exp(-g / scale))
/// Which unit x has is the model's business. What comes out below 0 is 0.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/core/math.h"

namespace mq {

enum class SpreadShape { polynomial, saturating };
constexpr auto names(SpreadShape) { return std::array<std::string_view, 2>{"polynomial", "saturating"}; }

struct SpreadLaw {
  SpreadShape shape = SpreadShape::polynomial;
  std::array<float, 5> polynomial{};
  float split = 1e9f;
  std::array<float, 5> above{};
  float limit = 0.0f;
  float scale = 1.0_uS;

  static constexpr auto describe() {
    constexpr auto is_polynomial = [](const SpreadLaw& p) { return p.shape == SpreadShape::polynomial; };
    constexpr auto saturates = [](const SpreadLaw& p) { return p.shape == SpreadShape::saturating; };
    return fields(
        field("shape", &SpreadLaw::shape, "Form of the law."),
        field("polynomial", &SpreadLaw::polynomial, Unit::siemens, any,
              "p0 to p4 of the standard deviation over x.")
            .acts_where("its shape is polynomial", is_polynomial),
        field("split", &SpreadLaw::split, non_negative, "The x from which `above` holds.")
            .acts_where("its shape is polynomial", is_polynomial),
        field("above", &SpreadLaw::above, Unit::siemens, any, "p0 to p4 of the polynomial from `split` on.")
            .acts_where("its shape is polynomial", is_polynomial),
        field("limit", &SpreadLaw::limit, Unit::siemens, non_negative,
              "Standard deviation at large conductances (saturating).")
            .acts_where("its shape is saturating", saturates),
        field("scale", &SpreadLaw::scale, Unit::siemens, positive,
              "Conductance at which it has reached 1 - 1/e of that (saturating).")
            .acts_where("its shape is saturating", saturates));
  }

  /// [S], at least 0; expects g >= 0 [S], and x, the same in the unit of the polynomials.
  template <class F>
  MQ_HD F operator()(F g, F x) const {
    if (shape == SpreadShape::saturating) return F(limit) * (F(1.0f) - exp(g * F(-1.0f / scale)));
    const F below = evaluate(polynomial, x);
    return max(select(x < F(split), below, evaluate(above, x)), 0.0f);
  }

  /// The law between two: values of both and every parameter move alike. `weight` 0: this one, 1: `next`.
  template <class F>
  MQ_HD F between(const SpreadLaw& next, F weight, F g, F x) const {
    if (shape == SpreadShape::saturating) {
      const F a = fma(weight, F(next.limit - limit), F(limit));
      const F b = fma(weight, F(next.scale - scale), F(scale));
      return a * (F(1.0f) - exp(-g / b));
    }
    const F from = (*this)(g, x);
    return fma(weight, next(g, x) - from, from);
  }

 private:
  template <class F>
  MQ_HD static F evaluate(const std::array<float, 5>& p, F x) {
    F value = fma(F(p[4]), x, F(p[3]));
    value = fma(value, x, F(p[2]));
    value = fma(value, x, F(p[1]));
    return fma(value, x, F(p[0]));
  }
};

}  // namespace mq
