// Instructions of single lanes, and control flow.
#include "decoder.h"

#include <algorithm>

namespace ptx {
namespace {

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

Work work_of(const std::string& head, std::string_view type, bool is_approximate) {
  if (is_approximate) return Work::special;
  if (head == "mov" || head == "cvta") return Work::move;
  const bool is_float = !type.empty() && type[0] == 'f';
  if ((head == "div" || head == "rcp" || head == "sqrt") && is_float) return Work::special;
  if (type == "f32" && head != "cvt") return Work::fp32;
  if (type == "f64") return Work::fp64;
  return Work::integer;
}

}  // namespace

void Decoder::unsupported(const std::string& why) const {
  fail(line_, "cannot execute '" + text_ + "': " + why);
}

void Decoder::expect_operands(std::size_t count) const {
  if (operands_.size() != count) {
    unsupported("it has " + std::to_string(operands_.size()) + " operands, not " + std::to_string(count));
  }
}

bool Decoder::has(std::string_view modifier) const {
  return std::find(parts_.begin() + 1, parts_.end(), modifier) != parts_.end();
}

void Decoder::decode(const Statement& statement) {
  line_ = statement.line;
  text_ = statement.text;
  switch (statement.kind) {
    case Statement::Kind::open:
      scopes_.emplace_back();
      return;
    case Statement::Kind::close:
      if (scopes_.size() == 1) fail(line_, "a '}' closes nothing");
      scopes_.pop_back();
      return;
    case Statement::Kind::label:
      if (!labels_.emplace(statement.text, static_cast<std::uint32_t>(program_.code.size())).second)
        fail(line_, "the label " + statement.text + " stands twice");
      pending_label_ = statement.text;
      return;
    case Statement::Kind::simple:
      break;
  }
  if (starts_with(text_, ".reg ")) return declare_registers(text_);
  if (starts_with(text_, ".shared ")) return declare_variable(text_, true);
  if (starts_with(text_, ".local ")) return declare_variable(text_, false);
  if (starts_with(text_, ".branchtargets")) return declare_table(text_);
  if (starts_with(text_, ".pragma") || starts_with(text_, ".loc")) return;
  decode_instruction(text_);
}

void Decoder::decode_instruction(const std::string& text) {
  Instruction i;
  i.line = line_;
  i.text = text;
  std::string rest = text;
  if (rest[0] == '@') {
    const std::size_t blank = std::min(rest.find(' '), rest.size());
    i.negates_guard = rest.size() > 1 && rest[1] == '!';
    const std::size_t from = i.negates_guard ? 2 : 1;
    i.guard = predicate(rest.substr(from, std::max(blank, from) - from));
    rest = trimmed(std::string_view(rest).substr(blank));
  }
  const std::size_t blank = std::min(rest.find(' '), rest.size());
  opcode_ = rest.substr(0, blank);
  operands_ = split_operands(std::string_view(rest).substr(blank));
  parts_ = split_opcode(opcode_);
  const std::string& head = parts_[0];
  if (head == "ld" || head == "ldu" || head == "st") return decode_memory(i);
  if (head == "atom" || head == "red") return decode_atomic(i);
  if (head == "bra" || head == "brx" || head == "ret" || head == "exit" || head == "trap")
    return decode_branch(i);
  if (head == "bar" || head == "barrier") return decode_barrier(i);
  if (head == "shfl" || head == "vote" || head == "match" || head == "redux" || head == "activemask")
    return decode_warp(i);
  if (head == "mma") return decode_matrices(i);
  if (head == "ldmatrix") return decode_load_matrix(i);
  if (starts_with(opcode_, "cp.async")) return decode_copy(i);
  if (head == "setp") return decode_set_predicate(i);
  if (head == "mov" || head == "cvta") return decode_move(i);
  if (head == "fence" || head == "membar") {
    i.work = Work::sync;
    return emit(i);
  }
  if (head == "call") unsupported("it calls a function, and only kernels are executed; inline it");
  if (!decode_lane_op(i, opcode_)) unsupported("nobody taught this executor the instruction");
  emit(i);
}

bool Decoder::decode_lane_op(Instruction& i, const std::string& opcode) {
  const LaneOp* op = find_lane_op(opcode);
  if (op == nullptr) return false;
  const std::string_view letters = op->operands;
  expect_operands(letters.size());
  i.kind = Kind::lanes;
  i.work = work_of(parts_[0], parts_.back(), has("approx") || has("full"));
  i.function = op->function;
  std::uint32_t* const slots[] = {&i.lanes.d, &i.lanes.a, &i.lanes.b, &i.lanes.c, &i.lanes.second};
  for (std::size_t k = 0; k < letters.size(); ++k) {
    if (letters[k] == 'i') {
      const auto value = parse_integer(operands_[k]);
      if (!value) unsupported("'" + operands_[k] + "' is no integer");
      i.lanes.immediate = static_cast<std::uint32_t>(*value);
    } else {
      *slots[k] =
          k == 0 ? destination(operands_[k], letters[k]).offset : source(operands_[k], letters[k]).offset;
    }
  }
  return true;
}

// setp.lt.and.f32 p|q, a, b, !c
void Decoder::decode_set_predicate(Instruction& i) {
  std::string opcode = "setp";
  for (std::size_t k = 1; k < parts_.size(); ++k) {
    const std::string& part = parts_[k];
    const Combine combine = part == "and"   ? Combine::conjunction
                            : part == "or"  ? Combine::disjunction
                            : part == "xor" ? Combine::exclusive
                                            : Combine::none;
    if (combine != Combine::none && k == 2) {
      i.lanes.combine = combine;
    } else {
      opcode += "." + part;
    }
  }
  const LaneOp* op = find_lane_op(opcode);
  if (op == nullptr) unsupported("nobody taught this executor the instruction");
  expect_operands(i.lanes.combine == Combine::none ? 3 : 4);
  const std::size_t bar = operands_[0].find('|');
  const std::string first = trimmed(operands_[0].substr(0, bar));
  if (first != "_") i.lanes.d = destination(first, 'p').offset;
  if (bar != std::string::npos)
    i.lanes.second = destination(trimmed(operands_[0].substr(bar + 1)), 'p').offset;
  i.lanes.a = source(operands_[1], op->operands[1]).offset;
  i.lanes.b = source(operands_[2], op->operands[2]).offset;
  if (i.lanes.combine != Combine::none) {
    i.lanes.negates_c = operands_[3][0] == '!';
    i.lanes.c = predicate(trimmed(std::string_view(operands_[3]).substr(i.lanes.negates_c ? 1 : 0)));
  }
  i.kind = Kind::lanes;
  i.function = op->function;
  i.work = work_of("setp", parts_.back(), false);
  emit(i);
}

void Decoder::emit_lane_op(const Instruction& like, const std::string& opcode, const LaneArguments& lanes) {
  Instruction i = like;
  i.kind = Kind::lanes;
  i.function = find_lane_op(opcode)->function;
  i.lanes = lanes;
  emit(i);
}

// Beside plain moves: packing and unpacking of {a, b}, addresses, and cvta.
void Decoder::decode_move(Instruction& i) {
  expect_operands(2);
  i.work = Work::move;
  const std::string& type = parts_.back();
  if (parts_[0] == "cvta") {
    // Host pointers are generic addresses already; the windows of shared and local memory are numbers to add.
    const Space space = space_of_opcode();
    const std::uint64_t window = space == Space::shared  ? kSharedWindow
                                 : space == Space::local ? kLocalWindow
                                                         : 0;
    const std::uint64_t offset = has("to") ? 0 - window : window;
    emit_lane_op(i, "add.s64",
                 {.d = destination(operands_[0], 'x').offset,
                  .a = source(operands_[1], 'x').offset,
                  .b = constant(offset, true).offset});
    return;
  }
  const bool packs = operands_[1][0] == '{', unpacks = operands_[0][0] == '{';
  if (!packs && !unpacks) {
    if (!decode_lane_op(i, opcode_)) unsupported("nobody taught this executor the instruction");
    return emit(i);
  }
  const std::vector<std::string> list = elements(operands_[packs ? 1 : 0]);
  const auto bytes = static_cast<std::size_t>(bytes_of(type));
  const std::size_t part = list.empty() ? 0 : bytes / list.size();
  if ((bytes != 4 && bytes != 8) || (part != 2 && part != 4) || part * list.size() != bytes)
    unsupported("only parts of 16 and 32 bits are packed and unpacked");
  const char letter = bytes == 8 ? 'x' : 'w';
  const std::string whole_bits = std::to_string(8 * bytes), part_bits = std::to_string(8 * part);
  const std::string widen = "cvt.u" + whole_bits + ".u" + part_bits,
                    narrow = "cvt.u" + part_bits + ".u" + whole_bits;
  const auto new_whole = [&] { return new_slot(bytes == 8 ? Register::Type::wide : Register::Type::narrow); };
  const std::size_t first = program_.code.size();
  // The whole is put together, or taken, beside the registers of the list: some may be the same.
  const Slot d = packs ? destination(operands_[0], letter) : Slot{};
  const std::uint32_t whole = new_whole(), moved = new_whole();
  if (unpacks) emit_lane_op(i, "mov.u" + whole_bits, {.d = whole, .a = source(operands_[1], letter).offset});
  for (std::size_t k = 0; k < list.size(); ++k) {
    const std::uint32_t shift = constant(8 * part * k, false).offset;
    if (unpacks && list[k] == "_") continue;
    if (unpacks) {
      emit_lane_op(i, "shr.u" + whole_bits, {.d = moved, .a = whole, .b = shift});
      emit_lane_op(i, narrow, {.d = destination(list[k], 'w').offset, .a = moved});
      continue;
    }
    emit_lane_op(i, widen, {.d = k == 0 ? whole : moved, .a = source(list[k], 'w').offset});
    if (k == 0) continue;
    emit_lane_op(i, "shl.b" + whole_bits, {.d = moved, .a = moved, .b = shift});
    emit_lane_op(i, "or.b" + whole_bits, {.d = whole, .a = whole, .b = moved});
  }
  if (packs) emit_lane_op(i, "mov.u" + whole_bits, {.d = d.offset, .a = whole});
  for (std::size_t k = first; k + 1 < program_.code.size(); ++k) program_.code[k].is_counted = false;
}

void Decoder::decode_branch(Instruction& i) {
  const std::string& head = parts_[0];
  if (head == "ret" || head == "exit" || head == "trap") {
    expect_operands(0);
    i.kind = head == "trap" ? Kind::trap : Kind::exit;
    return emit(i);
  }
  i.kind = head == "bra" ? Kind::branch : Kind::branch_table;
  std::vector<std::string> to;
  if (head == "bra") {
    expect_operands(1);
    to = {operands_[0]};
  } else {
    expect_operands(2);
    i.a[0] = source(operands_[0], 'w');
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend() && to.empty(); ++scope) {
      const auto table = scope->tables.find(operands_[1]);
      if (table != scope->tables.end()) to = table->second;
    }
    if (to.empty()) unsupported("nobody declared the table " + operands_[1]);
  }
  jumps_.push_back({program_.code.size(), to, line_});
  emit(i);
}

void Decoder::finish(int line) {
  line_ = line;
  if (scopes_.size() != 1) fail(line_, "a '{' is still open where the kernel ends");
  Instruction last;
  last.kind = Kind::exit;
  last.line = line;
  last.text = "}";
  emit(last);
  for (const Jump& jump : jumps_) {
    Instruction& i = program_.code[jump.from];
    for (const std::string& name : jump.to) {
      const auto label = labels_.find(name);
      if (label == labels_.end())
        fail(jump.line, "cannot execute '" + i.text + "': there is no label " + name);
      i.targets.push_back(label->second);
    }
    if (i.kind == Kind::branch) i.target = i.targets.front();
  }
}

}  // namespace ptx
