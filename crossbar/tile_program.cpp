/// How a tile is written: targets of its devices, one write or program-and-verify, faults.
#include <cmath>

#include "meltquench/crossbar/device_fill.h"
#include "meltquench/crossbar/line_choice.h"
#include "meltquench/crossbar/tile.h"

namespace mq {
namespace {

constexpr float kLeftAlone = -1.0f;

}  // namespace

WriteVerifyReport Tile::program(const Exec& exec, const WeightMapping& mapping, const float* w,
                                std::size_t stride, WordLines lines, const TileTime& now,
                                std::span<const float> full_scales) {
  ++writes_;
  const double write_time = hardware_.tile.write_time;
  if (lines.count < inputs_) {
    move_epoch(exec, now);
  } else {
    epoch_ = now.aged;
    // A pulsed cell that verifies before the first pulse goes on ageing from its last one.
    const bool keeps_ages = hardware_.programming.method == ProgrammingMethod::write_verify &&
                            takes_pulses(hardware_.device) && cells_age(hardware_.device);
    has_ages_ = write_time > 0.0 || keeps_ages;
  }
  WriteVerifyReport report;
  const auto all = static_cast<float>(hardware_.programming.total_weight());
  const DeviceFill fill{
      .how = hardware_.programming, .g_min = mapping.g_min / all, .g_max = mapping.g_max / all};
  const LineMap before = lines_;
  if (lines.count == inputs_ || writes_ == 1) choose_lines(exec, mapping, fill, w, stride, full_scales);
  std::vector<float> ages(has_ages_ ? array_size(Polarity::plus) : 0);
  for (std::size_t j = lines.first; j < lines.first + lines.count && has_ages_; ++j) {
    const auto later = static_cast<double>(lines.first + lines.count - 1 - j);
    for (std::size_t b = 0; b < lines_.bit_lines; ++b) {
      ages[b * lines_.word_lines + lines_.inputs[j]] = static_cast<float>(later * write_time);
    }
  }
  for (int slice = 0; slice < mapping.slices; ++slice) {
    SliceTargets totals{.slice = slice, .side = {}};
    for (const Polarity side : {Polarity::plus, Polarity::minus}) {
      const bool is_line = side == Polarity::minus && has_reference_column();
      const std::size_t outputs = cell_rows(hardware_.mapping, side, outputs_);
      std::vector<float>& total = totals.side[static_cast<int>(side)];
      total.assign(array_size(side), kLeftAlone);
      if (writes_ > 1 && lines_ != before) {
        // What was in use is reset, and written again where it still is.
        for (std::size_t i = 0; i < outputs * inputs_; ++i) {
          const std::size_t o = i / inputs_, j = i % inputs_;
          total[is_line ? before.inputs[j] : before.cell(o, j)] = mapping.g_min;
        }
      }
      for (std::size_t o = 0; o < outputs; ++o) {
        for (std::size_t j = lines.first; j < lines.first + lines.count; ++j) {
          total[is_line ? lines_.inputs[j] : lines_.cell(o, j)] =
              mapping.target(w[o * stride + j], side, slice);
        }
      }
    }
    write_devices(exec, fill, totals, ages, false, now, report);
    if (corrects()) write_devices(exec, fill, totals, ages, true, now, report);
  }
  return report;
}

void Tile::choose_lines(const Exec& exec, const WeightMapping& mapping, const DeviceFill& fill,
                        const float* w, std::size_t stride, std::span<const float> full_scales) {
  if (hardware_.tile.remap == Remap::none || !hardware_.faults.has_any()) return;
  std::vector<ArrayDefects> arrays;
  for_each_array([&](Place place) {
    ArrayDefects& of = arrays.emplace_back();
    of.weight_per_siemens = mapping.weight_per_siemens(place.slice) *
                            hardware_.programming.weight_of(place.device) *
                            (place.side == Polarity::plus ? 1.0 : -1.0);
    of.failing_deviation = hardware_.faults.failing_spread * g_max(hardware_.device);
    of.targets.reserve(outputs_ * inputs_);
    for (std::size_t o = 0; o < outputs_; ++o) {
      for (std::size_t j = 0; j < inputs_; ++j) {
        const float total = mapping.target(w[o * stride + j], place.side, place.slice);
        of.targets.push_back(fill.target(total, place.device));
      }
    }
    const Buffer<float> found = faults(exec, place);
    of.found.resize(found.size());
    found.copy_to(of.found);
    // A reference cell counts in the weights of all outputs, wherever they are.
    std::vector<float> line;
    if (rows(place.side) < lines_.bit_lines) line.swap(of.found);
    for (std::size_t b = 0; b < lines_.bit_lines && !line.empty(); ++b) {
      of.found.insert(of.found.end(), line.begin(), line.end());
    }
  });
  const TileParams& tile = hardware_.tile;
  const LineMap in_order = LineMap::in_order(outputs_, inputs_, static_cast<std::size_t>(tile.spare_columns),
                                             static_cast<std::size_t>(tile.spare_rows));
  set_lines(mq::choose_lines(tile.remap, in_order, arrays, full_scales));
}

bool Tile::corrects() const {
  return hardware_.programming.fill == Fill::mixed && hardware_.programming.devices > 1;
}

void Tile::write_devices(const Exec& exec, const DeviceFill& fill, const SliceTargets& totals,
                         const std::vector<float>& ages, bool last_ones, const TileTime& now,
                         WriteVerifyReport& report) {
  std::vector<double> line_seconds(lines_.word_lines);
  for (const Polarity side : {Polarity::plus, Polarity::minus}) {
    const std::vector<float>& total = totals.side[static_cast<int>(side)];
    if (total.empty()) continue;
    std::vector<double> others;
    if (last_ones) others = read_others(exec, side, totals.slice, fill, total, now);
    std::vector<float> targets(total.size());
    for (int device = 0; device < devices(); ++device) {
      for (std::size_t i = 0; i < total.size(); ++i) {
        targets[i] = kLeftAlone;
        if (total[i] < 0.0f) continue;
        const bool is_last = corrects() && fill.last_device(total[i]) == device;
        if (is_last != last_ones) continue;
        targets[i] = is_last ? fill.correction(total[i], others[i]) : fill.target(total[i], device);
      }
      write_device(exec, {side, device, totals.slice}, targets, ages, report, line_seconds);
    }
  }
  for (const double seconds : line_seconds) report.time += seconds;
}

std::vector<double> Tile::read_others(const Exec& exec, Polarity side, int slice, const DeviceFill& fill,
                                      const std::vector<float>& total, const TileTime& now) {
  std::vector<double> sum(total.size());
  std::vector<float> g(total.size());
  Buffer<float> plane(exec, total.size());
  for (int device = 0; device < devices(); ++device) {
    // A read of its own: its noise is not that of the reference read.
    const Place place{side, device, slice};
    const RngKey noise = key(Purpose::write_verify, place).at_moment(1);
    read_device(exec, place, now, {.key = noise, .plane = plane.data()});
    plane.copy_to(g);
    const double weight = hardware_.programming.weight_of(device);
    for (std::size_t i = 0; i < g.size(); ++i) {
      if (total[i] >= 0.0f && fill.last_device(total[i]) != device) sum[i] += g[i] * weight;
    }
  }
  return sum;
}

void Tile::write_device(const Exec& exec, Place place, const std::vector<float>& targets,
                        const std::vector<float>& ages, WriteVerifyReport& report,
                        std::vector<double>& line_seconds) {
  const ProgrammingParams& how = hardware_.programming;
  CellArray& cells = array(place);
  const Buffer<float> g_target(exec, std::span<const float>(targets));
  const Buffer<float> age(exec, std::span<const float>(ages));
  const Buffer<float> found = faults(exec, place);
  const WriteFaults on_write{.found = found.data(),
                             .failing_spread = hardware_.faults.failing_spread * g_max(hardware_.device),
                             .wear = cells.wear(),
                             .reset_weight = hardware_.faults.reset_weight};
  const RngKey fabrication = lasting_key(Purpose::fabrication, place);
  const RngKey programming = key(Purpose::programming, place);
  if (how.method == ProgrammingMethod::write_verify) {
    write_and_verify(exec,
                     {.cells = cells.view(),
                      .g_target = g_target.data(),
                      .how = how,
                      .key = key(Purpose::write_verify, place),
                      .programming = programming,
                      .device = fabrication,
                      .response = lasting_key(Purpose::pulse_response, place),
                      .faults = on_write,
                      .age = age.data()},
                     targets.size() / lines_.word_lines, lines_.word_lines, report, line_seconds);
  } else {
    kernels(exec.backend)
        .program_cells(exec, {.cells = cells.view(),
                              .g_target = g_target.data(),
                              .key = programming,
                              .device = fabrication,
                              .age = age.data(),
                              .faults = on_write});
    for (const float g : targets) {
      report.cells += g >= 0.0f;
      report.pulses += g >= 0.0f;
    }
  }
  cells.step_noise(exec, 0.0, key(Purpose::cell_noise, place), fabrication, g_target.data());
}

Buffer<float> Tile::faults(const Exec& exec, Place place) {
  if (!hardware_.faults.has_any()) return {};
  CellArray& cells = array(place);
  Buffer<float> found(exec, cells.size());
  kernels(exec.backend)
      .find_faults(exec, {.faults = {.params = hardware_.faults,
                                     .key = lasting_key(Purpose::faults, place),
                                     .g_min = g_min(hardware_.device),
                                     .g_max = g_max(hardware_.device)},
                          .wear = cells.wear(),
                          .size = cells.size(),
                          .found = found.data()});
  return found;
}

}  // namespace mq
