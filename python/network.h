/// A network of the user's own, with images and labels, from Python's arrays.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "meltquench/python/bindings.h"
#include "meltquench/training/network.h"

namespace mq::python {

/// Rectified layers fc1, fc2, ... from pairs (W[out, in], b[out] or None). Throws ShapeError and ConfigError
/// that name the layer.
Network network_from(const py::sequence& layers);

/// Images [n, ...] with as many values each as the network takes. Throws ShapeError, and ConfigError for inf
/// and nan.
FloatArray images_from(const py::object& images, const std::string& name, const Network& network);

/// Integers [count] below `classes`, which may be 256 at most. Throws ShapeError and ConfigError.
std::vector<std::uint8_t> labels_from(const py::object& labels, std::size_t count, std::size_t classes);

}  // namespace mq::python
