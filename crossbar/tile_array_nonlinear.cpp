/// Products of cells whose currents are not linear: linear products of the terms of their law, or, where
/// wires have resistance, a circuit for every input vector.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/thread_team.h"
#include "meltquench/crossbar/product_shape.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {
namespace {

/// Codes of the inputs of a term are two digits of 8 bits with sign, so that products of a term have errors
/// of rounding like those of planes, at the price of two products of such codes; small terms have one.
constexpr std::int32_t kDigit = 127, kBase = 2 * kDigit + 1, kTwoDigits = kDigit * kBase + kDigit;

/// Points of the function of an input without a DAC, on each side of 0.
constexpr std::uint32_t kHalf = 4096;

}  // namespace

void TileArray::check_full_scale(Direction direction) const {
  const Ranges& ranges = direction == Direction::forward ? forward_.ranges : transposed_.ranges;
  const bool needs_one = hardware_.dac.bits == 0 && (shapes_inputs() || solves_circuits());
  if (!needs_one || ranges.dac > 0.0f) return;
  throw StateError(
      std::string("cells of [current] are not linear, so inputs need a full scale that dac.v_read stands "
                  "for") +
      (direction == Direction::forward ? "; set dac.range, or calibrate with typical inputs"
                                       : " in transposed products; call set_transposed_ranges()"));
}

std::vector<TileArray::LawPart> TileArray::parts_of_law(const CurrentExpansion& law, bool has_dac) {
  std::vector<LawPart> parts;
  for (int term = 0; term < law.terms(); ++term) {
    if (!has_dac) {
      parts.push_back({term, 0, 0});
    } else if (law.share(term) * kBase <= 1.0) {
      parts.push_back({term, kDigit, 1});
    } else {
      parts.push_back({term, kTwoDigits, kBase});
      parts.push_back({term, kTwoDigits, 1});
    }
  }
  return parts;
}

void TileArray::make_input_tables(const Exec& exec, Direction direction) {
  Products& side = products(direction);
  if (!side.input_peaks.empty()) return;
  const auto terms = static_cast<std::size_t>(law_->terms());
  const bool has_dac = hardware_.dac.bits > 0;
  const std::int32_t limit = has_dac ? driver_.limit : static_cast<std::int32_t>(kHalf);
  const double full = has_dac ? std::ldexp(phase_limit(), static_cast<int>(driver_.shift)) : kHalf;
  const std::size_t points = 2 * static_cast<std::size_t>(limit) + 1;
  std::vector<double> inputs(terms * points), values(terms);
  side.input_peaks.assign(terms, 0.0);
  // Drivers of one polarity that do not err drive no negative codes.
  for (std::int32_t code = phases_.splits_sign && !driver_.errs ? 0 : -limit; code <= limit; ++code) {
    law_->inputs(direction, code / full, values);
    for (std::size_t t = 0; t < terms; ++t) {
      inputs[t * points + static_cast<std::size_t>(code + limit)] = values[t];
      side.input_peaks[t] = std::max(side.input_peaks[t], std::abs(values[t]));
    }
  }
  if (!has_dac) {
    const std::vector<float> table(inputs.begin(), inputs.end());
    side.input_table = Buffer<float>(exec, std::span<const float>(table));
    return;
  }
  std::vector<std::int16_t> table;
  for (const LawPart& part : law_parts_) {
    const auto t = static_cast<std::size_t>(part.term);
    for (std::size_t i = 0; i < points; ++i) {
      const double share = side.input_peaks[t] > 0.0 ? inputs[t * points + i] / side.input_peaks[t] : 0.0;
      const long code = std::lrint(share * part.limit);
      const long high = std::lrint(static_cast<double>(code) / kBase);
      const bool is_low = part.limit == kTwoDigits && part.weight == 1;
      table.push_back(static_cast<std::int16_t>(part.limit == kDigit ? code
                                                : is_low             ? code - kBase * high
                                                                     : high));
    }
  }
  side.code_table = Buffer<std::int16_t>(exec, std::span<const std::int16_t>(table));
}

std::size_t TileArray::parts_of(std::size_t tile, std::size_t plane) const {
  const bool is_computed = tiles_[tile].planes()[plane].role.kind == PlaneKind::computed_zero;
  return is_computed ? 1 : law_parts_.size();
}

