/// Products of a tile array, forward and transposed: terms of the grouped kernel, converters, counters.
#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/product_shape.h"
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
  const double dac_step = has_dac ? ranges.dac / dac_limit : 1.0;
  const double step_x = std::ldexp(dac_step, -static_cast<int>(driver_.shift));  // of what drivers apply
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
  std::vector<MvmTerm>& terms = side.host_terms;
  terms.clear();
  side.whole_terms.clear();
  side.conversions.clear();
  for (std::size_t b = 0; b < shape.blocks(); ++b) {
    for (std::size_t t = 0; t < shape.tiles; ++t) {
      const std::size_t row = direction == Direction::forward ? b : t, column = b + t - row;
      for (std::size_t plane = 0; plane < planes; ++plane) {
        for (std::uint32_t phase = 0; phase < phases_.count(); ++phase) {
          terms.push_back(term(direction, row * grid_.columns() + column, plane, phase, side.y_lsb));
          terms.back().first_input = static_cast<std::uint32_t>((phase * shape.tiles + t) * stride);
          if (is_in_steps()) take_conversion(side, b, row * grid_.columns() + column, plane);
        }
      }
    }
  }
  if (is_in_steps()) make_converters(exec, direction);
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
  if (hardware_.adc.bits == 0 && hardware_.periphery.has_errors() &&
      *std::min_element(ranges.adc.begin(), ranges.adc.end()) <= 0.0f) {
    throw StateError("the output stages have no full scale; set adc.range, or calibrate with typical inputs");
  }
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

bool TileArray::scales_rows(Direction direction) const {
  const InputScaling how = hardware_.dac.scaling;
  return direction == Direction::forward && (how == InputScaling::absmax || how == InputScaling::average);
}

const float* TileArray::scale_rows(const Exec& exec, MatrixView<const float> x, const float*& factors) {
  const KernelTable& table = kernels(backend_);
  const bool is_average = hardware_.dac.scaling == InputScaling::average;
  row_factors_ = Buffer<float>(exec, x.rows);
  ScaleRows op{.x = x.data, .rows = x.rows, .columns = x.columns, .factors = row_factors_.data()};
  op.to = grown(exec, scaled_, x.size());
  if (is_average) {
    std::vector<float> largest(x.rows);
    table.scale_rows(exec, {.x = x.data, .rows = x.rows, .columns = x.columns, .factors = op.factors});
    row_factors_.copy_to(largest);
    for (float& factor : largest) {
      const double weight = average_input_ > 0.0 ? hardware_.dac.average_decay : 1.0;
      average_input_ += weight * (factor - average_input_);
      factor = static_cast<float>(average_input_);
    }
    row_factors_.copy_from(largest);
    op.finds_factors = false;
  }
  table.scale_rows(exec, op);
  factors = row_factors_.data();
  return op.to;
}

void TileArray::disturb_inputs(const Exec& exec, int round, MvmLayer& op) {
  const std::size_t size = op.batch * op.code_stride;
  DisturbInputs disturb{.codes = op.codes,
                        .batch = op.batch,
                        .code_stride = op.code_stride,
                        .deviation = driver_.deviation,
                        .asymmetry = hardware_.dac.asymmetry,
                        .shift = driver_.shift};
  disturb.key = RngKey(address_.seed, Purpose::input_noise, address_.layer)
                    .at_moment(op.key.key ^ static_cast<std::uint64_t>(round))
                    .at_event(op.key.event >> 8)
                    .at_place(0, address_.chip);
  disturb.first_row = op.first_row;
  disturb.finer = grown(exec, fine_codes_, size);
  if (hardware_.tile.reads_noisily()) disturb.squares = grown(exec, squares_, size);
  disturb.largest = driver_.limit;
  kernels(backend_).disturb_inputs(exec, disturb);
  op.codes = disturb.finer;
  op.squares = disturb.squares;
  op.code_limit = driver_.limit;
}

