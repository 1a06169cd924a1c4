#include "meltquench/devices/fit/synthesize.h"

#include <algorithm>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/core/random.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/units.h"

namespace mq {
namespace {

constexpr int kLeast = 1, kMost = 10'000'000;

void check_cells(int cells) {
  if (cells < kLeast || cells > kMost) {
    throw ConfigError(std::to_string(cells) + " cells cannot be synthesized; ask for 1 to 10000000");
  }
}

/// Reads of one freshly programmed cell.
template <class Model>
class SyntheticCell {
 public:
  SyntheticCell(const typename Model::Params& params, std::uint64_t seed, std::uint32_t number,
                float g_target)
      : params_(params), seed_(seed), number_(number) {
    Rng<float> fabrication(RngKey(seed, Purpose::fabrication), number),
        device(RngKey(seed, Purpose::fabrication).at_event(1), number),
        rng(RngKey(seed, Purpose::programming), number);
    cell_ = Model::fabricate(params, fabrication);
    Model::program(params, cell_, g_target, device, rng);
  }
  double read(double age, double t0, std::uint32_t event) const {
    Rng<float> rng(RngKey(seed_, Purpose::read_noise).at_event(event), number_);
    const auto moment = Model::at(params_, std::max(age - t0, 0.0)).template rounded<float>();
    return Model::read(params_, cell_, moment, rng.normal());
  }

