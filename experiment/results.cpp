#include "meltquench/experiment/results.h"

#include <fmt/format.h>

#include "meltquench/core/config.h"
#include "meltquench/core/version.h"
#include "meltquench/experiment/readable.h"
#include "meltquench/experiment/tile_look.h"
#include "meltquench/experiment/tile_pictures.h"

namespace mq {
namespace {

/// Enough for the shape of a distribution; a run's chips take far more.
constexpr std::size_t kSamplesOfCodes = 100;

std::string variant_label(const PointResult& result) {
  const std::string label = result.point->label();
  return std::string(name(result.variant)) + (label.empty() ? "" : " (" + label + ")");
}

std::string_view compensation_name(EvalCompensation compensation) {
  return names(compensation)[static_cast<std::size_t>(compensation)];
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

Counters sum_of_counters(const std::vector<PointResult>& results) {
  Counters sum;
  for (const PointResult& result : results) {
    for (const ChipTrial& trial : result.trials) sum += trial.counters;
  }
  return sum;
}

std::string percent_of(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? ""
                    : fmt::format("{:.3g} % of them clipped",
                                  100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::vector<ReportCounter> counter_rows(const Counters& c) {
  const auto row = [](const char* name, std::int64_t value, std::string note) {
    return ReportCounter{name, static_cast<std::uint64_t>(value), std::move(note)};
  };
  return {row("Tile products", c.mvms, "one input vector through one crossbar"),
          row("DAC conversions", c.dac_conversions, percent_of(c.dac_clips, c.dac_conversions)),
          row("Sum of |DAC codes|", c.sum_of_codes,
              c.dac_conversions == 0
                  ? ""
                  : fmt::format("{:.2f} per conversion", double(c.sum_of_codes) / double(c.dac_conversions))),
          row("ADC conversions", c.adc_conversions, percent_of(c.adc_clips, c.adc_conversions)),
          row("Response reads", c.response_reads, "single word lines, to compensate drift"),
          row("Programming pulses", c.pulses, c.verify_steps == 0 ? "one per cell and write" : ""),
          row("Verify steps", c.verify_steps,
              c.verify_steps == 0
                  ? "reads between pulses"
                  : fmt::format("reads between pulses; {} cells given up; together {:.3g} uJ and {:.3g} s",
                                c.unconverged, double(c.programming_fj) * 1e-9,
                                double(c.programming_ns) * 1e-9))};
}

/// Of each chip as a data set, so that they count for the digest, and their sums as attributes.
void write_counters(H5Writer& file, const std::string& group, const std::vector<ChipTrial>& trials) {
  Counters sum;
  std::vector<std::int64_t> counts;
  std::vector<std::string> names;
  for (const ChipTrial& trial : trials) {
    sum += trial.counters;
    const Value table = to_value(trial.counters);
    for (const auto& entry : table.as_table()) counts.push_back(entry.value.as_integer());
  }
  const Value sums = to_value(sum);
  for (const auto& entry : sums.as_table()) names.push_back(entry.key);
  file.write(group + "/counters", counts, {trials.size(), names.size()});
  file.write(group + "/counter_names", names);
  file.set_attributes(group, sums);
}

}  // namespace

TilePicture picture_of_tile(const TrainedNetwork& trained, const SweepPoint& point, Variant variant,
                            const Samples& samples) {
  const Exec exec{.backend = Backend::cpu, .threads = 1};
  const Network& network = trained.network;
  const LayerShape layer = layer_shapes(network).front();
  const Hardware hardware = point.config.hardware.for_layer(layer.name);
  TileArray array(
      exec, hardware,
      {.seed = point.config.seed, .chip = static_cast<std::uint32_t>(point.config.eval.first_chip)},
      layer.outputs, layer.inputs);
  array.program(exec, network.weights(0));
  Tile& tile = array.tiles().front();
  const auto difference = [&](double time) {
    array.advance_to(exec, time);
    std::vector<float> g = tile.conductances(exec, Polarity::plus, array.now());
    const std::vector<float> minus = tile.conductances(exec, Polarity::minus, array.now());
    // A pair has a cell of its own here, an offset array a reference column, or a zero that is computed.
    const float zero = array.mapping().target(0.0f, Polarity::plus);
    for (std::size_t i = 0; i < g.size(); ++i) {
      g[i] -= minus.empty() ? zero : minus[minus.size() == g.size() ? i : i % tile.inputs()];
    }
    return g;
  };
  TilePicture picture{.variant = std::string(name(variant)),
                      .layer = layer.name,
                      .outputs = tile.outputs(),
                      .inputs = tile.inputs(),
                      .aged_s = point.config.eval.times.back()};
  picture.programmed = difference(0.0);
  if (hardware.adc.bits > 0) {
    picture.samples = std::min(kSamplesOfCodes, samples.count());
    array.set_ranges(trained.ranges.front());
    const Samples some{samples.images.slice_rows(0, picture.samples), {}};
    picture.codes = codes_of_first_layer(exec, network, array, some);
    std::erase_if(picture.codes, [](const CodeHistogram& codes) { return codes.tile > 0; });
  }
  picture.aged = difference(picture.aged_s);
  const WeightMapping pair = array.mapping();
  const bool has_pairs = hardware.mapping.kind == MappingKind::differential;
  for (std::size_t o = 0; o < tile.outputs(); ++o) {
    for (std::size_t j = 0; j < tile.inputs(); ++j) {
      const float scale = array.column_scale().empty() ? 1.0f : array.column_scale()[o];
      const float w = std::clamp(network.weights(0)(o, j) / scale, -pair.w_max, pair.w_max);
      const float zero = has_pairs ? pair.target(w, Polarity::minus) : pair.target(0.0f, Polarity::plus);
      picture.target.push_back(pair.target(w, Polarity::plus) - zero);
    }
  }
  return picture;
}

std::vector<AccuracyRow> accuracy_rows(const std::string& variant, const EvalParams& eval,
                                       const std::vector<ChipTrial>& trials, std::int64_t images,
                                       double digital) {
  std::vector<AccuracyRow> rows;
  for (std::size_t c = 0; c < eval.compensation.size(); ++c) {
    for (std::size_t t = 0; t < eval.times.size(); ++t) {
      std::vector<double> per_chip;
      for (const ChipTrial& trial : trials) {
        const auto correct = static_cast<double>(trial.correct[t * eval.compensation.size() + c]);
        per_chip.push_back(correct / static_cast<double>(images));
      }
      rows.push_back(accuracy_row(variant, std::string(compensation_name(eval.compensation[c])),
                                  eval.times[t], per_chip, digital));
    }
  }
  return rows;
}

std::vector<AccuracyRow> accuracy_rows(const std::vector<PointResult>& results) {
  std::vector<AccuracyRow> rows;
  for (const PointResult& result : results) {
    for (AccuracyRow& row : accuracy_rows(variant_label(result), result.point->config.eval, result.trials,
                                          result.images, result.digital_accuracy)) {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string results_csv(const std::vector<PointResult>& results) {
  std::string csv;
  for (const auto& [key, value] : results.front().point->settings) csv += csv_field(key) + ",";
  csv +=
      "variant,compensation,time_s,chips,accuracy_mean,accuracy_ci95_low,accuracy_ci95_high,accuracy_min,"
      "accuracy_max,accuracy_digital\n";
  for (const PointResult& result : results) {
    const std::vector<AccuracyRow> rows = accuracy_rows({result});
    for (const AccuracyRow& row : rows) {
      for (const auto& [key, value] : result.point->settings) csv += csv_field(value) + ",";
      csv += fmt::format("{},{},{},{},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f}\n", name(result.variant),
                         row.compensation, row.time, row.chips, row.mean, row.ci95_low, row.ci95_high,
                         row.min, row.max, row.digital);
    }
  }
  return csv;
}

void write_arrays(const std::filesystem::path& path, const std::vector<PointResult>& results,
                  const TilePicture& picture) {
  H5Writer file(path, "results", 1);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const PointResult& result = results[i];
    const EvalParams& eval = result.point->config.eval;
    const std::string group = "/results/" + std::to_string(i);
    std::vector<std::int64_t> correct;
    for (const ChipTrial& trial : result.trials)
      correct.insert(correct.end(), trial.correct.begin(), trial.correct.end());
    file.write(group + "/correct", correct,
               {result.trials.size(), eval.times.size(), eval.compensation.size()});
    file.write(group + "/times_s", eval.times);
    std::vector<std::string> compensation;
    for (const EvalCompensation c : eval.compensation) compensation.emplace_back(compensation_name(c));
    file.write(group + "/compensation", compensation);
    write_counters(file, group, result.trials);
    file.set_attribute(group, "variant", name(result.variant));
    file.set_attribute(group, "settings", result.point->label());
    file.set_attribute(group, "images", result.images);
    file.set_attribute(group, "accuracy_digital", result.digital_accuracy);
  }
  const Shape shape{picture.outputs, picture.inputs};
  file.write("/tile/target_S", picture.target, shape);
  file.write("/tile/programmed_S", picture.programmed, shape);
  file.write("/tile/aged_S", picture.aged, shape);
  if (!picture.codes.empty()) {
    std::vector<std::int64_t> codes, clipped;
    for (const CodeHistogram& one : picture.codes) {
      codes.insert(codes.end(), one.counts.begin(), one.counts.end());
      clipped.push_back(one.clipped);
    }
    file.write("/tile/codes", codes, {clipped.size(), codes.size() / clipped.size()});
    file.write("/tile/clipped", clipped);
  }
  file.set_attribute("/tile", "layer", picture.layer);
  file.set_attribute("/tile", "variant", picture.variant);
  file.set_attribute("/tile", "aged_s", picture.aged_s);
  file.commit();
}

ReportData report_data(const std::vector<PointResult>& results, const TilePicture& picture,
                       const std::string& key, const std::string& digest, const Value& manifest) {
  const RunConfig& config = results.front().point->config;
  ReportData data;
  data.title = "Accuracy of " + config.name + " on phase-change memory";
  data.run_name = config.name;
  data.run_key = key.substr(0, 8);
  data.version = std::string(version());
  const std::size_t points = results.back().point - results.front().point + 1;
  data.summary = fmt::format(
      "{} trained network{} mapped onto {} chip{} each{}, evaluated on {} test images at {} times after "
      "programming, "
      "with {} kind{} of drift compensation. Intervals are 95 % (Student t) of the mean over chips.",
      results.size(), results.size() == 1 ? " was" : "s were", config.eval.chips,
      config.eval.chips == 1 ? "" : "s", points > 1 ? fmt::format(" at {} points of a sweep", points) : "",
      results.front().images, config.eval.times.size(), config.eval.compensation.size(),
      config.eval.compensation.size() == 1 ? "" : "s");
  data.rows = accuracy_rows(results);
  const auto heatmap = [&](const char* title, const std::vector<float>& values, std::string caption) {
    data.heatmaps.push_back({.name = title,
                             .rows = static_cast<int>(picture.outputs),
                             .cols = static_cast<int>(picture.inputs),
                             .values = values,
                             .unit = "S",
                             .caption = std::move(caption)});
  };
  const std::string where = fmt::format("first tile of {}, {} network, chip {}", picture.layer,
                                        picture.variant, config.eval.first_chip);
  heatmap("Target", picture.target, "Differential conductance to be written: " + where + ".");
  heatmap("Programmed", picture.programmed,
          "As read at the reference read, with programming and read noise.");
  heatmap("Aged", picture.aged,
          "The same cells " + format_quantity(picture.aged_s, Unit::second) + " later.");
  for (const CodeHistogram& codes : picture.codes) {
    data.codes.push_back(
        {.name = conversion_text(codes),
         .chart = code_chart(codes),
         .caption = code_summary(codes) + fmt::format("; range {}.", readable_number(codes.range))});
  }
  if (!picture.codes.empty()) {
    data.codes_note = fmt::format(
        "ADC codes of the {}, at the reference read, while {} test images pass. Clipped conversions lie "
        "beyond "
        "the range; codes that never occur are resolution that is paid for and not used.",
        where, picture.samples);
  }
  data.counters = counter_rows(sum_of_counters(results));
  data.config = to_toml(config.to_value());
  for (const auto& entry : manifest.as_table()) {
    if (entry.value.is_text()) data.provenance.emplace_back(entry.key, entry.value.as_text());
    if (entry.value.is_integer())
      data.provenance.emplace_back(entry.key, std::to_string(entry.value.as_integer()));
  }
  data.provenance.emplace_back("digest", digest);
  data.links = {{"results.csv", "the table above, one line per row"},
                {"arrays.h5", "accuracy of every chip, counters, conductances"},
                {"trials.jsonl", "one line per chip, as it was finished"},
                {"config.toml", "the resolved config"}};
  return data;
}

}  // namespace mq
