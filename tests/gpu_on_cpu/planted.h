/// What the tests of the stand-in itself share.
#pragma once

#include "backends.h"
#include "meltquench/kernels/cuda/launch.h"
#include "on_cpu.h"

namespace mq {

namespace backend = cuda_on_cpu;

/// A fresh device for each kernel, and nothing left behind.
class PlantedKernels : public testing::Test {
 protected:
  void SetUp() override { on_cpu::reset_device(); }
  void TearDown() override {
    on_cpu::reset_device();
    EXPECT_EQ(on_cpu::live_allocations(), 0u);
  }
};

/// Runs `body` under the ascending thread order and under others, and puts back the order of this program.
template <class Body>
void for_thread_orders(Body body) {
  for (const std::uint64_t seed : {0u, 1u, 12345u, 4000000007u}) {
    on_cpu::set_thread_order(seed);
    body(seed);
  }
  const char* order = std::getenv("MQ_THREAD_ORDER");
  on_cpu::set_thread_order(order != nullptr ? std::strtoull(order, nullptr, 10) : 0);
}

}  // namespace mq
