// What the lanes of a warp do together, and how they part and meet again.
#include <cstring>
#include <functional>

#include "snippet.h"

namespace ptx {
namespace {

/// One value of each lane of a warp, in and out: %r1 to %r0.
std::vector<std::uint32_t> exchange(const std::string& instructions, std::string* findings = nullptr) {
  DeviceMemory memory;
  std::vector<std::uint32_t> values;
  for (std::uint32_t l = 0; l < 32; ++l) values.push_back(100 + l);
  DeviceArray<std::uint32_t> in(memory, values), out(memory, 32);
  const Report report =
      run_text(kernel_text("mul.wide.u32 %rd1, %r31, 4;\nadd.s64 %rd2, %rd14, %rd1;\nadd.s64 %rd3, %rd15, "
                           "%rd1;\nld.global.u32 %r1, [%rd2];\n" +
                           instructions + "\nst.global.u32 [%rd3], %r0;"),
               memory, in.data(), out.data(), {}, {32});
  if (findings == nullptr) {
    EXPECT_EQ(report.sentences(), "");
  } else {
    *findings = report.sentences();
  }
  return {out.data(), out.data() + 32};
}

void expect_lanes(const std::string& instructions,
                  const std::function<std::uint32_t(std::uint32_t)>& expected) {
  const std::vector<std::uint32_t> d = exchange(instructions);
  for (std::uint32_t l = 0; l < 32; ++l) EXPECT_EQ(d[l], expected(l)) << instructions << " in lane " << l;
}

TEST(PtxWarps, ShuffleInEveryMode) {
  expect_lanes("shfl.sync.bfly.b32 %r0, %r1, 5, 31, -1;", [](std::uint32_t l) { return 100 + (l ^ 5); });
  expect_lanes("shfl.sync.down.b32 %r0, %r1, 4, 31, -1;",
               [](std::uint32_t l) { return 100 + (l + 4 < 32 ? l + 4 : l); });
  expect_lanes("shfl.sync.up.b32 %r0, %r1, 4, 0, -1;",
               [](std::uint32_t l) { return 100 + (l >= 4 ? l - 4 : l); });
  expect_lanes("shfl.sync.idx.b32 %r0, %r1, 7, 31, -1;", [](std::uint32_t) { return 107u; });
  // Segments of 8 lanes, as the intrinsics make them for width = 8: c = (32 - width) << 8 | 31, or | 0 for
  // up.
  expect_lanes("shfl.sync.down.b32 %r0|%p1, %r1, 1, 6175, -1;\n@!%p1 mov.u32 %r0, 0;",
               [](std::uint32_t l) { return l % 8 == 7 ? 0 : 101 + l; });
  expect_lanes("shfl.sync.up.b32 %r0, %r1, 1, 6144, -1;",
               [](std::uint32_t l) { return l % 8 == 0 ? 100 + l : 99 + l; });
  expect_lanes("shfl.sync.idx.b32 %r0, %r1, 3, 6175, -1;", [](std::uint32_t l) { return 103 + l / 8 * 8; });
}

TEST(PtxWarps, VoteMatchAndReduce) {
  const std::string is_odd = "and.b32 %r2, %r1, 1;\nsetp.eq.s32 %p1, %r2, 1;\n";
  expect_lanes(is_odd + "vote.sync.ballot.b32 %r0, %p1, -1;", [](std::uint32_t) { return 0xaaaaaaaau; });
  expect_lanes(is_odd + "vote.sync.any.pred %p2, %p1, -1;\nselp.u32 %r0, 1, 0, %p2;",
               [](std::uint32_t) { return 1u; });
  expect_lanes(is_odd + "vote.sync.all.pred %p2, !%p1, -1;\nselp.u32 %r0, 1, 0, %p2;",
               [](std::uint32_t) { return 0u; });
  expect_lanes(is_odd + "vote.sync.uni.pred %p2, %p1, -1;\nselp.u32 %r0, 1, 0, %p2;",
               [](std::uint32_t) { return 0u; });
  expect_lanes(is_odd + "match.any.sync.b32 %r0, %r2, -1;",
               [](std::uint32_t l) { return l % 2 == 1 ? 0xaaaaaaaau : 0x55555555u; });
  expect_lanes(is_odd + "match.all.sync.b32 %r0|%p2, %r2, -1;", [](std::uint32_t) { return 0u; });
  expect_lanes("redux.sync.add.u32 %r0, %r1, -1;", [](std::uint32_t) { return 32u * 100 + 496; });
  expect_lanes("sub.s32 %r2, %r1, 110;\nredux.sync.min.s32 %r0, %r2, -1;",
               [](std::uint32_t) { return std::uint32_t(-10); });
  expect_lanes("redux.sync.or.b32 %r0, %r31, -1;", [](std::uint32_t) { return 31u; });
  expect_lanes("mov.u32 %r0, %lanemask_lt;", [](std::uint32_t l) { return (1u << l) - 1; });
}

TEST(PtxWarps, LanesThatPartMeetAgainBehindTheBranch) {
  const std::string body =
      "setp.lt.u32 %p1, %r31, 12;\nmov.u32 %r0, 0;\n@%p1 bra $else;\nadd.s32 %r0, %r0, 1;\nbra.uni $end;\n"
      "$else:\nadd.s32 %r0, %r0, 2;\n$end:\nactivemask.b32 %r2;\nsetp.eq.s32 %p2, %r2, -1;\n@%p2 add.s32 "
      "%r0, %r0, 10;";
  expect_lanes(body, [](std::uint32_t l) { return l < 12 ? 12u : 11u; });
}

TEST(PtxWarps, LanesLeaveALoopOneByOne) {
  expect_lanes(
      "mov.u32 %r0, 0;\n$loop:\nadd.s32 %r0, %r0, %r31;\nadd.s32 %r2, %r0, 0;\nsetp.lt.u32 %p1, %r0, "
      "64;\nsetp.ne.and.s32 %p1, %r31, 0, %p1;\n@%p1 bra $loop;",
      [](std::uint32_t l) { return l == 0 ? 0 : (64 + l - 1) / l * l; });
}

TEST(PtxWarps, JumpByTable) {
  expect_lanes(
      "and.b32 %r2, %r31, 3;\nmov.u32 %r0, 9;\n$table: .branchtargets $a, $b, $a, $c;\nbrx.idx %r2, $table;\n"
      "$a:\nmov.u32 %r0, 1;\nbra $end;\n$b:\nmov.u32 %r0, 2;\nbra $end;\n$c:\nmov.u32 %r0, 3;\n$end:",
      [](std::uint32_t l) { return l % 4 == 1   ? 2u
                                   : l % 4 == 3 ? 3u
                                                : 1u; });
}

TEST(PtxWarps, AShuffleWaitsForMembersThatComeByAnotherWay) {
  // The second half jumps behind the shuffle's code first, and comes back to it.
  expect_lanes(
      "setp.ge.u32 %p1, %r31, 16;\n@%p1 bra $far;\n$near:\nshfl.sync.bfly.b32 %r0, %r1, 16, 31, -1;\nbra.uni "
      "$end;\n"
      "$far:\nadd.s32 %r1, %r1, 1000;\nbra.uni $near;\n$end:",
      [](std::uint32_t l) { return l < 16 ? 1100 + (l ^ 16) : 100 + (l ^ 16); });
}

TEST(PtxWarps, AMemberMaskThatIsNotWhoExecutesIsFound) {
  std::string findings;
  exchange(
      "setp.lt.u32 %p1, %r31, 16;\nmov.u32 %r0, 0;\n@!%p1 bra $end;\nshfl.sync.bfly.b32 %r0, %r1, 1, 31, "
      "255;\n$end:",
      &findings);
  EXPECT_NE(findings.find("lanes 0xff00 of warp 0 execute it, but its members are 0xff"), std::string::npos)
      << findings;
  exchange("setp.lt.u32 %p1, %r31, 16;\n@%p1 bra $go;\nret;\n$go:\nshfl.sync.bfly.b32 %r0, %r1, 1, 31, -1;",
           &findings);
  EXPECT_NE(findings.find("include lanes 0xffff0000 of warp 0, which have exited"), std::string::npos)
      << findings;
  exchange(
      "setp.lt.u32 %p1, %r31, 16;\n@%p1 bra $a;\nshfl.sync.bfly.b32 %r0, %r1, 1, 31, -1;\nbra $end;\n"
      "$a:\nvote.sync.any.pred %p2, %p1, -1;\nmov.u32 %r0, 0;\n$end:",
      &findings);
  EXPECT_NE(findings.find("wait for each other"), std::string::npos) << findings;
  exchange("shfl.sync.idx.b32 %r0, %r1, 20, 31, %r31;", &findings);
  EXPECT_NE(findings.find("name different members"), std::string::npos) << findings;
  exchange("setp.lt.u32 %p1, %r31, 8;\nmov.u32 %r0, 0;\n@%p1 shfl.sync.idx.b32 %r0, %r1, 20, 31, 255;",
           &findings);
  EXPECT_NE(findings.find("reads lane 20, which does not take part"), std::string::npos) << findings;
}

/// Bytes of a matrix, the value of element (row, k) from `element`.
using Element = std::function<std::int32_t(std::uint32_t, std::uint32_t)>;

/// Where CUTLASS puts the elements of the fragments: cute/atom/mma_traits_sm80.hpp, Shape_16_8_32. Its
/// layouts map (thread, value) to the index m + M * k in column order: A ((4, 8), (4, 2, 2)) : ((64, 1), (16,
/// 8, 256)), B ((4, 8), (4, 2)) : ((32, 1), (8, 128)), C ((4, 8), (2, 2)) : ((32, 1), (16, 8)).
std::uint32_t a_index(std::uint32_t t, std::uint32_t v) {
  return t % 4 * 64 + t / 4 * 1 + v % 4 * 16 + v / 4 % 2 * 8 + v / 8 * 256;
}
std::uint32_t b_index(std::uint32_t t, std::uint32_t v) {
  return t % 4 * 32 + t / 4 * 1 + v % 4 * 8 + v / 4 * 128;
}
std::uint32_t c_index(std::uint32_t t, std::uint32_t v) {
  return t % 4 * 32 + t / 4 * 1 + v % 2 * 16 + v / 2 * 8;
}

void expect_product(std::uint32_t depth, bool signed_a, bool signed_b) {
  std::vector<std::uint8_t> a(16 * depth), b(8 * depth);
  std::uint32_t random = 12345;
  for (auto* m : {&a, &b}) {
    for (std::uint8_t& x : *m) x = static_cast<std::uint8_t>((random = random * 1664525 + 1013904223) >> 24);
  }
  struct Fragment {
    std::uint32_t a[4] = {}, b[2] = {}, c[4] = {};
  };
  std::vector<Fragment> fragments(32);
  for (std::uint32_t t = 0; t < 32; ++t) {
    for (std::uint32_t v = 0; v < depth / 2; ++v)
      fragments[t].a[v / 4] |= std::uint32_t(a[a_index(t, v)]) << (v % 4 * 8);
    for (std::uint32_t v = 0; v < depth / 4; ++v)
      fragments[t].b[v / 4] |= std::uint32_t(b[b_index(t, v)]) << (v % 4 * 8);
    for (std::uint32_t v = 0; v < 4; ++v) fragments[t].c[v] = c_index(t, v) * 7;
  }
  DeviceMemory memory;
  DeviceArray<Fragment> in(memory, fragments);
  DeviceArray<std::uint32_t> out(memory, 128);
  std::string body = "mul.wide.u32 %rd1, %r31, 40;\nadd.s64 %rd2, %rd14, %rd1;\n";
  for (int r = 0; r < 10; ++r)
    body += "ld.global.u32 %r" + std::to_string(10 + r) + ", [%rd2+" + std::to_string(4 * r) + "];\n";
  const std::string types = std::string(signed_a ? ".s8" : ".u8") + (signed_b ? ".s8" : ".u8");
  body += "mma.sync.aligned.m16n8k" + std::to_string(depth) + ".row.col.s32" + types +
          ".s32 {%r1, %r2, %r3, %r4}, " +
          (depth == 32 ? "{%r10, %r11, %r12, %r13}, {%r14, %r15}" : "{%r10, %r11}, {%r14}") +
          ", {%r16, %r17, %r18, %r19};\n"
          "mul.wide.u32 %rd3, %r31, 16;\nadd.s64 %rd4, %rd15, %rd3;\nst.global.v4.u32 [%rd4], {%r1, %r2, "
          "%r3, %r4};";
  const Report report = run_text(kernel_text(body), memory, in.data(), out.data(), {}, {32});
  EXPECT_EQ(report.sentences(), "");
  EXPECT_EQ(report.of(Work::tensor).warps, 1u);
  const auto value = [](std::uint8_t x, bool is_signed) {
    return is_signed ? std::int32_t(static_cast<std::int8_t>(x)) : std::int32_t(x);
  };
  for (std::uint32_t t = 0; t < 32; ++t) {
    for (std::uint32_t v = 0; v < 4; ++v) {
      const std::uint32_t m = c_index(t, v) % 16, n = c_index(t, v) / 16;
      std::int32_t sum = static_cast<std::int32_t>(c_index(t, v) * 7);
      for (std::uint32_t k = 0; k < depth; ++k)
        sum += value(a[m + 16 * k], signed_a) * value(b[n + 8 * k], signed_b);
      EXPECT_EQ(static_cast<std::int32_t>(out[4 * t + v]), sum) << "thread " << t << ", value " << v << types;
    }
  }
}

TEST(PtxWarps, MultiplyMatricesWithTheFragmentsThatCutlassDescribes) {
  for (const std::uint32_t depth : {16u, 32u}) {
    for (const bool signed_a : {false, true}) {
      for (const bool signed_b : {false, true}) expect_product(depth, signed_a, signed_b);
    }
  }
}

TEST(PtxWarps, LoadMatricesAsFragments) {
  // Row r of matrix q is at 128 q + 16 r; element (r, c) holds 64 q + 8 r + c.
  for (const bool is_transposed : {false, true}) {
    DeviceMemory memory;
    DeviceArray<std::uint32_t> in(memory, 1), out(memory, 128);
    std::string body = "mov.u32 %r1, s;\nshl.b32 %r2, %r31, 3;\n";
    for (std::uint32_t c = 0; c < 8; ++c)
      body += "add.s32 %r3, %r2, " + std::to_string(c) +
              ";\ncvt.u16.u32 %rs1, %r3;\nshl.b32 %r4, %r3, 1;\nadd.s32 %r4, %r4, %r1;\nst.shared.u16 [%r4], "
              "%rs1;\n";
    body += std::string(
                "bar.warp.sync -1;\nshl.b32 %r5, %r31, 4;\nadd.s32 %r5, %r5, "
                "%r1;\nldmatrix.sync.aligned.m8n8.x4") +
            (is_transposed ? ".trans" : "") +
            ".shared.b16 {%r6, %r7, %r8, %r9}, [%r5];\nmul.wide.u32 %rd3, %r31, 16;\nadd.s64 %rd4, %rd15, "
            "%rd3;\nst.global.v4.u32 [%rd4], {%r6, %r7, %r8, %r9};";
    const Report report = run_text(kernel_text(".shared .align 16 .b8 s[512];\n" + body), memory, in.data(),
                                   out.data(), {}, {32});
    EXPECT_EQ(report.sentences(), "");
    for (std::uint32_t t = 0; t < 32; ++t) {
      for (std::uint32_t q = 0; q < 4; ++q) {
        const std::uint32_t row = t / 4, column = t % 4 * 2;
        const auto at = [&](std::uint32_t r, std::uint32_t c) {
          return 64 * q + (is_transposed ? 8 * c + r : 8 * r + c);
        };
        EXPECT_EQ(out[4 * t + q], at(row, column) | at(row, column + 1) << 16)
            << "thread " << t << ", matrix " << q;
      }
    }
  }
}

}  // namespace
}  // namespace ptx
