#include "meltquench/crossbar/tile.h"

#include <bit>

#include "meltquench/devices/device.h"

namespace mq {

Tile::Tile(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
           std::size_t inputs, std::shared_ptr<const CurrentExpansion> law)
    : hardware_(hardware),
      address_(address),
      outputs_(outputs),
      inputs_(inputs),
      law_(std::move(law)),
      lines_(LineMap::in_order(outputs, inputs, static_cast<std::size_t>(hardware.tile.spare_columns),
                               static_cast<std::size_t>(hardware.tile.spare_rows))) {
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
      arrays_.emplace_back(exec, hardware.device, hardware.cell_noise, hardware.faults, array_size(side));
    }
  }
  if (hardware.tile.has_line_map()) {
    bit_lines_ = Buffer<std::uint32_t>(exec, outputs);
    word_lines_ = Buffer<std::uint32_t>(exec, inputs);
    outputs_of_bit_lines_ = Buffer<std::uint32_t>(exec, lines_.bit_lines);
    inputs_of_word_lines_ = Buffer<std::uint32_t>(exec, lines_.word_lines);
    set_lines(lines_);
  }
  for_each_array([&](Place place) {
    kernels(exec.backend)
        .fabricate_cells(exec, array(place).view(), lasting_key(Purpose::fabrication, place));
  });
}

void Tile::set_lines(LineMap lines) {
  lines_ = std::move(lines);
  bit_lines_.copy_from(lines_.outputs);
  word_lines_.copy_from(lines_.inputs);
  outputs_of_bit_lines_.copy_from(inverse_lines(lines_.outputs, lines_.bit_lines));
  inputs_of_word_lines_.copy_from(inverse_lines(lines_.inputs, lines_.word_lines));
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
  Buffer<std::uint32_t> x, d;
  if (hardware_.tile.has_line_map()) {
    // Trains come to the lines that have them; unused lines get none.
    const auto on_lines = [&](const std::uint32_t* trains, std::size_t stride,
                              const Buffer<std::uint32_t>& lines) {
      auto to = Buffer<std::uint32_t>::uncleared(exec, op.batch * lines.size());
      kernels(exec.backend)
          .gather_lines(exec, {.rows = op.batch,
                               .columns = lines.size(),
                               .from = trains,
                               .from_stride = stride,
                               .column_lines = lines.data(),
                               .to = to.data()});
      return to;
    };
    x = on_lines(op.x, op.x_stride, inputs_of_word_lines_);
    d = on_lines(op.d, op.d_stride, outputs_of_bit_lines_);
    op.x = x.data(), op.x_stride = lines_.word_lines;
    op.d = d.data(), op.d_stride = lines_.bit_lines;
  }
  op.outputs = lines_.bit_lines;
  op.inputs = lines_.word_lines;
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    if (side == Polarity::minus && !is_one_sided(hardware_.device)) return;
    op.cells = array({side, device}).view();
    op.is_mirrored = side == Polarity::minus;
    op.key = lasting_key(Purpose::pulse_steps, {side, device}, event);
    kernels(exec.backend).pulse_cells(exec, op);
  }
}

}  // namespace mq
