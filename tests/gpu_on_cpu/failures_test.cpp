// What goes wrong on a device becomes a sentence, and leaves nothing behind.
#include <optional>

#include "array_life.h"
#include "meltquench/kernels/cuda/device.h"
#if defined(MQ_CUDA_ON_CPU)
#include "meltquench/kernels/cuda/launch.h"
#endif
#include "on_cpu.h"

namespace mq {
namespace {

class FailingDevice : public testing::Test {
 protected:
  void SetUp() override { on_cpu::reset_device(); }
  void TearDown() override {
    on_cpu::reset_device();
    EXPECT_EQ(on_cpu::live_allocations(), 0u);
  }
};

template <class E, class Body>
std::string sentence_of(Body body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST_F(FailingDevice, WithoutADriverTheBackendIsUnavailableAndSaysWhy) {
  on_cpu::set_devices(0, cudaErrorInsufficientDriver);
  const std::string sentence =
      "no CUDA device: CUDA driver version is insufficient for CUDA runtime version; the backend cuda needs "
      "an NVIDIA "
      "GPU and its driver, otherwise choose the backend cpu";
  EXPECT_EQ(sentence_of<BackendUnavailable>([] { MQ_BACKEND::require_any_device(); }), sentence);
  EXPECT_EQ(sentence_of<BackendUnavailable>([] { Buffer<float>(kCuda, 10); }), sentence);
  on_cpu::set_devices(0);
  EXPECT_EQ(sentence_of<BackendUnavailable>([] {
              MQ_BACKEND::require_any_device();
            }).find("no CUDA device: no CUDA-capable"),
            0u);
}

TEST_F(FailingDevice, ADriverThatFailsIsNotTakenForAMachineWithoutADevice) {
  for (const cudaError_t error : {cudaErrorUnknown, cudaErrorInitializationError, cudaErrorSystemNotReady}) {
    on_cpu::set_devices(0, error);
    const std::string sentence = sentence_of<BackendUnavailable>([] { MQ_BACKEND::require_any_device(); });
    EXPECT_EQ(sentence.find("the CUDA driver fails: "), 0u) << sentence;
  }
}

TEST_F(FailingDevice, ADeviceThatIsNotThereIsUnavailable) {
  on_cpu::set_devices(2);
  EXPECT_EQ(
      sentence_of<BackendUnavailable>([] { Buffer<float>({.backend = Backend::cuda, .device = 2}, 10); }),
      "no CUDA device 2: this machine has 2, counted from 0; choose one of them");
  EXPECT_NO_THROW(Buffer<float>({.backend = Backend::cuda, .device = 1}, 10));
}

TEST_F(FailingDevice, ADeviceThatIsTooOldIsUnavailable) {
  on_cpu::set_compute_capability(7, 5);
  EXPECT_EQ(sentence_of<BackendUnavailable>([] { Buffer<float>(kCuda, 10); }),
            "CUDA device 0 has compute capability 7.5, but the kernels need 8.0 or newer; choose another "
            "device or the "
            "backend cpu");
}

TEST_F(FailingDevice, ABufferThatDoesNotFitSaysWhatWasAskedForAndIsForgotten) {
  on_cpu::set_memory(std::size_t(3) << 20);
  const Buffer<float> kept(kCuda, 1 << 18);
  EXPECT_EQ(sentence_of<ResourceError>([] { Buffer<float>(kCuda, 1 << 20); }),
            "not enough memory on CUDA device 0 for a buffer of 4194304 bytes (4 MiB): 2 MiB of 3 MiB are "
            "free; use a "
            "smaller batch, smaller arrays or the backend cpu");
  const std::vector<float> values = {1.0f, -3.0f};
  EXPECT_EQ(kernels(Backend::cuda).largest_magnitude(kCuda, on_backend(kCuda, values).data(), 2), 3.0f);
}

#if defined(MQ_CUDA_ON_CPU)  // only nvcc could compile the launch
TEST_F(FailingDevice, AGridThatCannotStartIsASentence) {
  const auto nothing = [](int) {};
  const std::string sentence = sentence_of<ResourceError>([&] { MQ_LAUNCH(+nothing, 1u, 2000u, kCuda, 0); });
  EXPECT_EQ(sentence,
            "CUDA device 0 failed while starting a kernel: invalid configuration argument; what it computed "
            "is lost. "
            "Start again, and choose the backend cpu if it fails again");
}
#endif

TEST_F(FailingDevice, EachAllocationOfAWholeArrayMayFail) {
  const Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  live(kCuda, hardware);
  const std::size_t count = on_cpu::allocations();
  ASSERT_GT(count, 30u);
  for (std::size_t n = 1; n <= count; n += n < 30 ? 1 : 7) {
    on_cpu::reset_device();
    on_cpu::fail_allocation(static_cast<int>(n));
    const std::string sentence = sentence_of<ResourceError>([&] { live(kCuda, hardware); });
    EXPECT_EQ(sentence.find("not enough memory on CUDA device 0 for a buffer of "), 0u)
        << n << ": " << sentence;
    ASSERT_EQ(on_cpu::live_allocations(), 0u) << "allocation " << n;
  }
  EXPECT_NO_THROW(live(kCuda, hardware)) << "the device itself is fine";
}

TEST_F(FailingDevice, EachKernelOfAWholeArrayMayDie) {
  const Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  live(kCuda, hardware);
  const std::size_t count = on_cpu::kernels();
  ASSERT_GT(count, 30u);
  for (std::size_t n = 1; n <= count; n += n < 30 ? 1 : 7) {
    on_cpu::reset_device();
    on_cpu::fail_kernel(static_cast<int>(n));
    const std::string sentence = sentence_of<ResourceError>([&] { live(kCuda, hardware); });
    EXPECT_NE(sentence.find("unspecified launch failure; what it computed is lost."), std::string::npos)
        << n << ": " << sentence;
    ASSERT_EQ(on_cpu::live_allocations(), 0u) << "kernel " << n;
  }
}

TEST_F(FailingDevice, ADeadDeviceStaysDead) {
  on_cpu::fail_kernel(1);
  const auto product = [] {
    Buffer<float> c(kCuda, 1);
    kernels(Backend::cuda).float_product(kCuda, {.rows = 1, .columns = 1, .c = c.data(), .c_row = 1});
    on_host(c);
  };
  for (int call = 0; call < 2; ++call) {
    const std::string sentence = sentence_of<ResourceError>(product);
    EXPECT_EQ(sentence.find("CUDA device 0 failed while "), 0u) << sentence;
    EXPECT_NE(sentence.find(": unspecified launch failure; "), std::string::npos) << sentence;
  }
}

}  // namespace
}  // namespace mq
