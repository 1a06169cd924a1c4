#include "meltquench/experiment/experiment.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "meltquench/core/config.h"
#include "meltquench/core/digest.h"
#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/version.h"
#include "meltquench/experiment/results.h"
#include "meltquench/experiment/side_by_side.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {
namespace {

std::string experiment_key(const std::vector<SweepPoint>& points) {
  if (points.size() == 1 && points.front().settings.empty()) return points.front().key;
  std::string keys;
  for (const SweepPoint& point : points) keys += point.key + "\n";
  return sha256(keys);
}

std::filesystem::path folder_of(const std::vector<SweepPoint>& points, const RunOptions& options) {
  return options.output / (points.front().config.name + "-" + experiment_key(points).substr(0, 8));
}

/// Whether the value of an axis is merged into a table, so that what stood there before matters.
bool changes_a_table(const std::string& key, const std::string& text) {
  return text.starts_with('{') || text.starts_with('[') || key == "device" || key.ends_with(".device");
}

/// The resolved config, from which `sweep_points` makes the same points again.
Value resolved(const std::vector<SweepPoint>& points) {
  const SweepPoint& front = points.front();
  Value config = front.config.to_value();
  Value sweep = Value::table();
  std::vector<std::unordered_set<std::string>> seen(front.settings.size());
  for (const auto& [key, text] : front.settings) sweep.set_key(key, Value::array());
  for (const SweepPoint& point : points) {
    for (std::size_t axis = 0; axis < point.settings.size(); ++axis) {
      const auto& [key, text] = point.settings[axis];
      if (!seen[axis].insert(text).second) continue;
      sweep.find(key)->as_array().emplace_back(text);
      if (!changes_a_table(key, text)) continue;
      const std::string section = key.substr(0, key.find('.'));
      const Value* before = front.base != nullptr ? front.base->find(section) : nullptr;
      config.erase_key(section);
      if (before != nullptr) config.set_key(section, *before);
    }
  }
  if (!sweep.as_table().empty()) config.set_key("sweep", std::move(sweep));
  return config;
}

TrialId trial_id(const SweepPoint& point, const std::string& key, Variant variant, int chip) {
  return {.point_key = key,
          .variant = variant,
          .chip = static_cast<std::uint32_t>(point.config.eval.first_chip + chip)};
}

/// The data set of the point before, if this one wants the same.
class DataCache {
 public:
  const DatasetPair& get(const RunConfig& config) {
    std::string key = to_json(to_value(config.data));
    if (config.data.name == "synthetic") key += std::to_string(config.seed);
    if (data_ == nullptr || key != key_) {
      data_ = std::make_unique<DatasetPair>(load_dataset(config.data, config.seed));
      key_ = std::move(key);
    }
    return *data_;
  }

 private:
  std::string key_;
  std::unique_ptr<DatasetPair> data_;
};

std::vector<std::string> layer_names(const std::vector<LayerShape>& layers) {
  std::vector<std::string> names;
  for (const LayerShape& layer : layers) names.push_back(layer.name);
  return names;
}

/// What the networks of all points are, each looked at once. Only their shapes: planning a network of 1e9
/// weights must not allocate them.
class Shapes {
 public:
  const std::vector<LayerShape>& of(const SweepPoint& point) {
    std::vector<LayerShape>& shapes = networks_[point.training_key];
    if (shapes.empty()) {
      const RunConfig& config = point.config;
      const auto& [shape, classes] = images_of(config.data);
      shapes = layer_shapes(config.model, shape, classes);
    }
    return shapes;
  }

 private:
  using Images = std::pair<SampleShape, std::size_t>;

  const Images& images_of(DataParams data) {
    const std::string key = to_json(to_value(data));
    const auto found = images_.find(key);
    if (found != images_.end()) return found->second;
    if (data.name == "synthetic") data.train_images = data.test_images = 1;  // all look alike
    const Dataset train = load_dataset(data, 0).train;
    return images_.emplace(key, Images{train.shape, train.classes}).first->second;
  }

  std::unordered_map<std::string, Images> images_;
  std::unordered_map<std::string, std::vector<LayerShape>> networks_;  // by training key
};

/// Points that differ in keys which rules change in every layer would be the same run under two names.
class DistinctLayers {
 public:
  void add(const SweepPoint& point, const std::vector<LayerShape>& layers) {
    if (!point.config.hardware.has_rules() || point.settings.empty()) return;
    RunConfig config = point.config;
    config.hardware = HardwareConfig();
    std::string text = config.key();
    for (const LayerShape& layer : layers) {
      Value table = Value::table();
      HardwareConfig(point.config.hardware.for_layer(layer.name)).write_to(table);
      text += to_json(table);
    }
    const auto [other, is_new] = seen_.emplace(sha256(text), &point);
    if (is_new) return;
    throw ConfigError("the sweep points " + other->second->label() + " and " + point.label() +
                      " are the same run: rules of [[layer]] say otherwise in every layer");
  }

