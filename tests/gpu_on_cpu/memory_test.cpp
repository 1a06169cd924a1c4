#include "backends.h"

namespace mq {
namespace {

TEST_F(OnCuda, MemoryThatWasUsedBeforeComesBackZeroed) {
  for (int round = 0; round < 3; ++round) {
    Buffer<float> buffer(kCuda, 10007);
    EXPECT_EQ(on_host(buffer), std::vector<float>(10007, 0.0f)) << "round " << round;
    buffer.copy_from(std::vector<float>(10007, 1.5f));
  }
}

TEST_F(OnCuda, BuffersCopyWithinTheDeviceAndClear) {
  const Buffer<float> from = on_backend(kCuda, std::vector<float>{1.0f, 2.0f, 3.0f, 4.0f});
  Buffer<float> to(kCuda, 5);
  to.copy_within_backend(from.data() + 1, 3, 2);
  EXPECT_EQ(on_host(to), (std::vector<float>{0.0f, 0.0f, 2.0f, 3.0f, 4.0f}));
  to.clear();
  EXPECT_EQ(on_host(to), std::vector<float>(5, 0.0f));
}

}  // namespace
}  // namespace mq
