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
namespace cpu_v4 {
const KernelTable& kernel_table();
}
namespace cuda {
const KernelTable& kernel_table();
const MemoryOps& device_memory();
void require_any_device();
}  // namespace cuda

namespace {

/// An instruction set, and its table where this build has it and this machine can run it.
struct Isa {
  std::string_view name;
  const KernelTable* table;
};

/// From narrow to wide.
std::array<Isa, 3> instruction_sets() {
  std::array<Isa, 3> sets{{{"base", &cpu_base::kernel_table()}, {"v3", nullptr}, {"v4", nullptr}}};
#if defined(MQ_HAVE_X86_LEVELS)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sets[1].table = &cpu_v3::kernel_table();
    const bool has_v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
    if (has_v4) sets[2].table = &cpu_v4::kernel_table();
  }
#endif
  return sets;
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
    return cpu_kernels(isa != nullptr ? std::string_view(isa) : cpu_instruction_sets().back());
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

std::vector<std::string_view> cpu_instruction_sets() {
  std::vector<std::string_view> names;
  for (const Isa& isa : instruction_sets()) {
    if (isa.table != nullptr) names.push_back(isa.name);
  }
  return names;
}

const KernelTable& cpu_kernels(std::string_view wanted) {
  for (const Isa& isa : instruction_sets()) {
    if (isa.name != wanted) continue;
    if (isa.table != nullptr) return *isa.table;
    throw BackendUnavailable("MQ_ISA=" + std::string(wanted) + " needs a processor with " +
                             (wanted == "v3" ? "AVX2 and FMA" : "AVX-512") +
                             ", and a build for it; unset MQ_ISA");
  }
  throw ConfigError("MQ_ISA=" + std::string(wanted) +
                    " is no instruction set; set it to base, v3 or v4, or unset it");
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
