/// The table of one instruction set.
#include "meltquench/kernels/backend.h"

#define MQ_TEXT_OF(x) #x
#define MQ_TEXT(x) MQ_TEXT_OF(x)

namespace mq::MQ_BACKEND {

const KernelTable& kernel_table() {
  static constexpr KernelTable kTable{
      MQ_TEXT(MQ_BACKEND), fabricate_cells,   program_cells, settle_cells,   largest_magnitude,
      pack_plane,          quantize_inputs,   mvm,           mvm_transposed, float_product,
      add_normals,         make_pulse_trains, pulse_cells};
  return kTable;
}

}  // namespace mq::MQ_BACKEND
