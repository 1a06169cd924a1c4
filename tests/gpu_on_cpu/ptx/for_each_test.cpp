#include <gtest/gtest.h>

#include <array>

#include "ptx.h"

namespace ptx {
namespace {

// for_each_kernel<Body> of kernels/for_each.h as nvcc 13 writes it, the body being y[i] = a * x[i].
constexpr const char* kScale = R"(
.version 9.0
.target sm_80
.address_size 64
.entry scale(
	.param .align 8 .b8 scale_param_0[24],
	.param .u32 scale_param_1
)
{
	.reg .pred 	%p<2>;
	.reg .f32 	%f<4>;
	.reg .b32 	%r<6>;
	.reg .b64 	%rd<9>;
	mov.b64 	%rd8, scale_param_0;
	ld.param.u32 	%r2, [scale_param_1];
	mov.u32 	%r3, %ntid.x;
	mov.u32 	%r4, %ctaid.x;
	mov.u32 	%r5, %tid.x;
	mad.lo.s32 	%r1, %r4, %r3, %r5;
	setp.ge.u32 	%p1, %r1, %r2;
	@%p1 bra 	$L__BB0_2;
	ld.param.u64 	%rd1, [%rd8];
	ld.param.u64 	%rd2, [%rd8+8];
	ld.param.f32 	%f1, [scale_param_0+16];
	cvta.to.global.u64 	%rd3, %rd1;
	cvta.to.global.u64 	%rd4, %rd2;
	mul.wide.u32 	%rd5, %r1, 4;
	add.s64 	%rd6, %rd3, %rd5;
	ld.global.f32 	%f2, [%rd6];
	mul.rn.f32 	%f3, %f2, %f1;
	add.s64 	%rd7, %rd4, %rd5;
	st.global.f32 	[%rd7], %f3;
$L__BB0_2:
	ret;
}
)";

struct Scale {
  const float* x;
  float* y;
  float a;
};

TEST(PtxForEach, TreatsEveryIndexOnceAndNoOther) {
  const Module module = parse(kScale);
  const Kernel* kernel = module.find("scale");
  ASSERT_NE(kernel, nullptr);
  alignas(256) std::array<float, 1000> x, y;  // cudaMalloc aligns to 256 bytes
  y.fill(-1.0f);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  DeviceMemory memory;
  memory.add(x.data(), x.size() * sizeof(float), Content::written);
  memory.add(y.data(), y.size() * sizeof(float));
  for (const std::uint64_t seed : {0, 1, 2}) {
    Scale body{x.data(), y.data(), 3.0f};
    std::uint32_t size = 999;
    void* arguments[] = {&body, &size};
    const Report report =
        run(*kernel, {.grid = {4}, .block = {256}, .arguments = arguments}, memory, {.seed = seed});
    EXPECT_EQ(report.sentences(), "");
    EXPECT_TRUE(report.finished);
    for (std::size_t i = 0; i < 999; ++i) ASSERT_EQ(y[i], 3.0f * x[i]) << i;
    EXPECT_EQ(y[999], -1.0f);
    EXPECT_EQ(report.of(Work::fp32).lanes, 999u);
    EXPECT_EQ(report.total().sectors, 250u) << "125 read and 125 written";
    EXPECT_EQ(report.total().sector_ratio(), 1.0);
  }
  EXPECT_FALSE(memory.is_written(*memory.find(reinterpret_cast<std::uintptr_t>(&y[999])),
                                 reinterpret_cast<std::uintptr_t>(&y[999]), 4));
}

}  // namespace
}  // namespace ptx
