/// A kernel, decoded: what the parser hands to the executor.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lane_ops.h"
#include "report.h"

namespace ptx {

enum class Kind : std::uint8_t {
  lanes,
  load,
  store,
  atomic,
  branch,
  branch_table,
  exit,
  trap,
  barrier,
  warp_barrier,
  shuffle,
  vote,
  match,
  reduction,
  active_mask,
  multiply_matrices,
  load_matrix,
  copy,
  commit_copies,
  wait_copies,
  nothing,  // fences: threads run one after the other here
};

enum class Space : std::uint8_t { generic, global, shared, local, parameter, constant };

enum class AtomicOp : std::uint8_t {
  add,
  conjunction,
  disjunction,
  exclusive,
  min,
  max,
  exchange,
  compare_exchange,
  increment,
  decrement
};
enum class ShuffleMode : std::uint8_t { up, down, butterfly, index };
enum class VoteMode : std::uint8_t { all, any, uniform, ballot };
enum class BarrierMode : std::uint8_t { sync, arrive, count, conjunction, disjunction };

/// A register (or constant slot) as the instruction sees it.
struct Slot {
  std::uint32_t offset = kNoOperand;
  bool is_wide = false;  // 64 bits
};

struct Instruction {
  Kind kind = Kind::nothing;
  Work work = Work::control;
  int line = 0;
  std::string text;
  bool is_counted = true;  // false for all but one of those that make up one of the text

  std::uint32_t guard = kNoOperand;  // predicate
  bool negates_guard = false;

  LaneFunction function = nullptr;  // lanes
  LaneArguments lanes;

  // Memory: lists of `count` elements of `bytes` each, at base + displacement.
  Space space = Space::generic;
  std::uint8_t bytes = 0, count = 1;
  bool is_signed = false, is_uniform = false;  // uniform: the address is a constant
  Slot base;
  std::int64_t displacement = 0;
  Slot source;  // of copy: the address in global memory
  std::int64_t source_displacement = 0;

  std::array<Slot, 4> d, a, b, c;  // registers, by role; vectors of loads and stores in d
  AtomicOp atomic{};
  ShuffleMode shuffle{};
  VoteMode vote{};
  BarrierMode barrier{};
  bool negates_a = false;                   // predicate operand a
  bool is_transposed = false;               // load_matrix
  bool signed_a = false, signed_b = false;  // multiply_matrices
  std::uint32_t depth = 0;                  // multiply_matrices: 16 or 32
  bool saturates = false;

  std::uint32_t target = 0;            // branch
  std::vector<std::uint32_t> targets;  // branch_table
};

/// A slot that holds the same value in all lanes of all warps.
struct Constant {
  enum class Base : std::uint8_t { value, parameter, dynamic_shared };
  Slot slot;
  Base base = Base::value;
  std::uint64_t value = 0;  // added to the base
};

enum class Special : std::uint8_t {
  tid_x,
  tid_y,
  tid_z,
  ntid_x,
  ntid_y,
  ntid_z,
  ctaid_x,
  ctaid_y,
  ctaid_z,
  nctaid_x,
  nctaid_y,
  nctaid_z,
  lane,
  warp,
  warps,
  lanemask_eq,
  lanemask_le,
  lanemask_lt,
  lanemask_ge,
  lanemask_gt,
};

struct SpecialSlot {
  Special special{};
  std::uint32_t offset = 0;
};

// Addresses inside of a space start here, so that null points nowhere.
inline constexpr std::uint64_t kSpaceStart = 0x1000;
// Generic addresses of shared and local memory; host pointers are far below.
inline constexpr std::uint64_t kSharedWindow = std::uint64_t(1) << 56, kLocalWindow = std::uint64_t(1) << 57;
inline constexpr std::uint64_t kWindowMask = (std::uint64_t(1) << 56) - 1;

struct Program {
  std::string kernel;
  std::vector<Instruction> code;
  std::vector<Constant> constants;
  std::vector<SpecialSlot> specials;
  std::size_t file_bytes = 0;  // registers of one warp
  std::size_t parameter_bytes = 0;
  std::size_t static_shared = 0, local_bytes = 0;  // of a block, of a thread
  std::size_t shared_alignment = 16;
  bool has_barriers = false;
  std::uint8_t shared_grain = 4, global_grain = 4;  // bytes of the smallest access
  struct Range {
    std::uint64_t begin = 0, size = 0;
    bool is_constant = false;
  };
  std::vector<Range> variables;  // of the module, that any kernel of it may touch
};

}  // namespace ptx
