/// The operations of the backend that the including file is compiled for: namespace mq::cpu_base, cpu_v3,
/// cpu_v4 or cuda. Contracts: kernel_table.h.
#pragma once

#include "meltquench/kernels/kernel_table.h"

namespace mq::MQ_BACKEND {

void fabricate_cells(const Exec& exec, const CellsView& cells, const RngKey& key);
void program_cells(const Exec& exec, const CellsView& cells, const float* g_target, const RngKey& key);
void settle_cells(const Exec& exec, const SettleCells& op);
float largest_magnitude(const Exec& exec, const float* p, std::size_t n);
std::int64_t pack_plane(const Exec& exec, const PackPlane& op);
void quantize_inputs(const Exec& exec, const QuantizeInputs& op);
void mvm(const Exec& exec, const MvmLayer& op);
void mvm_transposed(const Exec& exec, const MvmLayer& op);
void float_product(const Exec& exec, const FloatProduct& op);
void add_normals(const Exec& exec, const AddNormals& op);
void make_pulse_trains(const Exec& exec, const PulseTrains& op);
void pulse_cells(const Exec& exec, const PulseCells& op);

const KernelTable& kernel_table();

}  // namespace mq::MQ_BACKEND
