/// Looking into a tile: voltages and currents of its cells, codes of its ADCs, and pictures of both.
#include <algorithm>
#include <limits>

#include "meltquench/core/nearest.h"
#include "meltquench/experiment/tile_pictures.h"
#include "meltquench/python/tile.h"

namespace mq::python {
namespace {

/// "0.2 V" or a plain number.
double volts(py::handle object, const std::string& name) {
  struct Keyword {
    double volts = 0.0;
    static constexpr auto describe() {
      return fields(field("v_read", &Keyword::volts, Unit::volt, "Voltage of full-scale input."));
    }
  };
  Value table = Value::table();
  table.set_key("v_read", to_value(object, name));
  Keyword keyword;
  mq::from_value(keyword, table, "");
  return keyword.volts;
}

py::dict as_dict(ArrayReading reading, py::ssize_t inputs) {
  const auto outputs = static_cast<py::ssize_t>(reading.outputs);
  const std::vector<py::ssize_t> cells{outputs, inputs};
  py::dict array;
  array["conductances"] = owning_array(std::move(reading.conductances), cells);
  array["word_voltages"] = owning_array(std::move(reading.word), cells);
  array["bit_voltages"] = owning_array(std::move(reading.bit), cells);
  array["cell_currents"] = owning_array(std::move(reading.cell_currents), cells);
  array["currents"] = owning_array(std::move(reading.currents), {outputs});
  return array;
}

std::string plane_name(const CodeHistogram& codes) {
  const char* kind = codes.role.kind == PlaneKind::plus    ? "plus"
                     : codes.role.kind == PlaneKind::minus ? "minus"
                                                           : "difference";
  return "slice " + std::to_string(codes.role.slice) + " " + kind;
}

}  // namespace

TileReading PyTile::read_cells(const py::object& x, const py::object& tile, const py::object& v_read,
                               const py::object& slice, const py::object& phase) {
  const FloatArray given = float_array(x, "x");
  if (given.ndim() != 1) {
    throw ShapeError("x has the shape " + shape_text(given) + ", but one vector of inputs is inspected");
  }
  const std::vector<double> inputs(given.data(), given.data() + given.size());
  const std::uint64_t index = whole_number(tile, "tile", std::numeric_limits<std::int64_t>::max());
  const double read_volts = volts(v_read, "v_read");
  InspectedRead read{.slice = static_cast<int>(whole_number(slice, "slice", 1000))};
  if (!phase.is_none()) read.phase = static_cast<std::uint32_t>(whole_number(phase, "phase", 1000));
  return compute([&] { return mq::inspect(array_, exec_, index, inputs, read_volts, read); });
}

py::dict PyTile::inspect(const py::object& x, const py::object& tile, const py::object& v_read,
                         const py::object& slice, const py::object& phase) {
  TileReading reading = read_cells(x, tile, v_read, slice, phase);
  const auto columns = static_cast<py::ssize_t>(reading.inputs);
  py::dict result;
  result["full_scale"] = reading.full_scale;
  result["volts"] = owning_array(std::move(reading.volts), {columns});
  result["plus"] = as_dict(std::move(reading.plus), columns);
  result["minus"] = as_dict(std::move(reading.minus), columns);
  return result;
}

std::vector<CodeHistogram> PyTile::count_codes(const FloatArray& x, float* y, MvmPlace place) {
  const std::size_t rows = rows_of(x);
  const CodeCounter counter(array_, exec_);
  multiply_on_host(exec_, array_, {x.data(), rows, array_.inputs()}, {y, rows, array_.outputs()}, place);
  check_results(y, rows * array_.outputs());
  return counter.histograms();
}

py::dict PyTile::code_histograms(const py::object& x, const py::object& first_row, const py::object& call) {
  Product product = product_of(x, first_row, call);
  float* const y = product.y.mutable_data();
  const std::vector<CodeHistogram> all =
      compute([&] { return count_codes(product.x, y, place_of(product)); });
  std::vector<py::ssize_t> conversions = grid_shape();
  const auto per_tile = static_cast<py::ssize_t>(all.size() / array_.grid().size());
  py::list planes;
  for (const CodeHistogram& one : all) {
    if (one.tile == 0 && one.phase == 0) planes.append(plane_name(one));
  }
  const auto count = static_cast<py::ssize_t>(planes.size());
  conversions.insert(conversions.end(), {count, per_tile / count});
  std::vector<std::int64_t> counts, clipped, codes;
  std::vector<double> share, range;
  for (const CodeHistogram& one : all) {
    counts.insert(counts.end(), one.counts.begin(), one.counts.end());
    clipped.push_back(one.clipped);
    share.push_back(one.clipped_share());
    range.push_back(one.range);
  }
  const std::int64_t limit = all.front().limit();
  for (std::int64_t code = -limit; code <= limit; ++code) codes.push_back(code);
  const auto entries = static_cast<py::ssize_t>(codes.size());
  std::vector<py::ssize_t> of_counts = conversions;
  of_counts.push_back(entries);
  py::dict result;
  result["y"] = product.y;
  result["codes"] = owning_array(std::move(codes), {entries});
  result["counts"] = owning_array(std::move(counts), of_counts);
  result["clipped"] = owning_array(std::move(clipped), conversions);
  result["clipped_share"] = owning_array(std::move(share), conversions);
  result["range"] = owning_array(std::move(range), conversions);
  result["planes"] = planes;
  return result;
}

std::string PyTile::plot(const py::object& x, const py::object& what, const py::object& tile,
                         const py::object& v_read, const py::object& slice, const py::object& phase) {
  const std::string wanted = py::isinstance<py::str>(what) ? what.cast<std::string>() : "";
  const std::vector<std::string> known{"plus", "minus", "codes", "clips"};
  if (std::find(known.begin(), known.end(), wanted) == known.end()) {
    throw ConfigError("what must be one of plus, minus, codes and clips" + did_you_mean(wanted, known));
  }
  const std::uint64_t index = whole_number(tile, "tile", std::numeric_limits<std::int64_t>::max());
  if (index >= array_.grid().size()) {
    throw ShapeError("there is no tile " + std::to_string(index) + "; the array has tiles 0 to " +
                     std::to_string(array_.grid().size() - 1));
  }
  const std::string where = label_ + ", tile " + std::to_string(index);
  if (wanted == "plus" || wanted == "minus") {
    const TileReading reading = read_cells(x, tile, v_read, slice, phase);
    const Polarity side = wanted == "plus" ? Polarity::plus : Polarity::minus;
    if ((side == Polarity::plus ? reading.plus : reading.minus).outputs == 0) {
      throw ConfigError("an offset array whose zero is computed has no minus cells; take what = \"plus\"");
    }
    return cells_svg(reading, side, (side == Polarity::plus ? "Plus cells: " : "Minus cells: ") + where);
  }
  const FloatArray inputs = float_array(x, "x");
  std::vector<float> y(rows_of(inputs) * array_.outputs());
  const std::vector<CodeHistogram> all =
      compute([&] { return count_codes(inputs, y.data(), {.call = calls_++ % kCalls}); });
  return wanted == "codes" ? codes_svg(all, index, "Codes of the ADCs: " + where)
                           : clips_svg(all, array_.grid(), "Clipped conversions: " + label_);
}

}  // namespace mq::python
