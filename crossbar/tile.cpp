#include "meltquench/crossbar/tile.h"

#include <bit>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/devices/device.h"

namespace mq {
namespace {

/// Where the cells of a device stand in the file of their tile.
std::string name(Polarity side, int device) {
  return (side == Polarity::plus ? "/plus" : "/minus") + (device > 0 ? "_" + std::to_string(device) : "");
}

}  // namespace

Tile::Tile(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
           std::size_t inputs)
    : hardware_(hardware), address_(address), outputs_(outputs), inputs_(inputs) {
  const std::size_t size = panel_size(outputs, inputs);
  if (hardware.dac.bits > 0) {
    codes_ = Buffer<std::int16_t>(exec, size);
    if (hardware.tile.read_noise > 0.0f) magnitudes_ = Buffer<std::int16_t>(exec, size);
  } else {
    floats_ = Buffer<float>(exec, size);
  }
  for (int a = 0; a < 2 * devices(); ++a) {
    arrays_.emplace_back(exec, hardware.device, hardware.cell_noise, hardware.faults, outputs * inputs);
  }
  for_each_array([&](Polarity side, int device) {
    kernels(exec.backend)
        .fabricate_cells(exec, array(side, device).view(), lasting_key(Purpose::fabrication, side, device));
  });
}

RngKey Tile::key(Purpose purpose, Polarity side, int device) const {
  return lasting_key(purpose, side, device, writes_);
}

RngKey Tile::lasting_key(Purpose purpose, Polarity side, int device, std::uint32_t event) const {
  return RngKey(address_.seed, purpose, address_.layer)
      .at_event(event, static_cast<std::uint32_t>(array_index(side, device)))
      .at_place(address_.tile, address_.chip);
}

void Tile::move_epoch(const Exec& exec, const TileTime& now) {
  for (CellArray& cells : arrays_) kernels(exec.backend).age_cells(exec, cells.view(), now.aged - epoch_);
  epoch_ = now.aged;
  has_ages_ = true;
}

void Tile::pass(const Exec& exec, const TileTime& from, const TileTime& to) {
  const auto moment = std::bit_cast<std::uint64_t>(to.seconds);
  for_each_array([&](Polarity side, int device) {
    array(side, device)
        .step_noise(exec, to.seconds - from.seconds, key(Purpose::cell_noise, side, device).at_moment(moment),
                    lasting_key(Purpose::fabrication, side, device));
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
    op.cells = array(side, device).view();
    op.is_mirrored = side == Polarity::minus;
    op.key = lasting_key(Purpose::pulse_steps, side, device, event);
    kernels(exec.backend).pulse_cells(exec, op);
  }
}

void Tile::read_device(const Exec& exec, Polarity side, int device, const TileTime& now, SettleCells op) {
  CellArray& cells = array(side, device);
  const Buffer<float> found = faults(exec, side, device);
  op.cells = cells.view();
  op.time = now.aged - epoch_;
  op.has_ages = has_ages_;
  op.inverse_heat = now.inverse_heat;
  op.writes = lasting_key(Purpose::write_noise, side, device);
  op.deviates = cells.deviates();
  op.faults = found.data();
  kernels(exec.backend).settle_cells(exec, op);
}

void Tile::read_side(const Exec& exec, Polarity side, const TileTime& now, float sign, bool adds,
                     float* plane) {
  for (int device = 0; device < devices(); ++device) {
    // Read noise without memory is a function of the time it is read at, so looking at other times does not
    // change it.
    const RngKey noise = key(Purpose::read_noise, side, device);
    read_device(exec, side, device, now,
                {.key = noise.at_moment(std::bit_cast<std::uint64_t>(now.seconds)),
                 .sign = sign,
                 .adds = adds || device > 0,
                 .plane = plane});
  }
}

void Tile::settle(const Exec& exec, const TileTime& now, float* scratch) {
  read_side(exec, Polarity::plus, now, 1.0f, false, scratch);
  read_side(exec, Polarity::minus, now, -1.0f, true, scratch);
  const std::size_t size = outputs_ * inputs_;
  const float largest = kernels(exec.backend).largest_magnitude(exec, scratch, size);
  siemens_per_code_ = double(largest) / kWeightLimit;
  siemens_per_magnitude_ = double(largest) / kMagnitudeLimit;
  const std::int64_t sum =
      kernels(exec.backend)
          .pack_plane(exec,
                      {.plane = scratch,
                       .outputs = outputs_,
                       .inputs = inputs_,
                       .codes_per_siemens =
                           largest > 0.0f ? static_cast<float>(kWeightLimit / double(largest)) : 0.0f,
                       .magnitudes_per_siemens =
                           largest > 0.0f ? static_cast<float>(kMagnitudeLimit / double(largest)) : 0.0f,
                       .codes = codes_.data(),
                       .magnitudes = magnitudes_.data(),
                       .floats = floats_.data()});
  mean_response_ = static_cast<double>(sum) * siemens_per_code_ / static_cast<double>(size);
}

MvmTerm Tile::term() const {
  MvmTerm term;
  term.codes = codes_.data();
  term.magnitudes = magnitudes_.data();
  term.floats = floats_.data();
  term.outputs = static_cast<std::uint32_t>(outputs_);
  term.inputs = static_cast<std::uint32_t>(inputs_);
  term.tile = address_.tile;
  return term;
}

std::vector<float> Tile::conductances(const Exec& exec, Polarity side, const TileTime& now) {
  Buffer<float> plane(exec, outputs_ * inputs_);
  read_side(exec, side, now, 1.0f, false, plane.data());
  std::vector<float> host(plane.size());
  plane.copy_to(host);
  return host;
}

void Tile::save(H5Writer& file, const std::string& path) const {
  for_each_array(
      [&](Polarity side, int device) { cells(side, device).save(file, path + name(side, device)); });
  file.set_attribute(path, "writes", static_cast<std::int64_t>(writes_));
  file.set_attribute(path, "epoch_s", epoch_);
  file.set_attribute(path, "has_ages", static_cast<std::int64_t>(has_ages_));
}

void Tile::load(const H5Reader& file, const std::string& path) {
  for_each_array(
      [&](Polarity side, int device) { array(side, device).load(file, path + name(side, device)); });
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
