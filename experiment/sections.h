/// Everything that has described parameters, by name: config sections and device models.
#pragma once

#include <string>
#include <vector>

#include "meltquench/core/fields.h"

namespace mq {

struct Section {
  enum class Kind { config, device };

  std::string name;  ///< "adc", "pcm"
  Kind kind;
  std::string sentence;
  std::vector<FieldInfo> fields;
};

/// Config sections in the order of a config file, then device models.
const std::vector<Section>& sections();
/// Throws ConfigError with the nearest name.
const Section& find_section(const std::string& name);

/// A parameter that holds a value, under its full name "nu_mean.slope".
struct Parameter {
  std::string name;
  FieldInfo info;
};
/// The parameters of a section; those that are tables are replaced by what they hold, which acts where they
/// do.
std::vector<Parameter> parameters(const Section& section);

/// What it means, and when it acts: "... Acts where adc.bits > 0."
std::string meaning(const FieldInfo& info);

/// "number in [0, 1]", "one of a and b"
std::string type_text(const FieldInfo& info);

Value section_to_value(const Section& section);

}  // namespace mq
