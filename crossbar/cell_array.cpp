#include "meltquench/crossbar/cell_array.h"

#include <cmath>

#include "meltquench/core/error.h"

namespace mq {
namespace {

void save_buffer(H5Writer& file, const std::string& path, const Buffer<float>& buffer, std::size_t cells) {
  std::vector<float> all(buffer.size());
  buffer.copy_to(all);
  file.write(path, all, {buffer.size() / cells, cells});
}

void load_buffer(const H5Reader& file, const std::string& path, Buffer<float>& buffer, std::size_t cells) {
  buffer.copy_from(file.read<float>(path, {buffer.size() / cells, cells}));
}

}  // namespace

CellArray::CellArray(const Exec& exec, const DeviceParams& params, const CellNoiseParams& noise,
                     const FaultParams& faults, std::size_t size)
    : params_(params),
      size_(size),
      fields_(exec, size * static_cast<std::size_t>(mq::cell_fields(params))),
      wear_(exec, faults.wears() ? size : 0) {
  if (!noise.correlated) return;
  if (read_pulse(params) == 0.0f) {
    throw ConfigError("cell_noise.correlated = true: the device model '" + std::string(model_name(params)) +
                      "' has no 1/f read noise that could be correlated; switch it off for this device");
  }
  noise_ = NoiseMemory{.processes = noise_processes(noise, read_pulse(params)),
                       .telegraph = TelegraphLaw(noise),
                       .states = {},
                       .levels = {},
                       .deviates = Buffer<float>(exec, size)};
  noise_->states = Buffer<float>(exec, size * static_cast<std::size_t>(noise_->processes.count));
  if (noise.telegraph_share > 0.0) noise_->levels = Buffer<float>(exec, size);
}

void CellArray::step_noise(const Exec& exec, double seconds, const RngKey& key, const RngKey& device,
                           const float* only) {
  if (!noise_) return;
  CellNoise op;
  op.size = size_;
  op.processes = noise_->processes.count;
  for (int k = 0; k < op.processes; ++k) {
    const double keep = std::exp(-noise_->processes.rate[k] * seconds);
    op.keep[k] = static_cast<float>(keep);
    op.fresh[k] = static_cast<float>(std::sqrt(-std::expm1(-2.0 * noise_->processes.rate[k] * seconds)));
  }
  op.weight = static_cast<float>(noise_->processes.weight);
  op.white = static_cast<float>(noise_->processes.white);
  op.states = noise_->states.data();
  op.telegraph = noise_->telegraph;
  op.levels = noise_->levels.data();
  op.seconds = static_cast<float>(seconds);
  op.starts = only != nullptr;
  op.only = only;
  op.key = key;
  op.device = device;
  op.deviates = noise_->deviates.data();
  kernels(exec.backend).step_cell_noise(exec, op);
}

std::vector<float> CellArray::member(int index) const {
  std::vector<float> all(fields_.size());
  fields_.copy_to(all);
  return {all.begin() + static_cast<std::ptrdiff_t>(size_) * index,
          all.begin() + static_cast<std::ptrdiff_t>(size_) * (index + 1)};
}

void CellArray::save(H5Writer& file, const std::string& path) const {
  save_buffer(file, path, fields_, size_);
  if (!wear_.empty()) save_buffer(file, path + "_wear", wear_, size_);
  if (!noise_) return;
  save_buffer(file, path + "_noise", noise_->states, size_);
  save_buffer(file, path + "_deviates", noise_->deviates, size_);
  if (noise_->levels.size() > 0) save_buffer(file, path + "_levels", noise_->levels, size_);
}

void CellArray::load(const H5Reader& file, const std::string& path) {
  load_buffer(file, path, fields_, size_);
  if (!wear_.empty()) load_buffer(file, path + "_wear", wear_, size_);
  if (!noise_) return;
  load_buffer(file, path + "_noise", noise_->states, size_);
  load_buffer(file, path + "_deviates", noise_->deviates, size_);
  if (noise_->levels.size() > 0) load_buffer(file, path + "_levels", noise_->levels, size_);
}

}  // namespace mq
