#include <bit>
#include <cmath>
#include <limits>

#include "snippet.h"

namespace ptx {
namespace {

constexpr std::uint32_t kNan = 0x7fffffff, kInfinity = 0x7f800000, kMinusZero = 0x80000000;

std::uint64_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }
std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }
float as_float(std::uint64_t x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x)); }

TEST(PtxFloats, RoundToNearestOnce) {
  const float a = 1.0f + 0x1p-12f, b = 1.0f + 0x1p-12f, c = -1.0f;
  EXPECT_EQ(evaluate("fma.rn.f32 %f0, %f1, %f2, %f3;", "%f0", bits(a), bits(b), bits(c)),
            bits(std::fma(a, b, c)));
  EXPECT_EQ(
      evaluate("mul.rn.f32 %f4, %f1, %f2;\nadd.rn.f32 %f0, %f4, %f3;", "%f0", bits(a), bits(b), bits(c)),
      bits(0x1p-11f))
      << "a product and a sum are rounded twice";
  EXPECT_EQ(evaluate("fma.rn.f64 %fd0, %fd1, %fd2, %fd3;", "%fd0", bits(0.1), bits(10.0), bits(-1.0)),
            bits(0x1p-54));
  EXPECT_EQ(evaluate("div.rn.f32 %f0, %f1, %f2;", "%f0", bits(1.0f), bits(3.0f)), bits(1.0f / 3.0f));
  EXPECT_EQ(evaluate("sqrt.rn.f64 %fd0, %fd1;", "%fd0", bits(2.0)), bits(std::sqrt(2.0)));
  EXPECT_EQ(evaluate("rcp.rn.f32 %f0, %f1;", "%f0", bits(7.0f)), bits(1.0f / 7.0f));
  EXPECT_EQ(evaluate("add.rn.f32 %f0, %f1, 0f00000001;", "%f0", 1), 2u) << "subnormals count";
}

TEST(PtxFloats, AnswerEveryNanWithTheSameOne) {
  EXPECT_EQ(evaluate("add.rn.f32 %f0, %f1, %f2;", "%f0", kInfinity, kInfinity | kMinusZero), kNan);
  EXPECT_EQ(evaluate("mul.rn.f32 %f0, %f1, %f2;", "%f0", 0xffc12345, bits(1.0f)), kNan);
  EXPECT_EQ(evaluate("sqrt.rn.f32 %f0, %f1;", "%f0", bits(-1.0f)), kNan);
  EXPECT_EQ(evaluate("neg.f32 %f0, %f1;", "%f0", bits(2.5f)), bits(-2.5f));
}

TEST(PtxFloats, MinimumAndMaximumPreferNumbersToNansAndTellZerosApart) {
  EXPECT_EQ(evaluate("min.f32 %f0, %f1, %f2;", "%f0", kNan, bits(3.0f)), bits(3.0f));
  EXPECT_EQ(evaluate("max.f32 %f0, %f1, %f2;", "%f0", bits(3.0f), 0xffc00001), bits(3.0f));
  EXPECT_EQ(evaluate("max.f32 %f0, %f1, %f2;", "%f0", 0xffc00001, 0x7fc00001), kNan);
  EXPECT_EQ(evaluate("min.f32 %f0, %f1, %f2;", "%f0", 0, kMinusZero), kMinusZero);
  EXPECT_EQ(evaluate("max.f32 %f0, %f1, %f2;", "%f0", kMinusZero, 0), 0u);
  EXPECT_EQ(evaluate("min.NaN.f32 %f0, %f1, %f2;", "%f0", 0x7fc00001, bits(3.0f)), kNan);
}

