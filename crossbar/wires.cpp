#include "meltquench/crossbar/wires.h"

namespace mq {

WireNetwork network_of(const WireParams& params) {
  const double word_end = params.driver + params.word_line, bit_end = params.sense + params.bit_line;
  const bool is_double = params.drive == WireDrive::double_sided;
  const bool at_first = params.sense_side != SenseSide::last, at_last = params.sense_side != SenseSide::first;
  return {.word = {.segment = params.word_line,
                   .first = word_end,
                   .last = is_double ? word_end : WireLine::kOpen},
          .bit = {.segment = params.bit_line,
                  .first = at_first ? bit_end : WireLine::kOpen,
                  .last = at_last ? bit_end : WireLine::kOpen}};
}

}  // namespace mq
