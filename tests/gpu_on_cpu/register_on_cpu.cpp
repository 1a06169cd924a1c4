// Puts the stand-in device behind Backend::cuda, before the first test of this program.
#include <cstdlib>

#include "meltquench/core/buffer.h"
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cuda/device.h"
#include "meltquench/kernels/library_product.h"
#include "on_cpu.h"

namespace mq {
namespace {

const bool is_registered = [] {
  register_memory_ops(Backend::cuda, cuda_on_cpu::device_memory());
  register_kernels(Backend::cuda, cuda_on_cpu::kernel_table());
  register_library_product(Backend::cuda, nullptr);  // cuBLAS would look for a driver
  const char* order = std::getenv("MQ_THREAD_ORDER");
  if (order != nullptr) on_cpu::set_thread_order(std::strtoull(order, nullptr, 10));
  return true;
}();

}  // namespace
}  // namespace mq
