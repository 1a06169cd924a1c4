// Declarations and operands: everything that has a name.
#include <algorithm>

#include "decoder.h"

namespace ptx {
namespace {

struct SpecialName {
  const char* name;
  Special special;
};
constexpr SpecialName kSpecials[] = {
    {"%tid.x", Special::tid_x},
    {"%tid.y", Special::tid_y},
    {"%tid.z", Special::tid_z},
    {"%ntid.x", Special::ntid_x},
    {"%ntid.y", Special::ntid_y},
    {"%ntid.z", Special::ntid_z},
    {"%ctaid.x", Special::ctaid_x},
    {"%ctaid.y", Special::ctaid_y},
    {"%ctaid.z", Special::ctaid_z},
    {"%nctaid.x", Special::nctaid_x},
    {"%nctaid.y", Special::nctaid_y},
    {"%nctaid.z", Special::nctaid_z},
    {"%laneid", Special::lane},
    {"%warpid", Special::warp},
    {"%nwarpid", Special::warps},
    {"%lanemask_eq", Special::lanemask_eq},
    {"%lanemask_le", Special::lanemask_le},
    {"%lanemask_lt", Special::lanemask_lt},
    {"%lanemask_ge", Special::lanemask_ge},
    {"%lanemask_gt", Special::lanemask_gt},
};

constexpr std::size_t kMostLocalBytes = 512 * 1024;

std::size_t rounded_up(std::size_t n, std::size_t to) { return to == 0 ? n : (n + to - 1) / to * to; }

}  // namespace

void Decoder::declare_parameter(const std::string& name, std::size_t offset) { parameters_[name] = offset; }

std::uint32_t Decoder::new_slot(Register::Type type) {
  const std::size_t bytes = type == Register::Type::wide ? 256 : type == Register::Type::narrow ? 128 : 4;
  const std::size_t offset = rounded_up(program_.file_bytes, type == Register::Type::predicate ? 4 : 64);
  program_.file_bytes = offset + bytes;
  if (program_.file_bytes > (std::size_t(1) << 28))
    fail(line_, "the kernel has more registers than anybody can hold");
  return static_cast<std::uint32_t>(offset);
}

// ".reg .b32 %r<10>, %a, %b"
void Decoder::declare_registers(std::string_view text) {
  const std::string rest = trimmed(text.substr(4));
  const std::size_t blank = rest.find(' ');
  if (blank == std::string::npos || rest[0] != '.') fail(line_, "'" + text_ + "' declares no registers");
  const std::string type_name = rest.substr(1, blank - 1);
  Register::Type type{};
  if (type_name == "pred") {
    type = Register::Type::predicate;
  } else if (const int bytes = bytes_of(type_name); bytes != 0) {
    type = bytes == 8 ? Register::Type::wide : Register::Type::narrow;
  } else {
    fail(line_, "registers of type ." + type_name + " are not supported");
  }
  for (const std::string& name : split_operands(rest.substr(blank))) {
    const std::size_t open = name.find('<');
    if (open == std::string::npos) {
      scopes_.back().registers[name] = {type, new_slot(type)};
      continue;
    }
    const auto count = parse_integer(name.substr(open + 1, name.size() - open - 2));
    if (!count || name.back() != '>' || *count > 100000)
      fail(line_, "'" + name + "' is no range of registers");
    for (std::uint64_t i = 0; i < *count; ++i) {
      scopes_.back().registers[name.substr(0, open) + std::to_string(i)] = {type, new_slot(type)};
    }
  }
}

void Decoder::declare_variable(const std::string& text, bool is_shared) {
  const Declaration d(text, line_);
  std::size_t& used = is_shared ? program_.static_shared : program_.local_bytes;
  used = rounded_up(used, d.alignment);
  (is_shared ? scopes_.back().shared : scopes_.back().local)[d.name] = kSpaceStart + used;
  used += d.bytes();
  if (program_.local_bytes > kMostLocalBytes)
    fail(line_, "a thread has " + std::to_string(kMostLocalBytes) + " bytes of local memory at most");
}

// "name .branchtargets A, B"
void Decoder::declare_table(const std::string& text) {
  if (pending_label_.empty()) fail(line_, "a table of branch targets has no name");
  scopes_.front().tables[pending_label_] = split_operands(text.substr(text.find(' ') + 1));
}

const Decoder::Register* Decoder::find_register(const std::string& name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    const auto at = scope->registers.find(name);
    if (at != scope->registers.end()) return &at->second;
  }
  return nullptr;
}

Slot Decoder::constant(std::uint64_t value, bool is_wide, Constant::Base base) {
  const auto key = std::make_pair(value, static_cast<int>(base) * 2 + is_wide);
  const auto at = constants_.find(key);
  if (at != constants_.end()) return at->second;
  const Slot slot{new_slot(is_wide ? Register::Type::wide : Register::Type::narrow), is_wide};
  program_.constants.push_back({slot, base, value});
  return constants_[key] = slot;
}

Slot Decoder::special(const std::string& name, bool is_wide) {
  for (const SpecialName& known : kSpecials) {
    if (name != known.name) continue;
    if (is_wide) unsupported("it reads " + name + " as 64 bits");
    const auto at = specials_.find(name);
    if (at != specials_.end()) return at->second;
    const Slot slot{new_slot(Register::Type::narrow), false};
    program_.specials.push_back({known.special, slot.offset});
    return specials_[name] = slot;
  }
  return {};
}

