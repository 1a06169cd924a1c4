#include "meltquench/core/version.h"
#include "meltquench/python/bindings.h"

PYBIND11_MODULE(_core, module) {
  using namespace mq::python;
  // Docstrings begin with a signature in the form that inspect.signature() reads, so the generated ones are
  // off.
  py::options options;
  options.disable_function_signatures();
  module.doc() = "The compiled part of meltquench; use the names of the package itself.";
  module.attr("__version__") = std::string(mq::version());
  bind_errors();
  bind_tile(module);
  bind_evaluate(module);
  bind_describe(module);
  bind_dataset(module);
  bind_fit(module);
  bind_misuse(module);
}
