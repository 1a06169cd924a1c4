#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/output.h"
#include "meltquench/cli/points.h"
#include "meltquench/core/contract.h"
#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "meltquench/core/progress.h"
#include "meltquench/experiment/tile_look.h"
#include "meltquench/experiment/tile_pictures.h"

namespace mq::cli {
namespace {

LookChoice choice_of(const Arguments& arguments, const RunConfig& config) {
  LookChoice choice{
      .layer = arguments.text("--layer"),
      .tile = static_cast<std::size_t>(arguments.integer("--tile", 0, 65535, 0)),
      .chip = static_cast<std::uint32_t>(arguments.integer("--chip", 0, 65535, config.eval.first_chip)),
      .time = parse_quantity(arguments.text("--time", "0 s"), Unit::second),
      .sample = static_cast<std::size_t>(arguments.integer("--sample", 0, 1000000, 0)),
      .v_read = parse_quantity(arguments.text("--v-read", "0.2 V"), Unit::volt),
      .read = {.slice = static_cast<int>(arguments.integer("--slice", 0, 15, 0))}};
  if (arguments.has("--phase")) {
    choice.read.phase = static_cast<std::uint32_t>(arguments.integer("--phase", 0, 31, 0));
  }
  if (choice.time < 0.0) throw ConfigError("--time must not be negative; it counts from the reference read");
  return choice;
}

/// All that this command ever writes.
constexpr std::string_view kFiles[] = {"plus.svg",  "minus.svg", "codes.svg",
                                       "clips.svg", "codes.csv", "conversions.csv"};

/// Files that are written, one line each on stdout. Those of an earlier call are removed first: an ideal ADC
/// has no codes, and none must lie beside its pictures.
class Folder {
 public:
  Folder(std::filesystem::path path, std::ostream& out) : path_(std::move(path)), out_(out) {
    ensure_writable_folder(path_);
    for (const std::string_view name : kFiles) {
      if (std::filesystem::is_regular_file(path_ / name)) std::filesystem::remove(path_ / name);
    }
  }
  void write(std::string_view name, const std::string& text) {
    MQ_EXPECTS(std::find(std::begin(kFiles), std::end(kFiles), name) != std::end(kFiles));
    write_file_atomically(path_ / name, text);
    out_ << (path_ / name).string() << '\n';
  }

