/// What the cases that compare Backend::cuda with the CPU share. Who stands behind Backend::cuda is the
/// program's affair: the stand-in device (register_on_cpu.cpp) or a real one.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "meltquench/core/buffer.h"
#include "meltquench/core/error.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {

inline constexpr Exec kCpu{.backend = Backend::cpu}, kCuda{.backend = Backend::cuda};

/// Whether the kernel of this machine shows an NVIDIA GPU, whatever its driver says.
inline bool shows_a_gpu() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path gpus = "/proc/driver/nvidia/gpus";
  return fs::exists("/dev/nvidia0", ignored) ||
         (fs::is_directory(gpus, ignored) && !fs::is_empty(gpus, ignored));
}

/// Skips, with the reason, where there is no CUDA device; fails where one is there and cannot be used.
class OnCuda : public testing::Test {
 protected:
  void SetUp() override {
    try {
      kernels(Backend::cuda);
    } catch (const BackendUnavailable& reason) {
      const std::string why = reason.what();
      if (shows_a_gpu() || why.rfind("no CUDA device", 0) != 0) GTEST_FAIL() << "not skipped: " << why;
      GTEST_SKIP() << why;
    }
  }
};

template <class T>
std::vector<T> on_host(const Buffer<T>& buffer) {
  std::vector<T> host(buffer.size());
  buffer.copy_to(host);
  return host;
}

template <class T>
Buffer<T> on_backend(const Exec& exec, const std::vector<T>& host) {
  return Buffer<T>(exec, std::span<const T>(host));
}

/// Equal as bytes: tells 0 from -0, and takes no NaN for unequal to itself.
template <class T>
void expect_same_bits(const std::vector<T>& cpu, const std::vector<T>& cuda, const std::string& what) {
  ASSERT_EQ(cpu.size(), cuda.size()) << what;
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    ASSERT_EQ(std::memcmp(&cpu[i], &cuda[i], sizeof(T)), 0)
        << what << ": element " << i << " is " << cpu[i] << " on the CPU and " << cuda[i] << " on CUDA";
  }
}

/// Uniform in (low, high); `stream` tells arrays apart.
inline std::vector<float> uniform_floats(std::size_t size, float low, float high, std::uint32_t stream) {
  const RngKey key = RngKey(7, Purpose::sampling).at_event(stream);
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = fma(Rng<float>(key, static_cast<std::uint32_t>(i)).uniform(), high - low, low);
  }
  return values;
}

}  // namespace mq
