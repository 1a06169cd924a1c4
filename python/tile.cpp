#include "meltquench/python/tile.h"

#include <algorithm>

#include "meltquench/core/json.h"
#include "meltquench/core/storage.h"

namespace mq::python {
namespace {

constexpr int kFileVersion = 2;
const std::string kArrayPath = "/array";

/// A file in a folder of its own, wherever temporary files go here, that is gone with this object.
class TemporaryFile {
 public:
  TemporaryFile() : folder_(py::module_::import("tempfile").attr("TemporaryDirectory")("", "meltquench-")) {}
  ~TemporaryFile() {
    try {
      folder_.attr("cleanup")();
    } catch (py::error_already_set&) {  // it stays behind
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  py::object path() const {
    return py::module_::import("pathlib").attr("Path")(folder_.attr("name")).attr("joinpath")("tile.h5");
  }

 private:
  py::object folder_;
};

FloatArray read_only_copy(const FloatArray& matrix) {
  const FloatArray copy = matrix.attr("copy")();
  copy.attr("setflags")(py::arg("write") = false);
  return copy;
}

DriftCompensation compensation_from(py::handle how) {
  struct Keyword {
    DriftCompensation how = DriftCompensation::none;
    static constexpr auto describe() { return fields(field("how", &Keyword::how, "Kind of compensation.")); }
  };
  Value table = Value::table();
  table.set_key("how", to_value(how, "how"));
  Keyword keyword;
  mq::from_value(keyword, table, "");
  return keyword.how;
}

}  // namespace

void multiply_on_host(const Exec& exec, TileArray& array, MatrixView<const float> x, MatrixView<float> y,
                      MvmPlace place) {
  if (exec.backend != Backend::cuda) {
    array.mvm(exec, x, y, place);
    return;
  }
  const Buffer<float> x_there(exec, std::span<const float>(x.data, x.size()));
  Buffer<float> y_there(exec, y.size());
  array.mvm(exec, x_there.as_matrix(x.rows, x.columns), y_there.as_matrix(y.rows, y.columns), place);
  y_there.copy_to({y.data, y.size()});
}

PyTile::PyTile(const RunKeywords& keywords, Hardware hardware, std::string label, std::size_t outputs,
               std::size_t inputs)
    : keywords_(keywords), exec_(keywords.exec()), label_(std::move(label)), array_([&] {
        const py::gil_scoped_release release;
        return TileArray(exec_, hardware, {.seed = keywords.seed}, outputs, inputs);
      }()) {}

void PyTile::program(const py::object& W) {
  const FloatArray target = read_only_copy(float_matrix(W, "W", "[out, in]"));
  compute([&] { array_.program(exec_, view(target)); });
  target_ = target;
}

std::size_t PyTile::rows_of(const FloatArray& x) const {
  const auto in = static_cast<py::ssize_t>(array_.inputs());
  if (x.ndim() == 0 || x.shape(x.ndim() - 1) != in) {
    throw ShapeError("x has the shape " + shape_text(x) + ", but this tile takes x[" + std::to_string(in) +
                     "] or x[batch, " + std::to_string(in) + "]");
  }
  return static_cast<std::size_t>(x.size() / in);
}

PyTile::Product PyTile::product_of(const py::object& x, const py::object& first_row, const py::object& call) {
  Product product{float_array(x, "x"), {}, 0, {}};
  const FloatArray& inputs = product.x;
  const std::size_t rows = rows_of(inputs);
  std::vector<py::ssize_t> shape(inputs.shape(), inputs.shape() + inputs.ndim());
  shape.back() = static_cast<py::ssize_t>(array_.outputs());
  product.y = py::array_t<float>(shape);
  product.first_row = whole_number(first_row, "first_row", (std::uint64_t(1) << 33) - rows);
  if (!call.is_none()) product.call = static_cast<std::uint32_t>(whole_number(call, "call", kCalls - 1));
  return product;
}

MvmPlace PyTile::place_of(const Product& product) {
  return {.first_row = product.first_row, .call = product.call ? *product.call : calls_++ % kCalls};
}

py::array_t<float> PyTile::mvm(const py::object& x, const py::object& first_row, const py::object& call) {
  Product product = product_of(x, first_row, call);
  const std::size_t rows = rows_of(product.x);
  float* const y = product.y.mutable_data();
  compute([&] {
    multiply_on_host(exec_, array_, {product.x.data(), rows, array_.inputs()}, {y, rows, array_.outputs()},
                     place_of(product));
    check_results(y, rows * array_.outputs());
  });
  return product.y;
}

void PyTile::calibrate(const py::object& x) {
  const Hardware& hardware = array_.hardware();
  if (hardware.dac.bits == 0 && hardware.adc.bits == 0) {
    throw StateError(
        "this tile has ideal converters, so there is nothing to calibrate; make it with dac_bits or "
        "adc_bits");
  }
  if ((hardware.dac.bits == 0 || hardware.dac.range) && (hardware.adc.bits == 0 || hardware.adc.range)) {
    throw StateError(
        "dac_range and adc_range of this tile are fixed, so there is nothing to calibrate; leave them out");
  }
  const FloatArray inputs = float_array(x, "x");
  const std::size_t in = array_.inputs();
  if (inputs.ndim() != 2 || static_cast<std::size_t>(inputs.shape(1)) != in || inputs.shape(0) == 0) {
    throw ShapeError("x must have the shape [batch, " + std::to_string(in) +
                     "] with one row or more but has " + shape_text(inputs));
  }
  const FloatArray target = target_;  // stays alive while another thread programs
  compute([&] {
    const Exec on_host{.backend = exec_.backend == Backend::cuda ? Backend::cpu : exec_.backend,
                       .threads = exec_.threads};
    RangeFinder finder(array_.grid(), array_.hardware());
    for (int look = 0; look < finder.looks(); ++look) {
      if (look > 0) finder.look_again();
      finder.look_at(on_host, view(inputs), view(target));
    }
    array_.set_ranges(finder.ranges());
  });
}

void PyTile::drift_to(const py::object& time) {
  const double time_s = seconds(time, "time");
  compute([&] { array_.advance_to(exec_, time_s); });
}

void PyTile::compensate_drift(const py::object& how) {
  const DriftCompensation compensation = compensation_from(how);
  compute([&] { array_.compensate_drift(compensation); });
}

void PyTile::save(const py::object& path) {
  const std::string file = path_text(path);
  const FloatArray kept = target_;
  const MatrixView<const float> target = view(kept);
  const py::gil_scoped_release release;
  const std::lock_guard lock(mutex_);
  H5Writer writer(file, "tile", kFileVersion);
  array_.save(writer, kArrayPath);
  writer.write("/target", std::span<const float>(target.data, target.size()), {target.rows, target.columns});
  Value hardware = Value::table();
  HardwareConfig(array_.hardware()).write_to(hardware);
  writer.set_attribute("/", "hardware", hardware);
  writer.set_attribute("/", "device_label", label_);
  writer.set_attribute("/", "seed", static_cast<std::int64_t>(keywords_.seed));
  writer.set_attribute("/", "calls", static_cast<std::int64_t>(calls_));
  writer.commit();
}

std::unique_ptr<PyTile> PyTile::load(const py::object& path, const py::object& threads,
                                     const py::object& backend) {
  const std::string file = path_text(path);
  const H5Reader reader(file, "tile", kFileVersion);
  if (reader.version() < kFileVersion) {
    throw DataError(file + " was written by an older Meltquench (version " +
                    std::to_string(reader.version()) + ", this one reads version " +
                    std::to_string(kFileVersion) + "); program the tile again from its weights");
  }
  const auto integer = [&](const char* name) {
    const Value value = reader.attribute("/", name);
    if (!value.is_integer() || value.as_integer() < 0)
      throw DataError(file + " has no valid attribute '" + name + "'");
    return static_cast<std::uint64_t>(value.as_integer());
  };
  const Value hardware = reader.attribute("/", "hardware"), label = reader.attribute("/", "device_label");
  const DatasetInfo target = reader.info("/target");
  if (!hardware.is_text() || !label.is_text() || target.shape.size() != 2)
    throw DataError(file + " holds no tile");
  RunKeywords keywords = RunKeywords::from(py::int_(0), threads, backend);
  keywords.seed = integer("seed");
  auto tile = std::make_unique<PyTile>(
      keywords, HardwareConfig::from_value(parse_json(hardware.as_text(), file)).everywhere(),
      label.as_text(), target.shape[0], target.shape[1]);
  tile->calls_ = static_cast<std::uint32_t>(integer("calls"));
  const auto rows = static_cast<py::ssize_t>(target.shape[0]),
             columns = static_cast<py::ssize_t>(target.shape[1]);
  tile->target_ = read_only_copy(FloatArray(owning_array(reader.read<float>("/target"), {rows, columns})));
  tile->compute([&] { tile->array_.load(tile->exec_, reader, kArrayPath); });
  return tile;
}

py::bytes PyTile::bytes() {
  const TemporaryFile file;
  save(file.path());
  return file.path().attr("read_bytes")();
}

std::unique_ptr<PyTile> PyTile::from_bytes(const py::bytes& bytes, const py::object& threads,
                                           const py::object& backend) {
  const TemporaryFile file;
  file.path().attr("write_bytes")(bytes);
  try {
    return load(file.path(), threads, backend);
  } catch (const DataError& error) {
    std::string message = error.what();
    const std::string path = path_text(file.path());
    if (message.starts_with(path)) message.replace(0, path.size(), "the pickled tile");
    throw DataError(message);
  }
}

py::array_t<float> PyTile::weights() {
  const auto shape = std::vector<py::ssize_t>{target_.shape(0), target_.shape(1)};
  const std::vector<double> weights = compute([&] { return array_.read_weights(exec_); });
  return owning_array(std::vector<float>(weights.begin(), weights.end()), shape);
}

std::vector<float> PyTile::conductances_of(Polarity side) {
  const TileGrid& grid = array_.grid();
  std::vector<float> all(grid.outputs * grid.inputs);
  for (std::size_t t = 0; t < grid.size(); ++t) {
    Tile& tile = array_.tiles()[t];
    const std::vector<float> part = tile.conductances(exec_, side, array_.now());
    float* first = all.data() + t / grid.columns() * grid.tile_outputs * grid.inputs +
                   t % grid.columns() * grid.tile_inputs;
    // Outputs of an offset array share one row of reference cells, or have none.
    const std::size_t rows = part.size() / tile.inputs();
    for (std::size_t o = 0; o < tile.outputs() && rows > 0; ++o) {
      std::copy_n(part.data() + o % rows * tile.inputs(), tile.inputs(), first + o * grid.inputs);
    }
  }
  return all;
}

py::dict PyTile::conductances() {
  const auto shape = std::vector<py::ssize_t>{target_.shape(0), target_.shape(1)};
  py::dict sides;
  sides["plus"] = owning_array(compute([&] { return conductances_of(Polarity::plus); }), shape);
  sides["minus"] = owning_array(compute([&] { return conductances_of(Polarity::minus); }), shape);
  return sides;
}

double PyTile::time() {
  return compute([&] { return array_.time(); });
}

py::dict PyTile::counters() {
  return from_value(mq::to_value(compute([&] { return array_.counters(); })));
}

std::vector<py::ssize_t> PyTile::grid_shape() const {
  return {static_cast<py::ssize_t>(array_.grid().rows()), static_cast<py::ssize_t>(array_.grid().columns())};
}

py::dict PyTile::ranges() {
  const Ranges ranges = compute([&] { return array_.ranges(); });
  py::dict result;
  result["dac"] =
      array_.hardware().dac.bits > 0 && ranges.dac > 0.0f ? py::object(py::float_(ranges.dac)) : py::none();
  const bool has_adc = array_.hardware().adc.bits > 0 && ranges.adc.front() > 0.0f;
  std::vector<py::ssize_t> shape = grid_shape();
  const std::size_t conversions = array_.conversions_per_tile();
  if (conversions > 1) shape.push_back(static_cast<py::ssize_t>(conversions));
  result["adc"] = has_adc ? py::object(owning_array(ranges.adc, shape)) : py::none();
  if (!ranges.columns.empty()) {
    shape.push_back(static_cast<py::ssize_t>(array_.grid().tile_outputs));
    result["adc_columns"] = owning_array(ranges.columns, shape);
  }
  return result;
}

py::array_t<double> PyTile::compensation() {
  return owning_array(compute([&] { return array_.compensation(); }), grid_shape());
}

std::string PyTile::repr() {
  return compute([&] { return description(); });
}

std::string PyTile::description() const {
  const TileGrid& grid = array_.grid();
  const Hardware& hardware = array_.hardware();
  const auto converter = [](int bits, bool has_range) {
    return bits == 0 ? std::string("ideal")
                     : std::to_string(bits) + " bits" + (has_range ? "" : ", no range yet");
  };
  const std::vector<double> factors = array_.compensation();
  const bool is_compensated = std::any_of(factors.begin(), factors.end(), [](double f) { return f != 1.0; });
  return "<meltquench.Tile W[" + std::to_string(grid.outputs) + ", " + std::to_string(grid.inputs) + "] on " +
         label_ + ", g_max " + format_quantity(g_max(hardware.device), Unit::siemens) + "\n  tiles   " +
         std::to_string(grid.rows()) + " x " + std::to_string(grid.columns()) + " of " +
         std::to_string(grid.tile_outputs) + " columns x " + std::to_string(grid.tile_inputs) +
         " rows\n  DAC     " + converter(hardware.dac.bits, array_.ranges().dac > 0.0f) + "\n  ADC     " +
         converter(hardware.adc.bits, array_.ranges().adc.front() > 0.0f) + "\n  clock   " +
         format_quantity(array_.time(), Unit::second) + " after the reference read, drift " +
         (is_compensated ? "compensated" : "not compensated") + "\n  seed    " +
         std::to_string(keywords_.seed) + ", backend " + keywords_.backend + ", threads " +
         std::to_string(keywords_.threads) + ">";
}

}  // namespace mq::python
