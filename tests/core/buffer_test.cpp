#include "meltquench/core/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "meltquench/core/error.h"

namespace mq {
namespace {

TEST(Buffer, IsAlignedAndZeroed) {
  for (const std::size_t size : {1u, 15u, 16u, 1000u}) {
    const Buffer<float> buffer(Exec{}, size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
    for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(buffer.data()[i], 0.0f);
  }
}

TEST(Buffer, UnclearedOnesAreAlignedAndKeepWhatIsWritten) {
  Buffer<int> buffer = Buffer<int>::uncleared(Exec{}, 3);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
  const std::vector<int> host{1, 2, 3};
  buffer.copy_from(host);
  std::vector<int> back(3);
  buffer.copy_to(back);
  EXPECT_EQ(back, host);
  EXPECT_TRUE(Buffer<int>::uncleared(Exec{}, 0).empty());
}

TEST(Buffer, GivesBackWhatWasCopiedIn) {
  const std::vector<int> host{3, 1, 4, 1, 5};
  const Buffer<int> buffer(Exec{}, std::span<const int>(host));
  std::vector<int> back(5);
  buffer.copy_to(back);
  EXPECT_EQ(back, host);
  EXPECT_TRUE(buffer.is_on_host());
}

TEST(Buffer, CopiesWithinItsBackendAndClears) {
  const std::vector<int> host = {1, 2, 3, 4};
  const Buffer<int> from({}, std::span<const int>(host));
  Buffer<int> to({}, 5);
  to.copy_within_backend(from.data() + 1, 3, 2);
  std::vector<int> seen(5);
  to.copy_to(seen);
  EXPECT_EQ(seen, (std::vector<int>{0, 0, 2, 3, 4}));
  to.clear();
  to.copy_to(seen);
  EXPECT_EQ(seen, std::vector<int>(5, 0));
}

TEST(Buffer, MovesWithoutCopyingAndFreesWhatItHeld) {
  const std::size_t before = buffer_bytes();
  {
    Buffer<double> a(Exec{}, 100), b(Exec{}, 7);
    EXPECT_EQ(buffer_bytes() - before, 107 * sizeof(double));
    const double* memory = a.data();
    b = std::move(a);
    EXPECT_EQ(b.data(), memory);
    EXPECT_EQ(b.size(), 100u);
    EXPECT_EQ(buffer_bytes() - before, 100 * sizeof(double));
    Buffer<double> c(std::move(b));
    EXPECT_EQ(c.data(), memory);
    EXPECT_EQ(buffer_bytes() - before, 100 * sizeof(double));
  }
  EXPECT_EQ(buffer_bytes(), before);
}

TEST(Buffer, ThePeakIsTheMostThatWasHeldAtOnce) {
  reset_buffer_peak();
  const std::size_t before = buffer_bytes();
  { const Buffer<float> a(Exec{}, 1000), b(Exec{}, 500); }
  { const Buffer<float> c(Exec{}, 700); }
  EXPECT_EQ(buffer_peak_bytes() - before, 1500 * sizeof(float));
  reset_buffer_peak();
  EXPECT_EQ(buffer_peak_bytes(), before);
}

TEST(Buffer, EmptyOnesHoldNoMemory) {
  const Buffer<float> none(Exec{}, 0);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.data(), nullptr);
  std::vector<float> host;
  none.copy_to(host);
}

TEST(Buffer, MatricesAreRowMajorViewsOfIt) {
  const std::vector<int> host{0, 1, 2, 3, 4, 5};
  Buffer<int> buffer(Exec{}, std::span<const int>(host));
  const MatrixView<int> matrix = buffer.as_matrix(2, 3);
  EXPECT_EQ(matrix(1, 2), 5);
  EXPECT_EQ(matrix.row(1)[0], 3);
  EXPECT_EQ(matrix.slice_rows(1, 1)(0, 1), 4);
  matrix(0, 0) = 9;
  const MatrixView<const int> read_only = matrix;
  EXPECT_EQ(read_only(0, 0), 9);
  EXPECT_EQ(buffer.data()[0], 9);
}

TEST(Buffer, TooLittleMemoryIsASentence) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer's allocator ends the program instead";
#endif
  try {
    const Buffer<float> buffer(Exec{}, std::size_t(1) << 58);
    FAIL();
  } catch (const ResourceError& error) {
    EXPECT_STREQ(error.what(),
                 "not enough memory for a buffer of 1099511627776 MiB; use a smaller batch, fewer chips at "
                 "once (fewer "
                 "threads) or smaller arrays");
  }
}

TEST(Exec, BackendsHaveNamesAndUnknownOnesAreRefused) {
  for (const Backend backend : {Backend::reference, Backend::cpu, Backend::cuda}) {
    EXPECT_EQ(backend_from_name(name(backend)), backend);
  }
  try {
    backend_from_name("gpu");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "the backend 'gpu' does not exist; choose reference, cpu or cuda");
  }
  EXPECT_GE(available_threads(), 1);
}

}  // namespace
}  // namespace mq
