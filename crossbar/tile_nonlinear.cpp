/// What products see of cells whose currents are not linear: planes of the terms of their law, and the slopes
/// of the exact circuit.
#include <algorithm>

#include "meltquench/crossbar/nonlinear_circuit.h"
#include "meltquench/crossbar/tile.h"

namespace mq {
namespace {

std::vector<float> on_host(const Buffer<float>& values) {
  std::vector<float> host(values.size());
  values.copy_to(host);
  return host;
}

}  // namespace

Buffer<float> Tile::transformed(const Exec& exec, Polarity side, const Buffer<float>& cells) const {
  const bool has_wires = !hardware_.wires.is_ideal();
  if (law_ == nullptr) return through_wires(exec, side, cells);
  std::vector<float> g = on_host(cells);
  law_->cells(exec, g, 1, g);
  Buffer<float> at_read(exec, std::span<const float>(g));
  return has_wires ? through_wires(exec, side, at_read) : std::move(at_read);
}

void Tile::settle_terms(const Exec& exec, Plane& plane, const TileTime& now) {
  if (plane.more.empty()) return;
  const std::size_t terms = plane.more.size() + 1, size = plane.outputs * inputs_;
  std::vector<std::vector<float>> sums(terms, std::vector<float>(size));
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    if (plane.role.kind == (side == Polarity::plus ? PlaneKind::minus : PlaneKind::plus)) continue;
    const bool is_taken_off = side == Polarity::minus && plane.role.kind == PlaneKind::difference;
    for (int device = 0; device < devices(); ++device) {
      const Buffer<float> cells = read_cells(exec, {side, device, plane.role.slice}, now);
      const std::vector<float> g = on_host(cells);
      std::vector<float> parts(terms * g.size());
      law_->cells(exec, g, static_cast<int>(terms), parts);
      std::vector<float> behind_wires;
      if (!hardware_.wires.is_ideal()) {
        const Buffer<float> at_read(exec, std::span<const float>(parts.data(), g.size()));
        behind_wires = on_host(through_wires(exec, side, at_read));
      }
      const float weight =
          (is_taken_off ? -1.0f : 1.0f) * static_cast<float>(hardware_.programming.weight_of(device));
      for (std::size_t t = 1; t < terms; ++t) {
        for (std::size_t i = 0; i < g.size(); ++i) {
          // Wires take the same share of all that a cell passes.
          const float share = behind_wires.empty() ? 1.0f
                              : parts[i] != 0.0f   ? behind_wires[i] / parts[i]
                                                   : 0.0f;
          sums[t][i] += weight * (share * parts[t * g.size() + i]);
        }
      }
    }
  }
  const KernelTable& table = kernels(exec.backend);
  for (std::size_t t = 1; t < terms; ++t) {
    PlaneTerm& term = plane.more[t - 1];
    const Buffer<float> sum(exec, std::span<const float>(sums[t]));
    const float largest = table.largest_magnitude(exec, sum.data(), size);
    term.siemens_per_code = double(largest) / kWeightLimit;
    table.pack_plane(exec, {.plane = sum.data(),
                            .outputs = plane.outputs,
                            .inputs = inputs_,
                            .codes_per_siemens =
                                largest > 0.0f ? static_cast<float>(kWeightLimit / double(largest)) : 0.0f,
                            .codes = term.codes.data(),
                            .floats = term.floats.data()});
  }
}

bool Tile::solves_circuits() const {
  return law_ != nullptr && !hardware_.wires.is_ideal() && hardware_.current.wires == NonlinearWires::newton;
}

void Tile::keep_slopes(const Exec& exec, const TileTime& now) {
  if (!solves_circuits()) return;
  slopes_.resize(arrays_.size());
  for_each_array([&](Place place) {
    std::vector<float> g = on_host(read_cells(exec, place, now));
    for (float& value : g) value = static_cast<float>(std::max(0.0, law_->slope(value)));
    slopes_[array_index(place)] = std::move(g);
  });
}

bool Tile::add_currents(Direction direction, PlaneRole role, std::span<const double> volts, double factor,
                        std::span<double> currents) const {
  bool have_converged = true;
  const NewtonAccuracy accuracy{.tolerance = 0.01 * hardware_.wires.tolerance};
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    if (role.kind == (side == Polarity::plus ? PlaneKind::minus : PlaneKind::plus)) continue;
    const bool is_taken_off = side == Polarity::minus && role.kind == PlaneKind::difference;
    for (int device = 0; device < devices(); ++device) {
      const std::vector<float>& cells = slopes_[array_index({side, device, role.slice})];
      const MatrixView<const float> g{cells.data(), rows(side), inputs_};
      const NonlinearSolution found =
          direction == Direction::forward
              ? solve_nonlinear(hardware_.wires, hardware_.current, g, volts, accuracy)
              : solve_nonlinear_transposed(hardware_.wires, hardware_.current, g, volts, accuracy);
      have_converged = have_converged && found.has_converged;
      const double weight = (is_taken_off ? -factor : factor) * hardware_.programming.weight_of(device);
      for (std::size_t o = 0; o < found.currents.size(); ++o) currents[o] += weight * found.currents[o];
    }
  }
  return have_converged;
}

}  // namespace mq
