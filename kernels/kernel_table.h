/// The operations of a backend: one op, one contract, whoever computes it.
///
/// Every backend fills a table: `reference` (plain double-precision oracles), `cpu` (one table per
/// instruction set, the same bits in each) and `cuda`. `kernels(backend)` finds it. Pointers are borrowed and
/// lie on the backend; sizes were checked by the caller, so a kernel only states what it expects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/core/random.h"
#include "meltquench/devices/registry.h"
#include "meltquench/kernels/add_normals.h"
#include "meltquench/kernels/affine_outputs.h"
#include "meltquench/kernels/cell_noise.h"
#include "meltquench/kernels/cells.h"
#include "meltquench/kernels/convert_outputs.h"
#include "meltquench/kernels/faults.h"
#include "meltquench/kernels/float_product.h"
#include "meltquench/kernels/gated_products.h"
#include "meltquench/kernels/gather_lines.h"
#include "meltquench/kernels/input_ops.h"
#include "meltquench/kernels/mvm.h"
#include "meltquench/kernels/patch_codes.h"
#include "meltquench/kernels/pulse_cells.h"
#include "meltquench/kernels/pulse_trains.h"
#include "meltquench/kernels/read_noise.h"
#include "meltquench/kernels/training_ops.h"
#include "meltquench/kernels/wires.h"
#include "meltquench/kernels/write_verify.h"

namespace mq {

/// Writes cells once towards g_target [S], each in [0, g_max]; a cell with a target below 0 stays as it is.
struct ProgramCells {
  CellsView cells{};
  const float* g_target = nullptr;  ///< [cells.size]
  RngKey key{};                     ///< of this programming
  RngKey device{};                  ///< of the fabrication: the same at every programming
  const float* age = nullptr;       ///< [cells.size] time from the write to the epoch [s]; null: 0
  WriteFaults faults{};
};

/// plane = sign * g, or plane += sign * g, with g [S] read at `time` [s] after the reference read of cells
/// that were programmed at the epoch.
struct SettleCells {
  CellsView cells{};
  double time = 0.0;
  bool has_ages = false;      ///< cells were programmed at moments of their own: time counts from those
  float inverse_heat = 0.0f;  ///< see Moment
  RngKey key{};               ///< of this moment
  RngKey writes{};            ///< of the write noise of a WriteNoiseModel: the same at every moment
  /// [cells.size] what takes the place of noise growth times normal; null: normals are drawn.
  const float* deviates = nullptr;
  const float* faults = nullptr;  ///< [cells.size] of FindFaults; null: all cells work
  float sign = 1.0f;
  bool adds = false;
  float* plane = nullptr;  ///< [cells.size]
};

struct KernelTable {
  const char* name;
  /// Draws the device-to-device variation of new cells.
  void (*fabricate_cells)(const Exec&, const CellsView& cells, const RngKey& key);
  /// Writes cells once.
  void (*program_cells)(const Exec&, const ProgramCells& op);
  /// Moves the epoch by `seconds`: adds them to the ages of cells that have one.
  void (*age_cells)(const Exec&, const CellsView& cells, double seconds);
  /// Read noise with memory moves on.
  void (*step_cell_noise)(const Exec&, const CellNoise& op);
  /// Conductance of every cell at a moment, read noise included.
  void (*settle_cells)(const Exec&, const SettleCells& op);
  /// Largest |p[i]|; 0 if n = 0.
  float (*largest_magnitude)(const Exec&, const float* p, std::size_t n);
  /// Plane -> packed integer or float panels; returns sum |weight code|.
  std::int64_t (*pack_plane)(const Exec&, const PackPlane& op);
  /// Inputs -> DAC codes; counts clipped inputs and sum |code|.
  void (*quantize_inputs)(const Exec&, const QuantizeInputs& op);
  /// Images -> DAC codes of their patches; counts likewise.
  void (*quantize_patches)(const Exec&, const QuantizePatches& op);
  /// All tiles of a layer: products, noise, ADC, digital sum over tiles; counts clipped conversions.
  void (*mvm)(const Exec&, const MvmLayer& op);
  /// The same from outputs to inputs, on the same panels.
  void (*mvm_transposed)(const Exec&, const MvmLayer& op);
  /// Float matrix product with one summation order.
  void (*float_product)(const Exec&, const FloatProduct& op);
  /// Noise on every element of an array.
  void (*add_normals)(const Exec&, const AddNormals& op);
  /// Values -> stochastic pulse trains.
  void (*make_pulse_trains)(const Exec&, const PulseTrains& op);
  /// Cells move where pulses coincide.
  void (*pulse_cells)(const Exec&, const PulseCells& op);
  /// Lines of an array in another order.
  void (*gather_lines)(const Exec&, const GatherLines& op);
  /// Which cells of an array are faulty.
  void (*find_faults)(const Exec&, const FindFaults& op);
  /// Writes cells until they verify.
  void (*write_verify_cells)(const Exec&, const WriteVerifyCells& op);
  /// What an array with resistive lines computes as one matrix; returns how many of its rows or columns, one
  /// per right-hand side, did not reach the tolerance.
  std::int64_t (*effective_matrix)(const Exec&, const EffectiveMatrix& op);
  /// Cells of an array whose inputs open transistors, as products read them and as they are read alone.
  void (*pack_gated)(const Exec&, const PackGated& op);
  /// What such an array conducts: a circuit for each sample and output.
  void (*gated_products)(const Exec&, const GatedProducts& op);
  /// Variance of the read noise of every cell.
  void (*cell_variances)(const Exec&, const CellVariances& op);
  /// What the codes of inputs count in a variance.
  void (*map_codes)(const Exec&, const MapCodes& op);
  /// Outputs get the noise of a variance.
  void (*add_read_noise)(const Exec&, const AddReadNoise& op);
  /// Digital scale and offset of outputs.
  void (*affine_outputs)(const Exec&, const AffineOutputs& op);
  /// Inputs -> inputs relative to the largest one of their sample.
  void (*scale_rows)(const Exec&, const ScaleRows& op);
  /// DAC codes -> finer codes with the errors of the drivers.
  void (*disturb_inputs)(const Exec&, const DisturbInputs& op);
  /// Inputs -> what the terms of a law of currents make of them.
  void (*shape_inputs)(const Exec&, const ShapeInputs& op);
  /// Offsets, gains and thresholds of new converters.
  void (*fabricate_converters)(const Exec&, const FabricateConverters& op);
  /// Analog outputs of one conversion -> digital sums.
  void (*convert_outputs)(const Exec&, const ConvertOutputs& op);
  /// Digital sums -> outputs.
  void (*finish_outputs)(const Exec&, const FinishOutputs& op);
  /// What training does between products.
  TrainingKernels training;
};

/// The operations of `backend`; throws BackendUnavailable where this build or machine lacks it. On the CPU
/// the widest instruction set that the machine has is taken; the environment variable MQ_ISA (one of
/// cpu_instruction_sets) overrides it.
const KernelTable& kernels(Backend backend);

/// The instruction sets that this build has and this machine can run, from narrow to wide: "base", "v3" and
/// "v4" of the x86-64 psABI, and v4 with VNNI ("vnni") and with AMX ("amx"). All give the same bits.
std::vector<std::string_view> cpu_instruction_sets();

/// The CPU table of one of them: tests compare them. Throws as above.
const KernelTable& cpu_kernels(std::string_view isa);

/// Makes a backend known; the CUDA library and the GPU-on-CPU tests call it.
void register_kernels(Backend backend, const KernelTable& table);

}  // namespace mq
