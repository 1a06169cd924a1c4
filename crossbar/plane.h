/// The planes of a tile: what products read, one for each conversion of a weight.
///
/// A weight is the sum of its planes, each times `weight_per_siemens(role)`: one difference of currents per
/// slice, or two planes per slice that are converted apart, or the plus side and a zero that is taken off.
#pragma once

#include <cstddef>
#include <vector>

#include "meltquench/core/buffer.h"
#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/weight_mapping.h"

namespace mq {

enum class PlaneKind {
  difference,     ///< g_plus - g_minus, subtracted before the ADC
  plus,           ///< g_plus alone
  minus,          ///< g_minus alone: of all outputs, or the reference column
  computed_zero,  ///< 1 for every input: the sum of the inputs, formed digitally
};

struct PlaneRole {
  PlaneKind kind = PlaneKind::difference;
  int slice = 0;

  friend bool operator==(const PlaneRole&, const PlaneRole&) = default;
};

/// The planes of a tile, in the order in which they are converted.
inline std::vector<PlaneRole> plane_roles(const MappingParams& mapping) {
  std::vector<PlaneRole> roles;
  for (int slice = 0; slice < mapping.slices; ++slice) {
    if (mapping.kind == MappingKind::offset) {
      roles.push_back({PlaneKind::plus, slice});
      if (mapping.zero == ZeroRemoval::reference_column) roles.push_back({PlaneKind::minus, slice});
    } else if (mapping.subtraction == Subtraction::digital) {
      roles.push_back({PlaneKind::plus, slice});
      roles.push_back({PlaneKind::minus, slice});
    } else {
      roles.push_back({PlaneKind::difference, slice});
    }
  }
  if (mapping.kind == MappingKind::offset && mapping.zero == ZeroRemoval::digital) {
    roles.push_back({PlaneKind::computed_zero, 0});
  }
  return roles;
}

/// Rows of cells that one polarity of a tile with `outputs` outputs has.
inline std::size_t cell_rows(const MappingParams& mapping, Polarity side, std::size_t outputs) {
  if (side == Polarity::plus || mapping.kind == MappingKind::differential) return outputs;
  return mapping.zero == ZeroRemoval::reference_column ? 1 : 0;
}

/// Outputs of a plane: one where all outputs share what it gives.
inline std::size_t plane_outputs(const MappingParams& mapping, PlaneRole role, std::size_t outputs) {
  if (role.kind == PlaneKind::computed_zero) return 1;
  return role.kind == PlaneKind::minus ? cell_rows(mapping, Polarity::minus, outputs) : outputs;
}

/// Weight units per siemens of a plane, or for the computed zero per unit of x; negative for what is taken
/// off.
double weight_per_siemens(const WeightMapping& mapping, PlaneRole role);

/// Largest |weight| of each output of w[outputs, inputs] relative to `w_max`; 1 where all are zero.
std::vector<float> column_scales(MatrixView<const float> w, float w_max);

/// What an ideal plane holds of a weight, in weight units times the sign of the plane.
double ideal_part(const WeightMapping& mapping, PlaneRole role, float w);

/// What a further term of the currents of nonlinear cells (current_expansion.h) adds to a plane.
struct PlaneTerm {
  Buffer<std::int16_t> codes;
  Buffer<float> floats;
  double siemens_per_code = 0.0;
};

/// A plane as kernels read it, and what its codes mean.
struct Plane {
  PlaneRole role;
  std::size_t outputs = 0;
  Buffer<std::int16_t> codes;
  Buffer<std::int16_t> magnitudes;  ///< of read noise; packed as weights where it is a product of its own
  Buffer<float> floats;
  double siemens_per_code = 0.0;
  double variance_per_code = 0.0;  ///< [S^2] of read noise per code of `magnitudes`
  double mean_response = 0.0;      ///< mean |g| [S]: the mean absolute response to the identity matrix
  std::vector<PlaneTerm> more;     ///< all terms after the first; empty where cells are linear
};

}  // namespace mq
