/// What a launch did wrong, and what it cost.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ptx {

struct Program;

enum class Fault {
  race,          // two threads, one of them writing, and nothing orders them
  bounds,        // outside of every live allocation, or of the block's shared memory
  alignment,     // an address that is no multiple of the access
  unwritten,     // a read of bytes that nobody wrote
  barrier,       // a block barrier that not all threads of the block reach together
  member_mask,   // a warp instruction whose member mask is not the set of lanes that execute it
  pending_copy,  // cp.async that nobody waited for
  limits,        // more threads or shared memory than a block can have
  trap,          // the kernel gave up
  budget,        // more instructions than the caller allows
};

struct Finding {
  Fault fault{};
  int line = 0;          // of the PTX text; 0 where the launch as a whole is meant
  std::string sentence;  // names the kernel, the line and the instruction
  std::uint64_t times = 1;
};

enum class Work {
  fp32,
  fp64,
  integer,
  special,
  tensor,
  move,
  global,
  shared,
  local,
  parameter,
  constant,
  sync,
  control
};
inline constexpr std::size_t kWorks = 13;
const char* name_of(Work work);

/// Of one instruction, or summed over several.
struct Counts {
  std::uint64_t warps = 0, lanes = 0;                  // executions by a warp; lanes that took part
  std::uint64_t bytes = 0;                             // read or written by the lanes
  std::uint64_t sectors = 0, ideal_sectors = 0;        // 32 bytes each, of global memory
  std::uint64_t wavefronts = 0, ideal_wavefronts = 0;  // passes over the 32 banks of shared memory

  Counts& operator+=(const Counts& other);
  /// 1 where nothing was requested.
  double sector_ratio() const;
  double wavefront_ratio() const;
};

struct Report {
  std::shared_ptr<const Program> program;
  std::vector<Finding> findings;     // one per instruction and fault, in order of appearance
  std::vector<Counts> instructions;  // parallel to the program
  bool finished = true;              // false where a finding made it impossible to go on

  Counts total() const;
  Counts of(Work work) const;
  const Finding* find(Fault fault) const;
  /// Every finding on a line of its own.
  std::string sentences() const;
  /// "line 34, ld.global.u8 %rs1, [%rd4]": the one with the most sectors (wavefronts) beyond the ideal, or
  /// "".
  std::string worst_of_sectors() const;
  std::string worst_of_wavefronts() const;
};

}  // namespace ptx
