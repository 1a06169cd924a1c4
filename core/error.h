/// What can go wrong through no fault of this library: each error is a sentence with problem, reason and way
/// out.
///
/// `Error::kind()` decides the exit code of the command line and the exception type in Python.
#pragma once

#include <stdexcept>
#include <string>

namespace mq {

enum class ErrorKind {
  config,       ///< a parameter, unit, option or config file that makes no sense
  shape,        ///< arrays whose sizes do not fit each other
  state,        ///< a call that needs another one first, e.g. evaluating an unprogrammed tile
  missing,      ///< a package, data set or file that is not there
  data,         ///< a file that is there but damaged or foreign
  storage,      ///< a file that cannot be written
  resource,     ///< memory, disk, or a device that this machine or build does not have
  interrupted,  ///< the user asked to stop
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

template <ErrorKind kKind>
struct ErrorOf : Error {
  explicit ErrorOf(const std::string& sentence) : Error(kKind, sentence) {}
};

using ConfigError = ErrorOf<ErrorKind::config>;
using ShapeError = ErrorOf<ErrorKind::shape>;
using StateError = ErrorOf<ErrorKind::state>;
using MissingError = ErrorOf<ErrorKind::missing>;
using DataError = ErrorOf<ErrorKind::data>;
using StorageError = ErrorOf<ErrorKind::storage>;
using ResourceError = ErrorOf<ErrorKind::resource>;
using Interrupted = ErrorOf<ErrorKind::interrupted>;

/// A backend that this build or machine lacks.
struct BackendUnavailable : ResourceError {
  using ResourceError::ResourceError;
};

}  // namespace mq
