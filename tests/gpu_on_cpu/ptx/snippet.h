/// Small kernels for tests: a few instructions between loads of inputs and a store of the result.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ptx.h"

namespace ptx {

/// Memory as cudaMalloc aligns it.
struct alignas(256) Line {
  std::byte bytes[256];
};

/// An array that kernels may touch while it lives.
template <class T>
class DeviceArray {
 public:
  DeviceArray(DeviceMemory& memory, std::size_t size)
      : memory_(memory), lines_((size * sizeof(T) + 511) / 256) {
    memory_.add(data(), size * sizeof(T));
  }
  DeviceArray(DeviceMemory& memory, const std::vector<T>& values) : DeviceArray(memory, values.size()) {
    for (std::size_t i = 0; i < values.size(); ++i) data()[i] = values[i];
    memory_.mark_written(data(), values.size() * sizeof(T));
  }
  ~DeviceArray() { memory_.remove(data()); }
  DeviceArray(const DeviceArray&) = delete;
  T* data() { return reinterpret_cast<T*>(lines_.data()); }
  T& operator[](std::size_t i) { return data()[i]; }

 private:
  DeviceMemory& memory_;
  std::vector<Line> lines_;
};

struct Inputs {
  std::uint64_t a = 0, b = 0, c = 0;
};

/// `body` between declarations of %p<8>, %rs<16>, %r<40>, %f<16>, %rd<16>, %fd<8> and `ret`. The parameters
/// are in %rd14 and %rd15, the thread's number in the block in %r30 and its lane in %r31.
inline std::string kernel_text(const std::string& body, const std::string& module_scope = "") {
  return ".version 9.0\n.target sm_80\n.address_size 64\n" + module_scope +
         "\n.visible .entry k(.param .u64 k_in, .param .u64 k_out)\n{\n"
         ".reg .pred %p<8>;\n.reg .b16 %rs<16>;\n.reg .b32 %r<40>;\n.reg .f32 %f<16>;\n"
         ".reg .b64 %rd<16>;\n.reg .f64 %fd<8>;\n"
         "ld.param.u64 %rd14, [k_in];\nld.param.u64 %rd15, [k_out];\n"
         "mov.u32 %r30, %tid.x;\nmov.u32 %r31, %laneid;\n" +
         body + "\nret;\n}\n";
}

inline Report run_text(const std::string& text, DeviceMemory& memory, void* in, void* out, Extent grid,
                       Extent block, const Options& options = {}, std::size_t dynamic_shared = 0) {
  const Module module = parse(text);
  void* arguments[] = {&in, &out};
  return run(*module.find("k"),
             {.grid = grid, .block = block, .dynamic_shared = dynamic_shared, .arguments = arguments}, memory,
             options);
}

/// What `instructions` leave in `result` ("%r0", "%rd0", "%f0", "%fd0", "%rs0" or "%p0"), one thread per
/// element. Inputs are in %rd1..3, their low bits in %r1..3, %rs1..3, %f1..3 and their bits in %fd1..3.
inline std::vector<std::uint64_t> evaluate(const std::string& instructions, const std::string& result,
                                           const std::vector<Inputs>& inputs) {
  std::string body =
      "mul.wide.u32 %rd13, %r30, 24;\nadd.s64 %rd13, %rd13, %rd14;\n"
      "ld.global.u64 %rd1, [%rd13];\nld.global.u64 %rd2, [%rd13+8];\nld.global.u64 %rd3, [%rd13+16];\n";
  for (const std::string i : {"1", "2", "3"}) {
    body += "cvt.u32.u64 %r" + i + ", %rd" + i + ";\ncvt.u16.u64 %rs" + i + ", %rd" + i + ";\n";
    body += "mov.b32 %f" + i + ", %r" + i + ";\nmov.b64 %fd" + i + ", %rd" + i + ";\n";
  }
  body += instructions + '\n';
  if (result == "%r0") body += "cvt.u64.u32 %rd0, %r0;\n";
  if (result == "%f0") body += "mov.b32 %r0, %f0;\ncvt.u64.u32 %rd0, %r0;\n";
  if (result == "%fd0") body += "mov.b64 %rd0, %fd0;\n";
  if (result == "%rs0") body += "cvt.u64.u16 %rd0, %rs0;\n";
  if (result == "%p0") body += "selp.u64 %rd0, 1, 0, %p0;\n";
  body += "mul.wide.u32 %rd12, %r30, 8;\nadd.s64 %rd12, %rd12, %rd15;\nst.global.u64 [%rd12], %rd0;\n";
  DeviceMemory memory;
  DeviceArray<Inputs> in(memory, inputs);
  DeviceArray<std::uint64_t> out(memory, inputs.size());
  const Report report = run_text(kernel_text(body), memory, in.data(), out.data(), {},
                                 {static_cast<std::uint32_t>(inputs.size())});
  EXPECT_EQ(report.sentences(), "") << instructions;
  return {out.data(), out.data() + inputs.size()};
}

/// Of one thread.
inline std::uint64_t evaluate(const std::string& instructions, const std::string& result, std::uint64_t a = 0,
                              std::uint64_t b = 0, std::uint64_t c = 0) {
  return evaluate(instructions, result, std::vector<Inputs>{{a, b, c}}).front();
}

}  // namespace ptx
