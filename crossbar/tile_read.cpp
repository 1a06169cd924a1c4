/// What products read of a tile: planes of cells, of their noise, and of what wires leave of them.
#include <bit>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"
#include "meltquench/crossbar/tile.h"
#include "meltquench/devices/device.h"
#include "meltquench/devices/nanosecond_noise.h"

namespace mq {

void Tile::read_device(const Exec& exec, Place place, const TileTime& now, SettleCells op) {
  CellArray& cells = array(place);
  const Buffer<float> found = faults(exec, place);
  op.cells = cells.view();
  op.time = now.aged - epoch_;
  op.has_ages = has_ages_;
  op.inverse_heat = now.inverse_heat;
  op.writes = lasting_key(Purpose::write_noise, place);
  if (op.deviates == nullptr) op.deviates = cells.deviates();
  op.faults = found.data();
  kernels(exec.backend).settle_cells(exec, op);
}

void Tile::read_side(const Exec& exec, Polarity side, int slice, const TileTime& now, float sign, bool adds,
                     bool transforms, Buffer<float>& array) {
  const ReadCells read = [&](Place of) { return read_cells(exec, of, now); };
  for (int device = 0; device < devices(); ++device) {
    const Place place{side, device, slice};
    const float weight = sign * static_cast<float>(hardware_.programming.weight_of(device));
    if (transforms) {
      add_plane(exec, transformed(exec, place, read), weight, adds || device > 0, array);
    } else {
      read_cells(exec, place, now, {.sign = weight, .adds = adds || device > 0, .plane = array.data()});
    }
  }
}

void Tile::read_cells(const Exec& exec, Place place, const TileTime& now, SettleCells op) {
  // What products draw anew is not in the plane.
  const bool is_quiet = now.is_exact || hardware_.tile.read_noise_law == ReadNoiseLaw::device;
  const Buffer<float> zeros(exec, is_quiet ? array_size(place.side) : 0);
  // Read noise without memory is a function of the time it is read at, so looking at other times does not
  // change it.
  op.key = key(Purpose::read_noise, place).at_moment(std::bit_cast<std::uint64_t>(now.seconds) + now.read);
  op.deviates = zeros.data();
  read_device(exec, place, now, op);
}

Buffer<float> Tile::read_cells(const Exec& exec, Place place, const TileTime& now) {
  Buffer<float> cells(exec, array_size(place.side));
  read_cells(exec, place, now, {.plane = cells.data()});
  return cells;
}

Buffer<float> Tile::through_wires(const Exec& exec, Place place, const ReadCells& read) const {
  if (hardware_.wires.is_gated()) return read_alone(exec, place, read(place));
  // A reference column is one more bit line of the array, behind all others.
  const Place front{has_reference_column() ? Polarity::plus : place.side, place.device, place.slice};
  const std::size_t first = array_size(front.side);
  const std::size_t size = first + (has_reference_column() ? lines_.word_lines : 0);
  Buffer<float> cells = read(front), effective(exec, size);
  if (has_reference_column()) {
    Buffer<float> both(exec, size);
    both.copy_within_backend(cells.data(), first);
    cells = read({Polarity::minus, place.device, place.slice});
    both.copy_within_backend(cells.data(), cells.size(), first);
    cells = std::move(both);
  }
  const std::int64_t open =
      kernels(exec.backend)
          .effective_matrix(exec, {.wires = network_of(hardware_.wires),
                                   .outputs = size / lines_.word_lines,
                                   .inputs = lines_.word_lines,
                                   .g = cells.data(),
                                   .effective = effective.data(),
                                   .tolerance = static_cast<float>(hardware_.wires.tolerance)});
  if (open > 0) {
    throw ConfigError(
        "the wires of tile " + std::to_string(address_.tile) + " have no accurate solution for " +
        std::to_string(open) +
        " lines; raise wires.tolerance, or check that resistances and conductances are what they should be");
  }
  if (!has_reference_column()) return effective;
  Buffer<float> part(exec, array_size(place.side));
  part.copy_within_backend(effective.data() + (place.side == Polarity::plus ? 0 : first), part.size());
  return part;
}

void Tile::add_plane(const Exec& exec, Buffer<float> part, float sign, bool adds,
                     Buffer<float>& array) const {
  const std::vector<float> host{sign};
  const Buffer<float> factor(exec, std::span<const float>(host));
  kernels(exec.backend)
      .affine_outputs(exec, {.batch = 1,
                             .outputs = part.size(),
                             .y = part.data(),
                             .row = factor.data(),
                             .offset = adds ? array.data() : nullptr});
  // Other sides of the tile may have more bit lines than this one.
  if (part.size() == array.size()) return void(array = std::move(part));
  array.copy_within_backend(part.data(), part.size());
}

Buffer<float> Tile::variances(const Exec& exec, PlaneRole role, const TileTime& now) {
  const TileParams& tile = hardware_.tile;
  const double span = double(g_max(hardware_.device)) - g_min(hardware_.device);
  CellVariances op;
  bool is_one_deviate_up = false;
  switch (tile.read_noise_law) {
    case ReadNoiseLaw::square_root:
      MQ_EXPECTS(false);
      break;  // a function of the plane: see pack
    case ReadNoiseLaw::constant:
      op.offset = static_cast<float>(tile.read_noise * span);
      break;
    case ReadNoiseLaw::proportional:
      op.scale = tile.read_noise;
      break;
    case ReadNoiseLaw::device:
      op.scale = 1.0f, is_one_deviate_up = true;
      break;
    case ReadNoiseLaw::nanosecond:
      op.scale = 1.0f, op.offset = NanosecondNoise::kOffset;
      break;
  }
  const float scale = op.scale, offset = op.offset;  // of a device that counts 1
  const std::size_t size = array_size(Polarity::plus);
  const auto growth = static_cast<float>(noise_growth(hardware_.device, now.aged - epoch_));
  const Buffer<float> quiet(exec, std::vector<float>(size, 0.0f)), up(exec, std::vector<float>(size, growth));
  Buffer<float> g(exec, size), base(exec, is_one_deviate_up ? size : 0), sum(exec, size);
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    const PlaneKind other = side == Polarity::plus ? PlaneKind::minus : PlaneKind::plus;
    if (role.kind == other) continue;
    for (int device = 0; device < devices(); ++device) {
      const Place place{side, device, role.slice};
      read_device(exec, place, now,
                  {.deviates = is_one_deviate_up ? up.data() : quiet.data(), .plane = g.data()});
      if (is_one_deviate_up) {
        read_device(exec, place, now, {.deviates = quiet.data(), .plane = base.data()});
        op.base = base.data();
      }
      op.g = g.data();
      op.scale = scale * static_cast<float>(hardware_.programming.weight_of(device));
      op.offset = offset * static_cast<float>(hardware_.programming.weight_of(device));
      Buffer<float> after;
      if (transforms_cells()) {
        op.before = is_one_deviate_up ? base.data() : g.data();
        after = transformed(exec, place, [&](Place of) {
          Buffer<float> cells(exec, array_size(of.side));
          read_device(exec, of, now, {.deviates = quiet.data(), .plane = cells.data()});
          return cells;
        });
        op.after = after.data();
      }
      op.to = sum.data();
      op.size = array_size(side);
      kernels(exec.backend).cell_variances(exec, op);
      op.adds = true;
    }
  }
  if (!hardware_.tile.has_line_map()) return sum;
  Buffer<float> plane(exec, outputs_ * inputs_);
  gather(exec, role, sum, plane);
  return plane;
}

