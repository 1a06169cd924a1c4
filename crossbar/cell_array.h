/// All cells of one polarity of a tile, row-major [outputs, inputs]: one array of floats per member of the
/// model's cell, and where they have them the memory of their read noise and the count of their pulses.
#pragma once

#include <optional>

#include "meltquench/core/buffer.h"
#include "meltquench/core/storage.h"
#include "meltquench/devices/device.h"
#include "meltquench/devices/faults.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {

class CellArray {
 public:
  /// `size` new cells. Throws
  /// ResourceError if there is not enough memory, ConfigError if `noise` cannot be had.
  CellArray(const Exec& exec, const DeviceParams& params, const CellNoiseParams& noise,
            const FaultParams& faults, std::size_t size);

  std::size_t size() const { return size_; }
  const DeviceParams& params() const { return params_; }

  /// For kernels; valid as long as the array stays where it is.
  CellsView view() { return {&params_, fields_.data(), size_}; }
  /// Deviates of the read noise; null if each moment draws its own.
  const float* deviates() const { return noise_ ? noise_->deviates.data() : nullptr; }

  /// Weighted pulses of each cell (devices/faults.h); null if cells do not wear.
  float* wear() { return wear_.data(); }

  /// Moves the read noise on by `seconds`; does nothing for noise without memory. `only`: cells whose value
  /// is below 0 stay as they are, the others start anew; null: all cells go on.
  void step_noise(const Exec& exec, double seconds, const RngKey& key, const RngKey& device,
                  const float* only = nullptr);

  /// One member of all cells on the host, in the order of `Model::Cell`: for PCM 0 is g [S], 1 nu, 2 q, 3 the
  /// age [s].
  std::vector<float> member(int index) const;

  void save(H5Writer& file, const std::string& path) const;
  /// Throws DataError if the file holds another number of cells or members.
  void load(const H5Reader& file, const std::string& path);

 private:
  struct NoiseMemory {
    NoiseProcesses processes;
    TelegraphLaw telegraph;
    Buffer<float> states, levels, deviates;
  };

  DeviceParams params_;
  std::size_t size_;
  Buffer<float> fields_, wear_;
  std::optional<NoiseMemory> noise_;
};

}  // namespace mq
