/// Products in steps: one conversion after the other, where an output stage or an ADC has errors of its own,
/// outputs share a zero or have ranges of their own, samples are repeated by bound management, noise depends
/// on how long an input is on, codes are counted, currents are those of circuits of nonlinear cells, or
/// inputs open transistors.
#include <algorithm>
#include <cmath>
#include <utility>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/product_shape.h"
#include "meltquench/crossbar/tile_array.h"
#include "meltquench/devices/nanosecond_noise.h"
#include "meltquench/kernels/mvm_epilogue.h"

namespace mq {
namespace {

/// Largest code of what inputs make of a variance.
constexpr std::int32_t kSquareLimit = 1023;

}  // namespace

bool TileArray::is_in_steps() const {
  return code_counts_.has_value() || hardware_.mapping.kind == MappingKind::offset ||
         hardware_.periphery.has_errors() || hardware_.adc.has_errors() ||
         hardware_.tile.read_noise_law == ReadNoiseLaw::nanosecond ||
         hardware_.adc.bound_management != BoundManagement::none || !forward_.ranges.columns.empty() ||
         solves_circuits() || hardware_.wires.is_gated();
}

void TileArray::take_conversion(Products& side, std::size_t block, std::size_t tile, std::size_t plane) {
  MvmTerm& term = side.host_terms.back();
  side.whole_terms.push_back(term);
  const bool continues = side.host_terms.size() > 1 && side.host_terms[side.host_terms.size() - 2].is_held;
  if (!continues) {
    Conversion first{.tile = tile, .plane = plane, .block = block, .first_term = side.host_terms.size() - 1};
    const PlaneRole role = tiles_[tile].planes()[plane].role;
    first.is_shared = is_shared(role);
    first.is_computed = role.kind == PlaneKind::computed_zero;
    side.conversions.push_back(first);
  }
  Conversion& conversion = side.conversions.back();
  ++conversion.terms;
  conversion.codes_per_unit = term.adc_codes_per_unit;
  conversion.multiplier = term.multiplier;
  conversion.phase = term.phase;
  conversion.index = this->conversion(tile, plane, term.phase);
  if (hardware_.tile.read_noise_law == ReadNoiseLaw::nanosecond) term.read_variance = 0.0f;
  term.adc_codes_per_unit = 0.0f;
  term.multiplier = 1.0;
  if (hardware_.wires.is_gated() && !conversion.is_computed) term.scale = 0.0;  // what is left is the noise
}

Buffer<float> TileArray::fabricate_converters(const Exec& exec, Direction direction, std::size_t tile,
                                              std::size_t plane) const {
  const Tile& of = tiles_[tile];
  const bool is_forward = direction == Direction::forward;
  FabricateConverters op{.adc = hardware_.adc.law(),
                         .spread = converter_spread(hardware_.adc, hardware_.periphery),
                         .outputs = is_forward ? of.planes()[plane].outputs : of.inputs()};
  op.stride = padded_outputs(op.outputs);
  // What reads the array the other way is other hardware.
  op.key = RngKey(address_.seed, Purpose::converters, address_.layer)
               .at_event(is_forward ? 0 : 1, static_cast<std::uint32_t>(plane))
               .at_place(static_cast<std::uint32_t>(tile), address_.chip);
  Buffer<float> planes(exec, converter_fields(op.adc) * op.stride);
  op.planes = planes.data();
  kernels(backend_).fabricate_converters(exec, op);
  return planes;
}

Buffer<float> TileArray::line_factors(const Exec& exec, std::size_t tile, std::size_t plane) {
  Tile& of = tiles_[tile];
  const PlaneRole role = of.planes()[plane].role;
  const std::size_t outputs = of.planes()[plane].outputs;
  std::vector<double> total(outputs);
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    const PlaneKind other = side == Polarity::plus ? PlaneKind::minus : PlaneKind::plus;
    if (role.kind == other) continue;
    // All cells of a bit line load it, also those that nothing drives.
    const std::vector<float> g = of.array_conductances(exec, side, now(), role.slice);
    if (g.empty()) continue;
    const std::size_t word_lines = of.lines().word_lines;
    for (std::size_t i = 0; i < outputs * word_lines; ++i) {
      const std::size_t line = is_shared(role) ? 0 : of.lines().outputs[i / word_lines];
      total[i / word_lines] += g[line * word_lines + i % word_lines];
    }
  }
  std::vector<float> factors;
  for (const double g : total) factors.push_back(static_cast<float>(hardware_.periphery.line_factor(g)));
  return Buffer<float>(exec, std::span<const float>(factors));
}

