/// Weights to conductances and back: the only door between the two. Section [mapping] of a config.
///
/// A weight w becomes a fraction f = w / w_max of full scale, |f| <= 1, and cells of up to two polarities:
///
///     differential, sides = one    g+- = g_min + max(+-f, 0) S      the other side stays at g_min
///     differential, sides = both   g+- = g_min + (1 +- f) S / 2
///     offset                       g+  = g_min + (1 + f) S / 2      zero is the middle of the range
///
/// with S = g_max - g_min. The zero of an offset array is removed digitally, as the middle of the range times
/// the sum of the inputs, or by a column of reference cells at zero, which suffers what cells suffer.
///
/// With `slice_bits` = b > 0 a weight is a whole number q = rint(f L) and a cell holds b bits of it. Slices
/// of a differential pair hold digits of |q|, L = 2^(B) - 1 with B = slices b; slices of an offset array hold
/// digits of q + 2^(B-1), L = 2^(B-1) - 1, so that zero is a level of its own.
///
/// Cells that learn by pulses have a fixed reference instead (PairKind::reference): the minus side stays in
/// the middle of g_min and g_max, the plus side alone is written and pulsed. One-sided cells, which pulses
/// only move up, learn as a differential pair.
/// Sources of the schemes: T. P. Xiao et al., IEEE Circuits Syst. Mag. 22(4), 26 (2022), arXiv:2109.01262.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "meltquench/core/fields.h"

namespace mq {

enum class Polarity { plus = 0, minus = 1 };

enum class MappingKind { differential, offset };
constexpr auto names(MappingKind) { return std::array<std::string_view, 2>{"differential", "offset"}; }
enum class PairSides { one, both };
constexpr auto names(PairSides) { return std::array<std::string_view, 2>{"one", "both"}; }
enum class Subtraction { analog, digital };
constexpr auto names(Subtraction) { return std::array<std::string_view, 2>{"analog", "digital"}; }
enum class ZeroRemoval { digital, reference_column };
constexpr auto names(ZeroRemoval) { return std::array<std::string_view, 2>{"digital", "reference-column"}; }
enum class WeightScale { tensor, column };
constexpr auto names(WeightScale) { return std::array<std::string_view, 2>{"tensor", "column"}; }

struct MappingParams {
  MappingKind kind = MappingKind::differential;
  PairSides sides = PairSides::one;
  Subtraction subtraction = Subtraction::analog;
  ZeroRemoval zero = ZeroRemoval::digital;
  WeightScale scale = WeightScale::tensor;
  int slices = 1;
  int slice_bits = 0;

  static constexpr auto describe() {
    constexpr auto has_pairs = [](const MappingParams& p) { return p.kind == MappingKind::differential; };
    constexpr auto is_offset = [](const MappingParams& p) { return p.kind == MappingKind::offset; };
    return fields(
        field("kind", &MappingParams::kind,
              "differential: two cells per weight and slice. offset: one, with zero in the middle of its "
              "range."),
        field("sides", &MappingParams::sides,
              "differential: a weight is written to the cell of its sign, or to both cells in opposite "
              "directions.")
            .acts_where("mapping.kind is differential", has_pairs),
        field("subtraction", &MappingParams::subtraction,
              "differential: currents are subtracted before one ADC, or codes after two.")
            .acts_where("mapping.kind is differential", has_pairs),
        field("zero", &MappingParams::zero,
              "offset: what zero contributes is computed, or measured on a column of reference cells.")
            .acts_where("mapping.kind is offset", is_offset),
        field("scale", &MappingParams::scale,
              "Full scale is the largest weight of the matrix, or of each output (column of cells)."),
        field("slices", &MappingParams::slices, between(1, 8), "Cells that share the bits of a weight."),
        field("slice_bits", &MappingParams::slice_bits, between(0, 8),
              "Bits per cell; 0: a single cell holds the weight as a conductance of any value."));
  }
  std::string problem() const {
    if (slices > 1 && slice_bits == 0) return "slices need slice_bits, the bits of a cell, to be at least 1";
    if (slices * slice_bits > 15) return "slices x slice_bits must not exceed 15 bits";
    if (kind == MappingKind::offset && slices * slice_bits == 1)
      return "an offset array needs at least 2 bits: zero is a level of its own";
    return "";
  }
};

enum class PairKind {
  one_sided,   ///< the sign of a weight says which side holds it
  both_sides,  ///< both sides move in opposite directions
  offset,      ///< the plus side alone; zero is removed after the product
  reference,   ///< the plus side holds it, the minus side of each weight is its zero
};

struct WeightMapping {
  float g_min = 0.0f, g_max = 0.0f;  ///< [S]
  float w_max = 1.0f;                ///< weight of full scale
  PairKind kind = PairKind::one_sided;
  int slices = 1;
  int slice_bits = 0;

