/// What nvcc's host code calls to make kernels known and to start them.
///
/// Each kernel is registered under its mangled name; its PTX lies beside the object that holds it
/// (kernels/cuda/nvcc_with_log.sh). MQ_PTX_LIST names a file with a line per object.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>

#include "device.h"

namespace on_cpu {
namespace {

std::map<const void*, std::string>& kernel_names() {  // of the host's functions
  static std::map<const void*, std::string> names;
  return names;
}

struct CallConfiguration {
  dim3 grid, block;
  std::size_t shared = 0;
  cudaStream_t stream = nullptr;
};
CallConfiguration& configuration() {
  static thread_local CallConfiguration between_push_and_pop;
  return between_push_and_pop;
}

std::vector<LaunchCost>* recorded = nullptr;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("the stand-in runtime cannot read " + file.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Another file of the same name where MQ_PTX_INSTEAD names a folder that has it: that is how mutants run.
std::filesystem::path chosen(const std::filesystem::path& file) {
  const char* folder = std::getenv("MQ_PTX_INSTEAD");
  if (folder == nullptr) return file;
  const std::filesystem::path instead = std::filesystem::path(folder) / file.filename();
  return std::filesystem::exists(instead) ? instead : file;
}

/// The PTX of this build for one architecture; a file is parsed when its first kernel is started.
class PtxFiles {
 public:
  explicit PtxFiles(int arch) {
    std::ifstream objects(MQ_PTX_LIST);
    const std::string suffix = ".compute_" + std::to_string(arch) + ".ptx";
    for (std::string object; std::getline(objects, object);) {
      for (const auto& entry : std::filesystem::directory_iterator(object + ".ptx")) {
        if (entry.path().string().ends_with(suffix)) {
          files_.push_back({text_of(chosen(entry.path())), false, {}});
        }
      }
    }
    if (files_.empty()) throw std::runtime_error("this build has no PTX for compute_" + std::to_string(arch));
  }

  const ptx::Kernel* find(const std::string& name) {
    for (File& file : files_) {
      if (file.text.find(".entry " + name + "(") == std::string::npos) continue;
      if (!file.is_parsed) file.module = ptx::parse(file.text);
      file.is_parsed = true;
      return file.module.find(name);
    }
    return nullptr;
  }

 private:
  struct File {
    std::string text;
    bool is_parsed = false;
    ptx::Module module;
  };
  std::vector<File> files_;
};

const ptx::Kernel* kernel_of(const void* function) {
  static std::map<int, PtxFiles> by_arch;
  const int arch = device().major * 10 + device().minor;
  const auto name = kernel_names().find(function);
  if (name == kernel_names().end()) return nullptr;
  return by_arch.try_emplace(arch, arch).first->second.find(name->second);
}

/// Limits of compute capability 8.0 and 9.0: CUDA C++ Programming Guide 13.0, "Technical Specifications per
/// Compute Capability". More than 48 KiB of shared memory would need cudaFuncSetAttribute.
cudaError_t launch_error(const dim3& grid, const dim3& block, std::size_t shared) {
  const std::uint64_t threads = std::uint64_t(block.x) * block.y * block.z;
  const bool fits = threads > 0 && threads <= 1024 && block.z <= 64 && grid.x > 0 && grid.x <= 0x7fffffffu &&
                    grid.y > 0 && grid.y <= 65535 && grid.z > 0 && grid.z <= 65535;
  if (!fits) return cudaErrorInvalidConfiguration;
  return shared <= 48 * 1024 ? cudaSuccess : cudaErrorInvalidValue;
}

/// A launch takes its arguments along: the caller's are gone when deferred work runs.
struct Arguments {
  std::vector<std::vector<std::byte>> values;
  std::vector<void*> pointers;

  Arguments(const ptx::Kernel& kernel, void** given) {
    for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
      const auto* first = static_cast<const std::byte*>(given[i]);
      values.emplace_back(first, first + kernel.parameters[i].size);
    }
    for (std::vector<std::byte>& value : values) pointers.push_back(value.data());
  }
};

LaunchCost cost_of(const ptx::Kernel& kernel, const ptx::Launch& launch, const ptx::Report& report) {
  const ptx::Counts global = report.of(ptx::Work::global), shared = report.of(ptx::Work::shared);
  return {.kernel = kernel.name,
          .blocks = launch.grid.count(),
          .threads = launch.block.count(),
          .fp32 = report.of(ptx::Work::fp32).lanes,
          .fp64 = report.of(ptx::Work::fp64).lanes,
          .integer = report.of(ptx::Work::integer).lanes,
          .special = report.of(ptx::Work::special).lanes,
          .tensor = report.of(ptx::Work::tensor).warps,
          .warp_instructions = report.total().warps,
          .footprint = live_bytes(),
          .global_bytes = global.bytes,
          .sectors = global.sectors,
          .ideal_sectors = global.ideal_sectors,
          .wavefronts = shared.wavefronts,
          .ideal_wavefronts = shared.ideal_wavefronts};
}

void execute(const ptx::Kernel& kernel, const ptx::Launch& launch) {
  if (is_dead()) return;
  ++device().kernels;
  if (is_due(device().failing_kernel)) return die(cudaErrorLaunchFailure);
  const ptx::Report report =
      ptx::run(kernel, launch, device_memory(), {.checks = device().checks, .seed = device().thread_order});
  if (recorded != nullptr) recorded->push_back(cost_of(kernel, launch, report));
  if (report.findings.empty()) return;
  std::fprintf(stderr, "%s", report.sentences().c_str());
  device().findings += report.sentences();
  die(report.find(ptx::Fault::bounds) != nullptr ? cudaErrorIllegalAddress : cudaErrorLaunchFailure);
}

}  // namespace

const std::vector<LaunchCost>& record_launches() {
  static std::vector<LaunchCost> list;
  finish_all();
  list.clear();
  recorded = &list;
  return list;
}

}  // namespace on_cpu

