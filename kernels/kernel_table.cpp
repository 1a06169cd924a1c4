#include "meltquench/kernels/kernel_table.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

#if defined(MQ_HAVE_X86_LEVELS) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

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
namespace cpu_vnni {
void mvm(const Exec&, const MvmLayer&);
void mvm_transposed(const Exec&, const MvmLayer&);
}  // namespace cpu_vnni
namespace cpu_amx {
void mvm(const Exec&, const MvmLayer&);
void mvm_transposed(const Exec&, const MvmLayer&);
}  // namespace cpu_amx
namespace cuda {
const KernelTable& kernel_table();
const MemoryOps& device_memory();
void require_any_device();
}  // namespace cuda

namespace {

/// An instruction set, its table where this build has it and this machine can run it, and what it takes.
struct Isa {
  std::string_view name;
  const KernelTable* table;
  std::string_view needs;
};

#if defined(MQ_HAVE_X86_LEVELS)
using Product = void (*)(const Exec&, const MvmLayer&);

/// The table of v4 with other products.
KernelTable with_products(const char* name, Product mvm, Product mvm_transposed) {
  KernelTable table = cpu_v4::kernel_table();
  table.name = name;
  table.mvm = mvm;
  table.mvm_transposed = mvm_transposed;
  return table;
}

/// Whether the processor has AMX with bytes and the system lets this process use it: it grants the registers
/// on demand only, and never where the signal stack of a thread is too small for them.
bool may_use_amx() {
#if defined(__linux__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kTiles = 1u << 24, kBytes = 1u << 25;
  if ((d & kTiles) == 0 || (d & kBytes) == 0) return false;
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
#else
  return false;
#endif
}
#endif

/// From narrow to wide.
std::array<Isa, 5> find_instruction_sets() {
  std::array<Isa, 5> sets{{{"base", &cpu_base::kernel_table(), ""},
                           {"v3", nullptr, "AVX2 and FMA"},
                           {"v4", nullptr, "AVX-512"},
                           {"vnni", nullptr, "AVX-512 and VNNI"},
                           {"amx", nullptr, "AMX for 8-bit integers, and a system that grants it"}}};
#if defined(MQ_HAVE_X86_LEVELS)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return sets;
  sets[1].table = &cpu_v3::kernel_table();
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
      !__builtin_cpu_supports("avx512vl"))
    return sets;
  sets[2].table = &cpu_v4::kernel_table();
  if (!__builtin_cpu_supports("avx512vnni")) return sets;
  static const KernelTable vnni = with_products("cpu_vnni", cpu_vnni::mvm, cpu_vnni::mvm_transposed);
  sets[3].table = &vnni;
  if (!may_use_amx()) return sets;
  static const KernelTable amx = with_products("cpu_amx", cpu_amx::mvm, cpu_amx::mvm_transposed);
  sets[4].table = &amx;
#endif
  return sets;
}

/// Found once: a process keeps what it was granted.
const std::array<Isa, 5>& instruction_sets() {
  static const std::array<Isa, 5> sets = find_instruction_sets();
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
                             std::string(isa.needs) + ", and a build for it; unset MQ_ISA");
  }
  throw ConfigError("MQ_ISA=" + std::string(wanted) +
                    " is no instruction set; set it to base, v3, v4, vnni or amx, or unset it");
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
