#include <bit>

#include "threads.h"

namespace on_cpu {
namespace {

std::string name_of(const Thread& t) { return "thread " + text(t.index.x, t.index.y, t.index.z); }

std::string at_operation(const Thread& t) {
  return name_of(t) + " is at " + place_of(t) + " with mask " + text_of_mask(t.mask);
}

}  // namespace

std::string text(unsigned x, unsigned y, unsigned z) {
  return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) + ")";
}

std::string place_of(const Thread& t) {
  const std::string file = t.where.file_name();
  return std::string(t.operation) + " at " + file.substr(file.find_last_of('/') + 1) + ":" +
         std::to_string(t.where.line());
}

std::string text_of_mask(std::uint32_t mask) {
  std::string digits = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) digits += "0123456789abcdef"[mask >> shift & 15];
  return digits;
}

std::string sentence_on_lane_out_of_its_mask(const Thread& t) {
  return at_operation(t) + ", which does not name its own lane " + std::to_string(t.number % kWarp);
}

std::string sentence_on_missing_lanes(const Thread& t, std::uint32_t missing, const Warp& warp) {
  return at_operation(t) + ", which names lane " + std::to_string(std::countr_zero(missing)) +
         ((missing & warp.exists) == 0 ? ", which the block does not have" : ", which has returned");
}

std::string sentence_on_two_barriers(const Thread& a, const Thread& b) {
  return name_of(a) + " is at " + place_of(a) + ", but " + name_of(b) + " is at " + place_of(b) +
         "; a block must meet at one barrier";
}

std::string sentence_on_deadlock(Block& block) {
  const Thread *at_warp = nullptr, *at_barrier = nullptr;
  for (unsigned i = block.size; i-- > 0;) {
    const Thread& t = block.threads[i];
    if (t.state == State::at_barrier) at_barrier = &t;
    if (t.state == State::at_warp_operation) at_warp = &t;
  }
  if (at_warp == nullptr) {
    return name_of(*at_barrier) + " waits at " + place_of(*at_barrier) + ", but " +
           std::to_string(block.ended) + " of the block's " + std::to_string(block.size) +
           " threads have returned";
  }
  const Warp& warp = block.warp_of(*at_warp);
  for (std::uint32_t rest = at_warp->mask; rest != 0; rest &= rest - 1) {
    const Thread& other = warp.lanes[std::countr_zero(rest)];
    if (other.state == State::at_barrier) {
      return at_operation(*at_warp) + " and waits for " + name_of(other) + ", which is at " + place_of(other);
    }
    if (other.mask != at_warp->mask || other.warp_operation != at_warp->warp_operation) {
      return at_operation(*at_warp) + ", but " + at_operation(other) + "; they must agree";
    }
  }
  return at_operation(*at_warp) + " and waits for ever";
}

}  // namespace on_cpu
