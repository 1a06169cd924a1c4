#include "meltquench/experiment/experiment.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "meltquench/core/config.h"
#include "meltquench/core/digest.h"
#include "meltquench/core/error.h"
#include "meltquench/core/file_lock.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/version.h"
#include "meltquench/experiment/results.h"
#include "meltquench/experiment/shared_trials.h"
#include "meltquench/experiment/side_by_side.h"
#include "meltquench/experiment/trial_rules.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {
namespace {

/// At trials of other processes.
constexpr auto kBetweenLooks = std::chrono::milliseconds(100);

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
  struct Network {
    std::vector<LayerShape> layers;
    std::int64_t test_images = 0;
  };

  const Network& of(const SweepPoint& point) {
    Network& network = networks_[point.training_key];
    if (network.layers.empty()) {
      const Images& images = images_of(point.config.data);
      network = {layer_shapes(point.config.model, images.shape, images.classes), images.test_images};
    }
    return network;
  }

 private:
  struct Images {
    SampleShape shape;
    std::size_t classes = 0;
    std::int64_t test_images = 0;
  };

  const Images& images_of(const DataParams& data) {
    const std::string key = to_json(to_value(data));
    const auto found = images_.find(key);
    if (found != images_.end()) return found->second;
    DataParams one = data;
    if (data.name == "synthetic") one.train_images = 1;  // all look alike
    const DatasetPair pair = load_dataset(one, 0);
    const auto test_images = static_cast<std::int64_t>(pair.test.samples().count());
    return images_.emplace(key, Images{pair.train.shape, pair.train.classes, test_images}).first->second;
  }

  std::unordered_map<std::string, Images> images_;
  std::unordered_map<std::string, Network> networks_;  // by training key
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
void check_points(const std::vector<SweepPoint>& points, Shapes& shapes) {
  DistinctLayers distinct;
  for (const SweepPoint& point : points) {
    const std::vector<LayerShape>& layers = shapes.of(point).layers;
    if (point.config.hardware.has_rules()) point.config.hardware.check_rules(layer_names(layers));
    distinct.add(point, layers);
  }
}

/// Of the journal's lines.
TrialCheck trial_check(const std::vector<SweepPoint>& points, Shapes& shapes) {
  std::vector<std::int64_t> images;
  for (const SweepPoint& point : points) {
    images.push_back(shapes.of(point).test_images);
  }
  return [rules = TrialRules(points, images)](const TrialId& id, const ChipTrial& trial) {
    return rules.problem(id, trial);
  };
}

/// When a file was written last; the earliest of all times if it is not there.
std::filesystem::file_time_type time_of(const std::filesystem::path& file) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(file, error);
  return error ? std::filesystem::file_time_type::min() : time;
}

/// Progress of the chips that starts with the first one, not while networks are still trained.
class LateProgress {
 public:
  LateProgress(ProgressSink& sink, std::size_t total) : sink_(sink), total_(total) {}

  void advance(std::size_t steps = 1) {
    if (steps == 0) return;
    std::call_once(once_, [&] { progress_.emplace(sink_, "Evaluating chips", total_); });
    progress_->advance(steps);
  }

 private:
  ProgressSink& sink_;
  std::size_t total_;
  std::once_flag once_;
  std::optional<Progress> progress_;
};

class Runner {
 public:
  Runner(const std::vector<SweepPoint>& points, const RunOptions& options, TrialCheck check)
      : points_(points),
        options_(options),
        folder_(folder_of(points, options)),
        progress_(options.progress != nullptr ? *options.progress : silent_),
        trials_(folder_, std::move(check), options.log),
        manifest_before_(time_of(folder_ / "manifest.json")) {}

  RunOutcome run() {
    const auto start = std::chrono::steady_clock::now();
    sweep_temporary_files(options_.output / "models");
    write_file_atomically(folder_ / "config.toml", to_toml(resolved(points_)));
    std::size_t missing = 0;
    for (const SweepPoint& point : points_) {
      for (const Variant variant : point.config.train.variants) {
        left_.push_back(missing_chips(point, variant).size());
        missing += left_.back() * evaluations(point);
      }
    }
    if (missing > 0) progress_of_chips_ = std::make_unique<LateProgress>(progress_, missing);
    for (const SweepPoint& point : points_) {
      for (const Variant variant : point.config.train.variants) {
        throw_if_stopped();
        const TrainedNetwork trained = network_of(point, variant, options_.log);
        if (&point == &points_.front()) {
          picture_ = picture_of_tile(trained, point, variant, data_.get(point.config).test.samples());
        }
        const auto images = static_cast<std::int64_t>(data_.get(point.config).test.samples().count());
        results_.push_back({&point, variant, trained.digital_accuracy, images, {}});
        evaluate_chips(results_.size() - 1, trained);
      }
    }
    wait_for_others();
    progress_of_chips_.reset();
    return write_results(start);
  }

 private:
  TrainedNetwork network_of(const SweepPoint& point, Variant variant, Log* log) {
    return trained_network(options_.exec, point.config, variant, data_.get(point.config),
                           options_.output / "models", progress_, log);
  }

  static std::size_t evaluations(const SweepPoint& point) {
    return point.config.eval.times.size() * point.config.eval.compensation.size();
  }

  std::vector<TrialId> missing_chips(const SweepPoint& point, Variant variant) const {
    const std::string key = point.key;
    std::vector<TrialId> missing;
    for (int chip = 0; chip < point.config.eval.chips; ++chip) {
      TrialId id = trial_id(point, key, variant, chip);
      if (trials_.journal().find(id) == nullptr) missing.push_back(std::move(id));
    }
    return missing;
  }

