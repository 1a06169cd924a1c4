// Divergence: the lanes of a warp as groups, one per program counter, the lowest one first. Groups that come
// to the same instruction go on together.
#include <algorithm>
#include <bit>
#include <cstring>
#include <sstream>

#include "executor.h"

namespace ptx {
namespace {

std::string hex(std::uint32_t mask) {
  std::ostringstream out;
  out << "0x" << std::hex << mask;
  return out.str();
}

}  // namespace

void Executor::meet(Warp& warp) {
  std::uint32_t next = ~0u;
  for (std::size_t k = 0; k < warp.others.size();) {
    Group& other = warp.others[k];
    if (other.pc == warp.now.pc) {
      warp.now.lanes |= other.lanes;
      other = warp.others.back();
      warp.others.pop_back();
      continue;
    }
    if (other.pc > warp.now.pc) next = std::min(next, other.pc);
    ++k;
  }
  warp.next_meeting = next;
}

/// False where no group can go on: the warp has ended, or its lanes wait for each other.
bool Executor::pick_group(Warp& warp) {
  if (warp.now.lanes != 0) warp.others.push_back(warp.now);
  warp.now = {};
  std::size_t best = warp.others.size();
  for (std::size_t k = 0; k < warp.others.size(); ++k) {
    if (!warp.others[k].waits && (best == warp.others.size() || warp.others[k].pc < warp.others[best].pc))
      best = k;
  }
  if (best == warp.others.size()) {
    if (warp.others.empty()) return false;
    const Instruction& i = program_.code[warp.others.front().pc];
    std::string where;
    for (const Group& group : warp.others) {
      where += (where.empty() ? "lanes " : ", lanes ") + hex(group.lanes) + " at line " +
               std::to_string(program_.code[group.pc].line);
    }
    blame(i.kind == Kind::barrier ? Fault::barrier : Fault::member_mask, i,
          "the lanes of warp " + std::to_string(warp.index) + " wait for each other: " + where);
    return false;
  }
  warp.now = warp.others[best];
  warp.others[best] = warp.others.back();
  warp.others.pop_back();
  meet(warp);
  return true;
}

void Executor::branch(Warp& warp, const Instruction& i, std::uint32_t mask) {
  const std::uint32_t stays = warp.now.lanes & ~mask, pc = warp.now.pc;
  if (mask == 0) {
    if (++warp.now.pc == warp.next_meeting) meet(warp);
    return;
  }
  if (stays == 0 && warp.others.empty()) {
    warp.now.pc = i.target;
    return;
  }
  warp.now = {i.target, mask, false};
  if (stays != 0) {
    warp.others.push_back(warp.now);
    warp.now = {pc + 1, stays, false};
  }
  pick_group(warp);
}

void Executor::branch_by_table(Warp& warp, const Instruction& i, std::uint32_t mask) {
  const std::uint32_t stays = warp.now.lanes & ~mask, pc = warp.now.pc;
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const int lane = std::countr_zero(m);
    std::uint32_t index = 0;
    std::memcpy(&index, warp.file + i.a[0].offset + 4 * lane, 4);
    if (index >= i.targets.size()) {
      blame(Fault::trap, i,
            thread_name(warp, static_cast<std::uint32_t>(lane)) + " branches to target " +
                std::to_string(index) + " of " + std::to_string(i.targets.size()));
      index = 0;
    }
    warp.others.push_back({i.targets[index], 1u << lane, false});
  }
  warp.now = {pc + 1, stays, false};
  pick_group(warp);
}

void Executor::retire(Warp& warp, std::uint32_t lanes) {
  warp.live &= ~lanes;
  for (const PendingCopy& copy : warp.copies) {
    if ((lanes >> copy.lane & 1) == 0) continue;
    blame(Fault::pending_copy, program_.code[copy.pc],
          thread_name(warp, copy.lane) + " exits without waiting for this copy");
    break;
  }
  for (Group& other : warp.others) other.waits = false;  // perhaps for one of these lanes
  warp.now.lanes &= ~lanes;
  if (warp.now.lanes != 0 && ++warp.now.pc == warp.next_meeting) meet(warp);
}

/// A guard that is false for some lanes lets these go on alone.
bool Executor::wait_for_lanes(Warp& warp, std::uint32_t mask) {
  const std::uint32_t passes = warp.now.lanes & ~mask;
  warp.now.lanes = mask;
  warp.now.waits = true;
  if (passes != 0) warp.others.push_back({warp.now.pc + 1, passes, false});
  return pick_group(warp);
}

/// Executes an instruction of the whole warp, or waits for the lanes that its mask names. False where that
/// fails.
bool Executor::gather_members(Warp& warp, const Instruction& i, std::uint32_t mask, bool& is_ready) {
  std::uint32_t members = kAllLanes;
  if (i.b[0].offset != kNoOperand && i.kind != Kind::multiply_matrices) {
    std::memcpy(&members, warp.file + i.b[0].offset + 4 * std::countr_zero(mask), 4);
    for (std::uint32_t m = mask; m != 0; m &= m - 1) {
      std::uint32_t other = 0;
      std::memcpy(&other, warp.file + i.b[0].offset + 4 * std::countr_zero(m), 4);
      if (other == members) continue;
      blame(Fault::member_mask, i,
            "lanes of warp " + std::to_string(warp.index) + " name different members, " + hex(members) +
                " and " + hex(other));
      return false;
    }
  }
  if ((members & warp.live & ~mask) != 0) {
    // These members are elsewhere: this group is asked again when one of them arrives.
    is_ready = false;
    --report_.instructions[warp.now.pc].warps;
    report_.instructions[warp.now.pc].lanes -= static_cast<std::uint64_t>(std::popcount(mask));
    return wait_for_lanes(warp, mask);
  }
  if ((members & ~warp.live) != 0)
    blame(Fault::member_mask, i,
          "its members " + hex(members) + " include lanes " + hex(members & ~warp.live) + " of warp " +
              std::to_string(warp.index) + ", which have exited");
  if ((mask & ~members) != 0)
    blame(Fault::member_mask, i,
          "lanes " + hex(mask & ~members) + " of warp " + std::to_string(warp.index) +
              " execute it, but its members are " + hex(members));
  if ((members & warp.live) == warp.live && i.kind != Kind::multiply_matrices) ++warp.time;
  switch (i.kind) {
    case Kind::shuffle:
      shuffle(warp, i, mask);
      break;
    case Kind::vote:
      vote(warp, i, mask);
      break;
    case Kind::match:
      match(warp, i, mask);
      break;
    case Kind::reduction:
      reduce(warp, i, mask);
      break;
    case Kind::multiply_matrices:
      multiply_matrices(warp, i);
      break;
    case Kind::load_matrix:
      load_matrix(warp, i);
      break;
    default:
      break;
  }
  return true;
}

/// True when all lanes of the warp that still run are here.
bool Executor::arrive(Warp& warp, const Instruction& i, std::uint32_t mask) {
  if (mask != warp.live) {
    --report_.instructions[warp.now.pc].warps;
    report_.instructions[warp.now.pc].lanes -= static_cast<std::uint64_t>(std::popcount(mask));
    wait_for_lanes(warp, mask);
    return false;
  }
  warp.is_at_barrier = true;
  warp.barrier_pc = pc_of(i);
  return true;
}

}  // namespace ptx
