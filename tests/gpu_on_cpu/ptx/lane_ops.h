/// Instructions that treat each lane by itself: functions over 32 lanes of a register file.
///
/// A register of up to 32 bits is a slot of 32 std::uint32_t, one of 64 bits a slot of 32 std::uint64_t, a
/// predicate one std::uint32_t with a bit per lane. Narrow values are read as the low bits of their slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ptx {

inline constexpr int kLanes = 32;
inline constexpr std::uint32_t kAllLanes = 0xffffffffu;
inline constexpr std::uint32_t kNoOperand = 0xffffffffu;
inline constexpr std::uint32_t kCarry = 0;  // where the carry flags of add.cc are: a predicate

enum class Combine : std::uint8_t { none, conjunction, disjunction, exclusive };

/// Byte offsets into the register file.
struct LaneArguments {
  std::uint32_t d = kNoOperand, a = kNoOperand, b = kNoOperand, c = kNoOperand;
  std::uint32_t second = kNoOperand;  // of setp: the complement
  std::uint32_t immediate = 0;        // of lop3: its table
  Combine combine = Combine::none;    // of setp, with the predicate c
  bool negates_c = false;
};

/// Writes the lanes of `mask` only.
using LaneFunction = void (*)(std::byte* file, const LaneArguments& arguments, std::uint32_t mask);

struct LaneOp {
  LaneFunction function = nullptr;
  /// One letter per operand, the destination first: w 32 bits and less, x 64 bits, p predicate, i immediate.
  const char* operands = "";
};

/// What executes `opcode`, such as "mad.wide.u32", on this machine; null where nothing does. setp is asked
/// for without its boolean combination.
const LaneOp* find_lane_op(std::string_view opcode);

/// How the files that are compiled once per instruction set hand over their functions.
class LaneOpSink {
 public:
  virtual void add(const char* name, const char* type, const char* operands, LaneFunction function) = 0;

 protected:
  ~LaneOpSink() = default;
};

}  // namespace ptx
