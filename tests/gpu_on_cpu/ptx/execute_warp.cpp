// What lanes of a warp do together: by values of all lanes at once.
#include <array>
#include <bit>
#include <cstring>

#include "executor.h"

namespace ptx {
namespace {

using Values = std::array<std::uint32_t, kLanes>;

Values read_all(const Warp& warp, const Slot& slot) {
  Values values;
  std::memcpy(values.data(), warp.file + slot.offset, sizeof values);
  return values;
}
void write_lanes(Warp& warp, const Slot& slot, const Values& values, std::uint32_t mask) {
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const auto l = static_cast<std::size_t>(std::countr_zero(m));
    std::memcpy(warp.file + slot.offset + 4 * l, &values[l], 4);
  }
}
void write_predicate(Warp& warp, const Slot& slot, std::uint32_t value, std::uint32_t mask) {
  std::uint32_t p = 0;
  std::memcpy(&p, warp.file + slot.offset, 4);
  p = (p & ~mask) | (value & mask);
  std::memcpy(warp.file + slot.offset, &p, 4);
}
std::uint32_t read_predicate(const Warp& warp, const Instruction& i) {
  std::uint32_t p = 0;
  std::memcpy(&p, warp.file + i.a[0].offset, 4);
  return i.negates_a ? ~p : p;
}

std::int32_t byte_at(std::uint32_t word, std::uint32_t k, bool is_signed) {
  const auto byte = static_cast<std::uint8_t>(word >> (8 * k));
  return is_signed ? static_cast<std::int8_t>(byte) : byte;
}

}  // namespace

void Executor::shuffle(Warp& warp, const Instruction& i, std::uint32_t mask) {
  const Values a = read_all(warp, i.a[0]), b = read_all(warp, i.a[1]), c = read_all(warp, i.a[2]);
  Values d = a;
  std::uint32_t in_range = 0;
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(m));
    const std::uint32_t offset = b[lane] & 31, segment = c[lane] >> 8 & 31, clamp = c[lane] & 31;
    const std::uint32_t last = (lane & segment) | (clamp & ~segment), first = lane & segment;
    std::uint32_t from = 0;
    bool is_in_range = false;
    switch (i.shuffle) {
      case ShuffleMode::up:
        from = lane - offset;
        is_in_range = static_cast<std::int32_t>(from) >= static_cast<std::int32_t>(last);
        break;
      case ShuffleMode::down:
        from = lane + offset;
        is_in_range = from <= last;
        break;
      case ShuffleMode::butterfly:
        from = lane ^ offset;
        is_in_range = from <= last;
        break;
      case ShuffleMode::index:
        from = first | (offset & ~segment);
        is_in_range = from <= last;
        break;
    }
    if (!is_in_range) from = lane;
    if ((mask >> from & 1) == 0)
      blame(Fault::member_mask, i,
            thread_name(warp, lane) + " reads lane " + std::to_string(from) + ", which does not take part");
    d[lane] = a[from];
    in_range |= static_cast<std::uint32_t>(is_in_range) << lane;
  }
  write_lanes(warp, i.d[0], d, mask);
  if (i.d[1].offset != kNoOperand) write_predicate(warp, i.d[1], in_range, mask);
}

void Executor::vote(Warp& warp, const Instruction& i, std::uint32_t mask) {
  const std::uint32_t votes = read_predicate(warp, i) & mask;
  if (i.vote == VoteMode::ballot) {
    Values d;
    d.fill(votes);
    return write_lanes(warp, i.d[0], d, mask);
  }
  const bool holds = i.vote == VoteMode::all   ? votes == mask
                     : i.vote == VoteMode::any ? votes != 0
                                               : votes == 0 || votes == mask;
  write_predicate(warp, i.d[0], holds ? kAllLanes : 0, mask);
}

