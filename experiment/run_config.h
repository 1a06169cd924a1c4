/// Everything that one run depends on, seed included: the config file, resolved.
///
///     schema = 1
///     name   = "fashion-mnist"
///     seed   = 7
///     device = "pcm-like"            # or a table [device]
///     [data] [model] [train] [tile] [dac] [adc] [eval] [sweep], [[layer]]
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meltquench/core/digest.h"
#include "meltquench/crossbar/hardware.h"
#include "meltquench/crossbar/tile_array.h"
#include "meltquench/models/dataset.h"
#include "meltquench/models/model.h"
#include "meltquench/training/train_params.h"

namespace mq {

/// How drift is compensated digitally where a network is evaluated.
enum class EvalCompensation {
  none,
  global,      ///< one factor per tile (DriftCompensation::global)
  per_output,  ///< one factor per output of a layer: its mean |response| at the reference read, over that now
  affine,  ///< scale and offset per output of a layer: mean and spread over calibration images as they were
};
constexpr auto names(EvalCompensation) {
  return std::array<std::string_view, 4>{"none", "global", "per_output", "affine"};
}

/// What the factors of EvalCompensation::global and per_output compare.
enum class CompensationResponse {
  read,   ///< responses as they are read, with read noise
  exact,  ///< what the cells conduct without it: how well a factor can do
};
constexpr auto names(CompensationResponse) { return std::array<std::string_view, 2>{"read", "exact"}; }

/// The `[eval]` table: which chips are looked at, and when.
struct EvalParams {
  std::vector<double> times = {25.0, 3600.0, 86400.0, 2592000.0, 31536000.0};
  int chips = 25;
  int first_chip = 0;
  std::vector<EvalCompensation> compensation = {EvalCompensation::none, EvalCompensation::global};
  CompensationResponse response = CompensationResponse::read;
  int response_reads = 1;
  int calibration_images = 1000;
  int batch_size = 500;

  static constexpr auto describe() {
    return fields(
        field("times", &EvalParams::times, Unit::second, non_negative,
              "Times of evaluation after the reference read, ascending."),
        field("chips", &EvalParams::chips, between(1, 65536),
              "Chips to program: samples of the device variation."),
        field("first_chip", &EvalParams::first_chip, between(0, 65535), "Id of the first chip."),
        field("compensation", &EvalParams::compensation, "Kinds of drift compensation to evaluate."),
        field("response", &EvalParams::response,
              "Responses that the factors of `global` and `per_output` compare: as they are read, or exact, "
              "without read noise."),
        field("response_reads", &EvalParams::response_reads, between(1, 10000),
              "Reads that are averaged for each of these responses, with response = \"read\"."),
        field("calibration_images", &EvalParams::calibration_images, between(1, 1000000),
              "Training images for ranges of DACs and ADCs, and for the outputs' statistics of `affine`."),
        field("batch_size", &EvalParams::batch_size, between(1, 65536),
              "Test images per call; changes speed and memory, never results."));
  }
  std::string problem() const;
  ResponseReads reads() const {
    return {.count = response_reads, .is_exact = response == CompensationResponse::exact};
  }
};

struct RunConfig {
  std::string name = "run";
  std::uint64_t seed = 7;
  DataParams data;
  ModelParams model;
  TrainParams train;
  HardwareConfig hardware;
  EvalParams eval;

  /// Throws ConfigError for anything that does not belong there. The key `sweep` is skipped: see
  /// sweep_grid.h.
  static RunConfig from_value(const Value& config);
  /// The same on top of what is there already, for sections that `config` does not have.
  void read(const Value& config);
  /// All keys with their values, in the order of the reference page.
  Value to_value() const;

  /// Hexadecimal SHA-256 over all that results depend on: the resolved config but for `eval.batch_size`.
  std::string key() const;
  /// The same over all that training depends on, without `train.variants`.
  std::string training_key() const;
};

/// The parts of `RunConfig::key()`, so that configs which differ in few sections share the others.
class RunKey {
 public:
  explicit RunKey(const RunConfig& config);

  /// Takes sections from another config: "adc", "seed", "layer", ...
  void update(const RunConfig& config, std::span<const std::string> sections);
  std::string key() const;
  std::string training_key() const;
  /// Whether training depends on the section.
  static bool trains(std::string_view section);

 private:
  struct Part {
    std::string name;
    std::string json = {};  ///< empty: the section is not there
    std::string of_training = {};
  };
  void update(const RunConfig& config, Part& part);
  std::string text_of(std::size_t first, std::size_t end) const;

  std::vector<Part> parts_;
  // What stands before the first part that was ever updated is hashed once.
  std::size_t unchanged_ = 0;
  Sha256 begun_;
};

/// A config file with overrides ("adc.bits=6") applied, before it is resolved. Throws as `load_toml`.
Value load_config(const std::filesystem::path& file, std::span<const std::string> overrides);

}  // namespace mq