  /// The same for a result; counts what other processes have done of it since as progress.
  std::vector<TrialId> still_missing(std::size_t result) {
    const auto& [point, variant, digital, images, trials] = results_[result];
    std::vector<TrialId> ids = missing_chips(*point, variant);
    if (left_[result] > ids.size()) {
      progress_of_chips_->advance((left_[result] - ids.size()) * evaluations(*point));
    }
    left_[result] = ids.size();
    return ids;
  }

  /// Computes the chips of a result that no other process is computing.
  void evaluate_chips(std::size_t result, const TrainedNetwork& trained) {
    const std::vector<TrialId> todo = still_missing(result);
    if (todo.empty()) return;
    const SweepPoint& point = *results_[result].point;
    const EvalParams& eval = point.config.eval;
    const DatasetPair& data = data_.get(point.config);
    const Samples calibration = data.train.first(static_cast<std::size_t>(eval.calibration_images));
    const ResidentSamples resident(options_.exec, data.test.samples());
    std::atomic<std::size_t> done = 0;
    side_by_side(options_.exec, todo.size(), [&](const Exec& exec, std::size_t i, const auto& is_in_vain) {
      const auto goes_on = [&] {
        progress_of_chips_->advance();
        return !is_in_vain();
      };
      const auto state = trials_.compute(todo[i], [&] {
        return evaluate_chip(exec, trained.network, point.config.hardware, trained.ranges, resident, eval,
                             point.config.seed, todo[i].chip, goes_on, calibration.images);
      });
      if (state == SharedTrials::State::computed) ++computed_;
      if (state == SharedTrials::State::done) progress_of_chips_->advance(evaluations(point));
      if (state != SharedTrials::State::claimed) ++done;
    });
    throw_if_stopped();
    left_[result] -= done;
  }

  /// Until the chips that other processes have claimed are done; computes those that they give up.
  void wait_for_others() {
    bool has_told = false;
    while (true) {
      trials_.journal().refresh();
      bool is_complete = true;
      for (std::size_t i = 0; i < results_.size(); ++i) {
        if (left_[i] == 0) continue;
        const std::vector<TrialId> ids = still_missing(i);
        if (std::any_of(ids.begin(), ids.end(), [&](const TrialId& id) { return trials_.is_free(id); })) {
          evaluate_chips(i, network_of(*results_[i].point, results_[i].variant, nullptr));
        }
        is_complete = is_complete && left_[i] == 0;
      }
      if (is_complete) return;
      if (options_.log != nullptr && !std::exchange(has_told, true)) {
        options_.log->info("waits for the last chips, which another process computes; stop with Ctrl-C");
      }
      throw_if_stopped();
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }

  void collect_trials() {
    trials_.journal().refresh();  // says so if the journal was removed
    for (PointResult& result : results_) {
      const std::string key = result.point->key;
      for (int chip = 0; chip < result.point->config.eval.chips; ++chip) {
        result.trials.push_back(*trials_.journal().find(trial_id(*result.point, key, result.variant, chip)));
      }
    }
  }

  /// Written meanwhile by a process that shares the trials, so that there is nothing left to write.
  bool is_written(const std::string& csv) const {
    return time_of(folder_ / "manifest.json") > manifest_before_ &&
           std::filesystem::exists(folder_ / "arrays.h5") &&
           std::filesystem::exists(folder_ / "report.html") &&
           std::filesystem::exists(folder_ / "results.csv") && read_file(folder_ / "results.csv") == csv;
  }

  RunOutcome write_results(std::chrono::steady_clock::time_point start) {
    const FileLock lock = FileLock::lock(folder_, "results", [&](const auto& who) { trials_.tell_of(who); });
    collect_trials();
    RunOutcome outcome{.folder = folder_, .rows = accuracy_rows(results_), .computed = computed_};
    for (const PointResult& result : results_) outcome.trials += result.trials.size();
    const std::string csv = results_csv(results_);
    if (is_written(csv)) {
      const std::filesystem::path manifest = folder_ / "manifest.json";
      outcome.digest = parse_json(read_file(manifest), manifest.string()).at("digest").as_text();
      return outcome;
    }
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
  DataCache data_;
  SharedTrials trials_;
  std::filesystem::file_time_type manifest_before_;
  std::unique_ptr<LateProgress> progress_of_chips_;  // null if no chip is missing
  TilePicture picture_;
  std::vector<PointResult> results_;
  std::vector<std::size_t> left_;  // chips of each result that are not done
  std::atomic<std::size_t> computed_ = 0;
};

}  // namespace

RunOutcome run_experiment(const std::vector<SweepPoint>& points, const RunOptions& options) {
  MQ_EXPECTS(!points.empty());
  memory_ops(options.exec.backend);  // says at once if the backend is not there
  kernels(options.exec.backend);
  for (const SweepPoint& point : points) check_gemm(options.exec, point.config.train.gemm);
  Shapes shapes;
  check_points(points, shapes);  // before anything is written
  return Runner(points, options, trial_check(points, shapes)).run();
}

RunPlan plan_experiment(const std::vector<SweepPoint>& points, const RunOptions& options) {
  MQ_EXPECTS(!points.empty());
  RunPlan plan{.folder = folder_of(points, options), .points = points.size()};
  Shapes shapes;
  check_points(points, shapes);
  const Journal journal(plan.folder / "trials.jsonl", trial_check(points, shapes));
  std::unordered_set<std::string> networks;  // training key and variant
  for (const SweepPoint& point : points) {
    const HardwareConfig& config = point.config.hardware;
    std::size_t tiles = 0, bytes = 0;
    for (const LayerShape& layer : shapes.of(point).layers) {
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
  check_is_file(config);
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