 private:
  std::unordered_map<std::string, const SweepPoint*> seen_;
};

/// Throws what a run would only find after hours of training: missing images, a network that does not fit
/// them, a rule that matches no layer.
void check_points(const std::vector<SweepPoint>& points) {
  Shapes shapes;
  DistinctLayers distinct;
  for (const SweepPoint& point : points) {
    const std::vector<LayerShape>& layers = shapes.of(point);
    if (point.config.hardware.has_rules()) point.config.hardware.check_rules(layer_names(layers));
    distinct.add(point, layers);
  }
}

class Runner {
 public:
  Runner(const std::vector<SweepPoint>& points, const RunOptions& options)
      : points_(points),
        options_(options),
        folder_(folder_of(points, options)),
        progress_(options.progress != nullptr ? *options.progress : silent_),
        journal_((ensure_writable_folder(folder_), folder_ / "trials.jsonl")) {}

  RunOutcome run() {
    const auto start = std::chrono::steady_clock::now();
    write_file_atomically(folder_ / "config.toml", to_toml(resolved(points_)));
    std::size_t missing = 0;
    for (const SweepPoint& point : points_) missing += missing_steps(point);
    std::unique_ptr<Progress> progress;
    for (const SweepPoint& point : points_) {
      const DatasetPair& data = data_.get(point.config);
      for (const Variant variant : point.config.train.variants) {
        throw_if_stopped();
        const TrainedNetwork trained = trained_network(options_.exec, point.config, variant, data,
                                                       options_.output / "models", progress_, options_.log);
        if (&point == &points_.front()) {
          picture_ = picture_of_tile(trained, point, variant, data.test.samples());
        }
        evaluate_chips(point, variant, trained, data, missing, progress);
      }
    }
    if (progress != nullptr) progress->finish();
    return write_results(start);
  }

 private:
  std::size_t missing_steps(const SweepPoint& point) const {
    const EvalParams& eval = point.config.eval;
    const std::string& key = point.key;
    std::size_t steps = 0;
    for (const Variant variant : point.config.train.variants) {
      for (int chip = 0; chip < eval.chips; ++chip) {
        if (journal_.find(trial_id(point, key, variant, chip)) == nullptr) {
          steps += eval.times.size() * eval.compensation.size();
        }
      }
    }
    return steps;
  }

  void evaluate_chips(const SweepPoint& point, Variant variant, const TrainedNetwork& trained,
                      const DatasetPair& data, std::size_t steps, std::unique_ptr<Progress>& progress) {
    const EvalParams& eval = point.config.eval;
    const Samples samples = data.test.samples(),
                  calibration = data.train.first(static_cast<std::size_t>(eval.calibration_images));
    const std::string& key = point.key;
    PointResult result{
        &point, variant, trained.digital_accuracy, static_cast<std::int64_t>(samples.count()), {}};
    std::vector<TrialId> todo;
    for (int chip = 0; chip < eval.chips; ++chip) {
      const TrialId id = trial_id(point, key, variant, chip);
      if (journal_.find(id) == nullptr) todo.push_back(id);
    }
    if (!todo.empty() && progress == nullptr) {
      progress = std::make_unique<Progress>(progress_, "Evaluating chips", steps);
    }
    const ResidentSamples resident(options_.exec, todo.empty() ? Samples{} : samples);
    side_by_side(options_.exec, todo.size(), [&](const Exec& exec, std::size_t i, const auto& is_in_vain) {
      const auto goes_on = [&] {
        progress->advance();
        return !is_in_vain();
      };
      journal_.append(
          todo[i], evaluate_chip(exec, trained.network, point.config.hardware, trained.ranges, resident, eval,
                                 point.config.seed, todo[i].chip, goes_on, calibration.images));
      ++computed_;
    });
    throw_if_stopped();
    for (int chip = 0; chip < eval.chips; ++chip) {
      result.trials.push_back(*journal_.find(trial_id(point, key, variant, chip)));
      if (result.trials.back().correct.size() != eval.times.size() * eval.compensation.size()) {
        throw DataError((folder_ / "trials.jsonl").string() +
                        " holds a trial with another number of evaluations; "
                        "remove the file to compute all chips again");
      }
    }
    results_.push_back(std::move(result));
  }

