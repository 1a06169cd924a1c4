#include <algorithm>
#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/output.h"
#include "meltquench/cli/points.h"
#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/progress.h"
#include "meltquench/core/random.h"
#include "meltquench/crossbar/current_expansion.h"
#include "meltquench/crossbar/netlist.h"
#include "meltquench/experiment/tile_cells.h"
#include "meltquench/experiment/trained_network.h"

namespace mq::cli {
namespace {

/// The cells of a tile with their law: slopes at 0 V where they are not linear.
NetlistCells cells_of(const Hardware& hardware, TileCells& tile) {
  NetlistCells cells{.g = {tile.g.data(), tile.outputs, tile.inputs}, .description = tile.description};
  if (hardware.current.is_absent()) return cells;
  const CurrentExpansion law(hardware);
  for (float& g : tile.g) g = static_cast<float>(law.slope(g));
  cells.current = hardware.current;
  return cells;
}

TileCells chosen_cells(const Arguments& arguments, const RunConfig& config, Context& context) {
  const Exec exec{.backend = Backend::cpu, .threads = available_threads()};
  TileChoice choice{
      .layer = arguments.text("--layer"),
      .tile = arguments.integer("--tile", 0, 65535, 0),
      .side = arguments.text("--array", "plus") == "plus" ? Polarity::plus : Polarity::minus,
      .chip = static_cast<std::uint32_t>(arguments.integer("--chip", 0, 65535, config.eval.first_chip)),
      .time = parse_quantity(arguments.text("--time", "0 s"), Unit::second)};
  if (choice.time < 0.0) throw ConfigError("--time must not be negative; it counts from the reference read");
  if (arguments.has("--weights")) {
    const WeightTable table = load_weight_table(arguments.text("--weights"));
    return cells_of_tile(exec, config, {table.w.data(), table.outputs, table.inputs}, choice);
  }
  const DatasetPair data = load_dataset(config.data, config.seed);
  Variant variant = config.train.variants.front();
  if (arguments.has("--variant")) {
    variant = arguments.text("--variant") == name(Variant::plain) ? Variant::plain : Variant::hardware_aware;
  }
  LogProgress progress(context.err);
  const std::filesystem::path models = std::filesystem::path(arguments.text("--runs", "runs")) / "models";
  const TrainedNetwork trained = trained_network(exec, config, variant, data, models, progress, nullptr);
  return cells_of_tile(exec, config, trained.network, choice);
}

/// Inputs relative to full scale, within [low, 1].
std::vector<double> inputs_of(const Arguments& arguments, std::size_t inputs, double low,
                              std::uint64_t seed) {
  const std::string text = arguments.text("--input", "random");
  std::vector<double> x;
  if (text == "ones") return std::vector<double>(inputs, 1.0);
  if (text == "random") {
    for (std::size_t i = 0; i < inputs; ++i) {
      Rng<float> rng(RngKey(seed, Purpose::sampling), static_cast<std::uint32_t>(i));
      x.push_back(low + (1.0 - low) * double(rng.uniform()));
    }
    return x;
  }
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    x.push_back(parse_quantity(text.substr(start, end - start), Unit::one));
    if (x.back() < low || x.back() > 1.0) {
      throw ConfigError("--input: " + format_number(x.back()) + " is outside of [" + format_number(low) +
                        ", 1]; inputs are relative to full scale");
    }
    start = end + 1;
  }
  if (x.size() != inputs) {
    throw ConfigError("--input lists " + std::to_string(x.size()) + " values, but the tile has " +
                      std::to_string(inputs) + " inputs; give one for each, or random or ones");
  }
  return x;
}

/// The same for every word line; spare ones get none.
template <class T>
std::vector<T> on_word_lines(const TileCells& tile, const std::vector<T>& values) {
  std::vector<T> all(tile.inputs);
  for (std::size_t j = 0; j < values.size(); ++j) all[tile.lines.inputs[j]] = values[j];
  return all;
}

std::string text_of(const Arguments& arguments, const RunConfig& config, TileCells tile) {
  const Hardware hardware = config.hardware.for_layer(tile.layer);
  const WireParams& wires = hardware.wires;
  const double v_read = hardware.dac.v_read;
  const NetlistCells cells = cells_of(hardware, tile);
  const std::size_t inputs = tile.lines.inputs.size();
  const std::string configured(names(wires.topology)[static_cast<std::size_t>(wires.topology)]);
  if (arguments.text("--topology", configured) == "input-source") {
    std::vector<double> volts = inputs_of(arguments, inputs, -1.0, config.seed);
    for (double& v : volts) v *= v_read;
    return netlist(network_of(wires), cells, on_word_lines(tile, volts));
  }
  std::vector<std::uint8_t> gates;
  const bool is_random = arguments.text("--input", "random") == "random";
  for (const double x : inputs_of(arguments, inputs, 0.0, config.seed)) {
    if (!is_random && x != 0.0 && x != 1.0) {
      throw ConfigError("--input: " + format_number(x) + " opens no transistor; gates are 0 or 1");
    }
    gates.push_back(x >= 0.5 ? 1 : 0);
  }
  return netlist(gated_network_of(wires), cells, v_read, on_word_lines(tile, gates));
}

int run(const Arguments& arguments, Context& context) {
  Value value = load_config(arguments.text("CONFIG"), arguments.all("--set"));
  value.erase_key("sweep");
  const RunConfig config = RunConfig::from_value(value);
  const std::string text = text_of(arguments, config, chosen_cells(arguments, config, context));
  if (arguments.has("--output")) {
    write_output(arguments, "--output", text, context);
    if (!goes_to_stdout(arguments, "--output")) context.out << arguments.text("--output") << '\n';
  } else {
    context.out << text;
  }
  return kDone;
}

}  // namespace

