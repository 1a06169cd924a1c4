/// What the products of a tile array are made of: planes of tiles times read phases, with their scales.
#include <algorithm>
#include <cmath>

#include "meltquench/crossbar/product_shape.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {

MvmTerm TileArray::term(Direction direction, std::size_t tile, std::size_t plane, std::uint32_t phase,
                        double y_lsb) {
  const bool has_dac = hardware_.dac.bits > 0;
  const Ranges& ranges = products(direction).ranges;
  const PlaneRole role = tiles_[tile].planes()[plane].role;
  const double siemens = tiles_[tile].planes()[plane].siemens_per_code;
  const double dac_limit = has_dac ? largest_code(hardware_.dac.bits) : 1.0;
  const double dac_step = has_dac ? ranges.dac / dac_limit : 1.0;
  const double step_x = std::ldexp(dac_step, -static_cast<int>(driver_.shift));  // of what drivers apply
  const double weight = weight_per_siemens(mapping(), role), phase_weight = phases_.weight(phase);
  const bool is_computed = role.kind == PlaneKind::computed_zero;
  MvmTerm term = tiles_[tile].term(plane);
  term.phase = static_cast<std::uint16_t>(phase);
  term.is_held = phases_.is_held && phase + 1 < phases_.count();
  // An output in weight units; what phases and planes count is applied to codes, or to charge before the ADC.
  term.scale = (has_dac ? siemens : 1.0) * std::abs(weight) * step_x * (phases_.is_held ? phase_weight : 1.0);
  double multiplier = digital_factor(tile, plane, phase);
  if (is_computed) {
    // Exact, so that no rounding of a large sum remains where zero is taken off.
    term.scale =
        (has_dac ? siemens : 1.0) * std::abs(weight) * dac_step * (phases_.is_held ? phase_weight : 1.0);
    multiplier = term.scale * multiplier / factors_[tile] / (hardware_.adc.bits > 0 ? y_lsb : 1.0);
    term.scale = phases_.is_held ? phase_weight : 1.0;
    term.multiplier = multiplier / term.scale;
    return term;
  }
  // Full scale: a fully-on cell at the largest code that a phase, or all of a conversion, can drive.
  const double g_range = mapping().full_scale();
  const double largest_digit = has_dac ? phase_limit() : 1.0;
  const double full_scale = std::abs(weight) * g_range * dac_step * largest_digit;
  const double full_output = phases_.is_held ? full_scale / largest_digit * dac_limit : full_scale;
  const bool is_first = !phases_.is_held || phase == 0;  // a conversion has one noise of its own
  if (is_first)
    term.output_variance = static_cast<float>(std::pow(hardware_.tile.output_noise * full_output, 2));
  // The variance in the units that the kernel sums: codes of S^2, squared codes of inputs.
  const double per_square = has_dac
                                ? std::ldexp(1.0, square_shift(driver_.limit)) /
                                      std::pow(std::ldexp(largest_digit, static_cast<int>(driver_.shift)), 2)
                                : 1.0;
  // Without a DAC the sum is of |g| x^2 itself.
  const double variance = has_dac ? tiles_[tile].planes()[plane].variance_per_code
                                  : std::pow(hardware_.tile.read_noise, 2) * g_range;
  term.read_variance = static_cast<float>(std::pow(full_scale / g_range, 2) * per_square * variance *
                                          (phases_.is_held ? std::pow(phase_weight, 2) : 1.0));
  if (hardware_.adc.bits > 0) {
    const double adc_limit = largest_code(hardware_.adc.bits);
    const double range = ranges.adc[conversion(tile, plane, phase)];
    term.adc_codes_per_unit = static_cast<float>(adc_limit / range);
    term.adc_limit = static_cast<float>(adc_limit);
    term.multiplier = std::nearbyint(range / adc_limit * multiplier / y_lsb);
  } else {
    term.multiplier = multiplier;
  }
  return term;
}

double TileArray::digital_factor(std::size_t tile, std::size_t plane, std::uint32_t phase) const {
  const bool is_negative = weight_per_siemens(mapping(), tiles_[tile].planes()[plane].role) < 0.0;
  return factors_[tile] * (phases_.is_held ? 1.0 : phases_.weight(phase)) * (is_negative ? -1.0 : 1.0);
}