void TileArray::multiply_rows(const Exec& exec, Direction direction, MvmLayer& op,
                              const std::function<void(int)>& quantize) {
  const KernelTable& table = kernels(backend_);
  const auto read = [&](int round) {
    if (hardware_.dac.bits == 0) return;
    quantize(round);
    if (driver_.errs) disturb_inputs(exec, round, op);
  };
  read(0);
  if (!is_in_steps()) {
    direction == Direction::forward ? table.mvm(exec, op) : table.mvm_transposed(exec, op);
    return;
  }
  if (hardware_.adc.bound_management == BoundManagement::none) {
    multiply_in_steps(exec, direction, op, codes_.data(), {});
    return finish(exec, direction, op);
  }
  // Samples of which nothing was cut keep what they have; the others are read again, with smaller inputs.
  std::vector<std::uint32_t> of_samples(op.batch, 0), clipped(op.batch);
  Buffer<std::uint32_t> rounds(exec, op.batch), cuts(exec, op.batch);
  for (int round = 0;; ++round) {
    multiply_in_steps(exec, direction, op, codes_.data(),
                      {rounds.data(), static_cast<std::uint32_t>(round), cuts.data()});
    if (round == hardware_.adc.bound_rounds) break;
    cuts.copy_to(clipped);
    std::size_t repeated = 0;
    for (std::size_t row = 0; row < op.batch; ++row) {
      if (clipped[row] == 0) continue;
      of_samples[row] = static_cast<std::uint32_t>(round) + 1;
      ++repeated;
    }
    if (repeated == 0) break;
    rounds.copy_from(of_samples);
    cuts.clear();
    ConverterCounts* const counts = std::exchange(op.counts, repeat_counts_.data());
    read(round + 1);
    op.counts = counts;
    count(direction, repeated);
  }
  finish(exec, direction, op);
}

void TileArray::multiply(const Exec& exec, Direction direction, MatrixView<const float> x,
                         MatrixView<float> y, MvmPlace place) {
  check_product(exec, direction, x.rows, x.columns, y.rows, y.columns);
  if (x.rows == 0) return;
  MvmLayer op = product(exec, direction, x.rows, place);
  const KernelTable& table = kernels(backend_);
  const bool has_dac = hardware_.dac.bits > 0;
  const std::size_t rows_at_once = has_dac || is_in_steps() || scales_rows(direction)
                                       ? std::max<std::size_t>(codes_at_once(backend_) / x.columns, 1)
                                       : x.rows;
  for (std::size_t first = 0; first < x.rows; first += rows_at_once) {
    op.batch = std::min(rows_at_once, x.rows - first);
    op.first_row = place.first_row + first;
    op.y = y.data + first * y.columns;
    const float* from = x.data + first * x.columns;
    const float* row_factors = nullptr;
    if (scales_rows(direction)) from = scale_rows(exec, {from, op.batch, x.columns}, row_factors);
    op.x = has_dac ? nullptr : from;
    multiply_rows(exec, direction, op, [&](int round) {
      QuantizeInputs inputs = codes_for(exec, direction, from, op);
      inputs.codes_per_unit = std::ldexp(inputs.codes_per_unit, -round);
      table.quantize_inputs(exec, inputs);
    });
    scale_outputs(exec, direction, op, row_factors);
  }
  count(direction, x.rows);
}

void TileArray::scale_outputs(const Exec& exec, Direction direction, const MvmLayer& op,
                              const float* row_factors) {
  const bool is_plain = output_scale_.size() == 0 || direction == Direction::transposed;
  if (is_plain && row_factors == nullptr) return;
  kernels(backend_).affine_outputs(exec, {.batch = op.batch,
                                          .outputs = op.outputs,
                                          .y = op.y,
                                          .row = row_factors,
                                          .scale = is_plain ? nullptr : output_scale_.data(),
                                          .offset = is_plain ? nullptr : output_offset_.data()});
}

void TileArray::multiply(const Exec& exec, Direction direction, MatrixView<const double> x,
                         MatrixView<double> y, MvmPlace place) {
  check_product(exec, direction, x.rows, x.columns, y.rows, y.columns);
  if (backend_ != Backend::reference || hardware_.dac.bits > 0) {
    throw ConfigError(
        "products in double precision need the backend reference and an ideal DAC (dac.bits = 0)");
  }
  if (hardware_.adc.has_errors() || hardware_.periphery.has_errors() ||
      hardware_.tile.read_noise_law == ReadNoiseLaw::nanosecond ||
      hardware_.adc.bound_management != BoundManagement::none || scales_rows(direction)) {
    throw ConfigError(
        "products in double precision know no errors of converters, scaled inputs, bound management or "
        "nanosecond "
        "read noise; use products in float");
  }
  MvmLayer op = product(exec, direction, x.rows, place);
  if (is_in_steps()) op.terms = products(direction).whole_terms.data();
  reference::mvm_in_double(op, direction, x.data, y.data);
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
  MQ_EXPECTS(takes_patches());
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
    multiply_rows(exec, Direction::forward, op, [&](int round) {
      QuantizeInputs inputs = codes_for(exec, Direction::forward, images + first * pixels, op);
      inputs.codes_per_unit = std::ldexp(inputs.codes_per_unit, -round);
      table.quantize_patches(
          exec, {.windows = part, .codes = inputs, .pixels = grown(exec, pixels_, pixel_scratch(part))});
    });
    scale_outputs(exec, Direction::forward, op, nullptr);
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
