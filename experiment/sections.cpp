#include "meltquench/experiment/sections.h"

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"
#include "meltquench/experiment/run_config.h"

namespace mq {
namespace {

template <Described T>
Section config_section(std::string name, std::string sentence) {
  return {std::move(name), Section::Kind::config, std::move(sentence), field_infos<T>()};
}

void append_parameters(const std::vector<FieldInfo>& infos, const std::string& prefix,
                       const std::string& where, std::vector<Parameter>& list) {
  for (FieldInfo info : infos) {
    if (info.where.empty()) {
      info.where = where;
    } else if (!where.empty()) {
      info.where = where + ", and " + info.where;
    }
    if (info.children.empty()) {
      list.push_back({prefix + info.name, info});
    } else {
      append_parameters(info.children, prefix + info.name + ".", info.where, list);
    }
  }
}

/// Adds what other sections decide on.
void add_rules(Section& section) {
  const bool is_device = section.kind == Section::Kind::device;
  for (FieldInfo& info : section.fields) {
    const std::string_view rule = acting_rule_of_run(is_device ? "device" : section.name, info.name);
    if (!rule.empty()) info.where = rule;
  }
}

}  // namespace

const std::vector<Section>& sections() {
  static const std::vector<Section> all = [] {
    std::vector<Section> list = {
        config_section<DataParams>("data", "The images that a network is trained on and evaluated with."),
        config_section<ModelParams>("model", "The network."),
        config_section<TrainParams>("train", "How the network is trained, plainly and hardware-aware."),
        config_section<ProgrammingParams>("programming", "How cells are written."),
        config_section<FaultParams>("faults", "Cells that are stuck, fail or wear out."),
        config_section<MappingParams>("mapping", "How weights become conductances."),
        config_section<TileParams>("tile", "Size and analog noise of one crossbar."),
        config_section<DacParams>("dac", "Digital-to-analog converters at the word lines."),
        config_section<PeripheryParams>("periphery", "Output stages between bit lines and ADCs."),
        config_section<AdcParams>("adc", "Analog-to-digital converters at the bit lines."),
        config_section<WireParams>("wires", "Resistance of word lines and bit lines."),
        config_section<CurrentParams>("current", "The current of a cell over its voltage."),
        config_section<CellNoiseParams>("cell_noise", "How the read noise of cells behaves in time."),
        config_section<TemperatureParams>("temperature", "Temperature of the chip over time."),
        config_section<EvalParams>("eval", "Which chips are looked at, and when."),
    };
    for (const std::string& model : model_names()) {
      list.push_back({model, Section::Kind::device, model_summary(model), model_fields(model)});
    }
    for (Section& section : list) add_rules(section);
    return list;
  }();
  return all;
}

const Section& find_section(const std::string& name) {
  std::vector<std::string> names;
  for (const Section& section : sections()) {
    if (section.name == name) return section;
    names.push_back(section.name);
  }
  throw ConfigError("there is no config section or device model '" + name + "'" + did_you_mean(name, names));
}

std::vector<Parameter> parameters(const Section& section) {
  std::vector<Parameter> list;
  append_parameters(section.fields, "", "", list);
  return list;
}

std::string meaning(const FieldInfo& info) {
  return info.where.empty() ? info.sentence : info.sentence + " Acts where " + info.where + ".";
}

std::string type_text(const FieldInfo& info) {
  const std::string kind = format_kind(info);
  return info.range_text.empty() ? kind : kind + ", " + info.range_text;
}

Value section_to_value(const Section& section) {
  Value list = Value::array();
  for (const auto& [name, info] : parameters(section)) {
    Value entry = Value::table();
    entry.set_key("name", name);
    entry.set_key("type", format_kind(info));
    entry.set_key("unit", symbol(info.unit));
    entry.set_key("default", info.default_text);
    entry.set_key("range", info.range_text);
    Value choices = Value::array();
    for (const std::string& choice : info.choices) choices.as_array().emplace_back(choice);
    entry.set_key("choices", std::move(choices));
    entry.set_key("sentence", info.sentence);
    entry.set_key("acts_where", info.where);
    list.as_array().push_back(std::move(entry));
  }
  Value table = Value::table();
  table.set_key("name", section.name);
  table.set_key("kind", section.kind == Section::Kind::config ? "config section" : "device model");
  table.set_key("sentence", section.sentence);
  table.set_key("parameters", std::move(list));
  return table;
}

}  // namespace mq
