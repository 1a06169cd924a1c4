#include "meltquench/crossbar/line_map.h"

#include "meltquench/kernels/gather_lines.h"

namespace mq {

std::vector<std::uint32_t> inverse_lines(const std::vector<std::uint32_t>& lines, std::size_t count) {
  std::vector<std::uint32_t> inverse(count, kNoLine);
  for (std::size_t i = 0; i < lines.size(); ++i) inverse[lines[i]] = static_cast<std::uint32_t>(i);
  return inverse;
}

}  // namespace mq
