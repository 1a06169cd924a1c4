#include <string>

#include "meltquench/core/error.h"
#include "meltquench/kernels/cuda/device.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr int kOldestMajor = 8;  // the build holds code for 8.0 and 9.0, and PTX for what follows

/// The runtime remembers its last error and would blame the next launch for it.
std::string take_reason(cudaError_t error) {
  cudaGetLastError();
  return cudaGetErrorString(error);
}

/// Any call may bring the news of a kernel that died earlier; then there is a device, or was.
bool is_of_a_kernel(cudaError_t error) {
  return error >= cudaErrorIllegalAddress && error <= cudaErrorLaunchFailure;
}

/// Says that there is nothing to use: no driver, an old one, all devices hidden.
bool is_of_absence(cudaError_t error) {
  return error == cudaSuccess || error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver ||
         error == cudaErrorStubLibrary;
}

/// Tests labelled `gpu` may be skipped where there is no device, but not where a driver fails.
int device_count(const Exec& exec) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return count;
  if (is_of_a_kernel(error)) check(error, exec, "counting devices");
  if (!is_of_absence(error)) {
    throw BackendUnavailable("the CUDA driver fails: " + take_reason(error) +
                             "; `nvidia-smi` shows what it knows of its devices; until it works choose the "
                             "backend cpu");
  }
  throw BackendUnavailable(
      "no CUDA device: " + take_reason(error == cudaSuccess ? cudaErrorNoDevice : error) +
      "; the backend cuda needs an NVIDIA GPU and its driver, otherwise choose the backend cpu");
}

}  // namespace

void require_any_device() { device_count({}); }

void require_device(const Exec& exec) {
  const int count = device_count(exec);
  if (exec.device < 0 || exec.device >= count) {
    throw BackendUnavailable("no CUDA device " + std::to_string(exec.device) + ": this machine has " +
                             std::to_string(count) + ", counted from 0; choose one of them");
  }
  int major = 0, minor = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, exec.device), exec,
        "asking what it is");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, exec.device), exec,
        "asking what it is");
  if (major < kOldestMajor) {
    throw BackendUnavailable("CUDA device " + std::to_string(exec.device) + " has compute capability " +
                             std::to_string(major) + "." + std::to_string(minor) + ", but the kernels need " +
                             std::to_string(kOldestMajor) +
                             ".0 or newer; choose another device or the backend cpu");
  }
}

void use_device(const Exec& exec) { check(cudaSetDevice(exec.device), exec, "selecting it"); }

void check(cudaError_t error, const Exec& exec, const char* doing) {
  if (error == cudaSuccess) return;
  throw ResourceError(
      "CUDA device " + std::to_string(exec.device) + " failed while " + doing + ": " + take_reason(error) +
      "; what it computed is lost. Start again, and choose the backend cpu if it fails again");
}

}  // namespace mq::MQ_BACKEND
