// Loads, stores, atomics and asynchronous copies.
#include <algorithm>

#include "decoder.h"

namespace ptx {
namespace {

// What tells caches, or other threads at other times, how to treat an access: nothing changes here.
bool is_hint(std::string_view modifier) {
  for (const char* hint : {"volatile", "relaxed", "acquire", "release", "acq_rel", "weak", "nc", "ca", "cg",
                           "cs", "lu", "cv", "wb", "wt", "cta", "gpu", "sys", "cluster"}) {
    if (modifier == hint) return true;
  }
  return modifier.substr(0, 4) == "L1::" || modifier.substr(0, 4) == "L2::";
}
bool is_space(std::string_view modifier) {
  for (const char* space : {"global", "shared", "shared::cta", "local", "param", "const"}) {
    if (modifier == space) return true;
  }
  return false;
}

struct NamedAtomic {
  const char* name;
  AtomicOp op;
  const char* types;
};
constexpr NamedAtomic kAtomics[] = {
    {"add", AtomicOp::add, "u32 s32 u64 s64"}, {"and", AtomicOp::conjunction, "b32 b64"},
    {"or", AtomicOp::disjunction, "b32 b64"},  {"xor", AtomicOp::exclusive, "b32 b64"},
    {"min", AtomicOp::min, "u32 s32 u64 s64"}, {"max", AtomicOp::max, "u32 s32 u64 s64"},
    {"exch", AtomicOp::exchange, "b32 b64"},   {"cas", AtomicOp::compare_exchange, "b32 b64"},
    {"inc", AtomicOp::increment, "u32"},       {"dec", AtomicOp::decrement, "u32"},
};

Work work_of(Space space) {
  switch (space) {
    case Space::shared:
      return Work::shared;
    case Space::local:
      return Work::local;
    case Space::parameter:
      return Work::parameter;
    case Space::constant:
      return Work::constant;
    case Space::generic:
    case Space::global:
      break;
  }
  return Work::global;
}

}  // namespace

Space Decoder::space_of_opcode() const {
  if (has("global")) return Space::global;
  if (has("shared") || has("shared::cta")) return Space::shared;
  if (has("local")) return Space::local;
  if (has("param")) return Space::parameter;
  if (has("const")) return Space::constant;
  return Space::generic;
}

void Decoder::note_grain(Space space, int bytes) {
  const auto smaller = [&](std::uint8_t& grain) {
    grain = static_cast<std::uint8_t>(std::min<int>(grain, bytes));
  };
  if (space == Space::shared || space == Space::generic) smaller(program_.shared_grain);
  if (space == Space::global || space == Space::generic) smaller(program_.global_grain);
}

void Decoder::decode_memory(Instruction& i) {
  expect_operands(2);
  const bool is_load = parts_[0] != "st";
  const std::string& type = parts_.back();
  i.kind = is_load ? Kind::load : Kind::store;
  i.space = space_of_opcode();
  i.work = work_of(i.space);
  i.bytes = static_cast<std::uint8_t>(bytes_of(type));
  i.is_signed = is_signed_type(type);
  if (i.bytes == 0) unsupported("nobody knows the type ." + type);
  for (std::size_t k = 1; k + 1 < parts_.size(); ++k) {
    if (parts_[k] == "v2" || parts_[k] == "v4") {
      i.count = parts_[k] == "v2" ? 2 : 4;
    } else if (!is_hint(parts_[k]) && !is_space(parts_[k])) {
      unsupported("nobody knows ." + parts_[k]);
    }
  }
  if (i.bytes * i.count > 16) unsupported("no access is wider than 16 bytes");
  const Address at = address(operands_[is_load ? 1 : 0], i.space);
  i.base = at.base;
  i.displacement = at.displacement;
  i.is_uniform = at.is_uniform;
  const std::vector<std::string> list = elements(operands_[is_load ? 0 : 1]);
  if (list.size() != i.count) unsupported("it moves " + std::to_string(i.count) + " values");
  for (std::size_t k = 0; k < list.size(); ++k) i.d[k] = memory_register(list[k], is_load, i.bytes);
  note_grain(i.space, i.bytes);
  emit(i);
}

void Decoder::decode_atomic(Instruction& i) {
  const bool returns = parts_[0] == "atom";
  const std::string& type = parts_.back();
  bool is_known = false;
  for (std::size_t k = 1; k + 1 < parts_.size(); ++k) {
    if (is_hint(parts_[k]) || is_space(parts_[k])) continue;
    const NamedAtomic* op = std::find_if(std::begin(kAtomics), std::end(kAtomics),
                                         [&](const NamedAtomic& a) { return parts_[k] == a.name; });
    if (op == std::end(kAtomics) || is_known) unsupported("nobody knows ." + parts_[k]);
    is_known = true;
    i.atomic = op->op;
    if (std::string_view(op->types).find(type) == std::string_view::npos) {
      unsupported("." + type +
                  " is not supported: only integers add up to the same in every order of threads");
    }
  }
  if (!is_known) unsupported("it says not what to do");
  i.kind = Kind::atomic;
  i.space = space_of_opcode();
  i.work = work_of(i.space);
  i.bytes = static_cast<std::uint8_t>(bytes_of(type));
  i.is_signed = is_signed_type(type);
  const std::size_t first = returns ? 1 : 0;
  expect_operands(first + (i.atomic == AtomicOp::compare_exchange ? 3 : 2));
  const char letter = i.bytes == 8 ? 'x' : 'w';
  if (returns && operands_[0] != "_") i.d[0] = destination(operands_[0], letter);
  const Address at = address(operands_[first], i.space);
  i.base = at.base;
  i.displacement = at.displacement;
  i.a[0] = source(operands_[first + 1], letter);
  if (i.atomic == AtomicOp::compare_exchange) i.b[0] = source(operands_[first + 2], letter);
  note_grain(i.space, i.bytes);
  emit(i);
}

// cp.async.cg.shared.global [to], [from], 16 {, bytes read}; cp.async.commit_group; .wait_group n; .wait_all
void Decoder::decode_copy(Instruction& i) {
  i.work = Work::sync;
  if (has("commit_group")) {
    expect_operands(0);
    i.kind = Kind::commit_copies;
    return emit(i);
  }
  if (has("wait_all") || has("wait_group")) {
    i.kind = Kind::wait_copies;
    i.target = 0;  // groups that may stay pending
    i.is_uniform = has("wait_all");
    if (has("wait_group")) {
      expect_operands(1);
      const auto groups = parse_integer(operands_[0]);
      if (!groups) unsupported("'" + operands_[0] + "' is no number of groups");
      i.target = static_cast<std::uint32_t>(*groups);
    }
    return emit(i);
  }
  for (std::size_t k = 2; k < parts_.size(); ++k) {
    if (!is_hint(parts_[k]) && parts_[k] != "shared" && parts_[k] != "shared::cta" && parts_[k] != "global")
      unsupported("nobody knows ." + parts_[k]);
  }
  if (operands_.size() != 3 && operands_.size() != 4) unsupported("it has no 3 or 4 operands");
  i.kind = Kind::copy;
  i.work = Work::global;
  i.space = Space::shared;
  const Address to = address(operands_[0], Space::shared), from = address(operands_[1], Space::global);
  i.base = to.base;
  i.displacement = to.displacement;
  i.source = from.base;
  i.source_displacement = from.displacement;
  const auto bytes = parse_integer(operands_[2]);
  if (!bytes || (*bytes != 4 && *bytes != 8 && *bytes != 16)) unsupported("it copies 4, 8 or 16 bytes");
  i.bytes = static_cast<std::uint8_t>(*bytes);
  if (operands_.size() == 4) {
    if (const Register* r = find_register(operands_[3]); r != nullptr && r->type == Register::Type::predicate)
      unsupported("it is told by a predicate what to ignore");
    i.a[0] = source(operands_[3], 'w');
  }
  note_grain(Space::shared, 4);
  note_grain(Space::global, 4);
  emit(i);
}

}  // namespace ptx