void Executor::match(Warp& warp, const Instruction& i, std::uint32_t mask) {
  std::array<std::uint64_t, kLanes> values{};
  for (std::size_t l = 0; l < kLanes; ++l)
    std::memcpy(&values[l], warp.file + i.a[0].offset + (i.a[0].is_wide ? 8 : 4) * l, i.a[0].is_wide ? 8 : 4);
  Values equal{};
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const auto l = static_cast<std::size_t>(std::countr_zero(m));
    for (std::uint32_t k = mask; k != 0; k &= k - 1) {
      const int other = std::countr_zero(k);
      equal[l] |= static_cast<std::uint32_t>(values[static_cast<std::size_t>(other)] == values[l]) << other;
    }
  }
  if (i.vote == VoteMode::all) {
    const bool is_all = equal[static_cast<std::size_t>(std::countr_zero(mask))] == mask;
    equal.fill(is_all ? mask : 0);
    if (i.d[1].offset != kNoOperand) write_predicate(warp, i.d[1], is_all ? kAllLanes : 0, mask);
  }
  write_lanes(warp, i.d[0], equal, mask);
}

void Executor::reduce(Warp& warp, const Instruction& i, std::uint32_t mask) {
  const Values a = read_all(warp, i.a[0]);
  std::uint32_t sum = a[static_cast<std::size_t>(std::countr_zero(mask))];
  for (std::uint32_t m = mask & (mask - 1); m != 0; m &= m - 1) {
    const std::uint32_t x = a[static_cast<std::size_t>(std::countr_zero(m))];
    const bool is_less =
        i.is_signed ? static_cast<std::int32_t>(x) < static_cast<std::int32_t>(sum) : x < sum;
    switch (i.atomic) {
      case AtomicOp::add:
        sum += x;
        break;
      case AtomicOp::min:
        sum = is_less ? x : sum;
        break;
      case AtomicOp::max:
        sum = is_less ? sum : x;
        break;
      case AtomicOp::conjunction:
        sum &= x;
        break;
      case AtomicOp::disjunction:
        sum |= x;
        break;
      default:
        sum ^= x;
        break;
    }
  }
  Values d;
  d.fill(sum);
  write_lanes(warp, i.d[0], d, mask);
}

// D[16][8] = A[16][depth] B[depth][8] + C. Lane l holds of A rows l/4 and l/4 + 8, of B and D as described in
// the PTX manual (9.7.14.5): four neighbouring k in the bytes of a register, from 4 (l % 4) on.
void Executor::multiply_matrices(Warp& warp, const Instruction& i) {
  std::int32_t a[16][32] = {}, b[32][8] = {};
  for (std::uint32_t r = 0; r < i.depth / 8;
       ++r) {  // registers of A: row l/4, then + 8; then again 16 further in k
    const Values word = read_all(warp, i.a[r]);
    for (std::uint32_t l = 0; l < kLanes; ++l) {
      for (std::uint32_t k = 0; k < 4; ++k)
        a[l / 4 + 8 * (r % 2)][16 * (r / 2) + 4 * (l % 4) + k] = byte_at(word[l], k, i.signed_a);
    }
  }
  for (std::uint32_t r = 0; r < i.depth / 16; ++r) {  // registers of B: column l/4
    const Values word = read_all(warp, i.b[r]);
    for (std::uint32_t l = 0; l < kLanes; ++l) {
      for (std::uint32_t k = 0; k < 4; ++k)
        b[16 * r + 4 * (l % 4) + k][l / 4] = byte_at(word[l], k, i.signed_b);
    }
  }
  const Values c[4] = {read_all(warp, i.c[0]), read_all(warp, i.c[1]), read_all(warp, i.c[2]),
                       read_all(warp, i.c[3])};
  for (std::uint32_t r = 0; r < 4;
       ++r) {  // registers of C and D: row l/4, then + 8; columns 2 (l % 4) and + 1
    Values d;
    for (std::uint32_t l = 0; l < kLanes; ++l) {
      const std::uint32_t row = l / 4 + 8 * (r / 2), column = 2 * (l % 4) + r % 2;
      std::int64_t sum = 0;
      for (std::uint32_t k = 0; k < i.depth; ++k) sum += a[row][k] * b[k][column];
      sum += static_cast<std::int32_t>(c[r][l]);
      if (i.saturates) sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
      d[l] = static_cast<std::uint32_t>(sum);
    }
    write_lanes(warp, i.d[r], d, kAllLanes);
  }
}

}  // namespace ptx
