/// The operations of the backend that the including file is compiled for: namespace mq::cpu_base, cpu_v3,
/// cpu_v4 or cuda. Contracts: kernel_table.h.
#pragma once

#include "meltquench/kernels/kernel_table.h"

namespace mq::MQ_BACKEND {

void fabricate_cells(const Exec& exec, const CellsView& cells, const RngKey& key);
void program_cells(const Exec& exec, const ProgramCells& op);
void age_cells(const Exec& exec, const CellsView& cells, double seconds);
void step_cell_noise(const Exec& exec, const CellNoise& op);
void settle_cells(const Exec& exec, const SettleCells& op);
float largest_magnitude(const Exec& exec, const float* p, std::size_t n);
std::int64_t pack_plane(const Exec& exec, const PackPlane& op);
void quantize_inputs(const Exec& exec, const QuantizeInputs& op);
void quantize_patches(const Exec& exec, const QuantizePatches& op);
void mvm(const Exec& exec, const MvmLayer& op);
void mvm_transposed(const Exec& exec, const MvmLayer& op);
void float_product(const Exec& exec, const FloatProduct& op);
void add_normals(const Exec& exec, const AddNormals& op);
void make_pulse_trains(const Exec& exec, const PulseTrains& op);
void pulse_cells(const Exec& exec, const PulseCells& op);
void gather_lines(const Exec& exec, const GatherLines& op);
void find_faults(const Exec& exec, const FindFaults& op);
void write_verify_cells(const Exec& exec, const WriteVerifyCells& op);
std::int64_t effective_matrix(const Exec& exec, const EffectiveMatrix& op);
void pack_gated(const Exec& exec, const PackGated& op);
void gated_products(const Exec& exec, const GatedProducts& op);
void cell_variances(const Exec& exec, const CellVariances& op);
void map_codes(const Exec& exec, const MapCodes& op);
void add_read_noise(const Exec& exec, const AddReadNoise& op);
void affine_outputs(const Exec& exec, const AffineOutputs& op);
void scale_rows(const Exec& exec, const ScaleRows& op);
void disturb_inputs(const Exec& exec, const DisturbInputs& op);
void shape_inputs(const Exec& exec, const ShapeInputs& op);
void fabricate_converters(const Exec& exec, const FabricateConverters& op);
void convert_outputs(const Exec& exec, const ConvertOutputs& op);
void finish_outputs(const Exec& exec, const FinishOutputs& op);

void gather_rows(const Exec& exec, const GatherRows& op);
void add_bias(const Exec& exec, const AddBias& op);
void sum_rows(const Exec& exec, const SumRows& op);
void rectify(const Exec& exec, const Rectify& op);
void rectify_backward(const Exec& exec, const Rectify& op);
void limit_inputs(const Exec& exec, const LimitInputs& op);
void limit_inputs_backward(const Exec& exec, const LimitInputs& op);
void limit_range_backward(const Exec& exec, const LimitInputs& op);
void gather_patches(const Exec& exec, const GatherPatches& op);
void add_patches(const Exec& exec, const AddPatches& op);
void transpose_samples(const Exec& exec, const TransposeSamples& op);
void max_pool(const Exec& exec, const PoolForward& op);
void max_pool_backward(const Exec& exec, const PoolBackward& op);
void mean_pool(const Exec& exec, const PoolForward& op);
void mean_pool_backward(const Exec& exec, const PoolBackward& op);
void softmax_loss(const Exec& exec, const SoftmaxLoss& op);
void add_fixed_point(const Exec& exec, const AddFixedPoint& op);
void add_integers(const Exec& exec, const AddIntegers& op);
void close_step(const Exec& exec, const CloseStep& op);
void step_parameters(const Exec& exec, const ParameterStep& op);
void find_largest(const Exec& exec, const float* p, std::size_t n, float* largest);
void clip_to_deviation(const Exec& exec, const ClipToDeviation& op);

const KernelTable& kernel_table();

}  // namespace mq::MQ_BACKEND
