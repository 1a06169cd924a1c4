/// One launch while it runs: blocks one after the other, the warps of a block in turns.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "program.h"
#include "ptx.h"
#include "races.h"

namespace ptx {

/// Lanes of a warp that are at the same instruction.
struct Group {
  std::uint32_t pc = 0, lanes = 0;
  bool waits = false;  // for other lanes of the warp
};

struct PendingCopy {
  std::uint64_t to = 0, from = 0;  // a shared and a host address
  std::uint32_t bytes = 0, taken = 0, lane = 0, group = 0, pc = 0;
};

struct Warp {
  std::uint32_t index = 0;  // inside of the block
  std::byte* file = nullptr;
  Group now;
  std::vector<Group> others;
  std::uint32_t next_meeting = 0;  // lowest pc of `others` from now.pc on
  std::uint32_t live = 0;          // lanes that exist and have not exited
  std::uint32_t lanes = 0;         // lanes that exist
  std::uint32_t time = 0;          // synchronisations of the whole warp
  std::uint32_t barrier_pc = 0;
  bool is_at_barrier = false;
  bool is_done() const { return live == 0; }
  std::vector<PendingCopy> copies;
  std::array<std::uint32_t, kLanes> groups{};  // committed, per lane
};

class Executor {
 public:
  Executor(const Kernel& kernel, const Launch& launch, DeviceMemory& memory, const Options& options);
  Report run();

 private:
  enum class Turn { goes_on, at_barrier, done, failed };

  // executor.cpp: blocks, warps, turns
  bool check_limits();
  void fill_constants(std::byte* file);
  void fill_specials(Warp& warp, const Extent& block);
  void run_block(std::uint64_t linear);
  void start_warp(Warp& warp, std::uint32_t index, std::byte* file, const Extent& block);
  bool finish_barrier();
  Turn run_warp(Warp& warp);
  void reduce_at_barrier(std::uint32_t pc);

  // groups.cpp: divergence
  bool pick_group(Warp& warp);
  void meet(Warp& warp);
  void branch(Warp& warp, const Instruction& i, std::uint32_t mask);
  void branch_by_table(Warp& warp, const Instruction& i, std::uint32_t mask);
  void retire(Warp& warp, std::uint32_t lanes);
  bool wait_for_lanes(Warp& warp, std::uint32_t missing);
  bool gather_members(Warp& warp, const Instruction& i, std::uint32_t mask, bool& is_ready);
  bool arrive(Warp& warp, const Instruction& i, std::uint32_t mask);

  // execute_memory.cpp
  void compute_addresses(const Warp& warp, const Slot& base, std::int64_t displacement,
                         std::uint64_t* addresses) const;
  bool load_for_all(Warp& warp, const Instruction& i, std::uint32_t mask, const std::uint64_t* addresses);
  void access(Warp& warp, const Instruction& i, std::uint32_t mask);
  void access_space(Warp& warp, const Instruction& i, Space space, std::uint32_t mask,
                    std::uint64_t* addresses);
  void copy_later(Warp& warp, const Instruction& i, std::uint32_t mask);
  void finish_copies(Warp& warp, const Instruction& i, std::uint32_t mask);
  void load_matrix(Warp& warp, const Instruction& i);

  // checks.cpp: what of `mask` may be touched, as host pointers
  std::uint32_t resolve(Warp& warp, const Instruction& i, Space space, Touch touch, std::uint32_t bytes,
                        std::uint32_t mask, const std::uint64_t* addresses, std::byte** pointers);
  std::uint32_t resolve_host(Warp& warp, const Instruction& i, Touch touch, std::uint32_t bytes,
                             std::uint32_t mask, const std::uint64_t* addresses, std::byte** pointers);
  std::uint32_t resolve_shared(Warp& warp, const Instruction& i, Touch touch, std::uint32_t bytes,
                               std::uint32_t mask, const std::uint64_t* addresses, std::byte** pointers);
  void note_shared(Warp& warp, const Instruction& i, Touch touch, std::uint64_t offset, std::uint32_t bytes,
                   std::uint32_t lane, const Toucher& now);
  void note_global(Warp& warp, const Instruction& i, Touch touch, Allocation& allocation,
                   std::uint64_t address, std::uint32_t bytes, std::uint32_t lane, const Toucher& now);
  std::string where_in_memory(std::uint64_t address, std::uint32_t bytes);

  // execute_warp.cpp
  void shuffle(Warp& warp, const Instruction& i, std::uint32_t mask);
  void vote(Warp& warp, const Instruction& i, std::uint32_t mask);
  void match(Warp& warp, const Instruction& i, std::uint32_t mask);
  void reduce(Warp& warp, const Instruction& i, std::uint32_t mask);
  void multiply_matrices(Warp& warp, const Instruction& i);

  void blame(Fault fault, const Instruction& i, const std::string& what);
  void blame(Fault fault, const std::string& what);
  std::string thread_name(const Warp& warp, std::uint32_t lane) const;
  Toucher toucher(const Warp& warp, bool is_shared) const;
  std::uint32_t pc_of(const Instruction& i) const {
    return static_cast<std::uint32_t>(&i - program_.code.data());
  }

  const Program& program_;
  const Kernel& kernel_;
  const Launch& launch_;
  DeviceMemory& memory_;
  const Options& options_;
  Report report_;
  std::map<std::pair<std::uint32_t, Fault>, std::size_t> found_;

  std::vector<std::byte> parameter_storage_, file_storage_, local_storage_, shared_storage_;
  std::byte* parameters_ = nullptr;
  std::byte* shared_ = nullptr;
  std::size_t shared_bytes_ = 0;
  std::vector<std::uint8_t> shared_written_;
  std::vector<RaceCell> shared_races_;
  std::vector<Warp> warps_;
  Extent block_;  // being executed
  std::uint32_t threads_ = 0, epoch_ = 0, block_first_ = 0, launch_first_ = 0;
  std::uint64_t executed_ = 0, random_ = 0;
};

}  // namespace ptx
