/// Products of a tile array, forward and transposed: checks, rows at a time, counters.
#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/product_shape.h"
#include "meltquench/crossbar/shape_text.h"
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

}  // namespace

TileArray::Products& TileArray::products(Direction direction) {
  return direction == Direction::forward ? forward_ : transposed_;
}

void TileArray::check_product(const Exec& exec, Direction direction, std::size_t x_rows,
                              std::size_t x_columns, std::size_t y_rows, std::size_t y_columns) {
  const ProductShape sizes(grid_, direction);
  const bool is_forward = direction == Direction::forward;
  check_programmed();
  if (x_columns != sizes.inputs || y_columns != sizes.outputs || x_rows != y_rows) {
    throw ShapeError("the array maps x[batch, " + std::to_string(sizes.inputs) + "] to y[batch, " +
                     std::to_string(sizes.outputs) + "] " + (is_forward ? "" : "when transposed ") +
                     "but got x" + shape_text(x_rows, x_columns) + " and y" + shape_text(y_rows, y_columns));
  }
  check_ready(exec);
  const MappingParams& how = hardware_.mapping;
  if (!is_forward && (how.kind == MappingKind::offset || how.scale == WeightScale::column)) {
    throw ConfigError(
        "products from outputs to inputs need cells whose currents add to weights; use mapping.kind = "
        "\"differential\" and mapping.scale = \"tensor\"");
  }
  if (!is_forward && hardware_.wires.topology == WireTopology::gated) {
    throw ConfigError(
        "products from outputs to inputs need word lines that carry the currents of cells; with "
        "wires.topology = \"gated\" they only open transistors, so use \"input-source\"");
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
  check_full_scale(direction);
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
  op.terms_per_block = side.host_terms.size() / sizes.blocks();
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

void TileArray::multiply_rows(const Exec& exec, Direction direction, MvmLayer& op,
                              const std::function<void(int)>& quantize) {
  const KernelTable& table = kernels(backend_);
  MvmLayer plain = op;  // the inputs before drivers and cells do with them what they do
  const auto read = [&](int round) {
    if (hardware_.dac.bits > 0) {
      quantize(round);
      plain = op;
    }
    if (driver_.errs) disturb_inputs(exec, round, op);
    if (shapes_inputs()) shape_inputs(exec, direction, plain.x, op);
  };
  read(0);
  if (!is_in_steps()) {
    direction == Direction::forward ? table.mvm(exec, op) : table.mvm_transposed(exec, op);
    return;
  }
  if (hardware_.adc.bound_management == BoundManagement::none) {
    multiply_in_steps(exec, direction, op, plain, {});
    return finish(exec, direction, op);
  }
  // Samples of which nothing was cut keep what they have; the others are read again, with smaller inputs.
  std::vector<std::uint32_t> of_samples(op.batch, 0), clipped(op.batch);
  Buffer<std::uint32_t> rounds(exec, op.batch), cuts(exec, op.batch);
  for (int round = 0;; ++round) {
    multiply_in_steps(exec, direction, op, plain,
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
  const std::size_t inputs = x.columns * law_parts_.size();
  const std::size_t rows_at_once = has_dac || is_in_steps() || scales_rows(direction) || shapes_inputs()
                                       ? std::max<std::size_t>(codes_at_once(backend_) / inputs, 1)
                                       : x.rows;
  for (std::size_t first = 0; first < x.rows; first += rows_at_once) {
    op.batch = std::min(rows_at_once, x.rows - first);
    op.first_row = place.first_row + first;
    op.y = y.data + first * y.columns;
    const float* from = x.data + first * x.columns;
    const float* row_factors = nullptr;
    if (scales_rows(direction)) from = scale_rows(exec, {from, op.batch, x.columns}, row_factors);
    op.x = has_dac ? nullptr : from;
    op.x_stride = x.columns;
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
      hardware_.adc.bound_management != BoundManagement::none || scales_rows(direction) ||
      !forward_.ranges.columns.empty()) {
    throw ConfigError(
        "products in double precision know no errors of converters, ADC ranges of columns, scaled inputs, "
        "bound management or read noise of nanosecond pulses; use products in float");
  }
  if (solves_circuits() && (hardware_.adc.bits > 0 || hardware_.mapping.kind == MappingKind::offset)) {
    throw ConfigError(
        "products in double precision of nonlinear cells with wires need an ideal ADC and mapping.kind = "
        "\"differential\"; use products in float");
  }
  MvmLayer op = product(exec, direction, x.rows, place);
  if (is_in_steps()) op.terms = products(direction).whole_terms.data();
  std::vector<double> shaped;
  if (shapes_inputs()) {
    shaped = shaped_inputs(direction, x);
    op.x_stride = shaped.size() / x.rows;
  }
  reference::mvm_in_double(op, direction, shaped.empty() ? x.data : shaped.data(), y.data);
  if (solves_circuits()) add_currents(exec, direction, x, y);
  for (std::size_t i = 0; i < y.size() && direction == Direction::forward; ++i) {
    const std::size_t o = i % y.columns;
    if (!column_scale_.empty()) y.data[i] *= column_scale_[o];
    if (!correction_.scale.empty()) y.data[i] = y.data[i] * correction_.scale[o] + correction_.offset[o];
  }
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
  const std::size_t samples_at_once =
      std::max<std::size_t>(codes_at_once(backend_) / (patches * inputs * law_parts_.size()), 1);
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
    const std::size_t converters = is_shared(plane.role) ? sizes.blocks() : sizes.outputs;
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
  sum.adc_clips += counted_clips();
  return sum;
}

}  // namespace mq
