/// The double-precision oracle of the grouped MVM.
#pragma once

#include "meltquench/kernels/mvm.h"

namespace mq::reference {

/// As `KernelTable::mvm` and `mvm_transposed`, with inputs and outputs in double precision: x replaces op.x,
/// y replaces op.y. With a DAC the codes of `op` are used and x is ignored. A term of one output gives it to
/// all outputs of its block.
void mvm_in_double(const MvmLayer& op, Direction direction, const double* x, double* y);

}  // namespace mq::reference