  /// Target conductance [S] of one side in slice `slice`; expects |w| <= w_max.
  float target(float w, Polarity side, int slice = 0) const {
    // In double precision: the only rounding is the last one.
    const bool is_plus = side == Polarity::plus;
    double g = 0.0;
    if (kind == PairKind::one_sided) {
      g = g_min + std::max(is_plus ? part(w, slice) : -part(w, slice), 0.0);
    } else if (kind == PairKind::both_sides) {
      g = 0.5 * (double(g_min) + g_max) + 0.5 * (is_plus ? part(w, slice) : -part(w, slice));
    } else if (slice_bits > 0) {
      g = g_min + level(is_plus ? w : 0.0f, slice);
    } else {
      g = 0.5 * (double(g_min) + g_max) + (is_plus ? part(w, slice) : 0.0);
    }
    return std::clamp(static_cast<float>(g), g_min, g_max);
  }
  /// Largest g_plus - g_minus [S] of weights +-w_max without slices.
  double full_scale() const { return (double(g_max) - g_min) * (has_pairs() ? 1.0 : 0.5); }
  /// Weight units per siemens of slice `slice`: w = sum over slices of (g_plus - g_minus) times this.
  double weight_per_siemens(int slice = 0) const {
    if (slice_bits == 0) return w_max / full_scale();
    return w_max / double(levels()) * std::ldexp(double((1 << slice_bits) - 1), slice * slice_bits) /
           (double(g_max) - g_min);
  }
  /// Largest |whole number| that stands for a weight; expects slice_bits > 0.
  std::int32_t levels() const {
    const int bits = slices * slice_bits;
    return has_pairs() ? (1 << bits) - 1 : (1 << (bits - 1)) - 1;
  }
  /// What a weight becomes with slice_bits > 0.
  std::int32_t whole(float w) const {
    return static_cast<std::int32_t>(std::lrint(double(w) / w_max * levels()));
  }
  /// Whether both sides of a pair hold the weight.
  bool has_pairs() const { return kind == PairKind::one_sided || kind == PairKind::both_sides; }

 private:
  /// What slice `slice` holds of a weight as g_plus - g_minus [S].
  double part(float w, int slice) const {
    if (slice_bits == 0) return double(w) * (full_scale() / w_max);
    const std::int32_t q = whole(w), digit = digit_of(q < 0 ? -q : q, slice);
    return (double(g_max) - g_min) * (q < 0 ? -digit : digit) / ((1 << slice_bits) - 1);
  }
  /// Of a single cell with digits: its conductance above g_min [S].
  double level(float w, int slice) const {
    const std::int32_t digit = digit_of(whole(w) + (1 << (slices * slice_bits - 1)), slice);
    return (double(g_max) - g_min) * digit / ((1 << slice_bits) - 1);
  }
  std::int32_t digit_of(std::int32_t magnitude, int slice) const {
    return magnitude >> (slice * slice_bits) & ((1 << slice_bits) - 1);
  }
};

}  // namespace mq