Command netlist_command() {
  return {
      .name = "netlist",
      .summary = "Write the circuit of a tile as a netlist of ngspice.",
      .details =
          "The tile is one of the chip that `meltquench run` programs from the same config, with the trained "
          "weights (a missing training is done first) or those of a table. Resistances are those of the "
          "section [wires], the cells' currents those of [current], and inputs of full scale are dac.v_read. "
          "`ngspice -b FILE` computes the operating "
          "point and prints the output currents.",
      .operands = {config_operand()},
      .options =
          {{.name = "--set",
            .value = "KEY=VALUE",
            .sentence = "Change a key of the config, e.g. wires.word_line=1Ohm or current.law=sinh.",
            .is_repeatable = true},
           {.name = "--layer", .value = "NAME", .sentence = "Layer of the network. Default: the first."},
           {.name = "--tile", .value = "N", .sentence = "Tile of the layer, from 0. Default: 0."},
           {.name = "--array",
            .value = "SIDE",
            .sentence = "Which cells of the differential pairs. Default: plus.",
            .choices = {"plus", "minus"}},
           {.name = "--chip", .value = "ID", .sentence = "Chip of the run. Default: eval.first_chip."},
           {.name = "--time",
            .value = "T",
            .sentence = "When, after the reference read, like 1day. Default: 0 s."},
           {.name = "--variant",
            .value = "NAME",
            .sentence = "Training that the weights come from. Default: the first of train.variants.",
            .choices = {"plain", "hardware-aware"}},
           {.name = "--weights",
            .value = "FILE",
            .sentence = "Program these weights instead: text, a line of numbers for each output.",
            .completes = Completes::files},
           {.name = "--input",
            .value = "VALUES",
            .sentence = "random, ones, or a list like 0.5,-1,0 relative to full scale. Default: random."},
           {.name = "--topology",
            .value = "NAME",
            .sentence = "What inputs do: drive the word lines, or open transistors (0 or 1). Default: "
                        "wires.topology.",
            .choices = {"input-source", "gated"}},
           {.name = "--runs",
            .value = "DIR",
            .sentence = "Folder of all runs, for their trained networks. Default: runs.",
            .completes = Completes::folders},
           {.name = "--output",
            .value = "FILE",
            .sentence = "Write this file, whole or not at all, instead of stdout (-).",
            .short_name = "-o",
            .completes = Completes::files}},
      .examples =
          {"meltquench netlist examples/quick.toml --set wires.word_line=1Ohm --set wires.bit_line=1Ohm -o "
           "tile.cir",
           "echo '0.5 -1' > w.txt && meltquench netlist examples/quick.toml --weights w.txt --input 1,0.5"},
      .run = run};
}

}  // namespace mq::cli
