// Modules: variables, kernels and their parameters.
#include <algorithm>
#include <cstring>

#include "decoder.h"
#include "ptx.h"

namespace ptx {
namespace {

constexpr std::size_t kMostParameterBytes = 32764;  // CUDA 13, compute capability 7.0 and newer

bool contains_word(const std::string& text, std::string_view word) {
  const std::vector<std::string> words = words_of(text);
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

class ModuleParser {
 public:
  explicit ModuleParser(std::string_view text) : statements_(split_statements(text)) {}

  Module parse() {
    while (at_ < statements_.size()) parse_one();
    for (const auto& program : programs_) program->variables = variables_;
    return std::move(module_);
  }

 private:
  void parse_one() {
    const Statement& s = statements_[at_];
    if (s.kind == Statement::Kind::simple && contains_word(s.text, ".entry")) return parse_kernel();
    if (s.kind == Statement::Kind::simple && contains_word(s.text, ".func")) return skip_function();
    if (s.kind != Statement::Kind::simple) fail(s.line, "there is code outside of any kernel");
    ++at_;
    for (const char* ignored : {".version", ".target", ".address_size", ".file", ".pragma", ".loc"}) {
      if (words_of(s.text).front() == ignored) return;
    }
    if (contains_word(s.text, ".global") || contains_word(s.text, ".const")) return declare_variable(s);
    if (contains_word(s.text, ".shared")) return declare_shared(s);
    fail(s.line, "nobody knows what '" + s.text + "' is");
  }

  // Functions are inlined by nvcc; one that is called all the same is refused at the call.
  void skip_function() {
    const bool has_body = at_ + 1 < statements_.size() && statements_[at_ + 1].kind == Statement::Kind::open;
    ++at_;
    if (!has_body) return;
    int depth = 0;
    do {
      depth += statements_[at_].kind == Statement::Kind::open;
      depth -= statements_[at_].kind == Statement::Kind::close;
      ++at_;
    } while (depth > 0 && at_ < statements_.size());
  }

  void declare_shared(const Statement& s) {
    const Declaration d(s.text, s.line);
    ModuleSymbol symbol;
    symbol.is_shared = true;
    symbol.is_dynamic_shared = !d.has_extent && contains_word(s.text, ".extern");
    symbol.size = d.bytes();
    symbol.alignment = d.alignment;
    symbols_[d.name] = symbol;
  }

  void declare_variable(const Statement& s) {
    const std::size_t equals = s.text.find('=');
    const Declaration d(s.text.substr(0, equals), s.line);
    std::vector<std::string> values;
    if (equals != std::string::npos) {
      std::string list = trimmed(std::string_view(s.text).substr(equals + 1));
      if (list.size() >= 2 && list.front() == '{' && list.back() == '}')
        list = list.substr(1, list.size() - 2);
      values = split_operands(list);
    }
    const std::size_t count = d.has_extent ? d.count : std::max<std::size_t>(values.size(), 1);
    const std::size_t bytes = std::max<std::size_t>(count * d.element, 1), padding = 256;
    auto storage = std::shared_ptr<std::byte[]>(new std::byte[bytes + padding]());
    const auto raw = reinterpret_cast<std::uintptr_t>(storage.get());
    std::byte* data = storage.get() + ((raw + padding - 1) / padding * padding - raw);
    if (values.size() > count) fail(s.line, "'" + d.name + "' has more initial values than elements");
    for (std::size_t k = 0; k < values.size(); ++k) {
      std::uint64_t bits = 0;
      if (const auto number = parse_float(values[k])) {
        bits = number->bits;
      } else if (const auto integer = parse_integer(values[k])) {
        bits = *integer;
      } else {
        fail(s.line, "'" + values[k] + "' is no initial value that this executor knows");
      }
      std::memcpy(data + k * d.element, &bits, d.element);
    }
    module_.storage_.push_back(std::move(storage));
    module_.variables_.push_back({d.name, data, bytes});
    ModuleSymbol symbol;
    symbol.address = reinterpret_cast<std::uintptr_t>(data);
    symbols_[d.name] = symbol;
    variables_.push_back({symbol.address, bytes, contains_word(s.text, ".const")});
  }

  void parse_kernel() {
    const Statement& head = statements_[at_++];
    const std::size_t entry = head.text.find(".entry");
    const std::size_t open = head.text.find('('), close = head.text.rfind(')');
    const std::string name =
        words_of(head.text.substr(entry + 6, std::min(open, head.text.size()) - entry - 6) + " ?").front();
    if (at_ >= statements_.size() || statements_[at_].kind != Statement::Kind::open)
      fail(head.line, "the kernel " + name + " has no body");
    ++at_;
    auto program = std::make_shared<Program>();
    program->kernel = name;
    Kernel kernel{name, {}, 0, nullptr};
    Decoder decoder(*program, symbols_);
    if (open != std::string::npos && close != std::string::npos && close > open) {
      for (const std::string& text :
           split_operands(std::string_view(head.text).substr(open + 1, close - open - 1))) {
        const Declaration d(text, head.line);
        const std::size_t offset = (program->parameter_bytes + d.alignment - 1) / d.alignment * d.alignment;
        decoder.declare_parameter(d.name, offset);
        kernel.parameters.push_back({offset, d.bytes()});
        program->parameter_bytes = offset + d.bytes();
        if (program->parameter_bytes > kMostParameterBytes)
          fail(head.line, "the kernel " + name + " has more than " + std::to_string(kMostParameterBytes) +
                              " bytes of parameters");
      }
    }
    int depth = 1;
    for (; at_ < statements_.size(); ++at_) {
      const Statement& s = statements_[at_];
      depth += s.kind == Statement::Kind::open;
      depth -= s.kind == Statement::Kind::close;
      if (depth == 0) break;
      decoder.decode(s);
    }
    if (at_ == statements_.size()) fail(head.line, "the kernel " + name + " does not end");
    decoder.finish(statements_[at_++].line);
    kernel.static_shared = program->static_shared;
    kernel.program = program;
    programs_.push_back(program);
    module_.kernels_->push_back(std::move(kernel));
  }

  std::vector<Statement> statements_;
  std::size_t at_ = 0;
  Module module_;
  std::map<std::string, ModuleSymbol> symbols_;
  std::vector<Program::Range> variables_;
  std::vector<std::shared_ptr<Program>> programs_;
};

Module parse(std::string_view text) { return ModuleParser(text).parse(); }

const Kernel* Module::find(std::string_view mangled_name) const {
  for (const Kernel& kernel : *kernels_) {
    if (kernel.name == mangled_name) return &kernel;
  }
  return nullptr;
}

}  // namespace ptx