 private:
  typename Model::Params params_;
  std::uint64_t seed_;
  std::uint32_t number_;
  typename Model::template Cell<float> cell_;
};

/// Sequences of one pulsed cell.
template <class Model>
void append_sequences(const typename Model::Params& params, const PulseExperiment& experiment,
                      std::uint32_t number, PulseReads& reads) {
  for (int sequence = 0; sequence < experiment.sequences; ++sequence) {
    Rng<float> fabrication(RngKey(experiment.seed, Purpose::fabrication), number);
    auto cell = Model::fabricate(params, fabrication);
    const auto event = static_cast<std::uint32_t>(sequence);
    const auto moment = Model::at(params, 0.0).template rounded<float>();
    int pulse = 0;
    const auto read = [&](bool is_up) {
      Rng<float> rng(RngKey(experiment.seed, Purpose::read_noise).at_event(event), number,
                     static_cast<std::uint32_t>(pulse));
      reads.cell.push_back(number);
      reads.sequence.push_back(sequence);
      reads.pulse.push_back(pulse);
      reads.direction.push_back(is_up ? 1 : -1);
      reads.g.push_back(Model::read(params, cell, moment, rng.normal()));
    };
    read(true);
    for (const bool is_up : {true, false}) {
      if (!is_up && is_one_sided<Model>(params)) break;
      throw_if_stopped();
      for (int i = 0; i < experiment.pulses; ++i) {
        ++pulse;
        Rng<float> rng(RngKey(experiment.seed, Purpose::pulse_steps).at_event(event), number,
                       static_cast<std::uint32_t>(pulse));
        Model::pulse(params, cell, is_up, 1.0f, rng.normal());
        read(is_up);
      }
    }
  }
}

}  // namespace

double reference_age(const DeviceParams& device) {
  return std::visit(
      [](const auto& p) {
        if constexpr (requires { p.t0; }) {
          return static_cast<double>(p.t0);
        } else {
          return 1.0;
        }
      },
      device);
}

DriftExperiment drift_experiment(const DeviceParams& device, int cells, double programming_time,
                                 std::uint64_t seed) {
  if (programming_time < 0.0) throw ConfigError("programming_time must not be negative; give it like 2 min");
  DriftExperiment experiment{.cells = cells, .programming_time = programming_time, .seed = seed};
  double time = 1.5 * reference_age(device);
  for (double& read : experiment.read_times) read = time, time *= 10.0;
  return experiment;
}

CellReads synthesize_drift(const DeviceParams& device, const DriftExperiment& experiment) {
  check_cells(experiment.cells);
  const double t0 = reference_age(device), top = g_max(device);
  const double earliest = experiment.read_times.empty()
                              ? 0.0
                              : *std::min_element(experiment.read_times.begin(), experiment.read_times.end());
  if (experiment.read_times.empty() || earliest < t0) {
    throw ConfigError("the first read at " + format_quantity(earliest, Unit::second) +
                      " would come before the reference read of this device; read at " +
                      format_quantity(t0, Unit::second) + " or later");
  }
  CellReads reads;
  visit_model(device, [&]<class Model>(const typename Model::Params& params) {
    for (int i = 0; i < experiment.cells; ++i) {
      throw_if_stopped();
      const auto number = static_cast<std::uint32_t>(i);
      Rng<float> plan(RngKey(experiment.seed, Purpose::sampling), number);
      const double u = plan.uniform(), programmed = experiment.programming_time * plan.uniform();
      const double x = experiment.levels.empty()
                           ? std::pow(experiment.least_x, 1.0 - u)
                           : experiment.levels[static_cast<std::size_t>(i) % experiment.levels.size()];
      const auto target = static_cast<float>(x * top);
      const SyntheticCell<Model> cell(params, experiment.seed, number, target);
      for (std::size_t k = 0; k < experiment.read_times.size(); ++k) {
        const double age = experiment.programming_time - programmed + experiment.read_times[k];
        reads.cell.push_back(i);
        reads.target.push_back(target);
        reads.age.push_back(age);
        reads.g.push_back(cell.read(age, t0, static_cast<std::uint32_t>(k)));
      }
    }
  });
  return reads;
}

CellReads synthesize_programming(const DeviceParams& device, int cells, const std::vector<double>& levels,
                                 double failing, std::uint64_t seed) {
  check_cells(cells);
  const double t0 = reference_age(device), top = g_max(device);
  CellReads reads;
  visit_model(device, [&]<class Model>(const typename Model::Params& params) {
    for (int i = 0; i < cells; ++i) {
      throw_if_stopped();
      const auto number = static_cast<std::uint32_t>(i);
      Rng<float> plan(RngKey(seed, Purpose::sampling), number);
      const bool fails = plan.uniform() < failing;
      const double anywhere = plan.uniform() * top;
      const auto target = static_cast<float>(levels[static_cast<std::size_t>(i) % levels.size()] * top);
      const SyntheticCell<Model> cell(params, seed, number, target);
      reads.cell.push_back(i);
      reads.target.push_back(target);
      reads.age.push_back(t0);
      reads.g.push_back(fails ? anywhere : cell.read(t0, t0, 0));
    }
  });
  return reads;
}

PulseReads synthesize_pulses(const DeviceParams& device, const PulseExperiment& experiment) {
  check_cells(experiment.cells);
  require_pulses(device);
  PulseReads reads;
  visit_model(device, [&]<class Model>(const typename Model::Params& params) {
    if constexpr (PulsedModel<Model>) {
      for (int i = 0; i < experiment.cells; ++i) {
        append_sequences<Model>(params, experiment, static_cast<std::uint32_t>(i), reads);
      }
    }
  });
  return reads;
}

NoiseSpectra synthesize_spectra(const DeviceParams& device, const std::vector<double>& levels,
                                std::uint64_t seed, int segments, double white_floor) {
  const Pcm::Params* pcm = std::get_if<Pcm::Params>(&device);
  if (pcm == nullptr) {
    throw ConfigError("the model '" + std::string(model_name(device)) +
                      "' has no 1/f spectrum; choose a preset of the model 'pcm'");
  }
  constexpr int kFrequencies = 40;
  NoiseSpectra spectra;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const double g = levels[level] * pcm->g_max;
    const double q = pcm->read_noise(float(levels[level])) * pcm->read_noise_scale;
    for (int i = 0; i < kFrequencies; ++i) {
      const double f = std::pow(10.0, -1.0 + 5.0 * i / (kFrequencies - 1));
      double power = 0.0;  // mean of unit exponentials
      for (int segment = 0; segment < segments; ++segment) {
        Rng<float> rng(RngKey(seed, Purpose::sampling, 1).at_event(static_cast<std::uint32_t>(segment)),
                       static_cast<std::uint32_t>(level), static_cast<std::uint32_t>(i));
        power -= std::log(rng.uniform()) / segments;
      }
      spectra.g.push_back(g);
      spectra.frequency.push_back(f);
      spectra.density.push_back((g * g * q * q / f + white_floor) * power);
    }
  }
  return spectra;
}

}  // namespace mq
