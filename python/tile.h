/// What `mq.Tile` holds: a TileArray, the weights it was asked to hold, and where it is computed.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "meltquench/crossbar/code_histograms.h"
#include "meltquench/crossbar/inspection.h"
#include "meltquench/crossbar/tile_array.h"
#include "meltquench/python/bindings.h"
#include "meltquench/python/watch.h"

namespace mq::python {

/// Every function that computes lets go of the GIL and then locks, since a TileArray is used by one thread at
/// a time.
class PyTile {
 public:
  /// `label`: how the user named the device. The tile is to be programmed or loaded before anybody else sees
  /// it.
  PyTile(const RunKeywords& keywords, Hardware hardware, std::string label, std::size_t outputs,
         std::size_t inputs);

  void program(const py::object& W);
  /// `call` None: the next one.
  py::array_t<float> mvm(const py::object& x, const py::object& first_row, const py::object& call);
  void calibrate(const py::object& x);
  // tile_looks.cpp
  /// `tile`: row-major in the grid. Inputs x[inputs of the tile]; `v_read` in V at full-scale input; `phase`
  /// None: all of x at once.
  py::dict inspect(const py::object& x, const py::object& tile, const py::object& v_read,
                   const py::object& slice, const py::object& phase);
  py::dict code_histograms(const py::object& x, const py::object& first_row, const py::object& call);
  /// SVG text.
  std::string plot(const py::object& x, const py::object& what, const py::object& tile,
                   const py::object& v_read, const py::object& slice, const py::object& phase);

  void drift_to(const py::object& time);
  void compensate_drift(const py::object& how);
  void save(const py::object& path);
  static std::unique_ptr<PyTile> load(const py::object& path, const py::object& threads,
                                      const py::object& backend);

  /// The file that `save` writes, and the tile in it, for copies and pickle.
  py::bytes bytes();
  static std::unique_ptr<PyTile> from_bytes(const py::bytes& bytes, const py::object& threads,
                                            const py::object& backend);
  const RunKeywords& keywords() const { return keywords_; }

  py::tuple shape() const { return py::make_tuple(array_.outputs(), array_.inputs()); }
  double time();
  const FloatArray& target() const { return target_; }
  py::array_t<float> weights();
  py::dict conductances();
  py::dict counters();
  py::dict ranges();
  py::array_t<double> compensation();
  std::string repr();

 private:
  template <class F>
  auto compute(F&& work) {
    return run_interruptible([&] {
      const std::lock_guard lock(mutex_);
      return with_keywords(work);
    });
  }
  TileReading read_cells(const py::object& x, const py::object& tile, const py::object& v_read,
                         const py::object& slice, const py::object& phase);
  /// Rows of x[..., in]; throws ShapeError if it has another number of inputs.
  /// What one product takes and gives; the call is counted where none is said.
  struct Product {
    FloatArray x;
    py::array_t<float> y;
    std::uint64_t first_row = 0;
    std::optional<std::uint32_t> call;
  };
  static constexpr std::uint32_t kCalls = 1u << 24;
  std::size_t rows_of(const FloatArray& x) const;
  Product product_of(const py::object& x, const py::object& first_row, const py::object& call);
  MvmPlace place_of(const Product& product);
  std::vector<CodeHistogram> count_codes(const FloatArray& x, float* y, MvmPlace place);
  std::vector<float> conductances_of(Polarity side);
  std::vector<py::ssize_t> grid_shape() const;
  std::string description() const;

  RunKeywords keywords_;
  Exec exec_;
  std::string label_;
  std::mutex mutex_;
  TileArray array_;
  FloatArray target_;        // as programmed; never written to
  std::uint32_t calls_ = 0;  // of mvm without a call number
};

/// Products on host memory, whatever the backend of the array.
void multiply_on_host(const Exec& exec, TileArray& array, MatrixView<const float> x, MatrixView<float> y,
                      MvmPlace place);

}  // namespace mq::python
