/// Float products by a vendor's library: faster than kernels/float_product.h, but with the library's order of
/// additions, so results differ from device to device and from version to version.
#pragma once

#include "meltquench/core/exec.h"
#include "meltquench/kernels/float_product.h"

namespace mq {

using LibraryProduct = void (*)(const Exec&, const FloatProduct& op);

/// cuBLAS on the backend cuda, in single precision without TF32, where this build knows it and this machine
/// has it. Null elsewhere. Expects that one of the strides of each matrix is 1.
LibraryProduct library_product(Backend backend);

/// Makes one known, or with null says that there is none; tests stand in for a device with it.
void register_library_product(Backend backend, LibraryProduct product);

}  // namespace mq
