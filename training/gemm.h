/// Who computes the float products of a training: `train.gemm`.
#pragma once

#include <array>
#include <string_view>

#include "meltquench/core/exec.h"
#include "meltquench/kernels/float_product.h"

namespace mq {

enum class Gemm {
  exact,   ///< kernels/float_product.h: the same bits on every backend
  cublas,  ///< cuBLAS, for the backend cuda only: bits depend on the GPU and on the version of the library
};
constexpr std::array<std::string_view, 2> names(Gemm) { return {"exact", "cublas"}; }

/// Throws ConfigError where `gemm` cannot be had: another backend than cuda, a build without cuBLAS.
void check_gemm(const Exec& exec, Gemm gemm);

/// Expects that `check_gemm` passes.
void float_product(const Exec& exec, Gemm gemm, const FloatProduct& op);

}  // namespace mq
