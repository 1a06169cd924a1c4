/// Executes the PTX that nvcc emits, on the CPU: 32 lanes at a time, bit for bit where PTX defines the bits.
///
/// What is checked and counted is in report.h, what is not executed as on a GPU in README.md. Errors of the
/// text are thrown by parse() as Error; errors of the kernel are findings of the report.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "memory.h"
#include "report.h"

namespace ptx {

/// "line 12: ...": what the text has that nobody can execute.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Program;  // decoded instructions (program.h)

struct Parameter {
  std::size_t offset = 0, size = 0;  // bytes
};

struct Kernel {
  std::string name;  // mangled
  std::vector<Parameter> parameters;
  std::size_t static_shared = 0;  // bytes
  std::shared_ptr<const Program> program;
};

/// A .global or .const variable: `data` is its device address as well.
struct Variable {
  std::string name;
  std::byte* data = nullptr;
  std::size_t size = 0;
};

class Module {
 public:
  /// Null where the module has no kernel of that name. Kernels live as long as any copy of the module.
  const Kernel* find(std::string_view mangled_name) const;
  const std::deque<Kernel>& kernels() const { return *kernels_; }
  const std::vector<Variable>& variables() const { return variables_; }

 private:
  friend class ModuleParser;
  std::shared_ptr<std::deque<Kernel>> kernels_ = std::make_shared<std::deque<Kernel>>();
  std::vector<Variable> variables_;
  std::vector<std::shared_ptr<std::byte[]>> storage_;  // of the variables
};

/// Throws Error with the line of the first thing that cannot be executed.
Module parse(std::string_view text);

struct Extent {
  std::uint32_t x = 1, y = 1, z = 1;
  std::uint64_t count() const { return std::uint64_t(x) * y * z; }
};

struct Launch {
  Extent grid, block;
  std::size_t dynamic_shared = 0;  // bytes
  void** arguments = nullptr;      // one pointer per parameter, as cudaLaunchKernel takes them
};

struct Options {
  /// Races, unwritten bytes, sectors and bank wavefronts. Bounds, alignment and synchronisation are always
  /// checked.
  bool checks = true;
  /// Order of blocks, and of warps between barriers; 0 is ascending.
  std::uint64_t seed = 0;
  /// Instructions of warps after which a launch is given up, with a finding.
  std::uint64_t instruction_budget = std::uint64_t(1) << 40;
};

/// Runs the whole grid before it returns. Findings and counts cover this launch alone.
Report run(const Kernel& kernel, const Launch& launch, DeviceMemory& memory, const Options& options = {});

}  // namespace ptx
