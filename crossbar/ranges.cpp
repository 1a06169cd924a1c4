#include "meltquench/crossbar/ranges.h"

#include <algorithm>
#include <cmath>

#include "meltquench/core/contract.h"
#include "meltquench/core/stop.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {
namespace {

/// What a plane holds of the weights [outputs, inputs], without its sign.
std::vector<float> ideal_plane(const Hardware& hardware, PlaneRole role, MatrixView<const float> w) {
  float w_max = 0.0f;
  for (std::size_t i = 0; i < w.size(); ++i) w_max = std::max(w_max, std::abs(w.data[i]));
  if (w_max == 0.0f) w_max = 1.0f;
  const WeightMapping mapping = weight_mapping(hardware, w_max);
  const std::vector<float> scales = hardware.mapping.scale == WeightScale::column
                                        ? column_scales(w, w_max)
                                        : std::vector<float>(w.rows, 1.0f);
  std::vector<float> part(w.size());
  for (std::size_t i = 0; i < part.size(); ++i) {
    const float weight = std::clamp(w.data[i] / scales[i / w.columns], -w_max, w_max);
    part[i] = static_cast<float>(ideal_part(mapping, role, weight));
  }
  return part;
}

/// [tiles][planes][columns] -> the largest of the group that shares a range.
void share(RangeGroup per, std::size_t planes, std::vector<float>& ranges) {
  if (per == RangeGroup::tile || per == RangeGroup::column) return;
  std::vector<float> largest(planes);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    largest[i % planes] = std::max(largest[i % planes], ranges[i]);
  }
  if (per == RangeGroup::layer) {
    largest.assign(planes, *std::max_element(largest.begin(), largest.end()));
  }
  for (std::size_t i = 0; i < ranges.size(); ++i) ranges[i] = largest[i % planes];
}

}  // namespace

RangeFinder::RangeFinder(const TileGrid& grid, const Hardware& hardware)
    : grid_(grid),
      hardware_(hardware),
      phases_(input_phases(hardware.dac)),
      planes_(plane_roles(hardware.mapping)) {
  const AdcParams& adc = hardware.adc;
  const bool is_found = !adc.is_ideal() && !adc.range;
  if (is_found && adc.range_per == RangeGroup::column) columns_ = grid.tile_outputs;
  seen_.assign(grid.size() * planes_.size() * columns_, 0.0f);
  limit_ = seen_;
  if (!is_found || adc.range_from == RangeMethod::full_scale) return;
  if (phases_.conversions() > 1 && !fixed_dac_range(hardware.dac)) looks_ = 2;
  if (adc.range_from != RangeMethod::maximum) {
    magnitudes_.emplace(adc.range_per, grid.size(), planes_.size(), grid.tile_outputs);
  }
}

double RangeFinder::full_input() const {
  return fixed_dac_range(hardware_.dac).value_or(dac_ > 0.0f ? dac_ : 1.0f);
}

std::vector<float> RangeFinder::scaled(const Exec& exec, MatrixView<const float> x) {
  const InputScaling how = hardware_.dac.scaling;
  if (how != InputScaling::absmax && how != InputScaling::average) return {};
  const KernelTable& table = kernels(exec.backend);
  std::vector<float> to(x.size()), factors(x.rows);
  ScaleRows op{.x = x.data, .rows = x.rows, .columns = x.columns, .factors = factors.data(), .to = to.data()};
  if (how == InputScaling::average) {
    op.to = nullptr;
    table.scale_rows(exec, op);
    for (float& factor : factors) {
      factor = static_cast<float>(average_input_.next(factor, hardware_.dac.average_decay));
    }
    op.to = to.data();
    op.finds_factors = false;
  }
  table.scale_rows(exec, op);
  return to;
}

std::vector<float> RangeFinder::driven(MatrixView<const float> x, std::uint32_t phase) const {
  const double limit = largest_code(hardware_.dac.bits), step = full_input() / limit;
  const std::uint32_t digit = phases_.splits_sign ? phase / 2 : phase;
  std::vector<float> driven(x.size());
  for (std::size_t i = 0; i < driven.size(); ++i) {
    const double code = std::nearbyint(std::clamp(x.data[i] / step, -limit, limit));
    if (phases_.splits_sign && (code < 0.0) != (phase % 2 == 1)) continue;
    auto size = static_cast<std::uint32_t>(std::abs(code));
    if (phases_.digit_bits > 0) {
      size = size >> (digit * phases_.digit_bits) & ((1u << phases_.digit_bits) - 1);
    }
    const double on = code < 0.0 && !phases_.splits_sign ? -double(size) : double(size);
    driven[i] = static_cast<float>(on * step);
  }
  return driven;
}

void RangeFinder::take(const Exec& exec, std::size_t tile, std::size_t plane, MatrixView<const float> y,
                       std::int64_t weight) {
  if (magnitudes_) return magnitudes_->add(tile, plane, y, weight);
  float* seen = seen_.data() + (tile * planes_.size() + plane) * columns_;
  if (columns_ == 1) {
    *seen = std::max(*seen, kernels(exec.backend).largest_magnitude(exec, y.data, y.size()));
    return;
  }
  for (std::size_t i = 0; i < y.size(); ++i) {
    float& of_column = seen[i % y.columns];
    of_column = std::max(of_column, std::abs(y.data[i]));
  }
}

