#include "meltquench/crossbar/tile.h"

#include <bit>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/devices/device.h"
#include "meltquench/devices/nanosecond_noise.h"

namespace mq {
namespace {

/// Where the cells of a device stand in the file of their tile.
std::string name(Polarity side, int device, int slice) {
  return (side == Polarity::plus ? "/plus" : "/minus") + (device > 0 ? "_" + std::to_string(device) : "") +
         (slice > 0 ? "_slice_" + std::to_string(slice) : "");
}

}  // namespace

Tile::Tile(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
           std::size_t inputs, std::shared_ptr<const CurrentExpansion> law)
    : hardware_(hardware), address_(address), outputs_(outputs), inputs_(inputs), law_(std::move(law)) {
  const int more = law_ != nullptr && !solves_circuits() ? law_->terms() - 1 : 0;
  for (const PlaneRole role : plane_roles(hardware.mapping)) {
    Plane plane;
    plane.role = role;
    plane.outputs = plane_outputs(hardware.mapping, role, outputs);
    const std::size_t size = panel_size(plane.outputs, inputs);
    if (hardware.dac.bits > 0) {
      plane.codes = Buffer<std::int16_t>(exec, size);
      const bool is_noisy = hardware.tile.reads_noisily() && role.kind != PlaneKind::computed_zero;
      if (is_noisy) plane.magnitudes = Buffer<std::int16_t>(exec, size);
    } else {
      plane.floats = Buffer<float>(exec, size);
    }
    for (int i = 0; i < more && role.kind != PlaneKind::computed_zero; ++i) {
      PlaneTerm& term = plane.more.emplace_back();
      (hardware.dac.bits > 0 ? void(term.codes = Buffer<std::int16_t>(exec, size))
                             : void(term.floats = Buffer<float>(exec, size)));
    }
    planes_.push_back(std::move(plane));
  }
  for (int i = 0; i < devices() * hardware.mapping.slices; ++i) {
    for (const Polarity side : {Polarity::plus, Polarity::minus}) {
      arrays_.emplace_back(exec, hardware.device, hardware.cell_noise, hardware.faults, rows(side) * inputs);
    }
  }
  for_each_array([&](Place place) {
    kernels(exec.backend)
        .fabricate_cells(exec, array(place).view(), lasting_key(Purpose::fabrication, place));
  });
}

RngKey Tile::key(Purpose purpose, Place place) const { return lasting_key(purpose, place, writes_); }

RngKey Tile::lasting_key(Purpose purpose, Place place, std::uint32_t event) const {
  return RngKey(address_.seed, purpose, address_.layer)
      .at_event(event, static_cast<std::uint32_t>(array_index(place)))
      .at_place(address_.tile, address_.chip);
}

void Tile::move_epoch(const Exec& exec, const TileTime& now) {
  for_each_array(
      [&](Place place) { kernels(exec.backend).age_cells(exec, array(place).view(), now.aged - epoch_); });
  epoch_ = now.aged;
  has_ages_ = true;
}

void Tile::pass(const Exec& exec, const TileTime& from, const TileTime& to) {
  const auto moment = std::bit_cast<std::uint64_t>(to.seconds);
  for_each_array([&](Place place) {
    array(place).step_noise(exec, to.seconds - from.seconds,
                            key(Purpose::cell_noise, place).at_moment(moment),
                            lasting_key(Purpose::fabrication, place));
  });
}

void Tile::update(const Exec& exec, PulseCells op, std::uint32_t event, const TileTime& now) {
  if (cells_age(hardware_.device)) move_epoch(exec, now);
  // The devices of a polarity take turns, as in I. Boybat et al., Nat. Commun. 9, 2514 (2018).
  const int device = static_cast<int>(event % static_cast<std::uint32_t>(devices()));
  op.outputs = outputs_;
  op.inputs = inputs_;
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    if (side == Polarity::minus && !is_one_sided(hardware_.device)) return;
    op.cells = array({side, device}).view();
    op.is_mirrored = side == Polarity::minus;
    op.key = lasting_key(Purpose::pulse_steps, {side, device}, event);
    kernels(exec.backend).pulse_cells(exec, op);
  }
}

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
                     bool transforms, Buffer<float>& plane) {
  for (int device = 0; device < devices(); ++device) {
    const Place place{side, device, slice};
    const float weight = sign * static_cast<float>(hardware_.programming.weight_of(device));
    if (transforms) {
      add_plane(exec, transformed(exec, side, read_cells(exec, place, now)), weight, adds || device > 0,
                plane);
    } else {
      read_cells(exec, place, now, {.sign = weight, .adds = adds || device > 0, .plane = plane.data()});
    }
  }
}

void Tile::read_cells(const Exec& exec, Place place, const TileTime& now, SettleCells op) {
  // What products draw anew is not in the plane.
  const bool is_quiet = hardware_.tile.read_noise_law == ReadNoiseLaw::device;
  const Buffer<float> zeros(exec, is_quiet ? rows(place.side) * inputs_ : 0);
  // Read noise without memory is a function of the time it is read at, so looking at other times does not
  // change it.
  op.key = key(Purpose::read_noise, place).at_moment(std::bit_cast<std::uint64_t>(now.seconds));
  op.deviates = zeros.data();
  read_device(exec, place, now, op);
}

