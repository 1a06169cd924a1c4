#include <gtest/gtest.h>

#include <numeric>

#include "tables.h"

namespace mq {
namespace {

using Words = std::vector<std::uint32_t>;

constexpr std::size_t kStride = 90, kRows = 70, kColumns = 80;

Words gathered(const KernelTable& table, const Words& from, const Words& rows, const Words& columns,
               int threads = 1) {
  Words to(kRows * kColumns, 1);
  table.gather_lines({.threads = threads}, {.rows = kRows,
                                            .columns = kColumns,
                                            .from = from.data(),
                                            .from_stride = kStride,
                                            .row_lines = rows.empty() ? nullptr : rows.data(),
                                            .column_lines = columns.empty() ? nullptr : columns.data(),
                                            .to = to.data()});
  return to;
}

TEST(GatherLines, TakesEveryWordFromItsLineOnEveryBackend) {
  Words from(kRows * kStride), rows(kRows), columns(kColumns);
  // Words of any bits, among them signalling NaNs.
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = 0x7f800001u + static_cast<std::uint32_t>(i);
  for (std::size_t r = 0; r < kRows; ++r) rows[r] = static_cast<std::uint32_t>((7 * r + 3) % kRows);
  for (std::size_t c = 0; c < kColumns; ++c) columns[c] = static_cast<std::uint32_t>(kStride - 1 - c);
  rows[5] = columns[0] = columns[79] = kNoLine;
  Words expected(kRows * kColumns), in_rows(kRows * kColumns);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::size_t r = i / kColumns, c = i % kColumns;
    const bool is_none = r == 5 || c == 0 || c == 79;
    expected[i] = is_none ? 0 : from[rows[r] * kStride + columns[c]];
    in_rows[i] = r == 5 ? 0 : from[rows[r] * kStride + c];
  }
  for (const KernelTable* table : cpu_tables()) {
    EXPECT_EQ(gathered(*table, from, rows, columns), expected) << table->name;
    EXPECT_EQ(gathered(*table, from, rows, {}, 3), in_rows) << table->name;
  }
  EXPECT_EQ(gathered(kernels(Backend::reference), from, rows, columns), expected);
}

}  // namespace
}  // namespace mq
