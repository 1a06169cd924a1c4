/// What a busy machine costs: a training step while every core has another process that never rests.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "meltquench/bench/report.h"
#include "meltquench/core/exec.h"
#include "meltquench/experiment/analog_network.h"
#include "meltquench/training/trainer.h"

namespace mq {
namespace {

/// One busy process per core while it lives, as nice as this one.
class BusyCores {
 public:
  BusyCores() {
    for (int i = 0; i < available_threads(); ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        for (volatile unsigned work = 0;;) {
          work = work + 1;
        }
      }
      children_.push_back(child);
    }
  }
  ~BusyCores() {
    for (const pid_t child : children_) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
  }

 private:
  std::vector<pid_t> children_;
};

double median_seconds(Trainer& trainer, int steps) {
  std::vector<double> seconds;
  for (int i = 0; i < steps; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    for (int step = 0; step < 20; ++step) trainer.step();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + steps / 2, seconds.end());
  return seconds[static_cast<std::size_t>(steps / 2)];
}

void train_on_a_busy_machine(benchmark::State& state) {
  Network network = make_network({}, {1, 28, 28}, 10);
  network.initialize(7);
  std::vector<float> images = uniform(10000 * 784, 4);
  for (float& pixel : images) pixel = std::abs(pixel);
  std::vector<std::uint8_t> labels(10000);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::uint8_t>(i % 10);
  TrainParams params;
  params.epochs = 1000;
  Trainer trainer({.threads = available_threads()}, network, {{images.data(), labels.size(), 784}, labels},
                  params, 7);
  for (auto _ : state) trainer.step();
  const double alone = median_seconds(trainer, 11);
  const BusyCores busy;
  state.counters["vs_share"] = median_seconds(trainer, 11) / (2.0 * alone);
}
BENCHMARK(train_on_a_busy_machine)->Name("main_job/train_on_a_busy_machine")->Iterations(10);

}  // namespace
}  // namespace mq
