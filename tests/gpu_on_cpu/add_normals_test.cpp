// Noise on arrays: CUDA has the bits of the CPU.
#include "backends.h"

namespace mq {
namespace {

std::vector<float> with_normals(const Exec& exec, const std::vector<float>& from, Tail tail,
                                const std::vector<float>& factor) {
  const Buffer<float> on = on_backend(exec, from), scale = on_backend(exec, factor);
  Buffer<float> to(exec, from.size());
  kernels(exec.backend)
      .add_normals(exec, {.key = RngKey(7, Purpose::sampling).at_event(3),
                          .scale = 0.3f,
                          .factor = factor.empty() ? nullptr : scale.data(),
                          .from = on.data(),
                          .to = to.data(),
                          .size = from.size(),
                          .tail = tail});
  return on_host(to);
}

TEST_F(OnCuda, NormalsOfBothRadiiHaveTheBitsOfTheCpu) {
  for (const std::size_t size : {1u, 31u, 1000u}) {
    const std::vector<float> from = uniform_floats(size, -1.0f, 1.0f, 4);
    for (const Tail tail : {Tail::bits_23, Tail::bits_32}) {
      for (const std::vector<float>& factor : {std::vector<float>{}, std::vector<float>{2.5f}}) {
        const std::vector<float> cpu = with_normals(kCpu, from, tail, factor);
        expect_same_bits(cpu, with_normals(kCuda, from, tail, factor), "normals of " + std::to_string(size));
        EXPECT_NE(cpu, from);
      }
    }
  }
}

}  // namespace
}  // namespace mq
