/// Products of arrays whose inputs open transistors: a circuit for each input vector, array and output.
#include "meltquench/crossbar/gated_wires.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {

void TileArray::add_gated_currents(const Exec& exec, const MvmLayer& op, const Conversion& conversion) {
  const Tile& tile = tiles_[conversion.tile];
  const Plane& plane = tile.planes()[conversion.plane];
  if (plane.siemens_per_code == 0.0) return;  // no cell conducts
  const PlaneKind kind = plane.role.kind;
  for (std::size_t t = 0; t < conversion.terms; ++t) {
    const MvmTerm& term = forward_.whole_terms[conversion.first_term + t];
    const double per_siemens = term.scale / plane.siemens_per_code;
    for (const GatedArray& array : tile.gated_arrays()) {
      const bool is_minus = array.side == Polarity::minus;
      if (array.slice != plane.role.slice || kind == (is_minus ? PlaneKind::plus : PlaneKind::minus))
        continue;
      const bool is_taken_off = is_minus && kind == PlaneKind::difference;
      kernels(backend_).gated_products(
          exec, {.network = gated_network_of(hardware_.wires),
                 .cells = array.cells.data(),
                 .largest = array.largest,
                 .outputs = array.outputs,
                 .inputs = tile.inputs(),
                 .codes = op.codes + term.first_input,
                 .code_stride = op.code_stride,
                 .batch = op.batch,
                 .scale = static_cast<float>((is_taken_off ? -per_siemens : per_siemens) * array.weight),
                 .adds = true,
                 .y = op.y});
    }
  }
}

}  // namespace mq
