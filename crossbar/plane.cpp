#include "meltquench/crossbar/plane.h"

namespace mq {

double weight_per_siemens(const WeightMapping& mapping, PlaneRole role) {
  if (role.kind == PlaneKind::computed_zero) {
    double zero = 0.0;
    for (int slice = 0; slice < mapping.slices; ++slice) {
      zero += double(mapping.target(0.0f, Polarity::plus, slice)) * mapping.weight_per_siemens(slice);
    }
    return -zero;
  }
  const double scale = mapping.weight_per_siemens(role.slice);
  return role.kind == PlaneKind::minus ? -scale : scale;
}

std::vector<float> column_scales(MatrixView<const float> w, float w_max) {
  std::vector<float> scales(w.rows, 0.0f);
  for (std::size_t i = 0; i < w.size(); ++i) {
    scales[i / w.columns] = std::max(scales[i / w.columns], std::abs(w.data[i]));
  }
  for (float& scale : scales) scale = scale > 0.0f ? scale / w_max : 1.0f;
  return scales;
}

double ideal_part(const WeightMapping& mapping, PlaneRole role, float w) {
  const auto cell = [&](Polarity side) { return double(mapping.target(w, side, role.slice)); };
  const double scale = weight_per_siemens(mapping, role);
  switch (role.kind) {
    case PlaneKind::difference:
      return scale * (cell(Polarity::plus) - cell(Polarity::minus));
    case PlaneKind::plus:
      return scale * cell(Polarity::plus);
    case PlaneKind::minus:
      return scale * cell(Polarity::minus);
    case PlaneKind::computed_zero:
      break;
  }
  return scale;
}

}  // namespace mq
