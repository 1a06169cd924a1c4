// Texts that cannot be executed, by mistake or by chance, are refused in a sentence that names the line.
#include <random>

#include "snippet.h"

namespace ptx {
namespace {

std::string refusal(const std::string& body) {
  try {
    parse(kernel_text(body));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(PtxParser, NamesTheLineAndTheInstructionThatItCannotExecute) {
  EXPECT_EQ(
      refusal("mov.u32 %r1, 1;\nwgmma.fence.sync.aligned;"),
      "line 18: cannot execute 'wgmma.fence.sync.aligned': nobody taught this executor the instruction");
  EXPECT_EQ(refusal("add.s32 %r1, %r2, %rd3;"),
            "line 17: cannot execute 'add.s32 %r1, %r2, %rd3': register %rd3 has the wrong size");
  EXPECT_NE(refusal("bra $nowhere;").find("there is no label $nowhere"), std::string::npos);
  EXPECT_NE(refusal("add.f32 %f1, %f2;").find("it has 2 operands, not 3"), std::string::npos);
  EXPECT_NE(refusal("atom.global.add.f32 %f1, [%rd14], %f2;").find("only integers add up to the same"),
            std::string::npos);
  EXPECT_NE(refusal("add.ftz.f32 %f1, %f2, %f3;").find("nobody taught"), std::string::npos);
  EXPECT_NE(refusal("call.uni f, (%r1);").find("it calls a function"), std::string::npos);
  EXPECT_NE(refusal("bar.sync 1, 64;").find("only barriers of the whole block"), std::string::npos);
  EXPECT_NE(refusal("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1, %f2, %f3, %f4}, {%r1, %r2, "
                    "%r3, %r4}, {%r5, %r6}, {%f1, %f2, %f3, %f4};")
                .find("only m16n8k16 and m16n8k32 of 8-bit integers"),
            std::string::npos);
  EXPECT_NE(
      refusal("ld.global.v4.f64 {%fd0, %fd1, %fd2, %fd3}, [%rd14];").find("no access is wider than 16 bytes"),
      std::string::npos);
  EXPECT_NE(refusal("mov.u32 %r1, %clock;").find("nobody declared %clock"), std::string::npos);
  EXPECT_NE(refusal("{").find("a '{' is still open"), std::string::npos);
}

TEST(PtxParser, ReadsModuleVariablesAndScopes) {
  const std::string scope =
      ".const .align 4 .u32 c[3] = {5, 0x6, 7};\n.global .align 8 .f64 g = 0d3FF8000000000000;\n.extern "
      ".shared .align 16 .b8 dynamic[];\n";
  const std::string body =
      "mov.u64 %rd1, c;\nld.const.u32 %r1, [%rd1+4];\nld.const.u32 %r2, [c+8];\nadd.s32 %r1, %r1, %r2;\n"
      "ld.global.f64 %fd1, [g];\ncvt.rni.s32.f64 %r2, %fd1;\nadd.s32 %r1, %r1, %r2;\n"
      "{ .reg .b32 %r1; mov.u32 %r1, 100; }\n/* a\ncomment */ mov.u32 %r3, dynamic; // "
      "another\nst.shared.u32 [%r3+60], %r1;\n"
      "cvt.u64.u32 %rd2, %r3;\ncvta.shared.u64 %rd3, %rd2;\nld.u32 %r4, [%rd3+60];\nst.global.u32 [%rd15], "
      "%r4;";
  DeviceMemory memory;
  DeviceArray<std::uint32_t> in(memory, 1), out(memory, 1);
  const Report report = run_text(kernel_text(body, scope), memory, in.data(), out.data(), {}, {1}, {}, 64);
  EXPECT_EQ(report.sentences(), "");
  EXPECT_EQ(out[0], 6u + 7u + 2u);
  const Module module = parse(kernel_text("", scope));
  ASSERT_EQ(module.variables().size(), 2u);
  EXPECT_EQ(module.variables()[0].name, "c");
  EXPECT_EQ(module.variables()[0].size, 12u);
}

/// A text with one thing changed: a character, a line lost, doubled or moved.
std::string mutant(std::string text, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  static const std::string kCharacters = "{}[]();:,.%@!<>+-$_ \n0127fdrpx\"/*";
  for (std::size_t changes = 1 + below(3); changes > 0; --changes) {
    const std::size_t at = below(text.size());
    const std::size_t line = std::min(text.find('\n', at), text.size() - 1);
    switch (below(4)) {
      case 0:
        text[at] = kCharacters[below(kCharacters.size())];
        break;
      case 1:
        text.erase(at, 1 + below(12));
        break;
      case 2:
        text.insert(line, text.substr(at, line - at));
        break;
      default:
        text.erase(at, line - at);
        break;
    }
    if (text.empty()) text = " ";
  }
  return text;
}

TEST(PtxParser, GarbageInASentenceOut) {
  const std::string text = kernel_text(
      ".shared .align 16 .b8 s[256];\nmul.wide.u32 %rd1, %r30, 4;\nadd.s64 %rd2, %rd14, "
      "%rd1;\nld.global.v2.f32 {%f1, %f2}, [%rd2];\n"
      "setp.lt.and.f32 %p1|%p2, %f1, 0f3F800000, !%p3;\n@%p1 bra $L;\nmov.b64 %rd3, {%r1, %r2};\nselp.b32 "
      "%r1, %r2, -1, %p1;\n$L:\n"
      "$t: .branchtargets $L, $M;\nbrx.idx %r1, $t;\n$M:\nbar.sync 0;\nshfl.sync.bfly.b32 %r1|%p1, %r2, 1, "
      "31, -1;\n"
      "mma.sync.aligned.m16n8k16.row.col.s32.u8.s8.s32 {%r1, %r2, %r3, %r4}, {%r5, %r6}, {%r7}, {%r1, %r2, "
      "%r3, %r4};\n"
      "cp.async.cg.shared.global [%r1], [%rd2], 16;\ncp.async.wait_group 0;\nlop3.b32 %r1, %r2, %r3, %r4, "
      "0x96;\n"
      "atom.global.cas.b32 %r1, [%rd14+4], %r2, %r3;\nst.shared.v4.u32 [%r1+16], {%r1, %r2, %r3, %r4};\n",
      ".const .align 4 .u32 c[3] = {5, 0x6, 7};\n.extern .shared .align 16 .b8 dynamic[];");
  ASSERT_NO_THROW(parse(text));
  std::mt19937 random(20260101);
  int refused = 0, executed = 0;
  for (int k = 0; k < 3000; ++k) {
    const std::string changed = mutant(text, random);
    try {
      const Module module = parse(changed);
      const Kernel* kernel = module.find("k");
      if (kernel == nullptr || kernel->parameters.size() != 2 || kernel->parameters[1].offset != 8 ||
          kernel->parameters[1].size != 8)
        continue;
      DeviceMemory memory;
      DeviceArray<std::uint32_t> in(memory, std::vector<std::uint32_t>(64, 7)), out(memory, 64);
      std::uint32_t *in_pointer = in.data(), *out_pointer = out.data();
      void* arguments[] = {&in_pointer, &out_pointer};
      run(*kernel, {.grid = {2}, .block = {40}, .arguments = arguments}, memory,
          {.instruction_budget = 2000});
      ++executed;
    } catch (const Error& error) {
      ++refused;
      EXPECT_EQ(std::string(error.what()).substr(0, 5), "line ") << error.what();
    }
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(executed, 100);
}

}  // namespace
}  // namespace ptx
