/// The cells of one array as kernels see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "meltquench/core/lanes.h"
#include "meltquench/devices/registry.h"

namespace mq {

/// Cells of one array: `fields` holds one array of `size` floats per member of `Model::Cell`, in its order.
struct CellsView {
  const DeviceParams* params = nullptr;
  float* fields = nullptr;
  std::size_t size = 0;
};

/// The same, of a known model: loads and stores as many cells as F has lanes.
template <class Model>
struct CellFields {
  float* data;
  std::uint32_t size;

  explicit CellFields(const CellsView& cells)
      : data(cells.fields), size(static_cast<std::uint32_t>(cells.size)) {}

  template <class F>
  using Cell = typename Model::template Cell<F>;

  template <class F>
  MQ_HD Cell<F> load(std::uint32_t i) const {
    F members[kCellFields<Model>];
    for (int m = 0; m < kCellFields<Model>; ++m) members[m] = mq::load<F>(data + std::size_t(m) * size + i);
    Cell<F> cell;
    memcpy(&cell, members, sizeof(cell));
    return cell;
  }
  template <class F>
  MQ_HD void store(std::uint32_t i, const Cell<F>& cell) const {
    store_first<kCellFields<Model>, F>(i, cell);
  }
  /// Only the first `kCount` members: the others have not changed.
  template <int kCount, class F>
  MQ_HD void store_first(std::uint32_t i, const Cell<F>& cell) const {
    F members[kCellFields<Model>];
    memcpy(members, &cell, sizeof(cell));
    for (int m = 0; m < kCount; ++m) mq::store(data + std::size_t(m) * size + i, members[m]);
  }
};

/// Row of the random numbers that a cell shows at every programming; row 0 made the cell itself.
inline constexpr std::uint32_t kProgrammingRow = 1;

}  // namespace mq
