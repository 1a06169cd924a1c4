#include "meltquench/crossbar/tile.h"

#include <bit>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/devices/device.h"

namespace mq {

Tile::Tile(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
           std::size_t inputs)
    : hardware_(hardware),
      address_(address),
      outputs_(outputs),
      inputs_(inputs),
      plus_(exec, hardware.device, hardware.cell_noise, outputs * inputs),
      minus_(exec, hardware.device, hardware.cell_noise, outputs * inputs) {
  const std::size_t size = panel_size(outputs, inputs);
  if (hardware.dac.bits > 0) {
    codes_ = Buffer<std::int16_t>(exec, size);
    if (hardware.tile.read_noise > 0.0f) magnitudes_ = Buffer<std::int16_t>(exec, size);
  } else {
    floats_ = Buffer<float>(exec, size);
  }
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    kernels(exec.backend).fabricate_cells(exec, array(side).view(), lasting_key(Purpose::fabrication, side));
  }
}

RngKey Tile::key(Purpose purpose, Polarity side) const { return lasting_key(purpose, side, writes_); }

RngKey Tile::lasting_key(Purpose purpose, Polarity side, std::uint32_t event) const {
  return RngKey(address_.seed, purpose, address_.layer)
      .at_event(event, static_cast<std::uint32_t>(side))
      .at_place(address_.tile, address_.chip);
}

void Tile::move_epoch(const Exec& exec, const TileTime& now) {
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    kernels(exec.backend).age_cells(exec, array(side).view(), now.aged - epoch_);
  }
  epoch_ = now.aged;
  has_ages_ = true;
}

std::int64_t Tile::program(const Exec& exec, const DifferentialPair& mapping, const float* w,
                           std::size_t stride, WordLines lines, const TileTime& now) {
  ++writes_;
  const double write_time = hardware_.tile.write_time;
  if (lines.count < inputs_) {
    move_epoch(exec, now);
  } else {
    epoch_ = now.aged;
    has_ages_ = write_time > 0.0;
  }
  std::vector<float> targets(outputs_ * inputs_, -1.0f), ages;
  if (has_ages_) ages.resize(targets.size());
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    for (std::size_t o = 0; o < outputs_; ++o) {
      for (std::size_t j = lines.first; j < lines.first + lines.count; ++j) {
        targets[o * inputs_ + j] = mapping.target(w[o * stride + j], side);
        const auto later = static_cast<double>(lines.first + lines.count - 1 - j);
        if (has_ages_) ages[o * inputs_ + j] = static_cast<float>(later * write_time);
      }
    }
    const Buffer<float> target_buffer(exec, std::span<const float>(targets));
    const Buffer<float> age_buffer(exec, std::span<const float>(ages));
    const RngKey device = lasting_key(Purpose::fabrication, side);
    kernels(exec.backend)
        .program_cells(exec, {.cells = array(side).view(),
                              .g_target = target_buffer.data(),
                              .key = key(Purpose::programming, side),
                              .device = device,
                              .age = age_buffer.data()});
    array(side).step_noise(exec, 0.0, key(Purpose::cell_noise, side), device, target_buffer.data());
  }
  return static_cast<std::int64_t>(2 * outputs_ * lines.count);
}

void Tile::pass(const Exec& exec, const TileTime& from, const TileTime& to) {
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    array(side).step_noise(exec, to.seconds - from.seconds,
                           key(Purpose::cell_noise, side).at_moment(std::bit_cast<std::uint64_t>(to.seconds)),
                           lasting_key(Purpose::fabrication, side));
  }
}

void Tile::update(const Exec& exec, PulseCells op, std::uint32_t event, const TileTime& now) {
  if (cells_age(hardware_.device)) move_epoch(exec, now);
  op.outputs = outputs_;
  op.inputs = inputs_;
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    if (side == Polarity::minus && !is_one_sided(hardware_.device)) return;
    op.cells = array(side).view();
    op.is_mirrored = side == Polarity::minus;
    op.key = lasting_key(Purpose::pulse_steps, side, event);
    kernels(exec.backend).pulse_cells(exec, op);
  }
}

void Tile::read_side(const Exec& exec, Polarity side, const TileTime& now, float sign, bool adds,
                     float* plane) {
  // Read noise without memory is a function of the time it is read at, so looking at other times does not
  // change it.
  const RngKey moment = key(Purpose::read_noise, side).at_moment(std::bit_cast<std::uint64_t>(now.seconds));
  kernels(exec.backend)
      .settle_cells(exec, {.cells = array(side).view(),
                           .time = now.aged - epoch_,
                           .has_ages = has_ages_,
                           .inverse_heat = now.inverse_heat,
                           .key = moment,
                           .writes = lasting_key(Purpose::write_noise, side),
                           .deviates = array(side).deviates(),
                           .sign = sign,
                           .adds = adds,
                           .plane = plane});
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
  plus_.save(file, path + "/plus");
  minus_.save(file, path + "/minus");
  file.set_attribute(path, "writes", static_cast<std::int64_t>(writes_));
  file.set_attribute(path, "epoch_s", epoch_);
  file.set_attribute(path, "has_ages", static_cast<std::int64_t>(has_ages_));
}

void Tile::load(const H5Reader& file, const std::string& path) {
  plus_.load(file, path + "/plus");
  minus_.load(file, path + "/minus");
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
