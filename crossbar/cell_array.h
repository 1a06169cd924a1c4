/// All cells of one polarity of a tile, row-major [outputs, inputs]: one array of floats per member of the
/// model's cell.
#pragma once

#include "meltquench/core/buffer.h"
#include "meltquench/core/storage.h"
#include "meltquench/devices/device.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {

class CellArray {
 public:
  /// `size` new cells. Throws ResourceError if there is not enough memory.
  CellArray(const Exec& exec, const DeviceParams& params, std::size_t size)
      : params_(params),
        size_(size),
        fields_(exec, size * static_cast<std::size_t>(mq::cell_fields(params))) {}

  std::size_t size() const { return size_; }
  const DeviceParams& params() const { return params_; }

  /// For kernels; valid as long as the array stays where it is.
  CellsView view() { return {&params_, fields_.data(), size_}; }

  /// One member of all cells on the host, in the order of `Model::Cell`: for PCM 0 is g [S], 1 nu, 2 q, 3 the
  /// age [s].
  std::vector<float> member(int index) const {
    std::vector<float> all(fields_.size());
    fields_.copy_to(all);
    return {all.begin() + static_cast<std::ptrdiff_t>(size_) * index,
            all.begin() + static_cast<std::ptrdiff_t>(size_) * (index + 1)};
  }

  void save(H5Writer& file, const std::string& path) const {
    std::vector<float> all(fields_.size());
    fields_.copy_to(all);
    file.write(path, all, {fields_.size() / size_, size_});
  }
  /// Throws DataError if the file holds another number of cells or members.
  void load(const H5Reader& file, const std::string& path) {
    fields_.copy_from(file.read<float>(path, {fields_.size() / size_, size_}));
  }

 private:
  DeviceParams params_;
  std::size_t size_;
  Buffer<float> fields_;
};

}  // namespace mq