MvmTerm TileArray::part_of(Direction direction, MvmTerm term, std::size_t tile, std::size_t plane,
                           std::size_t part) {
  const Plane& of = tiles_[tile].planes()[plane];
  const bool is_computed = of.role.kind == PlaneKind::computed_zero, has_dac = hardware_.dac.bits > 0;
  if (solves_circuits() && !is_computed) term.scale = 0.0;  // what is left is the noise
  if (!shapes_inputs() || is_computed) return term;
  const ProductShape sizes(grid_, direction);
  const std::size_t row =
      has_dac ? phases_.count() * sizes.tiles * padded_inputs(sizes.input_block) : sizes.inputs;
  const LawPart& how = law_parts_[part];
  term.first_input += static_cast<std::uint32_t>(part * row);
  term.is_held = term.is_held || part + 1 < law_parts_.size();
  double siemens = of.siemens_per_code;
  if (how.term > 0) {
    const PlaneTerm& more = of.more[static_cast<std::size_t>(how.term) - 1];
    term.codes = more.codes.data();
    term.floats = more.floats.data();
    siemens = more.siemens_per_code;
  }
  if (part > 0) {  // a conversion has the noise of its first part
    term.magnitudes = nullptr;
    term.read_variance = term.output_variance = 0.0f;
  }
  if (!has_dac) return term;
  // From codes of inputs to codes of what a term makes of them.
  const double peak = products(direction).input_peaks[static_cast<std::size_t>(how.term)];
  const double full = std::ldexp(phase_limit(), static_cast<int>(driver_.shift));
  const double codes = full * peak * how.weight / how.limit;
  term.scale *= of.siemens_per_code > 0.0 ? codes * siemens / of.siemens_per_code : 0.0;
  term.read_variance *=
      static_cast<float>(codes * codes * std::ldexp(1.0, square_shift(kDigit) - square_shift(driver_.limit)));
  return term;
}

void TileArray::shape_inputs(const Exec& exec, Direction direction, const float* x, MvmLayer& op) {
  const Products& side = products(direction);
  ShapeInputs shape{.batch = op.batch, .terms = law_parts_.size()};
  if (hardware_.dac.bits > 0) {
    shape.columns = op.code_stride;
    shape.codes = op.codes;
    shape.code_limit = op.code_limit;
    shape.code_table = side.code_table.data();
    op.code_stride *= shape.terms;
    op.codes = shape.to_codes = grown(exec, shaped_codes_, op.batch * op.code_stride);
    if (op.squares != nullptr) {
      op.squares = shape.squares = grown(exec, shaped_squares_, op.batch * op.code_stride);
    }
    op.code_limit = shape.square_limit = kDigit;
  } else {
    shape.columns = ProductShape(grid_, direction).inputs;
    shape.x = x;
    shape.full_scale = side.ranges.dac;
    shape.table = side.input_table.data();
    shape.half = kHalf;
    shape.counts = op.counts;
    op.x_stride = shape.columns * shape.terms;
    op.x = shape.to = grown(exec, shaped_, op.batch * op.x_stride);
  }
  kernels(backend_).shape_inputs(exec, shape);
}

std::vector<double> TileArray::shaped_inputs(Direction direction, MatrixView<const double> x) {
  const auto terms = static_cast<std::size_t>(law_->terms());
  const double full = products(direction).ranges.dac;
  std::vector<double> shaped(x.size() * (terms + 1)), values(terms);
  for (std::size_t row = 0; row < x.rows; ++row) {
    double* const to = shaped.data() + row * x.columns * (terms + 1);
    for (std::size_t i = 0; i < x.columns; ++i) {
      const double u = x(row, i) / full;
      counters_.dac_clips += std::abs(u) > 1.0;
      law_->inputs(direction, std::clamp(u, -1.0, 1.0), values);
      for (std::size_t t = 0; t < terms; ++t) to[t * x.columns + i] = full * values[t];
      to[terms * x.columns + i] = x(row, i);
    }
  }
  return shaped;
}

