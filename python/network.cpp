#include "meltquench/python/network.h"

#include <algorithm>
#include <utility>

#include "meltquench/models/model.h"

namespace mq::python {

Network network_from(const py::sequence& layers) {
  std::vector<std::pair<FloatArray, FloatArray>> arrays;
  for (const py::handle item : layers) {
    const std::string path = "layers[" + std::to_string(arrays.size()) + "]";
    if (!py::isinstance<py::tuple>(item) && !py::isinstance<py::list>(item)) {
      throw ConfigError(path + " must be a pair (W, b); b may be None");
    }
    const auto pair = py::reinterpret_borrow<py::sequence>(item);
    if (pair.size() != 2) throw ConfigError(path + " must be a pair (W, b); b may be None");
    const FloatArray W = float_matrix(pair[0], path + ": W", "[out, in]");
    FloatArray b(W.shape(0));
    std::fill_n(b.mutable_data(), b.size(), 0.0f);
    if (!py::object(pair[1]).is_none()) b = float_array(pair[1], path + ": b");
    if (b.ndim() != 1 || b.shape(0) != W.shape(0)) {
      throw ShapeError(path + ": b must have the shape [" + std::to_string(W.shape(0)) + "] but has " +
                       shape_text(b));
    }
    if (W.size() == 0) throw ShapeError(path + ": W has the shape " + shape_text(W) + " and so no weights");
    if (!arrays.empty() && W.shape(1) != arrays.back().first.shape(0)) {
      throw ShapeError(path + ": W has the shape " + shape_text(W) + ", but the layer before gives " +
                       std::to_string(arrays.back().first.shape(0)) + " values");
    }
    arrays.emplace_back(W, b);
  }
  if (arrays.empty()) throw ShapeError("layers must hold at least one pair (W, b)");
  std::vector<int> hidden;
  for (std::size_t i = 0; i + 1 < arrays.size(); ++i)
    hidden.push_back(static_cast<int>(arrays[i].first.shape(0)));
  Network network = mlp({1, 1, static_cast<std::size_t>(arrays.front().first.shape(1))}, hidden,
                        static_cast<std::size_t>(arrays.back().first.shape(0)));
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    std::copy_n(arrays[i].first.data(), arrays[i].first.size(), network.weights(i).data);
    std::copy_n(arrays[i].second.data(), arrays[i].second.size(), network.bias(i).data());
  }
  return network;
}

FloatArray images_from(const py::object& images, const std::string& name, const Network& network) {
  FloatArray array = float_array(images, name);
  const auto in = static_cast<py::ssize_t>(network.input().size());
  if (array.ndim() < 2 || array.shape(0) == 0 || array.size() != array.shape(0) * in) {
    throw ShapeError(name + " has the shape " + shape_text(array) + ", but the first layer takes " + name +
                     "[n, " + std::to_string(in) + "]");
  }
  return array;
}

std::vector<std::uint8_t> labels_from(const py::object& labels, std::size_t count, std::size_t classes) {
  refuse_masked(labels, "labels");
  const py::array any = py::array::ensure(labels);
  if (!any || std::string_view("iub").find(any.dtype().kind()) == std::string_view::npos) {
    throw ConfigError("labels must be an array of integers");
  }
  if (any.ndim() != 1 || static_cast<std::size_t>(any.shape(0)) != count) {
    throw ShapeError("labels must have the shape [" + std::to_string(count) + "], one per image, but has " +
                     shape_text(any));
  }
  const auto integers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>::ensure(any);
  const std::size_t most = std::min<std::size_t>(classes, 256);
  std::vector<std::uint8_t> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t label = integers.data()[i];
    if (label < 0 || static_cast<std::size_t>(label) >= most) {
      throw ConfigError("labels[" + std::to_string(i) + "] = " + std::to_string(label) +
                        " is no class (must be in [0, " + std::to_string(most - 1) + "])");
    }
    result[i] = static_cast<std::uint8_t>(label);
  }
  return result;
}

}  // namespace mq::python