void Tile::gather(const Exec& exec, PlaneRole role, const Buffer<float>& array, Buffer<float>& plane) const {
  const std::size_t outputs = plane_outputs(hardware_.mapping, role, outputs_);
  const bool is_line = role.kind == PlaneKind::minus && has_reference_column();
  kernels(exec.backend)
      .gather_lines(exec, {.rows = outputs,
                           .columns = inputs_,
                           .from = array.data(),
                           .from_stride = lines_.word_lines,
                           .row_lines = is_line ? nullptr : bit_lines_.data(),
                           .column_lines = word_lines_.data(),
                           .to = plane.data()});
}

void Tile::read_plane(const Exec& exec, PlaneRole role, const TileTime& now, Buffer<float>& conductances) {
  if (role.kind == PlaneKind::computed_zero) {
    conductances.copy_from(std::vector<float>(conductances.size(), 1.0f));
  } else if (hardware_.tile.has_line_map()) {
    Buffer<float> array(exec, array_size(Polarity::plus));
    read_arrays(exec, role, now, array);
    gather(exec, role, array, conductances);
  } else {
    read_arrays(exec, role, now, conductances);
  }
}

void Tile::read_arrays(const Exec& exec, PlaneRole role, const TileTime& now, Buffer<float>& array) {
  const bool has_plus = role.kind != PlaneKind::minus, has_minus = role.kind != PlaneKind::plus;
  if (has_plus) read_side(exec, Polarity::plus, role.slice, now, 1.0f, false, transforms_cells(), array);
  if (has_minus) {
    read_side(exec, Polarity::minus, role.slice, now, has_plus ? -1.0f : 1.0f, has_plus, transforms_cells(),
              array);
  }
}

