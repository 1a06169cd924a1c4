/// Config files: TOML to `Value` and back, and `--set key=value` on top.
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

/// Applies "adc.bits=6" to a config table. The right side is read as a TOML value (`6`, `[1, 2]`, `true`,
/// `"25 uS"`) and, where it is none, as plain text (`30uS`, `hermes-1`). Where a table is due and a text
/// stands, the text is a preset's name: after `device = "pcm-like"`, "device.g_max=30uS" makes `{ preset =
/// "pcm-like", g_max = "30uS" }`. Throws ConfigError if there is no "=" or the path does not lead anywhere.
void apply_override(Value& table, std::string_view key_equals_value);

}  // namespace mq
