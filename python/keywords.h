/// The keywords that `Tile` and `evaluate` share: what they are called, what they say, and what they make.
#pragma once

#include <string>
#include <vector>

#include "meltquench/crossbar/hardware.h"
#include "meltquench/python/bindings.h"

namespace mq::python {

/// Short names of often used keys (rows, dac_bits, ...), then the sections of a config, then `hardware`: a
/// dict of sections. `device` is not among them, because it also stands by position.
const std::vector<std::string>& hardware_keywords();

/// ", rows=None, columns=None, ...": their part of a signature.
std::string hardware_signature();
/// Their part of a docstring.
extern const char* const kHardwareDoc;

/// Throws TypeError, with the nearest of `known`, for a keyword that is none of them.
void check_keywords(const std::string& function, const py::dict& given,
                    const std::vector<std::string>& known);

/// What holds where no keyword says otherwise.
struct HardwareDefaults {
  int converter_bits = 0;
  std::size_t rows = 0, columns = 0;  ///< 0: as in config files
};

/// Short names win over sections, and sections over `hardware`, key by key. Throws ConfigError that names the
/// keyword, also for a range of a converter that is ideal.
Hardware hardware_from(py::handle device, const py::dict& keywords, const HardwareDefaults& defaults);

}  // namespace mq::python
