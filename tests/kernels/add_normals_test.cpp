#include <gtest/gtest.h>

#include <vector>

#include "meltquench/kernels/kernel_table.h"
#include "tables.h"

namespace mq {
namespace {

std::vector<float> noise(const KernelTable& table, std::size_t size, int threads = 1,
                         Tail tail = Tail::bits_23) {
  std::vector<float> from(size), to(size);
  for (std::size_t i = 0; i < size; ++i) from[i] = static_cast<float>(i) * 0.01f;
  table.add_normals({.threads = threads}, {.key = RngKey(5, Purpose::weight_noise),
                                           .scale = 0.5f,
                                           .from = from.data(),
                                           .to = to.data(),
                                           .size = size,
                                           .tail = tail});
  return to;
}

TEST(AddNormals, AddsTheDrawsOfTheDocumentedPlace) {
  const std::vector<float> to = noise(kernels(Backend::cpu), 77);
  for (std::uint32_t i = 0; i < 77; ++i) {
    Rng<float> rng(RngKey(5, Purpose::weight_noise), i / 32 * 8 + i % 8);
    float z = 0.0f;
    for (std::uint32_t draw = 0; draw <= i / 8 % 4; ++draw) z = rng.normal();
    EXPECT_EQ(to[i], mq::fma(0.5f, z, static_cast<float>(i) * 0.01f)) << i;
  }
}

TEST(AddNormals, HasTheSameBitsForAnyInstructionSetSizeAndThreads) {
  const std::vector<float> all = noise(kernels(Backend::reference), 40000);
  for (const KernelTable* table : cpu_tables()) EXPECT_EQ(noise(*table, 40000), all) << table->name;
  EXPECT_EQ(noise(kernels(Backend::cpu), 40000, 3), all);
  const std::vector<float> far = noise(kernels(Backend::reference), 40000, 1, Tail::bits_32);
  for (const KernelTable* table : cpu_tables()) {
    EXPECT_EQ(noise(*table, 40000, 2, Tail::bits_32), far) << table->name;
  }
  EXPECT_NE(far, all);
  for (std::size_t i = 0; i < far.size(); ++i) ASSERT_NEAR(far[i], all[i], 0.01f);  // more bits of one radius
  for (const std::size_t size : {0u, 1u, 7u, 8u, 31u, 33u, 100u}) {
    EXPECT_EQ(noise(kernels(Backend::cpu), size),
              std::vector<float>(all.begin(), all.begin() + static_cast<long>(size)));
  }
}

}  // namespace
}  // namespace mq