std::uint64_t Decoder::shared_address(const std::string& name) {
  const auto known = module_shared_.find(name);
  if (known != module_shared_.end()) return known->second;
  const ModuleSymbol& symbol = symbols_.at(name);
  program_.static_shared = rounded_up(program_.static_shared, symbol.alignment);
  const std::uint64_t at = kSpaceStart + program_.static_shared;
  program_.static_shared += symbol.size;
  return module_shared_[name] = at;
}

bool Decoder::is_symbol(const std::string& name, std::uint64_t& value, Constant::Base& base) {
  base = Constant::Base::value;
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    for (const auto* names : {&scope->shared, &scope->local}) {
      const auto at = names->find(name);
      if (at == names->end()) continue;
      value = at->second;
      return true;
    }
  }
  if (const auto at = parameters_.find(name); at != parameters_.end()) {
    value = at->second;
    base = Constant::Base::parameter;
    return true;
  }
  const auto at = symbols_.find(name);
  if (at == symbols_.end()) return false;
  value = at->second.address;
  if (at->second.is_dynamic_shared) {
    base = Constant::Base::dynamic_shared;
    value = 0;
  } else if (at->second.is_shared) {
    value = shared_address(name);
  }
  return true;
}

Slot Decoder::source(const std::string& operand, char letter) {
  const bool is_wide = letter == 'x';
  if (letter == 'p') return {predicate(operand), false};
  if (const Register* r = find_register(operand); r != nullptr) {
    if ((r->type == Register::Type::wide) != is_wide || r->type == Register::Type::predicate)
      unsupported("register " + operand + " has the wrong size");
    return {r->offset, is_wide};
  }
  if (!operand.empty() && operand[0] == '%') {
    const Slot slot = special(operand, is_wide);
    if (slot.offset == kNoOperand) unsupported("nobody declared " + operand);
    return slot;
  }
  if (const auto bits = parse_float(operand)) {
    if (bits->is_double != is_wide) unsupported("the literal " + operand + " has the wrong size");
    return constant(bits->bits, is_wide);
  }
  if (const auto value = parse_integer(operand))
    return constant(is_wide ? *value : *value & 0xffffffffu, is_wide);
  if (operand == "WARP_SZ") return constant(kLanes, is_wide);
  std::uint64_t value = 0;
  Constant::Base base{};
  const std::size_t plus = operand.find('+');
  const std::string name = trimmed(operand.substr(0, plus));
  if (!name.empty() && is_symbol(name, value, base)) {
    if (plus != std::string::npos) {
      const auto more = parse_integer(trimmed(operand.substr(plus + 1)));
      if (!more) unsupported("nobody knows what " + operand + " is");
      value += *more;
    }
    return constant(value, is_wide, base);
  }
  unsupported("nobody knows what '" + operand + "' is");
}

Slot Decoder::destination(const std::string& operand, char letter) {
  const Register* r = find_register(operand);
  if (r == nullptr) unsupported("'" + operand + "' is no register to write to");
  const Register::Type type = letter == 'p'   ? Register::Type::predicate
                              : letter == 'x' ? Register::Type::wide
                                              : Register::Type::narrow;
  if (r->type != type) unsupported("register " + operand + " has the wrong size");
  return {r->offset, letter == 'x'};
}

std::uint32_t Decoder::predicate(const std::string& operand) {
  const Register* r = find_register(operand);
  if (r != nullptr && r->type == Register::Type::predicate) return r->offset;
  // A constant predicate is a constant slot of which only the first word counts.
  if (const auto value = parse_integer(operand)) return constant(*value == 0 ? 0 : kAllLanes, false).offset;
  unsupported("'" + operand + "' is no predicate");
}

std::vector<std::string> Decoder::elements(const std::string& operand) const {
  if (operand.size() < 2 || operand.front() != '{' || operand.back() != '}') return {operand};
  return split_operands(std::string_view(operand).substr(1, operand.size() - 2));
}

Slot Decoder::memory_register(const std::string& operand, bool is_destination, int bytes) {
  if (is_destination && operand == "_") return {};
  if (const Register* r = find_register(operand); r != nullptr && r->type != Register::Type::predicate) {
    const bool is_wide = r->type == Register::Type::wide;
    if (bytes == 8 && !is_wide) unsupported("register " + operand + " is too small");
    return {r->offset, is_wide};
  }
  if (is_destination) unsupported("'" + operand + "' is no register to load into");
  return source(operand, bytes == 8 ? 'x' : 'w');
}

// "[%rd1+8]", "[name]", "[name+4]"
Decoder::Address Decoder::address(const std::string& operand, Space space) {
  if (operand.size() < 3 || operand.front() != '[' || operand.back() != ']')
    unsupported("'" + operand + "' is no address");
  const std::string inside = trimmed(std::string_view(operand).substr(1, operand.size() - 2));
  std::size_t plus = inside.find_first_of("+-", 1);
  Address a;
  std::string name = trimmed(inside.substr(0, plus));
  if (plus != std::string::npos) {
    const std::size_t from = inside[plus] == '+' ? plus + 1 : plus;
    const auto offset = parse_integer(trimmed(inside.substr(from)));
    if (!offset) unsupported("nobody knows what '" + operand + "' is");
    a.displacement = static_cast<std::int64_t>(*offset);
  }
  if (const Register* r = find_register(name); r != nullptr && r->type != Register::Type::predicate) {
    const bool is_wide = r->type == Register::Type::wide;
    if (!is_wide && space != Space::shared && space != Space::local && space != Space::constant)
      unsupported("32 bits are no address here");
    a.base = {r->offset, is_wide};
    return a;
  }
  a.base = source(name, 'x');
  a.is_uniform = true;
  return a;
}

}  // namespace ptx
