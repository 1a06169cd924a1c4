#include "snippet.h"

namespace ptx {
namespace {

TEST(PtxIntegers, WrapAroundAsTwosComplement) {
  EXPECT_EQ(evaluate("add.s32 %r0, %r1, %r2;", "%r0", 0x7fffffff, 1), 0x80000000u);
  EXPECT_EQ(evaluate("sub.s64 %rd0, %rd1, %rd2;", "%rd0", 0, 1), ~std::uint64_t(0));
  EXPECT_EQ(evaluate("add.u16 %rs0, %rs1, %rs2;", "%rs0", 0xffff, 2), 1u);
  EXPECT_EQ(evaluate("neg.s32 %r0, %r1;", "%r0", 0x80000000), 0x80000000u);
  EXPECT_EQ(evaluate("abs.s64 %rd0, %rd1;", "%rd0", std::uint64_t(-5)), 5u);
  EXPECT_EQ(evaluate("mul.lo.s32 %r0, %r1, %r2;", "%r0", 0x12345678, 0x9abcdef0), 0x242d2080u);
}

TEST(PtxIntegers, MultiplyHighAndWide) {
  EXPECT_EQ(evaluate("mul.hi.u32 %r0, %r1, %r2;", "%r0", 0xffffffff, 0xffffffff), 0xfffffffeu);
  EXPECT_EQ(evaluate("mul.hi.s32 %r0, %r1, %r2;", "%r0", 0xffffffff, 0xffffffff), 0u);
  EXPECT_EQ(evaluate("mul.hi.u64 %rd0, %rd1, %rd2;", "%rd0", ~0ull, ~0ull), ~0ull - 1);
  EXPECT_EQ(evaluate("mul.hi.s64 %rd0, %rd1, %rd2;", "%rd0", ~0ull, 5), ~0ull);
  EXPECT_EQ(evaluate("mul.wide.s32 %rd0, %r1, %r2;", "%rd0", 0xffffffff, 7), std::uint64_t(-7));
  EXPECT_EQ(evaluate("mul.wide.u32 %rd0, %r1, %r2;", "%rd0", 0xffffffff, 7), 0x6fffffff9u);
  EXPECT_EQ(evaluate("mul.wide.s16 %r0, %rs1, %rs2;", "%r0", 0xffff, 300), 0xfffffed4u);
  EXPECT_EQ(evaluate("mad.wide.s32 %rd0, %r1, %r2, %rd3;", "%rd0", 0xfffffffe, 3, 10), 4u);
  EXPECT_EQ(evaluate("mad.lo.s32 %r0, %r1, %r2, %r3;", "%r0", 3, 5, 0xffffffff), 14u);
  EXPECT_EQ(evaluate("mad.hi.u32 %r0, %r1, %r2, %r3;", "%r0", 0x80000000, 6, 1), 4u);
}

TEST(PtxIntegers, DivideTowardsZeroAndByZeroWithoutATrap) {
  EXPECT_EQ(evaluate("div.s32 %r0, %r1, %r2;", "%r0", std::uint32_t(-7), 2), std::uint32_t(-3));
  EXPECT_EQ(evaluate("rem.s32 %r0, %r1, %r2;", "%r0", std::uint32_t(-7), 2), std::uint32_t(-1));
  EXPECT_EQ(evaluate("div.u64 %rd0, %rd1, %rd2;", "%rd0", ~0ull, 10), 1844674407370955161u);
  EXPECT_EQ(evaluate("div.s32 %r0, %r1, %r2;", "%r0", 0x80000000, 0xffffffff), 0x80000000u);
  EXPECT_EQ(evaluate("rem.s64 %rd0, %rd1, %rd2;", "%rd0", std::uint64_t(1) << 63, ~0ull), 0u);
  EXPECT_EQ(evaluate("div.u32 %r0, %r1, %r2;", "%r0", 5, 0), 0xffffffffu);
  EXPECT_EQ(evaluate("rem.u32 %r0, %r1, %r2;", "%r0", 5, 0), 5u);
}

TEST(PtxIntegers, CarryChainsAddNumbersOfAnyLength) {
  const std::string sum = "add.cc.u32 %r0, %r1, %r2;\naddc.cc.u32 %r4, %r3, 0;\naddc.u32 %r5, 0, 0;\n";
  EXPECT_EQ(evaluate(sum, "%r0", 0xffffffff, 1, 0xffffffff), 0u);
  EXPECT_EQ(evaluate(sum + "mov.u32 %r0, %r4;", "%r0", 0xffffffff, 1, 0xffffffff), 0u);
  EXPECT_EQ(evaluate(sum + "mov.u32 %r0, %r5;", "%r0", 0xffffffff, 1, 0xffffffff), 1u);
  const std::string difference = "sub.cc.u32 %r4, %r1, %r2;\nsubc.u32 %r0, %r3, 0;\n";
  EXPECT_EQ(evaluate(difference, "%r0", 0, 1, 7), 6u);
  EXPECT_EQ(evaluate(difference, "%r0", 1, 1, 7), 7u);
  EXPECT_EQ(
      evaluate("mad.lo.cc.u32 %r4, %r1, %r2, %r3;\nmadc.hi.u32 %r0, %r1, %r2, 0;", "%r0", 0xffffffff, 2, 2),
      2u);
  EXPECT_EQ(evaluate("add.cc.u64 %rd4, %rd1, %rd2;\naddc.u64 %rd0, %rd3, 0;", "%rd0", ~0ull, 1, 41), 42u);
}

TEST(PtxIntegers, MoveAndCountBits) {
  EXPECT_EQ(evaluate("shl.b32 %r0, %r1, %r2;", "%r0", 1, 32), 0u);
  EXPECT_EQ(evaluate("shr.s32 %r0, %r1, %r2;", "%r0", 0x80000000, 99), 0xffffffffu);
  EXPECT_EQ(evaluate("shr.u64 %rd0, %rd1, %r2;", "%rd0", ~0ull, 60), 15u);
  EXPECT_EQ(evaluate("shr.s16 %rs0, %rs1, %r2;", "%rs0", 0x8000, 15), 0xffffu);
  EXPECT_EQ(evaluate("shf.l.wrap.b32 %r0, %r1, %r2, %r3;", "%r0", 0x80000001, 0x12345678, 36), 0x23456788u);
  EXPECT_EQ(evaluate("shf.r.wrap.b32 %r0, %r1, %r2, %r3;", "%r0", 0x80000001, 0x12345678, 4), 0x88000000u);
  EXPECT_EQ(evaluate("shf.r.clamp.b32 %r0, %r1, %r2, %r3;", "%r0", 0x80000001, 0x12345678, 40), 0x12345678u);
  EXPECT_EQ(evaluate("popc.b64 %r0, %rd1;", "%r0", 0xf0f0f0f0f0f0f0f0), 32u);
  EXPECT_EQ(evaluate("clz.b32 %r0, %r1;", "%r0", 0), 32u);
  EXPECT_EQ(evaluate("clz.b64 %r0, %rd1;", "%r0", 1), 63u);
  EXPECT_EQ(evaluate("brev.b32 %r0, %r1;", "%r0", 0x80000003), 0xc0000001u);
  EXPECT_EQ(evaluate("bfind.u32 %r0, %r1;", "%r0", 0x00400000), 22u);
  EXPECT_EQ(evaluate("bfind.s32 %r0, %r1;", "%r0", 0xfffffffe), 0u);
  EXPECT_EQ(evaluate("bfind.shiftamt.u32 %r0, %r1;", "%r0", 0x00400000), 9u);
  EXPECT_EQ(evaluate("bfind.u32 %r0, %r1;", "%r0", 0), 0xffffffffu);
}

TEST(PtxIntegers, TakeAndInsertBitFields) {
  EXPECT_EQ(evaluate("bfe.u32 %r0, %r1, 8, 12;", "%r0", 0xabcdef12), 0xdefu);
  EXPECT_EQ(evaluate("bfe.s32 %r0, %r1, 8, 12;", "%r0", 0xabcdef12), 0xfffffdefu);
  EXPECT_EQ(evaluate("bfe.s32 %r0, %r1, 28, 16;", "%r0", 0x80000000), 0xfffffff8u)
      << "past the end comes the sign";
  EXPECT_EQ(evaluate("bfe.s32 %r0, %r1, 8, 0;", "%r0", ~0u), 0u);
  EXPECT_EQ(evaluate("bfe.u64 %rd0, %rd1, 60, 64;", "%rd0", ~0ull), 15u);
  EXPECT_EQ(evaluate("bfi.b32 %r0, %r1, %r2, 4, 8;", "%r0", 0xff5a, 0xffffffff), 0xfffff5afu);
  EXPECT_EQ(evaluate("bfi.b64 %rd0, %rd1, %rd2, 32, 32;", "%rd0", 0x1234, 0x5678), 0x123400005678u);
  EXPECT_EQ(evaluate("bfi.b32 %r0, %r1, %r2, 40, 8;", "%r0", 1, 77), 77u);
}

TEST(PtxIntegers, LookUpBitsAndPickBytes) {
  const auto lut = [](const std::string& table) {
    return evaluate("lop3.b32 %r0, %r1, %r2, %r3, " + table + ";", "%r0", 0xf0f0f0f0, 0xcccccccc, 0xaaaaaaaa);
  };
  EXPECT_EQ(lut("0x96"), 0xf0f0f0f0u ^ 0xccccccccu ^ 0xaaaaaaaau);
  EXPECT_EQ(lut("0xea"), (0xf0f0f0f0u & 0xccccccccu) | 0xaaaaaaaau);
  EXPECT_EQ(lut("0x80"), 0x80808080u);
  EXPECT_EQ(evaluate("prmt.b32 %r0, %r1, %r2, 0x7531;", "%r0", 0x33221100, 0x77665544), 0x77553311u);
  EXPECT_EQ(evaluate("prmt.b32 %r0, %r1, %r2, 0xc810;", "%r0", 0x80, 0x0), 0x00ff0080u)
      << "8 spreads the sign of byte 0";
}

TEST(PtxIntegers, AddProductsOfBytes) {
  EXPECT_EQ(evaluate("dp4a.s32.s32 %r0, %r1, %r2, %r3;", "%r0", 0xff02fd04, 0x01010101, 100),
            std::uint32_t(100 - 1 + 2 - 3 + 4));
  EXPECT_EQ(evaluate("dp4a.u32.s32 %r0, %r1, %r2, %r3;", "%r0", 0xff000000, 0xff000000, 0),
            std::uint32_t(-255));
  EXPECT_EQ(evaluate("dp2a.hi.s32.u32 %r0, %r1, %r2, %r3;", "%r0", 0xfffe0003, 0x05070000, 1),
            std::uint32_t(3 * 7 - 2 * 5 + 1));
}

TEST(PtxIntegers, CompareSignedAndUnsigned) {
  EXPECT_EQ(evaluate("setp.lt.s32 %p0, %r1, %r2;", "%p0", 0xffffffff, 0), 1u);
  EXPECT_EQ(evaluate("setp.lt.u32 %p0, %r1, %r2;", "%p0", 0xffffffff, 0), 0u);
  EXPECT_EQ(evaluate("setp.hs.u64 %p0, %rd1, %rd2;", "%p0", 5, 5), 1u);
  EXPECT_EQ(evaluate("setp.gt.s16 %p0, %rs1, %rs2;", "%p0", 0x8000, 1), 0u);
  EXPECT_EQ(evaluate("setp.eq.b32 %p1, %r1, %r2;\nsetp.ne.and.s32 %p0|%p2, %r1, %r3, !%p1;", "%p0", 1, 2, 3),
            1u);
  EXPECT_EQ(evaluate("setp.eq.b32 %p1, %r1, %r2;\nsetp.ne.or.s32 %p3|%p0, %r1, %r3, %p1;", "%p0", 1, 2, 3),
            0u);
  EXPECT_EQ(
      evaluate("setp.ne.s32 %p1, %r1, 0;\nsetp.ne.s32 %p2, %r2, 0;\nxor.pred %p0, %p1, %p2;", "%p0", 1, 2),
      0u);
  EXPECT_EQ(evaluate("min.s32 %r0, %r1, %r2;", "%r0", 0xffffffff, 3), 0xffffffffu);
  EXPECT_EQ(evaluate("max.u64 %rd0, %rd1, %rd2;", "%rd0", 1, ~0ull), ~0ull);
  EXPECT_EQ(evaluate("slct.b32.s32 %r0, %r1, %r2, %r3;", "%r0", 4, 5, 0xffffffff), 5u);
}

TEST(PtxIntegers, PackAndUnpackHalves) {
  EXPECT_EQ(evaluate("mov.b64 %rd0, {%r1, %r2};", "%rd0", 0x11111111, 0x22222222), 0x2222222211111111u);
  EXPECT_EQ(evaluate("mov.b64 {%r4, %r0}, %rd1;", "%r0", 0x2222222211111111), 0x22222222u);
  EXPECT_EQ(evaluate("mov.b64 {%r1, %r2}, %rd1;\nmov.b64 %rd0, {%r2, %r1};", "%rd0", 0x2222222211111111),
            0x1111111122222222u);
  EXPECT_EQ(evaluate("mov.b32 %r0, {%rs1, %rs2};", "%r0", 0xaaaa, 0xbbbb), 0xbbbbaaaau);
  EXPECT_EQ(evaluate("mov.b64 {%rs4, %rs5, %rs6, %rs7}, %rd1;\nmov.b64 %rd0, {%rs7, %rs6, %rs5, %rs4};",
                     "%rd0", 0x4444333322221111),
            0x1111222233334444u);
  EXPECT_EQ(evaluate("mov.b32 {%rs0, _}, %r1;", "%rs0", 0xbbbbaaaa), 0xaaaau);
}

TEST(PtxIntegers, LanesThatAGuardExcludesKeepWhatTheyHad) {
  std::vector<Inputs> inputs;
  for (std::uint64_t i = 0; i < 45; ++i) inputs.push_back({i, 1000 + i});
  const auto d = evaluate(
      "and.b32 %r4, %r1, 3;\nsetp.eq.s32 %p1, %r4, 1;\nmov.u32 %r0, %r2;\n@%p1 add.s32 %r0, %r1, %r1;\n@!%p1 "
      "xor.b32 %r5, %r0, %r0;",
      "%r0", inputs);
  for (std::uint64_t i = 0; i < 45; ++i) EXPECT_EQ(d[i], i % 4 == 1 ? 2 * i : 1000 + i) << i;
}

}  // namespace
}  // namespace ptx