std::vector<double> TileArray::solved(const Exec& exec, Direction direction, const Conversion& conversion,
                                      std::uint32_t phase, MatrixView<const double> inputs) {
  const Tile& tile = tiles_[conversion.tile];
  const Plane& plane = tile.planes()[conversion.plane];
  const bool has_dac = hardware_.dac.bits > 0;
  const double dac = products(direction).ranges.dac, v_read = hardware_.dac.v_read;
  const double full_input = has_dac ? dac / largest_code(hardware_.dac.bits) * phase_limit() : dac;
  // Drivers of one polarity drive bit lines so that currents flow through cells as they do from word lines.
  const double sign = direction == Direction::transposed && phases_.splits_sign ? -1.0 : 1.0;
  const double factor = sign * full_input / v_read * std::abs(weight_per_siemens(mapping(), plane.role)) *
                        (phases_.is_held ? phases_.weight(phase) : 1.0);
  const std::size_t outputs = direction == Direction::forward ? plane.outputs : tile.inputs();
  std::vector<double> y(inputs.rows * outputs);
  const auto rows = static_cast<std::ptrdiff_t>(inputs.rows);
  std::atomic<int> open = 0;
  parallel_for(exec.threads, rows, [&](std::int64_t r) {
    throw_if_stopped();
    const auto row = static_cast<std::size_t>(r);
    const std::span<const double> u(inputs.row(row), inputs.columns);
    const std::span<double> to(y.data() + row * outputs, outputs);
    std::vector<double> volts(u.size());
    if (hardware_.dac.coding == InputCoding::level) {
      for (std::size_t i = 0; i < u.size(); ++i) volts[i] = sign * v_read * u[i];
      open += !tile.add_currents(direction, plane.role, volts, factor, to);
      return;
    }
    // All pulses begin together: a circuit for each time at which some end.
    std::vector<double> ends;
    for (const double duration : u) ends.push_back(std::abs(duration));
    std::sort(ends.begin(), ends.end());
    double begin = 0.0;
    for (const double end : ends) {
      if (end == begin) continue;
      for (std::size_t i = 0; i < u.size(); ++i) {
        volts[i] = std::abs(u[i]) >= end ? std::copysign(sign * v_read, sign * u[i]) : 0.0;
      }
      open += !tile.add_currents(direction, plane.role, volts, factor * (end - begin), to);
      begin = end;
    }
  });
  if (open > 0) {
    throw ConfigError("the circuit of tile " + std::to_string(conversion.tile) +
                      ", with wires and cells that are not linear, has no accurate solution for " +
                      std::to_string(open) +
                      " input vectors; raise wires.tolerance, or set current.wires = \"linearised\"");
  }
  return y;
}

void TileArray::add_currents(const Exec& exec, Direction direction, const MvmLayer& op,
                             const Conversion& conversion) {
  const Products& side = products(direction);
  const bool has_dac = hardware_.dac.bits > 0;
  const std::size_t stride = has_dac ? op.code_stride : op.x_stride;
  std::vector<std::int16_t> codes(has_dac ? op.batch * stride : 0);
  std::vector<float> x(has_dac ? 0 : op.batch * stride);
  const MemoryOps& memory = memory_ops(backend_);
  if (has_dac) {
    memory.to_host(exec, codes.data(), op.codes, codes.size() * sizeof(codes[0]));
  } else {
    memory.to_host(exec, x.data(), op.x, x.size() * sizeof(x[0]));
  }
  const double full = has_dac ? std::ldexp(phase_limit(), static_cast<int>(driver_.shift)) : side.ranges.dac;
  std::vector<double> sum(op.batch * op.outputs);
  for (std::size_t t = 0; t < conversion.terms; ++t) {
    const MvmTerm& term = side.host_terms[conversion.first_term + t];
    const std::size_t n = inputs_of(term, direction);
    std::vector<double> inputs(op.batch * n);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::size_t at = i / n * stride + term.first_input + i % n;
      const double u = (has_dac ? codes[at] : double(x[at])) / full;
      if (!has_dac && conversion.plane == 0) counters_.dac_clips += std::abs(u) > 1.0;
      inputs[i] = has_dac ? u : std::clamp(u, -1.0, 1.0);
    }
    const std::vector<double> y =
        solved(exec, direction, conversion, term.phase, {inputs.data(), op.batch, n});
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += y[i];
  }
  const std::vector<float> host(sum.begin(), sum.end());
  const Buffer<float> currents(exec, std::span<const float>(host));
  kernels(backend_).affine_outputs(
      exec, {.batch = 1, .outputs = currents.size(), .y = op.y, .offset = currents.data()});
}

void TileArray::add_currents(const Exec& exec, Direction direction, MatrixView<const double> x,
                             MatrixView<double> y) {
  const Products& side = products(direction);
  const ProductShape sizes(grid_, direction);
  for (const Conversion& conversion : side.conversions) {
    const MvmTerm& term = side.host_terms[conversion.first_term];
    const std::size_t n = inputs_of(term, direction), first = conversion.block * sizes.block;
    std::vector<double> inputs(x.rows * n);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const double u = x(i / n, term.first_input + i % n) / side.ranges.dac;
      if (conversion.plane == 0) counters_.dac_clips += std::abs(u) > 1.0;
      inputs[i] = std::clamp(u, -1.0, 1.0);
    }
    const std::vector<double> part = solved(exec, direction, conversion, 0, {inputs.data(), x.rows, n});
    const std::size_t outputs = part.size() / x.rows;
    for (std::size_t i = 0; i < part.size(); ++i) {
      y.data[i / outputs * y.columns + first + i % outputs] += part[i] * conversion.multiplier;
    }
  }
}

}  // namespace mq
