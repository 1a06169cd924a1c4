#include "meltquench/crossbar/ranges.h"

#include <algorithm>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/input_phases.h"
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

/// [tiles][planes] -> the largest of the group that shares a range.
void share(RangeGroup per, std::size_t planes, std::vector<float>& ranges) {
  if (per == RangeGroup::tile) return;
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
      planes_(plane_roles(hardware.mapping)),
      seen_(grid.size() * planes_.size()),
      limit_(seen_.size()) {
  const AdcParams& adc = hardware.adc;
  const bool needs_counts =
      adc.range_from == RangeMethod::percentile || adc.range_from == RangeMethod::least_error;
  if (!needs_counts || adc.is_ideal() || adc.range) return;
  if (input_phases(hardware.dac).conversions() > 1) {
    throw ConfigError(
        "adc.range_from = percentile and least-error look at whole outputs, but read phases are converted "
        "one "
        "by one; set adc.range_from = \"full-scale\", adc.range, or dac.accumulation = \"analog\"");
  }
  magnitudes_.emplace(adc.range_per, grid.size(), planes_.size(), grid.tile_outputs);
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

void RangeFinder::look_at(const Exec& exec, MatrixView<const float> x, MatrixView<const float> w) {
  MQ_EXPECTS(x.columns == grid_.inputs && w.rows == grid_.outputs && w.columns == grid_.inputs);
  // The data are on the host, so a GPU's kernels cannot look at them.
  const Exec on_host{.backend = exec.backend == Backend::cuda ? Backend::cpu : exec.backend,
                     .threads = exec.threads};
  const KernelTable& table = kernels(on_host.backend);
  const std::vector<float> relative = scaled(on_host, x);
  if (!relative.empty()) x = {relative.data(), x.rows, x.columns};
  dac_ = std::max(dac_, table.largest_magnitude(exec, x.data, x.size()));
  const MappingParams& how = hardware_.mapping;
  const bool is_plain = planes_.size() == 1 && how.slice_bits == 0 && how.scale == WeightScale::tensor;
  std::vector<float> partial(x.rows * grid_.tile_outputs);
  for (std::size_t p = 0; p < planes_.size(); ++p) {
    const std::vector<float> plane = is_plain ? std::vector<float>() : ideal_plane(hardware_, planes_[p], w);
    const float* weights = is_plain ? w.data : plane.data();
    for (std::size_t t = 0; t < grid_.size(); ++t) {
      const std::size_t r = t / grid_.columns(), c = t % grid_.columns(), outputs = grid_.outputs_of(r);
      const float* tile = weights + r * grid_.tile_outputs * w.columns + c * grid_.tile_inputs;
      table.float_product(exec, {.rows = x.rows,
                                 .columns = outputs,
                                 .depth = grid_.inputs_of(c),
                                 .a = x.data + c * grid_.tile_inputs,
                                 .a_row = x.columns,
                                 .a_column = 1,
                                 .b = tile,
                                 .b_row = 1,
                                 .b_column = w.columns,
                                 .c = partial.data(),
                                 .c_row = outputs,
                                 .adds = false});
      if (magnitudes_) magnitudes_->add(t, p, {partial.data(), x.rows, outputs});
      float& seen = seen_[t * planes_.size() + p];
      seen = std::max(seen, table.largest_magnitude(exec, partial.data(), x.rows * outputs));
      float& limit = limit_[t * planes_.size() + p];
      for (std::size_t o = 0; o < outputs; ++o) {
        float sum = 0.0f;
        for (std::size_t j = 0; j < grid_.inputs_of(c); ++j) sum += std::abs(tile[o * w.columns + j]);
        limit = std::max(limit, sum);
      }
    }
  }
}

Ranges RangeFinder::ranges() const {
  Ranges result{.dac = dac_ > 0.0f ? dac_ : 1.0f, .adc = {}};
  const InputPhases phases = input_phases(hardware_.dac);
  std::vector<float> found = seen_;
  if (phases.conversions() > 1 || hardware_.adc.range_from == RangeMethod::full_scale) {
    const double full = fixed_dac_range(hardware_.dac).value_or(result.dac);
    const double digit = phases.digit_bits > 0 && phases.conversions() > 1
                             ? double((1u << phases.digit_bits) - 1) / largest_code(hardware_.dac.bits)
                             : 1.0;
    for (std::size_t i = 0; i < found.size(); ++i) found[i] = static_cast<float>(limit_[i] * full * digit);
  }
  if (magnitudes_) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      found[i] = magnitudes_->range(hardware_.adc, i / planes_.size(), i % planes_.size(), 0);
    }
  } else {
    share(hardware_.adc.range_per, planes_.size(), found);
  }
  for (const float range : found) {
    result.adc.insert(result.adc.end(), phases.conversions(), range > 0.0f ? range : 1.0f);
  }
  return result;
}

}  // namespace mq
