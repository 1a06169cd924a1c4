/// Products of a tile array, forward and transposed: terms of the grouped kernel, converters, counters.
#include <algorithm>
#include <bit>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/tile_array.h"
#include "meltquench/kernels/reference/mvm.h"

namespace mq {
namespace {

/// Inputs whose codes are held at once: a batch of many rows is cut, so that codes take less memory than a
/// tile and its cells. A CPU loses nothing by small parts, which also stay in its second cache; a GPU has the
/// memory, and needs many rows at once to be busy.
constexpr std::size_t codes_at_once(Backend backend) {
  return std::size_t(1) << (backend == Backend::cuda ? 24 : 18);
}

/// A grid as a product sees it: blocks of outputs, and the tiles that share each.
struct ProductShape {
  std::size_t outputs, inputs, block, input_block, tiles;

  ProductShape(const TileGrid& grid, Direction direction)
      : outputs(grid.outputs),
        inputs(grid.inputs),
        block(grid.tile_outputs),
        input_block(grid.tile_inputs),
        tiles(grid.columns()) {
    if (direction == Direction::forward) return;
    std::swap(outputs, inputs);
    std::swap(block, input_block);
    tiles = grid.rows();
  }
  std::size_t blocks() const { return (outputs + block - 1) / block; }
};

/// At least `size` elements at data().
std::int16_t* grown(const Exec& exec, Buffer<std::int16_t>& memory, std::size_t size) {
  if (memory.size() < size) memory = Buffer<std::int16_t>::uncleared(exec, size);
  return memory.data();
}

std::string shape(std::size_t rows, std::size_t columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

}  // namespace

TileArray::Products& TileArray::products(Direction direction) {
  return direction == Direction::forward ? forward_ : transposed_;
}

MvmTerm TileArray::term(Direction direction, std::size_t tile, std::size_t plane, std::uint32_t phase,
                        double y_lsb) {
  const bool has_dac = hardware_.dac.bits > 0;
  const Ranges& ranges = products(direction).ranges;
  const PlaneRole role = tiles_[tile].planes()[plane].role;
  const double siemens = tiles_[tile].planes()[plane].siemens_per_code;
  const double dac_limit = has_dac ? largest_code(hardware_.dac.bits) : 1.0;
  const double step_x = has_dac ? ranges.dac / dac_limit : 1.0;
  const double weight = weight_per_siemens(mapping(), role), phase_weight = phases_.weight(phase);
  const bool is_computed = role.kind == PlaneKind::computed_zero;
  MvmTerm term = tiles_[tile].term(plane);
  term.phase = static_cast<std::uint16_t>(phase);
  term.is_held = phases_.is_held && phase + 1 < phases_.count();
  // An output in weight units; what phases and planes count is applied to codes, or to charge before the ADC.
  term.scale = (has_dac ? siemens : 1.0) * std::abs(weight) * step_x * (phases_.is_held ? phase_weight : 1.0);
  double multiplier = factors_[tile] * (phases_.is_held ? 1.0 : phase_weight) * (weight < 0.0 ? -1.0 : 1.0);
  if (is_computed) {
    // Exact, so that no rounding of a large sum remains where zero is taken off.
    multiplier = term.scale * multiplier / factors_[tile] / (hardware_.adc.bits > 0 ? y_lsb : 1.0);
    term.scale = 1.0;
    term.multiplier = multiplier;
    return term;
  }
  // Full scale: a fully-on cell at the largest code that a phase, or all of a conversion, can drive.
  const double g_range = mapping().full_scale();
  const double largest_digit = has_dac ? phase_limit() : 1.0;
  const double full_scale = std::abs(weight) * g_range * step_x * largest_digit;
  const double full_output = phases_.is_held ? full_scale / largest_digit * dac_limit : full_scale;
  const bool is_first = !phases_.is_held || phase == 0;  // a conversion has one noise of its own
  if (is_first)
    term.output_variance = static_cast<float>(std::pow(hardware_.tile.output_noise * full_output, 2));
  // The variance in the units that the kernel sums: codes of S^2, squared codes of inputs.
  const double per_square =
      has_dac ? std::ldexp(1.0, square_shift(phase_limit())) / std::pow(largest_digit, 2) : 1.0;
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
  std::vector<MvmTerm> terms;
  for (std::size_t b = 0; b < shape.blocks(); ++b) {
    for (std::size_t t = 0; t < shape.tiles; ++t) {
      const std::size_t row = direction == Direction::forward ? b : t, column = b + t - row;
      for (std::size_t plane = 0; plane < planes; ++plane) {
        for (std::uint32_t phase = 0; phase < phases_.count(); ++phase) {
          terms.push_back(term(direction, row * grid_.columns() + column, plane, phase, side.y_lsb));
          terms.back().first_input = static_cast<std::uint32_t>((phase * shape.tiles + t) * stride);
        }
      }
    }
  }
  output_scale_ = Buffer<float>(exec, std::span<const float>(column_scale_));
  side.terms = Buffer<MvmTerm>(exec, std::span<const MvmTerm>(terms));
  side.is_stale = false;
}

void TileArray::check_product(const Exec& exec, Direction direction, std::size_t x_rows,
                              std::size_t x_columns, std::size_t y_rows, std::size_t y_columns) {
  const ProductShape sizes(grid_, direction);
  const bool is_forward = direction == Direction::forward;
  check_programmed();
  if (x_columns != sizes.inputs || y_columns != sizes.outputs || x_rows != y_rows) {
    throw ShapeError("the array maps x[batch, " + std::to_string(sizes.inputs) + "] to y[batch, " +
                     std::to_string(sizes.outputs) + "] " + (is_forward ? "" : "when transposed ") +
                     "but got x" + shape(x_rows, x_columns) + " and y" + shape(y_rows, y_columns));
  }
  check_ready(exec);
  const MappingParams& how = hardware_.mapping;
  if (!is_forward && (how.kind == MappingKind::offset || how.scale == WeightScale::column)) {
    throw ConfigError(
        "products from outputs to inputs need cells whose currents add to weights; use mapping.kind = "
        "\"differential\" and mapping.scale = \"tensor\"");
  }
  const Ranges& ranges = products(direction).ranges;
  const auto check = [&](const char* converter, const char* section, int bits, float smallest) {
    if (bits == 0 || smallest > 0.0f) return;
    throw StateError(std::string("the ") + converter + " has " + std::to_string(bits) + " bits but no range" +
                     (is_forward
                          ? std::string("; set ") + section +
                                ".range, calibrate with typical inputs, or set " + section + ".bits = 0"
                          : std::string(" for transposed products; call set_transposed_ranges(), or set ") +
                                section + ".bits = 0"));
  };
  check("DAC", "dac", hardware_.dac.bits, ranges.dac);
  check("ADC", "adc", hardware_.adc.bits, *std::min_element(ranges.adc.begin(), ranges.adc.end()));
}

MvmLayer TileArray::product(const Exec& exec, Direction direction, std::size_t batch, MvmPlace place) {
  Products& side = products(direction);
  if (side.is_stale) refresh_terms(exec, direction);
  MQ_EXPECTS(place.call < 1u << 24 && place.first_row + batch <= std::uint64_t(1) << 33);
  const ProductShape sizes(grid_, direction);
  MvmLayer op;
  op.batch = batch;
  op.outputs = sizes.outputs;
  op.block = sizes.block;
  op.terms_per_block = sizes.tiles * tiles_.front().planes().size() * phases_.count();
  op.terms = side.terms.data();
  op.x_stride = sizes.inputs;
  op.y_lsb = side.y_lsb;
  const Purpose purpose =
      direction == Direction::forward ? Purpose::mvm_noise : Purpose::mvm_transposed_noise;
  op.key = RngKey(address_.seed, purpose, address_.layer)
               .at_moment(std::bit_cast<std::uint64_t>(time_))
               .at_event(place.call)
               .at_place(0, address_.chip);
  op.first_row = place.first_row;
  op.phases = phases_.count();
  op.counts = side.counts.data();
  return op;
}

/// How x becomes codes, and where `op` finds them.
QuantizeInputs TileArray::codes_for(const Exec& exec, Direction direction, const float* x, MvmLayer& op) {
  const ProductShape sizes(grid_, direction);
  op.code_limit = phase_limit();
  op.code_stride = phases_.count() * sizes.tiles * padded_inputs(sizes.input_block);
  const std::size_t size = op.batch * op.code_stride;
  QuantizeInputs inputs;
  inputs.x = x;
  inputs.batch = op.batch;
  inputs.inputs = sizes.inputs;
  inputs.block = sizes.input_block;
  inputs.codes_per_unit =
      static_cast<float>(largest_code(hardware_.dac.bits) / double(products(direction).ranges.dac));
  inputs.code_limit = static_cast<float>(largest_code(hardware_.dac.bits));
  inputs.digit_bits = phases_.digit_bits;
  inputs.digits = phases_.digits;
  inputs.splits_sign = phases_.splits_sign;
  inputs.codes = grown(exec, codes_, size);
  inputs.code_stride = op.code_stride;
  if (hardware_.tile.reads_noisily()) inputs.squares = grown(exec, squares_, size);
  inputs.counts = op.counts;
  op.codes = inputs.codes;
  op.squares = inputs.squares;
  return inputs;
}

void TileArray::multiply(const Exec& exec, Direction direction, MatrixView<const float> x,
                         MatrixView<float> y, MvmPlace place) {
  check_product(exec, direction, x.rows, x.columns, y.rows, y.columns);
  if (hardware_.mapping.kind == MappingKind::offset ||
      hardware_.tile.read_noise_law == ReadNoiseLaw::nanosecond) {
    throw ConfigError("products of offset arrays are in double precision only: use the backend reference");
  }
  if (x.rows == 0) return;
  MvmLayer op = product(exec, direction, x.rows, place);
  const KernelTable& table = kernels(backend_);
  const auto multiply = direction == Direction::forward ? table.mvm : table.mvm_transposed;
  const bool has_dac = hardware_.dac.bits > 0;
  const std::size_t rows_at_once =
      has_dac ? std::max<std::size_t>(codes_at_once(backend_) / x.columns, 1) : x.rows;
  for (std::size_t first = 0; first < x.rows; first += rows_at_once) {
    op.batch = std::min(rows_at_once, x.rows - first);
    op.first_row = place.first_row + first;
    op.y = y.data + first * y.columns;
    if (has_dac) {
      table.quantize_inputs(exec, codes_for(exec, direction, x.data + first * x.columns, op));
    } else {
      op.x = x.data;
    }
    multiply(exec, op);
    scale_outputs(exec, op);
  }
  count(direction, x.rows);
}

void TileArray::scale_outputs(const Exec& exec, const MvmLayer& op) {
  if (column_scale_.empty()) return;
  kernels(backend_).affine_outputs(
      exec, {.batch = op.batch, .outputs = op.outputs, .y = op.y, .scale = output_scale_.data()});
}

void TileArray::multiply(const Exec& exec, Direction direction, MatrixView<const double> x,
                         MatrixView<double> y, MvmPlace place) {
  check_product(exec, direction, x.rows, x.columns, y.rows, y.columns);
  if (backend_ != Backend::reference || hardware_.dac.bits > 0) {
    throw ConfigError(
        "products in double precision need the backend reference and an ideal DAC (dac.bits = 0)");
  }
  reference::mvm_in_double(product(exec, direction, x.rows, place), direction, x.data, y.data);
  for (std::size_t i = 0; i < y.size() && !column_scale_.empty(); ++i)
    y.data[i] *= column_scale_[i % y.columns];
  count(direction, x.rows);
}

void TileArray::mvm(const Exec& exec, MatrixView<const float> x, MatrixView<float> y, MvmPlace place) {
  multiply(exec, Direction::forward, x, y, place);
}
void TileArray::mvm(const Exec& exec, MatrixView<const double> x, MatrixView<double> y, MvmPlace place) {
  multiply(exec, Direction::forward, x, y, place);
}
void TileArray::mvm_patches(const Exec& exec, const Windows& windows, const float* images,
                            MatrixView<float> y, MvmPlace place) {
  const std::size_t patches = std::size_t(windows.rows) * windows.columns,
                    inputs = std::size_t(windows.channels) * windows.size * windows.size,
                    pixels = std::size_t(windows.channels) * windows.height * windows.width;
  check_product(exec, Direction::forward, windows.samples * patches, inputs, y.rows, y.columns);
  MQ_EXPECTS(hardware_.dac.bits > 0);
  if (y.rows == 0) return;
  MvmLayer op = product(exec, Direction::forward, y.rows, place);
  const KernelTable& table = kernels(backend_);
  const std::size_t samples_at_once = std::max<std::size_t>(codes_at_once(backend_) / (patches * inputs), 1);
  for (std::size_t first = 0; first < windows.samples; first += samples_at_once) {
    Windows part = windows;
    part.samples = static_cast<std::uint32_t>(std::min(samples_at_once, windows.samples - first));
    op.batch = part.samples * patches;
    op.first_row = place.first_row + first * patches;
    op.y = y.data + first * patches * y.columns;
    table.quantize_patches(exec, {.windows = part,
                                  .codes = codes_for(exec, Direction::forward, images + first * pixels, op),
                                  .pixels = grown(exec, pixels_, pixel_scratch(part))});
    table.mvm(exec, op);
    scale_outputs(exec, op);
  }
  count(Direction::forward, y.rows);
}

void TileArray::mvm_transposed(const Exec& exec, MatrixView<const float> e, MatrixView<float> d,
                               MvmPlace place) {
  multiply(exec, Direction::transposed, e, d, place);
}
void TileArray::mvm_transposed(const Exec& exec, MatrixView<const double> e, MatrixView<double> d,
                               MvmPlace place) {
  multiply(exec, Direction::transposed, e, d, place);
}

void TileArray::count(Direction direction, std::size_t batch) {
  const auto rows = static_cast<std::int64_t>(batch);
  const ProductShape sizes(grid_, direction);
  counters_.mvms += rows * static_cast<std::int64_t>(tiles_.size());
  if (hardware_.dac.bits > 0)
    counters_.dac_conversions +=
        rows * static_cast<std::int64_t>(sizes.inputs * sizes.blocks() * phases_.count());
  if (hardware_.adc.bits == 0) return;
  for (const Plane& plane : tiles_.front().planes()) {
    if (plane.role.kind == PlaneKind::computed_zero) continue;
    const std::size_t converters = plane.role.kind == PlaneKind::minus && plane.outputs == 1 &&
                                           hardware_.mapping.kind == MappingKind::offset
                                       ? sizes.blocks()
                                       : sizes.outputs;
    counters_.adc_conversions +=
        rows * static_cast<std::int64_t>(converters * sizes.tiles * phases_.conversions());
  }
}

Counters TileArray::counters() const {
  Counters sum = counters_;
  for (const Direction direction : {Direction::forward, Direction::transposed}) {
    const Products& side = direction == Direction::forward ? forward_ : transposed_;
    ConverterCounts seen;
    side.counts.copy_to({&seen, 1});
    // Every block of outputs has DACs of its own.
    const auto blocks = static_cast<std::int64_t>(ProductShape(grid_, direction).blocks());
    sum.dac_clips += seen.dac_clips * blocks;
    sum.sum_of_codes += seen.sum_of_codes * blocks;
    sum.adc_clips += seen.adc_clips;
  }
  std::int64_t pulses = 0;
  update_pulses_.copy_to({&pulses, 1});
  sum.pulses += pulses;
  return sum;
}

}  // namespace mq
