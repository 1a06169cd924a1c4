#include "meltquench/bench/gpu/device_timer.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <string>
#include <vector>

#include "meltquench/core/error.h"

namespace mq {
namespace {

void check(cudaError_t error) {
  if (error != cudaSuccess) {
    throw ResourceError(std::string("the CUDA device failed while being timed: ") +
                        cudaGetErrorString(error) + "; start again");
  }
}

class Stopwatch {
 public:
  Stopwatch() {
    check(cudaEventCreate(&start_));
    check(cudaEventCreate(&stop_));
  }
  ~Stopwatch() {
    cudaEventDestroy(start_);
    cudaEventDestroy(stop_);
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

  double seconds(int calls, int& number, const std::function<void(int)>& call) {
    check(cudaEventRecord(start_, nullptr));
    for (int i = 0; i < calls; ++i) call(number++);
    check(cudaEventRecord(stop_, nullptr));
    check(cudaEventSynchronize(stop_));
    float milliseconds = 0.0f;
    check(cudaEventElapsedTime(&milliseconds, start_, stop_));
    return milliseconds * 1e-3;
  }

 private:
  cudaEvent_t start_ = nullptr, stop_ = nullptr;
};

}  // namespace

const char* describe_device() {
  static const std::string text = [] {
    cudaDeviceProp device{};
    if (cudaGetDeviceProperties(&device, 0) != cudaSuccess)
      throw BackendUnavailable("no CUDA device: nothing to time; run this where there is one");
    return std::string(device.name) + ", compute capability " + std::to_string(device.major) + "." +
           std::to_string(device.minor) + ", " + std::to_string(device.multiProcessorCount) +
           " multiprocessors";
  }();
  return text.c_str();
}

double device_seconds(const std::function<void(int)>& call) {
  constexpr double kSecondsPerRepeat = 0.01;
  constexpr int kRepeats = 11, kMostCalls = 1000;
  Stopwatch watch;
  int number = 0;
  watch.seconds(3, number, call);  // warms up: memory pools, caches, clocks
  const double once = watch.seconds(3, number, call) / 3;
  const int calls = std::clamp(static_cast<int>(kSecondsPerRepeat / once), 1, kMostCalls);
  std::vector<double> repeats;
  for (int r = 0; r < kRepeats; ++r) repeats.push_back(watch.seconds(calls, number, call) / calls);
  std::nth_element(repeats.begin(), repeats.begin() + kRepeats / 2, repeats.end());
  return repeats[kRepeats / 2];
}

}  // namespace mq
