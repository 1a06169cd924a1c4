// Instructions by which threads meet: barriers, shuffles, votes, and those of the tensor cores.
#include <algorithm>

#include "decoder.h"

namespace ptx {

void Decoder::decode_barrier(Instruction& i) {
  i.work = Work::sync;
  if (parts_.size() > 1 && parts_[1] == "warp") {
    expect_operands(1);
    i.kind = Kind::warp_barrier;
    i.b[0] = source(operands_[0], 'w');
    return emit(i);
  }
  i.kind = Kind::barrier;
  std::size_t next = 0;
  bool is_known = false;
  for (std::size_t k = 1; k < parts_.size(); ++k) {
    const std::string& part = parts_[k];
    if (part == "cta" || part == "aligned" || part == "red" || part == "pred" || part == "u32") continue;
    is_known = true;
    if (part == "sync") {
      i.barrier = BarrierMode::sync;
    } else if (part == "popc") {
      i.barrier = BarrierMode::count;
    } else if (part == "and") {
      i.barrier = BarrierMode::conjunction;
    } else if (part == "or") {
      i.barrier = BarrierMode::disjunction;
    } else {
      unsupported("nobody knows ." + part);
    }
  }
  if (!is_known) unsupported("it says not what to do");
  if (i.barrier != BarrierMode::sync) {
    if (operands_.size() != 3) unsupported("only barriers of the whole block are supported");
    i.d[0] = destination(operands_[next++], i.barrier == BarrierMode::count ? 'w' : 'p');
  } else {
    if (operands_.size() == 2) unsupported("only barriers of the whole block are supported");
    expect_operands(1);
  }
  i.b[0] = source(operands_[next++], 'w');
  if (i.barrier != BarrierMode::sync) {
    i.negates_a = operands_[next][0] == '!';
    i.a[0] = {predicate(operands_[next].substr(i.negates_a ? 1 : 0)), false};
  }
  program_.has_barriers = true;
  emit(i);
}

void Decoder::decode_warp(Instruction& i) {
  i.work = Work::sync;
  const std::string& head = parts_[0];
  if (head == "activemask") {
    expect_operands(1);
    i.kind = Kind::active_mask;
    i.d[0] = destination(operands_[0], 'w');
    return emit(i);
  }
  if (!has("sync")) unsupported("instructions of warps need .sync");
  if (head == "shfl") {
    expect_operands(5);
    i.kind = Kind::shuffle;
    i.shuffle = has("up")     ? ShuffleMode::up
                : has("down") ? ShuffleMode::down
                : has("bfly") ? ShuffleMode::butterfly
                              : ShuffleMode::index;
    if (i.shuffle == ShuffleMode::index && !has("idx")) unsupported("nobody knows the mode");
    const std::size_t bar = operands_[0].find('|');
    i.d[0] = destination(trimmed(operands_[0].substr(0, bar)), 'w');
    if (bar != std::string::npos) i.d[1] = destination(trimmed(operands_[0].substr(bar + 1)), 'p');
    i.a[0] = source(operands_[1], 'w');
    i.a[1] = source(operands_[2], 'w');
    i.a[2] = source(operands_[3], 'w');
    i.b[0] = source(operands_[4], 'w');
    return emit(i);
  }
  expect_operands(3);
  i.b[0] = source(operands_[2], 'w');
  if (head == "vote") {
    i.kind = Kind::vote;
    i.vote = has("all")   ? VoteMode::all
             : has("any") ? VoteMode::any
             : has("uni") ? VoteMode::uniform
                          : VoteMode::ballot;
    if (i.vote == VoteMode::ballot && !has("ballot")) unsupported("nobody knows the mode");
    i.d[0] = destination(operands_[0], i.vote == VoteMode::ballot ? 'w' : 'p');
    i.negates_a = operands_[1][0] == '!';
    i.a[0] = {predicate(operands_[1].substr(i.negates_a ? 1 : 0)), false};
  } else if (head == "match") {
    i.kind = Kind::match;
    i.vote = has("all") ? VoteMode::all : VoteMode::any;
    const std::size_t bar = operands_[0].find('|');
    i.d[0] = destination(trimmed(operands_[0].substr(0, bar)), 'w');
    if (bar != std::string::npos) i.d[1] = destination(trimmed(operands_[0].substr(bar + 1)), 'p');
    i.a[0] = source(operands_[1], parts_.back() == "b64" ? 'x' : 'w');
  } else {
    i.kind = Kind::reduction;
    i.is_signed = is_signed_type(parts_.back());
    i.atomic = has("add")   ? AtomicOp::add
               : has("min") ? AtomicOp::min
               : has("max") ? AtomicOp::max
               : has("and") ? AtomicOp::conjunction
               : has("or")  ? AtomicOp::disjunction
                            : AtomicOp::exclusive;
    if (i.atomic == AtomicOp::exclusive && !has("xor")) unsupported("it says not what to do");
    if (bytes_of(parts_.back()) != 4 || parts_.back()[0] == 'f')
      unsupported("nobody knows the type ." + parts_.back());
    i.d[0] = destination(operands_[0], 'w');
    i.a[0] = source(operands_[1], 'w');
  }
  emit(i);
}

// mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {d x 4}, {a x 4}, {b x 2}, {c x 4}
void Decoder::decode_matrices(Instruction& i) {
  i.kind = Kind::multiply_matrices;
  i.work = Work::tensor;
  const std::size_t n = parts_.size();
  const auto is_byte = [](const std::string& type) { return type == "s8" || type == "u8"; };
  i.depth = has("m16n8k32") ? 32 : has("m16n8k16") ? 16 : 0;
  i.saturates = has("satfinite");
  if (i.depth == 0 || n < 9 || !has("row") || !has("col") || parts_[n - 4] != "s32" ||
      parts_[n - 1] != "s32" || !is_byte(parts_[n - 3]) || !is_byte(parts_[n - 2])) {
    unsupported(
        "of the tensor core's instructions only m16n8k16 and m16n8k32 of 8-bit integers are defined to the "
        "bit");
  }
  i.signed_a = parts_[n - 3] == "s8";
  i.signed_b = parts_[n - 2] == "s8";
  expect_operands(4);
  const std::size_t counts[] = {4, i.depth / 8, i.depth / 16, 4};
  std::array<Slot, 4>* const slots[] = {&i.d, &i.a, &i.b, &i.c};
  for (std::size_t k = 0; k < 4; ++k) {
    const std::vector<std::string> list = elements(operands_[k]);
    if (list.size() != counts[k])
      unsupported("operand " + std::to_string(k + 1) + " needs " + std::to_string(counts[k]) + " registers");
    for (std::size_t j = 0; j < list.size(); ++j)
      (*slots[k])[j] = k == 0 ? destination(list[j], 'w') : source(list[j], 'w');
  }
  emit(i);
}

// ldmatrix.sync.aligned.m8n8.x4{.trans}.shared.b16 {d x 4}, [row addresses]
void Decoder::decode_load_matrix(Instruction& i) {
  expect_operands(2);
  i.kind = Kind::load_matrix;
  i.work = Work::shared;
  i.space = space_of_opcode() == Space::generic ? Space::generic : Space::shared;
  i.is_transposed = has("trans");
  i.count = has("x4") ? 4 : has("x2") ? 2 : 1;
  i.bytes = 16;
  if (!has("m8n8") || parts_.back() != "b16") unsupported("only m8n8 of .b16 is supported");
  const std::vector<std::string> list = elements(operands_[0]);
  if (list.size() != i.count) unsupported("it loads " + std::to_string(i.count) + " registers");
  for (std::size_t k = 0; k < list.size(); ++k) i.d[k] = destination(list[k], 'w');
  const Address at = address(operands_[1], i.space);
  i.base = at.base;
  i.displacement = at.displacement;
  emit(i);
}

}  // namespace ptx
