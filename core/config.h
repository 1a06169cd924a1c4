/// Config files: TOML to `Value` and back. `--set key=value` on top: overrides.h.
///
/// Every error shows the faulty line, underlined. Hostile text cannot crash the parser: size and nesting are
/// limited.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "meltquench/core/value.h"

namespace mq {

/// Throws ConfigError for a syntax error, a duplicate key, a date (there are none here), a text over 64 KiB
/// or nested deeper than 32 levels. `name` is the file name in messages.
Value parse_toml(std::string_view text, std::string_view name);

/// Throws MissingError if the file is not there, else as `parse_toml`.
Value load_toml(const std::filesystem::path& path);

/// TOML text. Equal values with equal order of keys give equal bytes, `parse_toml` gives back an equal value,
/// and numbers are in their shortest form that reads back exactly. Null entries of tables are left out;
/// throws ConfigError for null in an array and for a value that is no table.
std::string to_toml(const Value& table);

/// One value as it stands right of "=" in TOML, on one line: `"25 uS"`, `[1.0, 2.0]`, `{ x = 1 }`.
std::string to_toml_value(const Value& value);

}  // namespace mq
