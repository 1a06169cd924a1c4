/// What the columns of a table of measurements may hold: names, units, and the numbers that make sense there.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "meltquench/core/fields.h"
#include "meltquench/core/table_text.h"

namespace mq {

/// A quantity that a column may hold, and the units that its name may carry.
struct Quantity {
  struct Suffix {
    std::string_view text;
    double factor;
    double divisor =
        1.0;  // dividing by 1e6 rounds once, as reading "5 uS" does; multiplying by 1e-6 does not
  };
  std::string_view name;
  std::vector<Suffix> suffixes;  ///< empty: a whole number
  std::string_view example;
  Unit unit = Unit::one;
  Range range{};              ///< SI; beyond it no cell of any model can be
  std::string_view reason{};  ///< a sentence for what lies outside
};

struct Column {
  const Quantity* quantity = nullptr;
  double factor = 1.0, divisor = 1.0;
};

/// The column with the name that stands in field `at` of the header. Throws DataError as `lines`.
Column column_of(const TableText& lines, std::size_t at);
/// SI value of a field, within the range of its quantity. Throws DataError as `lines`.
double number_of(const TableText& lines, std::size_t at, const Column& column);
/// Likewise a whole number from 0 on; of a direction 1 or -1.
std::int64_t whole_of(const TableText& lines, std::size_t at, const Column& column);

}  // namespace mq
