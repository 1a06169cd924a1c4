#include <new>
#include <stdexcept>

#include "meltquench/python/bindings.h"

namespace mq::python {
namespace {

PyObject* exception_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::config:
    case ErrorKind::shape:
      return PyExc_ValueError;
    case ErrorKind::state:
      return PyExc_RuntimeError;
    case ErrorKind::missing:
      return PyExc_FileNotFoundError;
    case ErrorKind::data:
    case ErrorKind::storage:
      return PyExc_OSError;
    case ErrorKind::resource:
      return PyExc_MemoryError;
    case ErrorKind::interrupted:
      return PyExc_KeyboardInterrupt;
  }
  return PyExc_RuntimeError;
}

}  // namespace

void bind_errors() {
  py::register_exception_translator([](std::exception_ptr thrown) {
    if (!thrown) return;
    try {
      std::rethrow_exception(thrown);
    } catch (const BackendUnavailable& error) {
      PyErr_SetString(PyExc_RuntimeError, error.what());
    } catch (const std::bad_alloc&) {
      PyErr_SetString(PyExc_MemoryError, "there is not enough memory for this call; ask for less");
    } catch (const std::length_error&) {  // more elements than a container can ever have
      PyErr_SetString(PyExc_MemoryError, "there is not enough memory for this call; ask for less");
    } catch (const Error& error) {
      PyErr_SetString(exception_of(error.kind()), error.what());
    }
  });
}

}  // namespace mq::python