TEST(PtxFloats, ConvertToIntegersWithTheEndsAsLimits) {
  const auto to_s32 = [](float x) {
    return static_cast<std::int32_t>(evaluate("cvt.rzi.s32.f32 %r0, %f1;", "%r0", bits(x)));
  };
  EXPECT_EQ(to_s32(-2.9f), -2);
  EXPECT_EQ(to_s32(3e9f), std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(to_s32(-3e9f), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(to_s32(as_float(kNan)), 0);
  EXPECT_EQ(to_s32(-0x1p31f), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(evaluate("cvt.rni.s32.f32 %r0, %f1;", "%r0", bits(2.5f)), 2u);
  EXPECT_EQ(evaluate("cvt.rni.s32.f32 %r0, %f1;", "%r0", bits(3.5f)), 4u);
  EXPECT_EQ(evaluate("cvt.rmi.s32.f32 %r0, %f1;", "%r0", bits(-0.5f)), 0xffffffffu);
  EXPECT_EQ(evaluate("cvt.rpi.u32.f32 %r0, %f1;", "%r0", bits(0.5f)), 1u);
  EXPECT_EQ(evaluate("cvt.rzi.u32.f32 %r0, %f1;", "%r0", bits(-0.5f)), 0u);
  EXPECT_EQ(evaluate("cvt.rzi.u64.f64 %rd0, %fd1;", "%rd0", bits(1e30)), ~0ull);
  EXPECT_EQ(evaluate("cvt.rzi.s64.f64 %rd0, %fd1;", "%rd0", bits(-1e30)), 1ull << 63);
  EXPECT_EQ(evaluate("cvt.rzi.u16.f32 %rs0, %f1;", "%rs0", bits(70000.0f)), 0xffffu);
}

TEST(PtxFloats, ConvertFromIntegersAndToWholeNumbers) {
  EXPECT_EQ(evaluate("cvt.rn.f32.s32 %f0, %r1;", "%f0", 16777217), bits(16777216.0f));
  EXPECT_EQ(evaluate("cvt.rn.f32.u32 %f0, %r1;", "%f0", 0xffffffff), bits(4294967296.0f));
  EXPECT_EQ(evaluate("cvt.rn.f32.s64 %f0, %rd1;", "%f0", 0x8000008000000001), bits(-0x1.fffffep62f));
  EXPECT_EQ(evaluate("cvt.rn.f64.s32 %fd0, %r1;", "%fd0", 0xffffffff), bits(-1.0));
  EXPECT_EQ(evaluate("cvt.rn.f32.f64 %f0, %fd1;", "%f0", bits(0.1)), bits(0.1f));
  EXPECT_EQ(evaluate("cvt.f64.f32 %fd0, %f1;", "%fd0", bits(0.1f)), bits(static_cast<double>(0.1f)));
  EXPECT_EQ(evaluate("cvt.rni.f32.f32 %f0, %f1;", "%f0", bits(-0.5f)), kMinusZero);
  EXPECT_EQ(evaluate("cvt.rmi.f64.f64 %fd0, %fd1;", "%fd0", bits(-0.5)), bits(-1.0));
  EXPECT_EQ(evaluate("cvt.sat.f32.f32 %f0, %f1;", "%f0", bits(-0.5f)), 0u);
}

TEST(PtxFloats, ConvertBetweenIntegersBySign) {
  EXPECT_EQ(evaluate("cvt.s32.s16 %r0, %rs1;", "%r0", 0x8000), 0xffff8000u);
  EXPECT_EQ(evaluate("cvt.u32.u16 %r0, %rs1;", "%r0", 0x8000), 0x8000u);
  EXPECT_EQ(evaluate("cvt.s64.s32 %rd0, %r1;", "%rd0", 0xffffffff), ~0ull);
  EXPECT_EQ(evaluate("cvt.s32.s8 %r0, %r1;", "%r0", 0x1280), 0xffffff80u);
  EXPECT_EQ(evaluate("cvt.u16.u32 %rs0, %r1;", "%rs0", 0x12345678), 0x5678u);
  EXPECT_EQ(evaluate("cvt.sat.s8.s32 %r0, %r1;", "%r0", 1000), 127u);
  EXPECT_EQ(evaluate("cvt.sat.u16.s32 %rs0, %r1;", "%rs0", 0xffffffff), 0u);
}

TEST(PtxFloats, CompareOrderedAndUnordered) {
  const struct {
    const char* name;
    int less, equal, greater, unordered;
  } predicates[] = {{"eq", 0, 1, 0, 0},  {"ne", 1, 0, 1, 0},  {"lt", 1, 0, 0, 0},  {"le", 1, 1, 0, 0},
                    {"gt", 0, 0, 1, 0},  {"ge", 0, 1, 1, 0},  {"equ", 0, 1, 0, 1}, {"neu", 1, 0, 1, 1},
                    {"ltu", 1, 0, 0, 1}, {"leu", 1, 1, 0, 1}, {"gtu", 0, 0, 1, 1}, {"geu", 0, 1, 1, 1},
                    {"num", 1, 1, 1, 0}, {"nan", 0, 0, 0, 1}};
  const std::vector<Inputs> floats = {
      {bits(1.0f), bits(2.0f)}, {bits(2.0f), bits(2.0f)}, {bits(3.0f), bits(2.0f)}, {kNan, bits(2.0f)}};
  const std::vector<Inputs> doubles = {
      {bits(1.0), bits(2.0)}, {0, 1ull << 63}, {bits(3.0), bits(2.0)}, {bits(1.0), 0x7ff8000000000001}};
  for (const auto& p : predicates) {
    const std::vector<std::uint64_t> expected = {std::uint64_t(p.less), std::uint64_t(p.equal),
                                                 std::uint64_t(p.greater), std::uint64_t(p.unordered)};
    EXPECT_EQ(evaluate(std::string("setp.") + p.name + ".f32 %p0, %f1, %f2;", "%p0", floats), expected)
        << p.name;
    EXPECT_EQ(evaluate(std::string("setp.") + p.name + ".f64 %p0, %fd1, %fd2;", "%p0", doubles), expected)
        << p.name;
  }
}

TEST(PtxFloats, ApproximateUnitsComeCloseAndAreCountedAsSpecial) {
  EXPECT_NEAR(as_float(evaluate("ex2.approx.f32 %f0, %f1;", "%f0", bits(3.5f))), 11.3137f, 1e-3f);
  EXPECT_NEAR(as_float(evaluate("rsqrt.approx.f32 %f0, %f1;", "%f0", bits(4.0f))), 0.5f, 1e-6f);
  EXPECT_NEAR(as_float(evaluate("sin.approx.f32 %f0, %f1;", "%f0", bits(1.0f))), 0.84147f, 1e-5f);
}

}  // namespace
}  // namespace ptx
