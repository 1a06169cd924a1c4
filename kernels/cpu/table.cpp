/// The table of one instruction set.
#include "meltquench/kernels/backend.h"

#define MQ_TEXT_OF(x) #x
#define MQ_TEXT(x) MQ_TEXT_OF(x)

namespace mq::MQ_BACKEND {

const KernelTable& kernel_table() {
  static constexpr TrainingKernels kTraining{gather_rows,
                                             add_bias,
                                             sum_rows,
                                             rectify,
                                             rectify_backward,
                                             limit_inputs,
                                             limit_inputs_backward,
                                             limit_range_backward,
                                             gather_patches,
                                             add_patches,
                                             transpose_samples,
                                             max_pool,
                                             max_pool_backward,
                                             mean_pool,
                                             mean_pool_backward,
                                             softmax_loss,
                                             add_fixed_point,
                                             add_integers,
                                             close_step,
                                             step_parameters,
                                             find_largest,
                                             clip_to_deviation};
  static constexpr KernelTable kTable{MQ_TEXT(MQ_BACKEND),
                                      fabricate_cells,
                                      program_cells,
                                      age_cells,
                                      step_cell_noise,
                                      settle_cells,
                                      largest_magnitude,
                                      pack_plane,
                                      quantize_inputs,
                                      quantize_patches,
                                      mvm,
                                      mvm_transposed,
                                      float_product,
                                      add_normals,
                                      make_pulse_trains,
                                      pulse_cells,
                                      gather_lines,
                                      find_faults,
                                      write_verify_cells,
                                      effective_matrix,
                                      pack_gated,
                                      gated_products,
                                      cell_variances,
                                      map_codes,
                                      add_read_noise,
                                      affine_outputs,
                                      scale_rows,
                                      disturb_inputs,
                                      shape_inputs,
                                      fabricate_converters,
                                      convert_outputs,
                                      finish_outputs,
                                      kTraining};
  return kTable;
}

}  // namespace mq::MQ_BACKEND
