/// Speed of the main job's stages, and the memory of an evaluation.
#include <cmath>
#include <fstream>
#include <string>

#include "meltquench/bench/report.h"
#include "meltquench/core/buffer.h"
#include "meltquench/experiment/analog_network.h"
#include "meltquench/training/trainer.h"

namespace mq {
namespace {

/// The network and the data sizes of the main job, with random images: speed does not depend on what they
/// show.
struct MainJob {
  MainJob() : network(make_network({}, {1, 28, 28}, 10)), images(uniform(10000 * 784, 4)), labels(10000) {
    for (float& pixel : images) pixel = std::abs(pixel);
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::uint8_t>(i % 10);
    network.initialize(7);
    ranges = calibrate_ranges({}, network, hardware, {images.data(), 1000, 784});
  }
  Samples samples() const { return {{images.data(), labels.size(), 784}, labels}; }

  Network network;
  HardwareConfig hardware;
  std::vector<float> images;
  std::vector<std::uint8_t> labels;
  std::vector<Ranges> ranges;
};

double weights_of(const Network& network) {
  double weights = 0.0;
  for (const LayerShape& layer : layer_shapes(network)) weights += double(layer.outputs * layer.inputs);
  return weights;
}

void train_step(benchmark::State& state, Variant variant) {
  MainJob job;
  Trainer trainer({}, job.network, job.samples(), TrainParams{}.of(variant), 7);
  const auto call = [&] { trainer.step(); };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  const double images = TrainParams{}.batch_size;
  state.counters["images/s"] = images / seconds;
  state.counters["of_peak"] = 3.0 * weights_of(job.network) * images / seconds / fma_peak();
}
BENCHMARK_CAPTURE(train_step, plain, Variant::plain)->Iterations(50);
BENCHMARK_CAPTURE(train_step, hardware_aware, Variant::hardware_aware)->Iterations(50);

void evaluate_chip_once(benchmark::State& state) {
  MainJob job;
  EvalParams eval;
  eval.times = {25.0};
  eval.compensation = {EvalCompensation::global};
  const auto call = [&] {
    evaluate_chip({}, job.network, job.hardware, job.ranges, ResidentSamples({}, job.samples()), eval, 7, 0,
                  [] { return true; });
  };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  state.counters["images/s"] = 10000.0 / seconds;
  state.counters["of_peak"] = weights_of(job.network) * 10000.0 / seconds / fma_peak();
}
BENCHMARK(evaluate_chip_once)
    ->Name("main_job/program_one_chip_and_evaluate_10000_images")
    ->Unit(benchmark::kMillisecond);

/// Most memory that this process held since `forget_process_peak()`, as the kernel counts it [bytes].
double process_peak() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) * 1024.0;
  }
  return 0.0;
}
void forget_process_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

/// Bytes of the activations of the two largest neighbours among the network's layers, for one batch.
double activations(const Network& network, double batch) {
  double largest = 0.0, before = static_cast<double>(network.input().size());
  for (std::size_t i = 0; i < network.layer_count(); ++i) {
    const double after = static_cast<double>(network.layer(i).output().size());
    largest = std::max(largest, before + after);
    before = after;
  }
  return largest * batch * sizeof(float);
}

// Noise included, so that the planes of the variance product are there as well.
void evaluation_memory(benchmark::State& state) {
  MainJob job;
  Hardware hardware;
  hardware.tile.read_noise = hardware.tile.output_noise = 0.02f;
  job.hardware = HardwareConfig(hardware);
  EvalParams eval;
  eval.times = {25.0};
  eval.compensation = {EvalCompensation::global};
  const double before = static_cast<double>(buffer_bytes());
  reset_buffer_peak();
  forget_process_peak();
  for (auto _ : state) {
    evaluate_chip({}, job.network, job.hardware, job.ranges, ResidentSamples({}, job.samples()), eval, 7, 0,
                  [] { return true; });
  }
  const double held = static_cast<double>(buffer_peak_bytes()) - before;
  const double needed = weights_of(job.network) * static_cast<double>(bytes_per_weight(hardware)) +
                        activations(job.network, eval.batch_size);
  state.counters["buffers_MiB"] = held * 0x1p-20;
  state.counters["vs_needed"] = held / needed;
  state.counters["process_MiB"] = process_peak() * 0x1p-20;
}
BENCHMARK(evaluation_memory)
    ->Name("main_job/memory_of_an_evaluation")
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mq
