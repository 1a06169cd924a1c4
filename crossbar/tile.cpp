#include "meltquench/crossbar/tile.h"

#include <bit>

#include "meltquench/core/error.h"

namespace mq {

Tile::Tile(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
           std::size_t inputs)
    : hardware_(hardware),
      address_(address),
      outputs_(outputs),
      inputs_(inputs),
      plus_(exec, hardware.device, outputs * inputs),
      minus_(exec, hardware.device, outputs * inputs) {
  const std::size_t size = panel_size(outputs, inputs);
  if (hardware.dac.bits > 0) {
    codes_ = Buffer<std::int16_t>(exec, size);
    if (hardware.tile.read_noise > 0.0f) magnitudes_ = Buffer<std::int16_t>(exec, size);
  } else {
    floats_ = Buffer<float>(exec, size);
  }
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    CellArray& cells = side == Polarity::plus ? plus_ : minus_;
    kernels(exec.backend).fabricate_cells(exec, cells.view(), fabrication_key(side));
  }
}

RngKey Tile::key(Purpose purpose, Polarity side) const {
  return RngKey(address_.seed, purpose, address_.layer)
      .at_event(writes_, static_cast<std::uint32_t>(side))
      .at_place(address_.tile, address_.chip);
}

RngKey Tile::fabrication_key(Polarity side) const {
  return RngKey(address_.seed, Purpose::fabrication, address_.layer)
      .at_event(0, static_cast<std::uint32_t>(side))
      .at_place(address_.tile, address_.chip);
}

std::int64_t Tile::program(const Exec& exec, const DifferentialPair& mapping, const float* w,
                           std::size_t stride) {
  ++writes_;
  std::vector<float> targets(outputs_ * inputs_);
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    for (std::size_t o = 0; o < outputs_; ++o) {
      for (std::size_t j = 0; j < inputs_; ++j)
        targets[o * inputs_ + j] = mapping.target(w[o * stride + j], side);
    }
    const Buffer<float> on_backend(exec, std::span<const float>(targets));
    CellArray& cells = side == Polarity::plus ? plus_ : minus_;
    kernels(exec.backend)
        .program_cells(exec, {.cells = cells.view(),
                              .g_target = on_backend.data(),
                              .key = key(Purpose::programming, side),
                              .device = fabrication_key(side)});
  }
  return static_cast<std::int64_t>(2 * targets.size());
}

void Tile::update(const Exec& exec, PulseCells op, std::uint32_t event) {
  op.cells = plus_.view();
  op.outputs = outputs_;
  op.inputs = inputs_;
  op.key = RngKey(address_.seed, Purpose::pulse_steps, address_.layer)
               .at_event(event, static_cast<std::uint32_t>(Polarity::plus))
               .at_place(address_.tile, address_.chip);
  kernels(exec.backend).pulse_cells(exec, op);
}

void Tile::read_side(const Exec& exec, Polarity side, double time, float sign, bool adds, float* plane) {
  CellArray& cells = side == Polarity::plus ? plus_ : minus_;
  // Read noise is a function of the time it is read at, so looking at other times does not change it.
  const RngKey moment = key(Purpose::read_noise, side).at_moment(std::bit_cast<std::uint64_t>(time));
  kernels(exec.backend)
      .settle_cells(exec, {.cells = cells.view(),
                           .time = time,
                           .key = moment,
                           .writes = RngKey(address_.seed, Purpose::write_noise, address_.layer)
                                         .at_event(0, static_cast<std::uint32_t>(side))
                                         .at_place(address_.tile, address_.chip),
                           .sign = sign,
                           .adds = adds,
                           .plane = plane});
}

void Tile::settle(const Exec& exec, double time, float* scratch) {
  read_side(exec, Polarity::plus, time, 1.0f, false, scratch);
  read_side(exec, Polarity::minus, time, -1.0f, true, scratch);
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

std::vector<float> Tile::conductances(const Exec& exec, Polarity side, double time) {
  Buffer<float> plane(exec, outputs_ * inputs_);
  read_side(exec, side, time, 1.0f, false, plane.data());
  std::vector<float> host(plane.size());
  plane.copy_to(host);
  return host;
}

void Tile::save(H5Writer& file, const std::string& path) const {
  plus_.save(file, path + "/plus");
  minus_.save(file, path + "/minus");
  file.set_attribute(path, "writes", static_cast<std::int64_t>(writes_));
}

void Tile::load(const H5Reader& file, const std::string& path) {
  plus_.load(file, path + "/plus");
  minus_.load(file, path + "/minus");
  const Value writes = file.attribute(path, "writes");
  if (!writes.is_integer() || writes.as_integer() < 0 || writes.as_integer() >= 1 << 24) {
    throw DataError(path + " has no valid attribute 'writes'; the file is damaged or no chip");
  }
  writes_ = static_cast<std::uint32_t>(writes.as_integer());
}

}  // namespace mq
