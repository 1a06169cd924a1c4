/// Arrays whose inputs open transistors: what products read of them.
#include "meltquench/core/error.h"
#include "meltquench/core/units.h"
#include "meltquench/crossbar/gated_wires.h"
#include "meltquench/crossbar/tile.h"

namespace mq {

void Tile::settle_gates(const Exec& exec, const TileTime& now) {
  const KernelTable& table = kernels(exec.backend);
  const GatedNetwork network = gated_network_of(hardware_.wires);
  gated_arrays_.clear();
  for_each_array([&](Place place) {
    const Buffer<float> g = read_cells(exec, place, now);
    GatedArray array{.side = place.side,
                     .slice = place.slice,
                     .weight = hardware_.programming.weight_of(place.device),
                     .outputs = rows(place.side),
                     .largest = table.largest_magnitude(exec, g.data(), g.size()),
                     .cells = Buffer<float>(exec, padded_outputs(rows(place.side)) * inputs_)};
    const double path = path_resistance(network, inputs_);
    if (double(array.largest) * path > kLargestGatedRatio) {
      throw ConfigError("a cell of " + format_quantity(array.largest, Unit::siemens) + " in tile " +
                        std::to_string(address_.tile) + " conducts far more than lines of " +
                        format_quantity(path, Unit::ohm) +
                        " from end to end; check the resistances in [wires], or use smaller tiles");
    }
    table.pack_gated(exec, {.network = network,
                            .g = g.data(),
                            .outputs = array.outputs,
                            .inputs = inputs_,
                            .cells = array.cells.data()});
    gated_arrays_.push_back(std::move(array));
  });
}

Buffer<float> Tile::read_alone(const Exec& exec, Place place, const Buffer<float>& cells) const {
  Buffer<float> alone(exec, cells.size());
  kernels(exec.backend)
      .pack_gated(exec, {.network = gated_network_of(hardware_.wires),
                         .g = cells.data(),
                         .outputs = rows(place.side),
                         .inputs = inputs_,
                         .alone = alone.data()});
  return alone;
}

}  // namespace mq