 private:
  std::filesystem::path path_;
  std::ostream& out_;
};

void write_look(const TileLook& look, const LookChoice& choice, const std::string& run, Folder& folder) {
  const std::string when = format_quantity(choice.time, Unit::second) + " after the reference read";
  const std::string layer = fmt::format("{}, chip {}, layer {}", run, choice.chip, look.layer);
  const std::string where = fmt::format("{}, tile {}, {}", layer, choice.tile, when);
  const std::string phase = choice.read.phase ? fmt::format(", phase {}", *choice.read.phase) : "";
  const std::string driven = fmt::format("{}, slice {}{}, sample {}, v_read {}", where, choice.read.slice,
                                         phase, choice.sample, format_quantity(choice.v_read, Unit::volt));
  folder.write("plus.svg", cells_svg(look.reading, Polarity::plus, "Plus cells: " + driven));
  if (look.reading.minus.outputs > 0) {
    folder.write("minus.svg", cells_svg(look.reading, Polarity::minus, "Minus cells: " + driven));
  }
  if (look.codes.empty()) return;
  folder.write("codes.svg", codes_svg(look.codes, choice.tile, "Codes of the ADCs: " + where));
  folder.write("clips.svg", clips_svg(look.codes, look.grid, "Clipped conversions: " + layer + ", " + when));
  folder.write("codes.csv", codes_csv(look.codes));
  folder.write("conversions.csv", conversions_csv(look.codes));
}

int run(const Arguments& arguments, Context& context) {
  Value value = load_config(arguments.text("CONFIG"), arguments.all("--set"));
  value.erase_key("sweep");
  const std::string output = output_folder(arguments, "--output", "inspection");  // before hours of training
  const RunConfig config = RunConfig::from_value(value);
  const LookChoice choice = choice_of(arguments, config);
  const DatasetPair data = load_dataset(config.data, config.seed);
  Variant variant = config.train.variants.front();
  if (arguments.has("--variant")) {
    variant = arguments.text("--variant") == name(Variant::plain) ? Variant::plain : Variant::hardware_aware;
  }
  const Exec exec{.backend = Backend::cpu, .threads = available_threads()};
  LogProgress progress(context.err);
  const std::filesystem::path models = std::filesystem::path(arguments.text("--runs", "runs")) / "models";
  const TrainedNetwork trained = trained_network(exec, config, variant, data, models, progress, nullptr);
  const auto samples = static_cast<std::size_t>(arguments.integer("--samples", 1, 1000000, 100));
  const TileLook look = look_at_tile(exec, config, trained, data.test.first(samples), choice);
  Folder folder(output, context.out);
  write_look(look, choice, config.name, folder);
  return kDone;
}

}  // namespace

Command inspect_command() {
  return {
      .name = "inspect",
      .summary = "Draw the voltages, currents and ADC codes of a tile.",
      .details =
          "The tile is one of the chip that `meltquench run` programs from the same config, with the trained "
          "weights (a missing training is done first). plus.svg and minus.svg are heatmaps of its cells for "
          "one test sample: conductance, current, IR drop, and the potentials of word and bit lines; wires "
          "are "
          "solved exactly, ADCs and the noise of products left out. codes.svg has the histogram of ADC codes "
          "of every conversion of the tile while test samples pass, clips.svg the share of clipped "
          "conversions of all tiles of the layer, codes.csv and conversions.csv the same in numbers. Files "
          "of these "
          "names that the folder holds from before are removed.",
      .operands = {config_operand()},
      .options =
          {{.name = "--set",
            .value = "KEY=VALUE",
            .sentence = "Change a key of the config, e.g. wires.word_line=1Ohm or adc.bits=6.",
            .is_repeatable = true},
           {.name = "--layer", .value = "NAME", .sentence = "Layer of the network. Default: the first."},
           {.name = "--tile", .value = "N", .sentence = "Tile of the layer, from 0. Default: 0."},
           {.name = "--chip", .value = "ID", .sentence = "Chip of the run. Default: eval.first_chip."},
           {.name = "--time",
            .value = "T",
            .sentence = "When, after the reference read, like 1day. Default: 0 s."},
           {.name = "--samples",
            .value = "N",
            .sentence = "So many test samples pass, for the codes. Default: 100."},
           {.name = "--sample",
            .value = "N",
            .sentence =
                "Test sample whose inputs drive the cells, from 0; of a convolution its middle patch. "
                "Default: 0."},
           {.name = "--slice", .value = "N", .sentence = "Slice of the weights, from 0. Default: 0."},
           {.name = "--phase",
            .value = "N",
            .sentence = "Read phase, from 0: drivers apply the DAC's codes. Default: all of x at once."},
           {.name = "--v-read", .value = "V", .sentence = "Voltage of full-scale inputs. Default: 0.2 V."},
           {.name = "--variant",
            .value = "NAME",
            .sentence = "Training that the weights come from. Default: the first of train.variants.",
            .choices = {"plain", "hardware-aware"}},
           {.name = "--runs",
            .value = "DIR",
            .sentence = "Folder of all runs, for their trained networks. Default: runs.",
            .completes = Completes::folders},
           {.name = "--output",
            .value = "DIR",
            .sentence = "Folder of the files. Default: inspection.",
            .short_name = "-o",
            .completes = Completes::folders}},
      .examples =
          {"meltquench inspect examples/quick.toml --set wires.word_line=1Ohm --set wires.bit_line=1Ohm "
           "-o look"},
      .run = run};
}

}  // namespace mq::cli