void TileArray::refresh_column_ranges(const Exec& exec, Products& side) {
  if (side.ranges.columns.empty() || hardware_.adc.bits == 0) return;
  const double limit = largest_code(hardware_.adc.bits);
  std::vector<float> codes_per_units(side.ranges.columns.size());
  std::vector<double> multipliers(codes_per_units.size());
  for (const Conversion& of : side.conversions) {
    const double factor = digital_factor(of.tile, of.plane, phases_.is_held ? 0 : of.phase) / side.y_lsb;
    for (std::size_t i = of.index * grid_.tile_outputs; i < (of.index + 1) * grid_.tile_outputs; ++i) {
      codes_per_units[i] = static_cast<float>(limit / side.ranges.columns[i]);
      multipliers[i] = std::nearbyint(side.ranges.columns[i] / limit * factor);
    }
  }
  side.codes_per_units = Buffer<float>(exec, std::span<const float>(codes_per_units));
  side.multipliers = Buffer<double>(exec, std::span<const double>(multipliers));
}

std::int32_t TileArray::phase_limit() const {
  return phases_.digit_bits > 0 ? (std::int32_t(1) << phases_.digit_bits) - 1
                                : largest_code(hardware_.dac.bits);
}

std::size_t TileArray::conversion(std::size_t tile, std::size_t plane, std::uint32_t phase) const {
  const std::size_t planes = tiles_.front().planes().size();
  return (tile * planes + plane) * phases_.conversions() + (phases_.is_held ? 0 : phase);
}

void TileArray::refresh_terms(const Exec& exec, Direction direction) {
  Products& side = products(direction);
  const std::size_t planes = tiles_.front().planes().size();
  side.y_lsb = 1.0;
  if (hardware_.adc.bits > 0) {
    double largest_step = 0.0;
    for (std::size_t t = 0; t < tiles_.size(); ++t) {
      for (std::size_t c = conversion(t, 0, 0); c < conversion(t + 1, 0, 0); ++c) {
        largest_step = std::max(largest_step,
                                side.ranges.adc[c] / double(largest_code(hardware_.adc.bits)) * factors_[t]);
      }
    }
    int exponent = 0;
    std::frexp(largest_step, &exponent);
    side.y_lsb = std::ldexp(1.0, exponent - 30);
  }
  const ProductShape shape(grid_, direction);
  const std::size_t stride = hardware_.dac.bits > 0 ? padded_inputs(shape.input_block) : shape.input_block;
  if (shapes_inputs()) make_input_tables(exec, direction);
  std::vector<MvmTerm>& terms = side.host_terms;
  terms.clear();
  side.whole_terms.clear();
  side.conversions.clear();
  for (std::size_t b = 0; b < shape.blocks(); ++b) {
    for (std::size_t t = 0; t < shape.tiles; ++t) {
      const std::size_t row = direction == Direction::forward ? b : t, column = b + t - row;
      for (std::size_t plane = 0; plane < planes; ++plane) {
        for (std::uint32_t phase = 0; phase < phases_.count(); ++phase) {
          const std::size_t tile = row * grid_.columns() + column;
          MvmTerm whole = term(direction, tile, plane, phase, side.y_lsb);
          whole.first_input = static_cast<std::uint32_t>((phase * shape.tiles + t) * stride);
          for (std::size_t part = 0; part < parts_of(tile, plane); ++part) {
            terms.push_back(part_of(direction, whole, tile, plane, part));
            if (is_in_steps()) take_conversion(side, b, tile, plane);
          }
          // Products in double precision find the inputs as they are behind those of all terms of the law.
          const bool is_computed = tiles_[tile].planes()[plane].role.kind == PlaneKind::computed_zero;
          if (is_computed && shapes_inputs()) {
            side.whole_terms.back().first_input +=
                static_cast<std::uint32_t>(law_parts_.size() * shape.inputs);
          }
        }
      }
    }
  }
  if (is_in_steps()) make_converters(exec, direction);
  refresh_column_ranges(exec, side);
  std::vector<float> scale = column_scale_;
  if (!correction_.scale.empty()) {
    scale.resize(grid_.outputs, 1.0f);
    for (std::size_t o = 0; o < scale.size(); ++o) scale[o] *= correction_.scale[o];
  }
  output_scale_ = Buffer<float>(exec, std::span<const float>(scale));
  output_offset_ = Buffer<float>(exec, std::span<const float>(correction_.offset));
  side.terms = Buffer<MvmTerm>(exec, std::span<const MvmTerm>(terms));
  side.is_stale = false;
}

}  // namespace mq
