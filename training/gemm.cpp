#include "meltquench/training/gemm.h"

#include <fmt/format.h>

#include "meltquench/core/contract.h"
#include "meltquench/core/error.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/kernels/library_product.h"

namespace mq {

void check_gemm(const Exec& exec, Gemm gemm) {
  if (gemm == Gemm::exact) return;
  if (exec.backend != Backend::cuda) {
    throw ConfigError(
        fmt::format("train.gemm = \"cublas\" needs the backend cuda, but this is the backend {}; choose the "
                    "backend cuda or train.gemm = \"exact\"",
                    name(exec.backend)));
  }
  if (library_product(exec.backend) == nullptr) {
    throw ConfigError(
        "train.gemm = \"cublas\" needs cuBLAS, which this build or this machine lacks; build and run where "
        "the "
        "CUDA Toolkit has it, or use train.gemm = \"exact\"");
  }
}

void float_product(const Exec& exec, Gemm gemm, const FloatProduct& op) {
  if (gemm == Gemm::exact) {
    kernels(exec.backend).float_product(exec, op);
    return;
  }
  const LibraryProduct product = library_product(exec.backend);
  MQ_EXPECTS(product != nullptr);
  product(exec, op);
}

}  // namespace mq