void Tile::settle(const Exec& exec, const TileTime& now) {
  keep_slopes(exec, now);
  if (hardware_.wires.is_gated()) settle_gates(exec, now);
  Buffer<float> conductances(exec, outputs_ * inputs_);
  for (Plane& plane : planes_) {
    throw_if_stopped();
    read_plane(exec, plane.role, now, conductances);
    pack(exec, conductances.data(), plane);
    settle_terms(exec, plane, now);
    if (plane.magnitudes.size() == 0) continue;
    if (hardware_.tile.read_noise_law == ReadNoiseLaw::square_root) {
      const double span = weight_mapping(hardware_, 1.0f).full_scale();
      pack_variances(exec, conductances.data(), std::pow(hardware_.tile.read_noise, 2) * span, plane);
    } else {
      pack_variances(exec, variances(exec, plane.role, now).data(), 1.0, plane);
    }
  }
}

std::vector<float> Tile::read_plane(const Exec& exec, std::size_t plane, const TileTime& now) {
  Buffer<float> conductances(exec, outputs_ * inputs_);
  read_plane(exec, planes_[plane].role, now, conductances);
  std::vector<float> host(conductances.size());
  conductances.copy_to(host);
  host.resize(planes_[plane].outputs * inputs_);
  return host;
}

void Tile::pack(const Exec& exec, const float* conductances, Plane& plane) {
  const std::size_t size = plane.outputs * inputs_;
  const float largest = kernels(exec.backend).largest_magnitude(exec, conductances, size);
  // The computed zero is a code of 1, so that sums of inputs stay exact.
  const double full_code = plane.role.kind == PlaneKind::computed_zero ? 1.0 : kWeightLimit;
  plane.siemens_per_code = double(largest) / full_code;
  const std::int64_t sum =
      kernels(exec.backend)
          .pack_plane(exec, {.plane = conductances,
                             .outputs = plane.outputs,
                             .inputs = inputs_,
                             .codes_per_siemens =
                                 largest > 0.0f ? static_cast<float>(full_code / double(largest)) : 0.0f,
                             .codes = plane.codes.data(),
                             .floats = plane.floats.data()});
  plane.mean_response = static_cast<double>(sum) * plane.siemens_per_code / static_cast<double>(size);
}

void Tile::pack_variances(const Exec& exec, const float* values, double per_value, Plane& plane) {
  const float largest = kernels(exec.backend).largest_magnitude(exec, values, plane.outputs * inputs_);
  // The noise of nanosecond pulses is a product of its own, which reads variances as weights.
  const bool are_weights = hardware_.tile.read_noise_law == ReadNoiseLaw::nanosecond;
  const double limit = are_weights ? kWeightLimit : kMagnitudeLimit;
  const float per_code = largest > 0.0f ? static_cast<float>(limit / double(largest)) : 0.0f;
  plane.variance_per_code = double(largest) / limit * per_value;
  PackPlane op{.plane = values, .outputs = plane.outputs, .inputs = inputs_};
  if (are_weights) {
    op.codes_per_siemens = per_code;
    op.codes = plane.magnitudes.data();
  } else {
    op.magnitudes_per_siemens = per_code;
    op.magnitudes = plane.magnitudes.data();
  }
  kernels(exec.backend).pack_plane(exec, op);
}

MvmTerm Tile::term(std::size_t index) const {
  const Plane& plane = planes_[index];
  MvmTerm term;
  term.codes = plane.codes.data();
  term.magnitudes = plane.magnitudes.data();
  term.floats = plane.floats.data();
  term.outputs = static_cast<std::uint32_t>(plane.outputs);
  term.inputs = static_cast<std::uint32_t>(inputs_);
  term.tile = address_.tile;
  term.slice = static_cast<std::uint16_t>(index);
  return term;
}

std::vector<float> Tile::conductances(const Exec& exec, Polarity side, const TileTime& now, int slice) {
  std::vector<float> array = array_conductances(exec, side, now, slice);
  if (array.empty() || !hardware_.tile.has_line_map()) return array;
  return lines_.logical(array);
}

std::vector<float> Tile::array_conductances(const Exec& exec, Polarity side, const TileTime& now, int slice) {
  Buffer<float> array(exec, array_size(side));
  std::vector<float> host(array.size());
  if (host.empty()) return host;
  read_side(exec, side, slice, now, 1.0f, false, false, array);
  array.copy_to(host);
  return host;
}

}  // namespace mq
