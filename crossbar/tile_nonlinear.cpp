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

Buffer<float> Tile::at_read(const Exec& exec, Buffer<float> cells) const {
  if (law_ == nullptr) return cells;
  std::vector<float> g = on_host(cells);
  law_->cells(exec, g, 1, g);
  return Buffer<float>(exec, std::span<const float>(g));
}

Buffer<float> Tile::transformed(const Exec& exec, Place place, const ReadCells& read) const {
  if (hardware_.wires.is_ideal()) return at_read(exec, read(place));
  return through_wires(exec, place, [&](Place of) { return at_read(exec, read(of)); });
}

void Tile::settle_terms(const Exec& exec, Plane& plane, const TileTime& now) {
  if (plane.more.empty()) return;
  const std::size_t terms = plane.more.size() + 1, size = plane.outputs * inputs_;
  const Polarity of_plane = plane.role.kind == PlaneKind::minus ? Polarity::minus : Polarity::plus;
  std::vector<std::vector<float>> sums(terms, std::vector<float>(array_size(of_plane)));
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    if (plane.role.kind == (side == Polarity::plus ? PlaneKind::minus : PlaneKind::plus)) continue;
    const bool is_taken_off = side == Polarity::minus && plane.role.kind == PlaneKind::difference;
    for (int device = 0; device < devices(); ++device) {
      const Place place{side, device, plane.role.slice};
      const std::vector<float> g = on_host(read_cells(exec, place, now));
      std::vector<float> parts(terms * g.size());
      law_->cells(exec, g, static_cast<int>(terms), parts);
      std::vector<float> behind_wires;
      if (!hardware_.wires.is_ideal()) {
        behind_wires = on_host(transformed(exec, place, [&](Place of) { return read_cells(exec, of, now); }));
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
    Buffer<float> sum(exec, std::span<const float>(sums[t]));
    if (hardware_.tile.has_line_map()) {
      Buffer<float> gathered(exec, size);
      gather(exec, plane.role, sum, gathered);
      sum = std::move(gathered);
    }
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
  const bool is_forward = direction == Direction::forward;
  const std::vector<std::uint32_t>&from = is_forward ? lines_.inputs : lines_.outputs,
        &to = is_forward ? lines_.outputs : lines_.inputs;
  std::vector<double> driven(is_forward ? lines_.word_lines : lines_.bit_lines);  // unused ones at 0 V
  for (std::size_t i = 0; i < volts.size(); ++i) driven[from[i]] = volts[i];
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    if (role.kind == (side == Polarity::plus ? PlaneKind::minus : PlaneKind::plus)) continue;
    const bool is_taken_off = side == Polarity::minus && role.kind == PlaneKind::difference;
    const bool is_reference = side == Polarity::minus && has_reference_column();
    for (int device = 0; device < devices(); ++device) {
      std::vector<float> cells =
          slopes_[array_index({has_reference_column() ? Polarity::plus : side, device, role.slice})];
      if (has_reference_column()) {
        // One more bit line of the array, behind all others.
        const std::vector<float>& last = slopes_[array_index({Polarity::minus, device, role.slice})];
        cells.insert(cells.end(), last.begin(), last.end());
      }
      const MatrixView<const float> g{cells.data(), cells.size() / lines_.word_lines, lines_.word_lines};
      const NonlinearSolution found =
          is_forward ? solve_nonlinear(hardware_.wires, hardware_.current, g, driven, accuracy)
                     : solve_nonlinear_transposed(hardware_.wires, hardware_.current, g, driven, accuracy);
      have_converged = have_converged && found.has_converged;
      const double weight = (is_taken_off ? -factor : factor) * hardware_.programming.weight_of(device);
      for (std::size_t o = 0; o < currents.size(); ++o) {
        currents[o] += weight * (is_reference ? found.currents.back() : found.currents[to[o]]);
      }
    }
  }
  return have_converged;
}

}  // namespace mq
