/// The points of a sweep: every combination of the values of some config keys.
///
///     [sweep]
///     "adc.bits" = [4, 6, 8]
///     "device.g_max" = "lin(10 uS, 30 uS, 3)"
/// or, on the command line, `meltquench sweep config.toml adc.bits=4,6,8`. A list of values is written as an
/// array, as `a,b,c`, or as `range(first, end, step)` (end excluded), `lin(first, last, count)` or
/// `log(first, last, count)`, in double precision.
///
/// The settings of a point are applied together, as overrides.h says, so the order of keys decides only the
/// order of points.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "meltquench/experiment/run_config.h"

namespace mq {

struct SweepPoint {
  std::vector<std::pair<std::string, std::string>>
      settings;  ///< swept key, value as text; empty for a plain run
  RunConfig config;
  std::string key;                         ///< RunConfig::key() of `config`
  std::string training_key;                ///< RunConfig::training_key() of `config`
  std::shared_ptr<const Value> base = {};  ///< the config that the settings change, one for all points

  std::string label() const;  ///< "adc.bits=4, tile.rows=128"
};

/// The values that `text` lists, as the right sides of overrides.
std::vector<std::string> sweep_values(std::string_view text, std::string_view key);

/// All points of the config's `sweep` table and of `axes` ("adc.bits=4,6,8"; these win over the same key in
/// the table), the last key varying fastest; one point without settings if nothing is swept. Throws
/// ConfigError, also if some point is not valid, if two points are the same run, or if there are more than
/// 100 000.
std::vector<SweepPoint> sweep_points(const Value& config, std::span<const std::string> axes = {});

}  // namespace mq