using namespace on_cpu;

extern "C" {

void** __cudaRegisterFatBinary(void*) {
  static void* handle = nullptr;
  return &handle;
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void**) {}
char __cudaInitModule(void**) { return 1; }

void __cudaRegisterFunction(void**, const char* function, char*, const char* name, int, uint3*, uint3*, dim3*,
                            dim3*, int*) {
  kernel_names()[function] = name;
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared, cudaStream_t stream) {
  configuration() = {grid, block, shared, stream};
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared, void* stream) {
  *grid = configuration().grid;
  *block = configuration().block;
  *shared = configuration().shared;
  *static_cast<cudaStream_t*>(stream) = configuration().stream;
  return cudaSuccess;
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = static_cast<cudaKernel_t>(const_cast<void*>(function));
  return kernel_names().contains(function) ? cudaSuccess : cudaErrorInvalidDeviceFunction;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t function, dim3 grid, dim3 block, void** given, std::size_t shared,
                               cudaStream_t stream) {
  if (report(cudaSuccess) != cudaSuccess) return device().sticky;
  const ptx::Kernel* kernel = kernel_of(function);
  if (kernel == nullptr) return report(cudaErrorInvalidDeviceFunction);
  const cudaError_t error = launch_error(grid, block, kernel->static_shared + shared);
  if (error != cudaSuccess) return report(error);
  if (is_due(device().failing_launch)) return report(cudaErrorLaunchOutOfResources);
  const auto arguments = std::make_shared<Arguments>(*kernel, given);
  submit(stream, [=] {
    execute(*kernel, {.grid = {grid.x, grid.y, grid.z},
                      .block = {block.x, block.y, block.z},
                      .dynamic_shared = shared,
                      .arguments = arguments->pointers.data()});
  });
  return cudaSuccess;
}

}  // extern "C"
