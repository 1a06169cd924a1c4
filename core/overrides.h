/// `--set key=value` and the axes of a sweep: changes on top of a config table, whose order never matters.
///
/// Changes are applied from the outside in: "device=hermes-2" before "device.g_max=30uS", whichever was
/// written first. So a key set by itself holds for whatever device or table is named beside it. What is given
/// twice, and differently, is refused: `adc.bits=4` beside `adc.bits=6`, or beside `adc={bits=6}`.
///
/// What a change means for what stands at its place:
///   - a table changes the keys that it names and leaves the others: `adc={kind="sar"}` keeps `adc.bits`;
///   - the name of a device sets its `preset`; keys beside a preset stay, as `adc.bits` does. A table with
///     `model` writes a device out, so naming another replaces it, and a `model` replaces a preset;
///   - anything else replaces what was there, lists as a whole.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "meltquench/core/value.h"

namespace mq {

struct Override {
  std::string path;  ///< "adc.bits"
  Value value;       ///< remembers where it stands in the text
};

/// "adc.bits=6". The right side is read as a TOML value (`6`, `[1, 2]`, `true`, `"25 uS"`) and, where it is
/// none, as plain text (`30uS`, `hermes-1`). Throws ConfigError if there is no "=" or no path.
Override parse_override(std::string_view key_equals_value);

/// Applies them in an order of their own. Where a table is due and a text stands, the text is a preset's
/// name: after `device = "pcm-like"`, "device.g_max=30uS" makes `{ preset = "pcm-like", g_max = "30uS" }`.
/// Changes that were applied to `table` earlier count as given beside these. Throws ConfigError for what is
/// given twice and for a path that does not lead anywhere.
void apply_overrides(Value& table, std::vector<Override> overrides);
void apply_overrides(Value& table, std::span<const std::string> overrides);
void apply_override(Value& table, std::string_view key_equals_value);

}  // namespace mq
