#include "meltquench/models/dataset.h"

#include "meltquench/python/bindings.h"
#include "meltquench/python/watch.h"

namespace mq::python {
namespace {

py::dict datasets() {
  py::dict all;
  for (const DatasetEntry& known : known_datasets()) {
    py::dict entry;
    entry["what"] = std::string(known.what);
    entry["installed"] = known.is_installed;
    entry["folder"] = known.folder.string();
    entry["how_to_get"] = std::string(known.how_to_get);
    all[py::str(std::string(known.name))] = entry;
  }
  return all;
}

void append_arrays(py::dict& all, const std::string& part, Dataset data) {
  const auto count = static_cast<py::ssize_t>(data.count());
  std::vector<py::ssize_t> shape{count};
  if (data.shape.channels != 1) shape.push_back(static_cast<py::ssize_t>(data.shape.channels));
  shape.push_back(static_cast<py::ssize_t>(data.shape.height));
  shape.push_back(static_cast<py::ssize_t>(data.shape.width));
  all[py::str(part + "_images")] = owning_array(std::move(data.images), shape);
  all[py::str(part + "_labels")] = owning_array(std::move(data.labels), {count});
}

py::dict load(const py::object& name, const py::object& path, const py::object& train_images,
              const py::object& test_images, const py::object& seed) {
  Value table = Value::table();
  table.set_key("name", to_value(name, "name"));
  table.set_key("path", path.is_none() ? Value("") : Value(path_text(path)));
  table.set_key("train_images", to_value(train_images, "train_images"));
  table.set_key("test_images", to_value(test_images, "test_images"));
  DataParams params;
  mq::from_value(params, table, "");
  const std::uint64_t key = RunKeywords::from(seed, py::int_(1), py::none()).seed;
  DatasetPair data =
      run_interruptible([&] { return with_keywords([&] { return load_dataset(params, key); }); });
  py::dict all;
  append_arrays(all, "train", std::move(data.train));
  append_arrays(all, "test", std::move(data.test));
  return all;
}

constexpr const char* kDatasets = R"(datasets()
--

{name: {what, installed, folder, how_to_get}} of the data sets that load_dataset() and configs know.

Example:
    >>> import meltquench as mq
    >>> mq.datasets()["synthetic"]["installed"]
    True
)";

constexpr const char* kLoad = R"(load_arrays(name, path, train_images, test_images, seed)
--

Arrays train_images, train_labels, test_images and test_labels; see meltquench.load_dataset.)";

}  // namespace

void bind_dataset(py::module_& module) {
  module.def("datasets", &datasets, kDatasets);
  module.def("load_arrays", &load, kLoad, py::arg("name"), py::arg("path"), py::arg("train_images"),
             py::arg("test_images"), py::arg("seed"));
}

}  // namespace mq::python
