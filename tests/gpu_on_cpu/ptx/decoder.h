/// Turns the statements of one kernel's body into a Program.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "program.h"
#include "text.h"

namespace ptx {

/// What a name of the module means inside of a kernel.
struct ModuleSymbol {
  std::uint64_t address = 0;
  bool is_shared = false, is_dynamic_shared = false;
  std::size_t size = 0, alignment = 1;  // of shared ones
};

class Decoder {
 public:
  Decoder(Program& program, const std::map<std::string, ModuleSymbol>& symbols)
      : program_(program), symbols_(symbols) {
    program_.file_bytes = 128;  // kCarry, and the alignment of what follows
    scopes_.emplace_back();
  }

  /// A parameter's name; its address is `offset` behind the launch's block of parameters.
  void declare_parameter(const std::string& name, std::size_t offset);
  void decode(const Statement& statement);
  /// Resolves branches; call once, after the last statement.
  void finish(int line);

 private:
  struct Register {
    enum class Type { predicate, narrow, wide } type = Type::narrow;
    std::uint32_t offset = 0;
  };
  struct Scope {
    std::unordered_map<std::string, Register> registers;
    std::unordered_map<std::string, std::uint64_t> local, shared;  // addresses
    std::unordered_map<std::string, std::vector<std::string>> tables;
  };
  struct Address {
    Slot base;
    std::int64_t displacement = 0;
    bool is_uniform = false;
  };

  // declarations
  void declare_registers(std::string_view text);
  void declare_variable(const std::string& text, bool is_shared);
  void declare_table(const std::string& text);
  std::uint32_t new_slot(Register::Type type);
  std::uint64_t shared_address(const std::string& name);

  // operands
  const Register* find_register(const std::string& name) const;
  Slot destination(const std::string& operand, char letter);
  Slot source(const std::string& operand, char letter);
  std::uint32_t predicate(const std::string& operand);
  Slot constant(std::uint64_t value, bool is_wide, Constant::Base base = Constant::Base::value);
  Slot special(const std::string& name, bool is_wide);
  bool is_symbol(const std::string& name, std::uint64_t& value, Constant::Base& base);
  Address address(const std::string& operand, Space space);
  std::vector<std::string> elements(const std::string& operand) const;
  Slot memory_register(const std::string& operand, bool is_destination, int bytes);

  // instructions
  void decode_instruction(const std::string& text);
  bool decode_lane_op(Instruction& i, const std::string& opcode);
  void decode_set_predicate(Instruction& i);
  void decode_move(Instruction& i);
  void decode_memory(Instruction& i);
  void decode_atomic(Instruction& i);
  void decode_branch(Instruction& i);
  void decode_barrier(Instruction& i);
  void decode_warp(Instruction& i);
  void decode_matrices(Instruction& i);
  void decode_load_matrix(Instruction& i);
  void decode_copy(Instruction& i);
  void emit(Instruction& i) { program_.code.push_back(std::move(i)); }
  void emit_lane_op(const Instruction& like, const std::string& opcode, const LaneArguments& lanes);

  bool has(std::string_view modifier) const;
  bool only_has(std::initializer_list<std::string_view> modifiers) const;
  Space space_of_opcode() const;
  void note_grain(Space space, int bytes);
  void expect_operands(std::size_t count) const;
  [[noreturn]] void unsupported(const std::string& why) const;

  Program& program_;
  const std::map<std::string, ModuleSymbol>& symbols_;
  std::vector<Scope> scopes_;
  std::map<std::string, std::uint64_t> parameters_;
  std::map<std::string, std::uint32_t> labels_;
  struct Jump {
    std::size_t from = 0;
    std::vector<std::string> to;
    int line = 0;
  };
  std::vector<Jump> jumps_;
  std::map<std::pair<std::uint64_t, int>, Slot> constants_;
  std::map<std::string, Slot> specials_;
  std::map<std::string, std::uint64_t> module_shared_;
  std::string pending_label_;

  // the instruction being decoded
  int line_ = 0;
  std::string text_, opcode_;
  std::vector<std::string> parts_, operands_;
};

}  // namespace ptx
