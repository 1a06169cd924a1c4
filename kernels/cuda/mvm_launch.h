/// The kinds of products that mvm.cu chooses from.
#pragma once

#include "meltquench/kernels/cuda/mvm_quads.h"

namespace mq::MQ_BACKEND {

/// Without a DAC: chains of fused multiply-adds (mvm_float.cu).
void float_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape, Direction direction);

/// Small integer products, and those with so many inputs that sums must be split (mvm_small.cu).
void small_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape, Direction direction);

}  // namespace mq::MQ_BACKEND