  RunOutcome write_results(std::chrono::steady_clock::time_point start) {
    RunOutcome outcome{.folder = folder_, .rows = accuracy_rows(results_), .computed = computed_};
    for (const PointResult& result : results_) outcome.trials += result.trials.size();
    const std::string csv = results_csv(results_);
    write_arrays(folder_ / "arrays.h5", results_, picture_);
    write_file_atomically(folder_ / "results.csv", csv);
    Sha256 hash;
    digest_hdf5(folder_ / "arrays.h5", hash);
    hash.update(csv);
    const Sha256::Digest digest = hash.finish();
    outcome.digest = hex(digest);

    Value manifest = Value::table();
    manifest.set_key("program", "meltquench " + std::string(version()));
    manifest.set_key("key", experiment_key(points_));
    manifest.set_key("seed", static_cast<std::int64_t>(points_.front().config.seed));
    manifest.set_key("backend", name(options_.exec.backend));
    manifest.set_key("kernels", kernels(options_.exec.backend).name);
    const ReportData report =
        report_data(results_, picture_, experiment_key(points_), outcome.digest, manifest);
    write_file_atomically(folder_ / "report.html", html_report(report));
    // What follows differs from run to run and belongs into no other file.
    manifest.set_key("threads", options_.exec.threads);
    manifest.set_key("trials", static_cast<std::int64_t>(outcome.trials));
    manifest.set_key("computed_now", static_cast<std::int64_t>(outcome.computed));
    manifest.set_key("seconds",
                     std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    manifest.set_key("digest", outcome.digest);
    write_file_atomically(folder_ / "manifest.json", to_json(manifest, 2) + "\n");
    return outcome;
  }

  const std::vector<SweepPoint>& points_;
  const RunOptions& options_;
  std::filesystem::path folder_;
  SilentProgress silent_;
  ProgressSink& progress_;
  Journal journal_;
  DataCache data_;
  TilePicture picture_;
  std::vector<PointResult> results_;
  std::atomic<std::size_t> computed_ = 0;
};

}  // namespace

RunOutcome run_experiment(const std::vector<SweepPoint>& points, const RunOptions& options) {
  MQ_EXPECTS(!points.empty());
  memory_ops(options.exec.backend);  // says at once if the backend is not there
  kernels(options.exec.backend);
  for (const SweepPoint& point : points) check_gemm(options.exec, point.config.train.gemm);
  check_points(points);  // before anything is written
  return Runner(points, options).run();
}

RunPlan plan_experiment(const std::vector<SweepPoint>& points, const RunOptions& options) {
  MQ_EXPECTS(!points.empty());
  RunPlan plan{.folder = folder_of(points, options), .points = points.size()};
  const Journal journal(plan.folder / "trials.jsonl");
  std::unordered_set<std::string> networks;  // training key and variant
  Shapes shapes;
  DistinctLayers distinct;
  for (const SweepPoint& point : points) {
    const std::vector<LayerShape>& layers = shapes.of(point);
    const HardwareConfig& config = point.config.hardware;
    if (config.has_rules()) config.check_rules(layer_names(layers));
    distinct.add(point, layers);
    std::size_t tiles = 0, bytes = 0;
    for (const LayerShape& layer : layers) {
      const Hardware hardware = config.for_layer(layer.name);
      tiles += tile_grid(hardware.tile, layer.outputs, layer.inputs).size();
      bytes += bytes_per_weight(hardware) * layer.outputs * layer.inputs;
    }
    plan.tiles = std::max(plan.tiles, tiles);
    plan.bytes_per_chip = std::max(plan.bytes_per_chip, bytes);
    for (const Variant variant : point.config.train.variants) {
      if (networks.insert(point.training_key + std::string(name(variant))).second) {
        plan.trainings +=
            !std::filesystem::exists(network_file(options.output / "models", point.training_key, variant));
      }
      TrialId id = trial_id(point, point.key, variant, 0);
      for (int chip = 0; chip < point.config.eval.chips; ++chip, ++id.chip) {
        ++plan.trials;
        if (journal.find(id) != nullptr) ++plan.done;
      }
    }
  }
  return plan;
}

RunOutcome rewrite_report(const std::filesystem::path& folder, const RunOptions& options) {
  const std::filesystem::path config = folder / "config.toml";
  if (!std::filesystem::exists(config)) {
    throw MissingError(folder.string() +
                       " holds no config.toml, so it is no folder of a run; `meltquench run` makes one");
  }
  RunOptions here = options;
  here.output = folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  const std::vector<SweepPoint> points = sweep_points(load_toml(config));
  const RunPlan plan = plan_experiment(points, here);
  if (plan.folder.filename() != (folder.has_filename() ? folder : folder.parent_path()).filename()) {
    throw StateError(folder.string() + " holds the run " + plan.folder.filename().string() +
                     " (or its config was changed); give the folder that name, which its results belong to");
  }
  if (plan.done < plan.trials) {
    throw StateError(folder.string() + " has only " + std::to_string(plan.done) + " of " +
                     std::to_string(plan.trials) + " chips; finish it with `meltquench run " +
                     config.string() + "`");
  }
  return run_experiment(points, here);
}

}  // namespace mq
