/// JSON: one line per trial in `trials.jsonl`, manifests, and machine-readable output of the command line.
#pragma once

#include <string>
#include <string_view>

#include "meltquench/core/value.h"

namespace mq {

/// The same value gives the same bytes: keys in order, numbers in their shortest form that reads back
/// exactly, and a number never looks like an integer (`2.0`). `indent` < 0 writes one line. JSON knows no inf
/// and nan: they become the texts "inf", "-inf" and "nan". Text that is not UTF-8 keeps its readable part.
std::string to_json(const Value& value, int indent = -1);

/// Throws DataError that says where in `name` (a file) the text stops being JSON. Nesting is limited to 64
/// levels.
Value parse_json(std::string_view text, std::string_view name = "JSON text");

}  // namespace mq
