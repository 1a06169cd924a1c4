/// Loop over the cells of an array whose lines are put in another order: contract in kernels/gather_lines.h.
#include "meltquench/kernels/gather_lines.h"

#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"

namespace mq::MQ_BACKEND {
namespace {

MQ_HD std::uint32_t line_at(const std::uint32_t* lines, std::uint32_t i) {
  return lines == nullptr ? i : lines[i];
}

struct GatherLine {
  GatherLines op;

  MQ_HD void operator()(std::uint32_t row, std::uint32_t first, std::uint32_t last) const {
    const std::uint32_t from_row = line_at(op.row_lines, row);
    for (std::uint32_t c = first; c < last; ++c) {
      const std::uint32_t from_column = line_at(op.column_lines, c);
      // Bytes, since the words are of no type.
      std::uint32_t word = 0;
      if (from_row != kNoLine && from_column != kNoLine) {
        memcpy(&word, static_cast<const char*>(op.from) + 4 * (from_row * op.from_stride + from_column), 4);
      }
      memcpy(static_cast<char*>(op.to) + 4 * (row * op.columns + c), &word, 4);
    }
  }
};

}  // namespace

void gather_lines(const Exec& exec, const GatherLines& op) {
  for_each_row(exec, op.rows, op.columns, GatherLine{op});
}

}  // namespace mq::MQ_BACKEND