void TileArray::make_converters(const Exec& exec, Direction direction) {
  Products& side = products(direction);
  const std::size_t planes = tiles_.front().planes().size();
  side.line_factors.clear();
  for (std::size_t i = 0; i < tiles_.size() * planes; ++i) {
    if (side.converters.size() == i) {
      side.converters.push_back(fabricate_converters(exec, direction, i / planes, i % planes));
    }
    const bool has_series = hardware_.periphery.series_resistance > 0.0 && direction == Direction::forward;
    side.line_factors.push_back(has_series ? line_factors(exec, i / planes, i % planes) : Buffer<float>());
  }
}

void TileArray::add_nanosecond_noise(const Exec& exec, Direction direction, MvmLayer op,
                                     const MvmTerm& term) {
  // The variance is a product of its own: of what cells vary by, and what inputs make of it.
  const std::int32_t limit = op.code_limit, full = phase_limit() << driver_.shift;
  std::vector<double> squares(static_cast<std::size_t>(limit) + 1);
  for (std::int32_t code = 1; code <= limit; ++code) {
    const float on = hardware_.tile.pulse_time * static_cast<float>(code) / static_cast<float>(full);
    squares[static_cast<std::size_t>(code)] = std::pow(double(NanosecondNoise::slope(on)) * code, 2);
  }
  const double largest = *std::max_element(squares.begin(), squares.end());
  std::vector<std::int16_t> host;
  for (const double square : squares) {
    host.push_back(static_cast<std::int16_t>(std::lrint(square / largest * kSquareLimit)));
  }
  const Buffer<std::int16_t> lookup(exec, std::span<const std::int16_t>(host));
  const KernelTable& table = kernels(backend_);
  std::int16_t* mapped = grown(exec, mapped_, op.batch * op.code_stride);
  table.map_codes(exec, {.codes = op.codes,
                         .table = lookup.data(),
                         .entries = host.size(),
                         .to = mapped,
                         .size = op.batch * op.code_stride});
  MvmTerm variance = term;
  variance.codes = term.magnitudes;
  variance.magnitudes = nullptr;
  variance.read_variance = variance.output_variance = 0.0f;
  variance.is_held = false;
  variance.adc_codes_per_unit = 0.0f;
  variance.multiplier = 1.0;
  // `read_variance` is per squared code; here squares come in steps of their own.
  variance.scale =
      double(term.read_variance) * std::ldexp(1.0, -square_shift(limit)) * largest / kSquareLimit;
  const Buffer<MvmTerm> terms(exec, std::span<const MvmTerm>(&variance, 1));
  float* y = op.y;
  op.terms = terms.data();
  op.terms_per_block = 1;
  op.codes = mapped;
  op.squares = nullptr;
  op.code_limit = kSquareLimit;
  op.y = grown(exec, variances_, op.batch * op.outputs);
  direction == Direction::forward ? table.mvm(exec, op) : table.mvm_transposed(exec, op);
  MvmLayer phase = op;
  phase.key = op.key.at_moment(term.phase + 1);
  table.add_read_noise(exec, {.batch = op.batch,
                              .outputs = op.outputs,
                              .y = y,
                              .variance = op.y,
                              .first_row = op.first_row,
                              .key = key_of(phase, term)});
}

ConvertOutputs TileArray::converter(Direction direction, const Conversion& conversion, const MvmLayer& op,
                                    std::uint32_t round) const {
  const Products& side = direction == Direction::forward ? forward_ : transposed_;
  const std::size_t i = conversion.tile * tiles_.front().planes().size() + conversion.plane;
  const std::size_t fields = converter_fields(hardware_.adc.law());
  ConvertOutputs convert{
      .codes_per_unit = conversion.codes_per_unit > 0.0f ? conversion.codes_per_unit : 1.0f,
      .output = hardware_.periphery.law(),
      .adc = hardware_.adc.law()};
  if (hardware_.adc.bits == 0) convert.adc.limit = side.ranges.adc[conversion.index];
  convert.line_factors = side.line_factors[i].data();
  convert.converters = side.converters[i].data();
  convert.converter_stride = side.converters[i].size() / fields;
  convert.key = RngKey(address_.seed, Purpose::converter_noise, address_.layer)
                    .at_moment(op.key.key ^ (std::uint64_t(round) << 32 | conversion.phase))
                    .at_event(0, static_cast<std::uint32_t>(conversion.plane))
                    .at_place(static_cast<std::uint32_t>(conversion.tile), address_.chip);
  convert.key.event |= op.key.event & 0xffffff00u;
  convert.first_row = op.first_row;
  return convert;
}