Buffer<float> Tile::read_cells(const Exec& exec, Place place, const TileTime& now) {
  Buffer<float> cells(exec, rows(place.side) * inputs_);
  read_cells(exec, place, now, {.plane = cells.data()});
  return cells;
}

Buffer<float> Tile::through_wires(const Exec& exec, Polarity side, const Buffer<float>& cells) const {
  Buffer<float> effective(exec, cells.size());
  const std::int64_t open =
      kernels(exec.backend)
          .effective_matrix(exec, {.wires = network_of(hardware_.wires),
                                   .outputs = rows(side),
                                   .inputs = inputs_,
                                   .g = cells.data(),
                                   .effective = effective.data(),
                                   .tolerance = static_cast<float>(hardware_.wires.tolerance)});
  if (open > 0) {
    throw ConfigError(
        "the wires of tile " + std::to_string(address_.tile) + " have no accurate solution for " +
        std::to_string(open) +
        " lines; raise wires.tolerance, or check that resistances and conductances are what they should be");
  }
  return effective;
}

void Tile::add_plane(const Exec& exec, Buffer<float> part, float sign, bool adds,
                     Buffer<float>& plane) const {
  const std::vector<float> host{sign};
  const Buffer<float> factor(exec, std::span<const float>(host));
  kernels(exec.backend)
      .affine_outputs(exec, {.batch = 1,
                             .outputs = part.size(),
                             .y = part.data(),
                             .row = factor.data(),
                             .offset = adds ? plane.data() : nullptr});
  // Other planes of the tile may have more outputs than this part.
  if (part.size() == plane.size()) return void(plane = std::move(part));
  std::vector<float> some(part.size()), all(plane.size());
  part.copy_to(some);
  std::copy(some.begin(), some.end(), all.begin());
  plane.copy_from(all);
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
  const std::size_t size = outputs_ * inputs_;
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
        after = transformed(exec, side, is_one_deviate_up ? base : g);
        op.after = after.data();
      }
      op.to = sum.data();
      op.size = rows(side) * inputs_;
      kernels(exec.backend).cell_variances(exec, op);
      op.adds = true;
    }
  }
  return sum;
}

void Tile::read_plane(const Exec& exec, PlaneRole role, const TileTime& now, Buffer<float>& conductances) {
  if (role.kind == PlaneKind::computed_zero) {
    conductances.copy_from(std::vector<float>(conductances.size(), 1.0f));
    return;
  }
  const bool has_plus = role.kind != PlaneKind::minus, has_minus = role.kind != PlaneKind::plus;
  if (has_plus)
    read_side(exec, Polarity::plus, role.slice, now, 1.0f, false, transforms_cells(), conductances);
  if (has_minus) {
    read_side(exec, Polarity::minus, role.slice, now, has_plus ? -1.0f : 1.0f, has_plus, transforms_cells(),
              conductances);
  }
}

void Tile::settle(const Exec& exec, const TileTime& now) {
  keep_slopes(exec, now);
  Buffer<float> conductances(exec, outputs_ * inputs_);
  for (Plane& plane : planes_) {
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
  Buffer<float> plane(exec, rows(side) * inputs_);
  std::vector<float> host(plane.size());
  if (host.empty()) return host;
  read_side(exec, side, slice, now, 1.0f, false, false, plane);
  plane.copy_to(host);
  return host;
}

void Tile::save(H5Writer& file, const std::string& path) const {
  for_each_array(
      [&](Place p) { arrays_[array_index(p)].save(file, path + name(p.side, p.device, p.slice)); });
  file.set_attribute(path, "writes", static_cast<std::int64_t>(writes_));
  file.set_attribute(path, "epoch_s", epoch_);
  file.set_attribute(path, "has_ages", static_cast<std::int64_t>(has_ages_));
}

void Tile::load(const H5Reader& file, const std::string& path) {
  for_each_array([&](Place p) { array(p).load(file, path + name(p.side, p.device, p.slice)); });
  const Value writes = file.attribute(path, "writes");
  if (!writes.is_integer() || writes.as_integer() < 0 || writes.as_integer() >= 1 << 24) {
    throw DataError(path + " has no valid attribute 'writes'; the file is damaged or no chip");
  }
  const Value epoch = file.attribute(path, "epoch_s"), has_ages = file.attribute(path, "has_ages");
  if (!epoch.is_number() || !std::isfinite(epoch.as_number()) || !has_ages.is_integer()) {
    throw DataError(path + " does not say when its cells were programmed; the file is damaged or no chip");
  }
  writes_ = static_cast<std::uint32_t>(writes.as_integer());
  epoch_ = epoch.as_number();
  has_ages_ = has_ages.as_integer() != 0;
}

}  // namespace mq
