/// Errors, devices and their attributes.
#include "device.h"

#include <cstdlib>

namespace on_cpu {
namespace {

std::uint64_t setting(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

Device fresh_device() {
  Device fresh;
  const std::uint64_t arch = setting("MQ_PTX_ARCH", 90);
  fresh.major = static_cast<int>(arch / 10);
  fresh.minor = static_cast<int>(arch % 10);
  fresh.thread_order = setting("MQ_THREAD_ORDER", 0);
  fresh.checks = setting("MQ_PTX_CHECKS", 1) != 0;
  return fresh;
}

}  // namespace

Device& device() {
  static Device the_device = [] {
    set_stream_order(setting("MQ_STREAM_ORDER", 0));
    return fresh_device();
  }();
  return the_device;
}

void reset_device() {
  finish_all();
  device() = fresh_device();
  set_stream_order(setting("MQ_STREAM_ORDER", 0));
}
void set_devices(int count, cudaError_t error) {
  device().count = count;
  device().count_error = error;
}
void set_compute_capability(int major, int minor) {
  device().major = major;
  device().minor = minor;
}
void set_memory(std::size_t bytes) { device().memory = bytes; }
void fail_allocation(int n) { device().failing_allocation = n; }
void fail_launch(int n) { device().failing_launch = n; }
void fail_kernel(int n) { device().failing_kernel = n; }
void set_thread_order(std::uint64_t seed) { device().thread_order = seed; }
std::size_t allocations() { return device().allocations; }
std::size_t kernels() {
  finish_all();
  return device().kernels;
}
std::string findings() {
  finish_all();
  return device().findings;
}

cudaError_t report(cudaError_t error) {
  if (is_dead()) error = device().sticky;
  if (error != cudaSuccess) device().last = error;
  return error;
}
void die(cudaError_t error) {
  if (!is_dead()) device().sticky = error;
}
bool is_due(int& n) { return n > 0 && --n == 0; }

}  // namespace on_cpu

using namespace on_cpu;

extern "C" {

/// Words as in the CUDA Runtime API of CUDA 13.0.
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorInvalidDeviceFunction:
      return "invalid device function";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorLaunchOutOfResources:
      return "too many resources requested for launch";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    default:
      return "unrecognized error code";
  }
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = device().last;
  device().last = cudaSuccess;
  return error;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device().count;
  return report(device().count_error);
}

cudaError_t cudaSetDevice(int number) {
  return report(number >= 0 && number < device().count ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int number) {
  if (number < 0 || number >= device().count) return report(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = device().major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = device().minor;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = device().major == 8 ? 108 : 132;  // A100, H100 SXM
      break;
    default:
      return report(cudaErrorInvalidValue);
  }
  return report(cudaSuccess);
}

}  // extern "C"
