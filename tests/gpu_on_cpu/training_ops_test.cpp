#include "../kernels/training_step_cases.h"
#include "backends.h"

namespace mq {
namespace {

void compare(const std::vector<TrainingCase>& cases) {
  for (const TrainingCase& each : cases) {
    const TrainingOutcome cpu = each.run(kernels(Backend::cpu), kCpu);
    const TrainingOutcome cuda = each.run(kernels(Backend::cuda), kCuda);
    expect_same_bits(cpu.floats, cuda.floats, each.name);
    expect_same_bits(cpu.integers, cuda.integers, each.name);
  }
}

TEST_F(OnCuda, TrainingOperationsOnImagesHaveTheSameBits) { compare(image_cases()); }
TEST_F(OnCuda, TrainingOperationsOfNetworksAndOptimizersHaveTheSameBits) { compare(step_cases()); }

TEST_F(OnCuda, FixedPointSumsHaveTheSameBitsAndTellWhatDoesNotFit) {
  for (const float last : {0.5f, 1024.0f, NAN}) {
    std::vector<float> values = uniform_floats(1003, -900.0f, 900.0f, 1);
    values.back() = last;
    const auto sums_on = [&](const Exec& exec) {
      const Buffer<float> from = on_backend(exec, values);
      Buffer<std::int64_t> sums(exec, values.size()), total(exec, values.size() + 1);
      const TrainingKernels& ops = kernels(exec.backend).training;
      for (int i = 0; i < 2; ++i) {
        ops.add_fixed_point(exec, {.size = values.size(),
                                   .values = from.data(),
                                   .sums = sums.data(),
                                   .beyond = total.data() + values.size()});
        ops.add_integers(exec, {.size = values.size(), .from = sums.data(), .to = total.data()});
      }
      std::vector<std::int64_t> all = on_host(total);
      all.back() = all.back() > 0 ? 1 : 0;
      return all;
    };
    const std::vector<std::int64_t> cpu = sums_on(kCpu);
    EXPECT_EQ(cpu.back(), last == 0.5f ? 0 : 1);
    expect_same_bits(cpu, sums_on(kCuda), "fixed-point sums");
  }
}

TEST_F(OnCuda, ClippingAndTheLargestWeightHaveTheSameBits) {
  for (const std::size_t size : {1u, 7u, 8192u, 20003u}) {
    const auto clipped_on = [&](const Exec& exec) {
      Buffer<float> values = on_backend(exec, uniform_floats(size, -1.0f, 1.0f, 2));
      Buffer<double> scratch(exec, deviation_scratch(size));
      Buffer<float> largest(exec, 1);
      const TrainingKernels& ops = kernels(exec.backend).training;
      ops.clip_to_deviation(
          exec, {.size = size, .sigmas = 1.25f, .values = values.data(), .scratch = scratch.data()});
      ops.find_largest(exec, values.data(), size, largest.data());
      std::vector<float> all = on_host(values);
      all.push_back(on_host(largest)[0]);
      return all;
    };
    expect_same_bits(clipped_on(kCpu), clipped_on(kCuda), "clipped " + std::to_string(size));
  }
}

TEST_F(OnCuda, AFailedStepIsRememberedAsOnTheCpu) {
  for (const std::vector<std::int64_t>& step :
       {std::vector<std::int64_t>{7, 3, 4, 0, 0}, {7, 3, 4, 0, 1}, {7, 3, 4, 2, 0}}) {
    const auto epoch_on = [&](const Exec& exec) {
      const Buffer<std::int64_t> counts = on_backend(exec, step);
      Buffer<std::int64_t> epoch(exec, kEpochCounts);
      for (const std::int64_t number : {5, 6}) {
        kernels(exec.backend)
            .training.close_step(exec, {.step = counts.data(), .number = number, .epoch = epoch.data()});
      }
      return on_host(epoch);
    };
    expect_same_bits(epoch_on(kCpu), epoch_on(kCuda), "counts of an epoch");
  }
}

}  // namespace
}  // namespace mq
