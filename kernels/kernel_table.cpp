#include "meltquench/kernels/kernel_table.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

#include "meltquench/core/buffer.h"
#include "meltquench/core/error.h"

namespace mq {

namespace reference {
const KernelTable& kernel_table();
}
namespace cpu_base {
const KernelTable& kernel_table();
}
namespace cpu_v3 {
const KernelTable& kernel_table();
}
namespace cuda {
const KernelTable& kernel_table();
const MemoryOps& device_memory();
void require_any_device();
}  // namespace cuda

namespace {

bool machine_has_v3() {
#if defined(MQ_HAVE_V3)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

std::array<std::atomic<const KernelTable*>, 3> registered{};

#if defined(MQ_HAVE_CUDA)
// Buffers may come before the first kernel, so memory is known from the start. The line stands here because a
// linker drops a file of a static library that nobody asks for, and everybody asks for `kernels`.
[[maybe_unused]] const bool has_cuda_memory =
    (register_memory_ops(Backend::cuda, cuda::device_memory()), true);
#endif

const KernelTable& default_table(Backend backend) {
  if (backend == Backend::reference) return reference::kernel_table();
  if (backend == Backend::cpu) {
    const char* isa = std::getenv("MQ_ISA");
    return cpu_kernels(isa != nullptr ? isa : machine_has_v3() ? "v3" : "base");
  }
#if defined(MQ_HAVE_CUDA)
  cuda::require_any_device();
  return cuda::kernel_table();
#else
  memory_ops(backend);  // throws: nobody registered this backend
  throw BackendUnavailable("the backend " + std::string(name(backend)) +
                           " has memory but no kernels in this build");
#endif
}

}  // namespace

const KernelTable& cpu_kernels(std::string_view isa) {
  if (isa == "base") return cpu_base::kernel_table();
  if (isa != "v3") {
    throw ConfigError("MQ_ISA=" + std::string(isa) +
                      " is no instruction set; set it to base or v3, or unset it");
  }
#if defined(MQ_HAVE_V3)
  if (machine_has_v3()) return cpu_v3::kernel_table();
#endif
  throw BackendUnavailable("MQ_ISA=v3 needs a processor with AVX2 and FMA, and a build for it; unset MQ_ISA");
}

const KernelTable& kernels(Backend backend) {
  auto& table = registered[static_cast<std::size_t>(backend)];
  if (table.load() == nullptr) table = &default_table(backend);
  return *table.load();
}

void register_kernels(Backend backend, const KernelTable& table) {
  registered[static_cast<std::size_t>(backend)] = &table;
}

}  // namespace mq