void TileArray::count_codes(const Conversion& conversion, ConvertOutputs& convert) {
  const std::size_t entries = 2 * static_cast<std::size_t>(largest_code(hardware_.adc.bits)) + 1;
  convert.histogram = code_counts_->codes.data() + conversion.index * entries;
  convert.counts = code_counts_->clips.data() + conversion.index;
}

void TileArray::multiply_in_steps(const Exec& exec, Direction direction, const MvmLayer& op,
                                  const MvmLayer& plain, Rounds rounds) {
  const Products& side = products(direction);
  const ProductShape sizes(grid_, direction);
  const KernelTable& table = kernels(backend_);
  double* totals = grown(exec, totals_, op.batch * op.outputs);
  double* shared = grown(exec, shared_totals_, op.batch * sizes.blocks());
  float* analog = grown(exec, analog_, op.batch * sizes.block);
  std::vector<bool> adds(2 * sizes.blocks(), false);  // to the totals of outputs, and to what they share
  for (const Conversion& conversion : side.conversions) {
    const std::size_t first = conversion.block * sizes.block;
    MvmLayer one = op;
    one.outputs = one.block = conversion.is_shared ? 1 : std::min(sizes.block, sizes.outputs - first);
    one.terms_per_block = conversion.terms;
    one.terms = side.terms.data() + conversion.first_term;
    one.y = analog;
    one.y_lsb = 1.0;
    if (conversion.is_computed) {
      one.codes = plain.codes;
      one.code_stride = plain.code_stride;
      one.code_limit = plain.code_limit;
      one.x = plain.x;
      one.x_stride = plain.x_stride;
    }
    if (rounds.round > 0) one.key = op.key.at_moment(std::uint64_t(rounds.round) << 32);
    direction == Direction::forward ? table.mvm(exec, one) : table.mvm_transposed(exec, one);
    if (solves_circuits() && !conversion.is_computed) add_currents(exec, direction, one, conversion);
    ConvertOutputs convert;
    if (!conversion.is_computed) {
      if (hardware_.wires.is_gated()) add_gated_currents(exec, one, conversion);
      if (hardware_.tile.read_noise_law == ReadNoiseLaw::nanosecond) {
        for (std::size_t t = 0; t < conversion.terms; ++t) {
          add_nanosecond_noise(exec, direction, one, side.whole_terms[conversion.first_term + t]);
        }
      }
      convert = converter(direction, conversion, op, rounds.round);
      convert.clipped = rounds.clipped;
      convert.counts = op.counts;
      if (code_counts_ && direction == Direction::forward) count_codes(conversion, convert);
    }
    convert.batch = op.batch;
    convert.outputs = convert.y_stride = one.outputs;
    convert.y = analog;
    convert.multiplier = std::ldexp(conversion.multiplier, static_cast<int>(rounds.round));
    if (side.multipliers.size() > 0 && !conversion.is_computed) {
      convert.codes_per_units = side.codes_per_units.data() + conversion.index * grid_.tile_outputs;
      convert.multipliers = side.multipliers.data() + conversion.index * grid_.tile_outputs;
      convert.multiplier = std::ldexp(1.0, static_cast<int>(rounds.round));
    }
    const std::size_t to = 2 * conversion.block + conversion.is_shared;
    convert.adds = adds[to];
    adds[to] = true;
    convert.totals = conversion.is_shared ? shared + conversion.block : totals + first;
    convert.totals_stride = conversion.is_shared ? sizes.blocks() : sizes.outputs;
    convert.rounds = rounds.of_samples;
    convert.round = rounds.round;
    table.convert_outputs(exec, convert);
  }
}

void TileArray::finish(const Exec& exec, Direction direction, const MvmLayer& op) {
  const ProductShape sizes(grid_, direction);
  const bool has_shared = hardware_.mapping.kind == MappingKind::offset;
  kernels(backend_).finish_outputs(exec, {.batch = op.batch,
                                          .outputs = op.outputs,
                                          .totals = totals_.data(),
                                          .shared = has_shared ? shared_totals_.data() : nullptr,
                                          .block = sizes.block,
                                          .y_lsb = products(direction).y_lsb,
                                          .y = op.y});
}

}  // namespace mq