void RangeFinder::look_at(const Exec& exec, MatrixView<const float> x, MatrixView<const float> w) {
  MQ_EXPECTS(x.columns == grid_.inputs && w.rows == grid_.outputs && w.columns == grid_.inputs);
  if (look_ > looks_) return;
  // The data are on the host, so a GPU's kernels cannot look at them.
  const Exec on_host{.backend = exec.backend == Backend::cuda ? Backend::cpu : exec.backend,
                     .threads = exec.threads};
  const KernelTable& table = kernels(on_host.backend);
  const std::vector<float> relative = scaled(on_host, x);
  if (!relative.empty()) x = {relative.data(), x.rows, x.columns};
  dac_ = std::max(dac_, table.largest_magnitude(on_host, x.data, x.size()));
  if (look_ < looks_) return;
  const MappingParams& how = hardware_.mapping;
  const bool is_plain = planes_.size() == 1 && how.slice_bits == 0 && how.scale == WeightScale::tensor;
  const bool is_full_scale = hardware_.adc.range_from == RangeMethod::full_scale;
  const std::uint32_t phases = is_full_scale || phases_.is_held ? 1 : phases_.count();
  std::vector<float> partial(x.rows * grid_.tile_outputs);
  for (std::uint32_t phase = 0; phase < phases; ++phase) {
    const std::vector<float> part = phases > 1 ? driven(x, phase) : std::vector<float>();
    const float* inputs = part.empty() ? x.data : part.data();
    const bool counts_squares = hardware_.adc.range_from == RangeMethod::least_error && phases > 1;
    const double squares = counts_squares ? std::pow(phases_.weight(phase), 2) : 1.0;
    for (std::size_t p = 0; p < planes_.size(); ++p) {
      throw_if_stopped();
      const std::vector<float> plane =
          is_plain ? std::vector<float>() : ideal_plane(hardware_, planes_[p], w);
      const float* weights = is_plain ? w.data : plane.data();
      for (std::size_t t = 0; t < grid_.size(); ++t) {
        const std::size_t r = t / grid_.columns(), c = t % grid_.columns(), outputs = grid_.outputs_of(r);
        const float* tile = weights + r * grid_.tile_outputs * w.columns + c * grid_.tile_inputs;
        float* limits = limit_.data() + (t * planes_.size() + p) * columns_;
        for (std::size_t o = 0; is_full_scale && o < outputs; ++o) {
          float sum = 0.0f;
          for (std::size_t j = 0; j < grid_.inputs_of(c); ++j) sum += std::abs(tile[o * w.columns + j]);
          float& limit = limits[columns_ == 1 ? 0 : o];
          limit = std::max(limit, sum);
        }
        if (is_full_scale) continue;  // the data do not matter
        table.float_product(on_host, {.rows = x.rows,
                                      .columns = outputs,
                                      .depth = grid_.inputs_of(c),
                                      .a = inputs + c * grid_.tile_inputs,
                                      .a_row = x.columns,
                                      .a_column = 1,
                                      .b = tile,
                                      .b_row = 1,
                                      .b_column = w.columns,
                                      .c = partial.data(),
                                      .c_row = outputs,
                                      .adds = false});
        take(on_host, t, p, {partial.data(), x.rows, outputs}, static_cast<std::int64_t>(squares));
      }
    }
  }
}

Ranges RangeFinder::ranges() const {
  Ranges result{.dac = dac_ > 0.0f ? dac_ : 1.0f, .adc = {}};
  std::vector<float> found = seen_;
  if (hardware_.adc.range_from == RangeMethod::full_scale) {
    const double digit = phases_.digit_bits > 0 && !phases_.is_held
                             ? double((1u << phases_.digit_bits) - 1) / largest_code(hardware_.dac.bits)
                             : 1.0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      found[i] = static_cast<float>(limit_[i] * full_input() * digit);
    }
  }
  if (magnitudes_) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      const std::size_t plane = i / columns_;
      found[i] =
          magnitudes_->range(hardware_.adc, plane / planes_.size(), plane % planes_.size(), i % columns_);
    }
  } else {
    share(hardware_.adc.range_per, planes_.size(), found);
  }
  for (float& range : found) range = range > 0.0f ? range : 1.0f;
  for (auto first = found.begin(); first != found.end(); first += static_cast<std::ptrdiff_t>(columns_)) {
    const auto last = first + static_cast<std::ptrdiff_t>(columns_);
    for (std::uint32_t phase = 0; phase < phases_.conversions(); ++phase) {
      result.adc.push_back(*std::max_element(first, last));
      if (columns_ > 1) result.columns.insert(result.columns.end(), first, last);
    }
  }
  return result;
}

}  // namespace mq
